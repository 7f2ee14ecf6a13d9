//! `coroner why TARGET`: one incident, the newest that the target names.
//!
//! Targets are written as kubectl writes objects: `pod/web-1`, `pod web-1`, `deployment.apps/web`, and what `-o name`
//! prints. What is left is the collector's to understand.

use std::io::Write as _;

use crate::client::Narrowed;
use crate::cluster::{ClusterArgs, NamespaceArgs};
use crate::output::Format;
use crate::render::Detail;
use crate::{Error, Exit, output, render};

/// Flags of `coroner why`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    coroner why inc-0123456789abcdef\n  \
    coroner why f0bf1c2d3e4a\n  \
    coroner why pid:4121 -o json\n  \
    coroner why pod/web-1 -n prod --evidence\n  \
    coroner why web-1 -n prod -c app --previous 1\n  \
    coroner why deploy/web -n prod\n\n\
    Exit status: 0 found, 3 nothing found, 1 error.")]
pub(crate) struct Args {
    /// An incident id, 12 to 64 hex digits that a container id begins with, `pid:N` (a pid of the host), `pod/NAME`, a
    /// workload (`deploy/NAME`, `sts/NAME`, `ds/NAME`, `job/NAME`), `node/NAME`, or just the name of a pod. Kind and name
    /// may be two words.
    #[arg(required = true, num_args = 1..=2, value_name = "TARGET")]
    target: Vec<String>,
    #[command(flatten)]
    namespace: NamespaceArgs,
    /// For a pod or workload: only of this container.
    #[arg(short, long, value_name = "NAME")]
    container: Option<String>,
    /// For a pod or workload: the Nth end before the newest, of those that Kubernetes reported.
    #[arg(short, long, value_name = "N")]
    previous: Option<u32>,
    /// With all of the evidence, as it was found.
    #[arg(long)]
    evidence: bool,
    /// How to print it.
    #[arg(short, long, value_enum, default_value_t = Format::Text)]
    output: Format,
    #[command(flatten)]
    cluster: ClusterArgs,
}

pub(crate) async fn run(args: &Args) -> Result<Exit, Error> {
    let target = target(&args.target);
    let mut reached = args.cluster.reach().await?;
    let namespace = match &args.namespace.namespace {
        Some(namespace) => Some(namespace.clone()),
        None if is_in_a_namespace(&target) => reached.namespace(&args.namespace),
        None => None,
    };
    let narrowed = Narrowed {
        namespace: namespace.clone(),
        container: args.container.clone(),
        previous: args.previous,
    };
    let Some(found) = reached.client.get(&target, &narrowed).await? else {
        match &namespace {
            Some(namespace) => output::remark(&format!(
                "no incident is known for `{target}` in namespace {namespace}"
            )),
            None => output::remark(&format!("no incident is known for `{target}`")),
        }
        if namespace.is_some()
            && let Some(where_else) = reached.nothing_in(&args.namespace).await
        {
            output::remark(&where_else);
        }
        return Ok(Exit::Nothing);
    };
    let raw = args.evidence || args.output == Format::Wide;
    let mut out = output::stdout();
    match args.output {
        Format::Text | Format::Wide => {
            let detail = if raw { Detail::Raw } else { Detail::Short };
            write!(out, "{}", render::why(&found.incident, detail, output::width()))?;
            out.flush()?;
            if found.has_older {
                output::remark(
                    "There are older incidents of the same target; `coroner list` shows them.",
                );
            }
        }
        Format::Name => {
            writeln!(out, "{}", render::name(&found.incident))?;
            out.flush()?;
        }
        Format::Json => output::json(&mut out, &found.incident)?,
        Format::Yaml => output::yaml(&mut out, &found.incident)?,
    }
    Ok(Exit::Found)
}

/// The target in one word, without what kubectl's own way of writing adds to it.
pub(crate) fn target(words: &[String]) -> String {
    let whole = words.join("/");
    let Some((kind, name)) = whole.split_once('/') else { return whole };
    // `deployment.apps/web`, `incident.coroner.dev/inc-...`
    let kind = kind.split('.').next().unwrap_or_default();
    match kind {
        "incident" | "incidents" | "inc" => name.to_owned(),
        _ => format!("{kind}/{name}"),
    }
}

/// Whether a target is one that lies in a namespace: a pod or a workload.
fn is_in_a_namespace(target: &str) -> bool {
    let hex = (12..=64).contains(&target.len()) && target.bytes().all(|b| b.is_ascii_hexdigit());
    let cluster_wide = ["inc-", "pid:", "node/", "nodes/", "no/"];
    !hex && !cluster_wide.iter().any(|begin| target.starts_with(begin))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_written_as_kubectl_writes_them() {
        for (words, expected, namespaced) in [
            (&["pod/web-1"][..], "pod/web-1", true),
            (&["pod", "web-1"], "pod/web-1", true),
            (&["web-1"], "web-1", true),
            (&["deployment.apps/web"], "deployment/web", true),
            (&["sts", "db"], "sts/db", true),
            (&["incident/inc-0123"], "inc-0123", false),
            (&["incident.coroner.dev", "inc-0123"], "inc-0123", false),
            (&["inc-0123"], "inc-0123", false),
            (&["pid:4"], "pid:4", false),
            (&["node/n"], "node/n", false),
            (&["0123456789ab"], "0123456789ab", false),
            (&["0123456789a"], "0123456789a", true),
            (&["a/b/c"], "a/b/c", true),
            (&["/"], "/", true),
            (&[""], "", true),
        ] {
            let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
            let target = target(&words);
            assert_eq!((target.as_str(), is_in_a_namespace(&target)), (expected, namespaced));
        }
    }
}
