//! Which incidents a question is about: as SQL for what is stored, as a test for what is being watched.

use coroner_core::incident::Cause;
use coroner_proto::v1;
use tonic::Status;

use super::page::Place;
use super::window;
use crate::store::Changed;

/// Which incidents.
#[derive(Clone, Debug, Default)]
pub(crate) struct Filter {
    pub(super) node: Option<String>,
    pub(super) cause: Option<Cause>,
    pub(super) since_us: Option<i64>,
    pub(super) until_us: Option<i64>,
}

/// A value in the place of a `?`.
pub(super) type Value = rusqlite::types::Value;

impl Filter {
    /// Reads a filter; one that is absent matches all.
    pub(super) fn parse(filter: Option<v1::IncidentFilter>) -> Result<Self, Status> {
        let Some(v1::IncidentFilter { node, cause, since, until }) = filter else {
            return Ok(Self::default());
        };
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
        Ok(Self { node, cause, since_us, until_us })
    }

    /// Whether an incident that was just changed is meant.
    pub(super) fn matches(&self, changed: &Changed) -> bool {
        self.node.as_ref().is_none_or(|node| *node == changed.incident.node)
            && self.cause.is_none_or(|cause| v1::Cause::from(cause) == changed.incident.cause())
            && self.since_us.is_none_or(|since| changed.time_us >= since)
            && self.until_us.is_none_or(|until| changed.time_us <= until)
    }

    /// The rows after `after`, newest first, at most `limit`: SQL and its values.
    ///
    /// The index is named so that no statistics, or lack of them, can make the database choose one that reads more
    /// than the page.
    pub(super) fn select(&self, after: Option<Place>, limit: u32) -> (String, Vec<Value>) {
        let index = match (&self.node, self.cause) {
            (None, None) => "incident_time",
            (Some(_), None) => "incident_node",
            (None, Some(_)) => "incident_cause",
            (Some(_), Some(_)) => "incident_node_cause",
        };
        let mut conditions = Vec::new();
        let mut values: Vec<Value> = Vec::new();
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
        if let Some(place) = after {
            conditions.push("(time_us, seq) < (?, ?)");
            values.extend([place.time_us.into(), place.seq.into()]);
        }
        let conditions = if conditions.is_empty() {
            String::new()
        } else {
            format!("WHERE {}", conditions.join(" AND "))
        };
        values.push(i64::from(limit).into());
        let sql = format!(
            "SELECT seq, time_us, id, body FROM incident INDEXED BY {index} {conditions}
             ORDER BY time_us DESC, seq DESC LIMIT ?"
        );
        (sql, values)
    }
}
