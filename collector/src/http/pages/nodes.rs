//! Nodes: what their agents see, what they missed, and how the memory is doing.

use axum::extract::{Path, Query as Fields, State};
use axum::http::StatusCode;
use axum::response::Response;
use coroner_core::absence::Verdict;
use coroner_core::finding::{FindingBody, Source};
use coroner_core::incident::whole_seconds;
use coroner_core::node_report::{NodeReport, ago, state};
use coroner_core::spans::Span;
use coroner_proto::v1;
use coroner_proto::v1::query_service_server::QueryService as _;
use jiff::{SignedDuration, Timestamp};
use maud::{Markup, html};
use serde::Deserialize;
use tonic::Request;

use super::{Context, Trouble, bands, history, layout, links, shown};
use crate::query::History;

/// Nodes on a page.
const SHOWN: u32 = 500;

pub(super) async fn list(State(context): State<Context>) -> Result<Response, Trouble> {
    let (nodes, more) = newest(&context, SHOWN).await?;
    let main = html! {
        h1 { "Nodes" }
        @if nodes.is_empty() {
            p { "No agent was heard yet." }
        } @else {
            p { "Of the last hour." }
            (table(&nodes, Timestamp::now()))
        }
        @if more { p { "Only the first " (SHOWN) " by name are shown; " code { "coroner nodes" } " has all." } }
    };
    Ok(super::html(StatusCode::OK, layout::page("Nodes", true, &main)))
}

/// Nodes by name, and whether there are more.
pub(super) async fn newest(
    context: &Context,
    page_size: u32,
) -> Result<(Vec<NodeReport>, bool), Trouble> {
    let request = v1::ListNodesRequest { page_size, ..v1::ListNodesRequest::default() };
    let found = context.query.list_nodes(Request::new(request)).await?.into_inner();
    let nodes = found.nodes.into_iter().map(NodeReport::try_from).collect::<Result<Vec<_>, _>>()?;
    Ok((nodes, !found.next_page_token.is_empty()))
}

/// What is wrong with how a node is watched, in words; nothing where all is well.
fn trouble(node: &NodeReport) -> Option<String> {
    let sources = node.sources.iter().filter(|source| source.reading == Some(false));
    let unread: Vec<Source> = sources.map(|source| source.source).collect();
    match (blind(&unread), node.last_seen) {
        (None, None) => Some("its agent was never heard".to_owned()),
        (blind, _) => blind,
    }
}

/// The sources that do not read, in words; nothing where there is none.
pub(super) fn blind(sources: &[Source]) -> Option<String> {
    let names: Vec<String> = sources.iter().map(Source::to_string).collect();
    (!names.is_empty()).then(|| format!("does not read: {}", names.join(", ")))
}

/// Nodes, one in a row.
pub(super) fn table(nodes: &[NodeReport], now: Timestamp) -> Markup {
    html! {
        div.wide { table {
            thead { tr {
                th scope="col" { "Node" }
                th scope="col" { "Heard" }
                th scope="col" { "OOM kills" }
                th scope="col" { "Confidence" }
                th scope="col" { "Incidents" }
                th scope="col" { "Sources" }
            } }
            tbody { @for node in nodes { tr {
                td { a href=(links::node(&node.name)) { (shown(&node.name)) } }
                td { @match node.last_seen { Some(seen) => (ago(seen, now)), None => "never" } }
                td { @match node.absence.verdict {
                    Verdict::Happened => (node.absence.kills),
                    Verdict::Excluded => "none",
                    Verdict::Open => "not known",
                } }
                td { (layout::confidence(node.absence.confidence)) }
                td { (node.incidents.iter().map(|count| count.count).sum::<u64>()) }
                td { (trouble(node).unwrap_or_else(|| "all read".to_owned())) }
            } } }
        } }
    }
}

/// Days that can be looked back on a node's memory.
const DAYS: [i64; 3] = [1, 7, 30];

/// How far back the pictures go.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    days: String,
}

