//! Real signals on this machine, in groups of the tests' own, and tracefs that is not what it should be.

mod adoption;
mod forks;
mod kills;
mod refusals;

use std::fs::File;
use std::os::fd::AsRawFd as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use coroner_core::finding::{Finding, FindingBody, Sigkill, SourceStatus};
use tokio::sync::mpsc::{Receiver, channel};
use tokio::sync::{Mutex, MutexGuard};
use tokio::task::JoinHandle;

use super::SignalTrace;
use crate::config::Config;
use crate::findings::Findings;
use crate::homes::Homes;
use crate::metrics::Metrics;
use crate::outbox::{Bounds, Outbox};
use crate::position::Position;
use crate::sources::Common;
use crate::stop::{self, Stopper};

/// Bounds a hang; it measures nothing.
const PATIENCE: Duration = Duration::from_secs(20);

/// One test at a time: between fork and exec the children of another one hold our lock and our pipe too.
static TURN: Mutex<()> = Mutex::const_new(());

/// Tracefs as root may use it, mounted for the tests where nobody has, for one test alone; `None`, after saying so, where
/// it is out of reach.
async fn tracefs(test: &str) -> Option<(PathBuf, MutexGuard<'static, ()>)> {
    let turn = TURN.lock().await;
    let missing = if rustix::process::geteuid().is_root() {
        match super::tracefs::find(None, Path::new("/proc/self/mountinfo")).ok().or_else(mounted) {
            Some(path) => return Some((path, turn)),
            None => "it needs tracefs, or to be able to mount it",
        }
    } else {
        "it needs root"
    };
    assert!(std::env::var_os("CI").is_none(), "{test} cannot run: {missing}");
    eprintln!("SKIPPED {test}: {missing}");
    None
}

/// A mount of the tests' own, detached at once: it goes with the process, however that ends.
fn mounted() -> Option<PathBuf> {
    static ROOT: OnceLock<Option<File>> = OnceLock::new();
    let root = ROOT.get_or_init(|| {
        let dir = tempfile::tempdir().ok()?;
        let run = |program: &str, args: &[&str]| {
            let status = Command::new(program).args(args).arg(dir.path()).status();
            status.is_ok_and(|status| status.success()).then_some(())
        };
        run("mount", &["-t", "tracefs", "tracefs"])?;
        let root = File::open(dir.path());
        run("umount", &["--lazy"])?;
        root.ok()
    });
    Some(PathBuf::from(format!("/proc/self/fd/{}", root.as_ref()?.as_raw_fd())))
}

/// A name that no other test and no other run has.
fn unique(mark: &str) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("{mark}-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

/// A trace that runs.
struct Trace {
    kills: Receiver<Sigkill>,
    outbox: Arc<Outbox>,
    metrics: Arc<Metrics>,
    homes: Arc<Homes>,
    stop: Stopper,
    task: JoinHandle<()>,
    instance: PathBuf,
}

impl Trace {
    async fn start(tracefs: &Path, name: &str) -> Self {
        Self::start_with(tracefs, name, Path::new("/proc")).await
    }

    async fn start_with(tracefs: &Path, name: &str, proc_root: &Path) -> Self {
        let trace = Self::begin(tracefs, name, proc_root);
        let start = Instant::now();
        while trace.outbox.is_empty() {
            assert!(start.elapsed() < PATIENCE, "the trace says nothing");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        trace
    }

    fn begin(tracefs: &Path, name: &str, proc_root: &Path) -> Self {
        let metrics = Arc::new(Metrics::default());
        let outbox = Arc::new(Outbox::new(
            "node".to_owned(),
            Position::default(),
            Bounds::default(),
            Arc::clone(&metrics),
        ));
        let findings = Findings {
            node: "node".to_owned(),
            boot_id: "b".to_owned(),
            outbox: Arc::clone(&outbox),
        };
        let (stop, stopped) = stop::channel();
        let common = Common { findings, metrics: Arc::clone(&metrics), stop: stopped };
        let config = Config {
            tracing_root: Some(tracefs.to_owned()),
            proc_root: proc_root.to_owned(),
            tracing_instance: name.to_owned(),
            ..Config::new("node", "")
        };
        let (send, kills) = channel(10_000);
        let homes = Arc::new(Homes::new());
        let sink = Box::new(move |kill| drop(send.try_send(kill)));
        let trace = SignalTrace::new(&config, common, Arc::clone(&homes), sink);
        let task = tokio::spawn(trace.run());
        let instance = tracefs.join("instances").join(name);
        Self { kills, outbox, metrics, homes, stop, task, instance }
    }

    /// The SIGKILL that a task gets; others on the machine go on meanwhile.
    async fn kill_of(&mut self, pid: u32) -> Sigkill {
        self.kill_that(|kill| kill.receiver.traced_id() == pid).await
    }

    async fn kill_that(&mut self, wanted: impl Fn(&Sigkill) -> bool) -> Sigkill {
        let found = async {
            loop {
                let kill = self.kills.recv().await.expect("the trace runs");
                if wanted(&kill) {
                    return kill;
                }
            }
        };
        tokio::time::timeout(PATIENCE, found).await.expect("the signal is traced")
    }

    /// What the source said of itself first.
    fn told(&self) -> SourceStatus {
        let batch = self.outbox.take(16, usize::MAX, false).expect("a status");
        let first = batch.findings.into_iter().next().map(Finding::try_from);
        match first.expect("a finding").expect("a good one").body {
            FindingBody::SourceStatus(status) => status,
            other => panic!("no status: {other:?}"),
        }
    }

    async fn end(self) {
        self.stop.send(true).unwrap();
        self.task.await.unwrap();
    }
}

/// A group like that of a pod's container.
struct Container {
    path: String,
    dirs: Vec<PathBuf>,
}

impl Container {
    fn create(name: &str) -> Self {
        let hierarchy = crate::cgroup::Hierarchy::find(Path::new("/proc"), None).expect("cgroups");
        let uid = "00000000_0000_0000_0000_000000000001";
        let id = format!("{:064x}", name.bytes().fold(7_u128, |a, b| a * 31 + u128::from(b)));
        let mut path = String::new();
        let mut dirs = Vec::new();
        for part in [
            format!("{name}-kubepods.slice"),
            format!("{name}-kubepods-pod{uid}.slice"),
            format!("cri-containerd-{id}.scope"),
        ] {
            path = format!("{path}/{part}");
            let dir = hierarchy.mount.join(path.trim_start_matches('/'));
            std::fs::create_dir(&dir).expect("a group can be made");
            let _ = std::fs::write(dir.join("cgroup.subtree_control"), "");
            dirs.insert(0, dir);
        }
        Self { path, dirs }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.dirs[0].join(name)
    }

    fn add(&self, pid: u32) {
        std::fs::write(self.file("cgroup.procs"), pid.to_string()).expect("the process is moved");
    }

    /// A shell script whose processes are all in the group.
    fn run(&self, script: &str) -> Child {
        let procs = self.file("cgroup.procs");
        shell(&format!("echo $$ > {}\n{script}", procs.display()))
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        for dir in &self.dirs {
            let start = Instant::now();
            while std::fs::remove_dir(dir).is_err() && start.elapsed() < Duration::from_secs(5) {
                std::thread::sleep(Duration::from_millis(10));
            }
        }
    }
}

fn shell(script: &str) -> Child {
    // What a failed test leaves behind must not hold the runner's output open.
    let mut command = Command::new("sh");
    command.args(["-c", script]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().expect("a shell")
}

fn sleeper() -> Child {
    Command::new("sleep").arg("600").spawn().expect("sleep")
}
