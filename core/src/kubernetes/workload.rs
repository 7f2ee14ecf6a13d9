//! Workloads as people name them: `deploy/web`, `statefulset/db`, `Job/backup`.

/// Kinds that own pods, with the short names that people type.
const KINDS: [(&str, &[&str]); 7] = [
    ("Deployment", &["deploy", "deployment", "deployments"]),
    ("StatefulSet", &["sts", "statefulset", "statefulsets"]),
    ("DaemonSet", &["ds", "daemonset", "daemonsets"]),
    ("ReplicaSet", &["rs", "replicaset", "replicasets"]),
    ("ReplicationController", &["rc", "replicationcontroller", "replicationcontrollers"]),
    ("CronJob", &["cj", "cronjob", "cronjobs"]),
    ("Job", &["job", "jobs"]),
];

/// The kind as Kubernetes writes it, by that or a short name in any case; `None` for a kind that is not known here.
#[must_use]
pub fn workload_kind(typed: &str) -> Option<&'static str> {
    let typed = typed.to_ascii_lowercase();
    KINDS.iter().find(|(_, names)| names.contains(&typed.as_str())).map(|(kind, _)| *kind)
}

/// `KIND/NAME`, the kind as Kubernetes writes it. A kind that is not known here stays as it was typed: others make pods too.
#[must_use]
pub fn workload(typed: &str) -> Option<String> {
    let (kind, name) = typed.split_once('/')?;
    (!kind.is_empty() && is_name(name))
        .then(|| format!("{}/{name}", workload_kind(kind).unwrap_or(kind)))
}

/// Whether it can be the name of a pod, node or workload: lower-case letters, digits, `-` and `.`, 253 at most.
#[must_use]
pub fn is_name(text: &str) -> bool {
    let inside = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'.';
    let edge = |b: Option<&u8>| b.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    let bytes = text.as_bytes();
    bytes.len() <= 253 && edge(bytes.first()) && edge(bytes.last()) && text.bytes().all(inside)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_known_by_any_of_their_names() {
        for (typed, expected) in [
            ("deploy/web", Some("Deployment/web")),
            ("StatefulSet/db", Some("StatefulSet/db")),
            ("job/a.b-1", Some("Job/a.b-1")),
            ("Rollout/web", Some("Rollout/web")),
            ("deploy/", None),
            ("/web", None),
            ("deploy/Web", None),
            ("deploy/-web", None),
            ("deploy/a/b", None),
            ("web", None),
        ] {
            assert_eq!(workload(typed).as_deref(), expected, "{typed}");
        }
        assert!(!is_name(&"a".repeat(254)) && is_name(&"a".repeat(253)));
    }
}
