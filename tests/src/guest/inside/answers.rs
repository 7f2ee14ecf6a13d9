//! Asking as a user does, inside the guest.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::guest::record::Line;

/// Emulation is slow; this bounds a hang and measures nothing.
const PATIENCE: Duration = Duration::from_secs(60);

/// So many times in a row the agent has to say that nothing is left: what it was woken for is not counted before it
/// is read.
const STILL: u32 = 3;

/// Sources that have not spoken by then are off.
const SOURCES: Duration = Duration::from_secs(8);

/// Waits until the collector's port is open.
pub(super) fn wait_for_collector() -> Result<(), String> {
    wait_for_port(7137, "the collector")
}

/// Waits until the agent has said of its sources in its log, from `offset` on, that they are read; for some seconds only,
/// since some may be off.
pub(super) fn wait_for_agent(log: &str, offset: usize) -> Result<(), String> {
    wait_for_port(9137, "the agent")?;
    let start = Instant::now();
    while start.elapsed() < SOURCES {
        let text = std::fs::read(log).unwrap_or_default();
        let text = String::from_utf8_lossy(text.get(offset..).unwrap_or_default()).into_owned();
        let spoke = |source: &str| text.contains(&format!("source={source}"));
        if ["kernel log", "cgroup", "signal trace"].into_iter().all(spoke) {
            break;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    std::thread::sleep(Duration::from_millis(500));
    Ok(())
}

/// Waits until the agent says that it has told all there was to tell by now: no
/// kill waits for a witness or a look, everything is stored, and, where `log` is asked for, the log is read to an end that
/// comes after this. An agent that is down has nothing to say.
pub(super) fn wait_until_told(log: bool) {
    let now = || {
        let up = std::fs::read_to_string("/proc/uptime").unwrap_or_default();
        up.split(' ').next().and_then(|s| s.parse::<f64>().ok()).unwrap_or_default()
    };
    let (begun, asked) = (Instant::now(), now());
    // Whoever waits for the log is woken by it.
    if log {
        let _ = std::fs::write("/dev/kmsg", "guest: what came before this is to be told\n");
    }
    let mut done = 0;
    while done < STILL && begun.elapsed() < PATIENCE {
        std::thread::sleep(Duration::from_millis(100));
        let Ok(text) = metrics() else { return };
        let value = |name: &str| -> f64 {
            let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
            line.and_then(|value| value.parse().ok()).unwrap_or_default()
        };
        let read = !log
            || value("coroner_agent_kernel_log_reading") == 0.0
            || value("coroner_agent_kernel_log_read_until_seconds") > asked;
        let quiet = value("coroner_agent_kills_waiting") == 0.0
            && value("coroner_agent_findings_queued") == 0.0;
        done = if read && quiet { done + 1 } else { 0 };
    }
}

fn metrics() -> std::io::Result<String> {
    let mut http = TcpStream::connect(("127.0.0.1", 9137))?;
    http.set_read_timeout(Some(PATIENCE))?;
    http.write_all(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let mut text = String::new();
    http.read_to_string(&mut text)?;
    Ok(text)
}

fn wait_for_port(port: u16, who: &str) -> Result<(), String> {
    let start = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        if start.elapsed() > PATIENCE {
            return Err(format!("{who} did not open its port"));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

/// Every incident with the text of `coroner why` for it.
pub(super) fn incidents() -> Result<Vec<(Value, String)>, String> {
    let (text, error) = coroner(&["list", "-o", "json"])?;
    let all: Value =
        serde_json::from_str(&text).map_err(|e| format!("coroner list: {e}: {text} {error}"))?;
    let all = all["incidents"].as_array().cloned().unwrap_or_default();
    all.into_iter()
        .map(|incident| {
            let id = incident["id"].as_str().unwrap_or_default();
            let (why, _) = coroner(&["why", id])?;
            Ok((incident, why))
        })
        .collect()
}

/// Asks anything, and tells all about the answer.
pub(super) fn asked(args: &[&str]) -> Result<Line, String> {
    let output = run(args)?;
    let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.push_str(&String::from_utf8_lossy(&output.stderr));
    let args = args.iter().map(|a| (*a).to_owned()).collect();
    Ok(Line::Asked { args, code: output.status.code(), text })
}

fn coroner(args: &[&str]) -> Result<(String, String), String> {
    let output = run(args)?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ok((text(&output.stdout), text(&output.stderr)))
}

/// Runs `coroner`, which answers in time or fails the boot: busybox's `timeout` ends it.
fn run(args: &[&str]) -> Result<Output, String> {
    let mut command = Command::new("/bin/timeout");
    command.arg(PATIENCE.as_secs().to_string()).arg("/bin/coroner").args(args);
    let output = command.output().map_err(|e| format!("coroner: {e}"))?;
    // Ended by a signal, as `timeout` of a shell would say it or its exit status.
    match output.status.code() {
        Some(143 | 124) | None => {
            Err(format!("`coroner {}` did not end in {} s", args.join(" "), PATIENCE.as_secs()))
        }
        _ => Ok(output),
    }
}
