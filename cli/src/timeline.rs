//! `coroner timeline POD`: what happened to a pod, in order, each with its source.

use std::io::Write as _;

use coroner_proto::v1::GetTimelineResponse;
use jiff::Timestamp;
use serde::Serialize;

use crate::cluster::{ClusterArgs, NamespaceArgs};
use crate::output::Format;
use crate::render::Detail;
use crate::when::Window;
use crate::{Error, Exit, output, render, why};

/// Flags of `coroner timeline`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    coroner timeline pod/web-1 -n prod\n  \
    coroner timeline web-1 --since 1h --evidence\n  \
    coroner timeline web-1 -o json\n\n\
    Exit status: 0 found, 3 nothing found, 1 error.")]
pub(crate) struct Args {
    /// The pod: `pod/NAME`, or just its name.
    #[arg(required = true, num_args = 1..=2, value_name = "POD")]
    pod: Vec<String>,
    #[command(flatten)]
    namespace: NamespaceArgs,
    #[command(flatten)]
    window: Window,
    /// Everything as it was found, instead of a line or two of it.
    #[arg(long)]
    evidence: bool,
    /// How to print it.
    #[arg(short, long, value_enum, default_value_t = Format::Text)]
    output: Format,
    #[command(flatten)]
    cluster: ClusterArgs,
}

/// The shape of `timeline -o json`.
#[derive(Serialize)]
pub(crate) struct Timeline {
    pub namespace: String,
    pub pod: String,
    pub nodes: Vec<String>,
    /// The oldest first.
    pub entries: Vec<Entry>,
    /// Whether there is more than was read: what is oldest is left out.
    pub cut: bool,
}

/// Something that happened.
#[derive(Serialize)]
pub(crate) struct Entry {
    pub time: Option<Timestamp>,
    /// Whether `time` is exact; else it happened within the second that begins there.
    pub exact: bool,
    pub container: Option<String>,
    pub what: String,
    pub source: String,
    pub incident: Option<String>,
}

pub(crate) async fn run(args: &Args) -> Result<Exit, Error> {
    args.window.check()?;
    let target = why::target(&args.pod);
    let pod = ["pod/", "pods/", "po/"].iter().find_map(|kind| target.strip_prefix(kind));
    let pod = pod.unwrap_or(&target);
    let mut reached = args.cluster.reach().await?;
    let namespace = reached.namespace(&args.namespace);
    let Some(found) = reached.client.timeline(pod, namespace.as_deref(), &args.window).await?
    else {
        match &namespace {
            Some(namespace) => output::remark(&format!(
                "nothing is known of a pod `{pod}` in namespace {namespace}"
            )),
            None => output::remark(&format!("nothing is known of a pod `{pod}`")),
        }
        if let Some(where_else) = reached.nothing_in(&args.namespace).await {
            output::remark(&where_else);
        }
        return Ok(Exit::Nothing);
    };
    let timeline = read(found);
    let mut out = output::stdout();
    match args.output {
        Format::Json => output::json(&mut out, &timeline)?,
        Format::Yaml => output::yaml(&mut out, &timeline)?,
        Format::Name => writeln!(out, "pod/{}", coroner_core::escape::terminal(&timeline.pod))?,
        Format::Text | Format::Wide => {
            let raw = args.evidence || args.output == Format::Wide;
            let detail = if raw { Detail::Raw } else { Detail::Short };
            write!(out, "{}", render::timeline(&timeline, detail, output::width()))?;
        }
    }
    out.flush()?;
    Ok(if timeline.entries.is_empty() { Exit::Nothing } else { Exit::Found })
}

fn read(answer: GetTimelineResponse) -> Timeline {
    let entries = answer.entries.into_iter().map(|entry| Entry {
        time: entry.time.and_then(|time| Timestamp::new(time.seconds, time.nanos).ok()),
        exact: entry.exact,
        container: entry.container,
        what: entry.what,
        source: entry.source,
        incident: entry.incident,
    });
    Timeline {
        namespace: answer.namespace,
        pod: answer.pod,
        nodes: answer.nodes,
        entries: entries.collect(),
        cut: answer.cut,
    }
}
