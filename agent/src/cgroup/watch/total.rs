//! How many processes the kernel's OOM killer took on the whole machine: `oom_kill` of `/proc/vmstat`.
//!
//! The kernel counts it in the same place as the groups' `oom_kill` (mm/oom_kill.c, `__oom_kill_process`), since 4.13,
//! for limits of groups too. So one small read tells whether any kill is missing among those that groups counted, and
//! a machine with a thousand containers costs what one with a hundred does. `None` on kernels without it.

use std::path::{Path, PathBuf};

/// More than the file has (4 to 8 KiB).
const FILE_MAX: usize = 64 << 10;

/// The count and what is accounted for of it.
#[derive(Debug)]
pub(super) struct Total {
    path: Option<PathBuf>,
    /// Kills that are accounted for, those from before the agent too.
    accounted: Option<u64>,
}

impl Total {
    /// Takes what is counted now for accounted.
    /// Without a root nothing is ever missing.
    pub(super) fn new(proc_root: Option<&Path>) -> Self {
        let path = proc_root.map(|root| root.join("vmstat"));
        let accounted = path.as_deref().and_then(read);
        Self { path, accounted }
    }

    /// What the kernel counts now.
    pub(super) fn read(&self) -> Option<u64> {
        self.path.as_deref().and_then(read)
    }

    /// Some kills were reported.
    pub(super) fn account(&mut self, kills: u64) {
        self.accounted = self.accounted.map(|sum| sum.saturating_add(kills));
    }

    /// How many of `total` are not accounted for; `None` where the kernel does not count.
    pub(super) fn missing(&self, total: Option<u64>) -> Option<u64> {
        Some(total?.saturating_sub(self.accounted?))
    }

    /// Gives up on what is missing.
    pub(super) fn settle(&mut self, total: Option<u64>) {
        if let (Some(sum), Some(total)) = (&mut self.accounted, total) {
            *sum = (*sum).max(total);
        }
    }
}

fn read(path: &Path) -> Option<u64> {
    let mut file = std::fs::File::open(path).ok()?;
    let mut text = Vec::with_capacity(8 << 10);
    let mut buffer = [0; 8 << 10];
    loop {
        match std::io::Read::read(&mut file, &mut buffer) {
            Ok(0) => break,
            Ok(len) => text.extend_from_slice(buffer.get(..len)?),
            Err(_) => return None,
        }
        if text.len() > FILE_MAX {
            return None;
        }
    }
    let at = memchr::memmem::find(&text, b"\noom_kill ")?;
    let value = text.get(at + b"\noom_kill ".len()..)?;
    let value = value.split(|byte| *byte == b'\n').next()?;
    std::str::from_utf8(value).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_what_nobody_reported() {
        let dir = tempfile::tempdir().unwrap();
        let count = |n: u64| {
            let text = format!("nr_free_pages 1\npgscan 7\noom_kill {n}\nnuma_hit 3\n");
            std::fs::write(dir.path().join("vmstat"), text).unwrap();
        };
        count(5);
        let mut total = Total::new(Some(dir.path()));
        assert_eq!(total.missing(total.read()), Some(0));
        count(8);
        total.account(2);
        assert_eq!(total.missing(total.read()), Some(1));
        total.settle(total.read());
        total.account(4);
        assert_eq!(total.missing(total.read()), Some(0), "reported before it was read");
    }

    #[test]
    fn a_kernel_that_does_not_count_says_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let mut total = Total::new(Some(dir.path()));
        total.account(1);
        assert_eq!((total.read(), total.missing(Some(3))), (None, None));
        std::fs::write(dir.path().join("vmstat"), "oom_killer 3\n").unwrap();
        assert_eq!(total.read(), None);
    }
}
