//! `coroner list`: incidents, newest first, and with `--watch` those that follow.
//!
//! A watch is put in place before the list is asked for, so nothing falls between; what falls behind is listed again.
//! An incident is shown again when its verdict changes.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::{self, Write};

use clap::ValueEnum;
use coroner_core::incident::{Cause, Incident};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};

use crate::client::{Client, CollectorArg, Filter, Watched};
use crate::output::Incidents;
use crate::{Error, Exit, output, render};

/// Flags of `coroner list`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    coroner list --since 1h\n  \
    coroner list --cause ContainerMemoryLimit -o wide\n  \
    coroner list --watch -o json\n\n\
    Exit status: 0 found, 1 nothing found, 2 error.")]
pub(crate) struct Args {
    /// Only of this node.
    #[arg(long, value_name = "NAME")]
    node: Option<String>,
    /// Only with this cause, such as ContainerMemoryLimit.
    #[arg(long, value_name = "CAUSE")]
    cause: Option<Cause>,
    /// Only since then: a time (2026-01-02T12:00:00Z) or how long ago (30m, 1h, 2d).
    #[arg(long, value_name = "TIME", value_parser = since)]
    since: Option<Timestamp>,
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

/// A time, or a span back from now.
fn since(text: &str) -> Result<Timestamp, String> {
    if let Ok(time) = text.parse::<Timestamp>() {
        return Ok(time);
    }
    let expected = "expected a time like 2026-01-02T12:00:00Z or how long ago, like 30m, 1h or 2d";
    let span: Span = text.parse().map_err(|_| expected.to_owned())?;
    // Days need a calendar; UTC's are all of 24 hours.
    let now = Timestamp::now().to_zoned(TimeZone::UTC);
    let then =
        now.checked_sub(span.abs()).map_err(|_| format!("that is too long ago; {expected}"))?;
    Ok(then.timestamp())
}

pub(crate) async fn run(args: &Args) -> Result<Exit, Error> {
    let filter =
        Filter { node: args.node.clone(), cause: args.cause, since: args.since, until: None };
    let mut client = Client::connect(&args.collector.collector).await?;
    if args.watch {
        return watch(args, &filter, &mut client).await;
    }
    let incidents = client.list(&filter).await?;
    let mut out = output::stdout();
    match args.output {
        Format::Json => output::json(&mut out, &Incidents { incidents: &incidents })?,
        Format::Yaml => output::yaml(&mut out, &Incidents { incidents: &incidents })?,
        Format::Text | Format::Wide if incidents.is_empty() => output::remark("no incidents"),
        Format::Text => write!(out, "{}", render::narrow(&incidents, output::terminal_width()))?,
        Format::Wide => write!(out, "{}", render::wide(&incidents))?,
    }
    out.flush()?;
    Ok(if incidents.is_empty() { Exit::Nothing } else { Exit::Found })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn since_takes_times_and_spans_and_says_what_it_expects() {
        assert_eq!(
            since("2026-01-02T12:00:00Z").map(|t| t.to_string()),
            Ok("2026-01-02T12:00:00Z".to_owned())
        );
        let hour = Timestamp::now().as_second() - since("1h").unwrap().as_second();
        assert!((3599..=3601).contains(&hour), "{hour}");
        let days = Timestamp::now().as_second() - since("2d").unwrap().as_second();
        assert!((172_799..=172_801).contains(&days), "{days}");
        assert!(since("yesterday").unwrap_err().starts_with("expected a time like"));
        assert!(since("90000y").is_err());
    }
}
