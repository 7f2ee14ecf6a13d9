//! What happens in a scene: waiting until something is true, and things that befall the whole machine.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use super::churn::Churn;
use super::scene::{Scene, now_us, wait};

impl Scene<'_> {
    /// Waits until a process is gone.
    ///
    /// # Errors
    ///
    /// When it stays.
    pub fn wait_gone(&mut self, role: &str) -> Result<(), String> {
        let running = self.find(role)?;
        wait(&format!("{role} did not die"), || running.is_gone())
    }

    /// Waits until a process holds so many MiB.
    ///
    /// # Errors
    ///
    /// When it does not.
    pub fn wait_holding(&mut self, role: &str, mebibytes: u64) -> Result<(), String> {
        let running = self.find(role)?;
        wait(&format!("{role} did not take {mebibytes} MiB"), || {
            running.resident_kb() >= mebibytes * 1024
        })
    }

    /// Waits until a process printed a line.
    ///
    /// # Errors
    ///
    /// When it does not.
    pub fn wait_said(&mut self, role: &str, line: &str) -> Result<(), String> {
        let running = self.find(role)?;
        wait(&format!("{role} did not say `{line}`"), || running.said(line))
    }

    /// Checks that a process lives.
    ///
    /// # Errors
    ///
    /// When it does not.
    pub fn still_there(&mut self, role: &str) -> Result<(), String> {
        if self.find(role)?.is_gone() { Err(format!("{role} is gone")) } else { Ok(()) }
    }

    /// Mounts a tmpfs of the case's own.
    ///
    /// # Errors
    ///
    /// When the kernel refuses.
    pub fn mount_tmpfs(&mut self, name: &str, options: &str) -> Result<(), String> {
        let dir = PathBuf::from(self.path_in(name, ""));
        std::fs::create_dir_all(&dir).map_err(|e| format!("{}: {e}", dir.display()))?;
        let done = Command::new("/bin/mount")
            .args(["-t", "tmpfs", "-o", options, "tmpfs"])
            .arg(&dir)
            .status();
        self.mounts.push(dir);
        if done.is_ok_and(|s| s.success()) { Ok(()) } else { Err(format!("no tmpfs {options}")) }
    }

    /// A path in a tmpfs of the case.
    #[must_use]
    pub fn path_in(&self, name: &str, file: &str) -> String {
        format!("/var/lib/scene/{name}/{file}")
    }

    /// Ends the agent as a crash would.
    ///
    /// # Errors
    ///
    /// When it does not run.
    pub fn kill_agent(&self) -> Result<(), String> {
        self.programs.kill_agent()
    }

    /// Starts the agent again, and waits until it works.
    ///
    /// # Errors
    ///
    /// When it does not.
    pub fn start_agent(&self) -> Result<(), String> {
        self.programs.start_agent(self.tree)
    }

    /// Sets the guest's clock forward, or back. The case counts from here.
    ///
    /// # Errors
    ///
    /// When the kernel refuses.
    pub fn step_clock(&mut self, hours: i64) -> Result<(), String> {
        let to = now_us() / 1_000_000 + hours * 3600;
        let set = Command::new("/bin/date").args(["-s", &format!("@{to}")]).output();
        self.record.from_us = now_us();
        if set.is_ok_and(|o| o.status.success()) { Ok(()) } else { Err("date -s".to_owned()) }
    }

    /// Lets containers come and go in a pod that is there, with so much time between two.
    ///
    /// # Errors
    ///
    /// When there is no such pod.
    pub fn begin_churn(&mut self, pod: &str, between: Duration) -> Result<(), String> {
        let found = self.pods.iter().find(|p| p.0 == pod).ok_or("no such pod")?;
        self.churn = Some(Churn::begin(self.tree, &self.record.case, &found.2, between));
        Ok(())
    }

    /// Ends that.
    ///
    /// # Errors
    ///
    /// When fewer came and went than had to.
    pub fn end_churn(&mut self, least: u32) -> Result<(), String> {
        let made = self.churn.take().ok_or("nothing came or went")?.end()?;
        if made < least { Err(format!("only {made} containers came and went")) } else { Ok(()) }
    }
}
