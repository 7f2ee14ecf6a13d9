//! An incident in words that every reader is shown, on a terminal or a page.
//!
//! Names in it are as they were given, hence hostile: who shows these texts makes them harmless. What is absent is left
//! out of a sentence, never filled in.

use std::fmt::Write as _;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::{Cause, Incident, Outcome, RevisedFrom};

/// Digits that people know a container by.
const SHORT_ID: usize = 12;

impl Incident {
    /// Whose death: `web-1/app (prod)` where Kubernetes' names are known, else ids, else the process, else nothing.
    #[must_use]
    pub fn whose(&self) -> Option<String> {
        let pod = self.pod.as_ref();
        let named = pod.and_then(|pod| pod.name.as_deref());
        let pod_word = named.or_else(|| pod.and_then(|pod| pod.uid.as_deref()));
        let container = self.container.as_ref().and_then(|c| {
            c.name.as_deref().or_else(|| c.id.as_deref().map(|id| id.get(..SHORT_ID).unwrap_or(id)))
        });
        let namespace = pod.and_then(|pod| pod.namespace.as_deref());
        let namespace = namespace.map_or_else(String::new, |namespace| format!(" ({namespace})"));
        match (pod_word, container) {
            (Some(pod), Some(container)) if named.is_some() => {
                Some(format!("{pod}/{container}{namespace}"))
            }
            (Some(pod), Some(container)) => Some(format!("container {container} of pod {pod}")),
            (Some(pod), None) => Some(format!("pod {pod}{namespace}")),
            (None, Some(container)) => Some(format!("container {container}")),
            (None, None) => self.process(),
        }
    }

    /// The first process that was hit: `pid 41 (java)`, with the number of further ones.
    #[must_use]
    pub fn process(&self) -> Option<String> {
        let victims = &self.kernel.as_ref()?.victims;
        let first = victims.first()?;
        let more = match victims.len() {
            1 => String::new(),
            n => format!(" +{}", n - 1),
        };
        Some(format!("pid {} ({}){more}", first.pid, first.comm))
    }

    /// What happened in capitals, and what that means; all causes where the evidence does not tell which.
    #[must_use]
    pub fn headline(&self) -> String {
        if self.cause == Cause::Unknown && self.outcome == Some(Outcome::NeverStarted) {
            return "UNKNOWN: it never started, for a reason that is none of the known causes"
                .to_owned();
        }
        if self.alternatives.is_empty() {
            return self.cause.headline().to_owned();
        }
        let short = |cause: &Cause| cause.headline().split(':').next().unwrap_or_default();
        let named: Vec<&str> =
            std::iter::once(&self.cause).chain(&self.alternatives).map(short).collect();
        format!("{}: the evidence does not tell which", named.join(" or "))
    }

    /// `Kubernetes says "OOMKilled".`, or the sentence with the proof that it is wrong. Nothing where the explanation has
    /// that sentence.
    #[must_use]
    pub fn kubernetes_says(&self) -> Option<String> {
        let says = self.kubernetes.as_ref()?;
        let reason = says.reason.as_deref()?;
        let said = match (&says.why, says.disagrees) {
            (Some(why), true) => why.clone(),
            _ => format!("Kubernetes says \"{reason}\"."),
        };
        (!self.explanation.contains(&said)).then_some(said)
    }

    /// Earlier ends of the container, and the verdict that stood before, a sentence each.
    #[must_use]
    pub fn before(&self) -> Vec<String> {
        let ends = self.previous.iter().map(|end| {
            let mut said = match end.finished_at {
                Some(finished) => whole_seconds(finished),
                None => "at a time that is not known".to_owned(),
            };
            if let Some(code) = end.exit_code {
                let _ = write!(said, ": exit {code}");
            }
            if let Some(reason) = &end.reason {
                let _ = write!(said, " ({reason})");
            }
            if let Some(cause) = end.cause {
                let _ = write!(said, ", {cause}");
            }
            if let Some(id) = &end.incident {
                let _ = write!(said, ", {id}");
            }
            said
        });
        let revised = self.revised_from.iter().filter(|before| self.takes_back(before));
        let revised = revised.map(|before| {
            format!(
                "Until {} the verdict was {}, {}. {}",
                whole_seconds(before.at),
                before.cause,
                before.confidence.name().to_lowercase(),
                before.why
            )
        });
        ends.chain(revised).collect()
    }

    /// Whether a reader of the verdict before was told otherwise. That more became known, and the same is surer now, is
    /// how each verdict comes about in its first second, and no news at three in the morning.
    fn takes_back(&self, before: &RevisedFrom) -> bool {
        before.cause != self.cause
            || before.confidence > self.confidence
            || before.outcome.is_some_and(|outcome| Some(outcome) != self.outcome)
    }
}

/// `2026-01-02T12:00:03Z`: UTC, so that two people read the same.
#[must_use]
pub fn whole_seconds(time: Timestamp) -> String {
    time.to_zoned(TimeZone::UTC).strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
