//! Storms of kills over many containers, and whether each was attributed exactly once.
//!
//! The kernel prints ten headers in five seconds, and bare lines for the rest. Which process died in which container is
//! known here for certain: its parent there waited for it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use serde_json::Value;

use crate::groups::{Kubepods, Level, MIB};
use crate::hogs::Hog;

/// What a container may use, and what is taken in it.
const LIMIT: u64 = 10 * MIB;
const TAKEN_MIB: &str = "32";

/// How long groups are there before the first kill.
const MEETING: Duration = Duration::from_secs(2);

/// How long a process is in its container before it does something.
const SETTING_UP: Duration = Duration::from_millis(100);

/// Pods of two containers each, with a storm in each container.
pub struct Storm {
    pods: Vec<Kubepods>,
    hogs: Vec<(String, Hog)>,
    /// Who was killed, by container.
    victims: BTreeMap<String, BTreeSet<u64>>,
}

impl Storm {
    /// Lets `each` processes die in each container of so many pods, one in `between_ms` milliseconds.
    ///
    /// # Panics
    ///
    /// When the kernel refuses groups or processes.
    #[must_use]
    pub fn start(pods: usize, each: u64, between_ms: u64) -> Self {
        Self::start_in(pods, &[0, 1], each, between_ms)
    }

    /// The same in a single container.
    ///
    /// # Panics
    ///
    /// When the kernel refuses groups or processes.
    #[must_use]
    pub fn start_in_one(each: u64, between_ms: u64) -> Self {
        Self::start_in(1, &[0], each, between_ms)
    }

    fn start_in(pods: usize, containers: &[usize], each: u64, between_ms: u64) -> Self {
        let pods: Vec<Kubepods> =
            (0..pods).map(|n| Kubepods::create(&format!("gale{n}"))).collect();
        // Containers are there for a while before they are short of memory. The agent is met by seventy groups at once
        // otherwise, and by kills in them before it has seen half.
        std::thread::sleep(MEETING);
        let (each, between) = (each.to_string(), between_ms.to_string());
        let mut hogs = Vec::new();
        let all = pods.iter().flat_map(|pod| containers.iter().map(move |which| (pod, *which)));
        for (pod, which) in all {
            pod.limit(Level::Container(which), LIMIT);
            let usage = pod.usage_file(Level::Container(which));
            let usage = usage.to_string_lossy();
            let args = ["storm", each.as_str(), TAKEN_MIB, between.as_str(), &usage];
            let hog = Hog::place(pod, Level::Container(which), &args);
            hogs.push((pod.containers[which].clone(), hog));
        }
        // Nor does a runtime move a process into its container in the very moment in which that begins to fork.
        std::thread::sleep(SETTING_UP);
        hogs.iter_mut().for_each(|(_, hog)| hog.begin());
        Self { pods, hogs, victims: BTreeMap::new() }
    }

    /// Waits until it is over.
    ///
    /// # Panics
    ///
    /// When a process did not do as it was told.
    pub fn wait(&mut self) {
        for (container, hog) in &mut self.hogs {
            let pids = hog.wait_for_victims().into_iter().map(u64::from).collect();
            self.victims.insert(container.clone(), pids);
        }
    }

    /// How many were killed.
    #[must_use]
    pub fn killed(&self) -> usize {
        self.victims.values().map(BTreeSet::len).sum()
    }

