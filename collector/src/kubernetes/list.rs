//! The queries: a page, a streaming list, a watch.

use super::pace::Pace;

/// A page of a list; `next` is what the one before said.
pub(super) fn page(limit: u32, next: Option<&str>) -> String {
    let next = next.map(|token| format!("&continue={}", escaped(token)));
    format!("limit={limit}{}", next.unwrap_or_default())
}

/// Everything that is there, then a bookmark that says so, then every change. Needs `resourceVersionMatch`, and bookmarks
/// for its end to be seen.
pub(super) fn streaming(pace: &Pace) -> String {
    format!(
        "watch=true&sendInitialEvents=true&allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan&timeoutSeconds={}",
        pace.watch.as_secs()
    )
}

/// Every change since a version.
pub(super) fn watch(pace: &Pace, version: &str) -> String {
    format!(
        "watch=true&allowWatchBookmarks=true&resourceVersion={}&timeoutSeconds={}",
        escaped(version),
        pace.watch.as_secs()
    )
}

/// Percent-encoded: tokens are base64, versions are whatever the server likes.
fn escaped(text: &str) -> String {
    use std::fmt::Write as _;
    let mut all = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            all.push(char::from(byte));
        } else {
            // Writing to a string does not fail.
            let _ = write!(all, "%{byte:02X}");
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_escaped() {
        assert_eq!(page(500, None), "limit=500");
        assert_eq!(page(500, Some("eyJ2+/=&x")), "limit=500&continue=eyJ2%2B%2F%3D%26x");
        assert_eq!(
            watch(&Pace::default(), "12 746"),
            "watch=true&allowWatchBookmarks=true&resourceVersion=12%20746&timeoutSeconds=290"
        );
    }
}
