//! Holds what was answered against what was written down.

use jiff::Timestamp;
use serde_json::Value;

use super::cases::panic;
use super::expected::{Expected, Outcome, Wanted};
use super::inside::scene::container_id;
use super::machine;
use super::plan::{Boot, Off};
use super::record::{Line, Record};

/// The kernel log's clock runs some milliseconds ahead of the guest's.
const SLACK_US: i64 = 200_000;

/// Everything wrong with one case of one boot; empty when all is right.
#[derive(Debug)]
pub struct Judgement {
    /// Name of the case, or what else was judged.
    pub case: String,
    /// One sentence each.
    pub wrong: Vec<String>,
    /// Nothing can be said of it: the guest did not get so far, or its answers did not come out.
    pub lost: bool,
    /// The incidents that were looked at, for whoever mends it.
    pub incidents: Vec<Value>,
}

/// One incident as it came out.
struct Answer<'a> {
    json: &'a Value,
    why: &'a str,
    at_us: i64,
}

/// Judges all cases of a boot, and what lies between them.
#[must_use]
pub fn judge(boot: &Boot, outcome: &machine::Outcome) -> Vec<Judgement> {
    let mut answers = Vec::new();
    let mut records = Vec::new();
    let mut trouble: Vec<String> = outcome.trouble.iter().cloned().collect();
    for line in &outcome.lines {
        match line {
            Line::Case(record) => records.push(record),
            Line::Incident { json, why } => {
                let time = json["time"].as_str().and_then(|t| t.parse::<Timestamp>().ok());
                let at_us = time.map_or(0, Timestamp::as_microsecond);
                answers.push(Answer { json, why, at_us });
            }
            Line::Trouble(why) => trouble.push(why.clone()),
            Line::State { .. } | Line::Asked { .. } | Line::Log { .. } | Line::End => {}
        }
    }
    // What did not come out may be the very answer that is missed: then a case is neither right nor wrong.
    if let Some(why) = trouble.first() {
        return lost(boot, &records, why, outcome);
    }
    let mut judgements = Vec::new();
    for case in &boot.cases {
        if case.name == panic::PANIC {
            judgements.push(panicked(&outcome.lines));
            continue;
        }
        let Some(record) = records.iter().find(|r| r.case == case.name) else {
            judgements.push(Judgement::lost(case.name, "it was not acted out".to_owned()));
            continue;
        };
        let during = |a: &&Answer<'_>| {
            (record.from_us - SLACK_US..=record.to_us + SLACK_US).contains(&a.at_us)
        };
        // The containers of the case before may still be ending.
        let left_over = |a: &&Answer<'_>| {
            let id = a.json["container"]["id"].as_str();
            let foreign = id.is_some_and(|id| !record.containers.values().any(|own| own == id));
            foreign && ends_by_itself(a, boot)
        };
        let own: Vec<&Answer<'_>> =
            answers.iter().filter(during).filter(|a| !left_over(a)).collect();
        let mut wrong: Vec<String> = record
            .failed
            .iter()
            .map(|f| format!("the case did not come out as meant: {f}"))
            .collect();
        wrong.extend(compare(&(case.expected)(&boot.setting()), record, &own));
        judgements.push(Judgement {
            case: case.name.to_owned(),
            wrong,
            lost: false,
            incidents: own.iter().map(|a| a.json.clone()).collect(),
        });
    }
    let stray: Vec<&Answer<'_>> = answers
        .iter()
        .filter(|a| {
            !records.iter().any(|r| (r.from_us - SLACK_US..=r.to_us + SLACK_US).contains(&a.at_us))
        })
        .filter(|a| !ends_by_itself(a, boot))
        .collect();
    judgements.push(Judgement {
        case: BETWEEN.to_owned(),
        wrong: stray.iter().map(|a| format!("nobody did this: {}", headline(a.json))).collect(),
        lost: false,
        incidents: stray.iter().map(|a| a.json.clone()).collect(),
    });
    judgements
}

/// What is left of a case is told to end, and does; without the trace nobody can tell that it was not killed.
fn ends_by_itself(answer: &Answer<'_>, boot: &Boot) -> bool {
    let cause = &answer.json["cause"];
    cause == "ApplicationExit"
        || cause == "Terminated"
        || (boot.setting().off == Off::SignalTrace && cause == "Unknown")
}

/// The row for everything that belongs to no case.
pub const BETWEEN: &str = "(between cases)";

