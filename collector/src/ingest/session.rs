//! One agent's stream, from its hello to its end.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use coroner_proto::v1::{self, ReportRequest, ReportResponse, report_request, report_response};
use coroner_proto::{MAX_BATCH_FINDINGS, MAX_MESSAGE_BYTES, PROTOCOL_VERSION};
use jiff::Timestamp;
use tokio::sync::{mpsc, watch};
use tonic::{Code, Status, Streaming};

use super::validate;
use crate::metrics::Metrics;
use crate::store::{self, Origin, Pending, Store, StoreError};

/// How long a stream may stay silent before its hello.
const HELLO_TIMEOUT: Duration = Duration::from_secs(10);

/// Batches of one agent that may wait for their commit. Enough that the agent sends while the disk works; more would
/// let one agent fill the writer's queue.
const MAX_PENDING: usize = 8;

/// One agent's stream.
#[derive(Debug)]
pub(super) struct Session {
    store: Store,
    metrics: Metrics,
    answers: mpsc::Sender<Result<ReportResponse, Status>>,
    stop: watch::Receiver<bool>,
}

/// Batches that wait for their commit, oldest first.
type Waiting = VecDeque<(u64, Pending)>;

impl Session {
    pub(super) fn new(
        store: Store,
        metrics: Metrics,
        answers: mpsc::Sender<Result<ReportResponse, Status>>,
        stop: watch::Receiver<bool>,
    ) -> Self {
        Self { store, metrics, answers, stop }
    }

    /// Serves the stream until either side ends it.
    pub(super) async fn run(mut self, mut inbound: Streaming<ReportRequest>) {
        if let Err(status) = self.serve(&mut inbound).await {
            tracing::warn!(code = ?status.code(), reason = status.message(), "ended an agent's stream");
            // An error means that the agent is gone already.
            let _ = self.answers.send(Err(status)).await;
        }
    }

    async fn serve(&mut self, inbound: &mut Streaming<ReportRequest>) -> Result<(), Status> {
        let Some(hello) = self.hello(inbound).await? else { return Ok(()) };
        let _connected = self.metrics.connected();
        tracing::info!(
            node = hello.node,
            boot_id = hello.boot_id,
            version = hello.agent_version,
            "agent connected"
        );
        let v1::Hello { node, boot_id, agent_version, first_sequence, .. } = hello;
        let origin = Arc::new(Origin { node, boot_id, agent_version: short(agent_version) });
        let end = self.batches(inbound, &origin, first_sequence).await;
        tracing::info!(node = origin.node, "agent disconnected");
        end
    }

    /// Waits for the hello and answers it. `None` if the agent went away instead.
    async fn hello(
        &mut self,
        inbound: &mut Streaming<ReportRequest>,
    ) -> Result<Option<v1::Hello>, Status> {
        let message = tokio::select! {
            message = tokio::time::timeout(HELLO_TIMEOUT, inbound.message()) => message,
            () = stopped(&mut self.stop) => return Err(stopping()),
        };
        let message = message.map_err(|_| {
            let seconds = HELLO_TIMEOUT.as_secs();
            Status::deadline_exceeded(format!("no hello within {seconds} s"))
        })?;
        let Some(message) = message.map_err(unreadable)? else { return Ok(None) };
        let Some(report_request::Message::Hello(hello)) = message.message else {
            return Err(validate::refused(
                "the first message of a stream must be a hello".to_owned(),
            ));
        };
        validate::hello(&hello)?;
        let welcome = v1::Welcome {
            collector_version: env!("CARGO_PKG_VERSION").to_owned(),
            protocol_version: PROTOCOL_VERSION,
            max_batch_findings: u32::try_from(MAX_BATCH_FINDINGS).unwrap_or(u32::MAX),
            max_message_bytes: u32::try_from(MAX_MESSAGE_BYTES).unwrap_or(u32::MAX),
            at: Some(now()),
        };
        self.answer(report_response::Message::Welcome(welcome)).await?;
        Ok(Some(hello))
    }

