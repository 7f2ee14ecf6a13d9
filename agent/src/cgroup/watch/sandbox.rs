//! Which container is only the sandbox of its pod.
//!
//! A pod's namespaces are held by a container that no status mentions, its sandbox; what runs in it is `pause`. The runtimes
//! give it an `oom_score_adj` of -998 (containerd `defaultSandboxOOMAdj`, CRI-O `PodInfraOOMAdj`), which the kubelet gives
//! to no other container: guaranteed ones have -997, all others more. A runtime that may not lower the value leaves
//! what it has itself, and then the name has to do; a container of a pod that runs `pause` as well is told by its status
//! in Kubernetes all the same. A process that is gone tells nothing.

use std::path::Path;

/// `oom_score_adj` of sandboxes.
const SANDBOX: &str = "-998";

/// The program in them.
const PAUSE: &str = "pause";

/// Whether a container's first process is that of a sandbox; `None` when it is gone.
pub(super) fn is_sandbox(proc_root: &Path, main: u32) -> Option<bool> {
    let file =
        |name: &str| std::fs::read_to_string(proc_root.join(main.to_string()).join(name)).ok();
    let comm = file("comm")?;
    Some(comm.trim_end() == PAUSE || file("oom_score_adj")?.trim_end() == SANDBOX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::containerd("pause", "-998", Some(true))]
    #[case::one_that_may_not_lower_it("pause", "0", Some(true))]
    #[case::another_program("infra", "-998", Some(true))]
    #[case::guaranteed("java", "-997", Some(false))]
    #[case::burstable("pause-me", "998", Some(false))]
    fn sandboxes(#[case] comm: &str, #[case] adj: &str, #[case] expected: Option<bool>) {
        let proc_root = tempfile::tempdir().unwrap();
        let process = proc_root.path().join("7");
        std::fs::create_dir(&process).unwrap();
        std::fs::write(process.join("comm"), format!("{comm}\n")).unwrap();
        std::fs::write(process.join("oom_score_adj"), format!("{adj}\n")).unwrap();
        assert_eq!(is_sandbox(proc_root.path(), 7), expected);
        assert_eq!(is_sandbox(proc_root.path(), 8), None);
    }
}
