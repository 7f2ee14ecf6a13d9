//! Questions about nodes: reads the request, asks the store, pages through the names.

use coroner_core::node_report::{ClockAhead, NodeReport};
use coroner_proto::v1;
use coroner_proto::v1::{GetNodeRequest, GetNodeResponse, ListNodesRequest, ListNodesResponse};
use jiff::Timestamp;
use tonic::Status;

use super::node::{self, Asked};
use super::{failed, page, window};
use crate::clocks::ClockBook;
use crate::store::Store;

/// Hex digits of a container's id.
const CONTAINER: usize = 64;

/// Answers for one node.
pub(super) async fn get(
    store: &Store,
    clocks: &ClockBook,
    request: GetNodeRequest,
) -> Result<GetNodeResponse, Status> {
    let GetNodeRequest { name, since, until, container } = request;
    let container = container.map(|id| whole(&id)).transpose()?;
    let mut asked = asked(store, since, until)?;
    asked.container = container;
    asked.whole = true;
    let wanted = name.clone();
    let found = store
        .readers()
        .ask("read a node", move |db| node::one(db, &wanted, &asked))
        .await
        .map_err(|e| failed(&e))?;
    let Some(mut report) = found else {
        return Err(Status::not_found(format!("no agent of a node `{}` is known", short(&name))));
    };
    tell(&mut report, clocks);
    Ok(GetNodeResponse { node: Some(report.into()) })
}

/// Answers for a page of nodes.
pub(super) async fn list(
    store: &Store,
    clocks: &ClockBook,
    request: ListNodesRequest,
) -> Result<ListNodesResponse, Status> {
    let ListNodesRequest { since, until, page_size, page_token } = request;
    let asked = asked(store, since, until)?;
    let size = page::size(page_size);
    // One more than the page tells whether there is another.
    let found = store
        .readers()
        .ask("list nodes", move |db| node::page(db, &page_token, size.saturating_add(1), &asked))
        .await
        .map_err(|e| failed(&e))?;
    let told = |mut report: NodeReport| {
        tell(&mut report, clocks);
        report.into()
    };
    let mut nodes: Vec<v1::NodeReport> = found.into_iter().map(told).collect();
    let size = usize::try_from(size).unwrap_or(usize::MAX);
    let more = nodes.len() > size;
    nodes.truncate(size);
    let next = nodes.last().filter(|_| more).map(|last| last.name.clone());
    Ok(ListNodesResponse { nodes, next_page_token: next.unwrap_or_default() })
}

/// Adds what is known of its clock.
fn tell(report: &mut NodeReport, clocks: &ClockBook) {
    let known = clocks.around(Some(&report.name));
    report.clock = known.node.and_then(ClockAhead::of);
    report.api_clock = known.api.and_then(ClockAhead::of);
}

fn asked(
    store: &Store,
    since: Option<prost_types::Timestamp>,
    until: Option<prost_types::Timestamp>,
) -> Result<Asked, Status> {
    let now = Timestamp::now();
    let window = window::window(since, until, now)?;
    let kept_since = now.checked_sub(store.retention()).unwrap_or(Timestamp::MIN);
    Ok(Asked { window, container: None, kept_since, whole: false })
}

/// A whole id, in lower case.
fn whole(id: &str) -> Result<String, Status> {
    if id.len() == CONTAINER && id.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Ok(id.to_ascii_lowercase());
    }
    Err(Status::invalid_argument(format!(
        "field `container` is `{}`, expected {CONTAINER} hex digits",
        short(id)
    )))
}

fn short(text: &str) -> String {
    text.chars().take(80).flat_map(char::escape_default).collect()
}
