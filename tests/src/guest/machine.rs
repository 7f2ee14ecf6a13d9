//! One boot: QEMU with a kernel, the guest's file system and what it is to do, and what came out of it.
//!
//! Software emulation with threads for two processors. A boot that does not end is ended; what it had written by then is
//! used, and the cases it owes are missing from the table.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::plan::Boot;
use super::record::Line;

/// What came out of a boot.
#[derive(Debug)]
pub struct Outcome {
    /// Lines of the second serial port.
    pub lines: Vec<Line>,
    /// Why it is not whole, where it is not.
    pub trouble: Option<String>,
    /// How long it ran.
    pub took: Duration,
    /// Where its console and results are.
    pub dir: PathBuf,
}

/// Boots and waits for the end.
///
/// # Errors
///
/// One sentence where QEMU cannot be run at all.
pub fn run(boot: &Boot, archives: &[&Path], dir: PathBuf) -> Result<Outcome, String> {
    std::fs::create_dir_all(&dir).map_err(|e| format!("{}: {e}", dir.display()))?;
    let initramfs = dir.join("guest.cpio");
    join(archives, &initramfs)?;
    let console = dir.join("console.log");
    let results = dir.join("results.jsonl");
    let mut qemu = Command::new("qemu-system-x86_64");
    qemu.args(["-accel", "tcg,thread=multi", "-cpu", "max", "-smp", "2", "-nodefaults"])
        .args(["-no-user-config", "-display", "none", "-no-reboot"])
        .args(["-m", &format!("{}M", boot.batch.mebibytes())])
        .args(boot.batch.devices())
        .arg("-serial")
        .arg(format!("file:{}", console.display()))
        .arg("-serial")
        .arg(format!("file:{}", results.display()))
        .arg("-kernel")
        .arg(&boot.kernel.image)
        .arg("-initrd")
        .arg(&initramfs)
        .args(["-append", &boot.command_line()])
        .stdin(Stdio::null());
    let start = Instant::now();
    let mut child = qemu
        .spawn()
        .map_err(|e| format!("cannot run qemu-system-x86_64: {e}; install qemu-system-x86"))?;
    let limit = boot.time_limit();
    let mut trouble = None;
    loop {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => break,
            Ok(Some(status)) => {
                trouble = Some(format!("QEMU ended with {status}"));
                break;
            }
            Ok(None) if start.elapsed() < limit => std::thread::sleep(Duration::from_millis(50)),
            Ok(None) => {
                let _ = child.kill();
                let _ = child.wait();
                trouble = Some(format!("it had not ended after {} s", limit.as_secs()));
                break;
            }
            Err(error) => return Err(format!("cannot wait for QEMU: {error}")),
        }
    }
    let _ = std::fs::remove_file(&initramfs);
    let text = std::fs::read(&results).unwrap_or_default();
    let lines: Vec<Line> = String::from_utf8_lossy(&text)
        .lines()
        .filter_map(|line| match serde_json::from_str(line) {
            Ok(line) => Some(line),
            Err(error) => {
                trouble.get_or_insert_with(|| format!("a line of its results is broken: {error}"));
                None
            }
        })
        .collect();
    if trouble.is_none() && !lines.iter().any(|l| matches!(l, Line::End)) {
        trouble = Some("it ended before it was done".to_owned());
    }
    Ok(Outcome { lines, trouble, took: start.elapsed(), dir })
}

/// One archive after the other: the kernel reads them all.
fn join(archives: &[&Path], to: &Path) -> Result<(), String> {
    let mut all = Vec::new();
    for archive in archives {
        all.extend(std::fs::read(archive).map_err(|e| format!("{}: {e}", archive.display()))?);
    }
    std::fs::write(to, all).map_err(|e| format!("{}: {e}", to.display()))
}
