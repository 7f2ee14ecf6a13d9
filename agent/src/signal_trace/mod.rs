//! The signal trace: every SIGKILL, who sent it and who got it, and whether the OOM killer did it.
//!
//! A trace instance of our own, filtered to SIGKILL, wakes us when one is made; both sides are looked up at once, and
//! the OOM killer's mark is waited for for a moment. Who is gone by then is known from a second instance, which records
//! forks ([`recorder`]). Without tracefs, or the privilege to use it, that is said once, tried again every minute, and all
//! other sources go on.

mod instance;
mod names;
mod past;
mod pipe;
mod recorder;
mod setups;
mod sight;
mod task;
#[cfg(test)]
mod tests;
mod tracefs;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use coroner_core::finding::{FindingBody, FindingId, Gap, Sigkill, Source};
use coroner_core::signal::{Paired, Pairing, Reader, TraceEvent};

use crate::clock::{Clocks, Moment, monotonic_us};
use crate::config::Config;
use crate::homes::Homes;
use crate::sources::Common;
use crate::stop::Stop;
use instance::Instance;
use names::Names;
use pipe::Pipe;
use recorder::Recorder;
use sight::{Looks, Sighting};
pub(crate) use task::from_the_root;
use tracefs::TraceError;
pub(crate) use tracefs::find as find_tracefs;

/// When tracing does not work, it is tried again so often.
const RETRY: Duration = Duration::from_secs(60);

/// A look at whether somebody switched our instance off, and for events whose wake-up was lost.
const CHECK: Duration = Duration::from_secs(60);

/// A read gives at most a page or two.
const BUFFER: usize = 16 * 1024;

/// Other work gets its turn after so many reads.
const TURN: usize = 8;

/// An event may be stamped and not yet be readable, in microseconds.
const VISIBLE_US: u64 = 1_000;

/// The source.
pub(crate) struct SignalTrace {
    root: Option<PathBuf>,
    name: String,
    proc_root: PathBuf,
    common: Common,
    homes: Arc<Homes>,
    /// Where each SIGKILL goes.
    sink: Sink,
}

type Sink = Box<dyn Fn(Sigkill) + Send + Sync>;

/// An instance while it is read.
#[derive(Debug)]
struct Following {
    pipe: Pipe,
    reader: Reader,
    /// The kernel tells whom the OOM killer chooses.
    marks: bool,
    pairing: Pairing<Sighting>,
    looks: Looks,
    buffer: Vec<u8>,
    /// Everything made before is read, in microseconds of `CLOCK_MONOTONIC`.
    read_until_us: u64,
}

impl SignalTrace {
    pub(crate) fn new(config: &Config, common: Common, homes: Arc<Homes>, sink: Sink) -> Self {
        let root = config.tracing_root.clone();
        let (name, proc_root) = (config.tracing_instance.clone(), config.proc_root.clone());
        Self { root, name, proc_root, common, homes, sink }
    }

    /// Traces until the agent ends.
    pub(crate) async fn run(self) {
        let mut stop = self.common.stop.clone();
        let mut complaint = String::new();
        while !stop.is_set() {
            match self.open() {
                Ok((instance, mut following)) => {
                    complaint.clear();
                    self.announce(&instance, &mut following);
                    let ended = self.follow(&instance, &mut following, &mut stop).await;
                    let recorder = following.looks.past().recorder.take();
                    drop(following);
                    // Taking the buffers away takes the kernel some time.
                    let removed = tokio::task::spawn_blocking(move || {
                        recorder.into_iter().for_each(Recorder::remove);
                        instance.remove();
                    });
                    let _ = removed.await;
                    match ended {
                        Ok(()) => return,
                        Err(error) => self.cannot(&error, &mut complaint),
                    }
                }
                Err(error) => self.cannot(&error, &mut complaint),
            }
            tokio::select! {
                () = tokio::time::sleep(RETRY) => {}
                () = stop.wait() => {}
            }
        }
    }

    fn open(&self) -> Result<(Instance, Following), TraceError> {
        let tracefs = tracefs::find(self.root.as_deref(), Path::new("/proc/self/mountinfo"))?;
        let (layouts, setup) = setups::kills(&tracefs)?;
        let marks = layouts.marked.is_some();
        let instance = Instance::open(&tracefs, &self.name, &setup)?;
        let recorder = match Recorder::open(&tracefs, &self.name, &self.proc_root) {
            Ok(recorder) => Some(recorder),
            Err(error) => {
                tracing::info!("forks are not recorded: {error}");
                None
            }
        };
        let following = Following {
            pipe: Pipe::open(&instance.path)?,
            reader: Reader::new(layouts),
            marks,
            pairing: Pairing::default(),
            looks: Looks::new(
                self.proc_root.clone(),
                Arc::clone(&self.homes),
                Names::keep(&instance.path),
                recorder,
                Instant::now(),
            ),
            buffer: vec![0; BUFFER],
            read_until_us: monotonic_us(),
        };
        Ok((instance, following))
    }

    fn announce(&self, instance: &Instance, following: &mut Following) {
        let mut detail = format!(
            "traces SIGKILL in {}, with a buffer of {} KiB for each CPU",
            instance.path.display(),
            instance.buffer_kb
        );
        if instance.adopted {
            detail
                .push_str(", taken over from an agent that was killed, with what was traced since");
        }
        if !following.marks {
            detail.push_str("; the kernel does not trace whom the OOM killer chooses");
        }
        match &following.looks.past().recorder {
            Some(recorder) => {
                let _ = write!(
                    detail,
                    "; records forks, with {} KiB for each CPU",
                    recorder.buffer_kb()
                );
            }
            None => detail.push_str(
                "; forks are not recorded, so a process that is gone when it is looked up may stay unknown",
            ),
        }
        let now = Clocks::now();
        self.common.findings.status(Source::SignalTrace, true, detail, Some(now.timestamp()));
        self.common.findings.outbox.coverage.begin_woken(Source::SignalTrace, now.monotonic_us);
    }

