//! `Terminated`: it was asked to end with SIGTERM or SIGINT, and did.
//!
//! *Needs* exit code 143 or 130, and nothing that says who asked: no deletion, eviction, probe or hook. *Weakened by* missing
//! events, and by a program that chose the code. Signals other than SIGKILL are not traced, so the sender is not known.

use super::claim::{Claim, Rule};
use super::facts::Facts;
use super::kubelets_doing::{self, Proof};
use super::pod_end::pod_end;
use crate::exit_code::{ExitMeaning, Signal, describe};
use crate::incident::{Cause, Confidence};

pub(super) const RULE: Rule = Rule { cause: Cause::Terminated, examine };

fn examine(facts: &Facts<'_>) -> Option<Claim> {
    let api = kubelets_doing::api(facts)?;
    let code = api.code()?;
    let signal =
        ExitMeaning::of(code).signal().filter(|s| *s == Signal::TERM || *s == Signal::INT)?;
    if pod_end(api).is_some() || api.killing().is_some() {
        return None;
    }
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
