//! The real kernel: real groups, real kills, the real log. Needs root, /dev/kmsg and a memory controller; makes groups
//! of 32 MiB and removes them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by panicking"
)]

mod collector;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use collector::{Collector, Listening};
use coroner_agent::{Agent, Config, StartPosition};
use coroner_core::finding::{AttributionMethod, CgroupObservation, Finding, FindingBody, Phase};
use coroner_core::kernel::{KernelEvent, Limit, OomReport};

const LIMIT: u64 = 32 << 20;

/// A group below one of this test's own, removed at the end.
struct Groups {
    mount: PathBuf,
    version: u32,
    top: String,
}

impl Groups {
    fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let (mount, version) =
            match Path::new("/sys/fs/cgroup/memory/memory.limit_in_bytes").exists() {
                true => ("/sys/fs/cgroup/memory", 1),
                false => ("/sys/fs/cgroup", 2),
            };
        let top = format!(
            "/coroner-agent-{}-{}",
            std::process::id(),
            COUNT.fetch_add(1, Ordering::Relaxed)
        );
        let groups = Self { mount: mount.into(), version, top };
        std::fs::create_dir(groups.dir("")).expect("this test needs root and a memory controller");
        groups.delegate("");
        groups
    }

    fn path(&self, name: &str) -> String {
        format!("{}{name}", self.top)
    }

    fn dir(&self, name: &str) -> PathBuf {
        self.mount.join(&self.path(name)[1..])
    }

    fn delegate(&self, name: &str) {
        if self.version == 2 {
            std::fs::write(self.dir(name).join("cgroup.subtree_control"), "+memory").unwrap();
        }
    }

    fn make(&self, name: &str, limit: Option<u64>) {
        let dir = self.dir(name);
        std::fs::create_dir(&dir).unwrap();
        if let Some(limit) = limit {
            let files = [
                ["memory.limit_in_bytes", "memory.memsw.limit_in_bytes"],
                ["memory.max", "memory.swap.max"],
            ];
            let [memory, swap] = files[self.version as usize - 1];
            std::fs::write(dir.join(memory), limit.to_string()).unwrap();
            let _ = std::fs::write(
                dir.join(swap),
                if self.version == 1 { limit } else { 0 }.to_string(),
            );
        }
    }

    /// A shell in the group.
    fn shell(&self, name: &str, script: &str) -> Child {
        let script = format!("echo $$ > \"$0/cgroup.procs\" && {script}");
        Command::new("sh")
            .args(["-c", &script])
            .arg(self.dir(name))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    }
}

impl Drop for Groups {
    fn drop(&mut self) {
        fn remove(dir: &Path) {
            for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
                if entry.file_type().is_ok_and(|t| t.is_dir()) {
                    remove(&entry.path());
                }
            }
            for _ in 0..100 {
                if std::fs::remove_dir(dir).is_ok() {
                    return;
                }
                std::thread::sleep(std::time::Duration::from_millis(10));
            }
        }
        // A shell that was killed may have left its child behind.
        for name in ["/c", "/a", "/b"] {
            let pids =
                std::fs::read_to_string(self.dir(name).join("cgroup.procs")).unwrap_or_default();
            for pid in pids.lines() {
                let _ = Command::new("kill").args(["-9", pid]).status();
            }
        }
        remove(&self.dir(""));
    }
}

const HOG: &str = "exec tail /dev/zero";

async fn start() -> (Agent, Listening, Collector) {
    let listening = Collector::default().listen("127.0.0.1:0").await;
    let collector = listening.collector.clone();
    let mut config = Config::new("n", listening.url());
    config.start = StartPosition::Now;
    let agent = Agent::start(config).await.unwrap();
    collector.until("a status", |log| !log.findings.is_empty()).await;
    (agent, listening, collector)
}

fn report(finding: &Finding) -> Option<&OomReport> {
    match &finding.body {
        FindingBody::Kernel(event) => match &**event {
            KernelEvent::Oom(report) => Some(report),
            _ => None,
        },
        _ => None,
    }
}

fn observation(finding: &Finding) -> Option<&CgroupObservation> {
    match &finding.body {
        FindingBody::Cgroups(seen) => Some(seen),
        _ => None,
    }
}

/// Kills are told apart by their pids: other tests kill at the same time.
fn kill_of(findings: &[Finding], pid: u32) -> Option<&Finding> {
    findings.iter().find(|f| report(f).is_some_and(|r| r.victims.iter().any(|v| v.pid == pid)))
}

fn seen_of<'a>(
    findings: &'a [Finding],
    kill: &Finding,
    phase: Phase,
) -> Option<&'a CgroupObservation> {
    findings
        .iter()
        .filter_map(observation)
        .find(|seen| seen.about == kill.id && seen.phase == phase)
}

