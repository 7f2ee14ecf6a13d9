//! `DeadlineExceeded`: the pod ran longer than its `activeDeadlineSeconds`.
//!
//! *Needs* status reason `DeadlineExceeded` of the pod. *Confirmed by* the event of that name before the end. A Job's deadline
//! deletes its pods instead: that is a deletion.

use super::claim::{Claim, Rule};
use super::ended_pod;
use super::facts::Facts;
use super::kubelets_doing;
use super::pod_end::{PodEnd, pod_end};
use crate::incident::Cause;

pub(super) const RULE: Rule = Rule { cause: Cause::DeadlineExceeded, examine };

fn examine(facts: &Facts<'_>) -> Option<Claim> {
    let api = kubelets_doing::api(facts)?;
    let told = pod_end(api).filter(|told| told.end == PodEnd::DeadlineExceeded)?;
    let summary = match api.pod().and_then(|pod| pod.active_deadline_s) {
        Some(s) => format!("{} was ended because its pod ran for more than {s} s", api.who()),
        None => format!("{} was ended because its pod ran longer than its deadline", api.who()),
    };
    let because = vec![format!(
        "The kubelet ended the pod: activeDeadlineSeconds is {}.",
        api.pod()
            .and_then(|pod| pod.active_deadline_s)
            .map_or_else(|| "not shown".to_owned(), |s| s.to_string())
    )];
    let remedies = {
        let ran =
            api.pod().and_then(|pod| Some(pod.started?.duration_until(api.finished()?).as_secs()));
        vec![match ran {
            Some(ran) => format!(
                "It was still at work after {ran} s. Raise activeDeadlineSeconds above what it needs, which is more than \
                 that, or find out what it waited for."
            ),
            None => {
                "Raise activeDeadlineSeconds above what it needs, or find out what it waited for."
                    .to_owned()
            }
        }]
    };
    Some(ended_pod::claim(facts, api, &told, summary, because, remedies))
}
