//! What Kubernetes says: the end as stated, what the pod's status and deletion say, and the events that count.

use super::MOST;
use crate::incident::Evidence;
use crate::kubernetes::{ApiGap, ClusterEvent};
use crate::verdict::clocks;
use crate::verdict::facts::Facts;

/// Events that a verdict may rest on.
const TELLING: [&str; 19] = [
    "Killing",
    "Unhealthy",
    "BackOff",
    "Evicted",
    "Preempting",
    "Preempted",
    "FailedPostStartHook",
    "FailedPreStopHook",
    "ExceededGracePeriod",
    "TaintManagerEviction",
    "DeadlineExceeded",
    "Failed",
    "FailedMount",
    "FailedAttachVolume",
    "FailedScheduling",
    "NodeShutdown",
    "Rebooted",
    "SystemOOM",
    "OOMKilling",
];

pub(super) fn lines(facts: &Facts<'_>) -> Vec<Evidence> {
    let Some(api) = facts.api else { return Vec::new() };
    let mut all = Vec::new();
    if let Some(termination) = api.termination() {
        let ended = &termination.ended;
        let mut detail = format!("{}  terminated", api.who());
        let code = ended.exit_code.map(|code| code.to_string());
        let finished = ended.finished_at.map(|at| at.to_string());
        for (key, value) in [
            ("exitCode", code.as_deref()),
            ("reason", ended.reason.as_deref()),
            ("finishedAt", finished.as_deref()),
        ] {
            detail.push_str(&format!(" {key}={}", value.unwrap_or("none")));
        }
        all.push(Evidence { source: "pod status".to_owned(), detail, time: termination.time() });
    }
    if let Some(waiting) = api.waiting() {
        let message = waiting
            .message
            .as_deref()
            .filter(|text| !text.is_empty())
            .map(|text| format!(": {text}"))
            .unwrap_or_default();
        all.push(Evidence {
            source: "pod status".to_owned(),
            detail: format!("{}  waiting reason={}{message}", api.who(), waiting.reason),
            time: waiting.first_seen,
        });
    }
    if let Some(pod) = api.pod() {
        let mut said = Vec::new();
        if let Some(reason) = &pod.reason {
            said.push(format!(
                "status.reason={reason} {}",
                pod.message.as_deref().unwrap_or_default()
            ));
        }
        if let Some(condition) = pod.condition("DisruptionTarget") {
            said.push(format!(
                "DisruptionTarget {}",
                condition.reason.as_deref().unwrap_or_default()
            ));
        }
        if let Some(deletion) = pod.deletion {
            let grace = deletion.grace_s.map_or_else(String::new, |s| format!(", grace {s} s"));
            said.push(format!("deletionTimestamp {}{grace}", deletion.deadline));
        }
        if api.vanished() {
            said.push("the object is gone; it last showed the container running".to_owned());
        }
        all.extend(said.into_iter().map(|detail| Evidence {
            source: "pod status".to_owned(),
            detail,
            time: None,
        }));
    }
    let telling: Vec<&ClusterEvent> =
        api.case.events.iter().filter(|event| TELLING.contains(&event.reason.as_str())).collect();
    all.extend(telling.iter().rev().take(MOST).rev().map(|event| event_line(event)));
    all.extend(clocks::evidence(api).map(|detail| Evidence {
        source: "clocks".to_owned(),
        detail,
        time: None,
    }));
    all.extend(unread(&api.case.gaps).into_iter().map(|detail| Evidence {
        source: "coverage".to_owned(),
        detail,
        time: None,
    }));
    all
}

/// `pods, events of the API not read: ...`: what is missing for one reason is said once.
fn unread(gaps: &[ApiGap]) -> Vec<String> {
    let mut by_reason: Vec<(&str, Vec<&str>)> = Vec::new();
    for gap in gaps {
        let part = gap.part.name();
        match by_reason.iter_mut().find(|(reason, _)| *reason == gap.reason) {
            Some((_, parts)) if parts.contains(&part) => {}
            Some((_, parts)) => parts.push(part),
            None => by_reason.push((&gap.reason, vec![part])),
        }
    }
    by_reason
        .into_iter()
        .map(|(reason, parts)| format!("{} of the API not read: {reason}", parts.join(", ")))
        .collect()
}

/// `Killing x3  Stopping container c`.
fn event_line(event: &ClusterEvent) -> Evidence {
    let times = if event.count > 1 { format!(" x{}", event.count) } else { String::new() };
    Evidence {
        source: "event".to_owned(),
        detail: format!("{}{times}  {}", event.reason, event.message.trim_end()),
        time: event.last.or(event.first),
    }
}
