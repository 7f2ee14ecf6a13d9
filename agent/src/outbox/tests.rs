use super::*;
use coroner_core::finding::{CgroupObservation, Phase, Source};
use coroner_core::kernel::{KernelEvent, Reaped};
use jiff::Timestamp;

fn outbox(findings: usize) -> Outbox {
    let position = Position { boot_id: "b0".into(), ..Position::default() };
    Outbox::new("n".into(), position, Bounds { findings, bytes: 1 << 20 }, Arc::default())
}

fn finding(id: &str, body: FindingBody) -> Finding {
    Finding {
        id: FindingId(id.into()),
        node: "n".into(),
        boot_id: "b0".into(),
        time: Timestamp::UNIX_EPOCH,
        time_uncertainty_us: None,
        source: match body {
            FindingBody::Cgroups(_) => Source::Cgroup,
            _ => Source::KernelLog,
        },
        about: None,
        body,
    }
}

fn mark(seq: u64) -> Mark {
    Mark { seq: Some(seq), monotonic_us: Some(seq) }
}

fn kill(outbox: &Outbox, seq: u64) {
    let event = KernelEvent::Oom(Box::default());
    outbox.push(
        finding(&format!("kmsg:b0:{seq}"), FindingBody::Kernel(Box::new(event))),
        Some(mark(seq)),
    );
}

fn sample(outbox: &Outbox, seq: u64) {
    let event = KernelEvent::Reaped(Reaped::default());
    outbox.push(
        finding(&format!("kmsg:b0:{seq}"), FindingBody::Kernel(Box::new(event))),
        Some(mark(seq)),
    );
}

fn ids(batch: &[v1::Finding]) -> Vec<&str> {
    batch.iter().map(|f| f.id.as_str()).collect()
}

fn through(outbox: &Outbox) -> Option<u64> {
    outbox.position().through.and_then(|m| m.seq)
}

#[test]
fn findings_leave_in_order_and_only_when_acknowledged() {
    let outbox = outbox(10);
    kill(&outbox, 1);
    sample(&outbox, 2);
    kill(&outbox, 3);
    outbox.read(mark(9));
    let v1::Batch { sequence: first, findings: batch, .. } =
        outbox.take(2, 1 << 20, false).unwrap();
    assert_eq!(ids(&batch), ["kmsg:b0:1", "kmsg:b0:2"]);
    let v1::Batch { sequence: second, findings: batch, .. } =
        outbox.take(2, 1 << 20, false).unwrap();
    assert_eq!((first, second, ids(&batch)), (1, 2, vec!["kmsg:b0:3"]));
    assert!(outbox.take(2, 1 << 20, false).is_none());
    assert_eq!(through(&outbox), Some(0));
    assert_eq!(outbox.acknowledge(1), 2);
    assert_eq!(outbox.acknowledge(1), 0, "a doubled acknowledgement frees nothing more");
    assert_eq!(through(&outbox), Some(2));
    assert!(!outbox.is_empty());
    assert_eq!(outbox.acknowledge(7), 1);
    assert!(outbox.is_empty());
    assert_eq!(through(&outbox), Some(9));
}

#[test]
fn a_new_stream_sends_again_what_was_not_acknowledged_with_its_old_number() {
    let outbox = outbox(10);
    for seq in 1..=4 {
        kill(&outbox, seq);
    }
    outbox.take(1, 1 << 20, false).unwrap();
    outbox.take(2, 1 << 20, false).unwrap();
    outbox.acknowledge(1);
    sample(&outbox, 5);
    assert_eq!(outbox.rewind(), 2);
    let v1::Batch { sequence, findings: batch, .. } = outbox.take(10, 1 << 20, false).unwrap();
    assert_eq!(sequence, 2);
    assert_eq!(ids(&batch), ["kmsg:b0:2", "kmsg:b0:3", "kmsg:b0:4", "kmsg:b0:5"]);
}

