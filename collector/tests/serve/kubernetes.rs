//! What Kubernetes says joined with what the nodes saw, in a whole collector: any order, any number of times, over starts.

use coroner_collector::{Collector, Config};
use coroner_core::finding::{
    CgroupObservation, CgroupState, ContainerEnd, Finding, FindingBody, FindingId, Phase, Source,
};
use coroner_core::incident::{Cause, Incident, IncidentId, Outcome};
use coroner_core::kernel::{KernelEvent, OomReport, ReportEnd, Scope, Victim};
use coroner_core::kubernetes::{
    ApiChange, ClusterEvent, ContainerRecord, ContainerState, EventType, Owner, PodPhase,
    PodRecord, Regarding, Seen, Terminated,
};
use coroner_core::verdict::Case;
use coroner_proto::v1::{self, ListIncidentsRequest};

use crate::agent::{Agent, config, questions};
use crate::facts::{BOOT, at};

const POD: &str = "a9114d55-fe7c-41e4-a497-713e57f185a7";

/// The core's rules, and one for what only Kubernetes tells.
const RULES: coroner_collector::Rules = coroner_collector::Rules {
    incident_of: coroner_core::verdict::incident_of,
    judge: coroner_core::verdict::judge,
};

pub(crate) fn rules(dir: &std::path::Path) -> Config {
    Config { rules: RULES, ..config(dir) }
}

fn id(run: u32) -> String {
    format!("{run:064x}")
}

fn path(run: u32) -> String {
    format!("/kubepods/burstable/pod{POD}/{}", id(run))
}

fn finding(id: FindingId, second: i64, source: Source, body: FindingBody) -> Finding {
    Finding {
        id,
        node: "node-1".to_owned(),
        boot_id: BOOT.to_owned(),
        time: at(second),
        time_uncertainty_us: Some(1000),
        source,
        about: None,
        body,
    }
}

/// The OOM killer took a process of that run, as record `seq`.
pub(crate) fn kill(seq: u64, run: u32, second: i64) -> Finding {
    let victim = Victim {
        pid: u32::try_from(seq).unwrap(),
        comm: "memhog".to_owned(),
        cgroup: Some(path(run)),
        ..Victim::default()
    };
    let report = OomReport {
        scope: Scope::Cgroup,
        end: ReportEnd::Killed,
        limit_cgroup: Some(path(run)),
        victims: vec![victim],
        ..OomReport::default()
    };
    let body = FindingBody::Kernel(Box::new(KernelEvent::Oom(Box::new(report))));
    finding(FindingId::kernel(BOOT, seq, 0), second, Source::KernelLog, body)
}

/// A moment after that kill: so many processes are left.
pub(crate) fn aftermath(seq: u64, run: u32, second: i64, left: u64) -> Finding {
    let about = FindingId::kernel(BOOT, seq, 0);
    let state = CgroupState {
        path: path(run),
        version: 2,
        exists: left > 0,
        processes_left: (left > 0).then_some(left),
        ..CgroupState::default()
    };
    let observation = CgroupObservation {
        about: about.clone(),
        phase: Phase::Aftermath,
        attribution: None,
        limit: Some(state),
        victim: None,
        siblings: Vec::new(),
    };
    let id = FindingId::observation(&about, Phase::Aftermath);
    finding(id, second, Source::Cgroup, FindingBody::Cgroups(observation))
}

/// The group of that run became empty.
pub(crate) fn end(run: u32, second: i64) -> Finding {
    let body = ContainerEnd {
        group: path(run),
        container_id: id(run),
        main_pid: Some(100 + run),
        watched_since: Some(at(0)),
        not_before: None,
        main_sigkilled: Some(false),
        oom_kills: Some(0),
        throttled_us: None,
        throttled_periods: None,
        sandbox: false,
    };
    let id = FindingId::container_end(BOOT, &id(run));
    finding(id, second, Source::Cgroup, FindingBody::ContainerEnd(Box::new(body)))
}

pub(crate) fn ended(run: u32, second: i64, code: i32, reason: &str) -> Terminated {
    Terminated {
        exit_code: Some(code),
        reason: Some(reason.to_owned()),
        started_at: Some(at(0)),
        finished_at: Some(at(second)),
        container_id: Some(id(run)),
        ..Terminated::default()
    }
}

pub(crate) fn pod(run: u32, state: ContainerState, last: Option<Terminated>) -> PodRecord {
    PodRecord {
        uid: POD.to_owned(),
        namespace: "prod".to_owned(),
        name: "web-1".to_owned(),
        node: Some("node-1".to_owned()),
        phase: PodPhase::Running,
        owners: vec![Owner { kind: "StatefulSet".to_owned(), name: "web".to_owned(), uid: None }],
        containers: vec![ContainerRecord {
            name: "app".to_owned(),
            container_id: Some(id(run)),
            restart_count: run,
            state,
            last: last.map(Box::new),
            ..ContainerRecord::default()
        }],
        ..PodRecord::default()
    }
}