    /// Holds all incidents against what happened.
    #[must_use]
    pub fn judge(&self, incidents: &[Value]) -> Judgement {
        let mut judgement = Judgement { killed: self.killed(), ..Judgement::default() };
        let all: BTreeSet<u64> = self.victims.values().flatten().copied().collect();
        let mut told: BTreeMap<(String, u64), usize> = BTreeMap::new();
        let mut homeless: BTreeMap<u64, usize> = BTreeMap::new();
        for incident in incidents {
            let container = incident["container"]["id"].as_str().unwrap_or_default();
            let pod = incident["pod"]["uid"].as_str();
            let ours = self.victims.get(container);
            let here = ours.is_some() || self.pods.iter().any(|p| Some(&*p.pod_uid) == pod);
            let victims = incident["kernel"]["victims"].as_array().map_or(&[][..], |v| v);
            let pids = victims.iter().filter_map(|victim| victim["pid"].as_u64());
            let pids: Vec<u64> = pids.collect();
            for pid in &pids {
                match ours {
                    Some(own) if own.contains(pid) => {
                        *told.entry((container.to_owned(), *pid)).or_default() += 1;
                    }
                    Some(_) => judgement.invented.push(incident.clone()),
                    None if here => judgement.elsewhere.push(incident.clone()),
                    // A process of another pod may have had the same id in earlier times.
                    None if container.is_empty() && pod.is_none() && all.contains(pid) => {
                        *homeless.entry(*pid).or_default() += 1;
                    }
                    None => {}
                }
            }
            if here && pids.is_empty() {
                judgement.nameless.push(incident.clone());
            }
        }
        for (container, pids) in &self.victims {
            let mut untold = BTreeSet::new();
            for pid in pids {
                let own = told.get(&(container.clone(), *pid)).copied().unwrap_or(0);
                match (own, homeless.get(pid).copied().unwrap_or(0)) {
                    (1, 0) => judgement.right += 1,
                    (0, 1) => judgement.homeless.push((container.clone(), *pid)),
                    (0, 0) => _ = untold.insert(*pid),
                    _ => judgement.twice.push((container.clone(), *pid)),
                }
            }
            judgement.share_out(container, untold);
        }
        judgement
    }
}

/// What became of a storm's kills.
#[derive(Debug, Default)]
pub struct Judgement {
    /// How many there were.
    pub killed: usize,
    /// Told once, in their container.
    pub right: usize,
    /// Told once, in their container, as one of several processes of which one died there.
    pub one_of: usize,
    /// Container and process of those told once, with the word that nobody knows where they were.
    pub homeless: Vec<(String, u64)>,
    /// Of those told by no incident.
    pub missing: Vec<(String, u64)>,
    /// Of those told by several.
    pub twice: Vec<(String, u64)>,
    /// Incidents with a victim that did not die there.
    pub invented: Vec<Value>,
    /// Incidents with a victim in one of our pods, and in none of our containers.
    pub elsewhere: Vec<Value>,
    /// Incidents in our containers and pods without a victim.
    pub nameless: Vec<Value>,
}

impl Judgement {
    /// Gives the incidents of a container without a victim to those of its victims that no incident names: as many as
    /// there are, if each names one of them among those that it may have been.
    fn share_out(&mut self, container: &str, mut untold: BTreeSet<u64>) {
        self.nameless.retain(|incident| {
            if incident["container"]["id"] != container {
                return true;
            }
            // It is not told which one, so any of them may stand for it; but it was one of these.
            let summary = incident["summary"].as_str().unwrap_or_default();
            let numbers = summary.split(|c: char| !c.is_ascii_digit());
            let named: BTreeSet<u64> = numbers.filter_map(|number| number.parse().ok()).collect();
            let ours = untold.iter().find(|pid| named.contains(pid)).copied();
            let sure = incident["confidence"] == "Confirmed";
            match ours.filter(|_| !sure) {
                Some(pid) => untold.remove(&pid),
                None => return true,
            };
            self.one_of += 1;
            false
        });
        self.missing.extend(untold.into_iter().map(|pid| (container.to_owned(), pid)));
    }

    /// Whether each was told exactly once and in its own container, and nothing else was.
    #[must_use]
    pub fn is_right(&self) -> bool {
        self.is_right_by_container() && self.one_of == 0
    }

    /// The same of how many died in each container, where it need not be known which process that was.
    #[must_use]
    pub fn is_right_by_container(&self) -> bool {
        self.is_honest() && self.homeless.is_empty()
    }

    /// The same, where of some it may be said that nobody knows where they were.
    #[must_use]
    pub fn is_honest(&self) -> bool {
        self.right + self.one_of + self.homeless.len() == self.killed
            && self.invented.is_empty()
            && self.elsewhere.is_empty()
            && self.nameless.is_empty()
    }
}

impl fmt::Display for Judgement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let wrong = [
            ("attributed once", self.right),
            ("as one of several", self.one_of),
            ("once without a container", self.homeless.len()),
            ("not at all", self.missing.len()),
            ("more than once", self.twice.len()),
            ("invented", self.invented.len()),
            ("elsewhere", self.elsewhere.len()),
            ("without a victim", self.nameless.len()),
        ];
        write!(f, "{} killed", self.killed)?;
        for (what, count) in wrong {
            write!(f, ", {count} {what}")?;
        }
        Ok(())
    }
}
