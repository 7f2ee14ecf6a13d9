//! One file that others write, move away, cut off and make anew.
//!
//! A file is known by device and inode, not by its name. What is new is what stands behind the place read last; when the
//! name leads to another file the old one is read to its end first. A file that became shorter was cut off: what it held in between is
//! lost if it was not read.

use std::fs::{File, Metadata};
use std::io::{ErrorKind, Read as _, Seek as _, SeekFrom};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// Read at once.
const CHUNK: usize = 64 << 10;

/// A file cannot be followed.
#[derive(Debug, thiserror::Error)]
#[error("cannot read log file `{path}`: {source}; it is tried again")]
pub(super) struct FollowError {
    path: PathBuf,
    source: std::io::Error,
}

/// What a look gave.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step<'a> {
    /// Nothing is new.
    Nothing,
    /// A file begins here: what identifies it and the place.
    Begins(String),
    /// The next bytes.
    Text(&'a [u8]),
    /// The file became shorter; it is read from its begin.
    Cut,
}

/// A followed file.
#[derive(Debug)]
pub(super) struct Follow {
    path: PathBuf,
    open: Option<(File, (u64, u64), u64)>,
    /// The first file is read from its end, those that come after it from their begin.
    first: bool,
    buffer: Vec<u8>,
}

impl Follow {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, open: None, first: true, buffer: vec![0; CHUNK] }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The next thing; [`Step::Nothing`] when all is read.
    ///
    /// # Errors
    /// When the file is there and cannot be read.
    pub(super) fn step(&mut self) -> Result<Step<'_>, FollowError> {
        let failed = |source| FollowError { path: self.path.clone(), source };
        let Some((file, identity, at)) = &mut self.open else { return self.begin() };
        let read = file.read(&mut self.buffer).map_err(failed)?;
        if read > 0 {
            *at += u64::try_from(read).unwrap_or(0);
            return Ok(Step::Text(&self.buffer[..read]));
        }
        let length = file.metadata().map_err(failed)?.len();
        if length < *at {
            file.seek(SeekFrom::Start(0)).map_err(failed)?;
            *at = 0;
            return Ok(Step::Cut);
        }
        match std::fs::metadata(&self.path) {
            Ok(now) if same(&now) != *identity => {
                self.open = None;
                self.begin()
            }
            // Moved away and not made anew yet: whoever writes may still write to it.
            _ => Ok(Step::Nothing),
        }
    }

    fn begin(&mut self) -> Result<Step<'_>, FollowError> {
        let failed = |source| FollowError { path: self.path.clone(), source };
        let mut file = match File::open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                // What is made from now on is read whole.
                self.first = false;
                return Ok(Step::Nothing);
            }
            Err(error) => return Err(failed(error)),
        };
        let metadata = file.metadata().map_err(failed)?;
        if !metadata.is_file() {
            return Err(failed(std::io::Error::other("it is no file, expected a text file")));
        }
        let at = match std::mem::replace(&mut self.first, false) {
            true => file.seek(SeekFrom::End(0)).map_err(failed)?,
            false => 0,
        };
        let identity = same(&metadata);
        self.open = Some((file, identity, at));
        Ok(Step::Begins(format!("{}.{}:{at}", identity.0, identity.1)))
    }
}

/// What makes a file the same.
fn same(metadata: &Metadata) -> (u64, u64) {
    (metadata.dev(), metadata.ino())
}

#[cfg(test)]
mod tests {
    use std::fs::OpenOptions;
    use std::io::Write as _;

    use super::*;

    fn append(path: &Path, text: &str) {
        let mut file = OpenOptions::new().create(true).append(true).open(path).unwrap();
        file.write_all(text.as_bytes()).unwrap();
    }

    /// All that is new, with `|` where a file begins and `!` where one was cut off.
    fn news(follow: &mut Follow) -> String {
        let mut out = String::new();
        loop {
            match follow.step().unwrap() {
                Step::Nothing => return out,
                Step::Begins(_) => out.push('|'),
                Step::Cut => out.push('!'),
                Step::Text(bytes) => out.push_str(std::str::from_utf8(bytes).unwrap()),
            }
        }
    }

    #[test]
    fn every_line_is_read_once_through_every_kind_of_rotation() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("syslog");
        append(&path, "old\n");
        let mut follow = Follow::new(path.clone());
        assert_eq!(news(&mut follow), "|");
        append(&path, "a\n");
        assert_eq!(news(&mut follow), "a\n");
        assert_eq!(news(&mut follow), "");
        // Moved away, written once more, made anew.
        append(&path, "b\n");
        std::fs::rename(&path, dir.path().join("syslog.1")).unwrap();
        assert_eq!(news(&mut follow), "b\n");
        append(&dir.path().join("syslog.1"), "c\n");
        append(&path, "d\n");
        assert_eq!(news(&mut follow), "c\n|d\n");
        // Copied and cut off.
        std::fs::write(&path, "").unwrap();
        append(&path, "e");
        assert_eq!(news(&mut follow), "!e");
        // Removed, and made anew later.
        std::fs::remove_file(&path).unwrap();
        assert_eq!(news(&mut follow), "");
        append(&path, "f\n");
        assert_eq!(news(&mut follow), "|f\n");
    }

    #[test]
    fn a_file_that_comes_later_is_read_whole() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("syslog");
        let mut follow = Follow::new(path.clone());
        assert_eq!(news(&mut follow), "");
        append(&path, "a\n");
        assert_eq!(news(&mut follow), "|a\n");
    }

    #[test]
    fn what_is_no_file_is_refused_in_one_sentence() {
        let mut follow = Follow::new(PathBuf::from("/proc"));
        let error = follow.step().unwrap_err().to_string();
        assert_eq!(
            error,
            "cannot read log file `/proc`: it is no file, expected a text file; it is tried again"
        );
    }
}
