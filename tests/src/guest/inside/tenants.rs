//! Processes of containers and of the host: `guest-tenant`, started, moved, told to begin, and looked at.
//!
//! The first process of a container gets a pid namespace of its own, as a runtime gives it: a shim stays outside, in the
//! runtime's service. A tenant ends when its standard input is closed, so that nobody has to be killed to clean up.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use super::groups::Tree;
use super::scene::wait;

const TENANT: &str = "/bin/guest-tenant";
const SHIM: &str = "/bin/containerd-shim";

/// How to start a process.
#[derive(Debug)]
pub struct Tenant {
    pub(super) role: &'static str,
    pub(super) home: Home,
    name: &'static str,
    adj: i32,
    own_pids: bool,
}

/// Where it stands.
#[derive(Debug)]
pub(super) enum Home {
    /// In the container of this role.
    Container(&'static str),
    /// In this service of the host.
    Host(&'static str),
}

impl Tenant {
    /// The first process of a container.
    #[must_use]
    pub fn container(role: &'static str, name: &'static str) -> Self {
        Self { role, home: Home::Container(role), name, adj: 0, own_pids: true }
    }

    /// A further process of a container, in a pid namespace of its own.
    #[must_use]
    pub fn inside(role: &'static str, container: &'static str, name: &'static str) -> Self {
        Self { home: Home::Container(container), ..Self::container(role, name) }
    }

    /// A process of a service of the host.
    #[must_use]
    pub fn host(role: &'static str, service: &'static str, name: &'static str) -> Self {
        Self { home: Home::Host(service), own_pids: false, ..Self::container(role, name) }
    }

    /// With this `oom_score_adj`.
    #[must_use]
    pub fn adj(mut self, adj: i32) -> Self {
        self.adj = adj;
        self
    }

    /// It sees the host's processes.
    #[must_use]
    pub fn host_pid(mut self) -> Self {
        self.own_pids = false;
        self
    }
}

/// A started process.
pub(super) struct Running {
    pub(super) role: &'static str,
    pub(super) pid: u32,
    start_time: Option<String>,
    child: Child,
    lines: Arc<Mutex<Vec<String>>>,
}

impl Running {
    pub(super) fn start(
        tree: &Tree,
        tenant: &Tenant,
        group: &Path,
        args: &[&str],
    ) -> Result<Self, String> {
        let before = tree.processes(group);
        let mut command = if tenant.own_pids {
            let mut shim = Command::new(SHIM);
            shim.arg0("unshare").args(["-p", "-f", TENANT]);
            shim
        } else {
            Command::new(TENANT)
        };
        for dir in tree.directories(group) {
            command.arg("--in").arg(dir);
        }
        command.args(["--name", tenant.name, "--adj", &tenant.adj.to_string()]).args(args);
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child = child.map_err(|e| format!("cannot start {}: {e}", tenant.role))?;
        if tenant.own_pids {
            tree.join(Path::new("system.slice/containerd.service"), child.id())?;
        }
        let mut pid = None;
        wait(&format!("{} did not come up", tenant.role), || {
            // The tenant joins when it is ready to begin; the shim may pass through.
            pid = tree.processes(group).into_iter().find(|p| !before.contains(p));
            pid.is_some()
        })?;
        let pid = pid.ok_or("a process id")?;
        let lines = listen(&mut child);
        Ok(Self { role: tenant.role, pid, start_time: start_time(pid), child, lines })
    }

    pub(super) fn shell(
        tree: &Tree,
        role: &'static str,
        group: &Path,
        script: &str,
    ) -> Result<Self, String> {
        let join: String = tree
            .directories(group)
            .iter()
            .map(|dir| format!("echo 0 > {}/cgroup.procs; ", dir.display()))
            .collect();
        let child = Command::new("/bin/sh")
            .args(["-c", &format!("{join}{script}")])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn();
        let mut child = child.map_err(|e| format!("cannot start a shell: {e}"))?;
        let pid = child.id();
        let lines = listen(&mut child);
        Ok(Self { role, pid, start_time: start_time(pid), child, lines })
    }

    pub(super) fn go(&mut self) -> Result<(), String> {
        let stdin = self.child.stdin.as_mut().ok_or("its standard input is closed")?;
        stdin.write_all(b"go\n").map_err(|e| format!("{} cannot be told to begin: {e}", self.role))
    }

    /// Whether the process is gone, or is a zombie.
    pub(super) fn is_gone(&mut self) -> bool {
        let _ = self.child.try_wait();
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.pid)).unwrap_or_default();
        match stat.rsplit_once(") ") {
            None => true,
            Some((_, rest)) => {
                rest.starts_with(['Z', 'X']) || start_time(self.pid) != self.start_time
            }
        }
    }

    /// Resident memory in KiB; 0 when it is gone.
    pub(super) fn resident_kb(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid));
        let status = status.unwrap_or_default();
        let line = status.lines().find_map(|l| l.strip_prefix("VmRSS:"));
        line.and_then(|l| l.split_whitespace().next()?.parse().ok()).unwrap_or(0)
    }

    pub(super) fn said(&self, line: &str) -> bool {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).iter().any(|l| l == line)
    }

    /// Closes its standard input: it ends by itself.
    pub(super) fn let_go(&mut self) {
        drop(self.child.stdin.take());
        if wait("", || self.child.try_wait().is_ok_and(|s| s.is_some())).is_err() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

fn listen(child: &mut Child) -> Arc<Mutex<Vec<String>>> {
    let lines = Arc::new(Mutex::new(Vec::new()));
    if let Some(stdout) = child.stdout.take() {
        let heard = Arc::clone(&lines);
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                heard.lock().unwrap_or_else(PoisonError::into_inner).push(line);
            }
        });
    }
    lines
}

/// With the pid, this names a process for ever.
fn start_time(pid: u32) -> Option<String> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.split(' ').nth(19).map(str::to_owned)
}
