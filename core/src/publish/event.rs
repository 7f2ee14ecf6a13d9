//! What one Event says of one incident.
//!
//! `events.k8s.io/v1` takes a `reason` of at most 128 bytes and a `note` of at most 1,024, and knows the object by its uid:
//! without one `kubectl describe pod` does not show the event. Of a Node the kubelet writes the name there, and
//! `describe node` looks for that; such events lie in the namespace `default`. A name that is taken is refused, so a name that is
//! made of the incident and its cause makes writing it twice harmless.

use std::fmt::Write as _;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::escape::terminal;
use crate::incident::{Cause, Confidence, Incident, IncidentId, Outcome};
use crate::kubernetes::EventType;

/// Bytes of a note that the API takes.
pub const LONGEST_NOTE: usize = 1024;

/// Longest name of an object.
const LONGEST_NAME: usize = 253;

/// Longest name of a namespace.
const LONGEST_NAMESPACE: usize = 63;

/// Where events on nodes lie.
const NAMESPACE_OF_NODES: &str = "default";

/// Whom an event is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum About {
    /// A pod.
    Pod {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
        /// Its uid, as the API knows it.
        uid: String,
    },
    /// A node.
    Node {
        /// Its name.
        name: String,
    },
}

impl About {
    /// Whom an incident is about: its pod, or the node where the victim belongs to no pod. `None` where Kubernetes' names for
    /// it are not known, or are no names: they become part of an address.
    #[must_use]
    pub fn of(incident: &Incident) -> Option<Self> {
        let pod = incident.pod.as_ref();
        if let Some(pod) = pod
            && let (Some(namespace), Some(name), Some(uid)) = (&pod.namespace, &pod.name, &pod.uid)
        {
            let fits = is_name(namespace, LONGEST_NAMESPACE)
                && !namespace.contains('.')
                && is_name(name, LONGEST_NAME)
                && is_name(uid, LONGEST_NAME);
            let (namespace, name, uid) = (namespace.clone(), name.clone(), uid.clone());
            return fits.then_some(Self::Pod { namespace, name, uid });
        }
        let of_no_pod = pod.is_none_or(|pod| pod.uid.is_none() && pod.name.is_none());
        let on_node = incident.outcome == Some(Outcome::HostProcessKilled) && of_no_pod;
        (on_node && is_name(&incident.node, LONGEST_NAME))
            .then(|| Self::Node { name: incident.node.clone() })
    }

    /// The namespace that the event lies in.
    #[must_use]
    pub fn namespace(&self) -> &str {
        match self {
            Self::Pod { namespace, .. } => namespace,
            Self::Node { .. } => NAMESPACE_OF_NODES,
        }
    }
}

/// Whether the API would take it for a name (RFC 1123 subdomain).
fn is_name(text: &str, longest: usize) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let ends = text.bytes().next().is_some_and(plain) && text.bytes().last().is_some_and(plain);
    ends && text.len() <= longest
        && !text.contains("..")
        && text.bytes().all(|b| plain(b) || matches!(b, b'-' | b'.'))
}

/// What an event says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerdictEvent {
    /// Of which incident.
    pub incident: IncidentId,
    /// Whom it is about.
    pub about: About,
    /// The container, where one is known.
    pub container: Option<String>,
    /// `reason`: the cause by its name.
    pub cause: Cause,
    /// `Normal` for an end that somebody wanted, else `Warning`.
    pub kind: EventType,
    /// What is said: harmless on a terminal, at most [`LONGEST_NOTE`] bytes.
    pub note: String,
    /// When it happened.
    pub time: Timestamp,
}

impl VerdictEvent {
    /// What is to be said of an incident; `None` for an end that was meant and went well, and where nobody can be named.
    #[must_use]
    pub fn of(incident: &Incident) -> Option<Self> {
        if incident.orderly {
            return None;
        }
        let about = About::of(incident)?;
        let wanted = matches!(incident.cause, Cause::Terminated | Cause::PodDeleted);
        Some(Self {
            incident: incident.id.clone(),
            about,
            container: incident.container.as_ref().and_then(|c| c.name.clone()),
            cause: incident.cause,
            kind: if wanted { EventType::Normal } else { EventType::Warning },
            note: note(incident),
            time: incident.time,
        })
    }

    /// `metadata.name`, the same for the same incident and cause. `nth` counts the events of that incident and cause, from 1: a
    /// verdict may come back to a cause that it had before.
    #[must_use]
    pub fn name(&self, nth: usize) -> String {
        let id = self.incident.0.to_ascii_lowercase();
        let id: String = id.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').collect();
        let id = id.trim_matches('-');
        let cause = self.cause.name().to_ascii_lowercase();
        match nth {
            0 | 1 => format!("coroner-{id}.{cause}"),
            nth => format!("coroner-{id}.{cause}.{nth}"),
        }
    }

    /// `eventTime`: with exactly six digits of a second, as the API wants it.
    #[must_use]
    pub fn time(&self) -> String {
        micro_time(self.time)
    }
}

/// As the API writes a `MicroTime`.
pub(super) fn micro_time(time: Timestamp) -> String {
    time.to_zoned(TimeZone::UTC).strftime("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()
}

/// What, how sure, what was said before, what to do, and how to ask for more. The last is never cut off.
fn note(incident: &Incident) -> String {
    let mut text = String::new();
    if let Some(name) = incident.container.as_ref().and_then(|c| c.name.as_deref()) {
        let told = format!("container {name} ");
        if !incident.summary.contains(&told) {
            // Writing to a string does not fail.
            let _ = write!(text, "Container {name}: ");
        }
    }
    let sure = match incident.confidence {
        Confidence::Unknown => "not known",
        known => known.name(),
    };
    let _ = write!(text, "{} ({}).", stopless(&incident.summary), sure.to_lowercase());
    if !incident.alternatives.is_empty() {
        let others: Vec<&str> = incident.alternatives.iter().map(|cause| cause.name()).collect();
        let _ = write!(text, " As much speaks for {}.", others.join(", "));
    }
    if let Some(before) = incident.revised_from.as_ref().filter(|b| b.cause != incident.cause) {
        let _ = write!(text, " Before, the verdict was {}.", before.cause);
    }
    if let Some(remedy) = incident.remedies.first() {
        let _ = write!(text, " What to do: {}.", stopless(remedy));
    }
    let more = format!(" More: coroner why {}", incident.id);
    let (text, more) = (terminal(&text).to_string(), terminal(&more).to_string());
    let room = LONGEST_NOTE.saturating_sub(more.len());
    let text = cut(&text, room);
    cut(&format!("{text}{more}"), LONGEST_NOTE)
}

fn stopless(sentence: &str) -> &str {
    sentence.trim_end_matches(['.', ' '])
}

/// At most so many bytes, with a mark where something is missing.
fn cut(text: &str, most: usize) -> String {
    const MARK: &str = "...";
    if text.len() <= most {
        return text.to_owned();
    }
    let room = most.saturating_sub(MARK.len());
    let ends = text.char_indices().map(|(at, _)| at).take_while(|at| *at <= room);
    format!("{}{MARK}", text.get(..ends.last().unwrap_or(0)).unwrap_or_default())
}
