//! What a node was like: three sources that sample, on one slow timer, and what they read at once when somebody dies.
//!
//! Free blocks, headroom and pressure change slowly and are cheap to read together, so one task wakes for all of them.
//! Most samples say nothing new and go nowhere. When the kernel log or another witness tells of a kill or of an
//! allocation that failed, all three are read at once and handed on as findings about it; when the whole node was out of
//! memory, the processes of the kernel's table are looked up as well, on a thread of their own: they may be thousands.
//!
//! Groups and processes of the host are only looked at when the whole node was concerned: there may be hundreds. In a storm
//! beyond some kills a second there is no look at all; those are counted.

mod budget;
mod occurrence;
mod population;
mod sources;
#[cfg(test)]
mod tests;
mod volumes;

use std::sync::Arc;
use std::time::Duration;

use coroner_core::finding::Source;
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior};

use crate::metrics::Metrics;
use crate::stop::Stop;
use budget::Budget;
pub(crate) use occurrence::{Occurrence, Seen};
pub(crate) use sources::Sources;

/// Time between two samples.
pub(crate) const EVERY: Duration = Duration::from_secs(20);

/// Occurrences that wait to be looked at. Behind a system out of memory there may be a storm of others.
const WAITING: usize = 64;

/// Looks at the node when told to, and now and then.
#[derive(Debug)]
pub(crate) struct Surroundings {
    sources: Sources,
    seen: mpsc::Receiver<Occurrence>,
    metrics: Arc<Metrics>,
}

impl Surroundings {
    /// What looks, and what tells it to.
    pub(crate) fn new(sources: Sources, metrics: Arc<Metrics>) -> (Self, Seen) {
        let (sender, seen) = mpsc::channel(WAITING);
        let tell = Seen::new(sender, Arc::clone(&metrics));
        (Self { sources, seen, metrics }, tell)
    }

    /// Samples until the agent ends.
    pub(crate) async fn run(mut self, mut stop: Stop) {
        self.sources.begin();
        let mut budget = Budget::new(Instant::now());
        let mut timer = tokio::time::interval_at(Instant::now() + EVERY, EVERY);
        timer.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                // Who tells may be gone while there is still something to sample.
                occurrence = self.seen.recv(), if !self.seen.is_closed() => {
                    let Some(occurrence) = occurrence else { continue };
                    if budget.take(Instant::now()) {
                        self.sources.about(&occurrence);
                        if occurrence.in_memory {
                            self.sources.volumes(&occurrence);
                        }
                        if let Some(report) = occurrence.report {
                            self.sources.population(occurrence.about, report);
                        }
                    } else {
                        self.metrics.surroundings_skipped.add(1);
                    }
                }
                _ = timer.tick() => {
                    for source in [Source::Fragmentation, Source::Headroom, Source::Pressure] {
                        self.metrics.standing.turned(source);
                    }
                    self.sources.sample();
                }
                () = stop.wait() => return,
            }
        }
    }
}
