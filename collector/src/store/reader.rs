//! Connections that only read, one for each question being answered, kept for the next.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;
use tokio::sync::Semaphore;

use super::{StoreError, open};

/// Most questions answered at once. SQLite reads from memory or a local disk: more threads than that only queue
/// there instead of here.
const MAX_READERS: usize = 8;

/// The readers' connections.
#[derive(Clone, Debug)]
pub(crate) struct Readers {
    path: Arc<Path>,
    idle: Arc<Mutex<Vec<Connection>>>,
    permits: Arc<Semaphore>,
}

impl Readers {
    pub(super) fn new(path: PathBuf) -> Self {
        Self {
            path: path.into(),
            idle: Arc::default(),
            permits: Arc::new(Semaphore::new(MAX_READERS)),
        }
    }

    /// Where the database is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Runs `question` on a connection of its own, off the async threads.
    ///
    /// # Errors
    ///
    /// If the database cannot be opened or `question` fails.
    pub(crate) async fn ask<T: Send + 'static>(
        &self,
        doing: &'static str,
        question: impl FnOnce(&Connection) -> Result<T, rusqlite::Error> + Send + 'static,
    ) -> Result<T, StoreError> {
        let stopped = || StoreError::Stopped { thread: "reading" };
        let _permit = self.permits.acquire().await.map_err(|_| stopped())?;
        let readers = self.clone();
        let work = move || {
            let failed =
                |source| StoreError::Sqlite { path: readers.path.to_path_buf(), doing, source };
            let idle = readers.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let connection = match idle {
                Some(connection) => connection,
                None => open::reader(&readers.path).map_err(failed)?,
            };
            // A connection whose question failed is not used again.
            let answer = question(&connection).map_err(failed)?;
            readers.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
            Ok(answer)
        };
        tokio::task::spawn_blocking(work).await.map_err(|_| stopped())?
    }
}
