//! What `/proc` still says of a process that is being killed.
//!
//! proc(5): `/proc/PID/cgroup` names its groups. A process that has begun to exit shows `/` on cgroup v1; on v2 it keeps
//! its path, with ` (deleted)` behind it once the group is gone. Process ids are used again, so a process that began
//! after the kill, or has another name, is somebody else. procfs reads the files; all failures mean "not known".

use std::path::{Path, PathBuf};

use coroner_core::kernel::Victim;
use procfs::process::Process;

use crate::cgroup::Version;
use crate::clock::Clocks;
use crate::signal_trace::from_the_root;

/// The log's clock runs ahead of the others by up to 25 ms, and start times have steps of 10 ms.
pub(crate) const TOLERANCE_US: u64 = 50_000;

/// `PF_KTHREAD` (include/linux/sched.h) among the flags in `stat`.
const KERNEL_THREAD: u32 = 0x0020_0000;

/// The host's `/proc`.
#[derive(Clone, Debug)]
pub(crate) struct Processes {
    root: PathBuf,
    are_hosts: bool,
}

impl Processes {
    pub(crate) fn new(root: &Path) -> Self {
        Self { root: root.to_owned(), are_hosts: shows_kernel_threads(root) }
    }

    /// Whether it is known to number processes as the kernel log does, whatever pid namespace we are in: a proc file system
    /// that was mounted by the host keeps the host's numbers where it is mounted into a container.
    pub(crate) fn are_hosts(&self) -> bool {
        self.are_hosts
    }

    /// The memory cgroup of a victim, if the process that has its id now is still the victim.
    pub(crate) fn cgroup_of(&self, victim: &Victim, version: Version) -> Option<String> {
        let process = Process::new_with_root(self.root.join(victim.pid.to_string())).ok()?;
        let groups = process.cgroups().ok()?;
        let stat = process.stat().ok()?;
        let killed = victim.position.monotonic_us.map(|us| since_boot(us, Clocks::now()))?;
        if stat.comm != victim.comm || start_us(stat.starttime) > killed {
            return None;
        }
        groups
            .into_iter()
            .find(|group| of_memory(group, version))
            .and_then(|group| path_of(&group.pathname, version))
    }

    /// The memory cgroup of a process that has this id and, where it is given, this name.
    pub(crate) fn group_of(
        &self,
        pid: u32,
        comm: Option<&str>,
        version: Version,
    ) -> Option<String> {
        let process = Process::new_with_root(self.root.join(pid.to_string())).ok()?;
        if let Some(comm) = comm
            && process.stat().ok()?.comm != comm
        {
            return None;
        }
        let groups = process.cgroups().ok()?.into_iter();
        let path = groups.into_iter().find(|group| of_memory(group, version))?.pathname;
        let path =
            path.strip_suffix(" (deleted)").filter(|_| version == Version::V2).unwrap_or(&path);
        path.starts_with('/').then(|| from_the_root(path))
    }

    /// When a process began, in microseconds since boot with suspend.
    pub(crate) fn began_us(&self, pid: u32) -> Option<u64> {
        let process = Process::new_with_root(self.root.join(pid.to_string())).ok()?;
        Some(start_us(process.stat().ok()?.starttime))
    }
}

/// Whether it is the group that the memory controller is in.
fn of_memory(group: &procfs::ProcessCGroup, version: Version) -> bool {
    match version {
        Version::V1 => group.controllers.iter().any(|name| name == "memory"),
        Version::V2 => group.hierarchy == 0,
    }
}

/// A path that says something.
fn path_of(path: &str, version: Version) -> Option<String> {
    let path = match version {
        Version::V1 => path,
        Version::V2 => path.strip_suffix(" (deleted)").unwrap_or(path),
    };
    (path != "/" && path.starts_with('/')).then(|| from_the_root(path))
}

/// Kernel threads are seen in the first pid namespace alone, and there process 2 is always one (kthreadd, made by
/// rest_init() in init/main.c). Its flags are the kernel's word; its name could be anybody's.
fn shows_kernel_threads(root: &Path) -> bool {
    let second = Process::new_with_root(root.join("2")).and_then(|process| process.stat());
    second.is_ok_and(|stat| stat.flags & KERNEL_THREAD != 0)
}

/// A stamp of the log on the clock that start times use, with some tolerance.
pub(crate) fn since_boot(stamp_us: u64, now: Clocks) -> u64 {
    now.boottime_us.saturating_sub(now.age_us(stamp_us)) + TOLERANCE_US
}

