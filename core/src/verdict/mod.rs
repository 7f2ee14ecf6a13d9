//! Verdicts: from findings to a cause. One file per cause, pure rules, one table.

use crate::finding::{Finding, SourceStatus};
use crate::incident::{Incident, IncidentId};

/// Everything known about one incident.
#[derive(Clone, Debug, Default)]
pub struct Case {
    /// The incident's findings, in the order of their ids.
    pub findings: Vec<Finding>,
    /// Gaps of any source on that node that may overlap the incident.
    pub gaps: Vec<Finding>,
    /// How the sources on that node were doing at the time, if it was reported.
    pub sources: Vec<SourceStatus>,
}

/// Which incident a finding belongs to: the one it opens, or the one it adds to; `None` when it is about no incident.
#[must_use]
pub fn incident_of(_finding: &Finding) -> Option<IncidentId> {
    None
}

/// Judges a case. `None` when its findings open no incident (for instance only an observation has arrived so far).
#[must_use]
pub fn judge(_case: &Case) -> Option<Incident> {
    None
}
