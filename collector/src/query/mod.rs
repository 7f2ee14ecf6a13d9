//! Answers questions about incidents (one, a page of them, or each as it changes) and about nodes.

mod by_time;
mod filter;
mod history;
mod node;
mod nodes;
mod page;
mod read;
mod reports;
mod standing;
mod target;
mod timeline;
mod top;
mod watch;
mod window;

use coroner_core::incident::IncidentId;
use coroner_core::kernel::OomReport;
use coroner_core::spans::Span;
use coroner_proto::v1::query_service_server::QueryService;
use coroner_proto::v1::{
    CountIncidentsRequest, CountIncidentsResponse, GetIncidentRequest, GetIncidentResponse,
    GetNodeRequest, GetNodeResponse, GetTimelineRequest, GetTimelineResponse, IncidentFilter,
    ListIncidentsRequest, ListIncidentsResponse, ListNodesRequest, ListNodesResponse,
    WatchIncidentsRequest, WatchIncidentsResponse,
};
use tokio::sync::watch::Receiver;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status};

use crate::clocks::ClockBook;
use crate::store::{Store, StoreError};
pub(crate) use by_time::TimeCount;
use filter::Filter;
pub(crate) use history::{History, PARTS};
use read::Answer;
pub(crate) use standing::Standing;
use target::{Narrowed, Target};

/// The service.
#[derive(Clone, Debug)]
pub(crate) struct Query {
    store: Store,
    clocks: ClockBook,
    stop: Receiver<bool>,
}

impl Query {
    pub(crate) fn new(store: Store, clocks: ClockBook, stop: Receiver<bool>) -> Self {
        Self { store, clocks, stop }
    }

    /// What the kernel wrote about an incident: its reports, oldest first.
    pub(crate) async fn oom_reports(&self, id: &IncidentId) -> Result<Vec<OomReport>, Status> {
        reports::of(self.store.readers(), id).await.map_err(|e| failed(&e))
    }

    /// How the sources of the nodes stand, by name, at most `most`.
    pub(crate) async fn standings(&self, most: u32) -> Result<Vec<Standing>, Status> {
        let read = self.store.readers().ask("list nodes", move |db| standing::all(db, most));
        read.await.map_err(|e| failed(&e))
    }

    /// How a node's memory was over a time.
    pub(crate) async fn history(&self, node: String, window: Span) -> Result<History, Status> {
        history::of(self.store.readers(), node, window).await.map_err(|e| failed(&e))
    }

    /// How many incidents match, by cause and parts of the time of so many seconds.
    pub(crate) async fn by_time(
        &self,
        filter: IncidentFilter,
        seconds: i64,
    ) -> Result<Vec<TimeCount>, Status> {
        let filter = Filter::parse(Some(filter))?;
        by_time::count(self.store.readers(), filter, seconds).await.map_err(|e| failed(&e))
    }
}

/// Every shape of list there is, and every count: SQL and its values.
#[cfg(test)]
pub(crate) fn every_list() -> Vec<(String, Vec<rusqlite::types::Value>)> {
    let mut lists = Vec::new();
    for bits in 0..1024u16 {
        let has = |bit: u16| bits & (1 << bit) > 0;
        let filter = Filter {
            node: has(0).then(|| "node".to_owned()),
            cause: has(1).then_some(coroner_core::incident::Cause::Unknown),
            since_us: has(2).then_some(1),
            until_us: has(4).then_some(5),
            namespace: has(5).then(|| "prod".to_owned()),
            pod: has(6).then(|| "web-1".to_owned()),
            owner: has(7).then(|| "Deployment/web".to_owned()),
            outcome: has(8).then_some(coroner_core::incident::Outcome::NeverStarted),
            confidence: has(9).then_some(coroner_core::incident::Confidence::Likely),
            disagrees: bits.is_multiple_of(3),
            orderly: bits.is_multiple_of(2),
        };
        let after = has(3).then_some(page::Place { time_us: 2, seq: 3 });
        lists.push(filter.select(after, 100));
    }
    lists
}

