//! The real agent with exactly what each overlay allows it, in namespaces of its own as in a container: what it can and cannot
//! read is what docs/permissions.md says.

#![allow(clippy::panic, clippy::expect_used, clippy::unwrap_used, reason = "tests may fail")]

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use coroner_tests::manifests::{OVERLAYS, Pod, find, path, render};
use coroner_tests::monitoring::get;
use coroner_tests::privilege::Kernel;
use coroner_tests::programs::{Stack, free_port, path as program};
use coroner_tests::tracefs::Tracefs;

/// The file capability that `xtask image` gives the program: CAP_SYSLOG, permitted.
const CAPABILITY: [u8; 20] = [0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0];

/// Sources that docs/permissions.md has a column for.
const SOURCES: [&str; 6] =
    ["kernel-log", "cgroup", "signal-trace", "fragmentation", "headroom", "pressure"];

struct Agent {
    child: Child,
    http: u16,
}

impl Agent {
    /// Ends it as the kubelet does, so that it takes its trace instance away.
    fn end(mut self) {
        let id = self.child.id();
        let children = std::fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap();
        assert!(Command::new("kill").arg(children.trim()).status().unwrap().success());
        self.child.wait().unwrap();
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Starts the agent as the overlay's pod does, but for the mounts' places and the addresses.
fn start(pod: &Pod, dir: &Path, tracing: &Path, collector: String) -> Agent {
    std::fs::set_permissions(dir, std::fs::Permissions::from_mode(0o755)).unwrap();
    for name in ["proc", "state"] {
        std::fs::create_dir_all(dir.join(name)).unwrap();
    }
    let uid = pod.security("runAsUser").as_u64().unwrap();
    let state = dir.join("state");
    std::os::unix::fs::chown(&state, Some(u32::try_from(uid).unwrap()), None).unwrap();
    let binary = dir.join("coroner-agent");
    std::fs::copy(program("coroner-agent"), &binary).unwrap();
    let flags = rustix::fs::XattrFlags::empty();
    rustix::fs::setxattr(&binary, "security.capability", &CAPABILITY, flags).unwrap();

    let places: BTreeMap<&str, String> = [
        ("/host/proc", dir.join("proc").display().to_string()),
        ("/host/sys/fs/cgroup", "/sys/fs/cgroup".to_owned()),
        ("/host/sys/kernel/tracing", tracing.display().to_string()),
        ("/var/lib/coroner", state.display().to_string()),
    ]
    .into();
    let http = free_port();
    // The host's /proc in its place; and the container's own, since the pid namespace is another one.
    let inside = "mount --rbind /proc \"$0/proc\" && mount -t proc proc /proc && exec \"$@\"";
    let mut command = Command::new("unshare");
    command.args(["--mount", "--pid", "--fork", "--kill-child", "sh", "-c", inside]).arg(dir);
    command.args([
        "setpriv",
        &format!("--reuid={uid}"),
        &format!("--regid={uid}"),
        "--clear-groups",
    ]);
    if pod.security("privileged") != true {
        let added: Vec<String> =
            pod.capabilities().0.iter().map(|name| format!(",+{}", name.to_lowercase())).collect();
        let granted = format!("-all{}", added.concat());
        command.args(["--inh-caps=-all".to_owned(), format!("--bounding-set={granted}")]);
        // The device cgroup denies it to all but privileged containers.
        command.env("CORONER_KMSG", "/nonexistent");
    }
    command.arg(&binary);
    for (name, value) in pod.env() {
        let value = match name {
            "NODE_NAME" => "overlay".to_owned(),
            "CORONER_COLLECTOR" => collector.clone(),
            "CORONER_HTTP_ADDR" => format!("127.0.0.1:{http}"),
            _ => places.get(value.unwrap()).cloned().unwrap_or_else(|| value.unwrap().to_owned()),
        };
        command.env(name, value);
    }
    let child = command.stdin(Stdio::null()).spawn().expect("unshare and setpriv are there");
    Agent { child, http }
}

/// Which sources read, once each was tried.
fn reading(agent: &mut Agent) -> BTreeMap<String, bool> {
    let begun = Instant::now();
    loop {
        let open = std::net::TcpStream::connect(("127.0.0.1", agent.http)).is_ok();
        if open && tried(agent.http) {
            break;
        }
        let ended = agent.child.try_wait().unwrap();
        assert!(ended.is_none() && begun.elapsed() < Duration::from_secs(30), "it is not ready");
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(get(agent.http, "/livez", "*/*"), "ok\n");
    let text = get(agent.http, "/metrics", "*/*");
    let lines = text.lines().filter_map(|line| {
        let (source, value) =
            line.strip_prefix("coroner_agent_source_reading{source=\"")?.split_once("\"} ")?;
        Some((source.to_owned(), value == "1"))
    });
    lines.collect()
}

/// Ready also means that no source is still to be tried.
fn tried(port: u16) -> bool {
    use std::io::{Read as _, Write as _};
    let mut http = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
    http.write_all(b"GET /readyz HTTP/1.0\r\n\r\n").unwrap();
    let mut answer = String::new();
    let _ = http.read_to_string(&mut answer);
    answer.contains(" 200 ")
}

/// The table of docs/permissions.md: for each overlay, whether each source reads.
fn told() -> BTreeMap<String, BTreeMap<String, bool>> {
    let text = std::fs::read_to_string(path("../docs/permissions.md")).unwrap();
    let cells = |line: &str| -> Vec<String> {
        line.trim_matches('|')
            .split('|')
            .map(|cell| cell.trim().trim_matches('`').to_owned())
            .collect()
    };
    let mut rows = text.lines().skip_while(|line| !line.starts_with("| source |"));
    let head = cells(rows.next().expect("a table of sources"));
    let mut told: BTreeMap<String, BTreeMap<String, bool>> = BTreeMap::new();
    for row in rows.skip(1).take_while(|line| line.starts_with('|')).map(cells) {
        for (overlay, cell) in head.iter().zip(&row).skip(1) {
            let reads = cell.split([' ', ',']).next() == Some("yes");
            assert!(reads || cell.starts_with("no"), "{cell}");
            told.entry(overlay.clone()).or_default().insert(row[0].clone(), reads);
        }
    }
    told
}

#[test]
fn each_overlay_reads_what_the_docs_say() {
    let told = told();
    assert_eq!(told.len(), OVERLAYS.len());
    let Some(_kernel) = Kernel::take("each_overlay_reads_what_the_docs_say") else { return };
    let mut stack = Stack::without_programs();
    stack.start_collector();
    let mounted = tempfile::tempdir().unwrap();
    let tracefs = Tracefs::find(mounted.path().join("tracing")).expect("root can mount tracefs");
    let stalls = Path::new("/proc/pressure/memory").exists();
    for overlay in OVERLAYS {
        let pod = Pod::of(find(&render(overlay), "DaemonSet", "coroner-agent"));
        let dir = tempfile::tempdir().unwrap();
        let mut agent = start(&pod, dir.path(), tracefs.path(), stack.url());
        let found = reading(&mut agent);
        let name = overlay.rsplit('/').next().unwrap();
        for source in SOURCES.into_iter().filter(|source| stalls || *source != "pressure") {
            assert_eq!(found[source], told[name][source], "{overlay}: {source}");
        }
        agent.end();
    }
}
