//! Memory, processor time and wake-ups of a process, from `/proc`.

/// What a process has used up to a moment.
pub struct Usage {
    /// Resident memory in KiB.
    pub rss_kib: u64,
    /// Of that, memory that no file stands behind, in KiB.
    pub anon_kib: u64,
    /// Processor time of all its threads in nanoseconds.
    pub cpu_ns: u64,
    /// How often its threads went to sleep by themselves, which is how often they were woken.
    pub switches: u64,
}

impl Usage {
    /// Of process `pid`.
    ///
    /// # Panics
    ///
    /// When it does not run.
    #[must_use]
    pub fn of(pid: u32) -> Self {
        let read =
            |path: String| std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"));
        let field = |text: &str, key: &str| -> u64 {
            let value = text
                .lines()
                .find_map(|l| l.strip_prefix(key))
                .and_then(|v| v.split_whitespace().next());
            value.and_then(|v| v.parse().ok()).unwrap_or_else(|| panic!("no {key} of pid {pid}"))
        };
        let status = read(format!("/proc/{pid}/status"));
        let (mut cpu_ns, mut switches) = (0, 0);
        for task in
            std::fs::read_dir(format!("/proc/{pid}/task")).expect("the agent runs").flatten()
        {
            let task = task.path().display().to_string();
            let schedstat = read(format!("{task}/schedstat"));
            cpu_ns +=
                schedstat.split(' ').next().and_then(|ns| ns.parse::<u64>().ok()).unwrap_or(0);
            switches += field(&read(format!("{task}/status")), "voluntary_ctxt_switches:");
        }
        Self {
            rss_kib: field(&status, "VmRSS:"),
            anon_kib: field(&status, "RssAnon:"),
            cpu_ns,
            switches,
        }
    }
}
