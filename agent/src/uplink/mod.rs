//! The stream to the collector.
//!
//! One bidirectional gRPC stream: a hello and a welcome, then batches one way and acknowledgements the other
//! (`coroner/v1/ingest.proto`). What was not acknowledged is sent again on the next stream. An absent collector costs
//! nothing but a try now and then, five minutes apart at most; findings wait in the [`Outbox`] meanwhile. A finding
//! that the collector calls malformed is given up, and that is reported, so that it cannot block those behind it.

mod backoff;

use std::sync::Arc;
use std::time::{Duration, Instant};

use coroner_proto::v1::ingest_service_client::IngestServiceClient;
use coroner_proto::v1::{self, report_request, report_response};
use coroner_proto::{MAX_BATCH_FINDINGS, MAX_MESSAGE_BYTES, PROTOCOL_VERSION};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::{Channel, Endpoint, Uri};
use tonic::{Code, Status, Streaming};

use crate::config::is_loopback;
use crate::metrics::Metrics;
use crate::outbox::Outbox;
use crate::stop::Stop;
use backoff::Backoff;

/// Batches sent and not acknowledged. The collector commits in some milliseconds, so this keeps a link of any
/// latency busy while bounding what is sent again after a break.
const MAX_FLYING: usize = 16;

/// How long a collector may take to accept a connection, and again to welcome.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// An idle connection is probed this often, and given up when the probe is unanswered for so long.
const KEEPALIVE: (Duration, Duration) = (Duration::from_secs(60), Duration::from_secs(20));

/// Without findings the collector hears this often how far the sources have seen everything.
const COVERAGE_EVERY: Duration = Duration::from_secs(20);

/// How long findings may still be sent when the agent is ending.
const LAST_WORDS: Duration = Duration::from_millis(400);

/// Room that gRPC and protobuf need in a message beside the findings.
const ENVELOPE: usize = 4096;

/// Why a stream ended.
#[derive(Debug, thiserror::Error)]
enum SessionError {
    #[error("cannot connect to the collector at {uri}: {reason}")]
    Connect { uri: Uri, reason: String },
    #[error("the collector at {uri} did not welcome this agent within {}s", CONNECT_TIMEOUT.as_secs())]
    NoWelcome { uri: Uri },
    #[error("the collector at {uri} broke the protocol: {what}")]
    Protocol { uri: Uri, what: &'static str },
    #[error("the collector at {uri} ended the stream: {}", .status.message())]
    Ended { uri: Uri, status: Status },
    #[error("the collector at {uri} closed the stream")]
    Closed { uri: Uri },
}

/// The sending side of an agent.
pub(crate) struct Uplink {
    uri: Uri,
    endpoint: Endpoint,
    outbox: Arc<Outbox>,
    metrics: Arc<Metrics>,
    node: String,
    boot_id: String,
    stop: Stop,
    /// Findings go one by one, to find the one that the collector refuses.
    singly: bool,
    warned: bool,
}

impl Uplink {
    pub(crate) fn new(
        uri: Uri,
        outbox: Arc<Outbox>,
        metrics: Arc<Metrics>,
        node: String,
        boot_id: String,
        stop: Stop,
    ) -> Self {
        let endpoint = Endpoint::from(uri.clone())
            .connect_timeout(CONNECT_TIMEOUT)
            .tcp_nodelay(true)
            .http2_keep_alive_interval(KEEPALIVE.0)
            .keep_alive_timeout(KEEPALIVE.1)
            .keep_alive_while_idle(true)
            .buffer_size(8);
        Self { uri, endpoint, outbox, metrics, node, boot_id, stop, singly: false, warned: false }
    }

