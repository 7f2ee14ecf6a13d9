//! What the kernel wrote about an incident, for whoever wants to see the evidence itself.

use coroner_core::finding::{Finding, FindingBody};
use coroner_core::incident::IncidentId;
use coroner_core::kernel::{KernelEvent, OomReport};
use coroner_proto::v1;
use prost::Message as _;

use crate::store::{Readers, StoreError};

/// Findings of an incident that are looked at: a group kill has a line for each victim.
const FINDINGS_MAX: u32 = 256;

/// The kernel's reports about an incident, oldest first.
///
/// # Errors
///
/// If the database cannot be read, or holds what is no finding.
pub(super) async fn of(readers: &Readers, id: &IncidentId) -> Result<Vec<OomReport>, StoreError> {
    let wanted = id.0.clone();
    let bodies: Vec<Vec<u8>> = readers
        .ask("read what the kernel wrote", move |db| {
            db.prepare_cached(
                "SELECT body FROM finding WHERE incident_id = $1 ORDER BY time_us, seq LIMIT $2",
            )?
            .query_map(rusqlite::params![wanted, FINDINGS_MAX], |row| row.get(0))?
            .collect()
        })
        .await?;
    let corrupt = |problem: String| StoreError::Corrupt {
        path: readers.path().to_owned(),
        what: "finding of incident",
        id: id.0.clone(),
        problem,
    };
    let mut reports = Vec::new();
    for body in bodies {
        let finding = v1::Finding::decode(body.as_slice()).map_err(|e| corrupt(e.to_string()))?;
        let finding = Finding::try_from(finding).map_err(|e| corrupt(e.to_string()))?;
        if let FindingBody::Kernel(event) = finding.body
            && let KernelEvent::Oom(report) = *event
        {
            reports.push(*report);
        }
    }
    Ok(reports)
}
