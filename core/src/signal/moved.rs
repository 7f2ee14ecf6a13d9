//! `cgroup:cgroup_attach_task`: a process was moved to another group.
//!
//! Of what it prints, the group's path and the process's name are chosen by whoever is watched, and the process's id
//! stands between them: `dst_root=1 dst_id=2 dst_level=3 dst_path=/a/b pid=77 comm=sh`. A name has 15 bytes at most, so
//! nearly always there is one way to read that; where there are several, all are given.

use super::event::Moved;
use super::format::Layout;
use super::line::Head;

/// The longest name, in bytes, and so in characters.
const NAME_MAX: usize = 15;

/// Behind the path and behind the id.
const ID: &str = " pid=";
const NAME: &str = " comm=";

pub(super) fn moved(head: &Head<'_>, layout: &Layout) -> Option<Moved> {
    let (fields, literals) = layout.parts();
    let [.., "dst_path", "pid", "comm"] = fields.as_slice() else { return None };
    let [.., before, id, name, end] = literals else { return None };
    if (id.as_str(), name.as_str(), end.as_str()) != (ID, NAME, "") {
        return None;
    }
    let values = layout.read(head.rest)?;
    let hierarchy = values.number("dst_root")?;
    // Before the path there are numbers alone.
    let (_, text) = head.rest.split_once(before.as_str())?;
    let readings: Vec<(u32, String)> = readings(text).collect();
    (!readings.is_empty()).then_some(Moved { at_us: head.at_us, hierarchy, readings })
}

/// Every way to read `/a/b pid=77 comm=sh`.
fn readings(text: &str) -> impl Iterator<Item = (u32, String)> {
    text.match_indices(NAME).filter_map(|(at, _)| {
        let (before, name) = (text.get(..at)?, text.get(at + NAME.len()..)?);
        if name.chars().count() > NAME_MAX {
            return None;
        }
        let (path, id) = before.rsplit_once(ID)?;
        let digits = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit());
        let id = id.parse().ok().filter(|_| digits)?;
        Some((id, path.to_owned()))
    })
}