    /// Sends until the agent ends.
    pub(crate) async fn run(mut self) {
        let mut backoff = Backoff::new(is_loopback(&self.uri));
        loop {
            let welcomed = self.metrics.connects.get();
            let ended = self.session().await;
            self.metrics.set_connected(false);
            let Err(error) = ended else { return };
            self.metrics.connect_failures.add(1);
            if self.metrics.connects.get() > welcomed {
                backoff.reset();
            }
            self.say(&error);
            self.learn(&error);
            let pause = backoff.next();
            let mut stop = self.stop.clone();
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = stop.wait() => return,
            }
        }
    }

    /// One sentence when it begins to fail; the rest is for those who look closer.
    fn say(&mut self, error: &SessionError) {
        if self.warned {
            tracing::debug!("{error}");
        } else {
            tracing::warn!("{error}; findings are kept and sent when it answers");
            self.warned = true;
        }
    }

    /// `INVALID_ARGUMENT` means that sending the same again will not help.
    fn learn(&mut self, error: &SessionError) {
        let SessionError::Ended { status, .. } = error else { return };
        if status.code() != Code::InvalidArgument || self.outbox.flying() == 0 {
            return;
        }
        if self.singly {
            if let Some(id) = self.outbox.refuse_first() {
                tracing::error!(finding = %id, "the collector refuses a finding, it is given up: {}", status.message());
            }
        } else {
            self.singly = true;
        }
    }

    /// Connects, says hello and sends. `Ok` when the agent is ending.
    async fn session(&mut self) -> Result<(), SessionError> {
        let mut stop = self.stop.clone();
        let first_sequence = self.outbox.rewind();
        let opening = async {
            let channel = self.endpoint.connect().await.map_err(|e| SessionError::Connect {
                uri: self.uri.clone(),
                reason: root_cause(&e),
            })?;
            tokio::time::timeout(CONNECT_TIMEOUT, self.open(channel, first_sequence))
                .await
                .unwrap_or_else(|_| Err(SessionError::NoWelcome { uri: self.uri.clone() }))
        };
        let (sender, mut replies, welcome) = tokio::select! {
            opened = opening => opened?,
            () = stop.wait() => return Ok(()),
        };
        self.metrics.connects.add(1);
        self.metrics.set_connected(true);
        if std::mem::take(&mut self.warned) {
            tracing::info!(collector = %self.uri, version = %welcome.collector_version, "the collector answers");
        }
        self.exchange(&sender, &mut replies, &welcome, &mut stop).await
    }

    /// Hello and welcome.
    async fn open(
        &self,
        channel: Channel,
        first_sequence: u64,
    ) -> Result<
        (mpsc::Sender<v1::ReportRequest>, Streaming<v1::ReportResponse>, v1::Welcome),
        SessionError,
    > {
        let uri = || self.uri.clone();
        let hello = v1::Hello {
            node: self.node.clone(),
            boot_id: self.boot_id.clone(),
            agent_version: env!("CARGO_PKG_VERSION").to_owned(),
            protocol_version: PROTOCOL_VERSION,
            first_sequence,
        };
        // Room for what HTTP/2 cannot take at once; flow control holds back beyond it.
        let (sender, requests) = mpsc::channel(2);
        let _ = sender
            .send(v1::ReportRequest { message: Some(report_request::Message::Hello(hello)) })
            .await;
        let mut client = IngestServiceClient::new(channel)
            .max_decoding_message_size(64 << 10)
            .max_encoding_message_size(usize::MAX);
        let ended = |status| SessionError::Ended { uri: uri(), status };
        let mut replies =
            client.report(ReceiverStream::new(requests)).await.map_err(ended)?.into_inner();
        match replies.message().await.map_err(ended)?.map(|reply| reply.message) {
            Some(Some(report_response::Message::Welcome(welcome))) => {
                Ok((sender, replies, welcome))
            }
            Some(_) => {
                Err(SessionError::Protocol { uri: uri(), what: "it did not begin with a welcome" })
            }
            None => Err(SessionError::Closed { uri: uri() }),
        }
    }

