//! An eviction beside an OOM kill: the kubelet looks every ten seconds, the kernel does not wait for it, and a node that is
//! short of memory may see both in one pod. The kill is what ended the container; that the pod was evicted is told with
//! it, and which came first. Events carry whole seconds.

use std::cmp::Ordering;

use jiff::SignedDuration;

use super::facts::{Event, Facts};
use super::words::clock;

/// An eviction that was decided longer after the kill has nothing to do with it.
const BESIDE: SignedDuration = SignedDuration::from_secs(60);

/// What is said of the eviction; `None` where nobody was killed by the kernel or nothing was evicted.
pub(super) fn sentence(facts: &Facts<'_>) -> Option<String> {
    let Event::Oom(_) = facts.event else { return None };
    let api = facts.api?;
    let told = api.case.events_with("Evicted").filter_map(|event| event.first).min();
    let Some(decided) = told else {
        let evicted = api.pod()?.reason.as_deref() == Some("Evicted");
        return evicted.then(|| {
            "The kubelet evicted the pod as well; no event says when, so which came first is not known."
                .to_owned()
        });
    };
    let when = clock(decided);
    match decided.as_second().cmp(&facts.at.as_second()) {
        Ordering::Less => Some(format!(
            "The kubelet was evicting the pod since {when}; the kernel killed before that was done."
        )),
        Ordering::Equal => Some(format!(
            "The kubelet evicted the pod in the same second, {when}; which came first is not known."
        )),
        Ordering::Greater => (facts.at.duration_until(decided) <= BESIDE).then(|| {
            format!("The kubelet evicted the pod too, at {when}, after the kernel had killed.")
        }),
    }
}