#[tokio::test]
async fn a_kill_is_found_with_what_its_group_says_before_and_after() {
    let groups = Groups::new();
    groups.make("/c", Some(LIMIT));
    let (agent, _listening, collector) = start().await;
    let before = jiff::Timestamp::now();
    let mut keeper = groups.shell("/c", "sleep 60");
    let mut hog = groups.shell("/c", HOG);
    let pid = hog.id();
    tokio::task::spawn_blocking(move || hog.wait().unwrap()).await.unwrap();
    collector
        .until("aftermath", |log| {
            kill_of(&log.findings, pid)
                .is_some_and(|kill| seen_of(&log.findings, kill, Phase::Aftermath).is_some())
        })
        .await;
    let after = jiff::Timestamp::now();
    keeper.kill().unwrap();
    keeper.wait().unwrap();
    let findings = collector.findings();
    let kill = kill_of(&findings, pid).unwrap();
    assert!(kill.time >= before && kill.time <= after, "{before} {} {after}", kill.time);
    assert!(kill.time_uncertainty_us.unwrap() <= 25_000);
    let read = report(kill).unwrap();
    if !read.bare {
        assert_eq!(read.limit_cgroup, Some(groups.path("/c")));
        assert!(read.victims[0].anon_rss.unwrap() > LIMIT / 2);
    }
    let at_kill = seen_of(&findings, kill, Phase::AtKill).unwrap().limit.as_ref().unwrap();
    assert_eq!((at_kill.path.clone(), at_kill.exists), (groups.path("/c"), true));
    assert_eq!((at_kill.limit, at_kill.oom_kill), (Some(Limit::Bytes(LIMIT)), Some(1)));
    let left = seen_of(&findings, kill, Phase::Aftermath).unwrap().limit.as_ref().unwrap();
    assert_eq!(left.processes_left, Some(2), "the shell and its sleep live on");
    assert!(left.usage.unwrap() < LIMIT / 2);
    agent.shutdown().await;
}

#[tokio::test]
async fn a_storm_of_200_kills_in_two_groups_loses_none_and_names_the_group_of_each() {
    let groups = Groups::new();
    for name in ["/a", "/b"] {
        groups.make(name, Some(LIMIT));
    }
    let (agent, _listening, collector) = start().await;
    let begun = std::time::Instant::now();
    let groups = std::sync::Arc::new(groups);
    let hogs = ["/a", "/b"].map(|name| {
        let groups = std::sync::Arc::clone(&groups);
        tokio::task::spawn_blocking(move || {
            let run = |_| {
                let mut hog = groups.shell(name, HOG);
                let pid = hog.id();
                hog.wait().unwrap();
                (pid, groups.path(name))
            };
            (0..100).map(run).collect::<Vec<_>>()
        })
    });
    let mut killed: BTreeMap<u32, String> = BTreeMap::new();
    for hog in hogs {
        killed.extend(hog.await.unwrap());
    }
    let took = begun.elapsed();
    let found = |findings: &[Finding]| {
        killed.keys().filter(|pid| kill_of(findings, **pid).is_some()).count()
    };
    collector.until("200 kills", |log| found(&log.findings) == killed.len()).await;
    tokio::time::sleep(std::time::Duration::from_millis(1500)).await;

    let findings = collector.findings();
    let (mut named, mut methods, mut limits) = (0, BTreeMap::<String, usize>::new(), 0);
    for (pid, group) in &killed {
        let kill = kill_of(&findings, *pid).unwrap();
        let read = report(kill).unwrap();
        if let Some(path) = &read.victims[0].cgroup {
            assert_eq!(path, group);
            named += 1;
        } else if let Some(found) =
            seen_of(&findings, kill, Phase::AtKill).and_then(|seen| seen.attribution.as_ref())
        {
            assert_eq!((&found.cgroup, found.pid), (group, *pid), "{:?}", found.method);
            assert!(found.limit_cgroup.as_ref().is_none_or(|limit| limit == group));
            limits += usize::from(found.limit_cgroup.is_some());
            let method = match found.method {
                AttributionMethod::ProcCgroup => "proc",
                AttributionMethod::SeenBefore => "seen",
                AttributionMethod::OomKillCounter => "counter",
            };
            *methods.entry(method.into()).or_default() += 1;
        }
    }
    let attributed: usize = methods.values().sum();
    println!(
        "{} kills in {took:?}: {named} named by the log, worked out {methods:?}, limit of {limits}",
        killed.len()
    );
    let unique: std::collections::BTreeSet<_> = findings.iter().map(|f| &f.id).collect();
    assert_eq!(unique.len(), findings.len(), "nothing comes twice");
    assert!(!findings.iter().any(|f| matches!(f.body, FindingBody::Gap(_))), "nothing is lost");
    assert_eq!(named + attributed, killed.len(), "every kill has a group");
    assert_eq!(limits, attributed, "and every kill its limit");
    agent.shutdown().await;
}
