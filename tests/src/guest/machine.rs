//! One boot: QEMU with a kernel, the guest's file system and what it is to do, and what came out of it.
//!
//! Software emulation with threads for two processors. A boot that does not end is ended, and so is one whose machine
//! stands still: what runs inside says every few seconds on the console that it is alive, whatever it waits for, so
//! silence there is the emulated machine's own and no program's under test. What it had written by then is used.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::plan::Boot;
use super::record::Line;

/// Without a sign of life for so long the machine stands still. Five seconds of the guest were seen to take fifteen.
const SILENCE: Duration = Duration::from_secs(120);

/// What came out of a boot.
#[derive(Debug)]
pub struct Outcome {
    /// Lines of the second serial port.
    pub lines: Vec<Line>,
    /// Why it is not whole, where it is not.
    pub trouble: Option<String>,
    /// The machine stood still, or its kernel did not come up: nothing that was to run on it can have done that.
    pub stood_still: bool,
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
    let mut stood_still = false;
    let mut life = (0, start);
    loop {
        let said = [&console, &results].map(|f| std::fs::metadata(f).map_or(0, |m| m.len()));
        if said.iter().sum::<u64>() != life.0 {
            life = (said.iter().sum(), Instant::now());
        }
        match child.try_wait() {
            Ok(Some(status)) if status.success() => break,
            Ok(Some(status)) => {
                trouble = Some(format!("QEMU ended with {status}"));
                break;
            }
            Ok(None) if start.elapsed() < limit && life.1.elapsed() < SILENCE => {
                std::thread::sleep(Duration::from_millis(50));
            }
            Ok(None) => {
                let _ = child.kill();
                let _ = child.wait();
                stood_still = life.1.elapsed() >= SILENCE;
                trouble = Some(if stood_still {
                    format!("the emulated machine stood still for {} s", SILENCE.as_secs())
                } else {
                    format!("it had not ended after {} s", limit.as_secs())
                });
                break;
            }
            Err(error) => return Err(format!("cannot wait for QEMU: {error}")),
        }
    }
    let _ = std::fs::remove_file(&initramfs);
    let said = std::fs::read(&console).unwrap_or_default();
    let said = String::from_utf8_lossy(&said);
    if trouble.is_none() && !said.contains("guest: ") {
        stood_still = true;
        trouble = Some("the kernel did not come up on the emulated machine".to_owned());
    }
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
    Ok(Outcome { lines, trouble, stood_still, took: start.elapsed(), dir })
}

/// One archive after the other: the kernel reads them all.
fn join(archives: &[&Path], to: &Path) -> Result<(), String> {
    let mut all = Vec::new();
    for archive in archives {
        all.extend(std::fs::read(archive).map_err(|e| format!("{}: {e}", archive.display()))?);
    }
    std::fs::write(to, all).map_err(|e| format!("{}: {e}", to.display()))
}
