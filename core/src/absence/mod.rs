//! The firm no: whether a kernel OOM kill can be excluded on a node, or in one container, between two times.
//!
//! Three witnesses see such kills, each by itself: the kernel log prints a line for every victim, except for one that was
//! exiting already when it was chosen (`task_will_free_mem` in mm/oom_kill.c marks it and prints nothing); the groups'
//! counters rise; the trace sees `oom:mark_victim`. An absence is only worth what was watched: where at every moment of
//! the window at least one of them missed nothing the kill is excluded, where it was at least two it is so firmly, and
//! where it was none the kill cannot be excluded, and the answer says when. Without any coverage it says just that.

mod words;

#[cfg(test)]
mod tests;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::finding::{CoverageSpan, Gap, Source};
use crate::incident::{Cause, Confidence, Incident, Outcome};
use crate::spans::{self, Span};

/// Who sees OOM kills, the most exact first.
pub const WITNESSES: [Source; 3] = [Source::KernelLog, Source::Cgroup, Source::SignalTrace];

/// How far the stamps of two witnesses of one kill lie apart at most. Measured: the kernel log runs up to 25 ms ahead of
/// the trace, a counter follows within 16 ms. Where one witness takes over from another they must overlap by this on
/// either side, or the kill may have fallen between them.
const SLACK: SignedDuration = SignedDuration::from_millis(100);

/// Agents say what they watched some seconds late. A window that ends this short after their last word is answered up
/// to that word.
pub const LAG: SignedDuration = SignedDuration::from_secs(60);

/// Kills that are told of one node and window at most. Whoever hears of so many needs no more.
pub const MOST_KILLS: usize = 10_000;

/// What is asked.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// On which node.
    pub node: &'a str,
    /// In which container, by its whole id; `None` for anywhere on the node.
    pub container: Option<&'a str>,
    /// Between which times, on the node's wall clock.
    pub window: Span,
}

/// What is known of a node around a window.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// What was watched, over all boots, already without what was lost: see [`covered`].
    pub coverage: Vec<CoverageSpan>,
    /// OOM kills of the kernel that are known, [`MOST_KILLS`] of them at most.
    pub kills: Vec<Kill>,
    /// The container that is asked about, as its group showed it.
    pub container: Option<Watched>,
}

/// A kill that is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kill {
    /// When.
    pub time: Timestamp,
    /// Whose.
    pub whose: Whose,
}

/// Whose kill it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whose {
    /// Of this container.
    Container(String),
    /// Of no container.
    Host,
    /// Nobody could tell.
    Unknown,
}

/// What a container's own group showed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Watched {
    /// Between these times it was watched.
    pub span: Span,
    /// Whether it ended with the span: afterwards nobody can be killed in it.
    pub ended: bool,
    /// Kills its counter counted in that time; `None` where it could not be read.
    pub oom_kills: Option<u64>,
}

/// Whether there was a kill.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// There was one.
    Happened,
    /// There was none.
    Excluded,
    /// It cannot be excluded.
    Open,
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Absence {
    /// Whether there was a kill.
    pub verdict: Verdict,
    /// How sure that is: `Confirmed` by two witnesses, `Likely` by one, `Unknown` where it cannot be excluded.
    pub confidence: Confidence,
    /// The answer holds from here ...
    pub from: Timestamp,
    /// ... to here: the end that was asked for, or shortly before it the last word of the agent.
    pub to: Timestamp,
    /// Kills that are known in that time; [`MOST_KILLS`] stands for that many or more.
    pub kills: u64,
    /// What each witness missed.
    pub witnesses: Vec<Witness>,
    /// The answer in words.
    pub sentence: String,
}

/// What one witness missed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Witness {
    /// Which.
    pub source: Source,
    /// Its holes in the time that the answer is about.
    pub holes: Vec<Span>,
}

/// What the sources of one boot watched, without what was lost of it later: records overwritten, findings dropped for
/// want of room.
#[must_use]
pub fn covered(coverage: &[CoverageSpan], lost: &[Gap]) -> Vec<CoverageSpan> {
    let mut left = Vec::new();
    for source in Source::ALL {
        let cuts: Vec<Span> = lost.iter().filter(|gap| gap.source == source).map(cut).collect();
        let kept = spans::without(&of(coverage, source), &cuts);
        left.extend(kept.into_iter().map(|Span { from, to }| CoverageSpan { source, from, to }));
    }
    left
}

/// The time that a gap may have taken something of. Without a known end it reaches to the end of time.
fn cut(gap: &Gap) -> Span {
    let from = gap.from.and_then(|from| from.checked_sub(SLACK).ok()).unwrap_or(Timestamp::MIN);
    let to = gap.to.and_then(|to| to.checked_add(SLACK).ok()).unwrap_or(Timestamp::MAX);
    // One that ends before it begins has its ends the wrong way round: the clock was set back meanwhile.
    Span { from: from.min(to), to: from.max(to) }
}

/// The spans of one source.
fn of(coverage: &[CoverageSpan], source: Source) -> Vec<Span> {
    let ours = coverage.iter().filter(|span| span.source == source);
    spans::union(ours.filter_map(|span| Span::new(span.from, span.to)))
}

