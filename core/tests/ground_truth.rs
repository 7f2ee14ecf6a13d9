//! Recorded runs whose truth is known: the verdicts are right, and with less evidence less sure, never wrong.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "tests may fail")]

mod replay;

use std::fs;
use std::path::Path;

use coroner_core::incident::{Cause, Confidence, Incident};

use replay::book::{container_of, judge_all};
use replay::load::{Experiment, experiment, root};
use replay::matrix::{Row, is_wrong, page};
use replay::truth::{TRUTH, Truth};
use replay::vary::{VARIATIONS, same};

fn all() -> impl Iterator<Item = (Experiment, &'static [Truth])> {
    TRUTH.iter().map(|(name, truth)| (experiment(name), *truth))
}

#[test]
fn every_recording_has_its_truth() {
    let mut recorded: Vec<String> = Vec::new();
    for version in ["cgroup-v1", "cgroup-v2"] {
        for folder in fs::read_dir(root().join(version)).unwrap() {
            let name = folder.unwrap().file_name().into_string().unwrap();
            recorded.push(format!("{version}/{name}"));
        }
    }
    recorded.sort();
    let mut told: Vec<&str> = TRUTH.iter().map(|(name, _)| *name).collect();
    told.sort_unstable();
    assert_eq!(told, recorded);
}

fn differs(truth: &Truth, incident: &Incident) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut check = |what: &str, is: String, expected: String| {
        if is != expected {
            wrong.push(format!("{what} is {is}, expected {expected}"));
        }
    };
    let name = incident.container.as_ref().and_then(|c| c.name.clone()).unwrap_or_default();
    check("container", name, truth.container.to_owned());
    let cause = match (truth.confidence, truth.or) {
        (Confidence::Unknown, _) => Cause::Unknown,
        (_, [first, ..]) => *first,
        (_, []) => truth.cause,
    };
    check("cause", incident.cause.to_string(), cause.to_string());
    let or: Vec<Cause> = truth.or.iter().copied().skip(1).collect();
    check("alternatives", format!("{:?}", incident.alternatives), format!("{or:?}"));
    check("outcome", format!("{:?}", incident.outcome), format!("{:?}", truth.outcome));
    check("confidence", incident.confidence.name().to_owned(), truth.confidence.name().to_owned());
    let kubernetes = incident.kubernetes.clone().unwrap_or_default();
    check("reason", kubernetes.reason.unwrap_or_default(), truth.reason.to_owned());
    check("disagrees", kubernetes.disagrees.to_string(), truth.disagrees.to_string());
    check("a proof", kubernetes.why.is_some().to_string(), truth.disagrees.to_string());
    wrong
}

#[test]
fn every_verdict_is_right() {
    let mut wrong = Vec::new();
    for (experiment, truth) in all() {
        let judged = judge_all(&experiment);
        if judged.len() != truth.len() {
            let causes: Vec<_> = judged.iter().map(|i| (i.cause, i.time, &i.summary)).collect();
            wrong.push(format!("{}: {} incidents: {causes:#?}", experiment.name, judged.len()));
            continue;
        }
        for (truth, incident) in truth.iter().zip(&judged) {
            for what in differs(truth, incident) {
                wrong.push(format!("{}: {what}: {}", experiment.name, incident.summary));
            }
            assert!(
                !incident.evidence.is_empty(),
                "{}: no cause without evidence",
                experiment.name
            );
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// With anything missing, late or twice: the same, or less sure, and never wrong.
#[test]
fn with_less_evidence_less_sure_and_never_wrong() {
    let mut wrong = Vec::new();
    for (experiment, truth) in all() {
        let full = judge_all(&experiment);
        assert_eq!(full.len(), truth.len(), "{}", experiment.name);
        for (what, vary) in VARIATIONS {
            let judged = judge_all(&vary(&experiment));
            for incident in judged {
                let Some((at, whole)) = same(&full, &incident) else {
                    wrong.push(format!(
                        "{}, {what}: an incident of its own: {}",
                        experiment.name, incident.summary
                    ));
                    continue;
                };
                let row = Row { truth: truth[at], verdict: incident };
                let incident = &row.verdict;
                let surer = incident.confidence > whole.confidence;
                let other = incident.outcome.is_some() && incident.outcome != whole.outcome;
                if is_wrong(&row) || surer || other {
                    wrong.push(format!(
                        "{}, {what}: {} ({}, {:?}), not {} ({}, {:?}): {}",
                        experiment.name,
                        incident.cause,
                        incident.confidence.name(),
                        incident.outcome,
                        row.truth.cause,
                        whole.confidence.name(),
                        whole.outcome,
                        incident.summary
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

/// Order and repetition change nothing at all.
#[test]
fn order_and_repetition_change_nothing() {
    for (experiment, _) in all() {
        let full = judge_all(&experiment);
        for (what, vary) in &VARIATIONS[..3] {
            let key = |all: &[Incident]| -> Vec<_> {
                all.iter()
                    .map(|i| {
                        (container_of(i), i.cause, i.confidence, i.outcome, i.explanation.clone())
                    })
                    .collect()
            };
            assert_eq!(
                key(&judge_all(&vary(&experiment))),
                key(&full),
                "{}, {what}",
                experiment.name
            );
        }
    }
}

#[test]
fn the_page_is_current() {
    let mut rows = Vec::new();
    for (experiment, truth) in all() {
        let judged = judge_all(&experiment);
        rows.extend(
            truth.iter().zip(judged).map(|(truth, verdict)| Row { truth: *truth, verdict }),
        );
    }
    let page = page(&rows, TRUTH.len());
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/accuracy.md");
    if std::env::var_os("CORONER_ACCURACY").is_some() {
        fs::write(&path, &page).unwrap();
    }
    let held = fs::read_to_string(&path).unwrap_or_default();
    assert!(held == page, "docs/accuracy.md is not current; it says itself how to write it");
}
