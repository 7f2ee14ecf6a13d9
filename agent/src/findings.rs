//! Findings of this node and boot, on their way into the outbox.

use std::sync::Arc;

use coroner_core::finding::{Finding, FindingBody, FindingId, Source, SourceStatus};
use jiff::Timestamp;

use crate::clock::{Clocks, Moment};
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
    /// Hands on a fact of the kernel log, or one that belongs to a place in it. `about` is the fact whose incident it
    /// belongs to, `mark` the place in the log that it keeps from being passed.
    pub(crate) fn push(
        &self,
        id: FindingId,
        about: Option<FindingId>,
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
            about,
            body,
        };
        self.outbox.push(finding, mark);
    }

    /// Says how a source is doing: what it reads and since when it misses nothing, or why it cannot read.
    pub(crate) fn status(
        &self,
        source: Source,
        reading: bool,
        detail: String,
        since: Option<Timestamp>,
    ) {
        self.outbox.standing().said(source, reading);
        if reading {
            tracing::info!(%source, "{detail}");
        } else {
            tracing::error!(%source, "{detail}");
        }
        let now = Clocks::now();
        // Each start is a fact of its own, so here alone a clock is part of an identity.
        let id = FindingId(format!("status:{}:{source}:{}", self.boot_id, now.monotonic_us));
        let moment = Moment { time: now.timestamp(), uncertainty_us: Some(0) };
        let body = FindingBody::SourceStatus(SourceStatus { source, reading, detail, since });
        self.push(id, None, source, moment, body, None);
    }
}
