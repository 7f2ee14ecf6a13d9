//! The command line: one module per command, text rendering as pure functions, and the client that asks a collector.
//!
//! Commands write to standard output and nothing else; what went wrong is one sentence in [`Error`], which `main`
//! prints. A collector is asked over gRPC; without one only `explain`, `standalone`, `demo` and `completions` work.

pub mod args;
mod client;
mod cluster;
pub mod complete;
mod completions;
mod demo;
mod error;
pub mod explain;
pub mod explain_text;
mod list;
mod local;
mod node;
mod output;
pub mod program;
pub mod render;
mod standalone;
mod timeline;
mod top;
mod when;
mod why;

pub use cluster::ClusterError;
pub use error::Error;

use args::{Cli, Command};

/// How a command ended that did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// There was something: exit status 0.
    Found,
    /// There was nothing: exit status 3.
    Nothing,
    /// A part could not be done, and was said: exit status 1.
    Partly,
}

impl Exit {
    /// The exit status: 0 and 1 mean what they mean for kubectl, and that there is nothing is no failure of anything.
    #[must_use]
    pub fn status(self) -> u8 {
        match self {
            Self::Found => 0,
            Self::Partly => FAILED,
            Self::Nothing => 3,
        }
    }
}

/// The exit status of what could not be done, or not even be understood.
pub const FAILED: u8 = 1;

/// Runs one command.
///
/// # Errors
///
/// When it cannot do what it was asked; the sentence says why.
pub fn run(cli: Cli) -> Result<Exit, Error> {
    match cli.command {
        Command::Why(args) => runtime()?.block_on(why::run(&args)),
        Command::List(args) => runtime()?.block_on(list::run(&args)),
        Command::Node(args) => runtime()?.block_on(node::run(&args)),
        Command::Top(args) => runtime()?.block_on(top::run(&args)),
        Command::Timeline(args) => runtime()?.block_on(timeline::run(&args)),
        Command::Nodes(args) => runtime()?.block_on(node::list(&args)),
        Command::Explain(args) => {
            let failed = explain::run(&args, &mut output::stdout())?;
            for error in &failed {
                output::complain(error);
            }
            Ok(if failed.is_empty() { Exit::Found } else { Exit::Partly })
        }
        Command::Standalone(args) => runtime()?.block_on(standalone::run(&args)),
        Command::Demo => demo::run(runtime()?),
        Command::DemoHog(args) => demo::hog(&args),
        Command::Completions(args) => completions::run(&args),
    }
}

fn runtime() -> Result<tokio::runtime::Runtime, Error> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(Error::Runtime)
}
