//! A whole run: kernels fetched, guests booted a few at a time, answers judged, the table drawn.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use super::cases::Batch;
use super::judge::{self, Judgement};
use super::kernels::{self, Kernel, Series};
use super::plan::{self, Boot, Extent, Hierarchy, Without};
use super::record::Line;
use super::report::{self, Report};
use super::table::Column;
use super::{cases, initramfs, machine};

/// What to run.
#[derive(Debug)]
pub struct Options {
    /// Which kernels.
    pub series: Vec<&'static Series>,
    /// Which cgroup versions, where the kernel has them.
    pub hierarchies: Vec<Hierarchy>,
    /// Which cases; all when empty.
    pub cases: Vec<String>,
    /// What to do without, one after the other.
    pub without: Vec<Without>,
    /// How much of it.
    pub extent: Extent,
    /// Ask apt for newer kernels.
    pub refresh: bool,
    /// Where consoles, logs and answers are kept.
    pub keep: Option<PathBuf>,
    /// So many guests at a time.
    pub jobs: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            series: kernels::ALL.iter().collect(),
            hierarchies: vec![Hierarchy::V2, Hierarchy::V1],
            cases: Vec::new(),
            without: Without::all().collect(),
            extent: Extent::Whole,
            refresh: false,
            keep: None,
            jobs: 4,
        }
    }
}

impl Options {
    /// From a command line.
    ///
    /// # Errors
    ///
    /// One sentence about the word that is not understood.
    pub fn read(mut args: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut options = Self::default();
        while let Some(flag) = args.next() {
            match flag.as_str() {
                "--refresh" => {
                    options.refresh = true;
                    continue;
                }
                "--brief" => {
                    options.extent = Extent::Brief;
                    continue;
                }
                _ => {}
            }
            let value = args.next().ok_or_else(|| format!("{flag} needs a value"))?;
            let words = || value.split(',').filter(|w| !w.is_empty());
            match flag.as_str() {
                "--kernels" if value == "all" => {}
                "--kernels" => {
                    let of = |w: &str| kernels::ALL.iter().find(|s| s.name == w);
                    options.series = pick(words(), of, "kernel series")?;
                }
                "--cgroup" => {
                    let of = |w: &str| {
                        [Hierarchy::V2, Hierarchy::V1].into_iter().find(|h| h.name() == w)
                    };
                    options.hierarchies = pick(words(), of, "cgroup version")?;
                }
                "--without" if value == "all" => {}
                "--without" => {
                    let of = |w: &str| Without::all().find(|x| x.name() == w);
                    options.without = pick(words(), of, "source")?;
                }
                "--cases" if value == "all" => {}
                "--cases" => {
                    let of = |w: &str| cases::named(w).map(|c| c.name.to_owned());
                    options.cases = pick(words(), of, "case")?;
                }
                "--keep" => options.keep = Some(value.into()),
                "--jobs" => {
                    options.jobs = value.parse().map_err(|_| format!("--jobs is `{value}`"))?;
                }
                _ => return Err(format!("no flag is called {flag}")),
            }
        }
        Ok(options)
    }
}

fn pick<'a, T>(
    words: impl Iterator<Item = &'a str>,
    of: impl Fn(&str) -> Option<T>,
    what: &str,
) -> Result<Vec<T>, String> {
    words.map(|w| of(w).ok_or_else(|| format!("no {what} is called `{w}`"))).collect()
}

