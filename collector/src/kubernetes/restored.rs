//! Whether the API server's data was set back behind what we have seen, as by restoring etcd from a backup.
//!
//! A watch from a version that the server has not reached yet is accepted and silent: no object, no bookmark, no 410, until
//! the server's versions have passed it; and then it goes on as if nothing had happened. Versions are decimal numbers that
//! grow (Kubernetes promises so since 1.35, and etcd always did), so the version of the smallest list tells. It is asked
//! for after anything failed: a restored server was away, and a watch that says nothing for longer than two bookmarks ends
//! as a failure. Versions that are no such numbers tell nothing, and the watch goes on.

use std::cmp::Ordering;

use coroner_core::kubernetes::decode::list_page;
use coroner_core::kubernetes::{ApiChange, ApiGap};
use jiff::Timestamp;

use super::api::{Api, ApiError};
use super::body::whole;
use super::list;
use super::parts::Part;
use super::watcher::{End, Watcher};

impl Watcher {
    /// Asks where the server is. If that is behind the version that we would go on from, everything is listed anew, and a
    /// gap says that something may have been missed since the last word.
    pub(super) async fn ask_version(&mut self, ours: &str) -> Result<bool, End> {
        let theirs = match version_of(&self.api, self.part).await {
            Ok(version) => Some(version),
            // Whoever may watch and not list cannot ask.
            Err(ApiError::Refused { .. }) => None,
            Err(e) => return Err(e.into()),
        };
        self.doubted = false;
        if theirs.is_none_or(|theirs| order(&theirs, ours) != Some(Ordering::Less)) {
            return Ok(true);
        }
        tracing::warn!(
            resource = self.part.resource,
            "the API server's data was set back to an earlier state; listing anew"
        );
        self.version = None;
        if let Some(from) = self.told {
            let reason = "the API server's data was set back to an earlier state, as by restoring etcd; what is there now was listed anew";
            let to = Some(Timestamp::now());
            let gap = ApiGap { part: self.part.part, from, to, reason: reason.to_owned() };
            self.out.push(ApiChange::Gap(gap));
            self.send().await?;
        }
        Ok(true)
    }
}

/// The version of a part as it is now.
async fn version_of(api: &Api, part: &Part) -> Result<String, ApiError> {
    let body = api.get(part, "list", &list::page(1, None)).await?;
    let bytes = whole(body, api.pace.largest_page, api.pace.answer).await?;
    let page = list_page(&bytes).map_err(|problem| ApiError::Away(problem.to_string()))?;
    Ok(page.resource_version)
}

/// The order of two versions; `None` if one of them is no decimal number.
fn order(one: &str, other: &str) -> Option<Ordering> {
    let number = |text: &str| {
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| text.trim_start_matches('0').to_owned())
    };
    let (one, other) = (number(one)?, number(other)?);
    Some(one.len().cmp(&other.len()).then_with(|| one.cmp(&other)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_numbers_of_any_length() {
        for (one, other, expected) in [
            ("9", "10", Some(Ordering::Less)),
            ("10", "9", Some(Ordering::Greater)),
            ("0010", "10", Some(Ordering::Equal)),
            ("0", "0", Some(Ordering::Equal)),
            ("99999999999999999999999998", "99999999999999999999999999", Some(Ordering::Less)),
            ("", "1", None),
            ("1", "v1", None),
            ("-1", "1", None),
            ("1 ", "1", None),
        ] {
            assert_eq!(order(one, other), expected, "{one} {other}");
        }
    }
}