/// After a panic: nobody knows whether the container that ran then was killed, and nobody may say so.
fn panicked(lines: &[Line]) -> Judgement {
    let lost = container_id(panic::PANIC, "app");
    let mut wrong = Vec::new();
    let asked: Vec<_> = lines
        .iter()
        .filter_map(|line| match line {
            Line::Asked { args, code, text } => Some((args, *code, text)),
            _ => None,
        })
        .collect();
    match asked.iter().find(|(args, ..)| args.contains(&lost)) {
        Some((_, Some(3), text)) => {
            let text = text.to_lowercase();
            for claim in ["no oom kill", "not an oom kill", "excluded", "killed by"] {
                if text.contains(claim) && !text.contains("cannot be excluded") {
                    wrong.push(format!("it says `{claim}` of a time that nobody watched: {text}"));
                }
            }
        }
        Some((_, code, text)) => wrong.push(format!("`coroner why` ended with {code:?}: {text}")),
        None => wrong.push("nobody asked after the panic".to_owned()),
    }
    Judgement { case: panic::PANIC.to_owned(), wrong, lost: false, incidents: Vec::new() }
}

/// Every case of a boot whose results are not whole.
fn lost(boot: &Boot, records: &[&Record], why: &str, outcome: &machine::Outcome) -> Vec<Judgement> {
    let mut all: Vec<Judgement> = Vec::new();
    for case in &boot.cases {
        let done = records.iter().any(|r| r.case == case.name);
        let done = if done { "acted out, and not answered" } else { "not acted out" };
        all.push(Judgement::lost(case.name, done.to_owned()));
    }
    let last = records.last().map_or("none", |r| r.case.as_str());
    let mut whole = Judgement::lost(BETWEEN, format!("{why}; the last case acted out is {last}"));
    for line in &outcome.lines {
        if let Line::Log { program, text } = line {
            whole.wrong.push(format!("log of the {program}: {}", end_of(text)));
        }
    }
    let console = std::fs::read(outcome.dir.join("console.log")).unwrap_or_default();
    whole.wrong.push(format!("console: {}", end_of(&String::from_utf8_lossy(&console))));
    all.push(whole);
    all
}

/// The last lines of a text, in one.
fn end_of(text: &str) -> String {
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    lines[lines.len().saturating_sub(4)..].join(" | ")
}

impl Judgement {
    /// Nothing can be said, and why.
    #[must_use]
    pub fn lost(case: &str, why: String) -> Self {
        Self { case: case.to_owned(), wrong: vec![why], lost: true, incidents: Vec::new() }
    }
}

/// An incident in one line.
#[must_use]
pub fn headline(incident: &Value) -> String {
    let of = |key: &str| incident[key].as_str().unwrap_or("null").to_owned();
    format!("{} {} {}: {}", of("cause"), of("confidence"), of("outcome"), of("summary"))
}

