//! What can go wrong with the store, each as one sentence that an operator can act on.

use std::path::PathBuf;

/// Why the store could not be opened, read or written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The data directory cannot be made, read or written.
    #[error("data directory `{path}` (--data-dir) cannot be used: {source}")]
    DataDir {
        /// The directory.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Another process has the data directory.
    #[error(
        "data directory `{path}` (--data-dir) is in use by another collector, which holds its `coroner.lock`"
    )]
    InUse {
        /// The directory.
        path: PathBuf,
    },
    /// The file is no SQLite database at all.
    #[error(
        "`{path}` is no database of Coroner's: its first bytes are {found}, expected `SQLite format 3`"
    )]
    NotADatabase {
        /// The file.
        path: PathBuf,
        /// Its first bytes, escaped.
        found: String,
    },
    /// The file is another program's database.
    #[error(
        "`{path}` is another program's database: its application id is {found:#x}, expected {expected:#x}"
    )]
    Foreign {
        /// The file.
        path: PathBuf,
        /// Its application id.
        found: i32,
        /// Coroner's.
        expected: i32,
    },
    /// A newer Coroner wrote the file.
    #[error(
        "`{path}` was written by a newer Coroner: its schema version is {found}, expected at most {expected}"
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its schema version.
        found: i32,
        /// The newest this Coroner knows.
        expected: i32,
    },
    /// SQLite refused. Worth trying again: the disk may be full, the file locked.
    #[error("database `{path}`: cannot {doing}: {source}")]
    Sqlite {
        /// The file.
        path: PathBuf,
        /// What was being done.
        doing: &'static str,
        /// What SQLite said.
        source: rusqlite::Error,
    },
    /// A stored message cannot be read.
    #[error("database `{path}`: {what} `{id}` cannot be decoded: {problem}")]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// Which kind of row.
        what: &'static str,
        /// Which row.
        id: String,
        /// Why.
        problem: String,
    },
    /// The thread that writes, or one that reads, could not be started or has ended.
    #[error("the store's {thread} thread is not running")]
    Stopped {
        /// Which thread.
        thread: &'static str,
    },
}
