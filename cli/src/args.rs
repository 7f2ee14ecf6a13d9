//! What the command line takes. Each command's own flags stand with the command.

use std::ffi::OsString;

use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use crate::program::Program;
use crate::{completions, demo, explain, list, node, standalone, timeline, top, why};

/// Explains who killed a container: what killed it, on whose orders, with what evidence, and what to change.
#[derive(Debug, Parser)]
#[command(name = "coroner", version, propagate_version = true)]
#[command(
    after_help = "Exit status: 0 when something was found, 3 when nothing was, 1 on an error."
)]
pub struct Cli {
    /// Which command.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Say why one container or process died.
    Why(why::Args),
    /// List incidents, newest first.
    List(list::Args),
    /// Show where incidents are most frequent, by workload, cause, namespace or node.
    Top(top::Args),
    /// Show what happened to a pod, in order, each with its source.
    Timeline(timeline::Args),
    /// Show what is known of one node: its sources, what they missed, what happened, whether a kill can be excluded.
    Node(node::Args),
    /// List nodes by name.
    Nodes(node::ListArgs),
    /// Explain a saved kernel log, offline.
    Explain(explain::Args),
    /// Run agent and collector in one process on this machine, and print incidents as they happen.
    Standalone(standalone::Args),
    /// Have the kernel kill a small process in a group of its own, and show the answer.
    ///
    /// Makes a private control group with a limit of 32 MiB, runs a process in it that takes more, and lets the kernel
    /// kill it. The answer comes through the real path: agent, gRPC, collector, store, query. Nothing else on the
    /// machine is touched and everything is removed again. Without root, cgroups or /dev/kmsg it says what is missing
    /// and replays a recorded kernel log through the same path.
    Demo,
    /// Print a script that completes this command line in a shell.
    Completions(completions::Args),
    /// The process that the demo has killed.
    #[command(name = demo::HOG, hide = true)]
    DemoHog(demo::HogArgs),
}

/// The definition of the command line, in the words of whoever typed it.
#[must_use]
pub fn command(program: Program) -> clap::Command {
    let command = Cli::command().bin_name(program.name());
    speak(command, program)
}

/// Has the help of a command and all below speak of the program as it was called.
fn speak(command: clap::Command, program: Program) -> clap::Command {
    let said = command.get_after_help().map(|text| program.says(&text.to_string()));
    let command = match said {
        Some(said) => command.after_help(said),
        None => command,
    };
    command.mut_subcommands(|sub| speak(sub, program))
}

/// Reads a command line, the program's name first.
///
/// # Errors
///
/// If it is none; or help or the version was asked for, which the error then prints.
pub fn parse(program: Program, typed: Vec<OsString>) -> Result<Cli, clap::Error> {
    let mut command = command(program);
    let matches = command.try_get_matches_from_mut(typed)?;
    Cli::from_arg_matches(&matches).map_err(|error| error.format(&mut command))
}
