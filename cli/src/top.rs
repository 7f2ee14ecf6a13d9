//! `coroner top`: where incidents are most frequent, counted by the collector.

use std::io::Write as _;

use coroner_core::incident::Cause;
use coroner_proto::v1::{self, CountBy, CountIncidentsResponse};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use crate::client::Filter;
use crate::cluster::{ClusterArgs, NamespaceArgs};
use crate::output::Format;
use crate::when::Window;
use crate::{Error, Exit, output, render};

/// How far back it is counted when nothing is said.
const DAY: SignedDuration = SignedDuration::from_hours(24);

/// Flags of `coroner top`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    coroner top -A\n  \
    coroner top -A --by node --since 1h\n  \
    coroner top -n prod --by cause --since 7d -o json\n\n\
    Without --since it counts the last day. Ends that were meant are not counted.\n\n\
    Exit status: 0 found, 3 nothing found, 1 error.")]
pub(crate) struct Args {
    /// By what to count.
    #[arg(long, value_enum, default_value_t = By::Workload)]
    by: By,
    #[command(flatten)]
    namespace: NamespaceArgs,
    #[command(flatten)]
    window: Window,
    /// Rows at most.
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: u32,
    /// How to print them.
    #[arg(short, long, value_enum, default_value_t = Format::Text)]
    output: Format,
    /// Without the line that names the columns.
    #[arg(long)]
    no_headers: bool,
    #[command(flatten)]
    cluster: ClusterArgs,
}

/// What is counted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum By {
    /// The workloads of the pods.
    Workload,
    /// The causes.
    Cause,
    /// The namespaces of the pods.
    Namespace,
    /// The nodes.
    Node,
}

/// The shape of `top -o json`.
#[derive(Serialize)]
pub(crate) struct Top {
    /// Since when it was counted.
    pub since: Timestamp,
    /// Until when; `null` for now.
    pub until: Option<Timestamp>,
    /// All incidents of that time, those of rows that are left out too.
    pub incidents: u64,
    /// How many rows there are, shown or not.
    pub groups: u32,
    /// The most frequent first.
    pub counts: Vec<Count>,
}

/// One row.
#[derive(Serialize)]
pub(crate) struct Count {
    /// `null` for those that have none.
    pub name: Option<String>,
    /// Of a workload.
    pub namespace: Option<String>,
    pub incidents: u64,
    pub newest: Option<Timestamp>,
    /// The most frequent first.
    pub causes: Vec<CauseCount>,
}

/// How many of a row had a cause.
#[derive(Serialize)]
pub(crate) struct CauseCount {
    pub cause: Cause,
    pub count: u64,
}

pub(crate) async fn run(args: &Args) -> Result<Exit, Error> {
    args.window.check()?;
    let until = args.window.until;
    let since = match args.window.since {
        Some(since) => since,
        None => until.unwrap_or_else(Timestamp::now).saturating_sub(DAY).unwrap_or(Timestamp::MIN),
    };
    let mut reached = args.cluster.reach().await?;
    let namespace = reached.namespace(&args.namespace);
    let filter =
        Filter { since: Some(since), until, namespace: namespace.clone(), ..Filter::default() };
    let by = match args.by {
        By::Workload => CountBy::Workload,
        By::Cause => CountBy::Cause,
        By::Namespace => CountBy::Namespace,
        By::Node => CountBy::Node,
    };
    let top = read(reached.client.count(&filter, by, args.limit).await?, since, until);
    let mut out = output::stdout();
    match args.output {
        Format::Json => output::json(&mut out, &top)?,
        Format::Yaml => output::yaml(&mut out, &top)?,
        Format::Name => {
            for name in top.counts.iter().filter_map(|count| count.name.as_deref()) {
                writeln!(out, "{}", coroner_core::escape::terminal(name))?;
            }
        }
        Format::Text | Format::Wide if top.counts.is_empty() => {
            match &namespace {
                Some(namespace) => {
                    output::remark(&format!("no incidents in namespace {namespace} in that time"));
                }
                None => output::remark("no incidents in that time"),
            }
            if let Some(where_else) = reached.nothing_in(&args.namespace).await {
                output::remark(&where_else);
            }
        }
        Format::Text | Format::Wide => {
            let width = output::terminal_width().filter(|_| args.output == Format::Text);
            let namespaces = args.by == By::Workload && namespace.is_none();
            let columns = render::Columns { width, headers: !args.no_headers, namespaces };
            let text = render::top(&top, args.by, Timestamp::now(), columns);
            write!(out, "{text}")?;
        }
    }
    out.flush()?;
    Ok(if top.counts.is_empty() { Exit::Nothing } else { Exit::Found })
}

fn read(answer: CountIncidentsResponse, since: Timestamp, until: Option<Timestamp>) -> Top {
    let cause = |count: v1::CauseCount| {
        let cause = v1::Cause::try_from(count.cause).ok()?;
        Some(CauseCount { cause: Cause::try_from(cause).ok()?, count: count.count })
    };
    let counts = answer.counts.into_iter().map(|count| Count {
        name: Some(count.name).filter(|name| !name.is_empty()),
        namespace: count.namespace,
        incidents: count.incidents,
        newest: count.newest.and_then(|time| Timestamp::new(time.seconds, time.nanos).ok()),
        // A cause that a newer collector knows is left out here; it is in the number of incidents.
        causes: count.causes.into_iter().filter_map(cause).collect(),
    });
    Top {
        since,
        until,
        incidents: answer.incidents,
        groups: answer.groups,
        counts: counts.collect(),
    }
}