    /// Batches one way, acknowledgements the other.
    async fn exchange(
        &mut self,
        sender: &mpsc::Sender<v1::ReportRequest>,
        replies: &mut Streaming<v1::ReportResponse>,
        welcome: &v1::Welcome,
        stop: &mut Stop,
    ) -> Result<(), SessionError> {
        let (max_findings, max_bytes) = limits(welcome);
        let mut heard = heard(welcome.at);
        let mut last_words: Option<Instant> = None;
        // What was covered until the connection broke is told at once.
        let mut heartbeat = true;
        let mut beat = tokio::time::interval(COVERAGE_EVERY);
        beat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            if stop.is_set() && last_words.is_none() {
                last_words = Some(Instant::now() + LAST_WORDS);
                heartbeat = true;
            }
            let (findings, flying) = if self.singly { (1, 1) } else { (max_findings, MAX_FLYING) };
            while self.outbox.flying() < flying {
                let Ok(permit) = sender.try_reserve() else { break };
                let Some(mut batch) = self.outbox.take(findings, max_bytes, heartbeat) else {
                    break;
                };
                (batch.sent, batch.heard) = (Some(now()), heard);
                heartbeat = false;
                permit.send(v1::ReportRequest {
                    message: Some(report_request::Message::Batch(batch)),
                });
            }
            if let Some(until) = last_words
                && (self.outbox.is_empty() || Instant::now() >= until)
            {
                return Ok(());
            }
            let ending = last_words.is_some();
            let pause =
                last_words.map_or(LAST_WORDS, |t| t.saturating_duration_since(Instant::now()));
            tokio::select! {
                reply = replies.message() => {
                    let reply = reply.map_err(|status| SessionError::Ended { uri: self.uri.clone(), status })?;
                    let Some(reply) = reply else { return Err(SessionError::Closed { uri: self.uri.clone() }) };
                    if let Some(at) = self.reply(reply)? {
                        heard = self::heard(Some(at));
                    }
                }
                () = self.outbox.filled.notified() => {}
                _ = beat.tick() => heartbeat = true,
                // The channel was full: a place in it comes free, nothing is sent through this permit.
                permit = sender.reserve(), if sender.capacity() == 0 => drop(permit),
                () = stop.wait(), if !ending => {}
                () = tokio::time::sleep(pause), if ending => {}
            }
        }
    }

    /// Takes a reply; gives the collector's time in it.
    fn reply(
        &mut self,
        reply: v1::ReportResponse,
    ) -> Result<Option<prost_types::Timestamp>, SessionError> {
        match reply.message {
            Some(report_response::Message::Acknowledgement(ack)) => {
                self.outbox.acknowledge(ack.through);
                if self.singly && self.outbox.is_empty() {
                    self.singly = false;
                }
                Ok(ack.at)
            }
            // A newer collector may say more than this agent knows.
            None => Ok(None),
            Some(report_response::Message::Welcome(_)) => {
                Err(SessionError::Protocol { uri: self.uri.clone(), what: "it welcomed twice" })
            }
        }
    }
}

/// The collector's time as it is heard now: it will work out from it how far the clocks lie apart.
fn heard(at: Option<prost_types::Timestamp>) -> Option<v1::Heard> {
    Some(v1::Heard { at: Some(at?), received: Some(now()) })
}

fn now() -> prost_types::Timestamp {
    std::time::SystemTime::now().into()
}

/// Findings and bytes a batch may have: what both sides allow.
fn limits(welcome: &v1::Welcome) -> (usize, usize) {
    let least = |theirs: u32, ours: usize| match usize::try_from(theirs) {
        Ok(0) | Err(_) => ours,
        Ok(theirs) => theirs.min(ours),
    };
    let bytes = least(welcome.max_message_bytes, MAX_MESSAGE_BYTES);
    (least(welcome.max_batch_findings, MAX_BATCH_FINDINGS), bytes.saturating_sub(ENVELOPE))
}

/// The innermost reason: the outer ones only say "transport error".
fn root_cause(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests;
