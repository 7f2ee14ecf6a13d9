//! What our instances trace, and how this kernel prints it.

use std::path::Path;

use coroner_core::signal::{Layout, Layouts};

use super::instance::Setup;
use super::tracefs::{TraceError, read};

/// SIGKILLs and marks. An event takes 56 bytes, so all buffers together hold some 75,000 SIGKILLs. The 64 KiB of a CPU hold
/// 1,100, the 512 hold 9,300, more than a CPU makes while the agent sleeps for a second in a storm.
pub(super) fn kills(tracefs: &Path) -> Result<(Layouts, Setup), TraceError> {
    let signals = "signal/signal_generate";
    let generated = Some(layout(tracefs, signals, &["sig", "code", "pid"])?);
    let marked = match layout(tracefs, "oom/mark_victim", &["pid"]) {
        Ok(layout) => Some(layout),
        Err(error) => {
            tracing::warn!(
                "{error}; kills by the OOM killer are not told from others by the kernel"
            );
            None
        }
    };
    let mut events = vec![(signals, Some("sig==9".to_owned()))];
    events.extend(marked.is_some().then_some(("oom/mark_victim", None)));
    let setup = Setup { total_kb: 4096, per_cpu_kb: (64, 512), names: true, events };
    Ok((Layouts { generated, marked, ..Layouts::default() }, setup))
}

/// Births of tasks, and moves in the hierarchy of this number. A birth takes 48 bytes: the 16 KiB of a CPU hold 340, the
/// 128 hold 2,700.
pub(super) fn forks(tracefs: &Path, hierarchy: u32) -> Result<(Layouts, Setup), TraceError> {
    let (births, moves) = ("task/task_newtask", "cgroup/cgroup_attach_task");
    let forked = Some(layout(tracefs, births, &["pid", "clone_flags"])?);
    // Without moves a process would be taken for one of the group that it was made in.
    let moved = Some(layout(tracefs, moves, &["dst_root", "dst_path", "pid", "comm"])?);
    let events = vec![(births, None), (moves, Some(format!("dst_root=={hierarchy}")))];
    let setup = Setup { total_kb: 1024, per_cpu_kb: (16, 128), names: false, events };
    Ok((Layouts { forked, moved, ..Layouts::default() }, setup))
}

fn layout(tracefs: &Path, event: &str, needed: &[&str]) -> Result<Layout, TraceError> {
    let path = tracefs.join("events").join(event).join("format");
    let text = read(&path)?;
    Layout::parse(&text, needed).map_err(|error| TraceError::Format { path, error })
}
