//! A file the kernel makes up when it is read, held open and read again and again.
//!
//! proc and cgroup files give their text anew for a read at offset 0, also through a descriptor that is held; a short
//! read is not the end. Holding them open saves most of what a look costs. A group that was removed reads as ENODEV.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

/// More than any of these files has on the largest machines (`vmstat` 8 KiB, `zoneinfo` some KiB a zone).
const FILE_MAX: usize = 1 << 20;

/// What is read at once.
const STEP: usize = 16 << 10;

/// A file of the kernel cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KernelFileError {
    #[error("cannot {what} {path}: {source}")]
    Io { what: &'static str, path: PathBuf, source: std::io::Error },
    #[error("{path} is larger than {FILE_MAX} bytes or no text, so it is no file of the kernel's")]
    Other { path: PathBuf },
}

/// An open file of the kernel.
#[derive(Debug)]
pub(crate) struct KernelFile {
    file: File,
    path: PathBuf,
}

impl KernelFile {
    /// Opens a file.
    ///
    /// # Errors
    /// When it is absent or may not be opened.
    pub(crate) fn open(path: impl Into<PathBuf>) -> Result<Self, KernelFileError> {
        let path = path.into();
        match File::open(&path) {
            Ok(file) => Ok(Self { file, path }),
            Err(source) => Err(KernelFileError::Io { what: "open", path, source }),
        }
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Reads the whole of it into `buffer`, which is emptied first.
    ///
    /// # Errors
    /// When the kernel refuses, or it is not what the kernel writes.
    pub(crate) fn read<'a>(&self, buffer: &'a mut Vec<u8>) -> Result<&'a str, KernelFileError> {
        buffer.clear();
        loop {
            let len = buffer.len();
            if len > FILE_MAX {
                return Err(KernelFileError::Other { path: self.path.clone() });
            }
            buffer.resize(len + STEP, 0);
            let offset = u64::try_from(len).unwrap_or(u64::MAX);
            let read = self.file.read_at(&mut buffer[len..], offset).map_err(|source| {
                KernelFileError::Io { what: "read", path: self.path.clone(), source }
            })?;
            buffer.truncate(len + read);
            if read == 0 {
                break;
            }
        }
        std::str::from_utf8(buffer).map_err(|_| KernelFileError::Other { path: self.path.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_anew_and_whole() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        std::fs::write(&path, "one\n").unwrap();
        let file = KernelFile::open(&path).unwrap();
        let mut buffer = Vec::new();
        assert_eq!(file.read(&mut buffer).unwrap(), "one\n");
        std::fs::write(&path, "x".repeat(STEP * 2 + 7)).unwrap();
        assert_eq!(file.read(&mut buffer).unwrap().len(), STEP * 2 + 7);
    }

    #[test]
    fn what_is_no_file_of_the_kernels_says_so_with_its_path() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        assert!(KernelFile::open(&path).unwrap_err().to_string().starts_with("cannot open /"));
        for content in [vec![0xff, 0xfe], vec![b'x'; FILE_MAX + STEP + 1]] {
            std::fs::write(&path, content).unwrap();
            let error = KernelFile::open(&path).unwrap().read(&mut Vec::new()).unwrap_err();
            assert!(error.to_string().contains("is no file of the kernel's"), "{error}");
        }
        let error = KernelFile::open(dir.path()).unwrap().read(&mut Vec::new()).unwrap_err();
        assert!(error.to_string().starts_with("cannot read /"), "{error}");
    }
}
