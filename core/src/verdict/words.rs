//! How numbers, times, processes and groups are said in a sentence. Names are given as found, never escaped here.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::bytes::Bytes;
use crate::cgroup::Identity;
use crate::kernel::{FreeArea, Level, ReportEnd, Victim};

/// `12:00:03.412Z`.
pub(super) fn clock(time: Timestamp) -> String {
    time.to_zoned(TimeZone::UTC).strftime("%H:%M:%S%.3fZ").to_string()
}

/// The same beside what happened `at`: with its date where that is another.
pub(super) fn clock_beside(time: Timestamp, at: Timestamp) -> String {
    let date = |time: Timestamp| time.to_zoned(TimeZone::UTC).date();
    match date(time) {
        day if day == date(at) => clock(time),
        day => format!("{day}T{}", clock(time)),
    }
}

/// `pid 4121 (java)`.
pub(super) fn process(pid: u32, comm: &str) -> String {
    if is_forgotten(comm) { format!("pid {pid}") } else { format!("pid {pid} ({comm})") }
}

/// Whether nobody knew what a process was called: the trace prints this of those that ended.
pub(super) fn is_forgotten(comm: &str) -> bool {
    matches!(comm, "" | "<...>")
}

/// `pid 1 (a) was killed`, `pid 1 (a) and 3 more processes were killed`; without a victim what the kernel did instead.
pub(super) fn fate(victims: &[&Victim], end: &ReportEnd) -> String {
    let Some(first) = victims.first() else {
        return match end {
            ReportEnd::Panic(_) => "the kernel panicked",
            ReportEnd::NoKillableProcess => "the kernel found nobody to kill",
            ReportEnd::Killed | ReportEnd::AlreadyExiting { .. } | ReportEnd::Unfinished => {
                "nobody was killed"
            }
        }
        .to_owned();
    };
    let first = process(first.pid, &first.comm);
    match victims.len() - 1 {
        0 => format!("{first} was killed"),
        1 => format!("{first} and 1 more process were killed"),
        more => format!("{first} and {more} more processes were killed"),
    }
}

/// `64 MiB`, or words where the number is missing.
pub(super) fn size(bytes: Option<u64>) -> String {
    bytes.map_or_else(|| "an unknown amount".to_owned(), |bytes| Bytes(bytes).to_string())
}

/// What a person calls the group: `container 0123456789ab of pod <uid>`, `the pod <uid>`, else its path.
pub(super) fn group(path: &str, identity: &Identity) -> String {
    let pod = identity.pod_uid.as_ref().map(|uid| format!(" of pod {uid}")).unwrap_or_default();
    match (identity.level, identity.pod_container_id.as_ref().or(identity.container_id.as_ref())) {
        (Level::Container, Some(id)) => format!("container {}{pod}", short(id)),
        (Level::Pod, _) if identity.pod_uid.is_some() => {
            format!("pod {}", identity.pod_uid.as_deref().unwrap_or_default())
        }
        (Level::Other, Some(id)) => format!("{path} (in container {}{pod})", short(id)),
        _ => path.to_owned(),
    }
}

/// The twelve digits people know a container by.
pub(super) fn short(id: &str) -> &str {
    id.get(..12).unwrap_or(id)
}

/// `16 pages in one block (order 4)`, with the size where the page size is known.
pub(super) fn block(order: i32, areas: &[FreeArea]) -> String {
    match (
        block_size(order, areas),
        u32::try_from(order).ok().and_then(|order| 1_u64.checked_shl(order)),
    ) {
        (Some(bytes), _) => format!("{} (order {order})", Bytes(bytes)),
        (None, Some(pages)) => format!("{pages} pages (order {order})"),
        (None, None) => format!("order {order}"),
    }
}

/// The bytes of a block of an order: the smallest block the kernel listed is one page.
pub(super) fn block_size(order: i32, areas: &[FreeArea]) -> Option<u64> {
    let page = areas.iter().filter_map(|area| area.blocks.first()).map(|(size, _)| *size).min()?;
    let factor = 1_u64.checked_shl(u32::try_from(order).ok()?)?;
    page.checked_mul(factor)
}

/// `1 process is`, `3 processes are`.
pub(super) fn processes_are(count: u64) -> String {
    if count == 1 { "1 process is".to_owned() } else { format!("{count} processes are") }
}

/// `a process was killed`, `3 processes were killed`: kills that were counted, and nobody said whom; or of whom one was,
/// `one of pid 41, 42 and 43 was killed`.
pub(super) fn unnamed(count: usize, one_of: &[u32]) -> String {
    /// Most processes named.
    const NAMED: usize = 8;
    if let (1, [first @ .., last]) = (count, one_of) {
        let named: Vec<String> = first.iter().take(NAMED).map(u32::to_string).collect();
        return match first.len().saturating_sub(NAMED) {
            _ if first.is_empty() => {
                format!("a process, perhaps pid {last}, was killed")
            }
            0 => format!("one of pid {} and {last} was killed", named.join(", ")),
            more => {
                format!("one of pid {} and {} others was killed", named.join(", "), more + 1)
            }
        };
    }
    match count {
        1 => "a process was killed".to_owned(),
        count => format!("{count} processes were killed"),
    }
}

#[cfg(test)]
mod tests {
    use super::clock_beside;
    use rstest::rstest;

    #[rstest]
    #[case("2026-11-21T00:00:00.5Z", "00:00:00.500Z")]
    #[case("2026-11-20T23:59:59Z", "2026-11-20T23:59:59.000Z")]
    #[case("2026-11-22T00:00:00Z", "2026-11-22T00:00:00.000Z")]
    fn another_day_is_said(#[case] time: &str, #[case] said: &str) {
        let at = "2026-11-21T00:00:01Z".parse().unwrap();
        assert_eq!(clock_beside(time.parse().unwrap(), at), said);
    }
}
