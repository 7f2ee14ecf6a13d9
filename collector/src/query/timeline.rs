//! What happened to a pod: reads everything that is kept of it, and has the core put it in order.

use coroner_core::incident::Incident;
use coroner_core::kubernetes::{PodRecord, is_name};
use coroner_core::timeline::{Entry, Known, timeline};
use coroner_proto::v1;
use coroner_proto::v1::{GetTimelineRequest, GetTimelineResponse, TimelineEntry};
use jiff::Timestamp;
use prost::Message as _;
use rusqlite::{Connection, params};
use tonic::Status;

use super::{failed, window};
use crate::store::{Readers, of_pod};

/// Incidents, ends, events or spells of waiting that are read at most, the newest ones.
const MOST: u32 = 200;

/// What was read of the pods with a name.
struct Read {
    namespace: String,
    known: Known,
    cut: bool,
}

/// Answers a question.
pub(super) async fn get(
    readers: &Readers,
    request: GetTimelineRequest,
) -> Result<GetTimelineResponse, Status> {
    let GetTimelineRequest { pod, namespace, since, until } = request;
    if !is_name(&pod) {
        let pod: String = pod.chars().take(80).flat_map(char::escape_default).collect();
        return Err(Status::invalid_argument(format!(
            "field `pod` is `{pod}`, expected the name of a pod"
        )));
    }
    let since = window::time("since", since)?;
    let until = window::time("until", until)?;
    let name = pod.clone();
    let found = readers
        .ask("read a timeline", move |db| read(db, &name, namespace.as_deref()))
        .await
        .map_err(|e| failed(&e))?;
    let read = match found {
        Ok(Some(read)) => read,
        Ok(None) => return Err(Status::not_found(format!("nothing is stored of a pod `{pod}`"))),
        Err(Several) => {
            return Err(Status::invalid_argument(format!(
                "field `namespace`: `{pod}` is in several namespaces; say which"
            )));
        }
    };
    let mut nodes: Vec<String> =
        read.known.pods.iter().filter_map(|(pod, _)| pod.node.clone()).collect();
    nodes.extend(read.known.incidents.iter().map(|incident| incident.node.clone()));
    nodes.sort_unstable();
    nodes.dedup();
    let entries = timeline(&read.known).into_iter().filter(|entry| {
        since.is_none_or(|since| entry.time >= since)
            && until.is_none_or(|until| entry.time <= until)
    });
    Ok(GetTimelineResponse {
        namespace: read.namespace,
        pod,
        nodes: nodes.into_iter().filter(|node| !node.is_empty()).collect(),
        entries: entries.map(wire).collect(),
        cut: read.cut,
    })
}

/// Pods of several namespaces have that name.
struct Several;

fn read(
    db: &Connection,
    name: &str,
    namespace: Option<&str>,
) -> Result<Result<Option<Read>, Several>, rusqlite::Error> {
    let mut pods = of_pod::named(db, name)?;
    let mut incidents: Vec<(String, Vec<u8>)> = db
        .prepare_cached(
            "SELECT coalesce(namespace, ''), body FROM incident INDEXED BY incident_pod
             WHERE pod = $1 ORDER BY time_us DESC LIMIT $2",
        )?
        .query_map(params![name, MOST], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    let mut cut = incidents.len() >= usize::try_from(MOST).unwrap_or(usize::MAX);
    let mut namespaces: Vec<&str> = pods.iter().map(|(pod, _)| pod.namespace.as_str()).collect();
    namespaces.extend(incidents.iter().map(|(namespace, _)| namespace.as_str()));
    namespaces.sort_unstable();
    namespaces.dedup();
    let namespace = match (namespace, &namespaces[..]) {
        (Some(namespace), all) if all.contains(&namespace) => namespace.to_owned(),
        (None, [only]) => (*only).to_owned(),
        (None, [_, ..]) => return Ok(Err(Several)),
        (Some(_), _) | (None, []) => return Ok(Ok(None)),
    };
    pods.retain(|(pod, _): &(PodRecord, Option<Timestamp>)| pod.namespace == namespace);
    incidents.retain(|(of, _)| *of == namespace);
    // What is stored was readable once; if the disk changed it, that line is lost and not the others.
    let decode = |(_, body): (String, Vec<u8>)| {
        Incident::try_from(v1::Incident::decode(body.as_slice()).ok()?).ok()
    };
    let incidents = incidents.into_iter().filter_map(decode).collect();
    let mut known = Known { incidents, ..Known::default() };
    for (pod, _) in &pods {
        let (ends, waitings, events) = of_pod::around(db, &pod.uid, MOST)?;
        let most = usize::try_from(MOST).unwrap_or(usize::MAX);
        cut |= [ends.len(), waitings.len(), events.len()].iter().any(|read| *read >= most);
        known.ends.extend(ends);
        known.waitings.extend(waitings);
        known.events.extend(events);
    }
    known.pods = pods;
    Ok(Ok(Some(Read { namespace, known, cut })))
}

fn wire(entry: Entry) -> TimelineEntry {
    let us = entry.time.as_microsecond();
    TimelineEntry {
        time: Some(prost_types::Timestamp {
            seconds: us.div_euclid(1_000_000),
            nanos: i32::try_from(us.rem_euclid(1_000_000)).unwrap_or(0) * 1000,
        }),
        exact: entry.exact,
        container: entry.container,
        what: entry.what,
        source: entry.source,
        incident: entry.incident.map(|id| id.0),
    }
}
