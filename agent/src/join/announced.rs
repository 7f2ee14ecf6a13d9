//! What killers in user space say of themselves: several lines about one kill are one incident.
//!
//! earlyoom first writes that it sends SIGTERM and, when that did not help, SIGKILL; systemd-oomd marks a group and then
//! kills it. A line that names a container belongs to that container's death, with whatever the signal trace and the
//! group say of it. Else lines of one killer about the same process or group belong together for a minute.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use coroner_core::cgroup::identify;
use coroner_core::finding::FindingId;
use coroner_core::kernel::{UserspaceKill, UserspaceKiller};

/// Lines further apart than this are about two kills.
const TOGETHER: Duration = Duration::from_secs(60);

/// Lines that are remembered.
const LINES_MAX: usize = 256;

#[derive(Debug)]
struct Line {
    killer: UserspaceKiller,
    pid: Option<u32>,
    cgroup: Option<String>,
    anchor: FindingId,
    at: Instant,
}

/// The lines of the last minute.
#[derive(Debug, Default)]
pub(super) struct Announced {
    lines: VecDeque<Line>,
}

impl Announced {
    /// The fact that a line's incident belongs to, if it does not open one itself.
    pub(super) fn line(
        &mut self,
        boot_id: &str,
        kill: &UserspaceKill,
        id: &FindingId,
        now: Instant,
    ) -> Option<FindingId> {
        let container = kill.cgroup.as_deref().map(identify);
        if let Some(container) = container.and_then(|i| i.pod_container_id.or(i.container_id)) {
            return Some(FindingId::death(boot_id, &container));
        }
        while self.lines.len() > LINES_MAX
            || self.lines.front().is_some_and(|line| now.duration_since(line.at) > TOGETHER)
        {
            self.lines.pop_front();
        }
        let same = self.lines.iter().rev().find(|line| {
            line.killer == kill.killer
                && ((kill.pid.is_some() && line.pid == kill.pid)
                    || (kill.cgroup.is_some() && line.cgroup == kill.cgroup))
        });
        if let Some(line) = same {
            return Some(line.anchor.clone());
        }
        self.lines.push_back(Line {
            killer: kill.killer,
            pid: kill.pid,
            cgroup: kill.cgroup.clone(),
            anchor: id.clone(),
            at: now,
        });
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use coroner_core::kernel::Position;

    fn kill(killer: UserspaceKiller, pid: Option<u32>, cgroup: Option<&str>) -> UserspaceKill {
        UserspaceKill {
            position: Position::default(),
            killer,
            pid,
            comm: None,
            cgroup: cgroup.map(str::to_owned),
            message: String::new(),
        }
    }

    #[test]
    fn lines_about_one_kill_are_one_incident() {
        use UserspaceKiller::{Earlyoom, SystemdOomd};
        let mut announced = Announced::default();
        let start = Instant::now();
        let mut line = |kill, id: &str, seconds| {
            let now = start + Duration::from_secs(seconds);
            announced.line("b", &kill, &FindingId(id.into()), now).map(|about| about.0)
        };
        let unit = Some("/system.slice/a.service");
        assert_eq!(line(kill(Earlyoom, Some(7), None), "1", 0), None);
        assert_eq!(line(kill(Earlyoom, Some(8), None), "2", 0), None);
        assert_eq!(line(kill(Earlyoom, Some(7), None), "3", 10), Some("1".into()));
        assert_eq!(line(kill(SystemdOomd, None, unit), "4", 10), None);
        assert_eq!(line(kill(SystemdOomd, None, unit), "5", 11), Some("4".into()));
        // A line that names nobody belongs to no other.
        assert_eq!(line(kill(SystemdOomd, None, None), "6", 11), None);
        assert_eq!(line(kill(SystemdOomd, None, None), "7", 11), None);
        // A process id that comes again later.
        assert_eq!(line(kill(Earlyoom, Some(7), None), "8", 100), None);
        let id = "a".repeat(64);
        let container = format!("/kubepods.slice/cri-containerd-{id}.scope");
        let about = line(kill(SystemdOomd, None, Some(&container)), "9", 100);
        assert_eq!(about, Some(format!("death:b:{id}")));
    }
}
