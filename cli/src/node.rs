//! `coroner node NAME` and `coroner nodes`: how the sources of a node are doing, what they missed, what happened, and
//! whether an out-of-memory kill can be excluded.

use std::io::Write as _;

use jiff::Timestamp;

use crate::client::Filter;
use crate::cluster::ClusterArgs;
use crate::output::{Format, Nodes};
use crate::when::Window;
use crate::{Error, Exit, output, render};

/// Incidents that are shown with a node.
const NEWEST: u32 = 5;

/// Flags of `coroner node`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    coroner node node-2\n  \
    coroner node node-2 --since 2h --until 1h\n  \
    coroner node node-2 --since 2026-01-02T12:00:00Z -o json\n\n\
    Without --since the window is the last hour.\n\n\
    Exit status: 0 found, 3 no such node, 1 error.")]
pub(crate) struct Args {
    /// The node's name.
    name: String,
    #[command(flatten)]
    window: Window,
    /// Ask about kills in this container only: its whole id, 64 hex digits.
    #[arg(long, value_name = "ID")]
    container: Option<String>,
    /// How to print it.
    #[arg(short, long, value_enum, default_value_t = Format::Text)]
    output: Format,
    #[command(flatten)]
    cluster: ClusterArgs,
}

/// Flags of `coroner nodes`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    coroner nodes\n  \
    coroner nodes --since 1d -o json\n\n\
    Without --since the window is the last hour.\n\n\
    Exit status: 0 found, 3 no nodes, 1 error.")]
pub(crate) struct ListArgs {
    #[command(flatten)]
    window: Window,
    /// How to print them.
    #[arg(short, long, value_enum, default_value_t = Format::Text)]
    output: Format,
    /// Without the line that names the columns.
    #[arg(long)]
    no_headers: bool,
    #[command(flatten)]
    cluster: ClusterArgs,
}

/// `coroner node NAME`.
pub(crate) async fn run(args: &Args) -> Result<Exit, Error> {
    args.window.check()?;
    if let Some(id) = &args.container
        && (id.len() != 64 || !id.bytes().all(|b| b.is_ascii_hexdigit()))
    {
        return Err(Error::Container { id: id.clone() });
    }
    let name = args.name.strip_prefix("node/").unwrap_or(&args.name);
    let mut client = args.cluster.reach().await?.client;
    let found = client.node(name, &args.window, args.container.as_deref()).await?;
    let Some(node) = found else {
        output::remark(&format!("no agent of a node `{name}` was ever heard"));
        return Ok(Exit::Nothing);
    };
    let mut out = output::stdout();
    match args.output {
        Format::Text | Format::Wide => {
            let filter = Filter {
                node: Some(node.name.clone()),
                since: args.window.since,
                until: args.window.until,
                ..Filter::default()
            };
            let newest = client.newest(&filter, NEWEST).await?;
            let (now, width) = (Timestamp::now(), output::width());
            write!(
                out,
                "{}{}",
                render::node(&node, now, width),
                render::recent(&newest, now, width)
            )?;
            out.flush()?;
        }
        Format::Name => {
            writeln!(out, "{}", render::node_name(&node))?;
            out.flush()?;
        }
        Format::Json => output::json(&mut out, &node)?,
        Format::Yaml => output::yaml(&mut out, &node)?,
    }
    Ok(Exit::Found)
}

/// `coroner nodes`.
pub(crate) async fn list(args: &ListArgs) -> Result<Exit, Error> {
    args.window.check()?;
    let mut client = args.cluster.reach().await?.client;
    let nodes = client.nodes(&args.window).await?;
    let mut out = output::stdout();
    match args.output {
        Format::Json => output::json(&mut out, &Nodes { nodes: &nodes })?,
        Format::Yaml => output::yaml(&mut out, &Nodes { nodes: &nodes })?,
        Format::Name => {
            for node in &nodes {
                writeln!(out, "{}", render::node_name(node))?;
            }
            out.flush()?;
        }
        Format::Text | Format::Wide if nodes.is_empty() => {
            output::remark("no agent was ever heard");
        }
        Format::Text | Format::Wide => {
            let width = output::terminal_width().filter(|_| args.output == Format::Text);
            let text = render::nodes(&nodes, Timestamp::now(), width, !args.no_headers);
            write!(out, "{text}")?;
            out.flush()?;
        }
    }
    Ok(if nodes.is_empty() { Exit::Nothing } else { Exit::Found })
}
