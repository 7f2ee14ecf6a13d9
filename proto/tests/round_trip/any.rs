//! Any value of any core type, from a seed. Every field is listed, so a new one cannot be forgotten.

use coroner_core::{
    absence as a, finding as f, incident as i, kernel as k, kubernetes::Terminated,
    node_report as n, spans,
};
use jiff::Timestamp;

/// A small generator of numbers (splitmix64): the property test chooses the seed.
pub(crate) struct Seed(pub(crate) u64);

impl Seed {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(n).unwrap()).unwrap()
    }
}

/// Can be made from a seed.
pub(crate) trait Any {
    fn any(seed: &mut Seed) -> Self;
}

impl Any for u64 {
    /// The ends of the range come often: that is where encodings break.
    fn any(seed: &mut Seed) -> Self {
        match seed.below(5) {
            0 => 0,
            1 => Self::MAX,
            _ => seed.next() >> seed.below(64),
        }
    }
}

impl Any for u32 {
    fn any(seed: &mut Seed) -> Self {
        Self::try_from(u64::any(seed) & u64::from(Self::MAX)).unwrap()
    }
}

impl Any for i32 {
    fn any(seed: &mut Seed) -> Self {
        [0, Self::MIN, Self::MAX, -1, -1000, 1000, 7][seed.below(7)]
    }
}

impl Any for i64 {
    fn any(seed: &mut Seed) -> Self {
        [0, Self::MIN, Self::MAX, -1, 7][seed.below(5)]
    }
}

impl Any for f64 {
    fn any(seed: &mut Seed) -> Self {
        [0.0, -300.25, 0.001, Self::MAX, Self::MIN_POSITIVE][seed.below(5)]
    }
}

impl Any for bool {
    fn any(seed: &mut Seed) -> Self {
        seed.next().is_multiple_of(2)
    }
}

impl Any for String {
    fn any(seed: &mut Seed) -> Self {
        ["", "java", "a b\\x1b[31m", "\u{1b}[2J\n\0", "größe ✂", "/kubepods/x.slice"][seed.below(6)]
            .to_owned()
    }
}

impl Any for Timestamp {
    fn any(seed: &mut Seed) -> Self {
        let seconds = [0, -1, 1_763_712_000, Self::MIN.as_second() + 1, Self::MAX.as_second() - 1]
            [seed.below(5)];
        let nanos = [0, 1, 999_999_999, -1, -999_999_999][seed.below(5)];
        Self::new(seconds, nanos).unwrap()
    }
}

impl Any for spans::Span {
    fn any(seed: &mut Seed) -> Self {
        let (from, to) = (Timestamp::any(seed), Timestamp::any(seed));
        Self { from: from.min(to), to: from.max(to) }
    }
}

impl<T: Any> Any for Option<T> {
    fn any(seed: &mut Seed) -> Self {
        bool::any(seed).then(|| T::any(seed))
    }
}

impl<T: Any> Any for Vec<T> {
    fn any(seed: &mut Seed) -> Self {
        (0..seed.below(4)).map(|_| T::any(seed)).collect()
    }
}

impl<T: Any> Any for Box<T> {
    fn any(seed: &mut Seed) -> Self {
        Self::new(T::any(seed))
    }
}

impl<A: Any, B: Any> Any for (A, B) {
    fn any(seed: &mut Seed) -> Self {
        (A::any(seed), B::any(seed))
    }
}

macro_rules! structs {
    ($($of:ty { $($field:ident),+ $(,)? })+) => {$(
        impl Any for $of {
            fn any(seed: &mut Seed) -> Self {
                Self { $($field: Any::any(seed)),+ }
            }
        }
    )+};
}

macro_rules! choices {
    ($($of:ty { $($make:expr),+ $(,)? })+) => {$(
        impl Any for $of {
            fn any(seed: &mut Seed) -> Self {
                let makers: &[fn(&mut Seed) -> Self] = &[$($make),+];
                makers[seed.below(makers.len())](seed)
            }
        }
    )+};
}

