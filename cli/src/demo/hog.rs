//! The process that is killed: joins the demo's group, then takes memory step by step until the kernel stops it.
//!
//! It joins before it takes anything, so the memory is charged to the group. It dies with the demo (the kernel sends it
//! SIGKILL when its parent ends), and gives up by itself at four times the limit: where no limit holds, nothing is
//! harmed.

use std::path::PathBuf;
use std::time::Duration;

use rustix::process::{Signal, set_parent_process_death_signal};

use super::group::{self, LIMIT};
use crate::{Error, Exit};

/// The hidden subcommand.
pub(crate) const HOG: &str = "demo-hog";

/// Name of the process, at most 15 bytes.
const NAME: &str = "coroner-hog";

/// Taken at once.
const STEP: usize = 1 << 20;

/// Between two steps, so that it looks like a process that grows.
const PAUSE: Duration = Duration::from_millis(2);

/// What the hidden subcommand takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The group, as a path below the root of the hierarchy.
    group: PathBuf,
    /// The demo's process id: whoever else starts this gets nothing.
    parent: u32,
}

pub(crate) fn run(args: &Args) -> Result<Exit, Error> {
    let cannot =
        |what: &str, problem: &dyn std::fmt::Display| Error::Demo(format!("{what}: {problem}"));
    set_parent_process_death_signal(Some(Signal::KILL))
        .map_err(|e| cannot("cannot tie the hog to the demo", &e))?;
    // The parent may have ended before the line above.
    if std::os::unix::process::parent_id() != args.parent {
        return Err(Error::Demo("its parent is gone".to_owned()));
    }
    if let Ok(name) = std::ffi::CString::new(NAME) {
        let _ = rustix::thread::set_name(&name);
    }
    group::join(&args.group)?;
    let most = usize::try_from(LIMIT).unwrap_or(usize::MAX).saturating_mul(4);
    let mut held: Vec<Vec<u8>> = Vec::new();
    while held.len() * STEP < most {
        // Ones, not zeros: a page of zeros need not exist.
        held.push(vec![1; STEP]);
        std::thread::sleep(PAUSE);
    }
    Err(Error::Demo(format!("the kernel let it take {} MiB", std::hint::black_box(held.len()))))
}
