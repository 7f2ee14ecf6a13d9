//! Asking a collector over gRPC.
//!
//! A collector that is absent is told from one that refuses: the first needs starting, the second says itself what it
//! needs. Nothing is tried twice; whoever waits for a collector runs the command again.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use coroner_core::incident::{Cause, Confidence, Incident, Outcome};
use coroner_core::node_report::NodeReport;
use coroner_proto::v1::query_service_client::QueryServiceClient;
use coroner_proto::v1::{
    CountBy, CountIncidentsRequest, CountIncidentsResponse, GetIncidentRequest, GetNodeRequest,
    GetTimelineRequest, GetTimelineResponse, IncidentFilter, ListIncidentsRequest,
    ListNodesRequest, WatchIncidentsRequest, WatchIncidentsResponse,
};
use coroner_proto::{ConvertError, MAX_MESSAGE_BYTES};
use jiff::Timestamp;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status, Streaming};

use crate::Error;
use crate::cluster::innermost;
use crate::when::Window;

/// How long a connection may take, and an answer.
const CONNECT: Duration = Duration::from_secs(5);
const ANSWER: Duration = Duration::from_secs(30);

/// What tonic calls it when that was too long.
const TIMEOUT: &str = "Timeout expired";

/// Incidents asked for at once.
const PAGE: u32 = 1000;

/// An answer holds a page of incidents, and each some kilobytes of evidence.
const MAX_ANSWER_BYTES: usize = 64 * MAX_MESSAGE_BYTES;

/// What to do about a collector that is named by its address and does not answer.
const MISSING: &str = "start one with `coroner standalone` or `coroner-collector`, or name another with --collector or \
                       CORONER_COLLECTOR";

/// The same for one that was found in a cluster.
pub(crate) const MISSING_IN_POD: &str = "that pod is said to be ready; its log may say more";

/// Which incidents.
#[derive(Clone, Debug, Default)]
pub(crate) struct Filter {
    pub node: Option<String>,
    pub cause: Option<Cause>,
    pub since: Option<Timestamp>,
    pub until: Option<Timestamp>,
    pub namespace: Option<String>,
    pub pod: Option<String>,
    pub owner: Option<String>,
    pub outcome: Option<Outcome>,
    pub confidence: Option<Confidence>,
    pub disagrees: bool,
    pub orderly: bool,
}

/// What narrows a question about a pod or workload.
#[derive(Clone, Debug, Default)]
pub(crate) struct Narrowed {
    pub namespace: Option<String>,
    pub container: Option<String>,
    pub previous: Option<u32>,
}

/// The answer to a question about one target.
pub(crate) struct Found {
    pub incident: Incident,
    pub has_older: bool,
}

/// What was said when a connection ended, by whoever carried it; that tells more than how it ended.
pub(crate) type LastWord = Arc<Mutex<Option<String>>>;

/// Where a collector is.
#[derive(Clone)]
pub(crate) struct Place {
    /// For sentences: an address, or a pod.
    pub name: String,
    /// What to do when it is not there.
    pub hint: &'static str,
    pub last_word: LastWord,
}

/// A connection.
#[derive(Clone)]
pub(crate) struct Client {
    place: Place,
    service: QueryServiceClient<Channel>,
}

impl Client {
    /// Connects.
    pub(crate) async fn connect(url: &str) -> Result<Self, Error> {
        let wrong =
            |problem: &str| Error::Address { url: url.to_owned(), problem: problem.to_owned() };
        if url.starts_with("https://") {
            return Err(wrong("this build speaks plain http only"));
        }
        if !url.starts_with("http://") {
            return Err(wrong("the scheme http:// is missing"));
        }
        let endpoint =
            Endpoint::from_shared(url.to_owned()).map_err(|error| wrong(&innermost(&error)))?;
        if endpoint.uri().host().is_none_or(str::is_empty) {
            return Err(wrong("the host is missing"));
        }
        let channel = endpoint.connect_timeout(CONNECT).connect().await.map_err(|error| {
            Error::Absent { place: url.to_owned(), problem: innermost(&error), hint: MISSING }
        })?;
        let last_word = LastWord::default();
        Ok(Self::over(channel, Place { name: url.to_owned(), hint: MISSING, last_word }))
    }

    /// The collector at the other end of a channel.
    pub(crate) fn over(channel: Channel, place: Place) -> Self {
        let service = QueryServiceClient::new(channel).max_decoding_message_size(MAX_ANSWER_BYTES);
        Self { place, service }
    }

    /// Where it is, for sentences.
    pub(crate) fn place(&self) -> &str {
        &self.place.name
    }