    /// Takes batches and acknowledges them, until the agent ends, errs, or the collector stops. What was taken is
    /// acknowledged in any case if it becomes durable.
    async fn batches(
        &mut self,
        inbound: &mut Streaming<ReportRequest>,
        origin: &Arc<Origin>,
        first_sequence: u64,
    ) -> Result<(), Status> {
        let mut waiting = Waiting::new();
        let mut expected = first_sequence;
        let end = loop {
            let message = tokio::select! {
                result = next(&mut waiting), if !waiting.is_empty() => {
                    self.acknowledge(result).await?;
                    continue;
                }
                message = inbound.message(), if waiting.len() < MAX_PENDING => message,
                () = stopped(&mut self.stop) => break Err(stopping()),
            };
            let batch = match message.map(|m| m.map(|m| m.message)) {
                Ok(Some(Some(report_request::Message::Batch(batch)))) => batch,
                Ok(Some(Some(report_request::Message::Hello(_)))) => {
                    break Err(validate::refused("a second hello on one stream".to_owned()));
                }
                Ok(Some(None)) => {
                    break Err(validate::refused(
                        "field `message` holds neither of its values".to_owned(),
                    ));
                }
                Ok(None) => break Ok(()),
                Err(status) => break Err(unreadable(status)),
            };
            let sequence = batch.sequence;
            let clocks = self.metrics.clocks();
            clocks.nodes.told(&origin.node, batch.sent, batch.heard, Timestamp::now());
            match validate::batch(&self.store, origin, expected, batch) {
                Ok((batch, odd)) => {
                    self.metrics.odd_spans(odd);
                    let pending = self.store.submit(batch).await.map_err(|e| unavailable(&e))?;
                    waiting.push_back((sequence, pending));
                    expected = sequence.saturating_add(1);
                }
                Err(status) => break Err(status),
            }
        };
        while !waiting.is_empty() {
            let result = next(&mut waiting).await;
            self.acknowledge(result).await?;
        }
        end
    }

    async fn acknowledge(&self, result: Result<u64, Arc<StoreError>>) -> Result<(), Status> {
        let through = result.map_err(|e| unavailable(&e))?;
        let ack = v1::Acknowledgement { through, at: Some(now()) };
        self.answer(report_response::Message::Acknowledgement(ack)).await
    }

    async fn answer(&self, message: report_response::Message) -> Result<(), Status> {
        let response = ReportResponse { message: Some(message) };
        self.answers.send(Ok(response)).await.map_err(|_| Status::cancelled("the agent is gone"))
    }
}

/// Waits for the oldest batch. Waiting can be broken off and begun again: the batch leaves the queue with its answer.
async fn next(waiting: &mut Waiting) -> Result<u64, Arc<StoreError>> {
    let Some((sequence, pending)) = waiting.front_mut() else {
        return std::future::pending().await;
    };
    let sequence = *sequence;
    let result = pending.await;
    waiting.pop_front();
    match result {
        Ok(result) => result.map(|()| sequence),
        Err(_) => store::gone(),
    }
}

fn now() -> prost_types::Timestamp {
    std::time::SystemTime::now().into()
}

/// What is kept of the agent's version, which is for people only.
fn short(mut version: String) -> String {
    version.retain(|c| !c.is_control());
    let end = version.char_indices().nth(64).map_or(version.len(), |(end, _)| end);
    version.truncate(end);
    version
}

/// Waits until the collector stops.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    // An error means that the collector itself is gone.
    let _ = stop.wait_for(|stop| *stop).await;
}

/// A message that cannot be decoded or is too long is the agent's fault; anything else is the connection's.
fn unreadable(status: Status) -> Status {
    match status.code() {
        Code::Internal | Code::OutOfRange | Code::ResourceExhausted => {
            validate::refused(format!("a message cannot be read: {}", status.message()))
        }
        _ => status,
    }
}

/// Nothing was stored; the agent keeps what it has and comes again.
fn unavailable(error: &StoreError) -> Status {
    Status::unavailable(format!("not stored: {error}"))
}

fn stopping() -> Status {
    Status::unavailable("the collector is ending")
}