structs! {
    k::Position { seq, monotonic_us, stamp, line }
    k::Usage { usage, limit, failcnt }
    k::MemInfo {
        ram, reserved, anon, file, unevictable, shmem, slab_reclaimable, slab_unreclaimable, pagetables, free,
        swap_total, swap_free, hugepages_free, hugepages_total,
    }
    k::FreeArea { node, zone, blocks }
    k::TaskRow { pid, tgid, uid, total_vm, rss, pgtables, swap, oom_score_adj, comm }
    k::Trigger { comm, pid, gfp_mask, order, oom_score_adj }
    k::Victim {
        position, pid, comm, uid, total_vm, anon_rss, file_rss, shmem_rss, pgtables, oom_score_adj, cgroup,
    }
    k::OomReport {
        position, trigger, constraint, scope, limit_cgroup, level, memory, memory_swap, swap, kmem, stats, mem_info,
        free_areas, tasks, tasks_dropped, nodemask, mems_allowed, victims, oom_group, end, bare, sysrq, incomplete,
        excerpt,
    }
    k::OomVictim { report, scope, oom_group, victim }
    k::Reaped { position, pid, comm, reaped, anon_rss }
    k::AllocationFailure { position, comm, pid, order, gfp_mask, cpuset, free_areas, free, excerpt }
    k::SlabFailure { position, node, gfp_mask, cache, default_order, min_order }
    k::VmallocFailure { position, comm, size, message }
    k::HardwareMemoryError { position, pid, comm, pfn, message }
    k::Fault { position, pid, comm, fault, message }
    k::UserspaceKill { position, killer, pid, comm, cgroup, message }
    k::Unverified { position, facility, pid, message, reason }
    k::Suppressed { position, function, count }
    f::Finding { id, node, boot_id, time, time_uncertainty_us, source, about, body }
    f::Sigkill {
        at_us, code, whole_process, result, receiver, receiver_is_main, sender, ancestors, oom_mark,
    }
    f::Process { pid, comm, cgroup, namespace_pid, thread, exiting }
    f::OomMark {
        at_us, total_vm_kb, anon_rss_kb, file_rss_kb, shmem_rss_kb, uid, pgtables_kb, oom_score_adj,
    }
    f::CountedKill { group, version, oom_kill, of, from_us, to_us, lineage, limit, one_of }
    f::GroupRise { group, limit, usage, peak, oom, limit_hits, oom_kill, oom_group_kill }
    f::ContainerEnd {
        group, container_id, main_pid, watched_since, not_before, main_sigkilled, oom_kills, throttled_us,
        throttled_periods, sandbox,
    }
    f::Fragmentation { occasion, areas, shortage, counters, earlier, huge_pages }
    f::BlockShortage { node, zone, order, block, blocks_left, free, unusable_permille, earlier }
    f::EarlierIndex { seconds, unusable_permille }
    f::CompactionCounters {
        stalls, failed, succeeded, reclaim_stalls, huge_faults, huge_fallbacks, oom_kills,
    }
    f::EarlierCounters { seconds, counters }
    f::HugePages { total, free, promised }
    f::Headroom {
        occasion, capacity, available, pods, reservation, outside, kernel, shmem, groups, processes, most, concerns,
    }
    f::Reservation { kube, system, enforced }
    f::GroupUse { group, usage, held, limit }
    f::ProcessUse { pid, comm, group, rss }
    f::KernelMemory { slab_unreclaimable, page_tables, stacks, percpu, huge_pages }
    f::MostOutside { bytes, seconds }
    f::Pressure { occasion, groups }
    f::GroupPressure { group, memory, cpu, io }
    f::ResourcePressure { some, full, before }
    f::Stall { avg10, avg60, avg300, total_us }
    f::StallBefore { window_us, some_us, full_us }
    f::Population {
        groups, groups_beyond, pods, host, unplaced, unplaced_processes, total, trigger, victim, hog,
    }
    f::Inhabited { group, pod_uid, processes, rss, usage, limit, largest }
    f::Role { pid, comm, group, rss, oom_score_adj, badness }
    f::NodeFacts {
        kernel, machine, agent_version, booted, cgroup_version, page_size, memory, swap, cpus, numa, overcommit_memory,
        panic_on_oom, oom_dump_tasks, oom_kill_allocating_task, dmesg_restrict, min_free, lacks,
    }
    f::MemoryVolumes { pod_uid, volumes }
    f::MemoryVolume { name, path, size, used }
    f::NumaNode { node, memory }
    f::Lack { source, what }
    f::Gap { source, first_lost, lost, from, to, reason }
    f::SourceStatus { source, reading, detail, since }
    f::CgroupObservation { about, phase, attribution, limit, victim, siblings }
    f::Attribution { pid, cgroup, limit_cgroup, method }
    f::CgroupState {
        path, version, exists, usage, peak, limit, limit_hits, oom, oom_kill, oom_group, processes_left,
    }
    f::CoverageSpan { source, from, to }
    a::Witness { source, holes }
    a::Absence { verdict, confidence, from, to, kills, witnesses, sentence }
    n::SourceReport { source, reading, detail, said, coverage, holes }
    n::CauseCount { cause, count }
    n::NodeReport {
        name, boot_id, agent_version, first_seen, last_seen, window, absence, sources, incidents, state, clock, api_clock,
    }
    n::ClockAhead { seconds, uncertainty_seconds }
    i::Incident {
        id, time, node, cause, outcome, confidence, summary, explanation, remedies, pod, container, termination,
        kernel, evidence, gaps, alternatives, kubernetes, sigkill, previous, revised_from, orderly,
    }
    i::KubernetesSays { reason, disagrees, why }
    i::PodRef { namespace, name, uid, owner }
    i::OwnerRef { kind, name }
    i::SigkillFacts { sender_pid, sender_comm, sender_cgroup, sender_is, code }
    i::EarlierEnd { restart_count, exit_code, reason, finished_at, incident, cause }
    i::RevisedFrom { cause, outcome, confidence, at, why }
    i::ContainerRef { name, id }
    Terminated { exit_code, signal, reason, message, started_at, finished_at, container_id }
    i::KernelFacts { scope, level, limit_cgroup, limit_bytes, usage_bytes, trigger, victims }
    i::TriggerFacts { comm, pid, order, gfp_mask }
    i::VictimFacts { pid, comm, anon_rss_kb }
    i::Evidence { source, detail, time }
}

