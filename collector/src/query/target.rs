//! What `coroner why` can be asked about: an incident, a container, a process, a pod, a workload, a node.

use coroner_core::kubernetes::{is_name, workload, workload_kind};

/// Hex digits that name a container surely enough: what `docker ps` and `crictl ps` show.
const MIN_CONTAINER: usize = 12;

/// Hex digits of a whole container id.
const MAX_CONTAINER: usize = 64;

/// What a question is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// The incident with this id.
    Incident(String),
    /// Containers whose id begins like this, in lower case.
    Container(String),
    /// Processes with this id in the host's namespace.
    Pid(u32),
    /// Pods with this name.
    Pod(String),
    /// The pods of a workload, `Deployment/web`.
    Workload(String),
    /// The node with this name.
    Node(String),
}

/// What narrows a question about pods.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Narrowed {
    pub(super) namespace: Option<String>,
    pub(super) container: Option<String>,
    /// The Nth end before the newest.
    pub(super) previous: Option<u32>,
}

/// A target that is none.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no target; expected an incident id (`inc-...`), {MIN_CONTAINER} to {MAX_CONTAINER} hex digits of a \
     container's id, `pid:N`, `pod/NAME`, `node/NAME`, a workload such as `deploy/NAME`, or the name of a pod"
)]
pub(super) struct NoTarget(String);

impl std::str::FromStr for Target {
    type Err = NoTarget;

    fn from_str(text: &str) -> Result<Self, NoTarget> {
        let no_target = || NoTarget(text.chars().take(80).flat_map(char::escape_default).collect());
        if let Some(pid) = text.strip_prefix("pid:") {
            // `parse` would take a sign.
            let digits = pid.bytes().all(|b| b.is_ascii_digit());
            return pid.parse().ok().filter(|_| digits).map(Self::Pid).ok_or_else(no_target);
        }
        if text
            .strip_prefix("inc-")
            .is_some_and(|id| !id.is_empty() && id.bytes().all(|b| b.is_ascii_alphanumeric()))
        {
            return Ok(Self::Incident(text.to_owned()));
        }
        let hex = text.bytes().all(|b| b.is_ascii_hexdigit());
        if hex && (MIN_CONTAINER..=MAX_CONTAINER).contains(&text.len()) {
            return Ok(Self::Container(text.to_ascii_lowercase()));
        }
        match text.split_once('/') {
            Some(("pod" | "pods" | "po", name)) if is_name(name) => Ok(Self::Pod(name.to_owned())),
            Some(("node" | "nodes" | "no", name)) if is_name(name) => {
                Ok(Self::Node(name.to_owned()))
            }
            Some((kind, _)) if workload_kind(kind).is_some() => {
                workload(text).map(Self::Workload).ok_or_else(no_target)
            }
            None if is_name(text) && !text.starts_with("inc-") => Ok(Self::Pod(text.to_owned())),
            _ => Err(no_target()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_told_apart() {
        let cases = [
            ("inc-0123456789abcdef", Some(Target::Incident("inc-0123456789abcdef".to_owned()))),
            ("0123456789AB", Some(Target::Container("0123456789ab".to_owned()))),
            ("pid:0", Some(Target::Pid(0))),
            ("pid:4294967295", Some(Target::Pid(u32::MAX))),
            ("pid:4294967296", None),
            ("pid:+1", None),
            ("pid:", None),
            ("inc-", None),
            ("inc-a%' OR 1", None),
            // Eleven digits name a pod rather than a container.
            ("0123456789a", Some(Target::Pod("0123456789a".to_owned()))),
            ("web-1", Some(Target::Pod("web-1".to_owned()))),
            ("pod/web-1", Some(Target::Pod("web-1".to_owned()))),
            ("pod/0123456789ab", Some(Target::Pod("0123456789ab".to_owned()))),
            ("deploy/web", Some(Target::Workload("Deployment/web".to_owned()))),
            ("StatefulSet/db", Some(Target::Workload("StatefulSet/db".to_owned()))),
            ("node/node-1", Some(Target::Node("node-1".to_owned()))),
            ("pod/", None),
            ("pod/Web", None),
            ("gadget/web", None),
            ("deploy/a/b", None),
            ("-web", None),
            ("", None),
        ];
        for (text, expected) in cases {
            assert_eq!(text.parse().ok(), expected, "{text}");
        }
        let too_long = "A".repeat(65);
        assert!(too_long.parse::<Target>().is_err());
        assert!(
            "a\u{1b}[2J"
                .parse::<Target>()
                .unwrap_err()
                .to_string()
                .starts_with("`a\\u{1b}[2J` is no target;")
        );
    }
}
