//! The first page: what died in the last day and why, which nodes are not watched as they should be, what came last.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use coroner_core::incident::{Cause, Incident};
use coroner_core::node_report::NodeReport;
use coroner_proto::v1;
use coroner_proto::v1::query_service_server::QueryService as _;
use jiff::{SignedDuration, Timestamp};
use maud::{Markup, html};
use tonic::Request;

use super::{Context, Trouble, incidents, layout, links, nodes, shown};
use crate::query::HourCount;

/// Hours in the picture.
const HOURS: i64 = 24;

/// Incidents on the page.
const SHOWN: u32 = 15;

/// Nodes that are looked at.
const NODES: u32 = 1000;

/// Height of the picture, in its own units; a bar is ten wide.
const HEIGHT: u64 = 100;

/// Causes with a colour of their own; the others share one.
const COLOURS: usize = 6;

pub(super) async fn page(State(context): State<Context>) -> Result<Response, Trouble> {
    let now = Timestamp::now();
    let hour = now.as_second().div_euclid(3600);
    let since = now.checked_sub(SignedDuration::from_hours(HOURS)).unwrap_or(Timestamp::MIN);
    let counts = context.query.by_hour(since).await?;
    let request = v1::ListIncidentsRequest { page_size: SHOWN, ..Default::default() };
    let newest = context.query.list_incidents(Request::new(request)).await?.into_inner();
    let newest =
        newest.incidents.into_iter().map(Incident::try_from).collect::<Result<Vec<_>, _>>()?;
    let (nodes, _) = nodes::newest(&context, NODES).await?;
    let main = html! {
        h1 { "The last 24 hours" }
        (deaths(&counts, hour))
        (in_trouble(&nodes))
        section {
            h2 { "Newest incidents" }
            @if newest.is_empty() { p { "No incident is stored." } } @else { (incidents::table(&newest)) }
            p { a href="/incidents" { "All incidents" } }
        }
    };
    Ok(super::html(StatusCode::OK, layout::page("Overview", true, &main)))
}

/// Incidents by cause, the most frequent first.
fn by_cause(counts: &[HourCount]) -> Vec<(Cause, u64)> {
    let mut sums: BTreeMap<&'static str, (Cause, u64)> = BTreeMap::new();
    for count in counts {
        sums.entry(count.cause.name()).or_insert((count.cause, 0)).1 += count.count;
    }
    let mut sums: Vec<(Cause, u64)> = sums.into_values().collect();
    sums.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    sums
}

/// A stacked bar for each hour; the figures stand below.
fn deaths(counts: &[HourCount], now: i64) -> Markup {
    let causes = by_cause(counts);
    if causes.is_empty() {
        return html! { p { "No incident." } };
    }
    let colour =
        |cause: Cause| causes.iter().position(|(c, _)| *c == cause).unwrap_or(0).min(COLOURS);
    let mut hours: BTreeMap<i64, Vec<&HourCount>> = BTreeMap::new();
    for count in counts {
        hours.entry(count.hour).or_default().push(count);
    }
    let sum = |counts: &[&HourCount]| counts.iter().map(|count| count.count).sum::<u64>();
    let most = hours.values().map(|counts| sum(counts)).max().unwrap_or(1).max(1);
    let mut bars = Vec::new();
    for (hour, counts) in &mut hours {
        counts.sort_by_key(|count| colour(count.cause));
        let x = (HOURS - (now - hour)) * 10;
        let mut below = 0;
        for count in counts {
            let from = below * HEIGHT / most;
            below += count.count;
            let to = below * HEIGHT / most;
            bars.push((x, HEIGHT - to, to - from, colour(count.cause)));
        }
    }
    html! {
        figure {
            svg.hours viewBox={ "0 0 " ((HOURS + 1) * 10) " " (HEIGHT) } preserveAspectRatio="none" role="img"
                aria-label="Incidents by hour and cause; the figures stand below" {
                @for (x, y, height, colour) in &bars {
                    rect class={ "cause" (colour) } x=(x) y=(y) width="8" height=(height) {}
                }
            }
            figcaption {
                "At most " (most) " in an hour."
                ul.legend { @for (cause, count) in &causes {
                    li {
                        span class={ "key cause" (colour(*cause)) } {}
                        a href=(links::with_query("/incidents", [("cause", Some(cause.name()))])) { (cause.name()) }
                        ": " (count)
                    }
                } }
            }
        }
    }
}

fn in_trouble(nodes: &[NodeReport]) -> Markup {
    let troubled: Vec<(&NodeReport, String)> =
        nodes.iter().filter_map(|node| Some((node, nodes::trouble(node)?))).collect();
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
