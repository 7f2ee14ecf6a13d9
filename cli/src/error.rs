//! What goes wrong, each in one sentence that names what was given and what was expected.

use std::io;
use std::path::PathBuf;

use crate::output;

/// Why a command could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The collector's address is none.
    #[error("--collector `{url}` is not an address like http://127.0.0.1:7137: {problem}")]
    Address {
        /// As given.
        url: String,
        /// What is wrong with it.
        problem: String,
    },
    /// Nobody answers there.
    #[error("no collector answers at {place} ({problem}); {hint}")]
    Absent {
        /// The collector's address, or its pod.
        place: String,
        /// What the connection says.
        problem: String,
        /// What to do about it.
        hint: &'static str,
    },
    /// The collector of a cluster cannot be asked.
    #[error(transparent)]
    Cluster(#[from] crate::cluster::ClusterError),
    /// The collector would not, or could not, answer.
    #[error("the collector at {place} cannot answer: {message}")]
    Refused {
        /// The collector's address, or its pod.
        place: String,
        /// What it says.
        message: String,
    },
    /// The target names nothing that could be asked for.
    #[error(
        "TARGET `{target}` is none: expected an incident id (inc-...), 12 to 64 hex digits that a container id begins \
         with, pid:N, pod/NAME, node/NAME, a workload such as deploy/NAME, or the name of a pod"
    )]
    Target {
        /// As given.
        target: String,
    },
    /// The target names several.
    #[error("TARGET `{target}`: {message}")]
    Ambiguous {
        /// As given.
        target: String,
        /// What the collector says.
        message: String,
    },
    /// The window ends before it begins.
    #[error("--since {since} is after --until {until}; expected a time before it")]
    Window {
        /// Its begin.
        since: jiff::Timestamp,
        /// Its end.
        until: jiff::Timestamp,
    },
    /// The id of a container is none.
    #[error("--container `{id}` is no container's id; expected 64 hex digits")]
    Container {
        /// As given.
        id: String,
    },
    /// What the collector sent is not understood.
    #[error("the collector at {place} sent an answer that this version cannot read: {source}")]
    Convert {
        /// The collector's address, or its pod.
        place: String,
        /// Which field.
        source: coroner_proto::ConvertError,
    },
    /// The collector did not start.
    #[error(transparent)]
    Collector(#[from] coroner_collector::CollectorError),
    /// The agent did not start.
    #[error(transparent)]
    Agent(#[from] coroner_agent::StartError),
    /// A saved log could not be explained.
    #[error(transparent)]
    Explain(#[from] crate::explain::Error),
    /// The machine has no name.
    #[error("this machine has no hostname; give --node-name")]
    Nameless,
    /// The filter for log lines is none.
    #[error("CORONER_LOG `{filter}` is no filter: {problem}")]
    LogFilter {
        /// As given.
        filter: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The demo could not run.
    #[error("the demo failed: {0}")]
    Demo(String),
    /// A directory for the demo could not be made.
    #[error("cannot make a directory in {dir}: {source}")]
    Directory {
        /// Where.
        dir: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The program cannot run at all.
    #[error("cannot start: {0}")]
    Runtime(#[source] io::Error),
    /// The result cannot be printed.
    #[error("cannot write the result: {0}")]
    Write(#[from] io::Error),
}

impl Error {
    /// Whether it only says that nobody reads the output any more.
    #[must_use]
    pub fn is_broken_pipe(&self) -> bool {
        match self {
            Self::Write(error) | Self::Explain(crate::explain::Error::Write(error)) => {
                error.kind() == io::ErrorKind::BrokenPipe
            }
            _ => false,
        }
    }

    /// Prints it to standard error.
    pub fn print(&self) {
        output::complain(self);
    }
}
