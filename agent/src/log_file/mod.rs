//! Log files of the node, for what killers in user space write there and nowhere else.
//!
//! systemd-oomd, earlyoom and their like speak to syslog or the journal, not to the kernel's ring. Where a syslog
//! daemon writes that to files, the files named with `--log-file` are followed from their end on. Everything else in
//! them is left alone: what the kernel said is read from the kernel. Files are looked at once a second, which survives
//! every kind of rotation: one that was moved away is read to its end, one that was cut off is read from its begin.
//! A file that is absent is waited for.

mod follow;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use coroner_core::finding::{FindingBody, FindingId, Gap, Source};
use coroner_core::kernel::KernelEvent;
use coroner_core::kernel_log::{Options, Parser};
use tokio::time::MissedTickBehavior;

use crate::clock::{Clocks, Moment, monotonic_us};
use crate::join::Joiner;
use crate::sources::Common;
use follow::{Follow, Step};

/// How often files are looked at.
const LOOK: Duration = Duration::from_secs(1);

/// A line that began and did not end for so many looks is taken as it stands.
const SILENT_LOOKS: u32 = 2;

/// One followed file.
struct Log {
    follow: Follow,
    parser: Parser,
    /// What identifies the text that the parser is given: file and place it began at.
    text: String,
    silent: u32,
    complained: bool,
}

/// The source.
pub(crate) struct LogFiles {
    logs: Vec<Log>,
    common: Common,
    joiner: Arc<Joiner>,
}

impl LogFiles {
    pub(crate) fn new(paths: &[PathBuf], common: Common, joiner: Arc<Joiner>) -> Self {
        let log = |path: &PathBuf| Log {
            follow: Follow::new(path.clone()),
            parser: Parser::new(Options::default()),
            text: String::new(),
            silent: 0,
            complained: false,
        };
        Self { logs: paths.iter().map(log).collect(), common, joiner }
    }

    /// Follows the files until the agent ends.
    pub(crate) async fn run(mut self) {
        let names: Vec<String> =
            self.logs.iter().map(|log| log.follow.path().display().to_string()).collect();
        let now = Clocks::now();
        let detail = format!("follows {} from now on", names.join(", "));
        self.common.findings.status(Source::LogFile, true, detail, Some(now.timestamp()));
        let coverage = &self.common.findings.outbox.coverage;
        coverage.begin(Source::LogFile, now.monotonic_us);
        let mut look = tokio::time::interval(LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = look.tick() => {}
                () = self.common.stop.wait() => return,
            }
            self.common.metrics.standing.turned(Source::LogFile);
            let before = monotonic_us();
            let mut whole = true;
            for at in 0..self.logs.len() {
                whole &= self.look(at);
            }
            let coverage = &self.common.findings.outbox.coverage;
            if whole {
                coverage.covered(Source::LogFile, before);
            } else {
                coverage.hole(Source::LogFile, None, Some(before));
            }
        }
    }

    /// Reads what is new in one file. False when something may have been missed.
    fn look(&mut self, at: usize) -> bool {
        let (common, joiner) = (&self.common, &self.joiner);
        let Some(log) = self.logs.get_mut(at) else { return true };
        let mut events = Vec::new();
        let mut whole = true;
        let mut came = false;
        loop {
            match log.follow.step() {
                Ok(Step::Nothing) => break,
                Ok(Step::Text(bytes)) => {
                    came = true;
                    log.parser.text(bytes, &mut |event| events.push(event));
                }
                Ok(Step::Begins(text)) => {
                    log.parser.finish(&mut |event| events.push(event));
                    hand_on(common, joiner, &log.text, &mut events);
                    log.parser = Parser::new(Options::default());
                    log.text = text;
                    log.complained = false;
                }
                Ok(Step::Cut) => {
                    whole = false;
                    lost(common, &log.follow, "it was cut off while it was followed");
                }
                Err(error) => {
                    whole = false;
                    if !std::mem::replace(&mut log.complained, true) {
                        common.findings.status(Source::LogFile, false, error.to_string(), None);
                    }
                    break;
                }
            }
        }
        log.silent = if came { 0 } else { log.silent.saturating_add(1) };
        if log.silent == SILENT_LOOKS {
            log.parser.finish(&mut |event| events.push(event));
        }
        hand_on(common, joiner, &log.text, &mut events);
        whole
    }
}

/// Only killers in user space are heard here.
fn hand_on(common: &Common, joiner: &Joiner, text: &str, events: &mut Vec<KernelEvent>) {
    for event in events.drain(..) {
        let KernelEvent::UserspaceKill(kill) = &event else { continue };
        let boot_id = &common.findings.boot_id;
        let id = FindingId(format!("file:{boot_id}:{text}.{}", kill.position.line));
        let about = joiner.printed(&event, &id, Some(monotonic_us()));
        common.metrics.event(&event);
        let late = u64::try_from(LOOK.as_micros()).ok();
        let moment = Moment { time: Clocks::now().timestamp(), uncertainty_us: late };
        let body = FindingBody::Kernel(Box::new(event));
        common.findings.push(id, about, Source::LogFile, moment, body, None);
    }
}

fn lost(common: &Common, follow: &Follow, why: &str) {
    let now = Clocks::now();
    let path = follow.path().display();
    let body = FindingBody::Gap(Gap {
        source: Source::LogFile,
        first_lost: None,
        lost: None,
        from: Some(now.of_monotonic(now.monotonic_us.saturating_sub(1_000_000))),
        to: Some(now.timestamp()),
        reason: format!("{path}: {why}"),
    });
    tracing::warn!("{path}: {why}");
    let id = FindingId::gap(Source::LogFile, &common.findings.boot_id, now.monotonic_us);
    let moment = Moment { time: now.timestamp(), uncertainty_us: Some(0) };
    common.findings.push(id, None, Source::LogFile, moment, body, None);
}
