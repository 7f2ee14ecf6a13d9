//! The file system of an image, as a tar file that is the same each time.
//!
//! The image specification (opencontainers/image-spec, layer.md) takes extended attributes from PAX records
//! `SCHILY.xattr.NAME`. A file capability is the attribute `security.capability`: `struct vfs_cap_data` of
//! include/uapi/linux/capability.h, little-endian.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::Path;

use anyhow::Context as _;
use tar::{Builder, EntryType, Header};

/// `VFS_CAP_REVISION_2`, without the flag that puts the capabilities into effect.
const REVISION: u32 = 0x0200_0000;

/// CAP_SYSLOG is the third of the upper 32.
const SYSLOG_UPPER: u32 = 1 << (34 - 32);

/// A layer that is being written.
pub(crate) struct Layer {
    tar: Builder<Vec<u8>>,
    there: BTreeSet<String>,
}

impl Layer {
    pub(crate) fn new() -> Self {
        Self { tar: Builder::new(Vec::new()), there: BTreeSet::new() }
    }

    /// A directory that belongs to `user`.
    pub(crate) fn dir(&mut self, path: &str, mode: u32, user: u64) -> anyhow::Result<()> {
        if !self.there.insert(path.to_owned()) {
            return Ok(());
        }
        let mut header = header(EntryType::Directory, 0, mode);
        header.set_uid(user);
        header.set_gid(user);
        Ok(self.tar.append_data(&mut header, format!("{path}/"), std::io::empty())?)
    }

    /// A file of root's.
    pub(crate) fn file(&mut self, path: &str, bytes: &[u8], mode: u32) -> anyhow::Result<()> {
        self.there.insert(path.to_owned());
        let mut header = header(EntryType::Regular, u64::try_from(bytes.len())?, mode);
        Ok(self.tar.append_data(&mut header, path, bytes)?)
    }

    /// A program, with CAP_SYSLOG permitted if `syslog`.
    pub(crate) fn program(&mut self, path: &str, bytes: &[u8], syslog: bool) -> anyhow::Result<()> {
        if syslog {
            let words = [REVISION, 0, 0, SYSLOG_UPPER, 0];
            let attribute: Vec<u8> = words.into_iter().flat_map(u32::to_le_bytes).collect();
            let name = "SCHILY.xattr.security.capability";
            self.tar.append_pax_extensions([(name, attribute.as_slice())])?;
        }
        self.file(path, bytes, 0o755)
    }

    /// A library of this machine, where it is here.
    pub(crate) fn shared_library(&mut self, path: &Path) -> anyhow::Result<()> {
        let name = path.to_str().context("a library has a name in UTF-8")?.trim_start_matches('/');
        if self.there.contains(name) {
            return Ok(());
        }
        for (at, _) in name.match_indices('/') {
            self.dir(&name[..at], 0o755, 0)?;
        }
        let bytes =
            std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        self.file(name, &bytes, 0o755)
    }

    /// The tar file.
    pub(crate) fn finish(self) -> anyhow::Result<Vec<u8>> {
        let mut bytes = self.tar.into_inner()?;
        bytes.flush()?;
        Ok(bytes)
    }
}

/// Of nobody's making at no time, so that nothing depends on who writes it when.
fn header(kind: EntryType, size: u64, mode: u32) -> Header {
    let mut header = Header::new_ustar();
    header.set_entry_type(kind);
    header.set_size(size);
    header.set_mode(mode);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header
}
