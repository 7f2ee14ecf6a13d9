//! What has to be judged anew, and because of what.

use std::collections::{BTreeMap, BTreeSet};

use coroner_core::finding::{Finding, FindingBody};
use coroner_core::incident::IncidentId;
use coroner_core::kubernetes::TerminationId;

/// What came in, in a few words each: a verdict that changes says so.
pub(super) type Why = BTreeSet<String>;

/// What has to be judged anew.
#[derive(Debug, Default)]
pub(super) struct Touched {
    /// By the incident that findings make by themselves.
    pub(super) findings: BTreeMap<IncidentId, Why>,
    /// Incidents as they are stored.
    pub(super) incidents: BTreeMap<IncidentId, Why>,
    /// Ends that were just stored.
    pub(super) terminations: BTreeMap<TerminationId, Why>,
}

impl Touched {
    /// A finding came in.
    pub(super) fn finding(&mut self, id: IncidentId, finding: &Finding) {
        let what = match &finding.body {
            FindingBody::ContainerEnd(_) => "the end of the container's group".to_owned(),
            FindingBody::Cgroups(_) => "what was read of its groups".to_owned(),
            _ => format!("a finding of the {}", finding.source),
        };
        self.findings.entry(id).or_default().insert(what);
    }

    /// Something that concerns incidents came in.
    pub(super) fn incidents(&mut self, ids: impl IntoIterator<Item = IncidentId>, why: &str) {
        for id in ids {
            self.incidents.entry(id).or_default().insert(why.to_owned());
        }
    }

    /// An end came in.
    pub(super) fn termination(&mut self, id: TerminationId) {
        let why = "the end as Kubernetes reports it".to_owned();
        self.terminations.entry(id).or_default().insert(why);
    }
}

/// `Since then came in: a, b.`
pub(super) fn sentence(why: &Why) -> String {
    let all: Vec<&str> = why.iter().map(String::as_str).collect();
    match all.as_slice() {
        [] => "What was known was weighed anew.".to_owned(),
        all => format!("Since then came in: {}.", all.join(", ")),
    }
}
