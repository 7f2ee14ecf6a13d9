//! What the trace and the counters say, made by hand: one builder for each kind of finding.

use super::*;
use crate::finding::{
    ContainerEnd, CountedKill, CountedLimit, CoverageSpan, GroupRise, OomMark, Process, Sigkill,
    SignalResult,
};

pub(super) const SSHD: &str = "/system.slice/ssh.service";

/// The fact that the cases here are about when an OOM kill opened them.
pub(super) fn the_report() -> FindingId {
    FindingId::at("boot", &at(100), 0)
}

pub(super) fn death() -> FindingId {
    FindingId::death("boot", ID)
}

pub(super) fn process(pid: u32, comm: &str, cgroup: Option<&str>) -> Process {
    Process { pid, comm: comm.to_owned(), cgroup: cgroup.map(str::to_owned), ..Process::default() }
}

/// A SIGKILL for pid 41 (java) of the container.
pub(super) fn sigkill(code: i32, sender: Process, main: Option<bool>) -> Sigkill {
    Sigkill {
        at_us: 140_000,
        code,
        whole_process: Some(true),
        result: SignalResult::Delivered,
        receiver: process(41, "java", Some(&container())),
        receiver_is_main: main,
        sender,
        ancestors: Vec::new(),
        oom_mark: None,
    }
}

/// The OOM killer's, as the trace shows it.
pub(super) fn mark(cgroup: Option<&str>, main: Option<bool>) -> Sigkill {
    Sigkill {
        receiver: process(41, "java", cgroup),
        oom_mark: Some(OomMark {
            at_us: 140_100,
            anon_rss_kb: Some(60 << 10),
            ..OomMark::default()
        }),
        ..sigkill(128, process(41, "java", None), main)
    }
}

pub(super) fn traced(sigkill: Sigkill, about: Option<FindingId>) -> Finding {
    Finding {
        id: FindingId::sigkill("boot", &sigkill),
        source: Source::SignalTrace,
        about,
        body: FindingBody::Sigkill(Box::new(sigkill)),
        ..oom(bare(Scope::Cgroup))
    }
}

pub(super) fn rise(group: &str, limit: Option<Limit>, oom: u64, kills: u64) -> GroupRise {
    GroupRise {
        group: group.to_owned(),
        limit,
        peak: limit.and_then(Limit::bytes),
        oom: Some(oom),
        limit_hits: Some(oom),
        oom_kill: Some(kills),
        ..GroupRise::default()
    }
}

pub(super) fn count(group: &str, limit: CountedLimit, lineage: Vec<GroupRise>) -> CountedKill {
    CountedKill {
        group: group.to_owned(),
        version: 2,
        oom_kill: 1,
        of: 1,
        from_us: 130_000,
        to_us: 145_000,
        lineage,
        limit,
        one_of: Vec::new(),
    }
}

pub(super) fn counted(kill: CountedKill, about: Option<FindingId>) -> Finding {
    Finding {
        id: FindingId::counted("boot", &kill),
        source: Source::Cgroup,
        about,
        body: FindingBody::CountedKill(Box::new(kill)),
        ..oom(bare(Scope::Cgroup))
    }
}

/// The container's end with its first process 41, watched from start to end.
pub(super) fn end(main_sigkilled: Option<bool>, oom_kills: Option<u64>) -> ContainerEnd {
    ContainerEnd {
        group: container(),
        container_id: ID.to_owned(),
        main_pid: Some(41),
        watched_since: Some("2026-01-02T11:00:00Z".parse().expect("a time")),
        not_before: Some("2026-01-02T12:00:03Z".parse().expect("a time")),
        main_sigkilled,
        oom_kills,
        throttled_us: Some(12_000_000),
        throttled_periods: Some((40, 100)),
        sandbox: false,
    }
}

pub(super) fn ended(end: ContainerEnd, about: Option<FindingId>) -> Finding {
    Finding {
        id: FindingId::container_end("boot", &end.container_id),
        source: Source::Cgroup,
        about,
        body: FindingBody::ContainerEnd(Box::new(end)),
        ..oom(bare(Scope::Cgroup))
    }
}

pub(super) fn span(source: Source, from: &str, to: &str) -> CoverageSpan {
    let time = |hms: &str| format!("2026-01-02T{hms}Z").parse().expect("a time");
    CoverageSpan { source, from: time(from), to: time(to) }
}

/// All three sources that see kills, without a hole.
pub(super) fn all_watched() -> Vec<CoverageSpan> {
    [Source::KernelLog, Source::Cgroup, Source::SignalTrace]
        .map(|source| span(source, "11:02:00", "12:00:05"))
        .to_vec()
}

/// The verdict where nothing was missed.
#[track_caller]
pub(super) fn watched(findings: Vec<Finding>) -> Incident {
    judge(&Case { findings, coverage: all_watched(), ..Case::default() }).expect("an incident")
}
