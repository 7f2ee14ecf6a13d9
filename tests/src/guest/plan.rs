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

/// What an agent has to do without: a source that it is told not to read, or something broken around it.
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
    /// There is no `/dev/kmsg`: `syslog(2)` has to do.
    Kmsg,
    /// Nobody mounted tracefs.
    Tracefs,
    /// tracefs may only be read.
    TracefsWriting,
    /// The directory named as the cgroups' is none.
    CgroupRoot,
    /// The directory named as the host's `/proc` is none.
    ProcRoot,
}

impl Without {
    /// Told not to read a source.
    pub const SOURCES: [Self; 4] =
        [Self::Nothing, Self::KernelLog, Self::SignalTrace, Self::Cgroup];
    /// Something is broken.
    pub const FAULTS: [Self; 5] =
        [Self::Kmsg, Self::Tracefs, Self::TracefsWriting, Self::CgroupRoot, Self::ProcRoot];

    /// All.
    pub fn all() -> impl Iterator<Item = Self> {
        Self::SOURCES.into_iter().chain(Self::FAULTS)
    }

    /// The name; for a source, as the agent's flag `--without` takes it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::KernelLog => "kernel-log",
            Self::SignalTrace => "signal-trace",
            Self::Cgroup => "cgroup",
            Self::Kmsg => "kmsg",
            Self::Tracefs => "tracefs",
            Self::TracefsWriting => "tracefs-rw",
            Self::CgroupRoot => "cgroup-root",
            Self::ProcRoot => "proc-root",
        }
    }

    /// The agent's flags.
    #[must_use]
    pub fn flags(self) -> Vec<&'static str> {
        match self {
            Self::KernelLog | Self::SignalTrace | Self::Cgroup => vec!["--without", self.name()],
            Self::CgroupRoot => vec!["--cgroup-root", "/etc"],
            Self::ProcRoot => vec!["--proc-root", "/etc"],
            // What is broken is broken by the guest's process 1.
            Self::Nothing | Self::Kmsg | Self::Tracefs | Self::TracefsWriting => Vec::new(),
        }
    }

    /// Which source is off because of it.
    #[must_use]
    pub fn off(self) -> Off {
        match self {
            Self::Nothing | Self::Kmsg => Off::Nothing,
            Self::KernelLog => Off::KernelLog,
            Self::SignalTrace | Self::Tracefs | Self::TracefsWriting => Off::SignalTrace,
            Self::Cgroup | Self::CgroupRoot | Self::ProcRoot => Off::Cgroup,
        }
    }
}

/// Which source an answer has to do without.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Off {
    /// None: all speak.
    Nothing,
    /// The kernel log.
    KernelLog,
    /// The signal trace.
    SignalTrace,
    /// The cgroups' files.
    Cgroup,
}

/// Under which circumstances a case is acted out.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// Major and minor number of the kernel.
    pub kernel: (u32, u32),
    /// Which cgroup version.
    pub hierarchy: Hierarchy,
    /// Which source is off.
    pub off: Off,
    /// What was done to that end.
    pub fault: Without,
}

impl Setting {
    /// The circumstances.
    #[must_use]
    pub fn new(kernel: (u32, u32), hierarchy: Hierarchy, fault: Without) -> Self {
        Self { kernel, hierarchy, off: fault.off(), fault }
    }
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
    /// What is missing.
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
        Setting::new(self.kernel.number(), self.hierarchy, self.without)
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

    /// The kernel's command line. At its start the kernel waits some jiffies for the timer's interrupts, and panics
    /// where too few came ("IO-APIC + timer doesn't work!"), which an emulator on a busy machine does now and then:
    /// `no_timer_check` takes the timer for good, as on other virtual machines.
    #[must_use]
    pub fn command_line(&self) -> String {
        let names: Vec<&str> =
            self.cases.iter().filter(|_| !self.after_panic).map(|c| c.name).collect();
        let after = if self.after_panic { " guest.after=panic" } else { "" };
        format!(
            "console=ttyS0 quiet loglevel=3 panic=-1 no_timer_check log_buf_len=4M guest.kernel={}.{} guest.cgroup={} \
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

/// How much is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// Every case without each of the sources.
    Whole,
    /// Sources are switched off for the main batch only, and broken on version 2 only.
    Brief,
}

/// What is enough to show that an agent copes with something broken: a kill by a limit, one that is survived, one for the
/// whole node, one by a person, and none.
const WITH_FAULTS: [&str; 5] = ["container-limit", "child", "system-pod", "kill-host", "nobody"];

/// All boots for some kernels.
#[must_use]
pub fn boots(
    kernels: &[(Kernel, Vec<Hierarchy>)],
    without: &[Without],
    extent: Extent,
    wanted: impl Fn(&Case) -> bool,
) -> Vec<Boot> {
    let mut boots = Vec::new();
    for (kernel, hierarchies) in kernels {
        for (&hierarchy, &without) in
            hierarchies.iter().flat_map(|h| without.iter().map(move |w| (h, w)))
        {
            let setting = Setting::new(kernel.number(), hierarchy, without);
            for batch in Batch::ALL {
                let cases: Vec<&Case> = cases::all()
                    .filter(|c| c.batch == batch && (c.possible)(&setting))
                    .filter(|c| {
                        !Without::FAULTS.contains(&without) || WITH_FAULTS.contains(&c.name)
                    })
                    .filter(|_| {
                        let fault = Without::FAULTS.contains(&without);
                        extent == Extent::Whole
                            || without == Without::Nothing
                            || (batch == Batch::Main && !(fault && hierarchy == Hierarchy::V1))
                    })
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
