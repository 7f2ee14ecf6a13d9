//! Collector and agent inside the guest, started, killed, and started again.

use std::cell::RefCell;
use std::fs::File;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use super::answers;
use super::groups::Tree;
use crate::guest::plan::{Setting, Without};

pub(super) const COLLECTOR_DIR: &str = "/var/lib/collector";
pub(super) const AGENT_DIR: &str = "/var/lib/agent";
pub(super) const COLLECTOR_LOG: &str = "/var/lib/collector.log";
pub(super) const AGENT_LOG: &str = "/var/lib/agent.log";

/// The running programs, killed when dropped.
pub(super) struct Programs {
    collector: Child,
    agent: RefCell<Child>,
    fault: Without,
    group: PathBuf,
}

impl Programs {
    /// Starts both, and waits until they work.
    pub(super) fn start(tree: &Tree, setting: &Setting) -> Result<Self, String> {
        // The kernel must not choose these when all is used up.
        std::fs::write("/proc/self/oom_score_adj", "-999").map_err(|e| format!("adj: {e}"))?;
        let group = tree.host("system.slice/coroner.service")?;
        let collector = start("coroner-collector", &["--data-dir", COLLECTOR_DIR], COLLECTOR_LOG)?;
        tree.join(&group, collector.id())?;
        answers::wait_for_collector()?;
        let agent = RefCell::new(start_agent(tree, &group, setting.fault)?);
        Ok(Self { collector, agent, fault: setting.fault, group })
    }

    /// Ends the agent as a crash would.
    pub(super) fn kill_agent(&self) -> Result<(), String> {
        let mut agent = self.agent.borrow_mut();
        agent.kill().and_then(|()| agent.wait()).map(drop).map_err(|e| format!("the agent: {e}"))
    }

    /// Starts the agent again.
    pub(super) fn start_agent(&self, tree: &Tree) -> Result<(), String> {
        *self.agent.borrow_mut() = start_agent(tree, &self.group, self.fault)?;
        Ok(())
    }
}

impl Drop for Programs {
    fn drop(&mut self) {
        for child in [&mut self.collector, self.agent.get_mut()] {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn start_agent(tree: &Tree, group: &std::path::Path, fault: Without) -> Result<Child, String> {
    let mut args = vec!["--state-dir", AGENT_DIR, "--node-name", "guest"];
    args.extend(fault.flags());
    let said = std::fs::read(AGENT_LOG).map_or(0, |log| log.len());
    let agent = start("coroner-agent", &args, AGENT_LOG)?;
    tree.join(group, agent.id())?;
    answers::wait_for_agent(AGENT_LOG, said)?;
    Ok(agent)
}

fn start(name: &str, args: &[&str], log: &str) -> Result<Child, String> {
    let log = File::options().create(true).append(true).open(log);
    let log = log.map_err(|e| format!("a log for {name}: {e}"))?;
    let mut command = Command::new(format!("/bin/{name}"));
    // Kept with the answers: what was seen when, for whoever looks why an answer is wrong.
    command.env("RUST_LOG", "coroner_agent=debug,info");
    command.args(args).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
    command.spawn().map_err(|e| format!("cannot start {name}: {e}"))
}
