//! Processes that use up memory in a group (`src/bin/hog.rs`), and what became of them.

use std::io::{Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitStatus, Stdio};

use crate::groups::{Kubepods, Level};
use crate::programs;

/// A running hog. It is killed when dropped.
pub struct Hog(Child);

impl Hog {
    /// Starts `hog ARGS`, moves it into the group, and lets it begin.
    ///
    /// # Panics
    ///
    /// When it cannot be started or moved.
    #[must_use]
    pub fn start(groups: &Kubepods, level: Level, args: &[&str]) -> Self {
        let mut hog = Self::place(groups, level, args);
        hog.begin();
        hog
    }

    /// Starts `hog ARGS` and moves it into the group. It does nothing yet.
    ///
    /// # Panics
    ///
    /// When it cannot be started or moved.
    #[must_use]
    pub fn place(groups: &Kubepods, level: Level, args: &[&str]) -> Self {
        let child = Command::new(programs::path("hog"))
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the hog starts");
        groups.add(level, child.id());
        Self(child)
    }

    /// Lets it begin.
    ///
    /// # Panics
    ///
    /// When it is gone.
    pub fn begin(&mut self) {
        let stdin = self.0.stdin.as_mut().expect("piped");
        stdin.write_all(b"go\n").expect("the hog waits for this");
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.0.id()
    }

    /// Waits for its end and gives the process ids that it wrote: of its children that were killed. They have to fit
    /// into a pipe, which is some thousand.
    ///
    /// # Panics
    ///
    /// When it cannot be waited for, or wrote something else.
    pub fn wait_for_victims(&mut self) -> Vec<u32> {
        let status = self.wait();
        assert!(status.success(), "the hog ended with {status}");
        let mut text = String::new();
        let mut written = self.0.stdout.take().expect("piped, and taken once");
        written.read_to_string(&mut text).expect("what the hog wrote");
        text.lines().map(|pid| pid.parse().expect("a process id")).collect()
    }

    /// Waits for its end.
    ///
    /// # Panics
    ///
    /// When it cannot be waited for.
    pub fn wait(&mut self) -> ExitStatus {
        // Its standard input stays open, or it would end by itself.
        let stdin = self.0.stdin.take();
        let status = self.0.wait().expect("the hog is our child");
        drop(stdin);
        status
    }

    /// Waits for its end and asserts that it was SIGKILL.
    ///
    /// # Panics
    ///
    /// When it ended otherwise.
    pub fn wait_killed(&mut self) {
        let status = self.wait();
        assert_eq!(status.signal(), Some(9), "the hog ended with {status}");
    }
}

impl Drop for Hog {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
