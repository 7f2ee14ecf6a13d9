//! Uses up memory until somebody stops it. The tests move it into a group first, then tell it to begin.
//!
//! `hog alloc MIB`: takes MIB mebibytes, then waits. `hog child MIB`: lets a child do it and outlives it.
//! `hog storm N MIB MS FILE`: lets N children do it, one after the other, as fast as they die or one in MS milliseconds, and
//! writes the process ids of those that were killed. FILE tells the group's usage: the next child begins when the memory of
//! the one before is given back. Whoever reads `status` or `stat` of a dying process may hold its memory a little longer than
//! its parent waits for it; a fork in that moment is at the limit, with nobody to kill but the parent.

use std::io::{Read, Write, stdin, stdout};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let number = |index: usize| args.get(index).and_then(|a| a.parse::<usize>().ok()).unwrap_or(0);
    let Some(mode) = args.first() else { return ExitCode::from(2) };
    if mode != "now" {
        wait_for_byte();
    }
    match mode.as_str() {
        "alloc" => {
            let held = take(number(1));
            wait_for_end();
            ExitCode::from(u8::from(held.is_empty()))
        }
        "now" => ExitCode::from(u8::from(take(number(1)).is_empty())),
        "child" => {
            let killed = run_child(number(1));
            wait_for_end();
            killed.map_or(ExitCode::from(3), |_| ExitCode::SUCCESS)
        }
        "storm" => {
            let begun = Instant::now();
            let between = Duration::from_millis(u64::try_from(number(3)).unwrap_or(0));
            let mut due = Duration::ZERO;
            for _ in 0..number(1) {
                std::thread::sleep(due.saturating_sub(begun.elapsed()));
                due += between;
                let killed = run_child(number(2));
                wait_until_given_back(args.get(4).map(Path::new));
                if let Ok(Some(pid)) = killed
                    && writeln!(stdout(), "{pid}").is_err()
                {
                    return ExitCode::from(4);
                }
            }
            ExitCode::SUCCESS
        }
        _ => ExitCode::from(2),
    }
}

fn take(mebibytes: usize) -> Vec<Vec<u8>> {
    // Written to, or the kernel would not give it.
    (0..mebibytes).map(|_| vec![1; 1 << 20]).collect()
}

/// The process id of the child if SIGKILL ended it.
fn run_child(mebibytes: usize) -> std::io::Result<Option<u32>> {
    let program = std::env::current_exe()?;
    let mut child = Command::new(program).args(["now", &mebibytes.to_string()]).spawn()?;
    let pid = child.id();
    Ok((child.wait()?.signal() == Some(9)).then_some(pid))
}

/// Waits until the group uses little, or is not told of.
fn wait_until_given_back(usage: Option<&Path>) {
    const LITTLE: u64 = 4 << 20;
    const LOOKS: u32 = 2000;
    for _ in 0..LOOKS {
        let used = usage.and_then(|file| std::fs::read_to_string(file).ok());
        if used.and_then(|text| text.trim().parse().ok()).is_none_or(|used: u64| used < LITTLE) {
            return;
        }
        std::thread::sleep(Duration::from_micros(500));
    }
}

fn wait_for_byte() {
    let mut byte = [0];
    while !matches!(stdin().read(&mut byte), Ok(0) | Err(_)) && byte != [b'\n'] {}
}

fn wait_for_end() {
    let mut rest = Vec::new();
    let _ = stdin().read_to_end(&mut rest);
}
