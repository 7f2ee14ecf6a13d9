//! Asking as a user does: `coroner list -o json` and `coroner why -o json`.

use std::process::{Command, Output};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::programs::{self, Stack};

/// How long an answer may take to come. Generous: this bounds a hang, it measures nothing.
const PATIENCE: Duration = Duration::from_secs(20);

/// How long an answer stays as it is once all is known.
const STILL: Duration = Duration::from_secs(2);

/// Runs `coroner ARGS`.
///
/// # Panics
///
/// When it cannot be started.
#[must_use]
pub fn coroner(args: &[&str]) -> Output {
    Command::new(programs::path("coroner")).args(args).output().expect("coroner runs")
}

/// All incidents, as `coroner list -o json` shows them.
///
/// # Panics
///
/// When the answer is no JSON of the promised form.
#[must_use]
pub fn list(stack: &Stack) -> Vec<Value> {
    let output = coroner(&["list", "-o", "json", "--collector", &stack.url()]);
    let text = String::from_utf8(output.stdout).expect("JSON is UTF-8");
    if output.status.code() == Some(1) && text.trim().is_empty() {
        return Vec::new();
    }
    let all: Value = serde_json::from_str(&text).unwrap_or_else(|e| {
        panic!("{e}: {text} {}", String::from_utf8_lossy(&output.stderr));
    });
    all["incidents"].as_array().expect("`incidents` is a list").clone()
}

/// The incidents of one pod.
#[must_use]
pub fn of_pod(stack: &Stack, pod_uid: &str) -> Vec<Value> {
    list(stack).into_iter().filter(|i| i["pod"]["uid"] == pod_uid).collect()
}

/// Waits until `wanted` is content with the pod's incidents, and gives them.
///
/// # Panics
///
/// When that does not come true in time; it shows what was there instead.
#[must_use]
pub fn wait_for(stack: &Stack, pod_uid: &str, wanted: impl Fn(&[Value]) -> bool) -> Vec<Value> {
    let start = Instant::now();
    loop {
        let incidents = of_pod(stack, pod_uid);
        if wanted(&incidents) {
            return incidents;
        }
        if start.elapsed() > PATIENCE {
            let text = serde_json::to_string_pretty(&incidents).unwrap_or_default();
            panic!("what was waited for did not come; {} incidents:\n{text}", incidents.len());
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// The same, and until that has stayed as it is for longer than a late witness takes: a verdict is told as soon as it
/// can be, and again when more is known.
///
/// # Panics
///
/// As [`wait_for`].
#[must_use]
pub fn wait_until_settled(
    stack: &Stack,
    pod_uid: &str,
    wanted: impl Fn(&[Value]) -> bool,
) -> Vec<Value> {
    let start = Instant::now();
    let mut before = wait_for(stack, pod_uid, &wanted);
    loop {
        std::thread::sleep(STILL);
        let now = wait_for(stack, pod_uid, &wanted);
        if now == before {
            return now;
        }
        assert!(start.elapsed() < PATIENCE, "the answer changes all the time: {now:#?}");
        before = now;
    }
}
