//! A process of a container, or of the host, in a guest kernel.
//!
//! `guest-tenant [--in DIR]... [--name NAME] [--adj N] MODE ...` takes the name and the `oom_score_adj`, joins the
//! groups, waits for a line on its standard input, and does what the mode says. Then it stays until its standard input is
//! closed, for ten minutes at most.

#![allow(clippy::print_stdout, reason = "what it says is what a test waits for")]

use std::fs::File;
use std::io::{Read as _, Write as _, stdin};
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::Duration;

#[path = "guest-tenant/pieces.rs"]
mod pieces;

use rustix::process::{Pid, Signal, getppid, kill_process};

fn main() -> ExitCode {
    match run() {
        Ok(code) => code,
        Err(why) => {
            println!("failed: {why}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<ExitCode, String> {
    let mut args = std::env::args().skip(1).peekable();
    let mut groups = Vec::new();
    let mut waits = true;
    while let Some(flag) = args.next_if(|a| a.starts_with("--")) {
        let mut value = || args.next().ok_or_else(|| format!("{flag} needs a value"));
        match flag.as_str() {
            "--in" => groups.push(value()?),
            "--name" => write("/proc/self/comm", &value()?)?,
            "--adj" => write("/proc/self/oom_score_adj", &value()?)?,
            "--at-once" => waits = false,
            _ => return Err(format!("no flag is called {flag}")),
        }
    }
    for dir in groups {
        // "0" is whoever writes it.
        write(&format!("{dir}/cgroup.procs"), "0")?;
    }
    if waits {
        wait_for_line();
    }
    let mode = args.next().ok_or("it takes a mode")?;
    act(&mode, &args.collect::<Vec<_>>())
}

fn act(mode: &str, args: &[String]) -> Result<ExitCode, String> {
    let text = |i: usize| args.get(i).map(String::as_str).ok_or(format!("{mode} takes more"));
    let number = |i: usize| text(i)?.parse::<u32>().map_err(|e| e.to_string());
    match mode {
        // MIB: takes that much.
        "alloc" => {
            let held = take(number(0)?, Duration::ZERO);
            stay();
            drop(held);
        }
        // MIB MILLISECONDS: takes that much, with a pause after each.
        "slow" => {
            let held = take(number(0)?, Duration::from_millis(number(1)?.into()));
            stay();
            drop(held);
        }
        // MIB NAME: lets a child take that much, and outlives it.
        "child" => {
            let _ = child(text(1)?, &["alloc", text(0)?])?.wait();
            say("child ended");
            stay();
        }
        // N MIB: lets N children take that much, one after the other and as fast as they die.
        "storm" => {
            let hogs: Result<Vec<Child>, String> = (0..number(0)?).map(|_| hog(text(1)?)).collect();
            std::thread::sleep(Duration::from_millis(500));
            for mut hog in hogs? {
                if let Some(stdin) = &mut hog.stdin {
                    stdin.write_all(b"go\n").map_err(|e| e.to_string())?;
                }
                let _ = hog.wait();
            }
            say("storm over");
            stay();
        }
        // FILE MIB: writes a file of that size.
        "write" => {
            let mut file = File::create(text(0)?).map_err(|e| e.to_string())?;
            for _ in 0..number(1)? {
                file.write_all(&vec![1; 1 << 20]).map_err(|e| e.to_string())?;
            }
            stay();
        }
        // CODE: ends with it.
        "exit" => return Ok(ExitCode::from(u8::try_from(number(0)?).unwrap_or(u8::MAX))),
        // PID: kills it.
        "kill" => {
            kill(number(0)?)?;
            stay();
        }
        // NAME: has a child that kills this process.
        "killed-by-child" => {
            let _assassin = child(text(0)?, &["kill-parent"])?;
            stay();
        }
        "kill-parent" => {
            let parent = getppid().ok_or("no parent")?;
            kill_process(parent, Signal::KILL).map_err(|e| e.to_string())?;
            std::thread::sleep(Duration::from_secs(2));
        }
        // NAME: kills a child.
        "kills-child" => {
            let mut worker = child(text(0)?, &["alloc", "1"])?;
            std::thread::sleep(Duration::from_millis(300));
            kill(worker.id())?;
            let _ = worker.wait();
            say("child ended");
            stay();
        }
        // NAME: ends, and leaves a child.
        "leaves-child" => {
            let _orphan = child(text(0)?, &["alloc", "1"])?;
            std::thread::sleep(Duration::from_millis(300));
        }
        // MIB: leaves free memory in pieces of a page, from the moment that only so much was free.
        "fragment" => {
            let held = pieces::scatter(number(0)?)?;
            say("fragmented");
            stay();
            drop(held);
        }
        // BYTES: has the kernel allocate that much in one block, until it fails once.
        "block" => {
            let held = pieces::fail_to_allocate(number(0)?)?;
            say("asked");
            stay();
            drop(held);
        }
        // N: has the kernel allocate N blocks of order 3, and keeps them.
        "order-3" => {
            let held = pieces::hold_rings(3, number(0)?);
            say(&format!("held {}", held.len()));
            stay();
        }
        _ => return Err(format!("no mode is called {mode}")),
    }
    Ok(ExitCode::SUCCESS)
}

fn take(mebibytes: u32, pause: Duration) -> Vec<Vec<u8>> {
    // Written to, or the kernel would not give it.
    (0..mebibytes)
        .map(|_| {
            std::thread::sleep(pause);
            vec![1; 1 << 20]
        })
        .collect()
}

/// A child of another name, which begins at once and shares the standard input.
fn child(name: &str, mode: &[&str]) -> Result<Child, String> {
    Command::new("/bin/guest-tenant")
        .args(["--at-once", "--name", name])
        .args(mode)
        .stdin(Stdio::inherit())
        .spawn()
        .map_err(|e| e.to_string())
}

/// A child that takes so many MiB when it is told to, and is a better victim than its parent.
fn hog(mebibytes: &str) -> Result<Child, String> {
    Command::new("/bin/guest-tenant")
        .args(["--name", "stormhog", "--adj", "900", "alloc", mebibytes])
        .stdin(Stdio::piped())
        .spawn()
        .map_err(|e| e.to_string())
}

fn kill(pid: u32) -> Result<(), String> {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw).ok_or("no process id")?;
    kill_process(pid, Signal::KILL).map_err(|e| e.to_string())
}

fn write(path: &str, text: &str) -> Result<(), String> {
    std::fs::write(path, text).map_err(|e| format!("`{text}` to {path}: {e}"))
}

fn say(line: &str) {
    println!("{line}");
}

fn wait_for_line() {
    let mut byte = [0];
    while !matches!(stdin().read(&mut byte), Ok(0) | Err(_)) && byte != [b'\n'] {}
}

/// Until the standard input is closed. A guest is powered off long before the ten minutes are over.
fn stay() {
    let waiting = std::thread::spawn(|| {
        let mut rest = Vec::new();
        let _ = stdin().read_to_end(&mut rest);
    });
    for _ in 0..6000 {
        if waiting.is_finished() {
            return;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}
