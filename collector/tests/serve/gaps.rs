//! What could not be read of the Kubernetes API, over starts of the collector.

use coroner_collector::Collector;
use coroner_core::incident::Incident;
use coroner_core::kubernetes::{ApiChange, ApiGap, ApiPart, ContainerState, Seen};
use jiff::Timestamp;

use crate::facts::at;
use crate::kubernetes::{ended, list, pod, rules, seen};

fn gap(part: ApiPart) -> Seen {
    let reason = "the API server cannot be read: Network is unreachable".to_owned();
    Seen { at: at(1), change: ApiChange::Gap(ApiGap { part, from: at(1), to: None, reason }) }
}

/// That run ended with code 1 at that second.
async fn end(collector: &Collector, run: u32, second: i64) -> Incident {
    let ended = ContainerState::Terminated(Box::new(ended(run, second, 1, "Error")));
    collector.kubernetes().send(vec![seen(second, pod(run, ended, None))]).await.unwrap();
    list(collector).await.remove(0)
}

fn tells_of_the_gap(incident: &Incident) -> bool {
    incident.evidence.iter().any(|piece| piece.detail.contains("of the API not read"))
}

/// A collector that ends while something cannot be read never closes that gap; the next one reads again, and what happens
/// then has no hole in it.
#[tokio::test]
async fn a_gap_does_not_outlive_the_collector_that_had_it() {
    let dir = tempfile::tempdir().unwrap();
    let collector = Collector::start(rules(dir.path())).await.unwrap();
    collector.kubernetes().send(vec![gap(ApiPart::Pods), gap(ApiPart::Events)]).await.unwrap();
    assert!(tells_of_the_gap(&end(&collector, 0, 20).await));
    collector.shutdown().await;
    let collector = Collector::start(rules(dir.path())).await.unwrap();
    // Long after the start, by which the gap ends.
    let later = Timestamp::now().as_second() - at(0).as_second() + 86_400;
    let after = end(&collector, 1, later).await;
    assert!(!tells_of_the_gap(&after), "{after:#?}");
    // One of this collector's own is one as before.
    let mut again = gap(ApiPart::Pods);
    if let ApiChange::Gap(gap) = &mut again.change {
        gap.from = at(later + 10);
    }
    collector.kubernetes().send(vec![again]).await.unwrap();
    assert!(tells_of_the_gap(&end(&collector, 2, later + 20).await));
    collector.shutdown().await;
}
