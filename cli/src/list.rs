//! `coroner list`: incidents, newest first, and with `--watch` those that follow.
//!
//! A watch is put in place before the list is asked for, so nothing falls between; what falls behind is listed again.
//! An incident is shown again when its verdict changes.

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::{self, Write};

use coroner_core::absence::Verdict;
use coroner_core::incident::{Cause, Confidence, Incident, Outcome};
use coroner_core::node_report::NodeReport;
use jiff::Timestamp;

use crate::client::{Client, Filter, Watched};
use crate::cluster::{ClusterArgs, NamespaceArgs};
use crate::output::{Format, Incidents, Withdrawn};
use crate::render::Columns;
use crate::when::Window;
use crate::{Error, Exit, output, render};

/// Flags of `coroner list`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    coroner list --since 1h\n  \
    coroner list --node node-2 --since 2h --until 1h\n  \
    coroner list --cause ContainerMemoryLimit -o wide\n  \
    coroner list -n prod --owner deploy/web --disagrees\n  \
    coroner list -n batch --all\n  \
    coroner list -A --watch -o json\n\n\
    Exit status: 0 found, 3 nothing found, 1 error.")]
pub(crate) struct Args {
    /// Only of this node.
    #[arg(long, value_name = "NAME")]
    node: Option<String>,
    /// Only with this cause, such as ContainerMemoryLimit.
    #[arg(long, value_name = "CAUSE")]
    cause: Option<Cause>,
    #[command(flatten)]
    namespace: NamespaceArgs,
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
    /// Also ends that were meant, with exit code 0: of Jobs, init containers, and deleted pods that stopped in order. They are
    /// left out otherwise, and counted.
    #[arg(short, long)]
    all: bool,
    #[command(flatten)]
    window: Window,
    /// How to print them.
    #[arg(short, long, value_enum, default_value_t = Format::Text)]
    output: Format,
    /// Go on and print incidents as they happen or their verdict changes, until interrupted. JSON is then one object a
    /// line.
    #[arg(short, long)]
    watch: bool,
    /// Without the line that names the columns.
    #[arg(long)]
    no_headers: bool,
    #[command(flatten)]
    cluster: ClusterArgs,
}

pub(crate) async fn run(args: &Args) -> Result<Exit, Error> {
    args.window.check()?;
    let Window { since, until } = args.window;
    let mut reached = args.cluster.reach().await?;
    let filter = Filter {
        node: args.node.clone(),
        cause: args.cause,
        since,
        until,
        namespace: reached.namespace(&args.namespace),
        pod: args.pod.clone(),
        owner: args.owner.clone(),
        outcome: args.outcome,
        confidence: args.confidence,
        disagrees: args.disagrees,
        orderly: args.all,
    };
    if args.watch {
        return watch(args, &filter, &mut reached.client).await;
    }
    let (incidents, orderly_left_out) = reached.client.list(&filter).await?;
    let mut out = output::stdout();
    let whole = Incidents { incidents: &incidents, orderly_left_out };
    match args.output {
        Format::Json => output::json(&mut out, &whole)?,
        Format::Yaml => output::yaml(&mut out, &whole)?,
        Format::Name => {
            for incident in &incidents {
                writeln!(out, "{}", render::name(incident))?;
            }
        }
        Format::Text | Format::Wide if incidents.is_empty() => {
            match &filter.namespace {
                Some(namespace) => {
                    output::remark(&format!("no incidents in namespace {namespace}"));
                }
                None => output::remark("no incidents"),
            }
            if let Some(where_else) = reached.nothing_in(&args.namespace).await {
                output::remark(&where_else);
            }
            if let Some(worth) = nothing(args, &mut reached.client).await? {
                output::remark(&worth);
            }
        }
        Format::Text => {
            let columns = Columns {
                width: output::terminal_width(),
                headers: !args.no_headers,
                namespaces: filter.namespace.is_none(),
            };
            write!(out, "{}", render::narrow(&incidents, Timestamp::now(), columns))?;
        }
        Format::Wide => write!(out, "{}", render::wide(&incidents, !args.no_headers))?,
    }
    out.flush()?;
    if let (Format::Text | Format::Wide, Some(left_out)) = (args.output, left_out(orderly_left_out))
    {
        output::remark(&left_out);
    }
    Ok(if incidents.is_empty() { Exit::Nothing } else { Exit::Found })
}

/// That something is not shown, and how to see it.
fn left_out(orderly: u64) -> Option<String> {
    let ends = if orderly == 1 { "end that was meant is" } else { "ends that were meant are" };
    (orderly > 0).then(|| {
        format!("{orderly} {ends} left out (exit code 0, nothing wrong); --all shows them")
    })
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
    let mut shown: HashMap<String, u64> = HashMap::new();
    loop {
        let mut watch = client.watch(filter).await?;
        let (mut known, _) = client.list(filter).await?;
        // Oldest first, so that the newest stands where the next will.
        known.reverse();
        // What was missed may be that one of them is none any more.
        let are: HashSet<&str> = known.iter().map(|incident| incident.id.0.as_str()).collect();
        let gone: Vec<String> =
            shown.keys().filter(|id| !are.contains(id.as_str())).cloned().collect();
        for id in gone {
            withdraw(args.output, id, None, &mut shown)?;
        }
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
                Watched::Withdrawn(id, into) => withdraw(args.output, id, into, &mut shown)?,
                Watched::Behind => break,
                Watched::End => {
                    let place = client.place().to_owned();
                    return Err(Error::Refused { place, message: "it is ending".to_owned() });
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
        Format::Name => writeln!(out, "{}", render::name(incident))?,
        Format::Json => writeln!(out, "{json}")?,
        Format::Yaml => {
            writeln!(out, "---")?;
            output::yaml(&mut out, incident)?;
        }
    }
    out.flush()
}

/// Says that an incident that was printed is none of those any more.
fn withdraw(
    format: Format,
    id: String,
    merged_into: Option<String>,
    shown: &mut HashMap<String, u64>,
) -> io::Result<()> {
    if shown.remove(&id).is_none() {
        return Ok(());
    }
    let mut out = output::stdout();
    let withdrawn = Withdrawn { id, merged_into };
    match format {
        Format::Text | Format::Wide => {
            writeln!(
                out,
                "{}",
                render::withdrawn(&withdrawn.id, withdrawn.merged_into.as_deref())
            )?;
        }
        // A name is all there is to say, and it was said.
        Format::Name => {}
        Format::Json => writeln!(out, "{}", serde_json::json!({ "withdrawn": withdrawn }))?,
        Format::Yaml => {
            writeln!(out, "---")?;
            output::yaml(&mut out, &serde_json::json!({ "withdrawn": withdrawn }))?;
        }
    }
    out.flush()
}
