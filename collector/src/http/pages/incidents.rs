//! The list of incidents, with its filters in the address, so that a link shows another person the same.

use axum::extract::{Query as Fields, State};
use axum::http::StatusCode;
use axum::response::Response;
use coroner_core::incident::{Cause, Confidence, Incident, Outcome, UnknownName, whole_seconds};
use coroner_proto::v1;
use coroner_proto::v1::query_service_server::QueryService as _;
use jiff::Timestamp;
use maud::{Markup, html};
use serde::Deserialize;
use tonic::Request;

use super::{Context, Trouble, layout, links, shown};

/// Incidents on a page.
const SHOWN: u32 = 100;

/// What is asked for, as the address says it. A form sends empty what nobody filled in.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    node: String,
    namespace: String,
    pod: String,
    owner: String,
    cause: String,
    outcome: String,
    confidence: String,
    since: String,
    until: String,
    disagrees: String,
    orderly: String,
    page: String,
}

impl Asked {
    /// Names and values for a link, without the page.
    fn fields(&self) -> [(&'static str, Option<&str>); 11] {
        [
            ("node", given(&self.node)),
            ("namespace", given(&self.namespace)),
            ("pod", given(&self.pod)),
            ("owner", given(&self.owner)),
            ("cause", given(&self.cause)),
            ("outcome", given(&self.outcome)),
            ("confidence", given(&self.confidence)),
            ("since", given(&self.since)),
            ("until", given(&self.until)),
            ("disagrees", given(&self.disagrees)),
            ("orderly", given(&self.orderly)),
        ]
    }

    fn filter(&self) -> Result<v1::IncidentFilter, Trouble> {
        let text = |value: &str| given(value).map(str::to_owned);
        let mut filter = v1::IncidentFilter {
            node: text(&self.node),
            namespace: text(&self.namespace),
            pod: text(&self.pod),
            owner: text(&self.owner),
            since: time("since", &self.since)?,
            until: time("until", &self.until)?,
            disagrees: given(&self.disagrees).is_some(),
            orderly: given(&self.orderly).is_some(),
            ..v1::IncidentFilter::default()
        };
        if let Some(cause) = word::<Cause>(&self.cause)? {
            filter.set_cause(cause.into());
        }
        if let Some(outcome) = word::<Outcome>(&self.outcome)? {
            filter.set_outcome(outcome.into());
        }
        if let Some(confidence) = word::<Confidence>(&self.confidence)? {
            filter.set_confidence(confidence.into());
        }
        Ok(filter)
    }
}

/// A value that was filled in.
fn given(value: &str) -> Option<&str> {
    (!value.is_empty()).then_some(value)
}

/// A name out of a closed list.
fn word<T: std::str::FromStr<Err = UnknownName>>(value: &str) -> Result<Option<T>, Trouble> {
    let Some(value) = given(value) else { return Ok(None) };
    value.parse().map(Some).map_err(|e: UnknownName| bad(e.to_string()))
}

fn bad(sentence: String) -> Trouble {
    Trouble { status: StatusCode::BAD_REQUEST, sentence }
}

fn time(field: &str, value: &str) -> Result<Option<prost_types::Timestamp>, Trouble> {
    let Some(value) = given(value) else { return Ok(None) };
    let time: Timestamp = value.parse().map_err(|_| {
        bad(format!("`{field}` is `{value}`, expected a time such as 2026-01-02T12:00:00Z"))
    })?;
    Ok(Some(prost_types::Timestamp { seconds: time.as_second(), nanos: time.subsec_nanosecond() }))
}

pub(super) async fn page(
    State(context): State<Context>,
    Fields(asked): Fields<Asked>,
) -> Result<Response, Trouble> {
    let request = v1::ListIncidentsRequest {
        filter: Some(asked.filter()?),
        page_size: SHOWN,
        page_token: asked.page.clone(),
    };
    let found = context.query.list_incidents(Request::new(request)).await?.into_inner();
    let incidents =
        found.incidents.into_iter().map(Incident::try_from).collect::<Result<Vec<_>, _>>()?;
    let next = given(&found.next_page_token).map(|token| {
        let page = [("page", Some(token))];
        links::with_query("/incidents", asked.fields().into_iter().chain(page))
    });
    let main = html! {
        h1 { "Incidents" }
        (form(&asked))
        @if incidents.is_empty() {
            p { "No incident is stored that matches." }
        } @else {
            (table(&incidents))
        }
        @if found.orderly_left_out > 0 {
            p.about { (found.orderly_left_out) " ends that were meant are left out here." }
        }
        @if let Some(next) = next { p { a rel="next" href=(next) { "Older incidents" } } }
    };
    Ok(super::html(StatusCode::OK, layout::page("Incidents", asked.page.is_empty(), &main)))
}

fn form(asked: &Asked) -> Markup {
    let text = |name: &'static str, label: &'static str, value: &str, hint: &'static str| {
        html! { label { (label) " " input name=(name) value=(shown(value)) placeholder=(hint); } }
    };
    let choice = |name: &'static str, label: &'static str, value: &str, all: &[&'static str]| {
        html! {
            label {
                (label) " "
                select name=(name) {
                    option value="" { "any" }
                    @for one in all {
                        option value=(one) selected[one.eq_ignore_ascii_case(value)] { (one) }
                    }
                }
            }
        }
    };
    let outcomes = [
        Outcome::ContainerExited,
        Outcome::ContainerSurvived,
        Outcome::HostProcessKilled,
        Outcome::NeverStarted,
    ];
    let confidences =
        [Confidence::Confirmed, Confidence::Likely, Confidence::Possible, Confidence::Unknown];
    html! {
        form.filters action="/incidents" {
            (text("namespace", "Namespace", &asked.namespace, ""))
            (text("owner", "Workload", &asked.owner, "Deployment/web"))
            (text("pod", "Pod", &asked.pod, ""))
            (text("node", "Node", &asked.node, ""))
            (choice("cause", "Cause", &asked.cause, &Cause::ALL.map(Cause::name)))
            (choice("outcome", "Outcome", &asked.outcome, &outcomes.map(Outcome::name)))
            (choice("confidence", "Confidence", &asked.confidence, &confidences.map(Confidence::name)))
            (text("since", "Since", &asked.since, "2026-01-02T12:00:00Z"))
            (text("until", "Until", &asked.until, ""))
            label {
                input type="checkbox" name="disagrees" value="yes" checked[!asked.disagrees.is_empty()];
                " Kubernetes says otherwise"
            }
            label {
                input type="checkbox" name="orderly" value="yes" checked[!asked.orderly.is_empty()];
                " Ends that were meant too"
            }
            button { "Filter" }
        }
    }
}

