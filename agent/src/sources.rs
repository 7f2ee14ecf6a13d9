//! Starts the sources: each one a task of its own, each optional.
//!
//! A source that is switched off says so once, like one that cannot read, so that nobody takes its silence for
//! knowledge. A recording replaces all of them: it is another machine's log, and nothing here belongs to it.

use std::sync::Arc;
use std::time::Duration;

use coroner_core::finding::Source;
use tokio::task::JoinSet;

use crate::cgroup::{Hierarchy, Watcher};
use crate::clock::Clocks;
use crate::config::{Config, KernelLogSource, StartPosition};
use crate::findings::Findings;
use crate::join::Joiner;
use crate::kernel_log::{Intake, KernelLog, Recording, Reporter};
use crate::log_file::LogFiles;
use crate::metrics::Metrics;
use crate::node::{page_size, sees_host_pids};
use crate::process::Processes;
use crate::signal_trace::SignalTrace;
use crate::stop::Stop;
use crate::surroundings::{Sources, Surroundings};
use crate::witness::Witness;

/// A source that cannot be opened is tried again so often.
const RETRY: Duration = Duration::from_secs(60);

/// What all sources have in common.
#[derive(Clone, Debug)]
pub(crate) struct Common {
    pub findings: Findings,
    pub metrics: Arc<Metrics>,
    pub stop: Stop,
}

/// Starts all sources of this node. `warning` is a circumstance of the start that is worth telling.
pub(crate) fn start(
    config: &Config,
    common: &Common,
    warning: Option<String>,
    tasks: &mut JoinSet<()>,
) {
    for source in Source::ALL.into_iter().filter(|source| config.disabled.contains(source)) {
        let why = format!("switched off (--without {})", source.flag());
        common.findings.status(source, false, why, None);
    }
    for source in started(config) {
        common.metrics.standing.started(source);
    }
    let joiner = Arc::new(Joiner::new(common.findings.clone(), Arc::clone(&common.metrics)));
    tasks.spawn(Arc::clone(&joiner).run(common.stop.clone()));
    let (surroundings, seen) = Surroundings::new(
        Sources::new(config, common.findings.clone()),
        Arc::clone(&common.metrics),
    );
    joiner.tell(seen);
    tasks.spawn(surroundings.run(common.stop.clone()));
    if !config.log_files.is_empty() && config.enabled(Source::LogFile) {
        let files = LogFiles::new(&config.log_files, common.clone(), Arc::clone(&joiner));
        tasks.spawn(files.run());
    }
    if config.enabled(Source::Cgroup) {
        let (config, common) = (config.clone(), common.clone());
        tasks.spawn(watch_groups(config, common, Arc::clone(&joiner)));
    }
    if config.enabled(Source::SignalTrace) {
        let (homes, to) = (Arc::clone(&joiner.homes), Arc::clone(&joiner));
        let sink = Box::new(move |sigkill| to.sigkill(sigkill));
        let trace = SignalTrace::new(config, common.clone(), homes, sink);
        tasks.spawn(trace.run());
    }
    if let (KernelLogSource::Device(path), true) =
        (&config.kernel_log, config.enabled(Source::KernelLog))
    {
        let (witness, blind) = match config.enabled(Source::Cgroup) {
            true => witness(config, common, &joiner),
            false => (None, None),
        };
        let notes = [blind, warning].into_iter().flatten();
        let log = kernel_log(config, common, witness, Some(joiner), None, notes);
        tasks.spawn(log.run(path.clone()));
    }
}

/// The sources that will say how they are doing.
fn started(config: &Config) -> impl Iterator<Item = Source> {
    Source::ALL.into_iter().filter(|source| {
        let there = match source {
            Source::KernelLog => matches!(config.kernel_log, KernelLogSource::Device(_)),
            Source::LogFile => !config.log_files.is_empty(),
            _ => true,
        };
        there && config.enabled(*source)
    })
}

/// Plays a recording instead.
pub(crate) fn replay(
    config: &Config,
    common: &Common,
    recording: Recording,
    warning: Option<String>,
    tasks: &mut JoinSet<()>,
) {
    // Clocks of a recording stand still at its end.
    let clocks = Clocks { monotonic_us: recording.end_us, ..Clocks::now() };
    let log = kernel_log(config, common, None, None, Some(clocks), warning.into_iter());
    tasks.spawn(log.replay(recording));
}

fn kernel_log(
    config: &Config,
    common: &Common,
    witness: Option<Witness>,
    joiner: Option<Arc<Joiner>>,
    recording: Option<Clocks>,
    notes: impl Iterator<Item = String>,
) -> KernelLog {
    let metrics = &common.metrics;
    let mut reporter =
        Reporter::new(common.findings.clone(), Arc::clone(metrics), witness, joiner, recording);
    notes.for_each(|note| reporter.note(note));
    KernelLog {
        intake: Intake::new(reporter, Arc::clone(metrics), page_size()),
        from_now: config.start == StartPosition::Now,
        stop: common.stop.clone(),
    }
}

/// Watches the groups, if there are any to be watched; else tries again now and then.
async fn watch_groups(config: Config, common: Common, joiner: Arc<Joiner>) {
    let mut stop = common.stop.clone();
    let mut complained = false;
    loop {
        let (root, findings) = (config.cgroup_root.as_deref(), common.findings.clone());
        let opened = Hierarchy::find(&config.proc_root, root)
            .map_err(|error| format!("cgroups cannot be watched: {error}"))
            .and_then(|found| {
                Watcher::open(found, &config.proc_root, findings, Arc::clone(&joiner))
                    .map_err(|error| format!("cgroups cannot be watched: no inotify: {error}"))
            });
        match opened {
            Ok(watcher) => return watcher.run(stop).await,
            Err(why) => {
                if !std::mem::replace(&mut complained, true) {
                    common.findings.status(Source::Cgroup, false, why, None);
                }
            }
        }
        tokio::select! {
            () = tokio::time::sleep(RETRY) => {}
            () = stop.wait() => return,
        }
    }
}

/// What looks at cgroups, or a sentence about why nothing does.
fn witness(
    config: &Config,
    common: &Common,
    joiner: &Arc<Joiner>,
) -> (Option<Witness>, Option<String>) {
    match Hierarchy::find(&config.proc_root, config.cgroup_root.as_deref()) {
        Ok(hierarchy) => {
            tracing::info!(version = hierarchy.version.number(), mount = %hierarchy.mount.display(), "reads cgroups");
            let witness = Witness::new(
                hierarchy,
                Processes::new(&config.proc_root),
                (sees_host_pids(), Arc::clone(&joiner.homes)),
                common.findings.clone(),
                Some(Arc::clone(joiner)),
                Arc::clone(&common.metrics),
            );
            (Some(witness), None)
        }
        Err(error) => (None, Some(format!("cgroups are not read: {error}"))),
    }
}