/// An error of the store, for a client.
fn failed(error: &StoreError) -> Status {
    match error {
        StoreError::Corrupt { .. } => Status::data_loss(error.to_string()),
        _ => Status::unavailable(error.to_string()),
    }
}

#[tonic::async_trait]
impl QueryService for Query {
    async fn get_incident(
        &self,
        request: Request<GetIncidentRequest>,
    ) -> Result<Response<GetIncidentResponse>, Status> {
        let GetIncidentRequest { target: text, namespace, container, previous } =
            request.into_inner();
        let narrowed = Narrowed { namespace, container, previous };
        let target: Target = text.parse().map_err(|e: target::NoTarget| {
            Status::invalid_argument(format!("field `target`: {e}"))
        })?;
        let of_pods = matches!(target, Target::Pod(_) | Target::Workload(_));
        match read::get(self.store.readers(), target, narrowed).await.map_err(|e| failed(&e))? {
            Answer::Found(found) => Ok(Response::new(GetIncidentResponse {
                incident: Some(found.incident),
                revision: found.revision,
                has_older: found.has_older,
            })),
            Answer::Nothing => {
                Err(Status::not_found(format!("no incident is stored for `{text}`")))
            }
            Answer::Ambiguous if of_pods => Err(Status::invalid_argument(format!(
                "field `namespace`: `{text}` is in several namespaces; say which"
            ))),
            Answer::Ambiguous => Err(Status::invalid_argument(format!(
                "field `target`: `{text}` begins the ids of several containers; give more digits"
            ))),
        }
    }

    async fn list_incidents(
        &self,
        request: Request<ListIncidentsRequest>,
    ) -> Result<Response<ListIncidentsResponse>, Status> {
        let ListIncidentsRequest { filter, page_size, page_token } = request.into_inner();
        let filter = Filter::parse(filter)?;
        let after = match page_token.as_str() {
            "" => None,
            token => Some(page::parse(token).ok_or_else(|| {
                let token: String = token.chars().take(80).flat_map(char::escape_default).collect();
                Status::invalid_argument(format!(
                    "field `page_token` is `{token}`, which no answer ever held"
                ))
            })?),
        };
        let page = read::list(self.store.readers(), filter, after, page::size(page_size))
            .await
            .map_err(|e| failed(&e))?;
        Ok(Response::new(ListIncidentsResponse {
            incidents: page.incidents,
            next_page_token: page.next.map(|place| place.to_string()).unwrap_or_default(),
            orderly_left_out: page.orderly,
        }))
    }

    type WatchIncidentsStream = ReceiverStream<Result<WatchIncidentsResponse, Status>>;

    async fn watch_incidents(
        &self,
        request: Request<WatchIncidentsRequest>,
    ) -> Result<Response<Self::WatchIncidentsStream>, Status> {
        let filter = Filter::parse(request.into_inner().filter)?;
        // Subscribed before the headers are sent: who watches first and lists then misses nothing.
        let stream = watch::start(self.store.watch(), filter, self.stop.clone());
        Ok(Response::new(stream))
    }

    async fn get_node(
        &self,
        request: Request<GetNodeRequest>,
    ) -> Result<Response<GetNodeResponse>, Status> {
        nodes::get(&self.store, &self.clocks, request.into_inner()).await.map(Response::new)
    }

    async fn count_incidents(
        &self,
        request: Request<CountIncidentsRequest>,
    ) -> Result<Response<CountIncidentsResponse>, Status> {
        top::count(self.store.readers(), request.into_inner()).await.map(Response::new)
    }

    async fn get_timeline(
        &self,
        request: Request<GetTimelineRequest>,
    ) -> Result<Response<GetTimelineResponse>, Status> {
        timeline::get(self.store.readers(), request.into_inner()).await.map(Response::new)
    }

    async fn list_nodes(
        &self,
        request: Request<ListNodesRequest>,
    ) -> Result<Response<ListNodesResponse>, Status> {
        nodes::list(&self.store, &self.clocks, request.into_inner()).await.map(Response::new)
    }
}
