//! The acknowledged position on disk.
//!
//! One small JSON file, replaced as a whole: written beside, synced, renamed over, and the directory synced, so that
//! after any crash either the old or the new one stands there. An absent file is a first start. One that cannot be
//! understood is set aside with its content kept, and the agent starts anew: the collector recognises what it has.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use crate::position::Position;

const FILE: &str = "position.json";

/// More than any position this agent writes (4096 remembered findings of about 100 bytes).
const FILE_MAX: u64 = 4 << 20;

/// The state directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// The directory or a file in it cannot be written.
    #[error("cannot write {path}: {source}")]
    Write {
        /// Which.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The file is there and cannot be read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// Which.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
}

/// What was found at start.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Loaded {
    /// The position, if there is one that is understood.
    pub position: Option<Position>,
    /// A sentence about a file that was set aside.
    pub warning: Option<String>,
}

/// The directory.
#[derive(Clone, Debug)]
pub(crate) struct StateDir {
    dir: PathBuf,
}

impl StateDir {
    /// Makes sure that the directory exists.
    ///
    /// # Errors
    /// When it cannot be made.
    pub(crate) fn open(dir: &Path) -> Result<Self, StateError> {
        std::fs::create_dir_all(dir)
            .map_err(|source| StateError::Write { path: dir.to_owned(), source })?;
        Ok(Self { dir: dir.to_owned() })
    }

    /// Reads the position.
    ///
    /// # Errors
    /// When the file is there and cannot be read at all, or not be set aside.
    pub(crate) fn load(&self) -> Result<Loaded, StateError> {
        let path = self.dir.join(FILE);
        let read = |source| StateError::Read { path: path.clone(), source };
        let size = match std::fs::metadata(&path) {
            Ok(meta) => meta.len(),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Loaded { position: None, warning: None });
            }
            Err(e) => return Err(read(e)),
        };
        let parsed = if size > FILE_MAX {
            Err(format!("it has {size} bytes"))
        } else {
            let bytes = std::fs::read(&path).map_err(read)?;
            serde_json::from_slice(&bytes).map_err(|e| e.to_string())
        };
        match parsed {
            Ok(position) => Ok(Loaded { position: Some(position), warning: None }),
            Err(reason) => {
                let aside = self.dir.join("position.json.corrupt");
                std::fs::rename(&path, &aside)
                    .map_err(|source| StateError::Write { path: aside.clone(), source })?;
                let warning = format!(
                    "{} is not a saved position ({reason}); it was set aside as {} and the log is read from the start",
                    path.display(),
                    aside.display()
                );
                Ok(Loaded { position: None, warning: Some(warning) })
            }
        }
    }

    /// Replaces the position. Blocks for as long as the disk takes to sync.
    ///
    /// # Errors
    /// When the disk is full, read-only or gone; the old position then still stands.
    pub(crate) fn save(&self, position: &Position) -> Result<(), StateError> {
        let path = self.dir.join(FILE);
        let beside = self.dir.join("position.json.new");
        let write = || -> std::io::Result<()> {
            let mut file = std::fs::File::create(&beside)?;
            file.write_all(&serde_json::to_vec(position)?)?;
            file.sync_all()?;
            std::fs::rename(&beside, &path)?;
            std::fs::File::open(&self.dir)?.sync_all()
        };
        write().map_err(|source| StateError::Write { path: path.clone(), source })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::position::Mark;
    use coroner_core::finding::FindingId;

    #[test]
    fn a_position_comes_back_as_it_was() {
        let dir = tempfile::tempdir().unwrap();
        let state = StateDir::open(&dir.path().join("a/b")).unwrap();
        assert_eq!(state.load().unwrap(), Loaded { position: None, warning: None });
        let mark = Mark { seq: Some(41), monotonic_us: Some(9) };
        let position = Position {
            boot_id: "b0".into(),
            through: Some(mark),
            ahead: [(FindingId("kmsg:b0:44".into()), mark)].into(),
        };
        state.save(&position).unwrap();
        assert_eq!(state.load().unwrap().position, Some(position));
        let left: Vec<_> = std::fs::read_dir(dir.path().join("a/b"))
            .unwrap()
            .map(|e| e.unwrap().file_name())
            .collect();
        assert_eq!(left, ["position.json"]);
    }

    #[test]
    fn a_corrupt_file_is_set_aside_and_kept() {
        for garbage in [b"{\"boot_id\":".as_slice(), b"", b"\xff\x00", b"[]"] {
            let dir = tempfile::tempdir().unwrap();
            let state = StateDir::open(dir.path()).unwrap();
            std::fs::write(dir.path().join(FILE), garbage).unwrap();
            let loaded = state.load().unwrap();
            assert_eq!(loaded.position, None);
            assert!(loaded.warning.unwrap().contains("set aside"));
            assert_eq!(std::fs::read(dir.path().join("position.json.corrupt")).unwrap(), garbage);
            assert_eq!(state.load().unwrap(), Loaded { position: None, warning: None });
        }
    }

    #[test]
    fn a_directory_that_cannot_be_made_names_itself() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        std::fs::write(&file, "").unwrap();
        let error = StateDir::open(&file.join("state")).unwrap_err().to_string();
        assert!(error.contains("file/state"), "{error}");
        let state = StateDir { dir: dir.path().join("gone") };
        assert!(
            state
                .save(&Position::default())
                .unwrap_err()
                .to_string()
                .contains("gone/position.json")
        );
    }
}
