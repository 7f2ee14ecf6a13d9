//! Findings of this node and boot, on their way into the outbox.

use std::sync::Arc;

use coroner_core::finding::{Finding, FindingBody, FindingId, Source};

use crate::clock::Moment;
use crate::outbox::Outbox;
use crate::position::Mark;

/// Knows what all findings of an agent have in common.
#[derive(Clone, Debug)]
pub(crate) struct Findings {
    pub node: String,
    pub boot_id: String,
    pub outbox: Arc<Outbox>,
}

impl Findings {
    /// Hands on a fact. `mark` is the place in the log that it keeps from being passed.
    pub(crate) fn push(
        &self,
        id: FindingId,
        source: Source,
        moment: Moment,
        body: FindingBody,
        mark: Option<Mark>,
    ) {
        let finding = Finding {
            id,
            node: self.node.clone(),
            boot_id: self.boot_id.clone(),
            time: moment.time,
            time_uncertainty_us: moment.uncertainty_us,
            source,
            body,
        };
        self.outbox.push(finding, mark);
    }
}
