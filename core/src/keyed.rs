//! Files of the kernel that are lines of `key value` or `key: value kB`: `meminfo`, `vmstat`, `memory.stat`.
//!
//! proc(5) promises the keys, not their order, and every kernel has others. Only those asked for are looked at, without
//! a table of all: these files are read again and again. A key that is absent, twice the same or no number is `None`
//! or the first.

/// The values of some keys, in the order asked for.
#[must_use]
pub fn values<const N: usize>(text: &str, keys: [&str; N]) -> [Option<u64>; N] {
    let mut found = [None; N];
    let mut left = N;
    for line in text.lines() {
        let Some((key, rest)) = line.split_once([' ', ':']) else { continue };
        let Some(at) = keys.iter().position(|wanted| *wanted == key) else { continue };
        if let Some(slot) = found.get_mut(at)
            && slot.is_none()
        {
            *slot = number(rest);
            left -= usize::from(slot.is_some());
            if left == 0 {
                break;
            }
        }
    }
    found
}

/// The sum over all keys with a prefix (`allocstall_`), or of the one key that is the prefix without its last dash;
/// `None` where there is neither.
#[must_use]
pub fn sum(text: &str, prefix: &str) -> Option<u64> {
    let plain = prefix.trim_end_matches('_');
    text.lines()
        .filter_map(|line| line.split_once(' '))
        .filter(|(key, _)| *key == plain || key.starts_with(prefix))
        .filter_map(|(_, rest)| number(rest))
        .reduce(u64::saturating_add)
}

/// A number that may stand behind blanks and before `kB`, which counts as 1024.
fn number(rest: &str) -> Option<u64> {
    let rest = rest.trim_start_matches([' ', ':', '\t']).trim_end();
    match rest.strip_suffix(" kB") {
        Some(kib) => kib.trim_end().parse::<u64>().ok()?.checked_mul(1024),
        None => rest.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_in_any_order_absent_ones_and_garbage() {
        let text = "MemTotal:         449648 kB\nHugePages_Total:       2\nMemFree: x kB\nMemTotal: 1 kB\nodd\n";
        assert_eq!(
            values(text, ["HugePages_Total", "MemTotal", "MemFree", "Absent", "Mem"]),
            [Some(2), Some(449_648 << 10), None, None, None]
        );
        assert_eq!(
            values("a 18446744073709551615 kB\nb 18446744073709551616", ["a", "b"]),
            [None, None]
        );
        assert_eq!(values("", ["a"]), [None]);
    }

    #[test]
    fn sums_over_zones_and_the_old_single_key() {
        let text = "allocstall_dma 1\nallocstall_normal 2\nallocstalls 9\nother 4";
        assert_eq!(sum(text, "allocstall_"), Some(3));
        assert_eq!(sum("allocstall 7\n", "allocstall_"), Some(7));
        assert_eq!(sum("pgfault 7\n", "allocstall_"), None);
    }
}
