//! A request of the ledger's, what became of it, and why there was none.

use super::event::{About, VerdictEvent};
use crate::incident::Cause;

/// Why something was not told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Loss {
    /// It happened too long ago, or could not be written for too long.
    Old,
    /// Kubernetes' names for whom it is about did not become known in time.
    Unnamed,
    /// Too many waited.
    Full,
    /// The API server does not allow it.
    Refused,
    /// The API server does not take it.
    Invalid,
}

impl Loss {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Old, Self::Unnamed, Self::Full, Self::Refused, Self::Invalid];

    /// The name, as in metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Old => "old",
            Self::Unnamed => "unnamed",
            Self::Full => "full",
            Self::Refused => "refused",
            Self::Invalid => "invalid",
        }
    }
}

/// A request to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Write {
    /// A new event.
    Create {
        /// Its name.
        name: String,
        /// What it says.
        event: Box<VerdictEvent>,
    },
    /// It happened again.
    Count {
        /// The event's namespace.
        namespace: String,
        /// Its name.
        name: String,
        /// How often, with the first.
        count: u32,
        /// When last, as the API writes it.
        last: String,
        /// Whose.
        whose: Box<Whose>,
    },
}

impl Write {
    /// The namespace it goes to.
    #[must_use]
    pub fn namespace(&self) -> &str {
        match self {
            Self::Create { event, .. } => event.about.namespace(),
            Self::Count { namespace, .. } => namespace,
        }
    }
}

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It was done.
    Done,
    /// An event of that name is there already, from before we were started.
    There,
    /// There is none of that name.
    Gone,
    /// It is not allowed in that namespace.
    Refused,
    /// It is not taken, whenever it is asked.
    Invalid,
    /// Nobody answered, or nobody could: ask again.
    Failed,
}

/// To what the same happens again: who, which container, and of what.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Whose {
    about: About,
    container: Option<String>,
    cause: Cause,
}

impl Whose {
    pub(super) fn of(event: &VerdictEvent) -> Self {
        let VerdictEvent { about, container, cause, .. } = event;
        Self { about: about.clone(), container: container.clone(), cause: *cause }
    }
}
