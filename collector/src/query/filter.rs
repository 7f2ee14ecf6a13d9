//! Which incidents a question is about: as SQL for what is stored, as a test for what is being watched.

use coroner_core::incident::{Cause, Confidence, Outcome};
use coroner_core::kubernetes::workload;
use coroner_proto::v1;
use tonic::Status;

use super::page::Place;
use super::window;

/// Which incidents.
#[derive(Clone, Debug, Default)]
pub(crate) struct Filter {
    pub(super) node: Option<String>,
    pub(super) cause: Option<Cause>,
    pub(super) since_us: Option<i64>,
    pub(super) until_us: Option<i64>,
    pub(super) namespace: Option<String>,
    pub(super) pod: Option<String>,
    /// `Deployment/web`.
    pub(super) owner: Option<String>,
    pub(super) outcome: Option<Outcome>,
    pub(super) confidence: Option<Confidence>,
    /// Only those that contradict Kubernetes.
    pub(super) disagrees: bool,
    /// Also ends that were meant.
    pub(super) orderly: bool,
}

/// A value in the place of a `?`.
pub(super) type Value = rusqlite::types::Value;

impl Filter {
    /// Reads a filter; one that is absent matches all.
    pub(super) fn parse(filter: Option<v1::IncidentFilter>) -> Result<Self, Status> {
        let Some(filter) = filter else { return Ok(Self::default()) };
        let v1::IncidentFilter { node, cause, since, until, .. } = filter;
        let v1::IncidentFilter { namespace, pod, owner, .. } = filter;
        let v1::IncidentFilter { outcome, confidence, disagrees, orderly, .. } = filter;
        let cause = match v1::Cause::try_from(cause) {
            Ok(v1::Cause::Unspecified) => None,
            Ok(known) => Cause::try_from(known).ok(),
            Err(_) => {
                return Err(Status::invalid_argument(format!(
                    "field `filter.cause` is {cause}, which is no Cause"
                )));
            }
        };
        let us = |time: Option<jiff::Timestamp>| time.map(jiff::Timestamp::as_microsecond);
        let since_us = us(window::time("filter.since", since)?);
        let until_us = us(window::time("filter.until", until)?);
        let number = |field: &str, number: i32, what: &str| {
            Status::invalid_argument(format!(
                "field `filter.{field}` is {number}, which is no {what}"
            ))
        };
        let outcome = match v1::Outcome::try_from(outcome) {
            Ok(v1::Outcome::Unspecified) => None,
            Ok(known) => Outcome::try_from(known).ok(),
            Err(_) => return Err(number("outcome", outcome, "Outcome")),
        };
        let confidence = match v1::Confidence::try_from(confidence) {
            Ok(v1::Confidence::Unspecified) => None,
            Ok(known) => Confidence::try_from(known).ok(),
            Err(_) => return Err(number("confidence", confidence, "Confidence")),
        };
        let owner = match owner {
            None => None,
            Some(owner) => Some(workload(&owner).ok_or_else(|| {
                let owner: String = owner.chars().take(80).flat_map(char::escape_default).collect();
                Status::invalid_argument(format!(
                    "field `filter.owner` is `{owner}`, expected KIND/NAME such as Deployment/web"
                ))
            })?),
        };
        Ok(Self {
            node,
            cause,
            since_us,
            until_us,
            namespace,
            pod,
            owner,
            outcome,
            confidence,
            disagrees,
            orderly,
        })
    }

    /// Whether an incident is meant.
    pub(super) fn matches(&self, incident: &v1::Incident) -> bool {
        let time_us = incident.time.as_ref().map_or(0, |time| {
            time.seconds.saturating_mul(1_000_000).saturating_add(i64::from(time.nanos / 1000))
        });
        self.node.as_ref().is_none_or(|node| *node == incident.node)
            && self.cause.is_none_or(|cause| v1::Cause::from(cause) == incident.cause())
            && self.since_us.is_none_or(|since| time_us >= since)
            && self.until_us.is_none_or(|until| time_us <= until)
            && self.names(incident)
            && self.outcome.is_none_or(|o| v1::Outcome::from(o) == incident.outcome())
            && self.confidence.is_none_or(|c| v1::Confidence::from(c) == incident.confidence())
            && (!self.disagrees || incident.kubernetes.as_ref().is_some_and(|k| k.disagrees))
            && (self.orderly || !incident.orderly)
    }