choices! {
    f::FindingId { |s| Self(Any::any(s)) }
    i::IncidentId { |s| Self(Any::any(s)) }
    k::Limit { |s| Self::Bytes(Any::any(s)), |_| Self::Unlimited }
    k::ReportEnd {
        |_| Self::Killed,
        |s| Self::AlreadyExiting { pid: Any::any(s), comm: Any::any(s) },
        |_| Self::NoKillableProcess,
        |s| Self::Panic(Any::any(s)),
        |_| Self::Unfinished,
    }
    k::Scope { |_| Self::System, |_| Self::Cgroup, |_| Self::Cpuset, |_| Self::Mempolicy, |_| Self::Unknown }
    k::Level {
        |_| Self::Container, |_| Self::Pod, |_| Self::Qos, |_| Self::Kubepods, |_| Self::Other, |_| Self::None,
    }
    k::UserspaceKiller {
        |_| Self::SystemdOomd, |_| Self::Earlyoom, |_| Self::Talos, |_| Self::Oomd, |_| Self::LowMemoryKiller,
    }
    f::Source { |s| Self::ALL[s.below(Self::ALL.len())] }
    f::SignalResult { |_| Self::Delivered, |_| Self::Ignored, |_| Self::AlreadyPending, |_| Self::Other }
    f::CountedLimit { |s| Self::Group(Any::any(s)), |_| Self::WholeNode, |_| Self::Unknown }
    f::Occasion { |_| Self::Sample, |_| Self::Raised, |_| Self::Cleared, |_| Self::Incident }
    f::Concern {
        |_| Self::NearReservation, |_| Self::OverReservation, |_| Self::NoPodsLimit, |_| Self::Overcommitted,
    }
    f::Phase { |_| Self::AtKill, |_| Self::Aftermath }
    f::AttributionMethod { |_| Self::ProcCgroup, |_| Self::SeenBefore, |_| Self::OomKillCounter }
    i::Outcome {
        |_| Self::ContainerExited, |_| Self::ContainerSurvived, |_| Self::HostProcessKilled, |_| Self::NeverStarted,
    }
    i::Confidence { |_| Self::Unknown, |_| Self::Possible, |_| Self::Likely, |_| Self::Confirmed }
    a::Verdict { |_| Self::Happened, |_| Self::Excluded, |_| Self::Open }
    i::Cause { |s| Self::ALL[s.below(Self::ALL.len())] }
    f::FindingBody {
        |s| Self::Kernel(Any::any(s)),
        |s| Self::Gap(Any::any(s)),
        |s| Self::Cgroups(Any::any(s)),
        |s| Self::SourceStatus(Any::any(s)),
        |s| Self::Sigkill(Any::any(s)),
        |s| Self::CountedKill(Any::any(s)),
        |s| Self::ContainerEnd(Any::any(s)),
        |s| Self::Fragmentation(Any::any(s)),
        |s| Self::Headroom(Any::any(s)),
        |s| Self::Pressure(Any::any(s)),
        |s| Self::Population(Any::any(s)),
        |s| Self::Node(Any::any(s)),
        |s| Self::MemoryVolumes(Any::any(s)),
    }
    k::KernelEvent {
        |s| Self::Oom(Any::any(s)),
        |s| Self::OomVictim(Any::any(s)),
        |s| Self::Reaped(Any::any(s)),
        |s| Self::AllocationFailure(Any::any(s)),
        |s| Self::SlabFailure(Any::any(s)),
        |s| Self::VmallocFailure(Any::any(s)),
        |s| Self::HardwareMemoryError(Any::any(s)),
        |s| Self::Fault(Any::any(s)),
        |s| Self::UserspaceKill(Any::any(s)),
        |s| Self::Unverified(Any::any(s)),
        |s| Self::Suppressed(Any::any(s)),
    }
}
