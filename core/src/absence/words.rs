//! The answer in one sentence: what is excluded, by whom, or which holes forbid it. Names are given as found.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::{Absence, MOST_KILLS, Question, Verdict, Witness};
use crate::finding::Source;
use crate::incident::Confidence;
use crate::spans::Span;

/// Holes of one witness that are told one by one.
const TOLD: usize = 3;

/// The sentence. `homeless` kills are known that may be this container's.
pub(super) fn sentence(question: &Question<'_>, answer: &Absence, homeless: usize) -> String {
    let place = match question.container {
        Some(id) => {
            format!("in container {} on {}", id.get(..12).unwrap_or(id), question.node)
        }
        None => format!("on {}", question.node),
    };
    let place = format!("{place} between {} and {}", second(answer.from), second(answer.to));
    let incomplete = answer.witnesses.iter().filter(|witness| !witness.holes.is_empty());
    match (answer.verdict, answer.confidence) {
        (Verdict::Happened, _) => {
            let kills = match answer.kills {
                1 => "1 kernel OOM kill is known".to_owned(),
                many if usize::try_from(many).is_ok_and(|many| many >= MOST_KILLS) => {
                    format!("At least {many} kernel OOM kills are known")
                }
                more => format!("{more} kernel OOM kills are known"),
            };
            format!("{kills} {place}.")
        }
        (Verdict::Excluded, Confidence::Confirmed) => {
            format!("No kernel OOM kill happened {place}: {}.", seen(answer))
        }
        (Verdict::Excluded, _) => {
            let missing: Vec<String> = incomplete.map(|w| missed(w, answer)).collect();
            let doubt = if missing.is_empty() {
                String::new()
            } else {
                format!(" Nobody confirms it: {}.", missing.join("; "))
            };
            format!(
                "No kernel OOM kill is likely to have happened {place}: {}.{doubt}",
                seen(answer)
            )
        }
        (Verdict::Open, _) => {
            let mut reasons: Vec<String> = incomplete.map(|w| missed(w, answer)).collect();
            if homeless > 0 {
                let (kills, whose) = match homeless {
                    1 => ("1 kill".to_owned(), "whose it was"),
                    more => (format!("{more} kills"), "whose they were"),
                };
                reasons.insert(0, format!("of {kills} on the node nobody knows {whose}"));
            }
            if reasons.is_empty() {
                reasons.push("there is no time between them that was watched".to_owned());
            }
            format!("A kernel OOM kill {place} cannot be excluded: {}.", reasons.join("; "))
        }
    }
}

/// What was seen, or rather not.
fn seen(answer: &Absence) -> String {
    let complete: Vec<&str> = answer
        .witnesses
        .iter()
        .filter(|witness| witness.holes.is_empty())
        .map(|witness| match witness.source {
            Source::KernelLog => "the kernel log was read without a hole",
            Source::Cgroup => "no OOM counter rose",
            _ => "the trace of signals saw no mark",
        })
        .collect();
    if complete.is_empty() {
        return "at every moment one of the kernel log, the OOM counters and the trace of signals was watched"
            .to_owned();
    }
    complete.join(", ")
}

/// What a witness missed.
fn missed(witness: &Witness, answer: &Absence) -> String {
    let whole = matches!(witness.holes.as_slice(),
        [Span { from, to }] if *from == answer.from && *to == answer.to);
    let (name, verb) = match witness.source {
        Source::KernelLog => ("the kernel log", "is not known to have been read"),
        Source::Cgroup => ("the OOM counters", "are not known to have been watched"),
        _ => ("the trace of signals", "is not known to have run"),
    };
    if whole {
        return format!("{name} {verb}");
    }
    let plural = if witness.source == Source::Cgroup { "have" } else { "has" };
    let told: Vec<String> = witness
        .holes
        .iter()
        .take(TOLD)
        .map(|hole| format!("from {} to {}", exact(hole.from), exact(hole.to)))
        .collect();
    match witness.holes.len() {
        1 => format!("{name} {plural} a hole {}", told.join("")),
        n if n <= TOLD => format!("{name} {plural} holes {}", told.join(", ")),
        n => format!("{name} {plural} {n} holes, the first {}", told.join(", ")),
    }
}

/// `2026-01-02T12:00:03Z`.
fn second(time: Timestamp) -> String {
    time.to_zoned(TimeZone::UTC).strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// `2026-01-02T12:00:03.412Z`.
fn exact(time: Timestamp) -> String {
    time.to_zoned(TimeZone::UTC).strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}
