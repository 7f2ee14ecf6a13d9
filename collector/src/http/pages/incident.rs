//! One incident: the answer first, then what to do, then what it rests on.

use axum::extract::{Path, Query as Fields, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use coroner_core::incident::{Incident, whole_seconds};
use coroner_core::kernel::{MemoryParts, OomReport, TaskRow};
use coroner_proto::v1;
use coroner_proto::v1::query_service_server::QueryService as _;
use maud::{Markup, html};
use serde::Deserialize;
use tonic::Request;

use super::{Context, Trouble, bars, layout, links, shown};

/// Rows of the task table that are shown: the largest.
const TASKS: usize = 25;

/// What somebody looks for.
#[derive(Debug, Deserialize)]
pub(super) struct Wanted {
    target: String,
    #[serde(default)]
    namespace: String,
}

/// Leads from whatever names an incident to its page.
pub(super) async fn find(
    State(context): State<Context>,
    Fields(wanted): Fields<Wanted>,
) -> Result<Response, Trouble> {
    let namespace = Some(wanted.namespace).filter(|namespace| !namespace.is_empty());
    let target = wanted.target.trim().to_owned();
    let found = get(&context, target, namespace).await?;
    Ok(Redirect::to(&links::incident(&found.id.0)).into_response())
}

pub(super) async fn page(
    State(context): State<Context>,
    Path(id): Path<String>,
) -> Result<Response, Trouble> {
    let incident = get(&context, id, None).await?;
    let reports = context.query.oom_reports(&incident.id).await?;
    let title = incident.whose().unwrap_or_else(|| incident.id.0.clone());
    let main = content(&incident, &reports);
    Ok(super::html(StatusCode::OK, layout::page(&title, true, &main)))
}

async fn get(
    context: &Context,
    target: String,
    namespace: Option<String>,
) -> Result<Incident, Trouble> {
    let request = v1::GetIncidentRequest { target, namespace, ..v1::GetIncidentRequest::default() };
    let found = context.query.get_incident(Request::new(request)).await?.into_inner();
    let missing = || Trouble {
        status: StatusCode::INTERNAL_SERVER_ERROR,
        sentence: "The answer holds no incident.".to_owned(),
    };
    Ok(Incident::try_from(found.incident.ok_or_else(missing)?)?)
}

fn content(incident: &Incident, reports: &[OomReport]) -> Markup {
    html! {
        article {
            p.about {
                (whole_seconds(incident.time))
                @if let Some(whose) = incident.whose() { " · " (shown(&whose)) }
                @if let Some(code) = incident.termination.as_ref().and_then(|end| end.exit_code) {
                    " · exit " (code)
                }
                " · " a href=(links::node(&incident.node)) { (shown(&incident.node)) }
            }
            h1 { (incident.headline()) " " (layout::confidence(incident.confidence)) }
            (layout::sentences(&incident.explanation))
            @if let Some(said) = incident.kubernetes_says() { p { (shown(&said)) } }
            (list("What to do", &incident.remedies))
            (memory(incident, reports))
            (evidence(incident))
            (list("What is missing", &incident.gaps))
            (list("Before", &incident.before()))
            (more(incident))
            @for report in reports { (raw(report)) }
        }
    }
}

fn list(title: &str, sentences: &[String]) -> Markup {
    html! {
        @if !sentences.is_empty() {
            section {
                h2 { (title) }
                ul { @for sentence in sentences { li { (shown(sentence)) } } }
            }
        }
    }
}

/// Where the memory went, by the kernel's own report.
fn memory(incident: &Incident, reports: &[OomReport]) -> Markup {
    let Some(report) = reports.iter().find(|report| MemoryParts::of(report).sum().is_some()) else {
        return html! {};
    };
    let kernel = incident.kernel.as_ref();
    let usage = kernel.and_then(|kernel| kernel.usage_bytes);
    let limit = kernel.and_then(|kernel| kernel.limit_bytes);
    html! {
        section {
            h2 { "Where the memory went" }
            (bars::memory(MemoryParts::of(report), usage, limit))
        }
    }
}

fn evidence(incident: &Incident) -> Markup {
    html! {
        @if !incident.evidence.is_empty() {
            section {
                h2 { "Evidence" }
                dl.evidence {
                    @for piece in &incident.evidence {
                        dt { (shown(&piece.source)) }
                        dd {
                            @if let Some(time) = piece.time { span.time { (time) } " " }
                            (shown(&piece.detail))
                        }
                    }
                }
            }
        }
    }
}

/// Links to what belongs together.
fn more(incident: &Incident) -> Markup {
    let pod = incident.pod.as_ref();
    let namespace = pod.and_then(|pod| pod.namespace.as_deref());
    let owner = pod.and_then(|pod| pod.owner.as_ref());
    let owner = owner.map(|owner| format!("{}/{}", owner.kind, owner.name));
    html! {
        p.more {
            @if let Some(owner) = owner.as_deref() {
                @if let Some(link) = links::workload(owner, namespace) {
                    a href=(link) { "All of " (shown(owner)) }
                    " · "
                }
            }
            a href=(links::with_query("/incidents", [("node", Some(incident.node.as_str()))])) {
                "All on " (shown(&incident.node))
            }
            " · " code { (incident.id.0) }
        }
    }
}

/// The kernel's own words: tasks and the lines themselves.
fn raw(report: &OomReport) -> Markup {
    let mut tasks: Vec<&TaskRow> = report.tasks.iter().collect();
    tasks.sort_by_key(|task| std::cmp::Reverse(task.rss));
    let more = tasks.len().saturating_sub(TASKS);
    tasks.truncate(TASKS);
    html! {
        @if !tasks.is_empty() {
            details {
                summary { "Tasks the kernel could choose from" }
                div.wide { table {
                    thead { tr {
                        th scope="col" { "Process" } th scope="col" { "Name" }
                        th scope="col" { "Resident" } th scope="col" { "oom_score_adj" }
                    } }
                    tbody { @for task in &tasks { (row(report, task)) } }
                } }
                @if more > 0 { p { "And " (more) " smaller ones." } }
                @if report.tasks_dropped > 0 { p { "And " (report.tasks_dropped) " that were not kept." } }
            }
        }
        @if !report.excerpt.is_empty() {
            details {
                summary { "What the kernel wrote" }
                pre { @for line in &report.excerpt { (shown(line)) "\n" } }
            }
        }
    }
}

fn row(report: &OomReport, task: &TaskRow) -> Markup {
    let killed = report.victims.iter().any(|victim| victim.pid == task.pid);
    let resident = task.rss.map(|bytes| coroner_core::bytes::Bytes(bytes).to_string());
    html! {
        tr class=[killed.then_some("killed")] {
            td { (task.pid) @if killed { " (killed)" } }
            td { (shown(&task.comm)) }
            td { (resident.as_deref().unwrap_or("-")) }
            td { @match task.oom_score_adj { Some(adj) => (adj), None => "-" } }
        }
    }
}
