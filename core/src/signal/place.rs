//! Where a process ran, in words for people.
//!
//! systemd.slice(5) and logind promise the names of the host's groups; who may make groups may lie. Names are given as
//! found and escaped by whoever shows them.

use crate::cgroup::identify;

/// What a person calls the place of a group: `the host's service ssh.service`, `container 0123456789ab of pod ...`.
#[must_use]
pub fn place(group: &str) -> String {
    let identity = identify(group);
    let pod = identity.pod_uid.as_ref().map(|uid| format!("pod {uid}"));
    if let Some(id) = identity.pod_container_id.as_ref().or(identity.container_id.as_ref()) {
        let id = id.get(..12).unwrap_or(id);
        return match pod {
            Some(pod) => format!("container {id} of {pod}"),
            None => format!("container {id}"),
        };
    }
    if let Some(pod) = pod {
        return pod;
    }
    let mut names = group.split('/').filter(|name| !name.is_empty() && *name != "..");
    let last = names.next_back();
    let user =
        || group.split('/').find_map(|name| name.strip_prefix("user-")?.strip_suffix(".slice"));
    match last {
        None => "the host's root group".to_owned(),
        Some("init.scope") => "the host's init".to_owned(),
        Some(name) if name.ends_with(".service") => match user() {
            Some(user) => format!("the service {name} of the host's user {user}"),
            None => format!("the host's service {name}"),
        },
        Some(name) => {
            match (name.strip_prefix("session-").and_then(|n| n.strip_suffix(".scope")), user()) {
                (Some(session), Some(user)) => {
                    format!("login session {session} of the host's user {user}")
                }
                _ => format!("the host's group {group}"),
            }
        }
    }
}
