//! Opens the database file, or says in one sentence why not.
//!
//! A file of ours carries [`APPLICATION_ID`] and the version of its schema in its header, where SQLite keeps them for
//! exactly this. Nothing is changed in a file before both were looked at. An absent or empty file becomes a new
//! database. One process at a time: an advisory lock on `coroner.lock` beside the database, which the kernel drops
//! with its holder, however that ends.

use std::fs::{DirBuilder, File, TryLockError};
use std::io::Read as _;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use super::StoreError;

/// `CORN`: tells Coroner's databases from everyone else's.
pub(super) const APPLICATION_ID: i32 = 0x434f_524e;

/// What brings a database from version N (the index) to N + 1.
const MIGRATIONS: &[&str] = &[
    include_str!("schema.sql"),
    include_str!("schema-2.sql"),
    include_str!("schema-3.sql"),
    include_str!("schema-4.sql"),
    include_str!("schema-5.sql"),
];

/// How long to wait for another process that has the file locked, such as somebody's `sqlite3` shell.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// What the writer may keep of the file in memory. The default of 2 MiB is less than one large commit touches, which
/// would then be written twice.
const CACHE_KIB: i64 = 32 * 1024;

/// Pages of 4 KiB in the log before they are copied into the file. Pages that many commits touch, such as the tops of
/// indexes, are then copied once and not after every commit.
const CHECKPOINT_PAGES: i64 = 8000;

/// What every SQLite file begins with.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// An opened database: the connection that writes, and what keeps other processes away.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) path: PathBuf,
    pub(super) writer: Connection,
    pub(super) lock: File,
}

/// Opens `coroner.db` in `dir`, making both if they are not there.
pub(super) fn open(dir: &Path) -> Result<Opened, StoreError> {
    let unusable = |source| StoreError::DataDir { path: dir.to_owned(), source };
    // Names of processes and pods are nobody else's business.
    DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(unusable)?;
    let lock = File::options()
        .create(true)
        .write(true)
        .truncate(false)
        .open(dir.join("coroner.lock"))
        .map_err(unusable)?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(StoreError::InUse { path: dir.to_owned() }),
        Err(TryLockError::Error(source)) => return Err(unusable(source)),
    }

    let path = dir.join("coroner.db");
    refuse_other_files(&path).map_err(unusable)??;
    let failed = |doing| {
        let path = path.clone();
        move |source| StoreError::Sqlite { path, doing, source }
    };
    let mut writer = Connection::open(&path).map_err(failed("open it"))?;
    writer.busy_timeout(BUSY_TIMEOUT).map_err(failed("open it"))?;
    let version = version(&writer, &path)?;
    configure(&writer).map_err(failed("set it up"))?;
    migrate(&mut writer, version).map_err(failed("bring its schema up to date"))?;
    end_gaps(&writer, Timestamp::now()).map_err(failed("end what was left open"))?;
    Ok(Opened { path, writer, lock })
}

/// A connection that can only read.
pub(super) fn reader(path: &Path) -> Result<Connection, rusqlite::Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    plan_once(&connection)?;
    Ok(connection)
}

/// SQLite takes any file for a database until it reads it; this looks first.
fn refuse_other_files(path: &Path) -> Result<Result<(), StoreError>, std::io::Error> {
    let mut begin = Vec::new();
    match File::open(path) {
        Ok(file) => file.take(16).read_to_end(&mut begin)?,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Ok(())),
        Err(e) => return Err(e),
    };
    if begin.is_empty() || begin == MAGIC {
        return Ok(Ok(()));
    }
    let found = format!("`{}`", begin.escape_ascii());
    Ok(Err(StoreError::NotADatabase { path: path.to_owned(), found }))
}

/// The schema version of a database of ours; 0 for one with nothing in it yet.
fn version(connection: &Connection, path: &Path) -> Result<i32, StoreError> {
    let failed =
        |source| StoreError::Sqlite { path: path.to_owned(), doing: "read its header", source };
    let pragma = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i32>(0));
    let (id, found) =
        (pragma("application_id").map_err(failed)?, pragma("user_version").map_err(failed)?);
    let tables: i64 = connection
        .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
        .map_err(failed)?;
    if id == 0 && found == 0 && tables == 0 {
        return Ok(0);
    }
    if id != APPLICATION_ID {
        return Err(StoreError::Foreign {
            path: path.to_owned(),
            found: id,
            expected: APPLICATION_ID,
        });
    }
    let expected = newest();
    if found > expected {
        return Err(StoreError::Newer { path: path.to_owned(), found, expected });
    }
    Ok(found)
}

