//! How long the kubelet waits before the next start: `back-off 2m40s restarting failed container=c pod=...`.
//!
//! The wait doubles from 10 s to 5 min (or what the node's `maxContainerRestartPeriod` says) with each restart in a row, and
//! begins anew after ten minutes without one. It counts from the end of the last run.

/// The wait in seconds; `None` for another text.
#[must_use]
pub fn backoff(message: &str) -> Option<u64> {
    let rest = message.strip_prefix("back-off ").or_else(|| message.strip_prefix("Back-off "))?;
    let (duration, rest) = rest.split_once(' ')?;
    rest.starts_with("restarting failed").then(|| seconds(duration))?
}

/// `1h2m3s`, as Go writes a duration of whole seconds; a fraction is cut.
fn seconds(duration: &str) -> Option<u64> {
    let mut rest = duration;
    let mut total = 0_u64;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, unit) = rest.split_at_checked(end)?;
        let whole: u64 = number.split('.').next()?.parse().ok()?;
        let (factor, len) = match unit.as_bytes() {
            [b'm', b's', ..] => return Some(total),
            [b'h', ..] => (3600, 1),
            [b'm', ..] => (60, 1),
            [b's', ..] => (1, 1),
            _ => return None,
        };
        total = total.checked_add(whole.checked_mul(factor)?)?;
        rest = unit.get(len..)?;
    }
    (!duration.is_empty()).then_some(total)
}