/// Incidents, one in a row.
pub(super) fn table(incidents: &[Incident]) -> Markup {
    html! {
        div.wide {
            table {
                thead { tr {
                    th scope="col" { "Time" }
                    th scope="col" { "Who" }
                    th scope="col" { "Cause" }
                    th scope="col" { "Confidence" }
                    th scope="col" { "What happened" }
                    th scope="col" { "Node" }
                } }
                tbody { @for incident in incidents { (row(incident)) } }
            }
        }
    }
}

fn row(incident: &Incident) -> Markup {
    let whose = incident.whose().unwrap_or_else(|| incident.id.0.clone());
    let kubernetes = incident.kubernetes.as_ref().filter(|says| says.disagrees);
    html! {
        tr {
            td.time { (whole_seconds(incident.time)) }
            td { a href=(links::incident(&incident.id.0)) { (shown(&whose)) } }
            td.word { (incident.cause.name()) }
            td { (layout::confidence(incident.confidence)) }
            td {
                (shown(&incident.summary))
                @if let Some(reason) = kubernetes.and_then(|says| says.reason.as_deref()) {
                    " " span.against { "Kubernetes says " (shown(reason)) }
                }
            }
            td { a href=(links::node(&incident.node)) { (shown(&incident.node)) } }
        }
    }
}
