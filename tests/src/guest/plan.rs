//! Which boots a run consists of: kernels, cgroup versions, batches of cases, sources switched off.

use std::time::Duration;

use super::cases::{self, Batch, Case};
use super::kernels::Kernel;

/// Which cgroup hierarchy a guest mounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hierarchy {
    /// Version 2, with the systemd driver's names.
    V2,
    /// Version 1, with the cgroupfs driver's names.
    V1,
}

impl Hierarchy {
    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::V2 => "v2",
            Self::V1 => "v1",
        }
    }
}

/// A source that an agent can be told to do without.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Without {
    /// Nothing: all sources run.
    Nothing,
    /// The kernel log.
    KernelLog,
    /// The signal trace.
    SignalTrace,
    /// The cgroups' files.
    Cgroup,
}

impl Without {
    /// All.
    pub const ALL: [Self; 4] = [Self::Nothing, Self::KernelLog, Self::SignalTrace, Self::Cgroup];

    /// The name, as the agent's flag `--without` takes it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::KernelLog => "kernel-log",
            Self::SignalTrace => "signal-trace",
            Self::Cgroup => "cgroup",
        }
    }
}

/// Under which circumstances a case is acted out.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// Major and minor number of the kernel.
    pub kernel: (u32, u32),
    /// Which cgroup version.
    pub hierarchy: Hierarchy,
    /// Which source is off.
    pub without: Without,
}

/// One boot of one kernel.
#[derive(Clone, Debug)]
pub struct Boot {
    /// The kernel.
    pub kernel: Kernel,
    /// Which cgroup version.
    pub hierarchy: Hierarchy,
    /// Which cases belong together.
    pub batch: Batch,
    /// Which source is off.
    pub without: Without,
    /// Which of the batch's cases.
    pub cases: Vec<&'static Case>,
    /// It is the boot after a panic: nothing is done, only asked.
    pub after_panic: bool,
}

impl Boot {
    /// The circumstances.
    #[must_use]
    pub fn setting(&self) -> Setting {
        Setting { kernel: self.kernel.number(), hierarchy: self.hierarchy, without: self.without }
    }

    /// A name for files and messages.
    #[must_use]
    pub fn name(&self) -> String {
        format!(
            "{}-{}-{}-without-{}",
            self.kernel.series,
            self.hierarchy.name(),
            self.batch.name(),
            self.without.name()
        )
    }

    /// The kernel's command line.
    #[must_use]
    pub fn command_line(&self) -> String {
        let names: Vec<&str> =
            self.cases.iter().filter(|_| !self.after_panic).map(|c| c.name).collect();
        let after = if self.after_panic { " guest.after=panic" } else { "" };
        format!(
            "console=ttyS0 quiet loglevel=3 panic=-1 log_buf_len=4M guest.kernel={}.{} guest.cgroup={} \
             guest.without={} guest.cases={}{after}",
            self.kernel.number().0,
            self.kernel.number().1,
            self.hierarchy.name(),
            self.without.name(),
            names.join(",")
        )
    }

    /// After this it is ended by force.
    #[must_use]
    pub fn time_limit(&self) -> Duration {
        let cases = u64::try_from(self.cases.len()).unwrap_or(0);
        Duration::from_secs(90 + 30 * cases)
    }
}

/// All boots for some kernels. Version 1 only where the kernel has it.
#[must_use]
pub fn boots(
    kernels: &[(Kernel, Vec<Hierarchy>)],
    without: &[Without],
    wanted: impl Fn(&Case) -> bool,
) -> Vec<Boot> {
    let mut boots = Vec::new();
    for (kernel, hierarchies) in kernels {
        for (&hierarchy, &without) in
            hierarchies.iter().flat_map(|h| without.iter().map(move |w| (h, w)))
        {
            let setting = Setting { kernel: kernel.number(), hierarchy, without };
            for batch in Batch::ALL {
                let cases: Vec<&Case> = cases::all()
                    .filter(|c| c.batch == batch && (c.possible)(&setting))
                    // One makes no sense without the other there.
                    .filter(|c| wanted(c) || batch == Batch::Panic)
                    .collect();
                if cases.iter().any(|c| wanted(c)) {
                    let after_panic = false;
                    let kernel = kernel.clone();
                    boots.push(Boot { kernel, hierarchy, batch, without, cases, after_panic });
                }
            }
        }
    }
    boots
}
