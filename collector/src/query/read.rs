//! Reads incidents from the store.

use coroner_core::incident::IncidentId;
use coroner_proto::v1;
use prost::Message as _;
use rusqlite::{Connection, OptionalExtension as _, Row, params, params_from_iter};

use super::filter::{Filter, Value};
use super::page::Place;
use super::target::{Narrowed, Target};
use crate::store::{Readers, StoreError, part_of};

/// A page of incidents.
#[derive(Debug, Default)]
pub(crate) struct Page {
    /// Newest first.
    pub(crate) incidents: Vec<v1::Incident>,
    /// Where the next page begins; `None` on the last.
    pub(super) next: Option<Place>,
    /// Orderly ends that were left out.
    pub(super) orderly: u32,
}

/// One incident that a target names.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) incident: v1::Incident,
    pub(super) revision: u32,
    pub(super) has_older: bool,
}

/// What a target names.
#[derive(Debug)]
pub(super) enum Answer {
    /// The newest incident.
    Found(Box<Found>),
    /// No incident.
    Nothing,
    /// Incidents of several containers, or of pods of several namespaces.
    Ambiguous,
}

/// A row, not decoded yet.
#[derive(Debug)]
struct Stored {
    id: String,
    body: Vec<u8>,
}

impl Stored {
    fn read(row: &Row<'_>) -> Result<Self, rusqlite::Error> {
        Ok(Self { id: row.get(2)?, body: row.get(3)? })
    }

    fn decode(self, readers: &Readers) -> Result<v1::Incident, StoreError> {
        v1::Incident::decode(self.body.as_slice()).map_err(|e| StoreError::Corrupt {
            path: readers.path().to_owned(),
            what: "incident",
            id: self.id,
            problem: e.to_string(),
        })
    }
}

/// Rows that are looked at for a page at most, where orderly ends are left out: they may be nearly all.
const MOST_LOOKED_AT: u32 = 5000;

/// Rows of a page, where the next begins, and how many were left out.
type Rows = (Vec<Stored>, Option<Place>, u32);

/// Takes rows until the page is full, all were seen, or so many were looked at.
fn take(
    rows: &mut rusqlite::Rows<'_>,
    size: u32,
    limit: u32,
    orderly: bool,
) -> Result<Rows, rusqlite::Error> {
    let (mut taken, mut last, mut looked_at, mut left_out) = (Vec::new(), None, 0, 0);
    let size = usize::try_from(size).unwrap_or(usize::MAX);
    while let Some(row) = rows.next()? {
        let leave_out = !orderly && row.get(4)?;
        if !leave_out && taken.len() == size {
            return Ok((taken, last, left_out));
        }
        looked_at += 1;
        last = Some(Place { seq: row.get(0)?, time_us: row.get(1)? });
        if leave_out {
            left_out += 1;
        } else {
            taken.push(Stored::read(row)?);
        }
    }
    Ok((taken, last.filter(|_| looked_at == limit), left_out))
}

/// The incidents that match `filter` after `after`.
///
/// # Errors
///
/// If the database cannot be read.
pub(crate) async fn list(
    readers: &Readers,
    filter: Filter,
    after: Option<Place>,
    size: u32,
) -> Result<Page, StoreError> {
    // One more than the page tells whether there is another.
    let limit = size.saturating_add(1);
    let limit = if filter.orderly { limit } else { limit.max(MOST_LOOKED_AT) };
    let (sql, values) = filter.select(after, limit);
    let (rows, next, orderly) = readers
        .ask("list incidents", move |db| {
            let mut select = db.prepare_cached(&sql)?;
            take(&mut select.query(params_from_iter(values))?, size, limit, filter.orderly)
        })
        .await?;
    let incidents = rows.into_iter().map(|row| row.decode(readers)).collect::<Result<_, _>>()?;
    Ok(Page { incidents, next, orderly })
}

/// The newest incident that `target` names.
///
/// # Errors
///
/// If the database cannot be read.
pub(super) async fn get(
    readers: &Readers,
    target: Target,
    narrowed: Narrowed,
) -> Result<Answer, StoreError> {
    let rows = readers.ask("read an incident", move |db| find(db, &target, &narrowed)).await?;
    let Some(rows) = rows else { return Ok(Answer::Ambiguous) };
    let has_older = rows.len() > 1;
    let Some((row, revision)) = rows.into_iter().next() else { return Ok(Answer::Nothing) };
    let incident = row.decode(readers)?;
    Ok(Answer::Found(Box::new(Found { incident, revision, has_older })))
}

const COLUMNS: &str = "SELECT seq, time_us, id, body, revision FROM incident";