/// Runs.
///
/// # Errors
///
/// One sentence where nothing can be run at all: no QEMU, no kernel, no busybox.
pub fn run(options: &Options) -> Result<Report, String> {
    let mut kernels: Vec<(Kernel, Vec<Hierarchy>)> = Vec::new();
    let mut missing = Vec::new();
    for &series in &options.series {
        match kernels::get(series, options.refresh) {
            // The same package by two names is run once.
            Ok(kernel) if kernels.iter().any(|(k, _)| k.version == kernel.version) => {}
            Ok(kernel) => {
                let has = |h: &Hierarchy| *h == Hierarchy::V2 || has_v1(&kernel);
                let hierarchies = options.hierarchies.iter().copied().filter(has).collect();
                kernels.push((kernel, hierarchies));
            }
            Err(why) => missing.push(why),
        }
    }
    let scratch = tempfile::tempdir().map_err(|e| format!("no temporary directory: {e}"))?;
    let archive = scratch.path().join("guest.cpio");
    initramfs::build(&archive)?;
    let wanted =
        |c: &cases::Case| options.cases.is_empty() || options.cases.iter().any(|n| n == c.name);
    let boots = plan::boots(&kernels, &options.without, options.extent, wanted);
    let dir = options.keep.clone().unwrap_or_else(|| scratch.path().join("boots"));
    let start = Instant::now();
    let queue = Mutex::new(VecDeque::from_iter(boots.into_iter().enumerate()));
    let done = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..options.jobs.max(1) {
            scope.spawn(|| {
                loop {
                    let next = queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
                    let Some((number, boot)) = next else { return };
                    let (column, line) = run_one(boot, &archive, &dir);
                    eprintln!("{line}");
                    done.lock().unwrap_or_else(PoisonError::into_inner).push((number, column));
                }
            });
        }
    });
    let mut columns = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    columns.sort_by_key(|(number, _)| *number);
    let columns: Vec<Column> = columns.into_iter().map(|(_, column)| column).collect();
    Ok(report::report(&columns, &missing, start.elapsed().as_secs()))
}

/// Debian's kernels from 6.12 on are built without version 1's memory controller.
fn has_v1(kernel: &Kernel) -> bool {
    kernel.number() < (6, 12)
}

/// So often a boot is tried. Of some hundred on a busy machine a few failed, once two in a row.
const BOOTS_MAX: u32 = 4;

fn run_one(boot: Boot, archive: &Path, dir: &Path) -> (Column, String) {
    let name = boot.name();
    let attempt = |dir: PathBuf| match boot.batch {
        Batch::Panic => twice(&boot, archive, &dir),
        _ => machine::run(&boot, &[archive], dir),
    };
    // An emulated machine stands still now and then, or has no timer, or its kernel dies before it runs any program of ours.
    // That shows nothing of what is tested; once more shows it, and that it was needed is told.
    let mut times = 1;
    let mut ran = attempt(dir.join(&name));
    while times < BOOTS_MAX && ran.as_ref().is_ok_and(|outcome| outcome.stood_still) {
        times += 1;
        eprintln!("{name}: the emulated machine did not work, booting once more");
        ran = attempt(dir.join(format!("{name}-{times}")));
    }
    match ran {
        Ok(outcome) => {
            let judgements = judge::judge(&boot, &outcome);
            let mut line = format!("{name}: {} s", outcome.took.as_secs());
            for judgement in judgements.iter().filter(|j| !j.wrong.is_empty()) {
                line.push_str(&format!("\n  {}: {}", judgement.case, judgement.wrong.join("; ")));
            }
            (Column { boot, judgements, times }, line)
        }
        Err(why) => {
            let judgement = Judgement::lost(judge::BETWEEN, why.clone());
            (Column { boot, judgements: vec![judgement], times }, format!("{name}: {why}"))
        }
    }
}

/// Boots until the kernel panics, and once more with the directories that a disk would have kept.
fn twice(boot: &Boot, archive: &Path, dir: &Path) -> Result<machine::Outcome, String> {
    let first = machine::run(boot, &[archive], dir.join("first"))?;
    if first.stood_still {
        return Ok(first);
    }
    let console = std::fs::read(first.dir.join("console.log")).unwrap_or_default();
    if !String::from_utf8_lossy(&console).contains("panic_on_oom is enabled") {
        let trouble = first.trouble.unwrap_or_default();
        return Err(format!("the kernel did not panic over memory: {trouble}"));
    }
    let kept: Vec<(&str, &[u8])> = first
        .lines
        .iter()
        .filter_map(|line| match line {
            Line::State { path, content } => Some((path.as_str(), content.as_slice())),
            _ => None,
        })
        .collect();
    let more = dir.join("state.cpio");
    std::fs::write(&more, initramfs::more(&kept))
        .map_err(|e| format!("{}: {e}", more.display()))?;
    let after = Boot { after_panic: true, ..boot.clone() };
    let mut outcome = machine::run(&after, &[archive, &more], dir.join("second"))?;
    let before = first.lines.into_iter().filter(|line| matches!(line, Line::Case(_)));
    outcome.lines.extend(before);
    outcome.took += first.took;
    Ok(outcome)
}
