//! Gathers what is known about incidents, has them judged, and stores each verdict that is another one.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;

use coroner_core::finding::Finding;
use coroner_core::incident::{Incident, IncidentId};
use coroner_core::verdict::{self, Case};
use coroner_proto::v1;
use prost::Message as _;
use rusqlite::{Connection, Row};

use super::join::{self, Placed};
use super::rows::{self, Changed};
use super::surroundings::{self, Told};
use super::touched::{self, Touched};
use super::{StoreError, kubernetes, naming};
use crate::clocks::ClockBook;

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

/// Judges anew whatever was touched; gives the incidents whose verdict changed, and then those that are part of another now. `fresh` are findings that were just stored.
/// `joined` is what is known of clocks, if anything is known of Kubernetes: without that there is nothing to join with.
pub(super) fn rejudge(
    db: &Connection,
    path: &Path,
    rules: &Rules,
    touched: Touched,
    fresh: &Fresh<'_>,
    joined: Option<&ClockBook>,
    now_us: i64,
) -> Result<Vec<Changed>, StoreError> {
    let failed =
        |source| StoreError::Sqlite { path: path.to_owned(), doing: "store incidents", source };
    let (mut changed, mut merged) = (Vec::new(), Vec::new());
    let mut to_judge = if joined.is_some() {
        join::place(db, path, &touched, fresh, &mut merged)?
    } else {
        by_themselves(touched)
    };
    let mut followed = BTreeSet::new();
    while !to_judge.is_empty() {
        let mut told = Vec::new();
        let mut whys = HashMap::new();
        for _ in 0..AT_ONCE {
            let Some((id, Placed { why, parts, subject })) = to_judge.pop_first() else { break };
            let mut all = Vec::new();
            for part in &parts {
                all.extend(findings(db, path, part, fresh)?);
            }
            let says = match joined {
                Some(clocks) => kubernetes::case(db, &id, &subject, clocks).map_err(failed)?,
                None => None,
            };
            told.extend(Told::of(db, &id, all, says).map_err(failed)?);
            whys.insert(id, why);
        }
        for case in surroundings::cases(db, path, told)? {
            // A verdict once given is never taken back: late evidence may come when the first is deleted already.
            let Some(mut incident) = (rules.judge)(&case) else { continue };
            if let Some(says) = &case.kubernetes {
                naming::name(&mut incident, says);
                incident.previous = kubernetes::earlier_ends(db, &says.previous).map_err(failed)?;
            }
            let boot_id = case.findings.first().map(|finding| finding.boot_id.clone());
            let boot_id = match boot_id {
                Some(boot_id) => boot_id,
                None => kubernetes::place_of(db, &incident.node, incident.time.as_microsecond())
                    .map_err(failed)?,
            };
            let why = whys.remove(&incident.id).unwrap_or_default();
            let stored =
                rows::upsert_incident(db, incident, &boot_id, &touched::sentence(&why), now_us);
            let Some(stored) = stored.map_err(failed)? else { continue };
            changed.push(stored);
            let end = case.kubernetes.as_ref().and_then(|says| says.termination.as_deref());
            let Some(end) = end else { continue };
            // Later ends of the container tell of this one.
            for id in kubernetes::later_ends(db, end).map_err(failed)? {
                if followed.insert(id.clone()) {
                    let entry = to_judge.entry(id.clone()).or_default();
                    entry.why.insert("another word for an earlier end".to_owned());
                    entry.parts.extend(join::parts(db, &id).map_err(failed)?);
                }
            }
        }
    }
    // After what they are part of now, so that who is told so knows that one.
    changed.append(&mut merged);
    Ok(changed)
}

/// Incidents of findings alone.
fn by_themselves(touched: Touched) -> BTreeMap<IncidentId, Placed> {
    let mut all = BTreeMap::<IncidentId, Placed>::new();
    for (id, mut why) in touched.findings.into_iter().chain(touched.incidents) {
        let entry = all.entry(id.clone()).or_default();
        entry.why.append(&mut why);
        entry.parts.insert(id);
    }
    all
}

/// Findings by their ids.
pub(super) type Fresh<'a> = HashMap<&'a str, &'a Finding>;

/// The findings of one incident, in the order of their ids. Those that were just stored need not be read back.
pub(super) fn findings(
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
