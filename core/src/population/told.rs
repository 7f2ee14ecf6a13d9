//! Why this victim, in words.

use crate::bytes::Bytes;
use crate::finding::{Population, Role};

/// Whom an oom_score_adj marks, by what the kubelet gives (`pkg/kubelet/qos/policy.go`); `None` where it tells nothing.
#[must_use]
pub fn class(adj: i32, in_pod: bool) -> Option<&'static str> {
    match (adj, in_pod) {
        (-1000, _) => Some("exempt"),
        (-999, false) => Some("a daemon of the node"),
        (-998, true) => Some("a pod's pause container"),
        (-997, true) => Some("a Guaranteed or node-critical pod"),
        (1000, true) => Some("a BestEffort pod"),
        (2..=999, true) => Some("a Burstable pod"),
        _ => None,
    }
}

/// The kernel's arithmetic for its choice; `None` where the table does not show it.
#[must_use]
pub fn why(population: &Population) -> Option<String> {
    let victim = population.victim.as_ref()?;
    let score = victim.badness?;
    let adj = victim.oom_score_adj.unwrap_or(0);
    let mut text = format!(
        "The kernel kills whoever scores highest: {} scored {}",
        name(victim),
        points(score)
    );
    if adj != 0 {
        let kind = class(adj, in_pod(victim)).map(|kind| format!(", {kind}")).unwrap_or_default();
        let share = i128::from(adj) * i128::from(population.total?) / 1000;
        let share = i64::try_from(share).ok()?;
        text.push_str(&format!(
            ", of which {} for its oom_score_adj of {adj}{kind}",
            points(share)
        ));
    }
    if let Some(hog) = population.hog.as_ref().filter(|hog| hog.pid != victim.pid) {
        let kind = hog.oom_score_adj.and_then(|adj| class(adj, in_pod(hog)));
        let kind = kind.map(|kind| format!(", {kind}")).unwrap_or_default();
        let hog_adj = hog.oom_score_adj.unwrap_or(0);
        match hog.badness {
            None if hog_adj <= -1000 => {
                text.push_str(&format!("; {}, which held the most, is exempt (oom_score_adj -1000)", name(hog)));
            }
            Some(hog_score) if hog_score <= score => text.push_str(&format!(
                "; {}, which held the most, scored {} with its {hog_adj}{kind}",
                name(hog),
                points(hog_score)
            )),
            Some(hog_score) => text.push_str(&format!(
                "; {} scored {} and was not taken: it may not have been allowed to die (dying already, or \
                 vm.oom_kill_allocating_task)",
                name(hog),
                points(hog_score)
            )),
            None => {}
        }
    }
    text.push('.');
    Some(text)
}

fn in_pod(role: &Role) -> bool {
    role.group.as_deref().is_some_and(|group| crate::cgroup::identify(group).pod_uid.is_some())
}

fn name(role: &Role) -> String {
    format!("pid {} ({})", role.pid, role.comm)
}

/// A score as an amount of memory; it can be less than nothing.
fn points(score: i64) -> String {
    let amount = Bytes(score.unsigned_abs());
    if score < 0 { format!("-{amount}") } else { amount.to_string() }
}
