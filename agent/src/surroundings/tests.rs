//! What is handed on when somebody dies, and when nothing can be read.

use std::path::{Path, PathBuf};

use coroner_core::finding::{Finding, FindingBody, FindingId, Occasion, Source};
use coroner_core::kernel::{AllocationFailure, KernelEvent, OomReport, Scope, TaskRow, Victim};

use super::*;
use crate::config::Config;
use crate::findings::Findings;
use crate::outbox::{Bounds, Outbox};
use crate::position::Position;

fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/node").join(name)
}

fn findings() -> Findings {
    let position = Position { boot_id: "b".into(), ..Position::default() };
    let outbox = Outbox::new("n".into(), position, Bounds::default(), Arc::default());
    Findings { node: "n".into(), boot_id: "b".into(), outbox: Arc::new(outbox) }
}

fn taken(findings: &Findings) -> Vec<Finding> {
    let batch = findings.outbox.take(1000, 1 << 20, false);
    let wire = batch.map(|batch| batch.findings).unwrap_or_default();
    wire.into_iter().map(|finding| finding.try_into().unwrap()).collect()
}

fn config(proc_root: &Path, disabled: &[Source]) -> Config {
    Config {
        proc_root: proc_root.to_owned(),
        disabled: disabled.iter().copied().collect(),
        ..Config::new("n", "http://127.0.0.1:1")
    }
}

fn statuses(findings: &[Finding]) -> Vec<(Source, bool)> {
    findings
        .iter()
        .filter_map(|finding| match &finding.body {
            FindingBody::SourceStatus(status) => Some((status.source, status.reading)),
            _ => None,
        })
        .collect()
}

#[test]
fn at_a_kill_all_that_can_be_read_is_about_it() {
    let findings = findings();
    let mut sources =
        Sources::new(&config(&fixture("7.2-cut"), &[Source::Cgroup]), findings.clone());
    sources.begin();
    let begun = taken(&findings);
    let all = [Source::Fragmentation, Source::Headroom, Source::Pressure];
    assert_eq!(statuses(&begun), all.map(|source| (source, true)));
    assert!(begun.iter().any(|finding| matches!(finding.body, FindingBody::Node(_))));

    let about = FindingId("kmsg:b:7".to_owned());
    let occurrence = Occurrence {
        about: about.clone(),
        group: Some("/kubepods/x".to_owned()),
        whole_node: false,
        in_memory: false,
        report: None,
    };
    sources.about(&occurrence);
    let seen = taken(&findings);
    assert!(seen.iter().all(|finding| finding.about.as_ref() == Some(&about)));
    let mut kinds: Vec<Source> = seen.iter().map(|finding| finding.source).collect();
    kinds.sort();
    assert_eq!(kinds, all);
    for finding in &seen {
        let occasion = match &finding.body {
            FindingBody::Fragmentation(seen) => {
                assert!(seen.shortage.is_some(), "{seen:?}");
                seen.occasion
            }
            FindingBody::Headroom(seen) => seen.occasion,
            FindingBody::Pressure(seen) => seen.occasion,
            other => panic!("{other:?}"),
        };
        assert_eq!(occasion, Occasion::Incident);
    }
    // The same kill told by another witness has the same findings.
    sources.about(&occurrence);
    let again: Vec<_> = taken(&findings).into_iter().map(|finding| finding.id).collect();
    assert_eq!(again, seen.into_iter().map(|finding| finding.id).collect::<Vec<_>>());
}

#[test]
fn a_broken_proc_is_said_once_a_source_and_mended_later() {
    let dir = tempfile::tempdir().unwrap();
    let findings = findings();
    let mut sources = Sources::new(&config(dir.path(), &[Source::Cgroup]), findings.clone());
    sources.begin();
    assert!(statuses(&taken(&findings)).iter().all(|(_, reading)| !reading));
    (0..6).for_each(|_| sources.sample());
    assert_eq!(statuses(&taken(&findings)), [], "the same complaint is not repeated");
    for file in ["buddyinfo", "meminfo"] {
        std::fs::copy(fixture("7.2-whole").join(file), dir.path().join(file)).unwrap();
    }
    (0..3).for_each(|_| sources.sample());
    let mended = statuses(&taken(&findings));
    assert!(mended.contains(&(Source::Fragmentation, true)), "{mended:?}");
    assert!(mended.contains(&(Source::Headroom, true)), "{mended:?}");
    // Meminfo is there, so that there is no pressure is the kernel's doing: another complaint.
    assert!(mended.contains(&(Source::Pressure, false)), "{mended:?}");
}

#[test]
fn sources_that_are_switched_off_are_not_opened() {
    let findings = findings();
    let off = [Source::Cgroup, Source::Fragmentation, Source::Headroom, Source::Pressure];
    let mut sources = Sources::new(&config(&fixture("7.2-cut"), &off), findings.clone());
    sources.begin();
    sources.sample();
    let seen = taken(&findings);
    assert!(seen.iter().all(|finding| matches!(finding.body, FindingBody::Node(_))), "{seen:?}");
}

#[test]
fn what_is_told_and_what_is_not() {
    let (surroundings, seen) = Surroundings::new(
        Sources::new(&config(Path::new("/proc"), &[]), findings()),
        Arc::default(),
    );
    let mut told = surroundings.seen;
    let about = FindingId("a".to_owned());
    let oom = |scope, tasks| {
        KernelEvent::Oom(Box::new(OomReport {
            scope,
            tasks,
            victims: vec![Victim { cgroup: Some("/v".to_owned()), ..Victim::default() }],
            limit_cgroup: Some("/l".to_owned()),
            ..OomReport::default()
        }))
    };
    let failure = |order| {
        KernelEvent::AllocationFailure(Box::new(AllocationFailure {
            order,
            ..AllocationFailure::default()
        }))
    };
    seen.event(&oom(Scope::System, vec![TaskRow::default()]), &about);
    seen.event(&oom(Scope::System, Vec::new()), &about);
    seen.event(&oom(Scope::Cgroup, vec![TaskRow::default()]), &about);
    seen.event(&failure(Some(0)), &about);
    seen.event(&failure(Some(4)), &about);
    let mut next = || told.try_recv().ok().map(|o| (o.group, o.whole_node, o.report.is_some()));
    let victim = || Some("/v".to_owned());
    assert_eq!(next(), Some((victim(), true, true)));
    assert_eq!(next(), Some((victim(), true, false)), "without a table nobody can be looked up");
    assert_eq!(next(), Some((victim(), false, false)));
    assert_eq!(next(), Some((None, false, false)), "one page is never fragmentation");
    assert_eq!(next(), None);
}

#[test]
fn what_does_not_fit_is_counted() {
    let metrics: Arc<Metrics> = Arc::default();
    let sources = Sources::new(&config(Path::new("/proc"), &[]), findings());
    let (_surroundings, seen) = Surroundings::new(sources, Arc::clone(&metrics));
    for _ in 0..WAITING + 5 {
        seen.kill(&FindingId("a".to_owned()), None, false);
    }
    assert_eq!(metrics.surroundings_skipped.get(), 5);
}