/// The kill that an incident tells of, if it is one by the kernel for want of memory.
#[must_use]
pub fn kill_of(incident: &Incident) -> Option<Kill> {
    let killed = incident.kernel.as_ref().is_some_and(|kernel| !kernel.victims.is_empty());
    let by_kernel = match incident.cause {
        // A large block that could not be had is this cause too, and kills nobody by itself.
        Cause::MemoryFragmentation => killed,
        cause if cause.is_kernel_oom() => true,
        // The kernel did something, and a no must not rest on not knowing what: a counter names no victim.
        Cause::Unknown => incident.kernel.is_some(),
        _ => false,
    };
    let container = incident.container.as_ref().and_then(|container| container.id.clone());
    by_kernel.then_some(Kill {
        time: incident.time,
        whose: match (container, incident.outcome) {
            (Some(id), _) => Whose::Container(id),
            (None, Some(Outcome::HostProcessKilled)) => Whose::Host,
            (None, _) => Whose::Unknown,
        },
    })
}

/// Answers a question by what is known.
#[must_use]
pub fn absence(question: &Question<'_>, known: &Known) -> Absence {
    let mut layers: Vec<(Source, Vec<Span>)> =
        WITNESSES.into_iter().map(|source| (source, of(&known.coverage, source))).collect();
    let watched = known.container.filter(|_| question.container.is_some());
    if let Some(watched) = watched {
        let end = Span::new(watched.span.to, Timestamp::MAX).filter(|_| watched.ended);
        for (source, layer) in &mut layers {
            // Its own counter is as good as all groups' counters.
            if *source == Source::Cgroup && watched.oom_kills == Some(0) {
                layer.push(watched.span);
            }
            layer.extend(end);
        }
    }

    let asked = question.window;
    let near = |kill: &&Kill| {
        let early = kill.time.checked_add(SLACK).unwrap_or(Timestamp::MAX);
        let late = kill.time.checked_sub(SLACK).unwrap_or(Timestamp::MIN);
        early >= asked.from && late <= asked.to
    };
    let all: Vec<&Kill> = known.kills.iter().filter(near).collect();
    let ours = |kill: &&&Kill| match (question.container, &kill.whose) {
        (None, _) => true,
        (Some(asked), Whose::Container(id)) => asked == id,
        (Some(_), Whose::Host | Whose::Unknown) => false,
    };
    let mut kills = all.iter().filter(ours).count();
    // What was counted in all of its life is only known to lie in the window where all of its life does.
    if let Some(Watched { span, oom_kills: Some(counted), .. }) = watched
        && span.from >= asked.from
        && span.to <= asked.to
    {
        kills = kills.max(usize::try_from(counted).unwrap_or(usize::MAX));
    }
    let homeless = all.iter().filter(|kill| kill.whose == Whose::Unknown).count();
    let homeless = if question.container.is_some() { homeless } else { 0 };

    let mut window = asked;
    if kills == 0 {
        window.to = last_word(&layers, asked);
    }
    let sure: Vec<Vec<Span>> = layers.iter().map(|(_, layer)| overlapping(layer, window)).collect();
    let deep = spans::thinnest(&sure, window);
    let (verdict, confidence) = match (kills, homeless, deep) {
        (1.., _, _) => (Verdict::Happened, Confidence::Confirmed),
        (0, 0, 2..) => (Verdict::Excluded, Confidence::Confirmed),
        (0, 0, 1) => (Verdict::Excluded, Confidence::Likely),
        (0, _, _) => (Verdict::Open, Confidence::Unknown),
    };
    let witnesses = layers
        .into_iter()
        .map(|(source, layer)| Witness { source, holes: spans::holes(&layer, window) })
        .collect();
    let mut answer = Absence {
        verdict,
        confidence,
        from: window.from,
        to: window.to,
        kills: u64::try_from(kills.min(MOST_KILLS)).unwrap_or(u64::MAX),
        witnesses,
        sentence: String::new(),
    };
    answer.sentence = words::sentence(question, &answer, homeless);
    answer
}

/// Up to when the window can be answered: the last word of those witnesses that were still speaking at its end.
fn last_word(layers: &[(Source, Vec<Span>)], window: Span) -> Timestamp {
    let speaking = |end: &Timestamp| {
        *end > window.from && *end <= window.to && window.to.duration_since(*end) <= LAG
    };
    let ends = layers.iter().filter_map(|(_, layer)| layer.iter().map(|span| span.to).max());
    ends.filter(speaking).min().unwrap_or(window.to)
}

/// A witness's spans in the window, without the [`SLACK`] at each end where another has to take over.
fn overlapping(layer: &[Span], window: Span) -> Vec<Span> {
    let shorter = |span: Span| {
        let mut span = span.and(&window)?;
        if span.from > window.from {
            span.from = span.from.checked_add(SLACK).ok()?;
        }
        if span.to < window.to {
            span.to = span.to.checked_sub(SLACK).ok()?;
        }
        Span::new(span.from, span.to)
    };
    spans::union(layer.iter().copied()).into_iter().filter_map(shorter).collect()
}
