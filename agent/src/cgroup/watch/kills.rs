//! Kills that counters show: read, told apart, reported.

use std::collections::BTreeMap;

use coroner_core::counters::{
    Ancestor, Counted, Reading, Watched, counted, killed_whole, whose_limit,
};
use coroner_core::finding::{CountedKill, GroupRise};
use coroner_core::kernel::Limit;

use super::Watcher;
use super::tree::{ROOT, Risen};
use crate::cgroup::{Group, Version};
use crate::clock::monotonic_us;

/// Rises are measured from before this time: an OOM is counted a moment before its kill, kills of two pods for one limit
/// above them are read one after the other, and a busy machine may leave the agent a second behind.
const RISE_US: u64 = 2_000_000;

/// Kills of one reading that are reported one by one; a group cannot count more in the time between two.
const AT_ONCE_MAX: u64 = 10_000;

/// One group of a kill's lineage.
struct Above {
    id: usize,
    path: String,
    before: Reading,
    after: Option<Reading>,
    rise: GroupRise,
    near: Option<bool>,
    notified: Option<bool>,
    whole: Option<bool>,
}

impl Watcher {
    /// A group's counters may have moved. True when they show a kill.
    pub(super) fn look(&mut self, id: usize) -> bool {
        let Some(node) = self.tree.get(id) else { return false };
        let v1 = self.hierarchy.version == Version::V1;
        let unit = if v1 { id } else { self.tree.unit(id) };
        let known = node.known;
        let now_us = monotonic_us();
        if let Some(node) = self.tree.get_mut(id) {
            node.looked_us = now_us;
        }
        // What moves a group's counters is mostly no kill: one file tells.
        if let Ok(group) = self.hierarchy.group(&self.tree.path(id)) {
            let (kills, ooms) = match self.hierarchy.version {
                Version::V1 => (group.own_kills() == known.kills, true),
                Version::V2 => {
                    let (kills, ooms) = group.tree_kills();
                    (kills.is_some() && kills == known.tree_kills, ooms == known.tree_ooms)
                }
            };
            if kills {
                if !ooms {
                    self.remember(id, group.reading(), now_us);
                }
                if let Some(node) = self.tree.get_mut(id) {
                    node.read_us = now_us;
                }
                self.gone.remove(&unit);
                return false;
            }
        }
        self.read(if v1 { vec![id] } else { self.tree.below(unit) })
    }

    /// The own limit of a group of many was hit. Whether somebody is killed for it, those below tell; it is read now, since
    /// an OOM that nobody was killed for must not be laid to the kill that comes next.
    pub(super) fn note_hit(&mut self, id: usize) {
        if let Ok(group) = self.hierarchy.group(&self.tree.path(id)) {
            self.remember(id, group.reading(), monotonic_us());
        }
    }

    /// Who is in the groups that listen with this ear: one of them is about to be killed, and its line in the kernel log
    /// may name no group.
    pub(super) fn note_inhabitants(&self, ear: u8) {
        if !self.host_pids {
            return;
        }
        for id in self.tree.all() {
            if self.tree.get(id).is_some_and(|node| node.ear == Some(ear)) {
                self.inhabitants(id, &self.tree.path(id));
            }
        }
    }

    /// All groups that listen with this ear. True when one shows a kill.
    pub(super) fn listen(&mut self, ear: u8) -> bool {
        let ids = self.tree.all();
        let with = |id: &usize| self.tree.get(*id).is_some_and(|node| node.ear == Some(ear));
        let ids: Vec<usize> = ids.into_iter().filter(with).collect();
        let mut found = false;
        for id in ids {
            found |= self.look(id);
        }
        found
    }

    pub(super) fn look_at_all(&mut self) {
        self.read(self.tree.all());
    }

