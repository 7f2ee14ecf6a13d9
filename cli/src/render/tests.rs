//! What a person sees: snapshots, and names that try to steer the terminal.

use coroner_core::finding::{Finding, FindingBody, FindingId, Source};
use coroner_core::incident::{
    Cause, Confidence, ContainerRef, EarlierEnd, Evidence, Incident, IncidentId, KernelFacts,
    KubernetesSays, Outcome, OwnerRef, PodRef, RevisedFrom, TriggerFacts, VictimFacts,
};
use coroner_core::kernel::{KernelEvent, OomReport, Position, Scope, Victim};
use coroner_core::kubernetes::Terminated;
use coroner_core::verdict::{Case, judge};

use super::*;

/// The incident of the design's first page.
fn incident() -> Incident {
    Incident {
        id: IncidentId("inc-0011223344556677".to_owned()),
        time: "2026-01-02T12:00:03.412Z".parse().unwrap(),
        node: "node-2".to_owned(),
        cause: Cause::SystemOutOfMemory,
        outcome: None,
        confidence: Confidence::Confirmed,
        summary: "pid 4121 (java) was killed to free memory for the whole node".to_owned(),
        explanation: vec![
            "The kernel killed pid 4121 (java) at 12:00:03.412Z; it held 410 MiB of anonymous memory.".to_owned(),
            "Largest: pid 7 (dockerd) 1.9 GiB, pid 9 (journald) 400 MiB.".to_owned(),
        ],
        remedies: vec!["Find out why dockerd grew: it held 1.9 GiB.".to_owned()],
        pod: Some(PodRef {
            namespace: Some("prod".to_owned()),
            name: Some("web-1".to_owned()),
            uid: Some("11111111-2222-3333-4444-555555555555".to_owned()),
            owner: None,
        }),
        container: Some(ContainerRef { name: Some("app".to_owned()), id: Some("f0bf".repeat(16)) }),
        termination: Some(Terminated { exit_code: Some(137), ..Terminated::default() }),
        kernel: Some(KernelFacts {
            scope: Scope::System,
            limit_bytes: Some(512 << 20),
            trigger: Some(TriggerFacts { comm: "java".to_owned(), ..TriggerFacts::default() }),
            victims: vec![VictimFacts { pid: 4121, comm: "java".to_owned(), anon_rss_kb: Some(419_840) }],
            ..KernelFacts::default()
        }),
        evidence: vec![
            Evidence {
                source: "kernel log".to_owned(),
                detail: "seq 81231-81302  Out of memory: Killed process 4121 (java) total-vm:1000000kB".to_owned(),
                time: None,
            },
            Evidence {
                source: "cgroup".to_owned(),
                detail: format!(
                    "/kubepods.slice/kubepods-pod11111111_2222_3333_4444_555555555555.slice/cri-containerd-{}.scope  at \
                     the kill: oom_kill 1, oom 0",
                    "f0bf".repeat(16)
                ),
                time: None,
            },
        ],
        gaps: vec!["The kernel log lost 3 records.".to_owned()],
        alternatives: Vec::new(),
        sigkill: None,
        previous: Vec::new(),
        revised_from: None,
        orderly: false,
        kubernetes: None,
    }
}

/// Two hours and three minutes after the incident.
fn now() -> Timestamp {
    "2026-01-02T14:03:03.412Z".parse().unwrap()
}

fn wide_enough(width: Option<usize>) -> Columns {
    Columns { width, headers: true, namespaces: false }
}

fn plain(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
}

