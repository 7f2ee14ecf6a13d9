//! The ids in API objects, in the form that the node's findings have them in.

/// The container's id without the runtime's name: `containerd://3bd0...` becomes 64 lower-case hex digits. `None` for an
/// empty id (a container that was not made yet, or that the kubelet lost) and for anything that is no such id.
#[must_use]
pub fn container_id(stated: &str) -> Option<String> {
    let id = stated.rsplit_once("://").map_or(stated, |(_, id)| id);
    (id.len() == 64 && id.bytes().all(|b| b.is_ascii_hexdigit())).then(|| id.to_ascii_lowercase())
}

/// The container that a field path of an event means: `spec.containers{app}` is `app`, and so for `initContainers` and
/// `ephemeralContainers`. `None` for any other path.
#[must_use]
pub fn container_of_field_path(path: &str) -> Option<&str> {
    let rest = path.strip_prefix("spec.")?;
    let (list, name) = rest.split_once('{')?;
    let name = name.strip_suffix('}')?;
    let known = matches!(list, "containers" | "initContainers" | "ephemeralContainers");
    (known && !name.is_empty()).then_some(name)
}
