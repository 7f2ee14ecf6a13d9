//! `coroner list`: incidents, newest first, and with `--watch` those that follow.
//!
//! A watch is put in place before the list is asked for, so nothing falls between; what falls behind is listed again.
//! An incident is shown again when its verdict changes.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::{self, Write};

use clap::ValueEnum;
use coroner_core::absence::Verdict;
use coroner_core::incident::{Cause, Confidence, Incident, Outcome};
use coroner_core::node_report::NodeReport;

use crate::client::{Client, CollectorArg, Filter, Watched};
use crate::output::Incidents;
use crate::when::Window;
use crate::{Error, Exit, output, render};

/// Flags of `coroner list`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    coroner list --since 1h\n  \
    coroner list --node node-2 --since 2h --until 1h\n  \
    coroner list --cause ContainerMemoryLimit -o wide\n  \
    coroner list -n prod --owner deploy/web --disagrees\n  \
    coroner list --watch -o json\n\n\
    Exit status: 0 found, 1 nothing found, 2 error.")]
pub(crate) struct Args {
    /// Only of this node.
    #[arg(long, value_name = "NAME")]
    node: Option<String>,
    /// Only with this cause, such as ContainerMemoryLimit.
    #[arg(long, value_name = "CAUSE")]
    cause: Option<Cause>,
    /// Only in this namespace.
    #[arg(short, long, value_name = "NAME")]
    namespace: Option<String>,
    /// Only of pods with this name.
    #[arg(long, value_name = "NAME")]
    pod: Option<String>,
    /// Only of this workload, such as deploy/web.
    #[arg(long, value_name = "KIND/NAME")]
    owner: Option<String>,
    /// Only with this outcome, such as ContainerSurvived.
    #[arg(long, value_name = "OUTCOME")]
    outcome: Option<Outcome>,
    /// Only with this confidence, such as Confirmed.
    #[arg(long, value_name = "CONFIDENCE")]
    confidence: Option<Confidence>,
    /// Only where the verdict contradicts Kubernetes' own reason.
    #[arg(long)]
    disagrees: bool,
    #[command(flatten)]
    window: Window,
    /// How to print them.
    #[arg(short, long, value_enum, default_value_t = Format::Text)]
    output: Format,
    /// Go on and print incidents as they happen or their verdict changes, until interrupted. JSON is then one object a
    /// line.
    #[arg(short, long)]
    watch: bool,
    #[command(flatten)]
    collector: CollectorArg,
}

/// How to print many incidents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A table.
    Text,
    /// A table with more columns, never cut.
    Wide,
    /// For programs.
    Json,
    /// For programs, and people who like it.
    Yaml,
}

pub(crate) async fn run(args: &Args) -> Result<Exit, Error> {
    args.window.check()?;
    let Window { since, until } = args.window;
    let filter = Filter {
        node: args.node.clone(),
        cause: args.cause,
        since,
        until,
        namespace: args.namespace.clone(),
        pod: args.pod.clone(),
        owner: args.owner.clone(),
        outcome: args.outcome,
        confidence: args.confidence,
        disagrees: args.disagrees,
    };
    let mut client = Client::connect(&args.collector.collector).await?;
    if args.watch {
        return watch(args, &filter, &mut client).await;
    }
    let incidents = client.list(&filter).await?;
    let mut out = output::stdout();
    match args.output {
        Format::Json => output::json(&mut out, &Incidents { incidents: &incidents })?,
        Format::Yaml => output::yaml(&mut out, &Incidents { incidents: &incidents })?,
        Format::Text | Format::Wide if incidents.is_empty() => {
            output::remark("no incidents");
            if let Some(worth) = nothing(args, &mut client).await? {
                output::remark(&worth);
            }
        }
        Format::Text => write!(out, "{}", render::narrow(&incidents, output::terminal_width()))?,
        Format::Wide => write!(out, "{}", render::wide(&incidents))?,
    }
    out.flush()?;
    Ok(if incidents.is_empty() { Exit::Nothing } else { Exit::Found })
}

/// What an empty list is worth: whether nothing happened, or nobody looked. `None` where nothing was asked of a node or
/// a time.
async fn nothing(args: &Args, client: &mut Client) -> Result<Option<String>, Error> {
    if let Some(name) = &args.node {
        return Ok(Some(match client.node(name, &args.window, None).await? {
            Some(node) => node.absence.sentence,
            None => {
                format!("No agent of a node `{name}` was ever heard, so nothing is known of it.")
            }
        }));
    }
    if args.window.since.is_none() && args.window.until.is_none() {
        return Ok(None);
    }
    let nodes = client.nodes(&args.window).await?;
    let open: Vec<&NodeReport> =
        nodes.iter().filter(|node| node.absence.verdict == Verdict::Open).collect();
    Ok(Some(match (nodes.len(), open.first()) {
        (0, _) => "No agent was ever heard, so nothing is known.".to_owned(),
        (n, None) => {
            format!("No kernel OOM kill is hidden from it: all of {n} nodes were watched.")
        }
        (n, Some(first)) => format!(
            "On {} of {n} nodes a kernel OOM kill cannot be excluded; `coroner nodes` lists them. {}",
            open.len(),
            first.absence.sentence
        ),
    }))
}

async fn watch(args: &Args, filter: &Filter, client: &mut Client) -> Result<Exit, Error> {
    let interrupted = tokio::signal::ctrl_c();
    tokio::pin!(interrupted);
    let mut shown = HashMap::new();
    loop {
        let mut watch = client.watch(filter).await?;
        let mut known = client.list(filter).await?;
        // Oldest first, so that the newest stands where the next will.
        known.reverse();
        for incident in &known {
            show(args.output, incident, &mut shown)?;
        }
        loop {
            let next = tokio::select! {
                next = watch.next() => next?,
                _ = &mut interrupted => return Ok(if shown.is_empty() { Exit::Nothing } else { Exit::Found }),
            };
            match next {
                Watched::Incident(incident) => show(args.output, &incident, &mut shown)?,
                Watched::Behind => break,
                Watched::End => {
                    let url = args.collector.collector.clone();
                    return Err(Error::Refused { url, message: "it is ending".to_owned() });
                }
            }
        }
    }
}

/// Prints one incident unless just this verdict was printed before.
fn show(format: Format, incident: &Incident, shown: &mut HashMap<String, u64>) -> io::Result<()> {
    let json = serde_json::to_string(incident).map_err(io::Error::from)?;
    let mut hasher = DefaultHasher::new();
    json.hash(&mut hasher);
    let hash = hasher.finish();
    if shown.insert(incident.id.0.clone(), hash) == Some(hash) {
        return Ok(());
    }
    let mut out = output::stdout();
    match format {
        Format::Text | Format::Wide => writeln!(out, "{}", render::line(incident))?,
        Format::Json => writeln!(out, "{json}")?,
        Format::Yaml => {
            writeln!(out, "---")?;
            output::yaml(&mut out, incident)?;
        }
    }
    out.flush()
}
