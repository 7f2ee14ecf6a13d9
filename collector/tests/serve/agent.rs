//! An agent that says exactly what a test wants said, and a collector to say it to.

use std::path::Path;
use std::time::Duration;

use coroner_collector::{Collector, Config};
use coroner_core::finding::{CoverageSpan, Finding};
use coroner_proto::v1::ingest_service_client::IngestServiceClient;
use coroner_proto::v1::query_service_client::QueryServiceClient;
use coroner_proto::v1::{
    self, GetIncidentRequest, GetIncidentResponse, ListIncidentsRequest, ReportRequest,
    ReportResponse, report_request, report_response,
};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Channel;
use tonic::{Status, Streaming};

use crate::facts::{BOOT, RULES};

/// A configuration for tests: free ports, rules that can be predicted.
pub(crate) fn config(dir: &Path) -> Config {
    let free = ([127, 0, 0, 1], 0).into();
    // Noon of the tests is long past, and what is not kept is not known.
    let retention = Duration::from_secs(50 * 365 * 24 * 60 * 60);
    Config { grpc_addr: free, http_addr: Some(free), rules: RULES, retention, ..Config::new(dir) }
}

/// A collector for tests.
pub(crate) async fn collector(dir: &Path) -> Collector {
    Collector::start(config(dir)).await.unwrap()
}

/// A hello of `node`, whose first batch is number 1.
pub(crate) fn hello(node: &str) -> v1::Hello {
    v1::Hello {
        node: node.to_owned(),
        boot_id: BOOT.to_owned(),
        agent_version: "test".to_owned(),
        protocol_version: coroner_proto::PROTOCOL_VERSION,
        first_sequence: 1,
    }
}

/// One stream to a collector.
pub(crate) struct Agent {
    requests: mpsc::Sender<ReportRequest>,
    responses: Streaming<ReportResponse>,
    sequence: u64,
}

impl Agent {
    /// Opens a stream and says nothing yet.
    pub(crate) async fn silent(collector: &Collector) -> Self {
        let url = format!("http://{}", collector.grpc_addr());
        let mut client =
            IngestServiceClient::connect(url).await.unwrap().max_encoding_message_size(16 << 20);
        let (requests, stream) = mpsc::channel(16);
        let responses = client.report(ReceiverStream::new(stream)).await.unwrap().into_inner();
        Self { requests, responses, sequence: 0 }
    }

    /// Opens a stream for `node` and takes the welcome.
    pub(crate) async fn connect(collector: &Collector, node: &str) -> Self {
        let mut agent = Self::silent(collector).await;
        agent.say(report_request::Message::Hello(hello(node))).await;
        match agent.hear().await.unwrap() {
            Some(report_response::Message::Welcome(welcome)) => {
                assert_eq!(welcome.protocol_version, 1);
            }
            other => panic!("no welcome: {other:?}"),
        }
        agent
    }

    pub(crate) async fn say(&mut self, message: report_request::Message) {
        // The collector may have ended the stream; the answer tells.
        let _ = self.requests.send(ReportRequest { message: Some(message) }).await;
    }

    /// The next answer, `None` at the end of the stream.
    pub(crate) async fn hear(&mut self) -> Result<Option<report_response::Message>, Status> {
        let next = tokio::time::timeout(Duration::from_secs(10), self.responses.message());
        Ok(next.await.expect("no answer in 10 s")?.and_then(|r| r.message))
    }

    /// Sends a batch and does not wait; gives its number.
    pub(crate) async fn send(&mut self, findings: &[Finding]) -> u64 {
        self.send_with(findings, &[]).await
    }

    /// Sends a batch that tells of coverage too.
    pub(crate) async fn send_with(
        &mut self,
        findings: &[Finding],
        coverage: &[CoverageSpan],
    ) -> u64 {
        self.sequence += 1;
        let batch = v1::Batch {
            sequence: self.sequence,
            findings: findings.iter().cloned().map(Into::into).collect(),
            coverage: coverage.iter().cloned().map(Into::into).collect(),
            ..Default::default()
        };
        self.say(report_request::Message::Batch(batch)).await;
        self.sequence
    }

    /// Waits for an acknowledgement; gives its number.
    pub(crate) async fn acknowledged(&mut self) -> Result<u64, Status> {
        match self.hear().await? {
            Some(report_response::Message::Acknowledgement(ack)) => Ok(ack.through),
            other => panic!("no acknowledgement: {other:?}"),
        }
    }

    /// Sends a batch and waits until it is durable.
    pub(crate) async fn report(&mut self, findings: &[Finding]) {
        self.report_with(findings, &[]).await;
    }

    /// Sends a batch that tells of coverage too, and waits until it is durable.
    pub(crate) async fn report_with(&mut self, findings: &[Finding], coverage: &[CoverageSpan]) {
        let sent = self.send_with(findings, coverage).await;
        assert_eq!(self.acknowledged().await.unwrap(), sent);
    }
}

/// Asks questions.
pub(crate) async fn questions(collector: &Collector) -> QueryServiceClient<Channel> {
    QueryServiceClient::connect(format!("http://{}", collector.grpc_addr())).await.unwrap()
}

/// The incident a target names.
pub(crate) async fn get(
    collector: &Collector,
    target: &str,
) -> Result<GetIncidentResponse, Status> {
    let target = target.to_owned();
    questions(collector)
        .await
        .get_incident(GetIncidentRequest { target, ..Default::default() })
        .await
        .map(tonic::Response::into_inner)
}

/// All incidents, newest first.
pub(crate) async fn list(collector: &Collector) -> Vec<v1::Incident> {
    let request = ListIncidentsRequest { page_size: 1000, ..Default::default() };
    questions(collector).await.list_incidents(request).await.unwrap().into_inner().incidents
}
