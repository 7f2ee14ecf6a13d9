//! The first page: what died in the last day and why, which nodes are not watched as they should be, what came last.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use coroner_core::incident::Incident;
use coroner_proto::v1;
use coroner_proto::v1::query_service_server::QueryService as _;
use jiff::{SignedDuration, Timestamp};
use maud::{Markup, html};
use tonic::Request;

use super::deaths::{self, Parts};
use super::{Context, Trouble, incidents, layout, links, nodes, shown};
use crate::query::Standing;

/// Hours in the picture.
const HOURS: i64 = 24;

/// Incidents on the page.
const SHOWN: u32 = 15;

/// Nodes that are looked at.
const NODES: u32 = 1000;

/// Workloads that are named.
const WORST: u32 = 5;

pub(super) async fn page(State(context): State<Context>) -> Result<Response, Trouble> {
    let now = Timestamp::now();
    let since = now.checked_sub(SignedDuration::from_hours(HOURS)).unwrap_or(Timestamp::MIN);
    let filter = v1::IncidentFilter { since: Some(stamp(since)), ..Default::default() };
    let parts = Parts { seconds: 3600, count: HOURS, name: "hour" };
    let counts = context.query.by_time(filter.clone(), parts.seconds).await?;
    let worst = v1::CountIncidentsRequest {
        filter: Some(filter),
        by: v1::CountBy::Workload.into(),
        limit: WORST,
    };
    let worst = context.query.count_incidents(Request::new(worst)).await?.into_inner();
    let request = v1::ListIncidentsRequest { page_size: SHOWN, ..Default::default() };
    let newest = context.query.list_incidents(Request::new(request)).await?.into_inner();
    let newest =
        newest.incidents.into_iter().map(Incident::try_from).collect::<Result<Vec<_>, _>>()?;
    let nodes = context.query.standings(NODES).await?;
    let main = html! {
        h1 { "The last 24 hours" }
        (deaths::picture(&counts, &parts, now, None))
        (workloads(&worst.counts))
        (in_trouble(&nodes))
        section {
            h2 { "Newest incidents" }
            @if newest.is_empty() { p { "No incident is stored." } } @else { (incidents::table(&newest)) }
            p { a href="/incidents" { "All incidents" } }
        }
    };
    Ok(super::html(StatusCode::OK, layout::page("Overview", true, &main)))
}

/// A time on the wire.
fn stamp(time: Timestamp) -> prost_types::Timestamp {
    prost_types::Timestamp { seconds: time.as_second(), nanos: time.subsec_nanosecond() }
}

/// The workloads with the most incidents; those of nobody's pods are left out.
fn workloads(counts: &[v1::IncidentCount]) -> Markup {
    let known: Vec<&v1::IncidentCount> =
        counts.iter().filter(|count| !count.name.is_empty()).collect();
    html! {
        @if !known.is_empty() {
            section {
                h2 { "Worst workloads" }
                ul { @for count in known {
                    li {
                        @match links::workload(&count.name, count.namespace.as_deref()) {
                            Some(link) => a href=(link) { (shown(&count.name)) },
                            None => (shown(&count.name)),
                        }
                        @if let Some(namespace) = &count.namespace { " (" (shown(namespace)) ")" }
                        ": " (count.incidents)
                    }
                } }
            }
        }
    }
}

fn in_trouble(nodes: &[Standing]) -> Markup {
    let troubled: Vec<(&Standing, String)> =
        nodes.iter().filter_map(|node| Some((node, nodes::blind(&node.blind)?))).collect();
    html! {
        section {
            h2 { "Nodes" }
            @if nodes.is_empty() {
                p { "No agent was heard yet." }
            } @else if troubled.is_empty() {
                p { "All sources of all nodes read (" (nodes.len()) ")." }
            } @else {
                ul { @for (node, what) in &troubled {
                    li { a href=(links::node(&node.name)) { (shown(&node.name)) } ": " (shown(what)) }
                } }
            }
        }
    }
}
