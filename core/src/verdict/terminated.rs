//! `Terminated`: it was asked to end with SIGTERM or SIGINT, and did.
//!
//! *Needs* exit code 143 or 130, and nothing that says who asked: no deletion, eviction, probe or hook. *Weakened by* missing
//! events, and by a program that chose the code. Signals other than SIGKILL are not traced, so the sender is not known.
//!
//! Or the kubelet's event `Killing` says that the container is restarted for its definition, or for a resize in place; or it is a
//! sidecar, which the kubelet ends when the pod's containers are done. There the code may be any: a program that ends in order on
//! SIGTERM returns its own, and 137 is one that did not end within its grace period.

use super::api::Api;
use super::claim::{Claim, Rule};
use super::facts::Facts;
use super::kubelets_doing::{self, Proof, end_sooner};
use super::pod_end::pod_end;
use crate::exit_code::{ExitMeaning, Signal, describe};
use crate::incident::{Cause, Confidence};
use crate::kubelet::killing::Killing;
use crate::kubernetes::{ClusterEvent, ContainerRecord, ContainerRole, RestartPolicy};

pub(super) const RULE: Rule = Rule { cause: Cause::Terminated, examine };

fn examine(facts: &Facts<'_>) -> Option<Claim> {
    let api = kubelets_doing::api(facts)?;
    let code = api.code()?;
    if pod_end(api).is_some() {
        return None;
    }
    match api.killing() {
        Some((event, Killing::Changed)) => Some(changed(facts, api, event)),
        killing if sidecar_was_stopped(api) => {
            Some(sidecar(facts, api, killing.map(|(event, _)| event)))
        }
        Some((_, Killing::Stopping)) => stopped(facts, api, code),
        Some(_) => None,
        None => by_code(facts, api, code),
    }
}

/// Whether it is a sidecar whose pod's containers had ended for good before it did: then the kubelet ends it. Without the event
/// only the codes that this brings about say that it was not faster by itself.
pub(super) fn sidecar_was_stopped(api: Api<'_>) -> bool {
    let (Some(end), Some(pod)) = (api.termination(), api.pod()) else { return false };
    let mut apps = pod.containers.iter().filter(|c| c.role == ContainerRole::App).peekable();
    let before = |app: &ContainerRecord| {
        let ended = app.ended().and_then(|ended| ended.finished_at);
        ended.zip(api.finished()).is_some_and(|(app, sidecar)| app <= sidecar)
    };
    let said = api.killing().is_some()
        || matches!(api.code(), Some(0 | 137 | 143)) && api.reason() != Some("OOMKilled");
    said && end.role == ContainerRole::Sidecar
        && pod.restart_policy != RestartPolicy::Always
        && apps.peek().is_some()
        && apps.all(before)
}

/// The kubelet restarts it for what its specification says now.
fn changed(facts: &Facts<'_>, api: Api<'_>, event: &ClusterEvent) -> Claim {
    let resize = event.message.contains("resize requires restart");
    let (what, how) = if resize {
        (
            "its resources were resized in place",
            "Its resizePolicy says that a resize needs a restart.",
        )
    } else {
        (
            "its definition changed",
            "Somebody changed its specification, such as the image, in the running pod.",
        )
    };
    let because = vec![format!("The kubelet ended it to start it anew, because {what}. {how}")];
    let mut remedies = vec![if resize {
        "Nothing is wrong with it. Where its program can take new limits while it runs, set resizePolicy to NotRequired."
            .to_owned()
    } else {
        "Nothing is wrong with it. Change the workload's template instead of a pod, and the pod is replaced in an order that \
         keeps the service up."
            .to_owned()
    }];
    remedies.extend(end_sooner(api));
    let proof = Proof { status: false, event: true, fits: api.fits(event) };
    let summary = format!("{} was restarted by the kubelet because {what}", api.who());
    unless_oom(facts, api, kubelets_doing::claim(facts, api, proof, summary, because, remedies))
}

/// The kubelet ends it because the pod's containers are done.
fn sidecar(facts: &Facts<'_>, api: Api<'_>, event: Option<&ClusterEvent>) -> Claim {
    let because = vec![
        "It is a sidecar, and the containers that it runs beside had all ended for good: the kubelet ends it then.".to_owned(),
    ];
    let mut remedies = vec!["Nothing is wrong with it: the pod was done.".to_owned()];
    remedies.extend(end_sooner(api));
    let fits = event.map_or_else(|| kubelets_doing::stopped(api), |event| api.fits(event));
    let proof = Proof { status: true, event: event.is_some(), fits };
    let summary = format!("{} was ended because the pod's containers were done", api.who());
    unless_oom(facts, api, kubelets_doing::claim(facts, api, proof, summary, because, remedies))
}

/// Of an end with the word `OOMKilled` that nobody on the node watched it is possible, no more.
fn unless_oom(facts: &Facts<'_>, api: Api<'_>, claim: Claim) -> Claim {
    let oom = api.reason() == Some("OOMKilled") && !kubelets_doing::node_watched(facts);
    let most = if oom { Confidence::Possible } else { Confidence::Confirmed };
    Claim { confidence: claim.confidence.min(most), ..claim }
}

/// The kubelet stopped it on SIGTERM, and nothing tells why.
fn stopped(facts: &Facts<'_>, api: Api<'_>, code: i64) -> Option<Claim> {
    let signal = asked(code)?;
    let because = vec![
        "The kubelet stopped it, and nothing that is left of the pod says why: it was not deleted, evicted or restarted as far as \
         is known."
            .to_owned(),
    ];
    let remedies = vec![
        "Look at the pod and its owner as they are now; the API server's audit log tells who changed them.".to_owned(),
    ];
    let summary = format!("{} ended on {signal} from the kubelet; why is not known", api.who());
    let proof = Proof { status: false, event: true, fits: true };
    let mut claim = kubelets_doing::claim(facts, api, proof, summary, because, remedies);
    claim.confidence = claim.confidence.min(Confidence::Possible);
    claim.missing.push("Why the kubelet stopped it.".to_owned());
    Some(claim)
}

/// What only its exit code tells.
fn by_code(facts: &Facts<'_>, api: Api<'_>, code: i64) -> Option<Claim> {
    let signal = asked(code)?;
    let because = vec![format!(
        "{} ended with exit code {}, and nothing in Kubernetes says that the pod was to end.",
        api.who(),
        describe(code)
    )];
    let remedies = vec![format!(
        "Find out who sends it {signal}: a supervisor or script in the image, `crictl stop` on the node, or the program \
         itself. Only SIGKILL is traced."
    )];
    let summary = format!("{} ended on {signal}", api.who());
    let mut claim = kubelets_doing::claim(
        facts,
        api,
        Proof { status: true, event: false, fits: true },
        summary,
        because,
        remedies,
    );
    if api.may_be_killed_unseen() {
        claim.confidence = Confidence::Possible;
    }
    claim.confidence = claim.confidence.min(Confidence::Likely);
    Some(claim)
}

/// The signal that asks a program to end, if the code says that it ended on one.
fn asked(code: i64) -> Option<Signal> {
    ExitMeaning::of(code).signal().filter(|s| *s == Signal::TERM || *s == Signal::INT)
}
