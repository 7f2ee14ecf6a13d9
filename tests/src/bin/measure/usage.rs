//! Memory, processor time and wake-ups of a process, from `/proc`.

/// What a process has used up to a moment.
pub(crate) struct Usage {
    pub(crate) rss_kib: u64,
    pub(crate) anon_kib: u64,
    pub(crate) cpu_ns: u64,
    pub(crate) switches: u64,
}

impl Usage {
    pub(crate) fn of(pid: u32) -> Self {
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
