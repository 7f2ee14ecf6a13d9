//! What `coroner explain` prints for people. Names are hostile text and are escaped.

use std::io::{self, Write};

use coroner_core::bytes::Bytes;
use coroner_core::escape::terminal;
use coroner_core::explain::{Explanation, Incomplete, Kill};
use coroner_core::kernel::{KernelEvent, Level, Scope};

/// Prints an account bit by bit; what was printed is taken out of it.
#[derive(Debug, Default)]
pub struct Printer {
    heading: Option<String>,
    kills: u64,
    failures: u64,
    incomplete: u64,
    unverified: u64,
    others: u64,
    waiting: Option<Incomplete>,
}

impl Printer {
    /// A printer that names the file first, if `heading` is given.
    #[must_use]
    pub fn new(heading: Option<String>) -> Self {
        Self { heading, ..Self::default() }
    }

    /// Prints what was found since the last time.
    ///
    /// # Errors
    ///
    /// When `out` cannot be written to.
    pub fn print(&mut self, account: &mut Explanation, out: &mut dyn Write) -> io::Result<()> {
        if let Some(heading) = self.heading.take() {
            writeln!(out, "{heading}:")?;
        }
        for kill in account.kills.drain(..) {
            self.kills += 1;
            print_kill(&kill, out)?;
        }
        for failure in account.allocation_failures.drain(..) {
            self.failures += 1;
            let order = failure.order.map_or_else(|| "an unknown size".to_owned(), size_of_order);
            writeln!(
                out,
                "ALLOCATION FAILURE: {} asked for {order} in one block",
                terminal(&failure.comm)
            )?;
            writeln!(out, "  The kernel found no such block and killed nobody.\n")?;
        }
        // The last one may still be repeated, and is counted then.
        let keep = account.incomplete.len().min(1);
        let done = account.incomplete.len() - keep;
        for report in account.incomplete.drain(..done) {
            self.incomplete += report.count;
            print_incomplete(&report, out)?;
        }
        self.waiting = account.incomplete.last().cloned();
        for line in account.unverified.drain(..) {
            self.unverified += 1;
            writeln!(out, "NOT VERIFIED: {}", terminal(&line.reason))?;
            writeln!(out, "  {}\n", terminal(&line.message))?;
        }
        for event in account.take_others() {
            if print_other(&event, out)? {
                self.others += 1;
            }
        }
        Ok(())
    }

    /// Prints the last line: how much was found.
    ///
    /// # Errors
    ///
    /// When `out` cannot be written to.
    pub fn end(&mut self, out: &mut dyn Write) -> io::Result<()> {
        if let Some(report) = self.waiting.take() {
            self.incomplete += report.count;
            print_incomplete(&report, out)?;
        }
        if self.kills + self.failures + self.incomplete + self.unverified + self.others == 0 {
            return writeln!(out, "The log says nothing about memory deaths.");
        }
        writeln!(
            out,
            "{}, {}, {}, {}.",
            count(self.kills, "process killed", "processes killed"),
            count(self.failures, "failed allocation", "failed allocations"),
            count(self.incomplete, "report without a victim", "reports without a victim"),
            count(self.unverified, "unverified line", "unverified lines"),
        )
    }
}

fn count(n: u64, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}

/// The headline of a kill.
fn headline(kill: &Kill) -> &'static str {
    match (kill.scope, kill.level) {
        (Scope::System, _) => "SYSTEM OUT OF MEMORY",
        (Scope::Cpuset | Scope::Mempolicy, _) => "NUMA OUT OF MEMORY",
        (Scope::Cgroup, Level::Container) => "CONTAINER MEMORY LIMIT",
        (Scope::Cgroup, Level::Pod) => "POD MEMORY LIMIT",
        (Scope::Cgroup, Level::Qos) => "QOS MEMORY LIMIT",
        (Scope::Cgroup, Level::Kubepods) => "NODE ALLOCATABLE",
        (Scope::Cgroup, Level::Other) => "CGROUP MEMORY LIMIT",
        (Scope::Cgroup, Level::None) => "CGROUP MEMORY LIMIT, of a group the log does not name",
        (Scope::Unknown, _) => "OUT OF MEMORY, the log does not say of what",
    }
}

