//! Sends each incident to a watcher as it is created or revised, and says when it is withdrawn: because it turned out to be part of
//! another, or because it is no more what is watched.
//!
//! The backlog is bounded. A watcher that falls behind by more is told so and lists again, instead of being shown an
//! incomplete picture that looks complete.

use std::sync::Arc;

use coroner_proto::v1::{WatchIncidentsResponse, Withdrawn};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, mpsc, watch};
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;

use super::filter::Filter;
use crate::store::Changed;

/// Incidents on their way to one watcher; behind them they wait in the backlog that all watchers share.
const ON_THE_WAY: usize = 16;

type Answers = mpsc::Sender<Result<WatchIncidentsResponse, Status>>;

/// Starts a watch.
pub(super) fn start(
    changes: broadcast::Receiver<Arc<Changed>>,
    filter: Filter,
    stop: watch::Receiver<bool>,
) -> ReceiverStream<Result<WatchIncidentsResponse, Status>> {
    let (answers, stream) = mpsc::channel(ON_THE_WAY);
    tokio::spawn(run(changes, filter, stop, answers));
    ReceiverStream::new(stream)
}

/// Sends until the watcher goes, falls behind, or the collector stops.
async fn run(
    mut changes: broadcast::Receiver<Arc<Changed>>,
    filter: Filter,
    mut stop: watch::Receiver<bool>,
    answers: Answers,
) {
    loop {
        let changed = tokio::select! {
            changed = changes.recv() => changed,
            () = answers.closed() => return,
            _ = stop.wait_for(|stop| *stop) => Err(RecvError::Closed),
        };
        let answer = match changed {
            Ok(changed) => match told(&changed, &filter) {
                Some(response) => Ok(response),
                None => continue,
            },
            Err(RecvError::Lagged(missed)) => Err(Status::aborted(format!(
                "the watch fell behind and missed {missed} incidents; list again"
            ))),
            Err(RecvError::Closed) => Err(Status::unavailable("the collector is ending")),
        };
        let last = answer.is_err();
        // A slow watcher must not hold up the end.
        let sent = tokio::select! {
            sent = answers.send(answer) => sent.is_ok(),
            _ = stop.wait_for(|stop| *stop), if !last => false,
        };
        if last || !sent {
            return;
        }
    }
}

/// What a watcher is told of a change; `None` where it is none of its business.
fn told(changed: &Changed, filter: &Filter) -> Option<WatchIncidentsResponse> {
    let withdrawn = |merged_into| {
        let withdrawn = Withdrawn { id: changed.incident.id.clone(), merged_into };
        WatchIncidentsResponse { withdrawn: Some(withdrawn), ..Default::default() }
    };
    let matches = filter.matches(&changed.incident);
    match (&changed.merged_into, &changed.before) {
        (Some(into), _) => matches.then(|| withdrawn(Some(into.0.clone()))),
        (None, _) if matches => Some(WatchIncidentsResponse {
            incident: Some(changed.incident.clone()),
            revision: changed.revision,
            withdrawn: None,
        }),
        (None, Some(before)) => filter.matches(before).then(|| withdrawn(None)),
        (None, None) => None,
    }
}
