//! Puts wrapped lines together again.
//!
//! People paste logs from terminals, which cut a line at their width, and through mailers, which cut at a blank and
//! drop it. The rest of such a line has no prefix of its own. A line that may go on is held until the next one comes;
//! what follows is added only if the line then says more than before.

use super::line::{Line, Origin};
use super::message::{Message, classify};

/// An `oom-kill:` line with two long paths is cut into a dozen pieces at 80 columns.
const MOST_PIECES: u32 = 40;
/// Longest line that is put together, in bytes.
const LONGEST: usize = 16 * 1024;
/// Shorter than any terminal anybody pastes from, in characters: cut here, a mailer did it.
const NARROWEST_TERMINAL: usize = 79;

/// Holds at most one line.
#[derive(Debug, Default)]
pub(super) struct Joiner {
    /// The line, of how many pieces it is made, and how wide the last one was in characters.
    held: Option<(Line<'static>, u32, usize)>,
}

impl Joiner {
    pub(super) fn is_holding(&self) -> bool {
        self.held.is_some()
    }

    /// Takes a line, and as it stood in the text; gives lines that are whole.
    pub(super) fn push(&mut self, line: Line<'_>, raw: &str, give: &mut dyn FnMut(&Line<'_>)) {
        if let Some((mut held, pieces, held_width)) = self.held.take() {
            if !line.prefixed
                && pieces < MOST_PIECES
                && let Some(joined) = join(&held.text, line.text.trim(), held_width)
            {
                held.text = joined.into();
                held.number = line.number;
                if may_go_on(&held.text) {
                    self.held = Some((held, pieces + 1, raw.chars().count()));
                } else {
                    give(&held);
                }
                return;
            }
            give(&held);
        }
        // Records and journals carry whole messages.
        let whole = line.seq.is_some()
            || line.text.contains('\n')
            || matches!(line.origin, Origin::User { .. });
        if !whole && line.text.len() < LONGEST && may_go_on(&line.text) {
            self.held = Some((own(line), 1, raw.chars().count()));
        } else {
            give(&line);
        }
    }

    pub(super) fn flush(&mut self, give: &mut dyn FnMut(&Line<'_>)) {
        if let Some((held, _, _)) = self.held.take() {
            give(&held);
        }
    }
}

fn own(line: Line<'_>) -> Line<'static> {
    Line {
        seq: line.seq,
        us: line.us,
        stamp: line.stamp.map(|s| s.into_owned().into()),
        host: line.host.map(|h| h.into_owned().into()),
        origin: line.origin,
        text: line.text.into_owned().into(),
        prefixed: line.prefixed,
        number: line.number,
    }
}

/// Whether a line is of a kind that is long, and does not show its end.
fn may_go_on(text: &str) -> bool {
    const STARTS: [&str; 11] = [
        "Memory cgroup ",
        "Out of memory",
        "Out of Memory",
        "Killed process ",
        "Kill process ",
        "oom-kill:",
        ",global_oom",
        ",oom_memcg=",
        "Task in",
        "Tasks in",
        "oom_reaper: ",
    ];
    let long = STARTS.iter().any(|start| text.starts_with(start))
        || text.contains(" invoked")
        || text.contains(": page allocation");
    long && match classify(text) {
        // Even what looks like its end may stand in a name.
        Some(Message::Summary(_)) => true,
        Some(Message::Invoked { order, oom_score_adj, .. }) => {
            order.is_none() || oom_score_adj.is_none()
        }
        Some(Message::Killed(killed)) => killed.oom_score_adj.is_none(),
        Some(
            Message::GroupKill { .. } | Message::Announced { .. } | Message::AlreadyExiting { .. },
        ) => false,
        _ => true,
    }
}

/// How much a line says; a piece that adds nothing is no piece of it.
fn says(text: &str) -> usize {
    fn known(fields: &[bool]) -> usize {
        1 + fields.iter().filter(|f| **f).count()
    }
    match classify(text) {
        None => 0,
        Some(Message::Invoked { gfp_mask, order, oom_score_adj, .. }) => {
            known(&[gfp_mask.is_some(), order.is_some(), oom_score_adj.is_some()])
        }
        Some(Message::Killed(k)) => known(&[
            k.uid.is_some(),
            k.total_vm.is_some(),
            k.anon_rss.is_some(),
            k.file_rss.is_some(),
            k.shmem_rss.is_some(),
            k.pgtables.is_some(),
            k.oom_score_adj.is_some(),
        ]),
        Some(Message::PageAllocationFailure { order, gfp_mask, cpuset, .. }) => {
            known(&[order.is_some(), gfp_mask.is_some(), cpuset.is_some()])
        }
        Some(_) => 1,
    }
}

fn join(held: &str, rest: &str, held_width: usize) -> Option<String> {
    if rest.is_empty() || held.len() + rest.len() > LONGEST {
        return None;
    }
    let direct = format!("{held}{rest}");
    let spaced = format!("{held} {rest}");
    if let Some(Message::Summary(summary)) = classify(held) {
        // A name may hold `,pid=1,uid=0`: what looks like the end is one only if no other end follows.
        let ends_again = rest.contains(",pid=") && rest.contains(",uid=");
        if classify(rest).is_some() || (summary.complete && !ends_again) {
            return None;
        }
        // Nothing but a name can hold a blank, so only a cut behind `task=` may have lost one.
        let in_name = held.contains(",task=") && held_width < NARROWEST_TERMINAL;
        if summary.complete && in_name {
            return Some(spaced);
        }
        return (!rest.contains(' ') || rest.contains(",task=") || rest.contains(",uid="))
            .then_some(direct);
    }
    let (before, as_direct, as_spaced) = (says(held), says(&direct), says(&spaced));
    if as_direct.max(as_spaced) <= before {
        return match ends_in_path(held) {
            true if continues_path(rest) => Some(direct),
            true if before == 0 => Some(spaced),
            // Two pieces may both be too short to say anything yet.
            false if before == 0 && classify(rest).is_none() && !rest.starts_with('[') => {
                Some(if held_width < NARROWEST_TERMINAL { spaced } else { direct })
            }
            _ => None,
        };
    }
    if classify(rest).is_some() && before > 0 {
        return None;
    }
    let by_mailer = as_direct == as_spaced && held_width < NARROWEST_TERMINAL;
    Some(if as_spaced > as_direct || by_mailer { spaced } else { direct })
}

/// Whether a line that names a group breaks off in its path.
fn ends_in_path(held: &str) -> bool {
    let names_group = ["Task in /", "Tasks in /", "Memory cgroup stats for /"];
    names_group.iter().any(|start| held.starts_with(start))
        && held.rsplit(' ').next().is_some_and(|word| word.contains('/'))
}

/// Whether a piece goes on with a path: what follows a path in the message begins with a word.
fn continues_path(rest: &str) -> bool {
    let word = rest.split(' ').next().unwrap_or(rest);
    !["are", "killed", "going"].contains(&word)
        && (word.contains(['.', '_', '-', '/', ':']) || word.bytes().any(|b| b.is_ascii_digit()))
}
