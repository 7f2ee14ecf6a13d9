//! The headroom source: what is kept for the host against what everything outside of pods holds.
//!
//! `/proc/meminfo` and two files of the pods' group are read now and then; groups and processes of the host only when
//! something is reported. Without a memory hierarchy, or without a group of pods, only the node as a whole is known, and
//! a group that comes later is found within a minute.

mod groups;
mod kubelet;
mod processes;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use coroner_core::finding::{GroupUse, Headroom, HugePages, Occasion};
use coroner_core::headroom::{Alarms, Change, Meminfo, Most, outside, reservation};

use crate::cgroup::Hierarchy;
use crate::kernel_file::{KernelFile, KernelFileError};
pub(crate) use kubelet::configuration;
pub use kubelet::{Reserved, ReservedError, reserved};

/// Groups of the host that are named.
const GROUPS: usize = 10;

/// Seconds between two searches for the pods' group.
const SEARCH_EVERY: u64 = 60;

/// Memory cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HeadroomError {
    #[error("headroom is not watched: {0}")]
    File(#[from] KernelFileError),
    #[error("headroom is not watched: {path} does not say how much memory there is")]
    Content { path: String },
}

/// Reads memory.
#[derive(Debug)]
pub(crate) struct Room {
    proc_root: PathBuf,
    meminfo: KernelFile,
    reserved: Reserved,
    /// The pods' group, and when it was looked for.
    pods: Option<String>,
    searched: Option<u64>,
    alarms: Alarms,
    most: Most,
    buffer: Vec<u8>,
}

impl Room {
    /// Opens the files of a `/proc`.
    ///
    /// # Errors
    /// When there is no `meminfo`, or it is none.
    pub(crate) fn open(proc_root: &Path, reserved: Reserved) -> Result<Self, HeadroomError> {
        let mut new = Self {
            proc_root: proc_root.to_owned(),
            meminfo: KernelFile::open(proc_root.join("meminfo"))?,
            reserved,
            pods: None,
            searched: None,
            alarms: Alarms::default(),
            most: Most::default(),
            buffer: Vec::new(),
        };
        new.memory()?;
        Ok(new)
    }

    /// What is read, in words.
    pub(crate) fn detail(&self, hierarchy: Option<&Hierarchy>) -> String {
        let pods = match (hierarchy, &self.pods) {
            (None, _) => "without cgroups only the node as a whole is known".to_owned(),
            (Some(_), None) => "there is no group of pods (kubepods) yet".to_owned(),
            (Some(_), Some(pods)) => {
                format!("the group of pods is {}", coroner_core::escape::terminal(pods))
            }
        };
        let path = self.meminfo.path().display();
        format!(
            "reads {path} every {} s and at kills; {pods}",
            crate::surroundings::EVERY.as_secs()
        )
    }

    /// Memory set aside as huge pages, for others who want to know.
    pub(crate) fn huge_pages(&mut self) -> HugePages {
        self.memory().map(|memory| memory.huge_pages).unwrap_or_default()
    }

    /// Takes a look at `at`, in seconds; a finding when something changed.
    ///
    /// # Errors
    /// When the file can no longer be read.
    pub(crate) fn sample(
        &mut self,
        at: u64,
        hierarchy: Option<&Hierarchy>,
    ) -> Result<Option<Headroom>, HeadroomError> {
        let memory = self.memory()?;
        let pods = self.pods(at, hierarchy);
        let outside = outside(&memory, pods.as_ref());
        let reservation = self.reservation(&memory, pods.as_ref());
        // Without pods there is nothing that anything could be outside of.
        let outside = outside.filter(|_| pods.is_some());
        if let Some(outside) = outside {
            self.most.add(at, outside);
        }
        let change = self.alarms.sample(memory.total, pods.as_ref(), &reservation, outside);
        Ok(change.map(|change| {
            let occasion = match change {
                Change::Raised => Occasion::Raised,
                Change::Cleared => Occasion::Cleared,
            };
            self.finding(at, occasion, &memory, pods, hierarchy)
        }))
    }

    /// What it is now, whatever it is; with `details` the groups and processes of the host too.
    ///
    /// # Errors
    /// When the file can no longer be read.
    pub(crate) fn now(
        &mut self,
        at: u64,
        occasion: Occasion,
        hierarchy: Option<&Hierarchy>,
        details: bool,
    ) -> Result<Headroom, HeadroomError> {
        let memory = self.memory()?;
        let pods = self.pods(at, hierarchy);
        let looked_at = hierarchy.filter(|_| details);
        Ok(self.finding(at, occasion, &memory, pods, looked_at))
    }

    fn finding(
        &self,
        at: u64,
        occasion: Occasion,
        memory: &Meminfo,
        pods: Option<GroupUse>,
        hierarchy: Option<&Hierarchy>,
    ) -> Headroom {
        let mut groups = hierarchy
            .map(|hierarchy| groups::host(hierarchy, self.pods.as_deref()))
            .unwrap_or_default();
        groups.truncate(GROUPS);
        let processes = hierarchy
            .map(|hierarchy| processes::largest(hierarchy, &self.proc_root, &groups))
            .unwrap_or_default();
        Headroom {
            occasion,
            capacity: memory.total,
            available: memory.available,
            reservation: self.reservation(memory, pods.as_ref()),
            outside: outside(memory, pods.as_ref()),
            pods,
            kernel: memory.kernel,
            shmem: memory.shmem,
            groups,
            processes,
            most: self.most.at(at),
            concerns: self.alarms.concerns(),
        }
    }

    fn reservation(
        &self,
        memory: &Meminfo,
        pods: Option<&GroupUse>,
    ) -> coroner_core::finding::Reservation {
        reservation(memory.total, pods, (self.reserved.kube, self.reserved.system))
    }

    /// The pods' group, searched for when it is not known or gone.
    fn pods(&mut self, at: u64, hierarchy: Option<&Hierarchy>) -> Option<GroupUse> {
        let hierarchy = hierarchy?;
        if let Some(usage) = self.pods.as_deref().and_then(|path| groups::usage(hierarchy, path)) {
            return Some(usage);
        }
        if self.searched.is_some_and(|then| at.saturating_sub(then) < SEARCH_EVERY) {
            return None;
        }
        self.searched = Some(at);
        self.pods = groups::pods(hierarchy);
        groups::usage(hierarchy, self.pods.as_deref()?)
    }

    fn memory(&mut self) -> Result<Meminfo, HeadroomError> {
        let memory = Meminfo::read(self.meminfo.read(&mut self.buffer)?);
        match memory.total {
            Some(_) => Ok(memory),
            None => Err(HeadroomError::Content { path: self.meminfo.path().display().to_string() }),
        }
    }
}
