//! `coroner why TARGET`: one incident, the newest that the target names.

use std::io::Write as _;

use crate::client::{Client, CollectorArg, Narrowed};
use crate::output::Format;
use crate::{Error, Exit, output, render};

/// Flags of `coroner why`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    coroner why inc-0123456789abcdef\n  \
    coroner why f0bf1c2d3e4a\n  \
    coroner why pid:4121 -o json\n  \
    coroner why pod/web-1 -n prod\n  \
    coroner why web-1 -n prod -c app --previous 1\n  \
    coroner why deploy/web -n prod\n\n\
    Exit status: 0 found, 1 nothing found, 2 error.")]
pub(crate) struct Args {
    /// An incident id, 12 to 64 hex digits that a container id begins with, `pid:N` (a pid of the host), `pod/NAME`, a
    /// workload (`deploy/NAME`, `sts/NAME`, `ds/NAME`, `job/NAME`), `node/NAME`, or just the name of a pod.
    target: String,
    #[command(flatten)]
    narrowed: Narrowed,
    /// How to print it.
    #[arg(short, long, value_enum, default_value_t = Format::Text)]
    output: Format,
    #[command(flatten)]
    collector: CollectorArg,
}

pub(crate) async fn run(args: &Args) -> Result<Exit, Error> {
    let found =
        Client::connect(&args.collector.collector).await?.get(&args.target, &args.narrowed).await?;
    let Some(found) = found else {
        output::remark(&format!("no incident is known for `{}`", args.target));
        return Ok(Exit::Nothing);
    };
    let mut out = output::stdout();
    match args.output {
        Format::Text => {
            write!(out, "{}", render::why(&found.incident, output::width()))?;
            out.flush()?;
            if found.has_older {
                output::remark(
                    "There are older incidents of the same target; `coroner list` shows them.",
                );
            }
        }
        Format::Json => output::json(&mut out, &found.incident)?,
        Format::Yaml => output::yaml(&mut out, &found.incident)?,
    }
    Ok(Exit::Found)
}