/// A start time in clock ticks, as microseconds.
pub(crate) fn start_us(ticks: u64) -> u64 {
    ticks.saturating_mul(1_000_000) / rustix::param::clock_ticks_per_second().max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use coroner_core::kernel::Position;
    use rstest::rstest;

    #[rstest]
    #[case("/", Version::V1, None)]
    #[case("/", Version::V2, None)]
    #[case("/a (deleted)", Version::V2, Some("/a"))]
    #[case("/a (deleted)", Version::V1, Some("/a (deleted)"))]
    #[case("/../a", Version::V2, Some("/../a"))]
    // Of an agent in a cgroup namespace.
    #[case("/../../kubepods/podx/c (deleted)", Version::V2, Some("/kubepods/podx/c"))]
    #[case("a", Version::V2, None)]
    fn paths_that_say_something(
        #[case] path: &str,
        #[case] version: Version,
        #[case] expected: Option<&str>,
    ) {
        assert_eq!(path_of(path, version).as_deref(), expected);
    }

    /// A `/proc` with one process, which began 500 s after boot.
    fn proc_with(comm: &str, cgroup: &str) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        let process = dir.path().join("42");
        std::fs::create_dir(&process).unwrap();
        let fields = "0 ".repeat(30);
        let start = 500 * rustix::param::clock_ticks_per_second();
        let stat =
            format!("42 ({comm}) R 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 {start} 0 0 {fields}");
        std::fs::write(process.join("stat"), stat).unwrap();
        std::fs::write(process.join("cgroup"), cgroup).unwrap();
        dir
    }

    fn victim(comm: &str, stamp_s: u64) -> Victim {
        let position = Position { monotonic_us: Some(stamp_s * 1_000_000), ..Position::default() };
        Victim { pid: 42, comm: comm.into(), position, ..Victim::default() }
    }

    #[test]
    fn the_memory_group_of_either_version() {
        let dir = proc_with("java", "4:memory:/a\n1:cpu,cpuacct:/b\n0::/c\n");
        let processes = Processes::new(dir.path());
        // A stamp ahead of now stands for a kill this moment.
        let now = Clocks::now().monotonic_us / 1_000_000 + 1;
        assert_eq!(
            processes.cgroup_of(&victim("java", now.max(501)), Version::V1).as_deref(),
            Some("/a")
        );
        assert_eq!(
            processes.cgroup_of(&victim("java", now.max(501)), Version::V2).as_deref(),
            Some("/c")
        );
        assert_eq!(processes.began_us(42), Some(500_000_000));
    }

    #[test]
    fn a_process_that_is_somebody_else_is_not_believed() {
        let dir = proc_with("java", "0::/c\n");
        let processes = Processes::new(dir.path());
        assert_eq!(
            processes.cgroup_of(&victim("ruby", 1_000_000_000), Version::V2),
            None,
            "another name"
        );
        assert_eq!(
            processes.cgroup_of(&Victim { pid: 43, ..victim("java", 1) }, Version::V2),
            None,
            "no process"
        );
        assert_eq!(processes.began_us(43), None);
        let unknown = Victim { pid: 42, comm: "java".into(), ..Victim::default() };
        assert_eq!(processes.cgroup_of(&unknown, Version::V2), None, "a kill without a time");
        let own = std::process::id();
        let own = Victim {
            pid: own,
            comm: std::fs::read_to_string("/proc/self/comm").unwrap().trim().into(),
            ..victim("", 0)
        };
        assert_eq!(
            Processes::new(Path::new("/proc")).cgroup_of(&own, Version::V1),
            None,
            "began after the kill"
        );
    }

    /// A program may call itself `kthreadd` and be process 2 of its namespace; a kernel thread it is not.
    #[rstest]
    #[case("2 (kthreadd) S 0 0 0 0 -1 2129984", true)]
    #[case("2 (kthreadd) S 1 1 1 0 -1 4194560", false)]
    fn the_hosts_numbers_are_known_by_a_kernel_thread(#[case] begin: &str, #[case] hosts: bool) {
        let dir = tempfile::tempdir().unwrap();
        assert!(!Processes::new(dir.path()).are_hosts());
        std::fs::create_dir(dir.path().join("2")).unwrap();
        let stat = format!("{begin} {}", "0 ".repeat(43));
        std::fs::write(dir.path().join("2/stat"), stat).unwrap();
        assert_eq!(Processes::new(dir.path()).are_hosts(), hosts);
    }
}