/// The newest two incidents that `target` names; `None` if it names several containers, or pods of several namespaces.
fn find(
    db: &Connection,
    target: &Target,
    narrowed: &Narrowed,
) -> Result<Option<Vec<(Stored, u32)>>, rusqlite::Error> {
    let row = |row: &Row<'_>| Ok((Stored::read(row)?, row.get(4)?));
    let rows = match target {
        Target::Incident(id) => {
            // What was an incident of its own may have turned out to be part of another.
            let id = part_of(db, &IncidentId(id.clone()))?.map_or(id.clone(), |id| id.0);
            db.prepare_cached(&format!("{COLUMNS} WHERE id = $1"))?
                .query_map([id], row)?
                .collect::<Result<_, _>>()?
        }
        Target::Container(prefix) => {
            // Hex digits sort below `g`, so this is every id that begins with the prefix.
            let end = format!("{prefix}g");
            let of = "FROM incident INDEXED BY incident_container WHERE container_id >= $1 AND container_id < $2";
            let one = |order| -> Result<Option<String>, rusqlite::Error> {
                db.prepare_cached(&format!(
                    "SELECT container_id {of} ORDER BY container_id {order} LIMIT 1"
                ))?
                .query_row([prefix, &end], |row| row.get(0))
                .optional()
            };
            let (first, last) = (one("ASC")?, one("DESC")?);
            let Some(container) = first.clone() else { return Ok(Some(Vec::new())) };
            if first != last {
                return Ok(None);
            }
            db.prepare_cached(&format!(
                "{COLUMNS} INDEXED BY incident_container WHERE container_id = $1 ORDER BY time_us DESC, seq DESC LIMIT 2"
            ))?
            .query_map([container], row)?
            .collect::<Result<_, _>>()?
        }
        Target::Pid(pid) => {
            let seqs: Vec<i64> = db
                .prepare_cached(
                    "SELECT incident_seq FROM incident_pid WHERE pid = $1
                     ORDER BY time_us DESC, incident_seq DESC LIMIT 2",
                )?
                .query_map([pid], |row| row.get(0))?
                .collect::<Result<_, _>>()?;
            let mut rows = Vec::new();
            for seq in seqs {
                rows.extend(
                    db.prepare_cached(&format!("{COLUMNS} WHERE seq = $1"))?
                        .query_row(params![seq], row)
                        .optional()?,
                );
            }
            rows
        }
        Target::Pod(name) => return named(db, ("incident_pod", "pod"), name, narrowed),
        Target::Workload(name) => return named(db, ("incident_owner", "owner"), name, narrowed),
        Target::Node(name) => return named(db, ("incident_node", "node"), name, narrowed),
    };
    Ok(Some(rows))
}

/// The newest two incidents with this name in that column, of those that are meant.
fn named(
    db: &Connection,
    (index, column): (&str, &str),
    name: &str,
    narrowed: &Narrowed,
) -> Result<Option<Vec<(Stored, u32)>>, rusqlite::Error> {
    let row = |row: &Row<'_>| Ok((Stored::read(row)?, row.get(4)?));
    let mut conditions = format!("WHERE {column} = ?");
    let mut values: Vec<Value> = vec![name.to_owned().into()];
    match &narrowed.namespace {
        Some(namespace) => {
            conditions.push_str(" AND namespace = ?");
            values.push(namespace.clone().into());
        }
        None if column != "node" => {
            let namespaces: u32 = db
                .prepare_cached(&format!(
                    "SELECT count(*) FROM (SELECT DISTINCT namespace FROM incident INDEXED BY {index}
                         WHERE {column} = $1 LIMIT 2)"
                ))?
                .query_row([name], |row| row.get(0))?;
            if namespaces > 1 {
                return Ok(None);
            }
        }
        None => {}
    }
    if let Some(container) = &narrowed.container {
        conditions.push_str(" AND container = ?");
        values.push(container.clone().into());
    }
    if narrowed.previous.is_some() {
        conditions.push_str(
            " AND EXISTS (SELECT 1 FROM termination t WHERE t.incident_id = incident.id)",
        );
    }
    values.push(i64::from(narrowed.previous.unwrap_or(0)).into());
    // Nobody asks why a pod died because its init container succeeded; but where nothing else happened, that is the answer.
    let which = if narrowed.previous.is_some() { &[""][..] } else { &[" AND orderly = 0", ""] };
    for which in which {
        let sql = format!(
            "{COLUMNS} INDEXED BY {index} {conditions}{which} ORDER BY time_us DESC, seq DESC LIMIT 2 OFFSET ?"
        );
        let rows: Vec<_> = db
            .prepare_cached(&sql)?
            .query_map(params_from_iter(&values), row)?
            .collect::<Result<_, _>>()?;
        if !rows.is_empty() {
            return Ok(Some(rows));
        }
    }
    Ok(Some(Vec::new()))
}
