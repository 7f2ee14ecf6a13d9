//! `coroner demo`: a real process, really killed, and the answer through the real path.
//!
//! Needs root, a memory controller and /dev/kmsg. Where one is missing it is named, and a kernel log that was recorded
//! when a container hit its limit is played through the same path instead. Everything the demo makes is private to it
//! (a control group, a directory, ports that were free) and removed again, whichever way it ends.

mod group;
mod hog;
mod leftover;
mod live;

use std::io::{self, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use coroner_agent::{KernelLogSource, StartPosition};
use coroner_core::incident::Incident;
use tokio::runtime::Runtime;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::Instant;

use crate::local::{self, Local, Settings};
use crate::{Error, Exit, client::Filter, output, render};
pub(crate) use hog::run as hog;
pub(crate) use hog::{Args as HogArgs, HOG};

/// What a kernel printed when a container hit its limit: Linux 6.1, cgroup v2.
const RECORDED: &[u8] = include_bytes!("../../recorded/container-limit.kmsg");

/// How long the path may take from the kernel to an answer before the demo gives up.
const PATIENCE: Duration = Duration::from_secs(10);

/// How often it is looked whether a part is ready.
const LOOK: Duration = Duration::from_millis(5);

pub(crate) fn run(runtime: Runtime) -> Result<Exit, Error> {
    local::log("error")?;
    // In place before anything is made, so that an early signal ends it politely too.
    let (mut terminate, mut interrupt) = {
        let _inside = runtime.enter();
        let handler = |kind| signal(kind).map_err(Error::Runtime);
        (handler(SignalKind::terminate())?, handler(SignalKind::interrupt())?)
    };
    let dir = directory()?;
    let end = runtime.block_on(async {
        tokio::select! {
            end = demo(dir.path()) => end,
            // Dropping the demo cleans up.
            _ = interrupt.recv() => Err(Error::Demo("interrupted; everything it made is removed".to_owned())),
            _ = terminate.recv() => Err(Error::Demo("terminated; everything it made is removed".to_owned())),
        }
    });
    // Waits for what is half done: a store that is still being opened would make its files in a directory that is gone.
    drop(runtime);
    let path = dir.path().to_owned();
    dir.close().map_err(|source| Error::Directory { dir: path, source })?;
    end
}

async fn demo(dir: &Path) -> Result<Exit, Error> {
    let mut progress = Progress::new();
    progress.step("looking for what it takes");
    match live::prepare() {
        Ok(group) => {
            let answer = live::run(group, dir, &mut progress).await?;
            progress.clear();
            show(&answer.incident, &answer.remark)?;
        }
        Err(missing) => {
            progress.clear();
            let remark = format!(
                "Nothing can be killed here: {missing}. What follows is a recorded kernel log (Linux 6.1), played through \
                 the same path."
            );
            writeln!(output::stdout(), "{}", render::remark(&remark, output::width()))?;
            let incident = replay(dir, &mut progress).await?;
            progress.clear();
            show(
                &incident,
                "This was a recording. As root, on a machine with cgroups and /dev/kmsg, the demo is real.",
            )?;
        }
    }
    Ok(Exit::Found)
}

fn show(incident: &Incident, remark: &str) -> io::Result<()> {
    let mut out = output::stdout();
    writeln!(out, "{}", render::why(incident, render::Detail::Raw, output::width()))?;
    write!(out, "{}", render::remark(remark, output::width()))?;
    out.flush()
}

/// A directory for the store.
fn directory() -> Result<tempfile::TempDir, Error> {
    leftover::directory().map_err(|source| Error::Directory { dir: std::env::temp_dir(), source })
}

fn settings(data_dir: PathBuf, kernel_log: KernelLogSource, start: StartPosition) -> Settings {
    Settings {
        node: coroner_agent::hostname().unwrap_or_else(|| "localhost".to_owned()),
        data_dir,
        grpc_addr: ([127, 0, 0, 1], 0).into(),
        http_addr: None,
        insecure_listen_anywhere: false,
        kernel_log,
        start,
        remember: false,
    }
}

/// The recorded log through agent, collector and store.
async fn replay(dir: &Path, progress: &mut Progress) -> Result<Incident, Error> {
    progress.step("starting agent and collector");
    let recording = KernelLogSource::ReplayBytes(RECORDED.to_vec());
    let mut local =
        Local::start(settings(dir.to_owned(), recording, StartPosition::Oldest)).await?;
    progress.step("playing the recording");
    let deadline = Instant::now() + PATIENCE;
    let found = loop {
        if let Some(incident) = local.client.list(&Filter::default()).await?.0.into_iter().next() {
            break Ok(incident);
        }
        if Instant::now() >= deadline {
            break Err(Error::Demo("the recording brought no answer".to_owned()));
        }
        tokio::time::sleep(LOOK).await;
    };
    local.shutdown().await;
    found
}

/// What it is doing, on standard error, if somebody looks.
struct Progress {
    shown: bool,
}

impl Progress {
    fn new() -> Self {
        Self { shown: io::stderr().is_terminal() }
    }

    /// Where it cannot be shown, the work goes on.
    fn step(&mut self, what: &str) {
        if self.shown {
            // Erasing a line is no colour: it stays where NO_COLOR is set.
            let _ = write!(io::stderr(), "\r\x1b[K{what} ...");
        }
    }

    fn clear(&mut self) {
        if self.shown {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.clear();
    }
}
