//! The project's own programs as processes: collector, agent, command line.

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::tracefs::Tracefs;

/// How long a program may take until it answers. Generous: this bounds a hang, it measures nothing.
const PATIENCE: Duration = Duration::from_secs(20);

/// Where a program of the workspace was built, building it if the test run did not.
///
/// # Panics
///
/// When it cannot be built.
#[must_use]
pub fn path(name: &str) -> PathBuf {
    static BUILT: Mutex<Vec<String>> = Mutex::new(Vec::new());
    // Tests stand in DIR/deps, programs in DIR.
    let exe = std::env::current_exe().expect("a test knows itself");
    let own = exe.parent().expect("a program stands somewhere");
    let dir = if own.ends_with("deps") { own.parent().expect("deps stands in DIR") } else { own };
    let dir = dir.to_owned();
    let mut built = BUILT.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if !built.iter().any(|b| b == name) {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut command = Command::new(cargo);
        command
            .args(["build", "--quiet", "--workspace", "--bin", name])
            .current_dir(env!("CARGO_MANIFEST_DIR"));
        command.env(
            "CARGO_TARGET_DIR",
            dir.parent().expect("a profile stands in the target directory"),
        );
        if dir.ends_with("release") {
            command.arg("--release");
        } else {
            // With a test among what is built, dependencies have the features that tests ask for: those that `cargo test`
            // has built. Without, half of them are compiled once more, and whoever started this waits for that.
            command.args(["--test", "storm"]);
        }
        assert!(command.status().expect("cargo runs").success(), "cannot build {name}");
        built.push(name.to_owned());
    }
    dir.join(name)
}

/// A port that nobody listens on at the moment.
///
/// # Panics
///
/// When there is none.
#[must_use]
pub fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).and_then(|l| l.local_addr()).expect("a free port").port()
}

/// A process that is killed when dropped.
pub struct Process(Child);

impl Process {
    /// Starts a program of the workspace.
    ///
    /// # Panics
    ///
    /// When it cannot be started.
    #[must_use]
    pub fn start(name: &str, args: &[String]) -> Self {
        // In a session of its own, which the scheduler treats as a group of its own (sched(7), autogroup): on a node it
        // has its own share of the processors too, whatever the containers do with theirs.
        let mut command = Command::new("setsid");
        let child = command.arg(path(name)).args(args).stdin(Stdio::null()).spawn();
        Self(child.unwrap_or_else(|e| panic!("cannot start {name}: {e}")))
    }

    /// Starts a program of the workspace as nobody, with CAP_SYSLOG and nothing else.
    ///
    /// # Panics
    ///
    /// When it cannot be started.
    #[must_use]
    pub fn start_with_cap_syslog(name: &str, args: &[String]) -> Self {
        let child = Command::new("setsid")
            .arg("setpriv")
            .args(["--reuid=65534", "--regid=65534", "--clear-groups", "--no-new-privs"])
            .args(["--inh-caps=-all,+syslog", "--ambient-caps=-all,+syslog"])
            .arg("--bounding-set=-all,+syslog")
            .arg(path(name))
            .args(args)
            .stdin(Stdio::null())
            .spawn();
        Self(child.unwrap_or_else(|e| panic!("cannot start {name}: {e}")))
    }

    /// Ends it as a crash would.
    ///
    /// # Panics
    ///
    /// When it was gone already.
    pub fn kill_9(mut self) {
        assert!(
            self.0.try_wait().expect("our child").is_none(),
            "it had ended before it was killed"
        );
        self.0.kill().expect("it can be killed");
        self.0.wait().expect("it is our child");
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A collector and an agent with directories of their own.
pub struct Stack {
    dir: TempDir,
    grpc: u16,
    http: u16,
    agent_http: u16,
    /// Further flags of the agent.
    agent_flags: Vec<String>,
    collector: Option<Process>,
    agent: Option<Process>,
    // Behind the agent, which has to let go of it first.
    tracefs: Option<Tracefs>,
}

impl Stack {
    /// Starts both and waits until the collector answers.
    ///
    /// # Panics
    ///
    /// When it does not.
    #[must_use]
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// The same with further flags for the agent.
    ///
    /// # Panics
    ///
    /// When the collector does not answer.
    #[must_use]
    pub fn start_with(agent_flags: &[&str]) -> Self {
        let mut stack = Self::without_programs();
        stack.agent_flags = agent_flags.iter().map(|flag| (*flag).to_owned()).collect();
        stack.start_collector();
        stack.start_agent();
        stack
    }

    /// The directories and ports alone.
    ///
    /// # Panics
    ///
    /// When there is no temporary directory.
    #[must_use]
    pub fn without_programs() -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory");
        Self {
            tracefs: Tracefs::find(dir.path().join("tracing")),
            dir,
            grpc: free_port(),
            http: free_port(),
            agent_http: free_port(),
            agent_flags: Vec::new(),
            collector: None,
            agent: None,
        }
    }

    /// The collector's address.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.grpc)
    }

    /// The collector's directory.
    #[must_use]
    pub fn data_dir(&self) -> PathBuf {
        self.dir.path().join("collector")
    }

