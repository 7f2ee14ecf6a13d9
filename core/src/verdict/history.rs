//! What came before an end and what comes next: earlier ends of the same container, and when the kubelet starts it again.
//!
//! The back-off's length stands only in a text of the status; without it nothing is said about the next start.

use jiff::SignedDuration;

use super::facts::Facts;
use super::words::clock;
use crate::kubelet::backoff::backoff;
use crate::kubernetes::{ContainerState, Termination};

/// `It ended 3 times before, each time with exit code 137 (OOMKilled).`, `The kubelet starts it again at ...`.
pub(super) fn sentences(facts: &Facts<'_>) -> Vec<String> {
    let Some(api) = facts.api else { return Vec::new() };
    let Some(termination) = api.termination() else { return Vec::new() };
    let mut said = Vec::new();
    let key = |end: &Termination| (end.ended.exit_code, end.ended.reason.clone());
    let times = |n: usize| if n == 1 { "once".to_owned() } else { format!("{n} times") };
    if let Some(first) = api.case.previous.first() {
        let before = api.case.previous.len();
        let alike = api.case.previous.iter().filter(|end| key(end) == key(termination)).count();
        let code =
            first.ended.exit_code.map_or_else(|| "no code".to_owned(), |code| code.to_string());
        said.push(if alike == before {
            format!("It ended {} before in the same way (exit code {code}).", times(before))
        } else {
            format!(
                "It ended {} before, {alike} of these in the same way; the last time with exit code {code}.",
                times(before)
            )
        });
    }
    if api.case.restarts_missed > 0 {
        let missed = usize::try_from(api.case.restarts_missed).unwrap_or(usize::MAX);
        said.push(format!("It was restarted {} without that its end was seen.", times(missed)));
    }
    if let Some(ContainerState::Waiting { message: Some(message), .. }) =
        api.container().map(|c| &c.state)
        && let Some(wait) = backoff(message)
    {
        let next = i64::try_from(wait).ok().and_then(|s| {
            termination.ended.finished_at?.checked_add(SignedDuration::from_secs(s)).ok()
        });
        let at =
            next.map(|next| format!(", at {} at the earliest", clock(next))).unwrap_or_default();
        said.push(format!("The kubelet waits {wait} s before it starts it again{at}."));
    }
    said
}