    /// The newest incident that the target names.
    pub(crate) async fn get(
        &mut self,
        target: &str,
        narrowed: &Narrowed,
    ) -> Result<Option<Found>, Error> {
        let mut request = tonic::Request::new(GetIncidentRequest {
            target: target.to_owned(),
            namespace: narrowed.namespace.clone(),
            container: narrowed.container.clone(),
            previous: narrowed.previous,
        });
        request.set_timeout(ANSWER);
        match self.service.get_incident(request).await {
            Ok(answer) => {
                let answer = answer.into_inner();
                let Some(incident) = answer.incident else { return Ok(None) };
                Ok(Some(Found { incident: self.read(incident)?, has_older: answer.has_older }))
            }
            Err(status) if status.code() == Code::NotFound => Ok(None),
            Err(status) if status.code() == Code::InvalidArgument => {
                let target = target.to_owned();
                Err(if status.message().contains("several namespaces") {
                    let message = "is in several namespaces; say which with --namespace".to_owned();
                    Error::Ambiguous { target, message }
                } else if status.message().contains("several") {
                    let message =
                        "begins the ids of several containers; give more digits".to_owned();
                    Error::Ambiguous { target, message }
                } else {
                    Error::Target { target }
                })
            }
            Err(status) => Err(self.refused(&status)),
        }
    }

    /// All incidents that match, newest first, and how many orderly ends were left out.
    pub(crate) async fn list(&mut self, filter: &Filter) -> Result<(Vec<Incident>, u64), Error> {
        let (mut all, mut left_out) = (Vec::new(), 0);
        let mut page_token = String::new();
        loop {
            let mut request = tonic::Request::new(ListIncidentsRequest {
                filter: Some(wire(filter)),
                page_size: PAGE,
                page_token,
            });
            request.set_timeout(ANSWER);
            let page = self
                .service
                .list_incidents(request)
                .await
                .map_err(|status| self.refused(&status))?;
            let page = page.into_inner();
            left_out += u64::from(page.orderly_left_out);
            for incident in page.incidents {
                all.push(self.read(incident)?);
            }
            if page.next_page_token.is_empty() {
                return Ok((all, left_out));
            }
            page_token = page.next_page_token;
        }
    }

    /// Where incidents that match are most frequent.
    pub(crate) async fn count(
        &mut self,
        filter: &Filter,
        by: CountBy,
        limit: u32,
    ) -> Result<CountIncidentsResponse, Error> {
        let (filter, by) = (Some(wire(filter)), by.into());
        let mut request = tonic::Request::new(CountIncidentsRequest { filter, by, limit });
        request.set_timeout(ANSWER);
        let answer = self.service.count_incidents(request).await;
        answer.map(tonic::Response::into_inner).map_err(|status| self.refused(&status))
    }

    /// What happened to a pod; `None` when nothing is kept of it.
    pub(crate) async fn timeline(
        &mut self,
        pod: &str,
        namespace: Option<&str>,
        window: &Window,
    ) -> Result<Option<GetTimelineResponse>, Error> {
        let mut request = tonic::Request::new(GetTimelineRequest {
            pod: pod.to_owned(),
            namespace: namespace.map(str::to_owned),
            since: window.since.map(wire_time),
            until: window.until.map(wire_time),
        });
        request.set_timeout(ANSWER);
        match self.service.get_timeline(request).await {
            Ok(answer) => Ok(Some(answer.into_inner())),
            Err(status) if status.code() == Code::NotFound => Ok(None),
            Err(status) if status.message().contains("several namespaces") => {
                let message = "is in several namespaces; say which with --namespace".to_owned();
                Err(Error::Ambiguous { target: pod.to_owned(), message })
            }
            Err(status) => Err(self.refused(&status)),
        }
    }

    /// The newest incidents that match, at most `most`.
    pub(crate) async fn newest(
        &mut self,
        filter: &Filter,
        most: u32,
    ) -> Result<Vec<Incident>, Error> {
        let filter = Some(wire(filter));
        let asked = ListIncidentsRequest { filter, page_size: most, ..Default::default() };
        let mut request = tonic::Request::new(asked);
        request.set_timeout(ANSWER);
        let page = self.service.list_incidents(request).await;
        let page = page.map_err(|status| self.refused(&status))?.into_inner();
        page.incidents.into_iter().map(|incident| self.read(incident)).collect()
    }

    /// What is known of a node; `None` when it was never heard of.
    pub(crate) async fn node(
        &mut self,
        name: &str,
        window: &Window,
        container: Option<&str>,
    ) -> Result<Option<NodeReport>, Error> {
        let mut request = tonic::Request::new(GetNodeRequest {
            name: name.to_owned(),
            since: window.since.map(wire_time),
            until: window.until.map(wire_time),
            container: container.map(str::to_owned),
        });
        request.set_timeout(ANSWER);
        match self.service.get_node(request).await {
            Ok(answer) => answer.into_inner().node.map(|node| self.read(node)).transpose(),
            Err(status) if status.code() == Code::NotFound => Ok(None),
            Err(status) => Err(self.refused(&status)),
        }
    }