pub(crate) fn running(run: u32, last: Option<Terminated>) -> PodRecord {
    pod(run, ContainerState::Running { started_at: Some(at(0)) }, last)
}

pub(crate) fn seen(second: i64, pod: PodRecord) -> Seen {
    Seen { at: at(second), change: ApiChange::Pod(Box::new(pod)) }
}

pub(crate) async fn list(collector: &Collector) -> Vec<Incident> {
    let answer = questions(collector).await.list_incidents(ListIncidentsRequest::default()).await;
    let all: Result<_, _> =
        answer.unwrap().into_inner().incidents.into_iter().map(Incident::try_from).collect();
    all.unwrap()
}

/// Something to tell a collector.
#[derive(Clone)]
pub(crate) enum News {
    Found(Vec<Finding>),
    Seen(Seen),
}

pub(crate) async fn tell(collector: &Collector, agent: &mut Agent, news: &[News]) {
    for one in news {
        match one {
            News::Found(findings) => agent.report(findings).await,
            News::Seen(seen) => collector.kubernetes().send(vec![seen.clone()]).await.unwrap(),
        }
    }
}

/// A child is OOM-killed at second 10 and the container lives; a second kill ends it at 20; the next run ends at 30.
fn story() -> Vec<News> {
    let first = ended(0, 20, 137, "OOMKilled");
    vec![
        News::Seen(seen(1, running(0, None))),
        News::Found(vec![kill(1, 0, 10)]),
        News::Found(vec![aftermath(1, 0, 11, 3)]),
        News::Found(vec![kill(2, 0, 20)]),
        News::Found(vec![aftermath(2, 0, 21, 0)]),
        News::Seen(seen(22, running(1, Some(first)))),
        News::Found(vec![end(1, 30)]),
        News::Seen(seen(
            31,
            pod(1, ContainerState::Terminated(Box::new(ended(1, 30, 1, "OOMKilled"))), None),
        )),
    ]
}

/// What the story comes to, however it is told.
fn told(incidents: &[Incident]) {
    let by_time: Vec<_> = incidents
        .iter()
        .rev()
        .map(|i| {
            let code = i.termination.as_ref().and_then(|end| end.exit_code);
            (i.time.as_second() - at(0).as_second(), i.cause, i.outcome, code)
        })
        .collect();
    let (limit, exited) = (Cause::ContainerMemoryLimit, Some(Outcome::ContainerExited));
    assert_eq!(
        by_time,
        [
            (10, limit, Some(Outcome::ContainerSurvived), None),
            (20, limit, exited, Some(137)),
            (30, Cause::ApplicationExit, exited, Some(1)),
        ]
    );
    for incident in incidents {
        let pod = incident.pod.as_ref().unwrap();
        assert_eq!(pod.name.as_deref(), Some("web-1"));
        assert_eq!(pod.owner.as_ref().unwrap().kind, "StatefulSet");
        assert_eq!(incident.container.as_ref().unwrap().name.as_deref(), Some("app"));
    }
    let last = &incidents[0];
    assert_eq!(last.previous.len(), 1);
    assert_eq!(last.previous[0].incident.as_ref(), Some(&incidents[1].id));
    assert_eq!(last.previous[0].cause, Some(Cause::ContainerMemoryLimit));
}

#[tokio::test]
async fn findings_first_keep_their_incidents_and_get_their_names() {
    let dir = tempfile::tempdir().unwrap();
    let collector = Collector::start(rules(dir.path())).await.unwrap();
    let mut agent = Agent::connect(&collector, "node-1").await;
    tell(&collector, &mut agent, &story()).await;
    let incidents = list(&collector).await;
    told(&incidents);
    let of = |seq| IncidentId::of(&FindingId::kernel(BOOT, seq, 0));
    assert_eq!(incidents[1].id, of(2), "what was published first stays");
    assert_eq!(incidents[2].id, of(1));
    collector.shutdown().await;
}

#[tokio::test]
async fn the_order_and_repetition_of_what_comes_change_nothing() {
    for turn in 0..8 {
        let dir = tempfile::tempdir().unwrap();
        let mut collector = Collector::start(rules(dir.path())).await.unwrap();
        let mut agent = Agent::connect(&collector, "node-1").await;
        let mut news = story();
        match turn {
            0 => news.reverse(),
            // The agent's part late by all of it, and the API's.
            1 => news.sort_by_key(|one| matches!(one, News::Found(_))),
            2 => news.sort_by_key(|one| matches!(one, News::Seen(_))),
            turn => news.rotate_left(turn),
        }
        let (begin, rest) = news.split_at(4);
        tell(&collector, &mut agent, begin).await;
        let early: Vec<(IncidentId, Option<String>)> = ends(&list(&collector).await);
        collector.shutdown().await;
        collector = Collector::start(rules(dir.path())).await.unwrap();
        agent = Agent::connect(&collector, "node-1").await;
        tell(&collector, &mut agent, rest).await;
        tell(&collector, &mut agent, &news).await;
        let incidents = list(&collector).await;
        told(&incidents);
        let late = ends(&incidents);
        for end in early {
            assert!(late.contains(&end), "turn {turn}: {end:?} is another incident now");
        }
        // What was an incident of its own is still found, by the id it had.
        for seq in [1, 2] {
            let id = IncidentId::of(&FindingId::kernel(BOOT, seq, 0)).0;
            let request = v1::GetIncidentRequest { target: id.clone(), ..Default::default() };
            let found =
                questions(&collector).await.get_incident(request).await.unwrap().into_inner();
            let time = found.incident.unwrap().time.unwrap().seconds - at(0).as_second();
            assert_eq!(time, i64::try_from(seq).unwrap() * 10, "turn {turn}");
        }
        collector.shutdown().await;
    }
}