    /// Says what is missing, once for each reason.
    fn cannot(&self, error: &TraceError, complaint: &mut String) {
        self.common.findings.outbox.coverage.hole(Source::SignalTrace, Some(monotonic_us()), None);
        let detail = format!("who sends SIGKILL cannot be told: {error}");
        if *complaint != detail {
            self.common.findings.status(Source::SignalTrace, false, detail.clone(), None);
            *complaint = detail;
        }
    }

    async fn follow(
        &self,
        instance: &Instance,
        following: &mut Following,
        stop: &mut Stop,
    ) -> Result<(), TraceError> {
        let mut check = tokio::time::interval_at(tokio::time::Instant::now() + CHECK, CHECK);
        loop {
            self.common.metrics.standing.turned(Source::SignalTrace);
            self.read_all(following).await?;
            if stop.is_set() {
                while let Some(pair) = following.pairing.expired(u64::MAX) {
                    self.hand_on(pair);
                }
                return Ok(());
            }
            let due = following.pairing.due_us().map(|due| due.saturating_sub(monotonic_us()));
            let due = Duration::from_micros(due.unwrap_or_default() + VISIBLE_US);
            let waits = following.pairing.due_us().is_some();
            tokio::select! {
                ready = following.pipe.readable() => ready?,
                () = tokio::time::sleep(due), if waits => {}
                _ = check.tick() => {
                    instance.check()?;
                    following.looks.past().check();
                }
                () = stop.wait() => {}
            }
        }
    }

    /// Reads until there is nothing more.
    async fn read_all(&self, following: &mut Following) -> Result<(), TraceError> {
        let mut reads = 0;
        loop {
            let before = monotonic_us().saturating_sub(VISIBLE_US);
            let len = following.pipe.read(&mut following.buffer)?;
            if len == 0 {
                following.read_until_us = before;
                break;
            }
            self.take(following, len);
            reads += 1;
            if reads % TURN == 0 {
                tokio::task::yield_now().await;
            }
        }
        while let Some(pair) = following.pairing.expired(following.read_until_us) {
            self.hand_on(pair);
        }
        let metrics = &self.common.metrics;
        metrics.trace_not_understood.add(following.reader.take_not_understood());
        metrics.trace_not_looked_up.add(following.looks.take_not_taken());
        metrics.trace_lone_marks.add(following.pairing.take_lone_marks());
        Ok(())
    }

    fn take(&self, following: &mut Following, len: usize) {
        let Following { reader, pairing, looks, buffer, read_until_us, .. } = following;
        let bytes = buffer.get(..len).unwrap_or_default();
        reader.feed(bytes, |event| {
            self.common.metrics.trace_events.add(1);
            let done = match event {
                TraceEvent::Generated(signal) => {
                    let sighting = looks.look(&signal, Instant::now());
                    pairing.generated(signal, sighting)
                }
                TraceEvent::Marked(marked) => pairing.marked(marked),
                TraceEvent::Lost { events, .. } => {
                    self.lost(events, *read_until_us);
                    None
                }
                TraceEvent::Forked(_) | TraceEvent::Moved(_) => None,
            };
            if let Some(pair) = done {
                self.hand_on(pair);
            }
        });
    }

    fn hand_on(&self, pair: Paired<Sighting>) {
        let Paired { signal, with: sighting, mark } = pair;
        tracing::debug!(
            receiver = signal.receiver,
            sender = signal.sender,
            code = signal.code,
            marked = mark.is_some(),
            main = sighting.receiver_is_main,
            home = sighting.receiver.cgroup.is_some(),
            age_us = monotonic_us().saturating_sub(signal.at_us),
            "SIGKILL"
        );
        (self.sink)(Sigkill {
            at_us: signal.at_us,
            code: signal.code,
            whole_process: signal.whole_process,
            result: signal.result,
            receiver: sighting.receiver,
            receiver_is_main: sighting.receiver_is_main,
            sender: sighting.sender,
            ancestors: sighting.ancestors,
            oom_mark: mark,
        });
    }

    /// Events were overwritten: somewhere between the last one read before and now.
    fn lost(&self, events: Option<u64>, from_us: u64) {
        let (now, findings) = (Clocks::now(), &self.common.findings);
        self.common.metrics.trace_events_lost.add(events.unwrap_or(1));
        tracing::warn!(events, "signal trace events lost");
        let body = FindingBody::Gap(Gap {
            source: Source::SignalTrace,
            first_lost: None,
            lost: events,
            from: Some(now.of_monotonic(from_us)),
            to: Some(now.timestamp()),
            reason: "the kernel overwrote trace events before they were read".to_owned(),
        });
        let id = FindingId::gap(Source::SignalTrace, &findings.boot_id, now.monotonic_us);
        let moment = Moment { time: now.timestamp(), uncertainty_us: Some(now.age_us(from_us)) };
        findings.push(id, None, Source::SignalTrace, moment, body, None);
        findings.outbox.coverage.hole(Source::SignalTrace, Some(from_us), Some(now.monotonic_us));
    }
}
