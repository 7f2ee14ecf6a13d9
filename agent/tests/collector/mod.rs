//! A collector for tests: it keeps what it is sent, and misbehaves on request.

#![allow(dead_code, reason = "each test program uses a part of it")]

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use coroner_core::finding::Finding;
use coroner_proto::v1::ingest_service_server::{IngestService, IngestServiceServer};
use coroner_proto::v1::{self, report_request, report_response};
use tokio::sync::mpsc;
use tokio_stream::wrappers::{ReceiverStream, TcpListenerStream};
use tonic::{Request, Response, Status, Streaming};

/// How it behaves.
#[derive(Clone, Debug, Default)]
pub(crate) struct Manners {
    /// Ends a stream, without acknowledging, at its n-th batch, counted from 1.
    pub(crate) hang_up_at: Option<usize>,
    /// Says each acknowledgement twice.
    pub(crate) doubled: bool,
    /// Never acknowledges.
    pub(crate) silent: bool,
    /// Refuses batches that hold a finding with this id.
    pub(crate) refuse: Option<String>,
}

/// What it has seen.
#[derive(Debug, Default)]
pub(crate) struct Log {
    pub(crate) hellos: Vec<v1::Hello>,
    pub(crate) batches: Vec<u64>,
    pub(crate) findings: Vec<Finding>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Collector {
    pub(crate) log: Arc<Mutex<Log>>,
    pub(crate) manners: Arc<Mutex<Manners>>,
}

/// A collector that listens.
pub(crate) struct Listening {
    pub(crate) collector: Collector,
    pub(crate) addr: SocketAddr,
    server: tokio::task::JoinHandle<()>,
}

impl Collector {
    pub(crate) async fn listen(self, addr: &str) -> Listening {
        let listener = tokio::net::TcpListener::bind(addr).await.unwrap();
        let addr = listener.local_addr().unwrap();
        let service = IngestServiceServer::new(self.clone());
        let server = tonic::transport::Server::builder().add_service(service);
        let server = tokio::spawn(async move {
            server.serve_with_incoming(TcpListenerStream::new(listener)).await.unwrap();
        });
        Listening { collector: self, addr, server }
    }

    pub(crate) fn ids(&self) -> Vec<String> {
        self.log.lock().unwrap().findings.iter().map(|f| f.id.0.clone()).collect()
    }

    pub(crate) fn findings(&self) -> Vec<Finding> {
        self.log.lock().unwrap().findings.clone()
    }

    /// Waits until `done` says so of what has come, for ten seconds at most.
    pub(crate) async fn until(&self, what: &str, done: impl Fn(&Log) -> bool) {
        for _ in 0..1000 {
            if done(&self.log.lock().unwrap()) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("in ten seconds there was no {what}: {:?}", self.ids());
    }
}

impl Listening {
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// Goes away as a killed process would.
    pub(crate) async fn kill(self) {
        self.server.abort();
        let _ = self.server.await;
    }
}

#[tonic::async_trait]
impl IngestService for Collector {
    type ReportStream = ReceiverStream<Result<v1::ReportResponse, Status>>;

    async fn report(
        &self,
        request: Request<Streaming<v1::ReportRequest>>,
    ) -> Result<Response<Self::ReportStream>, Status> {
        let mut requests = request.into_inner();
        let (sender, replies) = mpsc::channel(16);
        let this = self.clone();
        tokio::spawn(async move {
            let mut batches = 0;
            while let Ok(Some(request)) = requests.message().await {
                let manners = this.manners.lock().unwrap().clone();
                let (reply, times) = match request.message {
                    Some(report_request::Message::Hello(hello)) => {
                        this.log.lock().unwrap().hellos.push(hello);
                        let welcome = v1::Welcome {
                            collector_version: "test".into(),
                            protocol_version: 1,
                            max_batch_findings: 100,
                            max_message_bytes: 1 << 20,
                            at: None,
                        };
                        (report_response::Message::Welcome(welcome), 1)
                    }
                    Some(report_request::Message::Batch(batch)) => {
                        batches += 1;
                        if manners.hang_up_at == Some(batches) {
                            return;
                        }
                        if batch.findings.iter().any(|f| Some(&f.id) == manners.refuse.as_ref()) {
                            let _ =
                                sender.send(Err(Status::invalid_argument("no such finding"))).await;
                            return;
                        }
                        let mut log = this.log.lock().unwrap();
                        log.batches.push(batch.sequence);
                        log.findings
                            .extend(batch.findings.into_iter().map(|f| f.try_into().unwrap()));
                        let ack = v1::Acknowledgement { through: batch.sequence, at: None };
                        let times =
                            if manners.silent { 0 } else { 1 + usize::from(manners.doubled) };
                        (report_response::Message::Acknowledgement(ack), times)
                    }
                    None => return,
                };
                for _ in 0..times {
                    let _ =
                        sender.send(Ok(v1::ReportResponse { message: Some(reply.clone()) })).await;
                }
            }
        });
        Ok(Response::new(ReceiverStream::new(replies)))
    }
}