    /// All nodes, by name.
    pub(crate) async fn nodes(&mut self, window: &Window) -> Result<Vec<NodeReport>, Error> {
        let mut all = Vec::new();
        let mut page_token = String::new();
        loop {
            let mut request = tonic::Request::new(ListNodesRequest {
                since: window.since.map(wire_time),
                until: window.until.map(wire_time),
                page_size: PAGE,
                page_token,
            });
            request.set_timeout(ANSWER);
            let page =
                self.service.list_nodes(request).await.map_err(|status| self.refused(&status))?;
            let page = page.into_inner();
            for node in page.nodes {
                all.push(self.read(node)?);
            }
            if page.next_page_token.is_empty() {
                return Ok(all);
            }
            page_token = page.next_page_token;
        }
    }

    /// Incidents from now on; in place when this returns.
    pub(crate) async fn watch(&mut self, filter: &Filter) -> Result<Watch, Error> {
        let request = WatchIncidentsRequest { filter: Some(wire(filter)) };
        let stream =
            self.service.watch_incidents(request).await.map_err(|status| self.refused(&status))?;
        Ok(Watch { client: self.clone(), stream: stream.into_inner() })
    }

    fn read<W, C>(&self, answer: W) -> Result<C, Error>
    where
        C: TryFrom<W, Error = ConvertError>,
    {
        let place = || self.place.name.clone();
        C::try_from(answer).map_err(|source| Error::Convert { place: place(), source })
    }

    fn refused(&self, status: &Status) -> Error {
        let place = self.place.name.clone();
        let last_word = self.place.last_word.lock().unwrap_or_else(PoisonError::into_inner).clone();
        // What a collector says has no cause on our side; a connection that broke has one.
        let broke = std::error::Error::source(status).is_some();
        match status.code() {
            _ if broke && let Some(problem) = last_word => {
                Error::Absent { place, problem, hint: self.place.hint }
            }
            Code::Cancelled if broke && innermost(status) == TIMEOUT => Error::Refused {
                place,
                message: format!("it was silent for {} s", ANSWER.as_secs()),
            },
            Code::Unavailable | Code::Unknown | Code::Internal | Code::Cancelled if broke => {
                // hyper's word for a question that was never sent, because the connection had ended before.
                let mut problem = innermost(status);
                if problem.contains("operation was canceled") {
                    "the connection was closed".clone_into(&mut problem);
                }
                Error::Absent { place, problem, hint: self.place.hint }
            }
            Code::Unimplemented => {
                let message =
                    "it is no collector, or an older one that does not know this question";
                Error::Refused { place, message: message.to_owned() }
            }
            _ => Error::Refused { place, message: status.message().to_owned() },
        }
    }
}

/// A running watch.
pub(crate) struct Watch {
    client: Client,
    stream: Streaming<WatchIncidentsResponse>,
}

/// What a watch gives.
pub(crate) enum Watched {
    /// An incident that is new, or whose verdict changed.
    Incident(Box<Incident>),
    /// An incident that is none of those any more, and which one it is part of now.
    Withdrawn(String, Option<String>),
    /// Some were missed: list again.
    Behind,
    /// The collector ended it.
    End,
}

impl Watch {
    /// The next one. May be dropped while it waits.
    pub(crate) async fn next(&mut self) -> Result<Watched, Error> {
        match self.stream.message().await {
            Ok(Some(response)) => match (response.incident, response.withdrawn) {
                (Some(incident), _) => Ok(Watched::Incident(Box::new(self.client.read(incident)?))),
                (None, Some(gone)) => Ok(Watched::Withdrawn(gone.id, gone.merged_into)),
                (None, None) => Ok(Watched::Behind),
            },
            Ok(None) => Ok(Watched::End),
            Err(status) if status.code() == Code::Aborted => Ok(Watched::Behind),
            Err(status) => Err(self.client.refused(&status)),
        }
    }
}

fn wire(filter: &Filter) -> IncidentFilter {
    let cause =
        filter.cause.map_or(coroner_proto::v1::Cause::Unspecified, coroner_proto::v1::Cause::from);
    IncidentFilter {
        node: filter.node.clone(),
        cause: i32::from(cause),
        since: filter.since.map(wire_time),
        until: filter.until.map(wire_time),
        namespace: filter.namespace.clone(),
        pod: filter.pod.clone(),
        owner: filter.owner.clone(),
        outcome: filter.outcome.map_or(0, |o| coroner_proto::v1::Outcome::from(o).into()),
        confidence: filter.confidence.map_or(0, |c| coroner_proto::v1::Confidence::from(c).into()),
        disagrees: filter.disagrees,
        orderly: filter.orderly,
    }
}

fn wire_time(time: Timestamp) -> prost_types::Timestamp {
    prost_types::Timestamp {
        // Whole seconds back, never forward: a filter may show too much, not too little.
        seconds: time.as_second().saturating_sub(i64::from(time.subsec_nanosecond() < 0)),
        nanos: time.subsec_nanosecond().rem_euclid(1_000_000_000),
    }
}
