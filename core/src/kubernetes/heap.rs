//! Sizes of heaps that a container's command line or environment sets: what to hold against its memory limit.

use serde::{Deserialize, Serialize};

/// One setting.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeapSetting {
    /// Who reads it.
    pub runtime: HeapRuntime,
    /// The option's name, such as `-Xmx`, `-XX:MaxRAMPercentage`, `--max-old-space-size`, `GOMEMLIMIT`.
    pub option: String,
    /// How much.
    pub size: HeapSize,
    /// Where it stands.
    pub origin: HeapOrigin,
}

/// Who reads a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[allow(missing_docs, reason = "names of runtimes")]
pub enum HeapRuntime {
    Java,
    Node,
    Go,
    DotNet,
}

/// How much.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum HeapSize {
    /// So many bytes.
    Bytes(u64),
    /// A share of the container's memory limit, in hundredths of a percent: 75 % is 7500.
    OfLimit(u32),
}

impl HeapSize {
    /// In bytes, for a container with that memory limit in bytes; `None` for a share of no limit.
    #[must_use]
    pub fn bytes(self, limit: Option<u64>) -> Option<u64> {
        match self {
            Self::Bytes(bytes) => Some(bytes),
            Self::OfLimit(share) => {
                let bytes = u128::from(limit?) * u128::from(share) / 10_000;
                u64::try_from(bytes).ok()
            }
        }
    }
}

/// Where a setting stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum HeapOrigin {
    /// In `command`.
    Command,
    /// In `args`.
    Args,
    /// In the value of this environment variable.
    Env(String),
}
