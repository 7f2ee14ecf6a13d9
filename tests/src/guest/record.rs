//! What leaves a guest: one JSON object a line.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One line.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Line {
    /// A case was acted out.
    Case(Record),
    /// An incident, as `coroner list -o json` has it, and the text of `coroner why` for it.
    Incident {
        /// The JSON.
        json: Value,
        /// The text.
        why: String,
    },
    /// A file that the next boot has as well.
    State {
        /// Where.
        path: String,
        /// Its content.
        content: Vec<u8>,
    },
    /// What `coroner` said to something that was asked of it.
    Asked {
        /// Its arguments.
        args: Vec<String>,
        /// How it ended.
        code: Option<i32>,
        /// Everything it printed.
        text: String,
    },
    /// The end of a program's log.
    Log {
        /// Which program.
        program: String,
        /// Its last lines.
        text: String,
    },
    /// Something went wrong inside.
    Trouble(String),
    /// Everything was sent.
    End,
}

/// What was really done in a case: the truth that the answer is held against.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Record {
    /// The case's name.
    pub case: String,
    /// It began, in microseconds since 1970, and ...
    pub from_us: i64,
    /// ... this is when the answer was asked for.
    pub to_us: i64,
    /// Process ids on the guest by role.
    pub pids: BTreeMap<String, u32>,
    /// Container ids by role.
    pub containers: BTreeMap<String, String>,
    /// Pod uids by the roles of their containers.
    pub pods: BTreeMap<String, String>,
    /// Roles that were gone when the case ended.
    pub gone: Vec<String>,
    /// Why the case could not be acted out here, or did not come out as meant.
    pub failed: Option<String>,
}
