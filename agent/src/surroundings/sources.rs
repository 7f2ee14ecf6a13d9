//! The three sources, opened, retried and made findings of.

use std::path::PathBuf;

use coroner_core::finding::{FindingBody, FindingId, Occasion, Source};
use coroner_core::kernel::OomReport;
use coroner_core::population::household;

use super::{Occurrence, population, volumes};
use crate::cgroup::Hierarchy;
use crate::clock::{Clocks, Moment};
use crate::config::Config;
use crate::findings::Findings;
use crate::fragmentation::FreeBlocks;
use crate::headroom::{Reserved, Room, configuration};
use crate::node::{facts, page_size};
use crate::pressure::Stalls;
use crate::process::Processes;

/// Samples between two tries to open what could not be opened: a minute.
const RETRY: u64 = 3;

/// Samples between two that are handed on whatever they say: an hour.
const TELL: u64 = 180;

/// The sources and what they need.
#[derive(Debug)]
pub(crate) struct Sources {
    findings: Findings,
    config: Config,
    hierarchy: Option<Hierarchy>,
    fragmentation: Watched<FreeBlocks>,
    headroom: Watched<Room>,
    pressure: Watched<Stalls>,
    samples: u64,
}

/// A source that may not be there, and what was said about it last.
#[derive(Debug)]
struct Watched<T> {
    source: Option<T>,
    complaint: Option<String>,
}

impl<T> Default for Watched<T> {
    fn default() -> Self {
        Self { source: None, complaint: None }
    }
}

impl Sources {
    pub(crate) fn new(config: &Config, findings: Findings) -> Self {
        Self {
            findings,
            config: config.clone(),
            hierarchy: None,
            fragmentation: Watched::default(),
            headroom: Watched::default(),
            pressure: Watched::default(),
            samples: 0,
        }
    }

    /// Opens everything, says what the node is, and takes the first look.
    pub(super) fn begin(&mut self) {
        self.open();
        self.node();
        self.tell(Occasion::Sample, None);
        self.look();
    }

    /// A look that is due.
    pub(super) fn sample(&mut self) {
        self.samples += 1;
        if self.samples.is_multiple_of(RETRY) {
            self.open();
        }
        if self.samples.is_multiple_of(TELL) {
            self.tell(Occasion::Sample, None);
        }
        self.look();
    }

    /// Something happened: everything that can be read is about it.
    pub(super) fn about(&mut self, occurrence: &Occurrence) {
        self.tell(Occasion::Incident, Some(occurrence));
    }

    /// Names the volumes in memory of the pod it happened to.
    pub(super) fn volumes(&self, occurrence: &Occurrence) {
        let pod = occurrence.group.as_deref().and_then(|group| household(group).1);
        let found = pod.and_then(|pod| volumes::volumes(&self.config.proc_root, &pod));
        let Some(found) = found.filter(|_| self.enabled(Source::Cgroup)) else { return };
        let about = &occurrence.about;
        let id = FindingId::surrounding(about, "volumes");
        let body = FindingBody::MemoryVolumes(Box::new(found));
        let moment = now(Clocks::now());
        self.findings.push(id, Some(about.clone()), Source::Cgroup, moment, body, None);
    }

    /// Looks up who held the memory, on another thread.
    pub(super) fn population(&self, about: FindingId, report: Box<OomReport>) {
        let (findings, config) = (self.findings.clone(), self.config.clone());
        if !config.enabled(Source::Cgroup) {
            return;
        }
        tokio::task::spawn_blocking(move || {
            let processes = Processes::new(&config.proc_root);
            let root: Option<PathBuf> = config.cgroup_root;
            let Some(hierarchy) = population::hierarchy(&config.proc_root, root.as_deref()) else {
                return;
            };
            let found = population::population(&report, &processes, &hierarchy);
            let id = FindingId::surrounding(&about, "population");
            let body = FindingBody::Population(Box::new(found));
            findings.push(id, Some(about), Source::Cgroup, now(Clocks::now()), body, None);
        });
    }

    fn enabled(&self, source: Source) -> bool {
        self.config.enabled(source)
    }