impl Asked {
    fn days(&self) -> Result<i64, Trouble> {
        let days = if self.days.is_empty() { Some(DAYS[0]) } else { self.days.parse().ok() };
        days.filter(|days| DAYS.contains(days)).ok_or_else(|| Trouble {
            status: StatusCode::BAD_REQUEST,
            sentence: format!("`days` is `{}`, expected 1, 7 or 30", self.days),
        })
    }
}

pub(super) async fn one(
    State(context): State<Context>,
    Path(name): Path<String>,
    Fields(asked): Fields<Asked>,
) -> Result<Response, Trouble> {
    let days = asked.days()?;
    let request = v1::GetNodeRequest { name, ..v1::GetNodeRequest::default() };
    let found = context.query.get_node(Request::new(request)).await?.into_inner();
    let Some(node) = found.node else {
        let sentence = "The answer holds no node.".to_owned();
        return Err(Trouble { status: StatusCode::INTERNAL_SERVER_ERROR, sentence });
    };
    let node = NodeReport::try_from(node)?;
    let now = Timestamp::now();
    let from = now.checked_sub(SignedDuration::from_hours(24 * days)).unwrap_or(Timestamp::MIN);
    let window = Span { from, to: now };
    let memory = context.query.history(node.name.clone(), window).await?;
    let main = content(&node, &Past { days, window, memory }, now);
    Ok(super::html(StatusCode::OK, layout::page(&node.name, true, &main)))
}

/// How the memory was.
struct Past {
    days: i64,
    window: Span,
    memory: History,
}

impl Past {
    /// The picture that belongs to what is told of the node as it is.
    fn picture(&self, body: &FindingBody) -> Markup {
        let Self { window, memory, .. } = self;
        match body {
            FindingBody::Headroom(_) => history::headroom(window, &memory.headroom),
            FindingBody::Fragmentation(_) => {
                html! {
                    (history::heat_legend())
                    (history::fragmentation(window, &memory.fragmentation))
                }
            }
            _ => html! {},
        }
    }

    /// Links to the same over another time.
    fn others(&self, node: &str) -> Markup {
        let page = links::node(node);
        html! {
            p.more {
                "Pictures of the last "
                @for days in DAYS {
                    @let word = if days == 1 { "day".to_owned() } else { format!("{days} days") };
                    @if days == self.days { strong { (word) } } @else { a href={ (page) "?days=" (days) } { (word) } }
                    " "
                }
            }
        }
    }
}

fn content(node: &NodeReport, past: &Past, now: Timestamp) -> Markup {
    let word = match node.absence.verdict {
        Verdict::Happened => "Memory kills",
        Verdict::Excluded => "No memory kill",
        Verdict::Open => "Not known whether there was a memory kill",
    };
    html! {
        p.about {
            @match node.last_seen {
                Some(seen) => { "last heard " (whole_seconds(seen)) " (" (ago(seen, now)) ")" },
                None => "never heard",
            }
            @if let Some(version) = &node.agent_version { " · agent " (shown(version)) }
            " · boot " (shown(&node.boot_id))
        }
        h1 { (shown(&node.name)) }
        p { strong { (word) } " " (layout::confidence(node.absence.confidence)) }
        p { (shown(&node.absence.sentence)) }
        section {
            h2 { "Sources, from " (whole_seconds(node.window.from)) " to " (whole_seconds(node.window.to)) }
            dl.sources { @for source in &node.sources {
                @let missed = source.missed(&node.window);
                dt { (source.source) }
                dd {
                    (bands::coverage(&node.window, &source.coverage, &missed))
                    (shown(&source.how())) "; " (missed) "."
                }
            } }
        }
        @for finding in &node.state {
            @if let Some((title, said)) = state(&finding.body) {
                section {
                    h2 { (title) " " span.asof { "as of " (whole_seconds(finding.time)) } }
                    (layout::sentences(&said))
                    (past.picture(&finding.body))
                }
            }
        }
        (past.others(&node.name))
        @if !node.incidents.is_empty() {
            section {
                h2 { "Incidents" }
                ul { @for count in &node.incidents { li { (count.count) " " (count.cause.name()) } } }
            }
        }
        p.more {
            a href=(links::with_query("/incidents", [("node", Some(node.name.as_str()))])) { "All incidents of this node" }
        }
    }
}
