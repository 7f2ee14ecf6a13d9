//! The pressure source: time lost for want of memory, CPU and disk, on the node and in groups.
//!
//! `/proc/pressure/*` (since 4.20, where compiled in) and, on cgroup v2, the same files in every group. With `psi=0` they
//! are there and read as EOPNOTSUPP, which is no failure of ours. The node's memory is read every now and then, so that
//! what stalled in the minute before a kill is known exactly; of groups the kernel's own averages are.

#[cfg(test)]
mod tests;

use std::io::ErrorKind;
use std::path::Path;

use coroner_core::finding::{GroupPressure, Occasion, Pressure, ResourcePressure};
use coroner_core::hysteresis::{Change, Hysteresis, Level};
use coroner_core::pressure::{Ring, read};

use crate::cgroup::{Hierarchy, Version};
use crate::kernel_file::{KernelFile, KernelFileError};

/// Some task waited for memory for this share of the last minute, in hundredths of a percent: raised ...
const HIGH: u32 = 20_00;

/// ... and cleared.
const LOW: u32 = 10_00;

/// Pressure cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PressureError {
    #[error("stalls are not watched: {0}")]
    File(#[from] KernelFileError),
    #[error("stalls are not watched: this kernel has no /proc/pressure (CONFIG_PSI, since 4.20)")]
    Absent,
    #[error("stalls are not watched: pressure stall information is switched off (boot with psi=1)")]
    SwitchedOff,
    #[error("stalls are not watched: {path} does not hold what the kernel writes there")]
    Content { path: String },
}

/// Reads pressure.
#[derive(Debug)]
pub(crate) struct Stalls {
    memory: KernelFile,
    cpu: Option<KernelFile>,
    io: Option<KernelFile>,
    ring: Ring,
    alarm: Hysteresis,
    buffer: Vec<u8>,
}

impl Stalls {
    /// Opens the files of a `/proc`.
    ///
    /// # Errors
    /// When the kernel has no pressure stall information or does not keep it.
    pub(crate) fn open(proc_root: &Path) -> Result<Self, PressureError> {
        let dir = proc_root.join("pressure");
        if !dir.is_dir() && proc_root.join("meminfo").exists() {
            return Err(PressureError::Absent);
        }
        let memory = KernelFile::open(dir.join("memory")).map_err(switched_off)?;
        let optional = |name: &str| KernelFile::open(dir.join(name)).ok();
        let mut new = Self {
            memory,
            cpu: optional("cpu"),
            io: optional("io"),
            ring: Ring::default(),
            alarm: Hysteresis::new(1, 3),
            buffer: Vec::new(),
        };
        new.memory()?;
        Ok(new)
    }

    /// What is read, in words.
    pub(crate) fn detail(&self, groups: bool) -> String {
        let groups = if groups { ", and the groups' own at kills" } else { "; not of groups" };
        let path = self.memory.path().display();
        format!(
            "reads {path} every {} s and at kills{groups}",
            crate::surroundings::EVERY.as_secs()
        )
    }

    /// Takes a look at `at_us`; a finding when something changed.
    ///
    /// # Errors
    /// When the file can no longer be read.
    pub(crate) fn sample(&mut self, at_us: u64) -> Result<Option<Pressure>, PressureError> {
        let now = self.memory()?;
        let level = match now.some.map(|some| some.avg60) {
            Some(share) if share >= HIGH => Level::High,
            Some(share) if share < LOW => Level::Low,
            _ => Level::Between,
        };
        let change = self.alarm.step(level);
        let finding = change.map(|change| match change {
            Change::Raised => self.node(at_us, now, Occasion::Raised),
            Change::Cleared => self.node(at_us, now, Occasion::Cleared),
        });
        self.ring.add(at_us, &now);
        Ok(finding)
    }

    /// What it is now, on the node and in those groups that can be read.
    ///
    /// # Errors
    /// When the node's file can no longer be read.
    pub(crate) fn now<'a>(
        &mut self,
        at_us: u64,
        occasion: Occasion,
        hierarchy: Option<&Hierarchy>,
        groups: impl Iterator<Item = &'a str>,
    ) -> Result<Pressure, PressureError> {
        let memory = self.memory()?;
        let mut pressure = self.node(at_us, memory, occasion);
        let hierarchy = hierarchy.filter(|hierarchy| hierarchy.version == Version::V2);
        pressure.groups.extend(groups.filter_map(|group| of_group(hierarchy?, group)));
        Ok(pressure)
    }

    fn node(&mut self, at_us: u64, memory: ResourcePressure, occasion: Occasion) -> Pressure {
        let before = self.ring.before(at_us, &memory);
        let mut of = |file: &Option<KernelFile>| read(file.as_ref()?.read(&mut self.buffer).ok()?);
        let node = GroupPressure {
            group: "/".to_owned(),
            memory: Some(ResourcePressure { before, ..memory }),
            cpu: of(&self.cpu),
            io: of(&self.io),
        };
        Pressure { occasion, groups: vec![node] }
    }

    fn memory(&mut self) -> Result<ResourcePressure, PressureError> {
        let text = self.memory.read(&mut self.buffer).map_err(switched_off)?;
        read(text).ok_or_else(|| PressureError::Content {
            path: self.memory.path().display().to_string(),
        })
    }
}

/// The pressure on a group; `None` when it is gone or has none.
fn of_group(hierarchy: &Hierarchy, path: &str) -> Option<GroupPressure> {
    let group = hierarchy.group(path).ok()?;
    let of = |name: &str| read(&group.text(name)?);
    let found = GroupPressure {
        group: path.to_owned(),
        memory: of("memory.pressure"),
        cpu: of("cpu.pressure"),
        io: of("io.pressure"),
    };
    (found.memory.is_some() || found.cpu.is_some() || found.io.is_some()).then_some(found)
}

/// `psi=0` leaves the files and refuses to read them.
fn switched_off(error: KernelFileError) -> PressureError {
    match &error {
        KernelFileError::Io { source, .. } if source.kind() == ErrorKind::Unsupported => {
            PressureError::SwitchedOff
        }
        _ => PressureError::File(error),
    }
}