    /// Opens what is not open; says so once when it works, and when the reason why not is another.
    fn open(&mut self) {
        let proc_root = &self.config.proc_root;
        if self.hierarchy.is_none() && self.enabled(Source::Cgroup) {
            self.hierarchy = Hierarchy::find(proc_root, self.config.cgroup_root.as_deref()).ok();
        }
        if self.fragmentation.source.is_none() && self.enabled(Source::Fragmentation) {
            let opened = FreeBlocks::open(proc_root, page_size());
            let detail = opened.as_ref().map(FreeBlocks::detail).unwrap_or_default();
            self.fragmentation.opened(&self.findings, Source::Fragmentation, opened, detail);
        }
        if self.headroom.source.is_none() && self.enabled(Source::Headroom) {
            let (reserved, complaint) = reserved(&self.config);
            let mut opened = Room::open(proc_root, reserved);
            let hierarchy = self.hierarchy.as_ref();
            if let Ok(room) = &mut opened {
                let _ = room.now(
                    Clocks::now().monotonic_us / 1_000_000,
                    Occasion::Sample,
                    hierarchy,
                    false,
                );
            }
            let mut detail = opened.as_ref().map(|room| room.detail(hierarchy)).unwrap_or_default();
            if let Some(complaint) = complaint {
                detail.push_str("; the kubelet's configuration is not used: ");
                detail.push_str(&complaint);
            }
            self.headroom.opened(&self.findings, Source::Headroom, opened, detail);
        }
        if self.pressure.source.is_none() && self.enabled(Source::Pressure) {
            let opened = Stalls::open(proc_root);
            let groups =
                self.hierarchy.as_ref().is_some_and(|h| h.version == crate::cgroup::Version::V2);
            let detail = opened.as_ref().map(|stalls| stalls.detail(groups)).unwrap_or_default();
            self.pressure.opened(&self.findings, Source::Pressure, opened, detail);
        }
    }

    /// Takes a look; only what changed is handed on.
    fn look(&mut self) {
        let clocks = Clocks::now();
        let (at_us, at) = (clocks.monotonic_us, clocks.monotonic_us / 1_000_000);
        let findings = &self.findings;
        let mut found = Vec::new();
        let mut huge_pages = None;
        if let Some(room) = &mut self.headroom.source {
            let result = room.sample(at, self.hierarchy.as_ref());
            huge_pages = Some(room.huge_pages());
            let seen = self.headroom.read(findings, Source::Headroom, at_us, result).flatten();
            found
                .extend(seen.map(|seen| (Source::Headroom, FindingBody::Headroom(Box::new(seen)))));
        }
        if let Some(blocks) = &mut self.fragmentation.source {
            let result = blocks.sample(at, huge_pages.unwrap_or_default());
            let seen =
                self.fragmentation.read(findings, Source::Fragmentation, at_us, result).flatten();
            found.extend(
                seen.map(|seen| {
                    (Source::Fragmentation, FindingBody::Fragmentation(Box::new(seen)))
                }),
            );
        }
        if let Some(stalls) = &mut self.pressure.source {
            let result = stalls.sample(at_us);
            let seen = self.pressure.read(findings, Source::Pressure, at_us, result).flatten();
            found
                .extend(seen.map(|seen| (Source::Pressure, FindingBody::Pressure(Box::new(seen)))));
        }
        for (source, body) in found {
            log(&body);
            let id = FindingId::sample(&findings.boot_id, source, at_us);
            findings.push(id, None, source, now(clocks), body, None);
        }
    }

    /// Hands on what everything is now.
    fn tell(&mut self, occasion: Occasion, occurrence: Option<&Occurrence>) {
        let about = occurrence.map(|occurrence| &occurrence.about);
        let group = occurrence.and_then(|occurrence| occurrence.group.as_deref());
        let details = occurrence.is_none_or(|occurrence| occurrence.whole_node);
        let clocks = Clocks::now();
        let (at_us, at) = (clocks.monotonic_us, clocks.monotonic_us / 1_000_000);
        let findings = &self.findings;
        let hierarchy = self.hierarchy.as_ref();
        let mut found = Vec::new();
        let mut huge_pages = None;
        if let Some(stalls) = &mut self.pressure.source {
            let pod = group.map(|group| household(group).0).filter(|pod| Some(*pod) != group);
            let result = stalls.now(at_us, occasion, hierarchy, group.into_iter().chain(pod));
            let seen = self.pressure.read(findings, Source::Pressure, at_us, result);
            found
                .extend(seen.map(|seen| (Source::Pressure, FindingBody::Pressure(Box::new(seen)))));
        }
        if let Some(room) = &mut self.headroom.source {
            huge_pages = Some(room.huge_pages());
            let result = room.now(at, occasion, hierarchy, details);
            let seen = self.headroom.read(findings, Source::Headroom, at_us, result);
            found
                .extend(seen.map(|seen| (Source::Headroom, FindingBody::Headroom(Box::new(seen)))));
        }
        if let Some(blocks) = &mut self.fragmentation.source {
            let result = blocks.now(at, occasion, huge_pages.unwrap_or_default());
            let seen = self.fragmentation.read(findings, Source::Fragmentation, at_us, result);
            found.extend(
                seen.map(|seen| {
                    (Source::Fragmentation, FindingBody::Fragmentation(Box::new(seen)))
                }),
            );
        }
        for (source, body) in found {
            let id = match about {
                Some(about) => FindingId::surrounding(about, source.flag()),
                None => FindingId::sample(&findings.boot_id, source, at_us),
            };
            findings.push(id, about.cloned(), source, now(clocks), body, None);
        }
    }