fn print_kill(kill: &Kill, out: &mut dyn Write) -> io::Result<()> {
    let time = kill.time.as_deref().map(|t| format!("[{}] ", terminal(t))).unwrap_or_default();
    writeln!(out, "{time}{}", headline(kill))?;
    write!(out, "  The kernel killed pid {} ({})", kill.pid, terminal(&kill.comm))?;
    let held = kill.anon_rss_kb.map(|kilobytes| Bytes(kilobytes * 1024));
    let held =
        held.map_or_else(String::new, |held| format!(", which held {held} of anonymous memory"));
    writeln!(out, "{held}.")?;
    match kill.limit {
        Some((Some(limit), Some(usage))) => {
            writeln!(out, "  The group used {} of its limit of {}.", Bytes(usage), Bytes(limit))?;
        }
        Some((Some(limit), None)) => writeln!(out, "  The group's limit is {}.", Bytes(limit))?,
        _ => {}
    }
    let mut field = |name: &str, value: Option<String>| match value {
        Some(value) => writeln!(out, "  {name:<11} {}", terminal(&value)),
        None => Ok(()),
    };
    field("limit of", kill.oom_memcg.clone())?;
    field("victim in", kill.task_memcg.clone().filter(|own| Some(own) != kill.oom_memcg.as_ref()))?;
    field("pod", kill.pod_uid.clone())?;
    field("container", kill.container_id.clone())?;
    field("adjustment", kill.oom_score_adj.map(|adj| format!("oom_score_adj {adj}")))?;
    let order = kill.order.filter(|order| *order != 0);
    let asked = kill.trigger_comm.clone().map(|comm| match order {
        Some(-1) => format!("{comm}, on a person's request (SysRq f)"),
        Some(order) => format!("{comm}, for {} in one block", size_of_order(order)),
        None => comm,
    });
    field("asked by", asked)?;
    writeln!(out)
}

fn print_incomplete(report: &Incomplete, out: &mut dyn Write) -> io::Result<()> {
    let time = report.time.as_deref().map(|t| format!("[{}] ", terminal(t))).unwrap_or_default();
    let times = if report.count > 1 {
        format!(" ({} times in a row)", report.count)
    } else {
        String::new()
    };
    writeln!(out, "{time}OUT OF MEMORY, no victim known{times}")?;
    writeln!(out, "  {}", terminal(&report.reason))?;
    if let Some(comm) = &report.trigger_comm {
        writeln!(out, "  {:<11} {}", "asked by", terminal(comm))?;
    }
    if let Some(path) = &report.oom_memcg {
        writeln!(out, "  {:<11} {}", "limit of", terminal(path))?;
    }
    writeln!(out)
}

/// Prints what is neither a kill nor a failed allocation but worth knowing; false when there is nothing to say.
fn print_other(event: &KernelEvent, out: &mut dyn Write) -> io::Result<bool> {
    match event {
        KernelEvent::UserspaceKill(kill) => {
            writeln!(
                out,
                "USERSPACE OOM KILLER: {} killed\n  {}\n",
                kill.killer,
                terminal(&kill.message)
            )?;
        }
        KernelEvent::HardwareMemoryError(error) => {
            writeln!(out, "HARDWARE MEMORY ERROR\n  {}\n", terminal(&error.message))?;
        }
        KernelEvent::Fault(fault) => {
            let who = fault.pid.map(|pid| format!("pid {pid} ")).unwrap_or_default();
            writeln!(out, "CRASH: {who}({}), {}\n", terminal(&fault.comm), terminal(&fault.fault))?;
        }
        KernelEvent::SlabFailure(failure) => {
            let cache = failure.cache.as_deref().unwrap_or("an unnamed cache");
            writeln!(out, "SLAB FAILURE: {} could not grow\n", terminal(cache))?;
        }
        KernelEvent::VmallocFailure(failure) => {
            writeln!(
                out,
                "VMALLOC FAILURE (not fragmentation)\n  {}\n",
                terminal(&failure.message)
            )?;
        }
        KernelEvent::Suppressed(kept) => {
            writeln!(
                out,
                "The kernel kept {} back here ({}).\n",
                count(kept.count, "message", "messages"),
                kept.function
            )?;
        }
        _ => return Ok(false),
    }
    Ok(true)
}

/// 2^order pages of 4 KiB, the size nearly all machines have; said with the order for the others.
fn size_of_order(order: i32) -> String {
    match u32::try_from(order).ok().and_then(|order| 4096u64.checked_shl(order)) {
        Some(bytes) if bytes > 0 => format!("{} (order {order})", Bytes(bytes)),
        _ => format!("order {order}"),
    }
}
