//! Where findings come from, how each source is doing, and the holes in what it saw.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::incident::UnknownName;

/// Where a finding comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// The kernel log.
    KernelLog,
    /// cgroup memory files.
    Cgroup,
    /// The trace of signals.
    SignalTrace,
    /// Free blocks of memory by size.
    Fragmentation,
    /// What is reserved for the host against what it uses.
    Headroom,
    /// Pressure stall information.
    Pressure,
    /// Log files that killers in user space write to.
    LogFile,
}

impl Source {
    /// All sources, in the order they are shown.
    pub const ALL: [Self; 7] = [
        Self::KernelLog,
        Self::Cgroup,
        Self::SignalTrace,
        Self::Fragmentation,
        Self::Headroom,
        Self::Pressure,
        Self::LogFile,
    ];
}

impl Source {
    /// The name as in flags and configuration.
    #[must_use]
    pub fn flag(self) -> &'static str {
        match self {
            Self::KernelLog => "kernel-log",
            Self::Cgroup => "cgroup",
            Self::SignalTrace => "signal-trace",
            Self::Fragmentation => "fragmentation",
            Self::Headroom => "headroom",
            Self::Pressure => "pressure",
            Self::LogFile => "log-file",
        }
    }
}

impl std::str::FromStr for Source {
    type Err = UnknownName;

    fn from_str(value: &str) -> Result<Self, UnknownName> {
        Self::ALL
            .into_iter()
            .find(|source| source.flag() == value)
            .ok_or_else(|| UnknownName::new("source", value, &Self::ALL.map(Self::flag)))
    }
}

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::KernelLog => "kernel log",
            Self::Cgroup => "cgroup",
            Self::SignalTrace => "signal trace",
            Self::Fragmentation => "fragmentation",
            Self::Headroom => "headroom",
            Self::Pressure => "pressure",
            Self::LogFile => "log file",
        })
    }
}

/// A hole in a source's coverage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// Which source.
    pub source: Source,
    /// First record lost.
    pub first_lost: Option<u64>,
    /// How many records were lost; `None` where nobody can know.
    pub lost: Option<u64>,
    /// The gap lies after this time ...
    pub from: Option<Timestamp>,
    /// ... and before this one.
    pub to: Option<Timestamp>,
    /// Why, in words.
    pub reason: String,
}

/// How a source is doing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceStatus {
    /// Which source.
    pub source: Source,
    /// Whether it reads at all.
    pub reading: bool,
    /// How it reads, or why not, in words.
    pub detail: String,
    /// Coverage is complete from here on, until a gap says otherwise.
    pub since: Option<Timestamp>,
}