    /// Whether it is about the pods that are meant.
    fn names(&self, incident: &v1::Incident) -> bool {
        let pod = incident.pod.as_ref();
        let owner = pod.and_then(|pod| pod.owner.as_ref());
        let owner = owner.map(|owner| format!("{}/{}", owner.kind, owner.name));
        let namespace = pod.and_then(|pod| pod.namespace.as_ref());
        (self.namespace.is_none() || self.namespace.as_ref() == namespace)
            && (self.pod.is_none() || self.pod.as_ref() == pod.and_then(|pod| pod.name.as_ref()))
            && (self.owner.is_none() || self.owner == owner)
    }

    /// The rows after `after`, newest first, at most `limit`, orderly ends with them: SQL and its values.
    ///
    /// The index is named so that no statistics, or lack of them, can make the database choose one that reads more
    /// than the page.
    pub(super) fn select(&self, after: Option<Place>, limit: u32) -> (String, Vec<Value>) {
        let (mut conditions, mut values) = self.conditions();
        if let Some(place) = after {
            conditions.push("(time_us, seq) < (?, ?)");
            values.extend([place.time_us.into(), place.seq.into()]);
        }
        values.push(i64::from(limit).into());
        let sql = format!(
            "SELECT seq, time_us, id, body, orderly FROM incident INDEXED BY {} {}
             ORDER BY time_us DESC, seq DESC LIMIT ?",
            self.index(),
            all_of(&conditions)
        );
        (sql, values)
    }

    /// How many there are of each `name_and_namespace` and cause, and when the last was: SQL and its values.
    pub(super) fn grouped(&self, name_and_namespace: &str) -> (String, Vec<Value>) {
        let (mut conditions, values) = self.conditions();
        if !self.orderly {
            conditions.push("orderly = 0");
        }
        let sql = format!(
            "SELECT {name_and_namespace}, cause, count(*), max(time_us) FROM incident INDEXED BY {} {}
             GROUP BY 1, 2, 3",
            self.counting_index(),
            all_of(&conditions)
        );
        (sql, values)
    }

    /// How many there are of each cause in each part of the time, `part_us` long: SQL and its values.
    pub(super) fn by_time(&self, part_us: i64) -> (String, Vec<Value>) {
        let (mut conditions, mut values) = self.conditions();
        if !self.orderly {
            conditions.push("orderly = 0");
        }
        values.insert(0, part_us.into());
        let sql = format!(
            "SELECT time_us / ?, cause, count(*) FROM incident INDEXED BY {} {} GROUP BY 1, 2 ORDER BY 1, 2",
            self.counting_index(),
            all_of(&conditions)
        );
        (sql, values)
    }

    /// The index to count by: where nothing narrows but time, one that holds all that is counted.
    fn counting_index(&self) -> &'static str {
        match self.index() {
            "incident_time" => "incident_count",
            narrower => narrower,
        }
    }

    /// What narrows, but for orderly ends.
    fn conditions(&self) -> (Vec<&'static str>, Vec<Value>) {
        let mut conditions = Vec::new();
        let mut values: Vec<Value> = Vec::new();
        let words = [
            ("pod = ?", self.pod.as_deref()),
            ("owner = ?", self.owner.as_deref()),
            ("namespace = ?", self.namespace.as_deref()),
            ("outcome = ?", self.outcome.map(Outcome::name)),
            ("confidence = ?", self.confidence.map(Confidence::name)),
        ];
        for (condition, value) in words {
            if let Some(value) = value {
                conditions.push(condition);
                values.push(value.to_owned().into());
            }
        }
        if self.disagrees {
            conditions.push("disagrees = 1");
        }
        if let Some(node) = &self.node {
            conditions.push("node = ?");
            values.push(node.clone().into());
        }
        if let Some(cause) = self.cause {
            conditions.push("cause = ?");
            values.push(cause.name().to_owned().into());
        }
        if let Some(since) = self.since_us {
            conditions.push("time_us >= ?");
            values.push(since.into());
        }
        if let Some(until) = self.until_us {
            conditions.push("time_us <= ?");
            values.push(until.into());
        }
        (conditions, values)
    }

    /// The index to read by: of what is asked for, what the fewest incidents share.
    fn index(&self) -> &'static str {
        match (&self.node, self.cause) {
            _ if self.pod.is_some() => "incident_pod",
            _ if self.owner.is_some() => "incident_owner",
            (Some(_), Some(_)) => "incident_node_cause",
            (Some(_), None) => "incident_node",
            _ if self.namespace.is_some() => "incident_namespace",
            _ if self.disagrees => "incident_disagrees",
            (None, Some(_)) => "incident_cause",
            _ if self.outcome.is_some() => "incident_outcome",
            _ if self.confidence.is_some() => "incident_confidence",
            (None, None) => "incident_time",
        }
    }
}

fn all_of(conditions: &[&str]) -> String {
    if conditions.is_empty() {
        return String::new();
    }
    format!("WHERE {}", conditions.join(" AND "))
}