    /// Says what the node is.
    fn node(&self) {
        let clocks = Clocks::now();
        let facts = facts(&self.config, self.hierarchy.as_ref());
        for line in coroner_core::node::sentences(&facts) {
            tracing::info!("{line}");
        }
        let id = FindingId::node(&self.findings.boot_id, clocks.monotonic_us);
        let body = FindingBody::Node(Box::new(facts));
        self.findings.push(id, None, Source::Headroom, now(clocks), body, None);
    }
}

impl<T> Watched<T> {
    fn opened<E: std::fmt::Display>(
        &mut self,
        findings: &Findings,
        source: Source,
        opened: Result<T, E>,
        detail: String,
    ) {
        match opened {
            Ok(opened) => {
                self.source = Some(opened);
                self.complaint = None;
                let clocks = Clocks::now();
                findings.status(source, true, detail, Some(clocks.timestamp()));
                findings.outbox.coverage.begin(source, clocks.monotonic_us);
            }
            Err(error) => self.complain(findings, source, error.to_string()),
        }
    }

    /// What was read; a source that can no longer be read is closed, to be opened again later.
    fn read<F, E: std::fmt::Display>(
        &mut self,
        findings: &Findings,
        source: Source,
        at_us: u64,
        result: Result<F, E>,
    ) -> Option<F> {
        match result {
            Ok(found) => {
                findings.outbox.coverage.covered(source, at_us);
                Some(found)
            }
            Err(error) => {
                self.source = None;
                findings.outbox.coverage.hole(source, None, None);
                self.complain(findings, source, error.to_string());
                None
            }
        }
    }

    fn complain(&mut self, findings: &Findings, source: Source, error: String) {
        if self.complaint.as_ref() != Some(&error) {
            findings.status(source, false, error.clone(), None);
            self.complaint = Some(error);
        }
    }
}

/// The kubelet's own numbers: flags first, then its file; and what is wrong with that.
fn reserved(config: &Config) -> (Reserved, Option<String>) {
    let given = config.reserved;
    match config.kubelet_config.as_deref().map(configuration) {
        None => (given, None),
        Some(Ok(file)) => {
            let (kube, system) = (given.kube.or(file.kube), given.system.or(file.system));
            (Reserved { kube, system }, None)
        }
        Some(Err(error)) => (given, Some(error.to_string())),
    }
}

fn now(clocks: Clocks) -> Moment {
    Moment { time: clocks.timestamp(), uncertainty_us: Some(0) }
}

/// What changed is worth a line in the log.
fn log(body: &FindingBody) {
    match body {
        FindingBody::Fragmentation(seen) => match &seen.shortage {
            Some(shortage) => tracing::warn!("{shortage}"),
            None => tracing::info!("free memory is in large enough blocks again"),
        },
        FindingBody::Headroom(seen) => {
            for concern in &seen.concerns {
                let text = coroner_core::headroom::concern(seen, *concern);
                tracing::warn!("{}", coroner_core::escape::terminal(&text));
            }
            if seen.occasion == Occasion::Cleared {
                tracing::info!("there is more room for the host again");
            }
        }
        FindingBody::Pressure(seen) if seen.occasion == Occasion::Raised => {
            tracing::warn!("tasks stand still for want of memory");
        }
        _ => {}
    }
}
