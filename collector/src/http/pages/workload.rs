//! One workload: what its containers died of over the last month, how near their limits they were when they were killed, and
//! the incidents themselves.
//!
//! A pod that nobody made is a workload too, `Pod/web-1`. Without a watch of the Kubernetes API nothing is known of workloads.

use std::collections::BTreeMap;

use axum::extract::{Path, Query as Fields, State};
use axum::http::StatusCode;
use axum::response::Response;
use coroner_core::bytes::Bytes;
use coroner_core::incident::Incident;
use coroner_core::kernel::Level;
use coroner_proto::v1;
use coroner_proto::v1::query_service_server::QueryService as _;
use jiff::{SignedDuration, Timestamp};
use maud::{Markup, html};
use serde::Deserialize;
use tonic::Request;

use super::deaths::{self, Parts};
use super::{Context, Trouble, incidents, layout, links, shown};

/// Days in the picture.
const DAYS: i64 = 30;

/// Incidents on the page.
const SHOWN: u32 = 100;

/// Which namespace the workload is in.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    namespace: String,
}

pub(super) async fn page(
    State(context): State<Context>,
    Path((kind, name)): Path<(String, String)>,
    Fields(asked): Fields<Asked>,
) -> Result<Response, Trouble> {
    let owner = format!("{kind}/{name}");
    let namespace = Some(asked.namespace).filter(|namespace| !namespace.is_empty());
    let (pod, of) = match kind.as_str() {
        "Pod" => (Some(name), None),
        _ => (None, Some(owner.clone())),
    };
    let filter =
        v1::IncidentFilter { namespace: namespace.clone(), pod, owner: of, ..Default::default() };
    let now = Timestamp::now();
    let since = now.checked_sub(SignedDuration::from_hours(24 * DAYS)).unwrap_or(Timestamp::MIN);
    let since = prost_types::Timestamp { seconds: since.as_second(), nanos: 0 };
    let parts = Parts { seconds: 24 * 60 * 60, count: DAYS, name: "day" };
    let recent = v1::IncidentFilter { since: Some(since), ..filter.clone() };
    let counts = context.query.by_time(recent, parts.seconds).await?;
    let request = v1::ListIncidentsRequest {
        filter: Some(filter),
        page_size: SHOWN,
        page_token: String::new(),
    };
    let found = context.query.list_incidents(Request::new(request)).await?.into_inner();
    if found.incidents.is_empty() && counts.is_empty() {
        let sentence = format!("no incident is stored for `{owner}`");
        return Err(Trouble { status: StatusCode::NOT_FOUND, sentence });
    }
    let newest =
        found.incidents.into_iter().map(Incident::try_from).collect::<Result<Vec<_>, _>>()?;
    let narrowed = (namespace.as_deref(), owner.as_str());
    let all = match kind.as_str() {
        "Pod" => links::with_query(
            "/incidents",
            [("namespace", narrowed.0), ("pod", owner.strip_prefix("Pod/"))],
        ),
        _ => links::with_query("/incidents", [("namespace", narrowed.0), ("owner", Some(&owner))]),
    };
    let main = html! {
        @if let Some(namespace) = &namespace { p.about { "namespace " (shown(namespace)) } }
        h1 { (shown(&owner)) }
        section {
            h2 { "The last " (DAYS) " days" }
            (deaths::picture(&counts, &parts, now, (kind != "Pod").then_some(narrowed)))
        }
        (containers(&newest))
        section {
            h2 { "Newest incidents" }
            (incidents::table(&newest))
            p { a href=(all) { "All incidents of it" } }
        }
    };
    Ok(super::html(StatusCode::OK, layout::page(&owner, true, &main)))
}

/// What is known of the memory of one container of the pods.
#[derive(Debug, Default)]
struct Memory {
    incidents: u64,
    /// Its limit at its newest kill.
    limit: Option<u64>,
    /// The most that was in use at a kill.
    most: Option<u64>,
    /// The most anonymous memory that one killed process held.
    process: Option<u64>,
}

/// By container, what its own limit was and how much was in use when it was hit. `incidents` are the newest first.
fn by_container(incidents: &[Incident]) -> BTreeMap<String, Memory> {
    let mut all: BTreeMap<String, Memory> = BTreeMap::new();
    for incident in incidents {
        let name = incident.container.as_ref().and_then(|container| container.name.clone());
        let Some(name) = name else { continue };
        let memory = all.entry(name).or_default();
        memory.incidents += 1;
        let Some(kernel) = &incident.kernel else { continue };
        let held = kernel.victims.iter().filter_map(|victim| victim.anon_rss_kb);
        memory.process = memory.process.max(held.max().map(|kib| kib.saturating_mul(1024)));
        // Of a limit further up the numbers are those of everybody below it.
        if kernel.level == Level::Container {
            memory.limit = memory.limit.or(kernel.limit_bytes);
            memory.most = memory.most.max(kernel.usage_bytes);
        }
    }
    all
}

fn containers(incidents: &[Incident]) -> Markup {
    let all = by_container(incidents);
    let amount = |bytes: Option<u64>| bytes.map_or("-".to_owned(), |b| Bytes(b).to_string());
    html! {
        @if !all.is_empty() {
            section {
                h2 { "Containers " span.asof { "of the newest " (incidents.len()) " incidents" } }
                div.wide { table {
                    thead { tr {
                        th scope="col" { "Container" } th scope="col" { "Incidents" }
                        th scope="col" { "Limit when last hit" } th scope="col" { "Most in use at a kill" }
                        th scope="col" { "Largest process killed" }
                    } }
                    tbody { @for (name, memory) in &all { tr {
                        td { (shown(name)) } td { (memory.incidents) }
                        td { (amount(memory.limit)) } td { (amount(memory.most)) } td { (amount(memory.process)) }
                    } } }
                } }
            }
        }
    }
}
