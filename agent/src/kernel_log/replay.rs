//! A recorded log in place of the device: the same records, one after the other, then silence.
//!
//! A recording is what reading `/dev/kmsg` to a file gives: each record on a line of its own, followed by its
//! ` KEY=value` lines (Documentation/ABI/testing/dev-kmsg). It belongs to another boot, so it gets a boot id made of
//! its content: played twice, it gives the same facts, which are stored once.

use std::path::PathBuf;

use xxhash_rust::xxh3::xxh3_128;

use super::record::head;
use crate::config::KernelLogSource;

/// A recording that is larger than this is not one of a kernel's ring, which holds some MiB at most.
const RECORDING_MAX: u64 = 256 << 20;

/// The recording cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// It cannot be read.
    #[error("cannot read the recorded kernel log {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// It is no recording.
    #[error("{name} is no recorded kernel log: no line of it begins like `6,339,5140900,-;`")]
    NoRecords {
        /// The file, or words for bytes in memory.
        name: String,
    },
}

/// A recording.
#[derive(Debug)]
pub(crate) struct Recording {
    bytes: Vec<u8>,
    /// Made of the content, in the form of a boot id.
    pub boot_id: String,
    /// Stamp of the last record in microseconds.
    pub end_us: u64,
}

impl Recording {
    /// Loads the recording that `source` names; `None` where it names a device.
    ///
    /// # Errors
    /// When the file cannot be read, is too large or holds no record.
    pub(crate) fn load(source: &KernelLogSource) -> Result<Option<Self>, ReplayError> {
        let (bytes, name) = match source {
            KernelLogSource::Device(_) => return Ok(None),
            KernelLogSource::ReplayBytes(bytes) => (bytes.clone(), "the given text".to_owned()),
            KernelLogSource::ReplayFile(path) => {
                let read = |source| ReplayError::Read { path: path.clone(), source };
                let meta = std::fs::metadata(path).map_err(read)?;
                if meta.len() > RECORDING_MAX {
                    return Err(read(std::io::Error::other(format!(
                        "it has {} bytes",
                        meta.len()
                    ))));
                }
                (std::fs::read(path).map_err(read)?, path.display().to_string())
            }
        };
        let end_us = records(&bytes).filter_map(head).map(|h| h.monotonic_us).max();
        let end_us = end_us.ok_or(ReplayError::NoRecords { name })?;
        let hash = format!("{:032x}", xxh3_128(&bytes));
        let boot_id =
            [&hash[0..8], &hash[8..12], &hash[12..16], &hash[16..20], &hash[20..32]].join("-");
        Ok(Some(Self { bytes, boot_id, end_us }))
    }

    /// Its records, each with its ` KEY=value` lines.
    pub(crate) fn records(&self) -> impl Iterator<Item = &[u8]> {
        records(&self.bytes)
    }
}

/// Cuts a recording where a line does not begin with a blank.
fn records(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let mut end = 0;
        loop {
            match memchr::memchr(b'\n', &rest[end..]) {
                None => end = rest.len(),
                Some(at) => end += at + 1,
            }
            if rest.get(end) != Some(&b' ') {
                break;
            }
        }
        let (record, tail) = rest.split_at(end);
        rest = tail;
        Some(record)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &[u8] = b"6,1,10,-;one\n SUBSYSTEM=acpi\n DEVICE=+x\n4,2,30,-;two\n4,3,20,-;three";

    #[test]
    fn records_keep_their_key_lines() {
        let found: Vec<_> = records(LOG).map(<[u8]>::len).collect();
        assert_eq!(found, [40, 13, 14]);
        assert_eq!(records(b"\n\n 6\n").count(), 2);
        assert_eq!(records(b"").count(), 0);
    }

    #[test]
    fn the_same_content_is_the_same_boot_and_other_content_another() {
        let load = |bytes: &[u8]| {
            Recording::load(&KernelLogSource::ReplayBytes(bytes.to_vec())).unwrap().unwrap()
        };
        let (a, b, c) = (load(LOG), load(LOG), load(b"6,1,10,-;other\n"));
        assert_eq!(a.boot_id, b.boot_id);
        assert_ne!(a.boot_id, c.boot_id);
        assert_eq!((a.boot_id.len(), a.end_us), (36, 30));
    }

    #[test]
    fn what_is_no_recording_is_refused_by_name() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.kmsg");
        let load =
            || Recording::load(&KernelLogSource::ReplayFile(path.clone())).unwrap_err().to_string();
        assert!(load().contains("cannot read the recorded kernel log"));
        std::fs::write(&path, "[ 1.0] dmesg text\n").unwrap();
        assert!(load().contains("x.kmsg is no recorded kernel log"));
    }
}