#[test]
fn one_incident_on_one_screen() {
    insta::assert_snapshot!(plain(&why(&incident(), Detail::Short, 80)), @r"
web-1/app (prod)   exit 137   2026-01-02T12:00:03Z   node-2
  inc-0011223344556677
SYSTEM OUT OF MEMORY: the node ran out, not the container              confirmed
  The kernel killed pid 4121 (java) at 12:00:03.412Z; it held 410 MiB of
    anonymous memory.
  Largest: pid 7 (dockerd) 1.9 GiB, pid 9 (journald) 400 MiB.
What to do
  Find out why dockerd grew: it held 1.9 GiB.
Evidence   in short; --evidence shows all of it
  kernel log  seq 81231-81302 Out of memory: Killed process 4121 (java) total...
  cgroup      .../cri-containerd-f0bff0bff0bf... at the kill: oom_kill 1, oom 0
What is missing
  The kernel log lost 3 records.
");
}

/// As `why` takes it: `coroner why Deployment/web` asks for all of them.
#[test]
fn the_workload_stands_beside_the_pod() {
    let mut incident = incident();
    let owner = OwnerRef { kind: "Deployment".to_owned(), name: "web\x1b[2J".to_owned() };
    incident.pod.as_mut().unwrap().owner = Some(owner);
    let text = plain(&why(&incident, Detail::Short, 120));
    let first = text.lines().next().unwrap();
    assert_eq!(
        first,
        r"web-1/app (prod)   Deployment/web\x1b[2J   exit 137   2026-01-02T12:00:03Z   node-2   inc-0011223344556677"
    );
}

#[test]
fn what_kubernetes_says_and_what_was_before_stand_on_the_screen() {
    let mut incident = incident();
    incident.kubernetes =
        Some(KubernetesSays { reason: Some("Error".to_owned()), disagrees: false, why: None });
    incident.previous = vec![EarlierEnd {
        restart_count: 2,
        exit_code: Some(137),
        reason: Some("OOMKilled".to_owned()),
        finished_at: Some("2026-01-02T11:00:03Z".parse().unwrap()),
        incident: Some(IncidentId("inc-0000000000000001".to_owned())),
        cause: Some(Cause::ContainerMemoryLimit),
    }];
    incident.revised_from = Some(RevisedFrom {
        cause: Cause::Unknown,
        outcome: None,
        confidence: Confidence::Unknown,
        at: "2026-01-02T12:00:05Z".parse().unwrap(),
        why: "Since then came in: a finding of the kernel log.".to_owned(),
    });
    let text = plain(&why(&incident, Detail::Short, 120));
    for line in [
        "  Kubernetes says \"Error\".\n",
        "Before\n  2026-01-02T11:00:03Z: exit 137 (OOMKilled), ContainerMemoryLimit, inc-0000000000000001\n",
        "  Until 2026-01-02T12:00:05Z the verdict was Unknown, unknown. Since then came in: a finding of the kernel log.\n",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    incident.kubernetes = Some(KubernetesSays {
        reason: Some("OOMKilled".to_owned()),
        disagrees: true,
        why: Some("Kubernetes says OOMKilled, but it was not.".to_owned()),
    });
    let text = plain(&why(&incident, Detail::Short, 120));
    assert!(text.contains("  Kubernetes says OOMKilled, but it was not.\n"), "{text}");
    // The same cause, and surer since: nobody was told otherwise.
    incident.revised_from.as_mut().unwrap().cause = incident.cause;
    let text = plain(&why(&incident, Detail::Short, 120));
    assert!(!text.contains("the verdict was"), "{text}");
    incident.revised_from.as_mut().unwrap().outcome = Some(Outcome::ContainerSurvived);
    let text = plain(&why(&incident, Detail::Short, 120));
    assert!(text.contains("the verdict was SystemOutOfMemory, unknown."), "{text}");
}

#[test]
fn narrow_terminals_break_lines_and_keep_words() {
    insta::assert_snapshot!(plain(&why(&incident(), Detail::Raw, 40)), @r"
web-1/app (prod)   exit 137
  2026-01-02T12:00:03Z   node-2
  inc-0011223344556677
SYSTEM OUT OF MEMORY: the node ran out, not the container
  confirmed
  The kernel killed pid 4121 (java) at
    12:00:03.412Z; it held 410 MiB of
    anonymous memory.
  Largest: pid 7 (dockerd) 1.9 GiB, pid
    9 (journald) 400 MiB.
What to do
  Find out why dockerd grew: it held 1.9
    GiB.
Evidence
  kernel log  seq 81231-81302 Out of
              memory: Killed process
              4121 (java)
              total-vm:1000000kB
  cgroup      /kubepods.slice/kubepods-pod11111111_2222_3333_4444_555555555555.slice/cri-containerd-f0bff0bff0bff0bff0bff0bff0bff0bff0bff0bff0bff0bff0bff0bff0bff0bf.scope
              at the kill: oom_kill 1,
              oom 0
What is missing
  The kernel log lost 3 records.
");
}

#[test]
fn many_incidents_one_in_a_row() {
    let mut bare = incident();
    (bare.pod, bare.container, bare.cause, bare.confidence) =
        (None, None, Cause::Unknown, Confidence::Unknown);
    let mut ids = incident();
    ids.pod = Some(PodRef {
        uid: Some("11111111-2222-3333-4444-555555555555".to_owned()),
        owner: None,
        ..PodRef::default()
    });
    ids.container = Some(ContainerRef { id: Some("f0bf".repeat(16)), name: None });
    let all = [incident(), ids, bare];
    insta::assert_snapshot!(narrow(&all, now(), wide_enough(None)), @r"
TIME                  NODE    CAUSE              CONFIDENCE  WHOSE                  PROCESS          ID
2026-01-02T12:00:03Z  node-2  SystemOutOfMemory  Confirmed   web-1/app              pid 4121 (java)  inc-0011223344556677
2026-01-02T12:00:03Z  node-2  SystemOutOfMemory  Confirmed   11111111/f0bff0bff0bf  pid 4121 (java)  inc-0011223344556677
2026-01-02T12:00:03Z  node-2  Unknown            Unknown     -                      pid 4121 (java)  inc-0011223344556677
");
    insta::assert_snapshot!(narrow(&all, now(), wide_enough(Some(80))), @r"
WHOSE                  CAUSE              AGE  ID
web-1/app              SystemOutOfMemory  2h   inc-0011223344556677
11111111/f0bff0bff0bf  SystemOutOfMemory  2h   inc-0011223344556677
pid 4121 (java)        Unknown            2h   inc-0011223344556677
");
    let columns = Columns { width: Some(80), headers: false, namespaces: true };
    insta::assert_snapshot!(narrow(&all[..1], now(), columns), @r"
prod  web-1/app  SystemOutOfMemory  2h  inc-0011223344556677
");
    insta::assert_snapshot!(wide(&all, true), @r"
TIME                  NODE    CAUSE              CONFIDENCE  OUTCOME  WHOSE                                                               PROCESS          USAGE  LIMIT    LIMIT OF  ID
2026-01-02T12:00:03Z  node-2  SystemOutOfMemory  Confirmed   -        web-1/app (prod)                                                    pid 4121 (java)  -      512 MiB  -         inc-0011223344556677
2026-01-02T12:00:03Z  node-2  SystemOutOfMemory  Confirmed   -        container f0bff0bff0bf of pod 11111111-2222-3333-4444-555555555555  pid 4121 (java)  -      512 MiB  -         inc-0011223344556677
2026-01-02T12:00:03Z  node-2  Unknown            Unknown     -        pid 4121 (java)                                                     pid 4121 (java)  -      512 MiB  -         inc-0011223344556677
");
    insta::assert_snapshot!(plain(&line(&all[0])), @r"
2026-01-02T12:00:03Z  node-2  SystemOutOfMemory  confirmed  pid 4121 (java) was killed to free memory for the whole node  inc-0011223344556677
");
}

/// Names come from processes: none of them moves the cursor, breaks a line or turns the writing round.
#[test]
fn hostile_names_are_escaped_everywhere() {
    let evil = "a\x1b[2J\n\u{202e}x";
    let report = OomReport {
        position: Position { seq: Some(1), ..Position::default() },
        scope: Scope::Cgroup,
        limit_cgroup: Some(format!("/x/{evil}")),
        victims: vec![Victim {
            pid: 9,
            comm: evil.to_owned(),
            cgroup: Some(format!("/x/{evil}")),
            ..Victim::default()
        }],
        excerpt: vec![format!("Killed process 9 ({evil})")],
        ..OomReport::default()
    };
    let finding = Finding {
        id: FindingId::kernel("boot", 1, 0),
        node: evil.to_owned(),
        boot_id: "boot".to_owned(),
        time: incident().time,
        time_uncertainty_us: None,
        source: Source::KernelLog,
        about: None,
        body: FindingBody::Kernel(Box::new(KernelEvent::Oom(Box::new(report)))),
    };
    let mut incident = judge(&Case { findings: vec![finding], ..Case::default() }).unwrap();
    assert!(incident.summary.contains(evil), "data stays as it was found");
    incident.pod = Some(PodRef {
        name: Some(evil.to_owned()),
        namespace: Some(evil.to_owned()),
        uid: None,
        owner: None,
    });
    incident.container = Some(ContainerRef { name: Some(evil.to_owned()), id: None });
    incident.kubernetes = Some(KubernetesSays {
        reason: Some(evil.to_owned()),
        disagrees: true,
        why: Some(evil.to_owned()),
    });
    incident.previous = vec![EarlierEnd { reason: Some(evil.to_owned()), ..EarlierEnd::default() }];
    let all = [incident];
    let cut = narrow(&all, now(), wide_enough(Some(60)));
    assert!(!cut.contains("\x1b") && !cut.contains('\u{202e}'), "{cut:?}");
    for text in [
        why(&all[0], Detail::Short, 80),
        why(&all[0], Detail::Raw, 80),
        line(&all[0]),
        narrow(&all, now(), wide_enough(None)),
        wide(&all, true),
    ] {
        assert!(!text.contains("\x1b[2J") && !text.contains('\u{202e}'), "{text:?}");
        assert!(text.contains("\\x1b[2J"), "{text:?}");
    }
    assert_eq!(line(&all[0]).lines().count(), 1);
    assert_eq!(wide(&all, true).lines().count(), 2);
}

/// Neither cause may stand there as if it were known.
#[test]
fn two_causes_that_fit_alike_are_both_in_the_headline() {
    let incident = Incident {
        cause: Cause::ApplicationExit,
        alternatives: vec![Cause::ExternalKill],
        confidence: Confidence::Possible,
        ..incident()
    };
    let text = why(&incident, Detail::Short, 200);
    assert!(
        text.contains("APPLICATION EXIT or EXTERNAL KILL: the evidence does not tell which"),
        "{text}"
    );
    assert!(!text.contains("nobody killed it"), "{text}");
}