/// Incidents that are ends, and of which container.
fn ends(incidents: &[Incident]) -> Vec<(IncidentId, Option<String>)> {
    let ended = incidents.iter().filter(|incident| incident.termination.is_some());
    ended.map(|i| (i.id.clone(), i.termination.clone().unwrap().container_id)).collect()
}

#[tokio::test]
async fn late_evidence_revises_and_says_what_stood_before() {
    let dir = tempfile::tempdir().unwrap();
    let collector = Collector::start(rules(dir.path())).await.unwrap();
    let first = ended(0, 20, 137, "Error");
    collector.kubernetes().send(vec![seen(21, running(1, Some(first)))]).await.unwrap();
    let before = list(&collector).await;
    assert_eq!(before.len(), 1);
    assert_eq!(before[0].revised_from, None);
    let mut agent = Agent::connect(&collector, "node-1").await;
    agent.report(&[kill(2, 0, 20), aftermath(2, 0, 21, 0)]).await;
    let after = list(&collector).await;
    assert_eq!(after.len(), 1);
    assert_eq!(after[0].id, before[0].id);
    assert_eq!(after[0].cause, Cause::ContainerMemoryLimit);
    let revised = after[0].revised_from.clone().unwrap();
    assert_eq!(revised.cause, before[0].cause);
    assert_eq!(
        revised.why,
        "Since then came in: a finding of the kernel log, what was read of its groups."
    );
    collector.shutdown().await;
}

#[tokio::test]
async fn a_pod_that_waits_is_one_incident_however_often_it_is_tried() {
    let dir = tempfile::tempdir().unwrap();
    let collector = Collector::start(rules(dir.path())).await.unwrap();
    let input = collector.kubernetes();
    for (second, reason) in [(1, "ErrImagePull"), (2, "ImagePullBackOff"), (9, "ErrImagePull")] {
        let state = ContainerState::Waiting {
            reason: Some(reason.to_owned()),
            message: Some("not found".to_owned()),
        };
        let mut record = pod(0, state, None);
        record.phase = PodPhase::Pending;
        record.containers[0].container_id = None;
        input.send(vec![seen(second, record)]).await.unwrap();
    }
    let event = ClusterEvent {
        uid: "e1".to_owned(),
        reason: "Failed".to_owned(),
        kind: EventType::Warning,
        regarding: Regarding {
            kind: "Pod".to_owned(),
            name: "web-1".to_owned(),
            uid: Some(POD.to_owned()),
            ..Regarding::default()
        },
        last: Some(at(2)),
        ..ClusterEvent::default()
    };
    let event = Seen { at: at(3), change: ApiChange::Event(Box::new(event)) };
    input.send(vec![event.clone(), event]).await.unwrap();
    let incidents = list(&collector).await;
    assert_eq!(incidents.len(), 1, "{incidents:?}");
    assert_eq!(incidents[0].outcome, Some(Outcome::NeverStarted));
    assert_eq!(incidents[0].time, at(1));
    drop(input);
    collector.shutdown().await;
}

#[tokio::test]
async fn records_that_cannot_be_read_any_more_hold_up_nobody() {
    let dir = tempfile::tempdir().unwrap();
    let collector = Collector::start(rules(dir.path())).await.unwrap();
    let mut agent = Agent::connect(&collector, "node-1").await;
    let news = story();
    tell(&collector, &mut agent, &news[..6]).await;
    collector.shutdown().await;
    let db = rusqlite::Connection::open(dir.path().join("coroner.db")).unwrap();
    db.execute_batch("UPDATE pod SET body = x'7b'; UPDATE termination SET body = x'00ff';")
        .unwrap();
    drop(db);
    let collector = Collector::start(rules(dir.path())).await.unwrap();
    let mut agent = Agent::connect(&collector, "node-1").await;
    tell(&collector, &mut agent, &news).await;
    let incidents = list(&collector).await;
    assert_eq!(incidents.len(), 3, "{incidents:?}");
    assert_eq!(incidents[0].termination.as_ref().and_then(|end| end.exit_code), Some(1));
    collector.shutdown().await;
}

#[test]
fn a_case_without_anything_is_none() {
    assert_eq!((RULES.judge)(&Case::default()), None);
}