    /// Reads groups, parents first, and reports the kills that they show.
    fn read(&mut self, ids: Vec<usize>) -> bool {
        // What is counted from here on may be read already or only the next time.
        let begun_us = monotonic_us();
        let mut places = BTreeMap::new();
        let mut watched: Vec<Watched> = Vec::with_capacity(ids.len());
        for id in ids.iter().copied() {
            let after = self.hierarchy.group(&self.tree.path(id)).ok().map(|g| g.reading());
            let Some(node) = self.tree.get_mut(id) else { continue };
            if after.is_some_and(|after| node.known.is_remade(&after)) {
                node.known = after.unwrap_or_default().at_birth();
                node.risen = None;
            }
            places.insert(id, watched.len());
            let parent = node.parent.and_then(|parent| places.get(&parent).copied());
            watched.push(Watched { parent, before: node.known, after });
        }
        let now_us = monotonic_us();
        let found = counted(&watched);
        for kills in &found {
            if let Some(id) = ids.get(kills.group) {
                self.report(*id, kills, now_us);
            }
        }
        let mut below = vec![0_u64; watched.len()];
        for kills in &found {
            let mut at = Some(kills.group);
            while let Some(place) = at {
                if let Some(sum) = below.get_mut(place) {
                    *sum = sum.saturating_add(kills.kills);
                }
                at = watched.get(place).and_then(|group| group.parent);
            }
        }
        let top = ids.first().and_then(|id| self.tree.get(*id)?.parent);
        for (place, id) in ids.iter().enumerate() {
            let (Some(group), Some(sum)) = (watched.get(place), below.get(place)) else { break };
            self.settle(*id, group.after, *sum, (begun_us, now_us));
            self.gone.remove(id);
        }
        let sum: u64 = found.iter().fold(0, |sum, kills| sum.saturating_add(kills.kills));
        if sum > 0 {
            self.total.account(sum);
            // Those above count them too.
            for id in top.map_or_else(Vec::new, |top| self.tree.lineage(top)) {
                if let Some(node) = self.tree.get_mut(id) {
                    node.known.tree_kills = node.known.tree_kills.map(|n| n.saturating_add(sum));
                }
            }
        }
        !found.is_empty()
    }

    /// Takes what was read between two times for known.
    fn settle(
        &mut self,
        id: usize,
        after: Option<Reading>,
        below: u64,
        (begun_us, now_us): (u64, u64),
    ) {
        let Some(node) = self.tree.get_mut(id) else { return };
        node.kills = node.kills.saturating_add(u32::try_from(below).unwrap_or(u32::MAX));
        let credited = node.known.tree_kills.map(|known| known.saturating_add(below));
        let Some(after) = after else {
            node.known.tree_kills = credited;
            return;
        };
        node.read_us = begun_us;
        node.known.kills = after.kills;
        node.known.tree_kills = match (after.tree_kills, credited) {
            (Some(after), Some(credited)) => Some(after.max(credited)),
            (after, _) => after,
        };
        self.remember(id, after, now_us);
    }

    /// Notes how far the counters of limits rose; what rose a while ago is what later rises are measured from.
    fn remember(&mut self, id: usize, after: Reading, now_us: u64) {
        let v2 = self.hierarchy.version == Version::V2;
        let Some(node) = self.tree.get_mut(id) else { return };
        if let Some(risen) = node.risen.take_if(|r| r.at_us.saturating_add(RISE_US) <= now_us) {
            let Reading { kills, tree_kills, .. } = node.known;
            node.known = Reading { kills, tree_kills, ..risen.reading };
        }
        let before = node.risen.as_ref().map_or(node.known, |risen| risen.reading);
        let decides = |r: &Reading| {
            (r.ooms, r.tree_ooms, r.tree_group_kills, r.group_kills, r.limit_hits.filter(|_| !v2))
        };
        if decides(&before) != decides(&after) {
            node.risen = Some(Box::new(Risen { reading: after, at_us: now_us }));
        } else if node.risen.is_none() {
            node.known.limit_hits = after.limit_hits;
        }
    }

