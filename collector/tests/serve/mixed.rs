//! Any life of a pod's container, told by objects and findings in any order and more than once: never two verdicts for one end,
//! nothing confirmed that nobody watched, no cause without evidence, and in the end the same whatever came first.

use std::collections::BTreeSet;

use coroner_collector::Collector;
use coroner_core::finding::Source;
use coroner_core::incident::{Cause, Confidence, Incident, Outcome};
use coroner_core::kubernetes::{ApiChange, ContainerState, Seen};
use coroner_proto::v1::{self, ListIncidentsRequest};

use crate::agent::{Agent, questions};
use crate::facts::{at, covered};
use crate::kubernetes::{News, aftermath, end, ended, kill, pod, rules, running, seen, tell};

/// Lives that are tried.
const LIVES: u64 = 16;

/// Seconds of one run.
const RUN: i64 = 30;

/// The same numbers for the same seed (xorshift64*).
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % n
    }

    fn shuffle<T>(&mut self, all: &mut [T]) {
        for last in (1..all.len()).rev() {
            let other = usize::try_from(self.below(u64::try_from(last).unwrap() + 1)).unwrap();
            all.swap(last, other);
        }
    }
}

/// A life of up to four runs, as it was seen.
fn life(dice: &mut Dice) -> Vec<News> {
    let mut news = Vec::new();
    let mut last = None;
    for run in 0..1 + u32::try_from(dice.below(4)).unwrap() {
        let begin = i64::from(run) * RUN;
        let seq = u64::from(run) * 2 + 1;
        news.push(News::Seen(seen(begin + 1, running(run, last.clone()))));
        let code = match dice.below(4) {
            0 => {
                news.push(News::Found(vec![kill(seq, run, begin + 20)]));
                news.push(News::Found(vec![aftermath(seq, run, begin + 21, 0)]));
                137
            }
            1 => {
                news.push(News::Found(vec![kill(seq, run, begin + 10)]));
                news.push(News::Found(vec![aftermath(seq, run, begin + 11, 3)]));
                news.push(News::Found(vec![end(run, begin + 20)]));
                1
            }
            2 => {
                news.push(News::Found(vec![end(run, begin + 20)]));
                [0, 1, 143][usize::try_from(dice.below(3)).unwrap()]
            }
            _ => {
                news.push(News::Found(vec![kill(seq, run, begin + 20)]));
                137
            }
        };
        let reason = ["OOMKilled", "Error"][usize::try_from(dice.below(2)).unwrap()];
        let over = ended(run, begin + 20, code, reason);
        let state = ContainerState::Terminated(Box::new(over.clone()));
        news.push(News::Seen(seen(begin + 22, pod(run, state, last))));
        last = Some(over);
    }
    if dice.below(3) == 0 {
        let uids = ApiChange::PodsAre(vec!["another".to_owned()]);
        news.push(News::Seen(Seen { at: at(4 * RUN), change: uids }));
    }
    news
}

async fn all(collector: &Collector) -> Vec<Incident> {
    let filter = v1::IncidentFilter { orderly: true, ..Default::default() };
    let request = ListIncidentsRequest { filter: Some(filter), ..Default::default() };
    let answer = questions(collector).await.list_incidents(request).await.unwrap().into_inner();
    answer.incidents.into_iter().map(|incident| incident.try_into().unwrap()).collect()
}

/// What holds whatever is known so far.
fn sound(incidents: &[Incident], watched: bool, how: &str) {
    let mut ends = BTreeSet::new();
    for incident in incidents {
        if let Some(id) = incident.termination.as_ref().and_then(|end| end.container_id.clone()) {
            assert!(ends.insert(id), "{how}: two verdicts for one end: {incidents:#?}");
        }
        assert!(!incident.evidence.is_empty() && !incident.explanation.is_empty(), "{how}");
        let unknown = incident.cause == Cause::Unknown;
        assert_eq!(unknown, incident.confidence == Confidence::Unknown, "{how}: {incident:#?}");
        let confirmed = incident.confidence == Confidence::Confirmed;
        assert!(watched || !confirmed, "{how}: nobody watched: {incident:#?}");
    }
}

/// What it comes to.
type Told = BTreeSet<(i64, Cause, Option<&'static str>, Option<i32>)>;

fn told(incidents: &[Incident]) -> Told {
    let one = |incident: &Incident| {
        let code = incident.termination.as_ref().and_then(|end| end.exit_code);
        (
            incident.time.as_second() - at(0).as_second(),
            incident.cause,
            incident.outcome.map(Outcome::name),
            code,
        )
    };
    incidents.iter().map(one).collect()
}

/// Tells a whole life and looks after every word.
async fn live(news: &[News], watched: bool, how: &str) -> Told {
    let dir = tempfile::tempdir().unwrap();
    let collector = Collector::start(rules(dir.path())).await.unwrap();
    let mut agent = Agent::connect(&collector, "node-1").await;
    if watched {
        let spans = [Source::KernelLog, Source::Cgroup, Source::SignalTrace];
        let spans = spans.map(|source| covered(source, -60_000, 300_000));
        agent.report_with(&[], &spans).await;
    }
    for one in news {
        tell(&collector, &mut agent, std::slice::from_ref(one)).await;
        sound(&all(&collector).await, watched, how);
    }
    let last = told(&all(&collector).await);
    collector.shutdown().await;
    last
}

#[tokio::test]
async fn objects_and_findings_in_any_order_come_to_one_verdict_an_end() {
    for life_number in 1..=LIVES {
        let mut dice = Dice(life_number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let mut news = life(&mut dice);
        let watched = dice.below(2) == 0;
        let in_order = live(&news, watched, &format!("life {life_number} in order")).await;
        dice.shuffle(&mut news);
        // Some of it comes again.
        let again: Vec<News> = news.iter().step_by(3).cloned().collect();
        news.extend(again);
        let how = format!("life {life_number} in any order");
        assert_eq!(live(&news, watched, &how).await, in_order, "{how}");
    }
}

/// Of a kill in a container that the API never showed only the pod is known, by what its cgroups call it: for a static pod its hash.
#[tokio::test]
async fn a_pod_that_is_seen_after_a_kill_in_it_names_the_kill() {
    let dir = tempfile::tempdir().unwrap();
    let collector = Collector::start(rules(dir.path())).await.unwrap();
    let mut agent = Agent::connect(&collector, "node-1").await;
    agent.report(&[kill(1, 7, 10), aftermath(1, 7, 11, 2)]).await;
    let uid = all(&collector).await[0].pod.as_ref().unwrap().uid.clone();
    let mut mirror = running(0, None);
    (mirror.config_hash, mirror.uid) = (uid, "mirror".to_owned());
    collector.kubernetes().send(vec![seen(20, mirror)]).await.unwrap();
    let named = all(&collector).await;
    let pod = named[0].pod.as_ref().unwrap();
    assert_eq!((named.len(), pod.name.as_deref()), (1, Some("web-1")), "{named:#?}");
    collector.shutdown().await;
}