fn compare(expected: &Expected, record: &Record, answers: &[&Answer<'_>]) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut left: Vec<&Answer<'_>> = answers.to_vec();
    for wanted in &expected.incidents {
        let mine: Vec<&Answer<'_>> =
            left.iter().filter(|a| is_about(wanted, record, a)).copied().collect();
        left.retain(|a| !is_about(wanted, record, a));
        let who = wanted.container.or(wanted.victims.first().copied()).unwrap_or("?");
        if wanted.if_gone && !record.gone.iter().any(|role| role == who) {
            wrong
                .extend(mine.iter().map(|a| format!("{who} lives, and yet: {}", headline(a.json))));
            continue;
        }
        if mine.is_empty() && !wanted.may_be_missing {
            wrong.push(format!("no incident about {who}"));
        }
        if mine.len() > 1 && wanted.kills.is_none() {
            wrong.push(format!("{} incidents about {who}, not one", mine.len()));
        }
        if let Some(kills) = wanted.kills {
            let nobodys = |a: &&Answer<'_>| is_stray(wanted, a);
            let strays: Vec<&Answer<'_>> = left.iter().copied().filter(nobodys).collect();
            left.retain(|a| !is_stray(wanted, a));
            let mut pids: Vec<u64> = mine.iter().chain(&strays).flat_map(|a| victims(a)).collect();
            let all = pids.len();
            pids.sort_unstable();
            pids.dedup();
            if all != kills || pids.len() != kills {
                wrong.push(format!("{all} kills ({} distinct), not {kills}", pids.len()));
            }
        }
        for answer in mine {
            wrong.extend(differences(wanted, record, answer));
        }
    }
    left.retain(|a| !passes(expected, record, a));
    wrong.extend(left.iter().map(|a| format!("nobody did this: {}", headline(a.json))));
    wrong.sort();
    wrong.dedup();
    wrong
}

/// By the container's id, or by a victim's pid outside containers.
fn is_about(wanted: &Wanted, record: &Record, answer: &Answer<'_>) -> bool {
    match wanted.container {
        Some(role) => {
            let ids = std::iter::once(role).chain(wanted.victims.iter().copied());
            let mut ids = ids.filter_map(|r| record.containers.get(r));
            ids.any(|id| answer.json["container"]["id"] == id.as_str())
        }
        None => {
            let pids = victims(answer);
            answer.json["container"]["id"].is_null()
                && wanted
                    .victims
                    .iter()
                    .filter_map(|r| record.pids.get(*r))
                    .any(|pid| pids.contains(&u64::from(*pid)))
        }
    }
}

/// A kill of a process of the name that may be nobody's, of unknown cause.
fn is_stray(wanted: &Wanted, answer: &Answer<'_>) -> bool {
    wanted.strays.is_some_and(|name| {
        answer.json["container"]["id"].is_null()
            && answer.json["cause"] == "Unknown"
            && answer.json["kernel"]["victims"][0]["comm"] == name
    })
}

/// An end of a container that came and went, of which nothing is claimed that was not so.
fn passes(expected: &Expected, record: &Record, answer: &Answer<'_>) -> bool {
    let pod = expected.passing.and_then(|role| record.pods.get(role));
    pod.is_some_and(|uid| answer.json["pod"]["uid"] == uid.as_str())
        && answer.json["kernel"].is_null()
        && ["Unknown", "ApplicationExit", "Terminated"].iter().any(|c| answer.json["cause"] == *c)
}

fn victims(answer: &Answer<'_>) -> Vec<u64> {
    let victims = answer.json["kernel"]["victims"].as_array();
    victims.into_iter().flatten().filter_map(|v| v["pid"].as_u64()).collect()
}

fn differences(wanted: &Wanted, record: &Record, answer: &Answer<'_>) -> Vec<String> {
    let mut wrong = Vec::new();
    let of = |key: &str| answer.json[key].as_str().unwrap_or("null");
    let verdict = (of("cause"), of("confidence"));
    if !wanted.verdicts.contains(&verdict) {
        wrong.push(format!("{} {}, not {}", verdict.0, verdict.1, either(&wanted.verdicts)));
    }
    let outcome_right = match wanted.outcome {
        Outcome::Is(name) => of("outcome") == name,
        Outcome::IsOrUnknown(name) => of("outcome") == name || of("outcome") == "null",
    };
    if !outcome_right {
        wrong.push(format!("outcome {}, not {:?}", of("outcome"), wanted.outcome));
    }
    if answer.json["kernel"].is_object() {
        let pids = victims(answer);
        for role in &wanted.victims {
            let pid = record.pids.get(*role).copied().unwrap_or(0);
            if !pids.contains(&u64::from(pid)) {
                wrong.push(format!("{role} (pid {pid}) is not among the victims {pids:?}"));
            }
        }
        if wanted.kills.is_none() && !wanted.victims.is_empty() && pids.len() > wanted.victims.len()
        {
            wrong.push(format!("{} victims, not {}: {pids:?}", pids.len(), wanted.victims.len()));
        }
    }
    // As a person reads it: lines are folded to the width of a terminal.
    let text = answer.why.split_whitespace().collect::<Vec<_>>().join(" ");
    for says in &wanted.says {
        let says = fill_in(says, record);
        if !text.contains(&says) {
            wrong.push(format!("it does not say `{says}`"));
        }
    }
    for says in &wanted.says_not {
        if text.contains(says) {
            wrong.push(format!("it says `{says}`"));
        }
    }
    wrong
}

fn either(verdicts: &[(&str, &str)]) -> String {
    let all: Vec<String> = verdicts.iter().map(|(cause, sure)| format!("{cause} {sure}")).collect();
    all.join(" or ")
}

/// `{role}` becomes the process id of that role.
fn fill_in(text: &str, record: &Record) -> String {
    let mut filled = text.to_owned();
    for (role, pid) in &record.pids {
        filled = filled.replace(&format!("{{{role}}}"), &pid.to_string());
    }
    filled
}
