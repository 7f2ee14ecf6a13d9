//! Why the kubelet kills a container, as its event `Killing` says.
//!
//! Up to 1.13 the text was `Killing container with id docker://NAME:WHY`; since then it is WHY alone: `Container c failed
//! liveness probe, will be restarted`, `Stopping container c`, `Container c definition changed, will be restarted`, or the
//! reason of a failed hook. A pod that may not be restarted gets `Stopping container c` for every reason: then other events
//! tell (tried on 1.36).

/// Why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Killing {
    /// The liveness probe failed.
    LivenessProbe,
    /// The startup probe failed.
    StartupProbe,
    /// The postStart hook failed.
    PostStartHook,
    /// The pod is to end, or may not be restarted: the text does not say why.
    Stopping,
    /// The container's specification changed.
    Changed,
    /// Something else.
    Other,
}

/// What the message of an event `Killing` says.
#[must_use]
pub fn killing(message: &str) -> Killing {
    let (why, old) = match message.strip_prefix("Killing container with id ") {
        // `docker://NAME:WHY`: the name of a container holds no colon.
        Some(rest) => match rest.split_once("://").and_then(|(_, rest)| rest.split_once(':')) {
            Some((_, why)) => (why, true),
            None => return Killing::Other,
        },
        None => (message, false),
    };
    if why.starts_with("FailedPostStartHook") {
        return Killing::PostStartHook;
    }
    if why.starts_with("Need to kill Pod") || why.starts_with("Stopping container ") {
        return Killing::Stopping;
    }
    let Some(rest) = why.strip_prefix("Container ") else { return Killing::Other };
    // The name is a DNS label, so it ends at the first blank; the oldest texts have none.
    let rest = if old && (rest.starts_with("failed ") || rest.starts_with("spec ")) {
        rest
    } else {
        rest.split_once(' ').map_or("", |(_, rest)| rest)
    };
    if rest.starts_with("failed liveness probe") {
        Killing::LivenessProbe
    } else if rest.starts_with("failed startup probe") {
        Killing::StartupProbe
    } else if ["definition changed", "spec hash changed", "resize requires restart"]
        .iter()
        .any(|what| rest.starts_with(what))
    {
        Killing::Changed
    } else {
        Killing::Other
    }
}