    /// Starts the collector and waits until its port is open.
    ///
    /// # Panics
    ///
    /// When it does not open it.
    pub fn start_collector(&mut self) {
        let args = [
            "--grpc-addr".to_owned(),
            format!("127.0.0.1:{}", self.grpc),
            "--http-addr".to_owned(),
            format!("127.0.0.1:{}", self.http),
            "--data-dir".to_owned(),
            self.data_dir().display().to_string(),
        ];
        self.collector = Some(Process::start("coroner-collector", &args));
        let start = Instant::now();
        while std::net::TcpStream::connect(("127.0.0.1", self.grpc)).is_err() {
            assert!(start.elapsed() < PATIENCE, "the collector did not open its port");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// The agent's flags.
    #[must_use]
    pub fn agent_args(&self) -> Vec<String> {
        self.agent_args_to(self.url())
    }

    fn agent_args_to(&self, collector: String) -> Vec<String> {
        let tracing = self.tracefs.iter().flat_map(|tracefs| {
            ["--tracing-root".to_owned(), tracefs.path().display().to_string()]
        });
        let args = [
            "--collector".to_owned(),
            collector,
            "--state-dir".to_owned(),
            self.dir.path().join("agent").display().to_string(),
            "--http-addr".to_owned(),
            format!("127.0.0.1:{}", self.agent_http),
            "--node-name".to_owned(),
            "node-e2e".to_owned(),
        ];
        args.into_iter().chain(tracing).chain(self.agent_flags.iter().cloned()).collect()
    }

    /// Starts the agent. It reads the kernel log from its oldest record, so nothing needs to be waited for.
    pub fn start_agent(&mut self) {
        self.agent = Some(Process::start("coroner-agent", &self.agent_args()));
    }

    /// Starts the agent as the default deployment does: without root and the device, with CAP_SYSLOG alone. It
    /// keeps no position.
    pub fn start_agent_with_cap_syslog(&mut self) {
        let mut args = self.agent_args();
        if let Some(at) = args.iter().position(|arg| arg == "--state-dir") {
            args.drain(at..at + 2);
        }
        // In a container without privileges the device cannot be opened.
        args.extend(["--kmsg".to_owned(), "/nonexistent".to_owned()]);
        self.agent = Some(Process::start_with_cap_syslog("coroner-agent", &args));
    }

    /// Starts the agent towards another address, behind which the collector is.
    pub fn start_agent_towards(&mut self, url: String) {
        self.agent = Some(Process::start("coroner-agent", &self.agent_args_to(url)));
    }

    /// The agent's HTTP port.
    #[must_use]
    pub fn agent_http_port(&self) -> u16 {
        self.agent_http
    }

    /// The collector's HTTP port.
    #[must_use]
    pub fn collector_http_port(&self) -> u16 {
        self.http
    }

    /// The collector's gRPC port.
    #[must_use]
    pub fn grpc_port(&self) -> u16 {
        self.grpc
    }

    /// One of the collector's metrics, as Prometheus would read it.
    ///
    /// # Panics
    ///
    /// When it cannot be read.
    #[must_use]
    pub fn collector_metric(&self, name: &str) -> u64 {
        metric(self.http, name)
    }

    /// One of the agent's metrics.
    ///
    /// # Panics
    ///
    /// When it cannot be read.
    #[must_use]
    pub fn agent_metric(&self, name: &str) -> u64 {
        metric(self.agent_http, name)
    }

    /// Waits until all of the agent's sources were tried and a collector answers it.
    ///
    /// # Panics
    ///
    /// When that does not come true.
    pub fn wait_until_ready(&self) {
        let start = Instant::now();
        loop {
            let answer = get(self.agent_http, "/readyz");
            if answer.as_ref().is_ok_and(|answer| answer.starts_with("HTTP/1.1 200")) {
                return;
            }
            assert!(start.elapsed() < PATIENCE, "the agent is not ready: {answer:?}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// The agent's process id.
    #[must_use]
    pub fn agent_pid(&self) -> Option<u32> {
        self.agent.as_ref().map(Process::pid)
    }

    /// Kills the agent as a crash would.
    ///
    /// # Panics
    ///
    /// When it does not run.
    pub fn kill_9_agent(&mut self) {
        self.agent.take().expect("the agent runs").kill_9();
    }

    /// Kills the collector as a crash would.
    ///
    /// # Panics
    ///
    /// When it does not run.
    pub fn kill_9_collector(&mut self) {
        self.collector.take().expect("the collector runs").kill_9();
    }
}

fn metric(port: u16, name: &str) -> u64 {
    let text = get(port, "/metrics").expect("the port is open");
    let value = text.lines().find_map(|l| l.strip_prefix(name)?.strip_prefix(' '));
    value.and_then(|v| v.trim().parse().ok()).unwrap_or_else(|| panic!("no {name} in {text}"))
}

fn get(port: u16, path: &str) -> std::io::Result<String> {
    use std::io::{Read as _, Write as _};
    let mut http = std::net::TcpStream::connect(("127.0.0.1", port))?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    http.write_all(request.as_bytes())?;
    let mut text = String::new();
    http.read_to_string(&mut text)?;
    Ok(text)
}