    fn report(&mut self, id: usize, kills: &Counted, now_us: u64) {
        let Some(node) = self.tree.get(id) else { return };
        let (known, from_us) = (node.known, node.read_us);
        let lineage = self.lineage(id, now_us);
        let ancestors: Vec<Ancestor<'_>> = lineage
            .iter()
            .map(|group| Ancestor {
                path: &group.path,
                before: group.before,
                after: group.after,
                near: group.near,
                notified: group.notified,
                whole: group.whole,
            })
            .collect();
        let gone = self.gone.get(&id).filter(|(_, count)| *count == 1);
        let gone = gone.map(|(path, _)| path.as_str());
        let version = self.hierarchy.version.number();
        let limit = whose_limit(version, kills, &ancestors, gone);
        let whole = killed_whole(version, kills, &ancestors, &limit);
        let group = self.tree.path(id);
        tracing::debug!(kills = kills.kills, group = %coroner_core::escape::terminal(&group), "counted");
        if self.host_pids {
            self.inhabitants(id, &group);
        }
        // Its own count identifies a kill; the count with those below it where the victim's group is gone.
        let first = if kills.below > 0 { known.tree_kills } else { known.kills };
        let first = first.or(known.tree_kills).unwrap_or(0);
        let rises: Vec<GroupRise> = lineage.iter().map(|group| group.rise.clone()).collect();
        for nth in 1..=kills.kills.min(AT_ONCE_MAX) {
            let kill = CountedKill {
                group: group.clone(),
                version,
                oom_kill: first.saturating_add(nth),
                of: kills.kills,
                from_us,
                to_us: now_us,
                lineage: rises.clone(),
                limit: limit.clone(),
                one_of: Vec::new(),
            };
            self.joiner.counted(kill, whole.clone());
        }
        for Above { id, after, .. } in lineage {
            // What rose above the unit that was read is known from here on, as it is within.
            if let Some(after) = after {
                self.remember(id, after, now_us);
            }
        }
    }

    /// The group and those above it, with how they moved.
    fn lineage(&self, id: usize, now_us: u64) -> Vec<Above> {
        let ids = self.tree.lineage(id);
        let ids = if ids.is_empty() { vec![ROOT] } else { ids };
        ids.into_iter().filter_map(|at| self.above(at, at == id, now_us)).collect()
    }

    fn above(&self, id: usize, own: bool, now_us: u64) -> Option<Above> {
        let node = self.tree.get(id)?;
        let path = self.tree.path(id);
        let group = self.hierarchy.group(&path).ok();
        let after = group.as_ref().map(Group::reading);
        let before = match &node.risen {
            Some(risen) if risen.at_us.saturating_add(RISE_US) <= now_us => risen.reading,
            _ => node.known,
        };
        let before = Reading { kills: node.known.kills, ..before };
        let mut rise = before.rise(&after.unwrap_or_default(), path.clone());
        if let Some(group) = &group {
            rise.limit = group.own_limit();
            if own || matches!(rise.limit, Some(Limit::Bytes(_))) {
                (rise.usage, rise.peak) = group.usage();
            }
        }
        let v1 = self.hierarchy.version == Version::V1;
        let near = group.as_ref().filter(|_| v1).and_then(Group::can_have_hit_limit);
        let notified = self.ears.as_ref().zip(node.ear).and_then(|(ears, ear)| {
            let told = ears.told_us(ear)?;
            // What was told before it was made was for another.
            let lately = told > node.since_us && told.saturating_add(RISE_US) >= now_us;
            // That a shared ear was told may have been for another group.
            (node.own_ear || !lately || own).then_some(lately)
        });
        let flag = group.as_ref().filter(|_| !v1).and_then(|g| g.number("memory.oom.group"));
        let whole = flag.map(|flag| flag != 0);
        Some(Above { id, path, before, after, rise, near, notified, whole })
    }
}
