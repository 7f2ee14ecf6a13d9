//! Gathers what is known about incidents, has them judged, and stores each verdict that is another one.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;

use coroner_core::finding::Finding;
use coroner_core::incident::{Incident, IncidentId};
use coroner_core::verdict::{self, Case};
use coroner_proto::v1;
use prost::Message as _;
use rusqlite::{Connection, Row};

use super::StoreError;
use super::rows::{self, Changed};
use super::surroundings::{self, Told};

/// The rules that findings are judged by. The default is the core's; tests put in their own.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// Which incident a finding opens or adds to.
    pub incident_of: fn(&Finding) -> Option<IncidentId>,
    /// The verdict on a case.
    pub judge: fn(&Case) -> Option<Incident>,
}

impl Default for Rules {
    fn default() -> Self {
        Self { incident_of: verdict::incident_of, judge: verdict::judge }
    }
}

/// Incidents gathered at once: enough to read what they share but once, few enough to hold in memory.
const AT_ONCE: usize = 512;

/// Judges each of the incidents anew; gives those whose verdict changed. `fresh` are findings that were just stored.
pub(super) fn rejudge(
    db: &Connection,
    path: &Path,
    rules: &Rules,
    incidents: &BTreeSet<IncidentId>,
    fresh: &Fresh<'_>,
    now_us: i64,
) -> Result<Vec<Changed>, StoreError> {
    let failed =
        |source| StoreError::Sqlite { path: path.to_owned(), doing: "store incidents", source };
    let mut changed = Vec::new();
    let mut rest = incidents.iter().peekable();
    while rest.peek().is_some() {
        let mut told = Vec::new();
        for id in rest.by_ref().take(AT_ONCE) {
            told.extend(Told::new(findings(db, path, id, fresh)?));
        }
        for case in surroundings::cases(db, path, told)? {
            let Some(boot_id) = case.findings.first().map(|f| f.boot_id.clone()) else { continue };
            // A verdict once given is never taken back: late evidence may come when the first is deleted already.
            let Some(incident) = (rules.judge)(&case) else { continue };
            changed.extend(rows::upsert_incident(db, incident, &boot_id, now_us).map_err(failed)?);
        }
    }
    Ok(changed)
}

/// Findings by their ids.
pub(super) type Fresh<'a> = HashMap<&'a str, &'a Finding>;

/// The findings of one incident, in the order of their ids. Those that were just stored need not be read back.
fn findings(
    db: &Connection,
    path: &Path,
    id: &IncidentId,
    fresh: &Fresh<'_>,
) -> Result<Vec<Finding>, StoreError> {
    let failed =
        |source| StoreError::Sqlite { path: path.to_owned(), doing: "read findings", source };
    let read = || {
        let mut select =
            db.prepare_cached("SELECT id, body FROM finding WHERE incident_id = $1 ORDER BY id")?;
        let mut rows = select.query([&id.0])?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            found.push(match fresh.get(row.get_ref(0)?.as_str()?) {
                Some(finding) => Ok((*finding).clone()),
                None => Err(stored(row)?),
            });
        }
        Ok(found)
    };
    let known = |found: Result<Finding, Stored>| match found {
        Ok(finding) => Some(finding),
        Err(stored) => decode(path, stored),
    };
    let mut found: Vec<Finding> = read().map_err(failed)?.into_iter().filter_map(known).collect();
    // Nobody adds to what happened on another node, whatever its findings claim to be about.
    let whose = found.iter().find(|f| IncidentId::of(&f.id) == *id).or(found.first());
    if let Some((node, boot_id)) = whose.map(|f| (f.node.clone(), f.boot_id.clone())) {
        found.retain(|f| f.node == node && f.boot_id == boot_id);
    }
    Ok(found)
}

/// A stored finding: id and bytes.
pub(super) type Stored = (String, Vec<u8>);

pub(super) fn stored(row: &Row<'_>) -> Result<Stored, rusqlite::Error> {
    Ok((row.get(0)?, row.get(1)?))
}

pub(super) fn bodies(
    db: &Connection,
    sql: &str,
    params: impl rusqlite::Params,
) -> Result<Vec<Stored>, rusqlite::Error> {
    db.prepare_cached(sql)?.query_map(params, stored)?.collect()
}

/// All that can be read of what is stored.
pub(super) fn decode_all(path: &Path, found: Vec<Stored>) -> Vec<Finding> {
    found.into_iter().filter_map(|stored| decode(path, stored)).collect()
}

/// What is stored was readable once. If the disk changed it, that fact is lost, but not the work on all others.
fn decode(path: &Path, (id, body): Stored) -> Option<Finding> {
    let problem = match v1::Finding::decode(body.as_slice()).map(Finding::try_from) {
        Ok(Ok(finding)) => return Some(finding),
        Ok(Err(e)) => e.to_string(),
        Err(e) => e.to_string(),
    };
    let e = StoreError::Corrupt { path: path.to_owned(), what: "finding", id, problem };
    tracing::error!(error = %e, "a verdict is given without it");
    None
}
