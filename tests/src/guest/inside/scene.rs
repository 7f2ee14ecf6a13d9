//! What a case acts with: containers in pods, limits, processes of containers and of the host, and waiting until
//! something has really happened.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::churn::Churn;
use super::groups::{Tree, write};
use super::programs::Programs;
use super::tenants::Running;
pub use super::tenants::Tenant;
use crate::guest::plan::Hierarchy;
use crate::guest::record::Record;

/// Emulation is slow; this bounds a case that does not come out.
const PATIENCE: Duration = Duration::from_secs(25);
/// Between two cases, so that an incident's time tells which it belongs to.
const BETWEEN: Duration = Duration::from_millis(400);

/// One case under way.
pub struct Scene<'a> {
    pub(super) tree: &'a Tree,
    pub(super) programs: &'a Programs,
    pub(super) record: Record,
    containers: Vec<(&'static str, PathBuf)>,
    pub(super) pods: Vec<(&'static str, String, PathBuf)>,
    running: Vec<Running>,
    pub(super) mounts: Vec<PathBuf>,
    pub(super) churn: Option<Churn>,
    rest: Duration,
}

/// A group with a limit.
#[derive(Clone, Copy, Debug)]
pub enum Level {
    /// The container of this role.
    Container(&'static str),
    /// The pod of this name.
    Pod(&'static str),
    /// All pods.
    Kubepods,
}

impl<'a> Scene<'a> {
    pub(super) fn open(tree: &'a Tree, programs: &'a Programs, case: &str) -> Self {
        std::thread::sleep(BETWEEN);
        let record = Record { case: case.to_owned(), from_us: now_us(), ..Record::default() };
        Self {
            tree,
            programs,
            record,
            containers: Vec::new(),
            pods: Vec::new(),
            running: Vec::new(),
            mounts: Vec::new(),
            churn: None,
            rest: Duration::ZERO,
        }
    }

    /// Makes a container's group in a pod that is made with its first container.
    ///
    /// # Errors
    ///
    /// When the kernel refuses.
    pub fn container(&mut self, role: &'static str, pod: &'static str) -> Result<(), String> {
        if !self.pods.iter().any(|p| p.0 == pod) {
            let h = hash(&self.record.case, pod);
            let uid =
                format!("{}-{}-4{}-8{}-{}", &h[..8], &h[8..12], &h[12..15], &h[15..18], &h[18..30]);
            let group = self.tree.pod(&uid)?;
            self.pods.push((pod, uid, group));
        }
        let (_, uid, pod) = self.pods.iter().find(|p| p.0 == pod).ok_or("the pod was just made")?;
        let id = container_id(&self.record.case, role);
        let group = self.tree.container(pod, &id)?;
        self.record.pods.insert(role.to_owned(), uid.clone());
        self.record.containers.insert(role.to_owned(), id);
        self.containers.push((role, group));
        // The agent finds new groups before their first process runs, as it does where a runtime takes its time.
        std::thread::sleep(Duration::from_millis(300));
        Ok(())
    }

    /// Sets a memory limit in MiB.
    ///
    /// # Errors
    ///
    /// When the kernel refuses.
    pub fn limit(&self, level: Level, mebibytes: u32) -> Result<(), String> {
        self.write(level, self.limit_file(), &format!("{mebibytes}M"))
    }

    /// Takes a memory limit away.
    ///
    /// # Errors
    ///
    /// When the kernel refuses.
    pub fn unlimit(&self, level: Level) -> Result<(), String> {
        let none = if self.tree.hierarchy() == Hierarchy::V2 { "max" } else { "-1" };
        self.write(level, self.limit_file(), none)
    }

    /// Has a shell on the host set a limit, and waits until it has.
    ///
    /// # Errors
    ///
    /// When the kernel refuses.
    pub fn limit_by_shell(&mut self, level: Level, mebibytes: u32) -> Result<(), String> {
        let file = self.file(level, self.limit_file());
        self.shell("resizer", "user.slice/session-1.scope", &format!("echo {mebibytes}M > {file}"))
    }

    /// Lets a container use the memory of one NUMA node only.
    ///
    /// # Errors
    ///
    /// When the kernel refuses.
    pub fn pin(&self, role: &str, node: &str) -> Result<(), String> {
        let group = self.container_group(role).ok_or("no such container")?;
        self.tree.pin(group, node)
    }

    fn limit_file(&self) -> &'static str {
        match self.tree.hierarchy() {
            Hierarchy::V2 => "memory.max",
            Hierarchy::V1 => "memory.limit_in_bytes",
        }
    }

    /// Writes a file of a group.
    ///
    /// # Errors
    ///
    /// When the kernel refuses.
    pub fn write(&self, level: Level, file: &str, text: &str) -> Result<(), String> {
        write(Path::new(&self.file(level, file)), text)
    }

    /// The path of a group's file.
    #[must_use]
    pub fn file(&self, level: Level, file: &str) -> String {
        let group = match level {
            Level::Container(role) => self.container_group(role).map(Path::to_owned),
            Level::Pod(name) => self.pods.iter().find(|p| p.0 == name).map(|p| p.2.clone()),
            Level::Kubepods => Some(self.tree.kubepods()),
        };
        self.tree.memory(&group.unwrap_or_default()).join(file).display().to_string()
    }

    fn container_group(&self, role: &str) -> Option<&Path> {
        self.containers.iter().find(|c| c.0 == role).map(|c| c.1.as_path())
    }

    /// Writes a file of the host.
    ///
    /// # Errors
    ///
    /// When the kernel refuses.
    pub fn host_file(&self, path: &str, text: &str) -> Result<(), String> {
        write(Path::new(path), text)
    }

    /// Starts a process; it stands in its group and waits until it is told to [`Scene::go`].
    ///
    /// # Errors
    ///
    /// When it does not come up.
    pub fn start(&mut self, tenant: Tenant, args: &[&str]) -> Result<(), String> {
        let group = match &tenant.home {
            super::tenants::Home::Container(role) => self
                .container_group(role)
                .ok_or_else(|| format!("no container is called {role}"))?
                .to_owned(),
            super::tenants::Home::Host(service) => {
                self.tree.host(&format!("system.slice/{service}"))?
            }
        };
        let running = Running::start(self.tree, &tenant, &group, args)?;
        self.record.pids.insert(tenant.role.to_owned(), running.pid);
        self.running.push(running);
        Ok(())
    }

    /// Runs a shell script in a group of the host, and does not wait for its end.
    ///
    /// # Errors
    ///
    /// When it cannot be started.
    pub fn shell(&mut self, role: &'static str, group: &str, script: &str) -> Result<(), String> {
        let group = self.tree.host(group)?;
        let running = Running::shell(self.tree, role, &group, script)?;
        self.record.pids.insert(role.to_owned(), running.pid);
        self.running.push(running);
        Ok(())
    }

    /// Lets a process begin.
    ///
    /// # Errors
    ///
    /// When it is gone.
    pub fn go(&mut self, role: &str) -> Result<(), String> {
        self.find(role)?.go()
    }

    /// The process id of a role on the guest.
    ///
    /// # Errors
    ///
    /// When nobody has that role.
    pub fn pid(&mut self, role: &str) -> Result<u32, String> {
        self.find(role).map(|r| r.pid)
    }

    pub(super) fn find(&mut self, role: &str) -> Result<&mut Running, String> {
        let found = self.running.iter_mut().find(|r| r.role == role);
        found.ok_or_else(|| format!("nobody has the role {role}"))
    }

    /// A pause after the case.
    pub fn rest_after(&mut self, rest: Duration) {
        self.rest = rest;
    }

    /// Ends the case: everybody may go, the groups are removed. What happens now belongs to no case.
    pub(super) fn close(mut self, failed: Option<String>) -> Record {
        if let Some(churn) = self.churn.take() {
            let _ = churn.end();
        }
        self.record.to_us = now_us();
        self.record.failed = failed;
        let gone = self.running.iter_mut().filter_map(|r| r.is_gone().then(|| r.role.to_owned()));
        self.record.gone = gone.collect();
        std::thread::sleep(BETWEEN);
        for running in &mut self.running {
            running.let_go();
        }
        let groups: Vec<PathBuf> = self.containers.iter().map(|c| c.1.clone()).collect();
        let pods: Vec<PathBuf> = self.pods.iter().map(|p| p.2.clone()).collect();
        for group in groups.iter().chain(&pods) {
            if let Err(left) = wait("", || self.tree.remove(group)) {
                let who = self.tree.processes(group);
                let note = format!("{} stays, with {who:?}{left}", group.display());
                self.record.failed.get_or_insert(note);
            }
        }
        for dir in &self.mounts {
            let _ = std::process::Command::new("/bin/umount").arg(dir).status();
        }
        std::thread::sleep(self.rest);
        self.record
    }
}

/// Waits until something is true.
pub(super) fn wait(otherwise: &str, mut is: impl FnMut() -> bool) -> Result<(), String> {
    let start = Instant::now();
    while !is() {
        if start.elapsed() > PATIENCE {
            return Err(otherwise.to_owned());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

pub(super) fn now_us() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}

/// The id of the container of this role in a case: 64 hex digits.
#[must_use]
pub fn container_id(case: &str, role: &str) -> String {
    hash(case, role)
}

/// 64 hex digits that differ by case and role.
fn hash(case: &str, role: &str) -> String {
    use std::hash::{DefaultHasher, Hash as _, Hasher as _};
    (0..4_u8)
        .map(|part| {
            let mut hasher = DefaultHasher::new();
            (case, role, part).hash(&mut hasher);
            format!("{:016x}", hasher.finish())
        })
        .collect()
}
