//! What the rules about probes that kill say alike.

use super::api::Api;
use super::claim::Claim;
use super::facts::Facts;
use super::kubelets_doing::{self, Proof};
use super::pod_end::pod_end;
use super::probe_settings::remedies;
use crate::incident::Confidence;
use crate::kubelet::killing::Killing;
use crate::kubelet::probe::{ProbeKind, Symptom};
use crate::kubernetes::{ApiPart, Probe};

/// The probe, as far as this end may be its doing: the kubelet names it, or it failed and the pod was stopped for no other
/// reason that is known.
pub(super) fn claim(facts: &Facts<'_>, kind: ProbeKind) -> Option<Claim> {
    let api = kubelets_doing::api(facts)?;
    let probe = api.container().and_then(|container| match kind {
        ProbeKind::Liveness => container.probes.liveness.as_deref(),
        ProbeKind::Startup => container.probes.startup.as_deref(),
        ProbeKind::Readiness => None,
    });
    let failed = api.failures(kind);
    let (named, event) = match (kind, api.killing()) {
        (ProbeKind::Liveness, Some((event, Killing::LivenessProbe)))
        | (ProbeKind::Startup, Some((event, Killing::StartupProbe))) => (true, Some(event)),
        // A pod that is not restarted gets no better text.
        (_, Some((event, Killing::Stopping))) if failed.is_some() && pod_end(api).is_none() => {
            (false, Some(event))
        }
        (_, None) if !api.events_known() => return unseen(facts, api, kind, probe?),
        _ => return None,
    };
    let event = event?;
    let mut because = vec![if named {
        format!("The kubelet killed it because its {} probe failed.", kind.word())
    } else {
        format!(
            "The kubelet stopped it after its {} probe had failed; nothing else says that the pod was to end.",
            kind.word()
        )
    }];
    because.extend(failed.map(|(event, failure)| symptom(kind, event.count, failure.symptom)));
    because.extend(probe.map(|probe| timing(kind, probe)));
    because.extend(throttled(facts));
    let proof =
        Proof { status: false, event: true, fits: api.fits(event) && (named || failed.is_some()) };
    let symptom = failed.map(|(_, failure)| failure.symptom);
    let first =
        failed.and_then(|(event, _)| Some(api.started()?.duration_until(event.first?).as_secs()));
    let remedies = remedies(kind, probe, symptom, first, facts);
    let summary = format!("{} was killed because its {} probe failed", api.who(), kind.word());
    let mut claim = kubelets_doing::claim(facts, api, proof, summary, because, remedies);
    if !named {
        claim.confidence = claim.confidence.min(Confidence::Likely);
        claim.missing.push("The kubelet's word which probe it was: of a pod that is not restarted it only says that it stops it.".to_owned());
    }
    Some(claim)
}

/// Without events a container with such a probe that ended on the kubelet's signals may have been killed for it.
fn unseen(facts: &Facts<'_>, api: Api<'_>, kind: ProbeKind, probe: &Probe) -> Option<Claim> {
    if !kubelets_doing::stopped(api)
        || pod_end(api).is_some()
        || api.ended().is_none()
        || api.reason() == Some("OOMKilled")
    {
        return None;
    }
    let summary =
        format!("{} may have been killed because its {} probe failed", api.who(), kind.word());
    let mut because = vec![
        format!(
            "It has a {} probe, and its exit code is what the kubelet's killing brings about; events would tell.",
            kind.word()
        ),
        timing(kind, probe),
    ];
    because.extend(throttled(facts));
    let remedies = vec![
        "Look at it within an hour, or keep the events: the kubelet names the probe in them."
            .to_owned(),
    ];
    let mut claim = kubelets_doing::claim(facts, api, Proof::default(), summary, because, remedies);
    claim.confidence = Confidence::Possible;
    if api.gap(ApiPart::Events) {
        claim.missing.push("Events could not be read at that time.".to_owned());
    }
    Some(claim)
}

fn symptom(kind: ProbeKind, count: u32, symptom: Symptom) -> String {
    let times = if count > 1 { format!("{count} times") } else { "once".to_owned() };
    let how = match symptom {
        Symptom::Refused => {
            ": nobody listened on its port. That is a symptom: the program was not up yet, had closed it, or waits for \
             something else itself"
                .to_owned()
        }
        Symptom::Timeout => ": no answer came in time".to_owned(),
        Symptom::Status(code) => format!(": the answer was HTTP {code}"),
        Symptom::Other => String::new(),
    };
    format!("The {} probe failed {times} as far as events tell{how}.", kind.word())
}

fn timing(kind: ProbeKind, probe: &Probe) -> String {
    format!(
        "The {} probe begins after {} s, comes every {} s, waits {} s for an answer, and kills after {} failures in a row.",
        kind.word(),
        probe.initial_delay_s,
        probe.period_s,
        probe.timeout_s,
        probe.failure_threshold
    )
}

/// Whether it was kept from running: the reason behind many a failed probe.
pub(super) fn throttled(facts: &Facts<'_>) -> Option<String> {
    let end = facts.end()?;
    let us = end.throttled_us.filter(|us| *us >= 1_000_000)?;
    let periods = end
        .throttled_periods
        .filter(|(_, all)| *all > 0)
        .map(|(throttled, all)| format!(", in {throttled} of {all} periods"))
        .unwrap_or_default();
    Some(format!(
        "Its CPU limit kept it from running for {} s in all{periods}: a probe fails for that as well.",
        us / 1_000_000
    ))
}
