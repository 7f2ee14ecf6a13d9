//! Which probe failed and how, as the event `Unhealthy` says: `Liveness probe failed: OUTPUT`.
//!
//! OUTPUT is the program's or the kubelet's own text after the colon: hostile. It only ever adds a hint how the probe failed.

/// Which probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ProbeKind {
    /// Restarts the container when it fails.
    Liveness,
    /// Takes the pod out of its services when it fails; kills nobody.
    Readiness,
    /// Restarts the container when it does not succeed in time.
    Startup,
}

impl ProbeKind {
    /// `liveness`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Liveness => "liveness",
            Self::Readiness => "readiness",
            Self::Startup => "startup",
        }
    }
}

/// How it failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Symptom {
    /// Nothing listens: the program is not up yet, has ended, or listens elsewhere.
    Refused,
    /// No answer within `timeoutSeconds`.
    Timeout,
    /// An answer over HTTP that is not 200 to 399.
    Status(u16),
    /// Something else, or nothing said.
    Other,
}

/// A failed probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Failure {
    /// Which probe.
    pub probe: ProbeKind,
    /// How.
    pub symptom: Symptom,
}

/// What the message of an event `Unhealthy` says; `None` where no probe is named.
#[must_use]
pub fn failure(message: &str) -> Option<Failure> {
    let (probe, rest) = [
        ("Liveness", ProbeKind::Liveness),
        ("Readiness", ProbeKind::Readiness),
        ("Startup", ProbeKind::Startup),
    ]
    .into_iter()
    .find_map(|(word, probe)| Some((probe, message.strip_prefix(word)?)))?;
    let rest = rest.strip_prefix(" probe ")?;
    let output = rest.strip_prefix("failed").or_else(|| rest.strip_prefix("errored"))?;
    Some(Failure { probe, symptom: symptom(output) })
}

fn symptom(output: &str) -> Symptom {
    let output = output.trim_start_matches([':', ' ']);
    if let Some((_, code)) = output.split_once("statuscode: ") {
        let digits = code.split(|c: char| !c.is_ascii_digit()).next().unwrap_or_default();
        if let Ok(code) = digits.parse() {
            return Symptom::Status(code);
        }
    }
    let has = |words: &[&str]| words.iter().any(|word| output.contains(word));
    if has(&["connection refused"]) {
        Symptom::Refused
    } else if has(&[
        "context deadline exceeded",
        "Client.Timeout exceeded",
        "timed out",
        "i/o timeout",
    ]) {
        Symptom::Timeout
    } else {
        Symptom::Other
    }
}
