//! What a container's heap settings say to its memory limit, where command line or environment shows them.
//!
//! A heap as large as the limit cannot fit: threads, code, buffers and the runtime itself come on top. How much that is differs
//! between programs; a fifth of the limit is what their own container defaults leave at the least.

use super::facts::Facts;
use crate::bytes::Bytes;
use crate::kubernetes::HeapSize;

/// `-Xmx (512 MiB) is 100 % of the limit: ...`; nothing where there is no setting, or it leaves room.
pub(super) fn remedy(facts: &Facts<'_>, limit: Option<u64>) -> Option<String> {
    let limit = limit.filter(|limit| *limit > 0)?;
    let container = facts.api?.container()?;
    let (setting, bytes) = container
        .heap
        .iter()
        .filter_map(|setting| Some((setting, setting.size.bytes(Some(limit))?)))
        .max_by_key(|(_, bytes)| *bytes)?;
    let room = limit / 5;
    let allowed = limit.saturating_sub(room);
    (bytes > allowed).then(|| {
        let size = match setting.size {
            HeapSize::Bytes(bytes) => Bytes(bytes).to_string(),
            HeapSize::OfLimit(share) => format!("{} % of the limit", share / 100),
        };
        let percent = u128::from(bytes) * 100 / u128::from(limit);
        format!(
            "{} is {size}, which is {percent} % of the container's limit of {}: what is not heap has no room. Lower it to \
             {} or less, or raise the limit above {}.",
            setting.option,
            Bytes(limit),
            Bytes(allowed),
            Bytes(bytes.saturating_add(bytes / 4))
        )
    })
}
