//! An agent as a whole: its parts started, wired and ended together.
//!
//! Each part is one task that owns its state. They share the outbox, the counters and a stop signal; everything ends
//! within a second of it.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use crate::config::{Config, ConfigError, check_node, collector_uri, is_loopback};
use crate::findings::Findings;
use crate::http::{self, HttpError};
use crate::kernel_log::{Recording, ReplayError};
use crate::metrics::Metrics;
use crate::node::{NodeError, boot_id};
use crate::outbox::{Bounds, Outbox};
use crate::position::Position;
use crate::sources::{self, Common};
use crate::state::{StateDir, StateError};
use crate::stop::{self, Stop, Stopper};
use crate::uplink::Uplink;

/// Everything has this long to end.
const GRACE: Duration = Duration::from_millis(800);

/// Acknowledgements that come together are saved together.
const SAVE_AFTER: Duration = Duration::from_millis(200);

/// Records that gave nothing move the position too; it is saved now and then, so that after a long time a restart
/// does not take for lost what was read.
const SAVE_EVERY: Duration = Duration::from_secs(60);

/// Why an agent cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A setting can never work.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The machine does not say what it must say.
    #[error(transparent)]
    Node(#[from] NodeError),
    /// The recording cannot be played.
    #[error(transparent)]
    Replay(#[from] ReplayError),
    /// The state directory cannot be used.
    #[error(transparent)]
    State(#[from] StateError),
    /// The port cannot be listened on.
    #[error(transparent)]
    Http(#[from] HttpError),
}

/// A running agent. Dropping it ends it without last words; [`Agent::shutdown`] is the polite way.
#[derive(Debug)]
pub struct Agent {
    stop: Stopper,
    tasks: JoinSet<()>,
    outbox: Arc<Outbox>,
    metrics: Arc<Metrics>,
    state: Option<StateDir>,
    http_addr: Option<SocketAddr>,
}

impl Agent {
    /// Starts an agent on the current tokio runtime, which needs its I/O and time drivers.
    ///
    /// A collector or a kernel log that is absent is no error: the agent says so, goes on and tries again.
    ///
    /// # Errors
    /// When a setting can never work, the boot id or a recording cannot be read, the state directory cannot be
    /// made, or the HTTP port is taken.
    pub async fn start(config: Config) -> Result<Self, StartError> {
        check_node(&config.node)?;
        let uri = collector_uri(&config.collector)?;
        if !is_loopback(&uri) {
            tracing::warn!(collector = %uri, "findings travel in plain text beyond this machine");
        }
        let recording = Recording::load(&config.kernel_log)?;
        let boot_id = match &recording {
            Some(recording) => recording.boot_id.clone(),
            None => known_boot(&config.proc_root)?,
        };
        let state = config.state_dir.as_deref().map(StateDir::open).transpose()?;
        let (position, warning) = resume(state.as_ref(), &boot_id)?;
        let listener = match config.http_addr {
            Some(addr) => Some(http::listen(addr).await?),
            None => None,
        };
        let http_addr = listener.as_ref().and_then(|l| l.local_addr().ok());

        let metrics = Arc::new(Metrics::default());
        let (stop, stopped) = stop::channel();
        let mut tasks = JoinSet::new();
        let outbox = Arc::new(Outbox::new(
            config.node.clone(),
            position,
            Bounds::default(),
            Arc::clone(&metrics),
        ));

        let common = Common {
            findings: Findings {
                node: config.node.clone(),
                boot_id: boot_id.clone(),
                outbox: Arc::clone(&outbox),
            },
            metrics: Arc::clone(&metrics),
            stop: stopped.clone(),
        };
        match recording {
            Some(recording) => sources::replay(&config, &common, recording, warning, &mut tasks),
            None => sources::start(&config, &common, warning, &mut tasks),
        }
        let uplink = Uplink::new(
            uri,
            Arc::clone(&outbox),
            Arc::clone(&metrics),
            config.node,
            boot_id,
            stopped.clone(),
        );
        tasks.spawn(uplink.run());
        if let Some(listener) = listener {
            tasks.spawn(http::serve(
                listener,
                Arc::clone(&metrics),
                Arc::clone(&outbox),
                stopped.clone(),
            ));
        }
        if let Some(state) = state.clone() {
            tasks.spawn(save(state, Arc::clone(&outbox), Arc::clone(&metrics), stopped));
        }
        Ok(Self { stop, tasks, outbox, metrics, state, http_addr })
    }

    /// Ends within a second: what waits is sent if a collector listens, and the acknowledged position is saved.
    pub async fn shutdown(mut self) {
        let _ = self.stop.send(true);
        let ended = async { while self.tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(GRACE, ended).await.is_err() {
            tracing::warn!("a part of the agent did not end in time");
        }
        self.tasks.abort_all();
        if let Some(state) = self.state.take() {
            save_now(&state, &self.outbox.position(), &self.metrics);
        }
    }

    /// Where health and metrics are served, with the real port where 0 was asked for.
    #[must_use]
    pub fn http_addr(&self) -> Option<SocketAddr> {
        self.http_addr
    }

    /// Findings that the collector has acknowledged since the start.
    #[must_use]
    pub fn acknowledged(&self) -> u64 {
        self.metrics.acknowledged.get()
    }

    /// Findings that wait to be sent or acknowledged.
    #[must_use]
    pub fn queued(&self) -> u64 {
        self.metrics.queued()
    }

    /// Whether the kernel log is being read.
    #[must_use]
    pub fn is_reading(&self) -> bool {
        self.metrics.is_reading()
    }

    /// Whether a collector has welcomed this agent and its stream stands.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.metrics.is_connected()
    }
}

/// The boot id as the given proc file system has it, else as this process's own has it: all containers of a machine see
/// the same.
fn known_boot(proc_root: &Path) -> Result<String, NodeError> {
    boot_id(proc_root).or_else(|error| {
        let own = boot_id(Path::new("/proc")).map_err(|_| error)?;
        let root = proc_root.display();
        tracing::error!(
            "`{root}` (--proc-root) is no proc file system, expected one like /proc: processes are not read, and the \
             boot id is taken from /proc"
        );
        Ok(own)
    })
}

/// Where to go on, and what to say about it. A position of another boot says nothing about this one's log.
fn resume(
    state: Option<&StateDir>,
    boot_id: &str,
) -> Result<(Position, Option<String>), StateError> {
    let fresh = || Position { boot_id: boot_id.to_owned(), ..Position::default() };
    let Some(state) = state else { return Ok((fresh(), None)) };
    let loaded = state.load()?;
    let position = loaded.position.filter(|position| position.boot_id == boot_id);
    Ok((position.unwrap_or_else(fresh), loaded.warning))
}

/// Saves the position when it has moved.
async fn save(state: StateDir, outbox: Arc<Outbox>, metrics: Arc<Metrics>, mut stop: Stop) {
    let mut saved = outbox.position();
    loop {
        tokio::select! {
            () = outbox.acknowledged.notified() => tokio::time::sleep(SAVE_AFTER).await,
            () = tokio::time::sleep(SAVE_EVERY) => {}
            () = stop.wait() => return,
        }
        let position = outbox.position();
        if position != saved {
            saved = position.clone();
            let (state, metrics) = (state.clone(), Arc::clone(&metrics));
            // A sync takes milliseconds, in which the kernel log must be read.
            let _ =
                tokio::task::spawn_blocking(move || save_now(&state, &position, &metrics)).await;
        }
    }
}

fn save_now(state: &StateDir, position: &Position, metrics: &Metrics) {
    if let Err(error) = state.save(position) {
        metrics.state_errors.add(1);
        tracing::warn!("{error}; after a restart findings may be sent again");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::position::Mark;

    /// After a reboot records are numbered from 0 again: an old position would hide all that is new.
    #[test]
    fn a_position_of_another_boot_says_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let state = StateDir::open(dir.path()).unwrap();
        let through = Some(Mark { seq: Some(90_000), monotonic_us: Some(7) });
        let old = Position { boot_id: "b1".to_owned(), through, ..Position::default() };
        state.save(&old).unwrap();
        assert_eq!(resume(Some(&state), "b1").unwrap().0, old);
        let fresh = Position { boot_id: "b2".to_owned(), ..Position::default() };
        assert_eq!(resume(Some(&state), "b2").unwrap(), (fresh.clone(), None));
        assert_eq!(resume(None, "b2").unwrap(), (fresh, None));
    }
}