/// The newest schema version this code knows.
fn newest() -> i32 {
    i32::try_from(MIGRATIONS.len()).unwrap_or(i32::MAX)
}

/// Without this SQLite plans a prepared statement again for each new value in a range, in case statistics of the data
/// tell of a better plan: a third of all the work of storing a kill.
fn plan_once(connection: &Connection) -> Result<(), rusqlite::Error> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map(drop)
}

/// A commit is on the disk when it returns (WAL and FULL). Readers never wait for the writer.
fn configure(connection: &Connection) -> Result<(), rusqlite::Error> {
    plan_once(connection)?;
    // Only has an effect before the first table is made, and has to come before WAL.
    connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
    connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
    Ok(())
}

/// Runs what is missing, each step with its version in one transaction.
fn migrate(connection: &mut Connection, version: i32) -> Result<(), rusqlite::Error> {
    let done = usize::try_from(version).unwrap_or(0);
    for (next, sql) in (1..).zip(MIGRATIONS).skip(done) {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        transaction.execute_batch(sql)?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.pragma_update(None, "user_version", next)?;
        transaction.commit()?;
    }
    Ok(())
}

/// Ends what the collector before could not read of the API and did not live to read again. Whoever cannot read it now
/// opens a gap of its own; left open, this one would last for ever.
fn end_gaps(connection: &Connection, now: Timestamp) -> Result<(), rusqlite::Error> {
    let sql = "UPDATE api_gap SET to_us = max($1, from_us) WHERE to_us IS NULL";
    connection.execute(sql, [now.as_microsecond()]).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(dir: &Path) -> String {
        open(dir).unwrap_err().to_string()
    }

    #[test]
    fn a_new_database_is_made_and_opened_again() {
        let dir = tempfile::tempdir().unwrap();
        drop(open(dir.path()).unwrap());
        let opened = open(dir.path()).unwrap();
        assert_eq!(version(&opened.writer, &opened.path).unwrap(), newest());
    }

    #[test]
    fn an_empty_file_becomes_a_database() {
        let dir = tempfile::tempdir().unwrap();
        File::create(dir.path().join("coroner.db")).unwrap();
        open(dir.path()).unwrap();
    }

    #[test]
    fn a_file_that_is_no_database_is_refused_and_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("coroner.db");
        std::fs::write(&path, "my holiday\nphotos, all of them").unwrap();
        assert_eq!(
            refusal(dir.path()),
            format!(
                "`{}` is no database of Coroner's: its first bytes are `my holiday\\nphoto`, expected `SQLite format 3`",
                path.display()
            )
        );
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "my holiday\nphotos, all of them");
    }

    #[test]
    fn another_programs_database_is_refused_and_left_alone() {
        for id in [0, 42] {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("coroner.db");
            let other = Connection::open(&path).unwrap();
            other.execute_batch("CREATE TABLE photo (name TEXT)").unwrap();
            other.pragma_update(None, "application_id", id).unwrap();
            drop(other);
            let before = std::fs::read(&path).unwrap();
            assert_eq!(
                refusal(dir.path()),
                format!(
                    "`{}` is another program's database: its application id is {id:#x}, expected 0x434f524e",
                    path.display()
                )
            );
            assert_eq!(std::fs::read(&path).unwrap(), before);
        }
    }

    #[test]
    fn a_newer_schema_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        open(dir.path()).unwrap().writer.pragma_update(None, "user_version", 99).unwrap();
        assert_eq!(
            refusal(dir.path()),
            format!(
                "`{}` was written by a newer Coroner: its schema version is 99, expected at most {}",
                dir.path().join("coroner.db").display(),
                newest()
            )
        );
    }

    #[test]
    fn a_data_directory_in_use_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let _first = open(dir.path()).unwrap();
        assert!(
            refusal(dir.path()).contains("is in use by another collector"),
            "{}",
            refusal(dir.path())
        );
    }

    #[test]
    fn a_directory_that_cannot_be_written_is_refused_in_words() {
        // Nobody may make files in there, root included.
        let dir = Path::new("/proc/self");
        assert!(
            refusal(dir).starts_with("data directory `/proc/self` (--data-dir) cannot be used: ")
        );
        // A file where the directory should be.
        let file = tempfile::NamedTempFile::new().unwrap();
        let expected =
            format!("data directory `{}` (--data-dir) cannot be used: ", file.path().display());
        assert!(refusal(file.path()).starts_with(&expected), "{}", refusal(file.path()));
    }
}