#[test]
fn a_batch_keeps_to_its_bytes_but_is_never_empty() {
    let outbox = outbox(10);
    kill(&outbox, 1);
    kill(&outbox, 2);
    assert_eq!(outbox.take(10, 1, false).unwrap().findings.len(), 1);
    assert_eq!(outbox.take(10, 1, false).unwrap().findings.len(), 1);
}

#[test]
fn samples_go_first_kills_last_and_what_went_is_a_gap_that_holds_the_position() {
    let outbox = outbox(3);
    kill(&outbox, 1);
    sample(&outbox, 2);
    sample(&outbox, 3);
    kill(&outbox, 4);
    kill(&outbox, 5);
    kill(&outbox, 6);
    outbox.read(mark(9));
    let v1::Batch { sequence, findings: batch, .. } = outbox.take(10, 1 << 20, false).unwrap();
    assert_eq!(ids(&batch), ["kmsg:b0:4", "kmsg:b0:5", "kmsg:b0:6", "gap:b0:kernel log:1"]);
    let Some(v1::finding::Body::Gap(gap)) = &batch[3].body else { panic!("no gap") };
    assert_eq!((gap.first_lost, gap.lost), (Some(1), Some(3)));
    assert_eq!(through(&outbox), Some(0), "the first that was dropped holds it");
    outbox.acknowledge(sequence);
    assert_eq!(through(&outbox), Some(9));
    assert!(outbox.is_empty());
}

#[test]
fn what_was_read_of_cgroups_goes_before_any_kill_and_has_its_own_gap() {
    let outbox = outbox(1);
    let observation = CgroupObservation {
        about: FindingId("kmsg:b0:1".into()),
        phase: Phase::AtKill,
        attribution: None,
        limit: None,
        victim: None,
        siblings: Vec::new(),
    };
    outbox.push(finding("o", FindingBody::Cgroups(observation)), Some(mark(1)));
    kill(&outbox, 1);
    let v1::Batch { findings: batch, .. } = outbox.take(10, 1 << 20, false).unwrap();
    assert_eq!(ids(&batch), ["kmsg:b0:1", "gap:b0:cgroup:1"]);
}

#[test]
fn a_refused_finding_becomes_a_gap_and_the_rest_goes_on() {
    let outbox = outbox(10);
    kill(&outbox, 1);
    kill(&outbox, 2);
    outbox.take(10, 1 << 20, false).unwrap();
    assert_eq!(outbox.refuse_first().as_deref(), Some("kmsg:b0:1"));
    assert_eq!(outbox.rewind(), 1);
    let v1::Batch { findings: batch, .. } = outbox.take(10, 1 << 20, false).unwrap();
    assert_eq!(ids(&batch), ["kmsg:b0:2", "gap:b0:kernel log:1"]);
    assert!(outbox.refuse_first().is_some());
    assert!(outbox.refuse_first().is_some());
    assert!(outbox.refuse_first().is_none(), "nothing is left to refuse");
}

#[test]
fn coverage_travels_with_findings_and_alone_when_asked_for() {
    let outbox = outbox(10);
    assert_eq!(outbox.take(10, 1 << 20, true), None, "nothing is covered");
    outbox.coverage.begin(Source::KernelLog, 1);
    outbox.coverage.covered(Source::KernelLog, 2);
    assert_eq!(outbox.take(10, 1 << 20, false), None);
    let batch = outbox.take(10, 1 << 20, true).unwrap();
    assert_eq!((batch.findings.len(), batch.coverage.len()), (0, 1));
    assert!(!outbox.is_empty(), "it is not acknowledged");
    // The connection broke: it goes again, with what is new.
    outbox.rewind();
    kill(&outbox, 1);
    let again = outbox.take(10, 1 << 20, false).unwrap();
    assert_eq!((again.sequence, again.findings.len()), (batch.sequence, 1));
    assert_eq!(again.coverage, batch.coverage);
    outbox.acknowledge(again.sequence);
    assert!(outbox.is_empty());
    assert_eq!(outbox.take(10, 1 << 20, true), None);
}
