use super::*;
use crate::cgroup::tests::Tree;
use crate::outbox::{Bounds, Outbox};
use crate::position::Position;
use coroner_core::finding::AttributionMethod;
use coroner_core::kernel::{Position as Place, Scope};
use coroner_proto::v1;

fn witness(tree: &Tree) -> Witness {
    let metrics: Arc<Metrics> = Arc::default();
    let outbox =
        Outbox::new("n".into(), Position::default(), Bounds::default(), Arc::clone(&metrics));
    let findings = Findings { node: "n".into(), boot_id: "b".into(), outbox: Arc::new(outbox) };
    let proc = std::path::Path::new("/nonexistent");
    let mut witness = Witness::new(
        tree.hierarchy(),
        Processes::new(proc),
        (true, Arc::new(Homes::new())),
        findings,
        None,
        metrics,
    );
    witness.begin();
    witness
}

fn mark(seq: u64) -> Mark {
    Mark { seq: Some(seq), monotonic_us: None }
}

fn oom(seq: u64, pid: u32, cgroup: Option<&str>) -> KernelEvent {
    let position = Place { seq: Some(seq), ..Place::default() };
    let victim = Victim { pid, cgroup: cgroup.map(str::to_owned), ..Victim::default() };
    KernelEvent::Oom(Box::new(OomReport {
        position,
        scope: Scope::Cgroup,
        limit_cgroup: cgroup.map(str::to_owned),
        victims: vec![victim],
        bare: cgroup.is_none(),
        ..OomReport::default()
    }))
}

fn group(tree: &Tree, path: &str, kills: u32, procs: &str) {
    let control = format!("oom_kill {kills}\n");
    let files = [
        ("memory.oom_control", control.as_str()),
        ("memory.limit_in_bytes", "4096"),
        ("memory.failcnt", "0"),
        ("cgroup.procs", procs),
    ];
    tree.group(path, &files);
}

fn sent(witness: &Witness) -> Vec<v1::Finding> {
    witness.findings.outbox.take(100, 1 << 20, false).map_or_else(Vec::new, |batch| batch.findings)
}

#[test]
fn a_kill_is_looked_at_at_once_and_in_its_aftermath_without_its_victims() {
    let tree = Tree::v1();
    group(&tree, "/c", 1, "7\n8\n9\n");
    let mut witness = witness(&tree);
    let id = FindingId("kmsg:b:5".into());
    let seen = witness.event(&oom(5, 7, Some("/c")), &id, mark(5), true).unwrap();
    assert_eq!((seen.phase, seen.limit.unwrap().processes_left), (Phase::AtKill, Some(2)));
    let further = OomVictim {
        report: Place { seq: Some(5), ..Place::default() },
        victim: Victim { pid: 8, ..Victim::default() },
        oom_group: Some("/c".into()),
        ..OomVictim::default()
    };
    let event = KernelEvent::OomVictim(Box::new(further));
    assert!(witness.event(&event, &FindingId("kmsg:b:6".into()), mark(6), true).is_none());
    assert!(!witness.tick());
    assert!(sent(&witness).is_empty(), "the aftermath is not yet");
    witness.later[0].at = Instant::now();
    assert!(!witness.tick());
    let findings = sent(&witness);
    assert_eq!(findings[0].id, "cgroup:aftermath:kmsg:b:5");
    let Some(v1::finding::Body::Cgroups(seen)) = &findings[0].body else {
        panic!("no observation")
    };
    assert_eq!(seen.limit.as_ref().unwrap().processes_left, Some(1));
}

#[test]
fn a_kill_from_before_is_looked_at_once_and_holds_the_position_until_then() {
    let tree = Tree::v1();
    group(&tree, "/c", 1, "7\n8\n");
    let mut witness = witness(&tree);
    assert!(
        witness.event(&oom(5, 7, Some("/c")), &FindingId("k".into()), mark(5), false).is_none()
    );
    let outbox = Arc::clone(&witness.findings.outbox);
    outbox.read(mark(9));
    assert_eq!(outbox.position().through, Some(mark(4)));
    witness.later[0].at = Instant::now();
    witness.tick();
    assert_eq!(sent(&witness).len(), 1);
    outbox.acknowledge(1);
    assert_eq!(outbox.position().through, Some(mark(9)));
}

#[test]
fn a_bare_kill_is_told_once_its_group_is_known_and_one_that_is_not_holds_nothing() {
    let tree = Tree::v1();
    group(&tree, "/c", 1, "");
    let mut witness = witness(&tree);
    group(&tree, "/c", 2, "");
    assert!(witness.event(&oom(5, 7, None), &FindingId("k".into()), mark(5), true).is_none());
    assert!(witness.count());
    witness.decide();
    let findings = sent(&witness);
    let Some(v1::finding::Body::Cgroups(seen)) = findings[0].body.clone() else {
        panic!("no observation")
    };
    let seen = CgroupObservation::try_from(seen).unwrap();
    let found = seen.attribution.unwrap();
    assert_eq!((found.cgroup.as_str(), found.method), ("/c", AttributionMethod::OomKillCounter));
    assert_eq!(found.limit_cgroup.as_deref(), Some("/c"));
    assert_eq!(seen.limit.unwrap().oom_kill, Some(2));
    assert_eq!((witness.metrics.attributed.get(), witness.metrics.unattributed.get()), (1, 0));

    assert!(witness.event(&oom(6, 8, None), &FindingId("k2".into()), mark(6), false).is_none());
    assert_eq!(witness.metrics.unattributed.get(), 1);
    assert!(!witness.count());
}

#[test]
fn other_events_and_reports_without_a_victim_are_not_looked_at() {
    let tree = Tree::v1();
    let mut witness = witness(&tree);
    let empty = KernelEvent::Oom(Box::default());
    assert!(witness.event(&empty, &FindingId("k".into()), mark(1), true).is_none());
    assert_eq!(witness.deadline(), None);
}
