//! The incidents of the last minutes, for whoever begins to tell of them.

use coroner_proto::v1;
use jiff::Timestamp;
use prost::Message as _;

use super::{Store, StoreError};

impl Store {
    /// Incidents that happened since then, orderly ends left out: the newest `most` of them, the oldest of these first.
    ///
    /// # Errors
    ///
    /// If the database cannot be read.
    pub(crate) async fn recent(
        &self,
        since: Timestamp,
        most: usize,
    ) -> Result<Vec<v1::Incident>, StoreError> {
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let read = move |db: &rusqlite::Connection| {
            let mut select = db.prepare_cached(
                "SELECT body FROM incident INDEXED BY incident_time WHERE time_us >= $1 AND orderly = 0
                 ORDER BY time_us DESC, seq DESC LIMIT $2",
            )?;
            let rows = select.query_map((since.as_microsecond(), most), |row| row.get(0))?;
            rows.collect::<Result<Vec<Vec<u8>>, _>>()
        };
        let bodies = self.readers().ask("read the newest incidents", read).await?;
        // One that the disk changed is told of where it is asked for.
        Ok(bodies.iter().rev().filter_map(|b| v1::Incident::decode(b.as_slice()).ok()).collect())
    }
}
