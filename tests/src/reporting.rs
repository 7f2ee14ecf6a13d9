//! An agent that reports exactly what a test wants reported, over the real protocol, and the findings of a kill as an agent
//! makes them.

use std::time::Duration;

use coroner_core::finding::{
    CgroupObservation, CgroupState, ContainerEnd, CoverageSpan, Finding, FindingBody, FindingId,
    Phase, Source,
};
use coroner_core::kernel::{KernelEvent, OomReport, ReportEnd, Scope, Victim};
use coroner_proto::v1::ingest_service_client::IngestServiceClient;
use coroner_proto::v1::{self, ReportRequest, ReportResponse, report_request, report_response};
use jiff::{SignedDuration, Timestamp};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Streaming;

/// The boot of all nodes that report here.
pub const BOOT: &str = "6f1c6a0e-64f5-4fd1-9a5e-000000000001";

/// How long an acknowledgement may take. This bounds a hang; it measures nothing.
const PATIENCE: Duration = Duration::from_secs(60);

/// One agent's stream.
pub struct Reporting {
    requests: mpsc::Sender<ReportRequest>,
    responses: Streaming<ReportResponse>,
    sequence: u64,
    /// How far the node's clock is ahead.
    ahead: SignedDuration,
    /// The last that was heard.
    heard: Option<v1::Heard>,
}

impl Reporting {
    /// Says hello to a collector as the agent of `node`.
    ///
    /// # Panics
    ///
    /// When it is not welcome.
    pub async fn connect(url: &str, node: &str) -> Self {
        Self::connect_with_clock(url, node, SignedDuration::ZERO).await
    }

    /// The same for a node whose clock is so far ahead.
    ///
    /// # Panics
    ///
    /// When it is not welcome.
    pub async fn connect_with_clock(url: &str, node: &str, ahead: SignedDuration) -> Self {
        let mut client = IngestServiceClient::connect(url.to_owned()).await.unwrap();
        let (requests, stream) = mpsc::channel(16);
        let hello = v1::Hello {
            node: node.to_owned(),
            boot_id: BOOT.to_owned(),
            agent_version: "test".to_owned(),
            protocol_version: coroner_proto::PROTOCOL_VERSION,
            first_sequence: 1,
        };
        let hello = ReportRequest { message: Some(report_request::Message::Hello(hello)) };
        requests.send(hello).await.unwrap();
        let responses = client.report(ReceiverStream::new(stream)).await.unwrap().into_inner();
        let mut agent = Self { requests, responses, sequence: 0, ahead, heard: None };
        match agent.hear().await {
            report_response::Message::Welcome(welcome) => agent.heard(welcome.at),
            report_response::Message::Acknowledgement(_) => panic!("no welcome"),
        }
        agent
    }

    /// Now, by the node's clock.
    fn now(&self) -> prost_types::Timestamp {
        let now = Timestamp::now() + self.ahead;
        prost_types::Timestamp { seconds: now.as_second(), nanos: now.subsec_nanosecond() }
    }

    fn heard(&mut self, at: Option<prost_types::Timestamp>) {
        self.heard = Some(v1::Heard { at, received: Some(self.now()) });
    }

    async fn hear(&mut self) -> report_response::Message {
        let next = tokio::time::timeout(PATIENCE, self.responses.message()).await;
        next.expect("an answer comes").unwrap().unwrap().message.unwrap()
    }

    /// Reports, and waits until it is durable.
    ///
    /// # Panics
    ///
    /// When it is refused.
    pub async fn report(&mut self, findings: &[Finding], coverage: &[CoverageSpan]) {
        self.sequence += 1;
        let batch = v1::Batch {
            sequence: self.sequence,
            findings: findings.iter().cloned().map(Into::into).collect(),
            coverage: coverage.iter().cloned().map(Into::into).collect(),
            sent: Some(self.now()),
            heard: self.heard,
        };
        let message = ReportRequest { message: Some(report_request::Message::Batch(batch)) };
        self.requests.send(message).await.unwrap();
        match self.hear().await {
            report_response::Message::Acknowledgement(ack) => {
                assert_eq!(ack.through, self.sequence);
                self.heard(ack.at);
            }
            report_response::Message::Welcome(_) => panic!("welcomed twice"),
        }
    }
}

/// Where a container's processes are: node, what the cgroup calls the pod, the container's id.
#[derive(Clone, Debug)]
pub struct Place {
    /// The node.
    pub node: String,
    /// The pod's uid, or a static pod's config hash.
    pub pod: String,
    /// 64 hex digits.
    pub container: String,
}

impl Place {
    /// Its control group, as the kubelet's cgroupfs driver names it.
    #[must_use]
    pub fn path(&self) -> String {
        format!("/kubepods/burstable/pod{}/{}", self.pod, self.container)
    }

    fn finding(
        &self,
        id: FindingId,
        time: Timestamp,
        source: Source,
        body: FindingBody,
    ) -> Finding {
        Finding {
            id,
            node: self.node.clone(),
            boot_id: BOOT.to_owned(),
            time,
            time_uncertainty_us: Some(1000),
            source,
            about: None,
            body,
        }
    }

    /// The container hit its limit, and the OOM killer took process `seq` of it, as record `seq`; a moment after so many
    /// processes were left in it.
    #[must_use]
    pub fn oom_killed(&self, seq: u64, time: Timestamp, left: u64) -> Vec<Finding> {
        let victim = Victim {
            pid: u32::try_from(seq).unwrap_or(u32::MAX),
            comm: "memhog".to_owned(),
            cgroup: Some(self.path()),
            ..Victim::default()
        };
        let report = OomReport {
            scope: Scope::Cgroup,
            end: ReportEnd::Killed,
            limit_cgroup: Some(self.path()),
            victims: vec![victim],
            ..OomReport::default()
        };
        let about = FindingId::kernel(BOOT, seq, 0);
        let body = FindingBody::Kernel(Box::new(KernelEvent::Oom(Box::new(report))));
        let kill = self.finding(about.clone(), time, Source::KernelLog, body);
        let state = CgroupState {
            path: self.path(),
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
        let body = FindingBody::Cgroups(observation);
        vec![kill, self.finding(id, time, Source::Cgroup, body)]
    }

    /// Nobody is left in it; a whole trace saw no SIGKILL for its main process.
    #[must_use]
    pub fn ended(&self, since: Timestamp, time: Timestamp) -> Finding {
        let end = ContainerEnd {
            group: self.path(),
            container_id: self.container.clone(),
            main_pid: Some(100),
            sandbox: false,
            watched_since: Some(since),
            not_before: None,
            main_sigkilled: Some(false),
            oom_kills: Some(0),
            throttled_us: None,
            throttled_periods: None,
        };
        let id = FindingId::container_end(BOOT, &self.container);
        self.finding(id, time, Source::Cgroup, FindingBody::ContainerEnd(Box::new(end)))
    }
}

/// All sources that see kills missed nothing between two times.
#[must_use]
pub fn watched(from: Timestamp, to: Timestamp) -> Vec<CoverageSpan> {
    [Source::KernelLog, Source::Cgroup, Source::SignalTrace]
        .into_iter()
        .map(|source| CoverageSpan { source, from, to })
        .collect()
}
