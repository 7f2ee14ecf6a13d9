//! What one name of a cgroup path says by itself.
//!
//! systemd repeats the whole ancestry in a slice's name (`kubepods-burstable-pod<uid>.slice`), so such a name speaks
//! even when what stood before it was cut away; the cgroupfs driver's `pod<uid>` needs its place. Nothing is promised
//! about lengths except those of ids and uids, which are checked digit by digit.

use std::borrow::Cow;

use super::Qos;

/// What a name is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Name {
    /// The root of all pods' groups.
    Kubepods,
    /// A quality-of-service class, from a slice's name.
    QosSlice(Qos),
    /// `burstable` or `besteffort`: a class only directly below [`Name::Kubepods`].
    QosDirectory(Qos),
    /// A pod's slice. `None` for a class that the name does not show, or a uid that was cut. `rooted` when the name
    /// shows the root of the pods too, so that it speaks wherever it stands.
    PodSlice { qos: Option<Qos>, uid: Option<String>, rooted: bool },
    /// `pod<uid>`: a pod only in its place.
    PodDirectory(String),
    /// A container's scope, or the directory form with the runtime's prefix.
    Container { runtime: Runtime, id: String },
    /// The same with an id that was cut.
    CutContainer,
    /// 64 hex digits and nothing else.
    BareId(String),
    /// Fewer hex digits and nothing else: a cut id, if a container's name belongs here.
    CutId,
    /// The runtime's own helper beside a container.
    Helper,
    /// Anything else.
    Unknown,
}

/// Who names containers like that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Runtime {
    /// docker, which people also run outside of and inside pods.
    Docker,
    /// podman, likewise. May put a container's processes into a leaf below its scope.
    Podman,
    /// CRI-O, with such a leaf too.
    Crio,
    /// containerd and whoever else.
    Other,
}

impl Runtime {
    /// Whether the runtime (by way of crun) may use a leaf.
    pub(super) fn has_leaf(self) -> bool {
        matches!(self, Self::Podman | Self::Crio)
    }
}

/// A cut id shorter than this is not taken for one: `crio-c` may have been going to be `crio-conmon-..`.
const SHORTEST_CUT: usize = 8;

/// Undoes systemd's `\xNN` (`\x2d` is a dash), which hides the separators the names are split at.
pub(super) fn unescape(name: &str) -> Cow<'_, str> {
    if !name.contains("\\x") {
        return Cow::Borrowed(name);
    }
    let mut out = String::with_capacity(name.len());
    let mut rest = name;
    while let Some(at) = rest.find("\\x") {
        let (before, after) = (&rest[..at], &rest[at + 2..]);
        out.push_str(before);
        match after.get(..2).and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) if byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_' => {
                out.push(char::from(byte));
                rest = &after[2..];
            }
            _ => {
                out.push_str("\\x");
                rest = after;
            }
        }
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// Reads one name.
pub(super) fn read(name: &str) -> Name {
    match name {
        "kubepods" => return Name::Kubepods,
        "burstable" => return Name::QosDirectory(Qos::Burstable),
        "besteffort" => return Name::QosDirectory(Qos::BestEffort),
        _ => {}
    }
    if is_id(name) {
        return Name::BareId(name.to_owned());
    }
    if is_cut_id(name) {
        return Name::CutId;
    }
    if let Some(slice) = name.strip_suffix(".slice") {
        return read_slice(slice);
    }
    if let Some(uid) = name.strip_prefix("pod").and_then(uid) {
        return Name::PodDirectory(uid);
    }
    read_container(name)
}

/// A slice's name without `.slice`: `[prefix-]kubepods[-class][-pod<uid>]`, cut at the front perhaps.
fn read_slice(slice: &str) -> Name {
    let (parent, pod) =
        match slice.rfind("pod").filter(|at| *at == 0 || slice[..*at].ends_with('-')) {
            // `kubepods` itself ends in a word that holds `pod`, but never behind a dash.
            Some(at) => (slice[..at].trim_end_matches('-'), Some(&slice[at + 3..])),
            None => (slice, None),
        };
    // A uid holds dashes only in escaped forms, so the last `-pod` starts it.
    let kubepods = |name: &str| name == "kubepods" || name.ends_with("-kubepods");
    let (class, rooted) = match parent.rsplit_once('-') {
        Some((root, "burstable")) => (Some(Qos::Burstable), kubepods(root)),
        Some((root, "besteffort")) => (Some(Qos::BestEffort), kubepods(root)),
        _ if parent == "burstable" => (Some(Qos::Burstable), false),
        _ if parent == "besteffort" => (Some(Qos::BestEffort), false),
        _ => (None, kubepods(parent)),
    };
    match pod.map(uid) {
        Some(Some(uid)) => {
            let qos = if rooted { class.or(Some(Qos::Guaranteed)) } else { class };
            Name::PodSlice { qos, uid: Some(uid), rooted }
        }
        Some(None) if rooted => Name::PodSlice { qos: class, uid: None, rooted },
        None if rooted => class.map_or(Name::Kubepods, Name::QosSlice),
        Some(None) | None => Name::Unknown,
    }
}

/// `[<runtime>-]<id>[.scope]`, where the end may be cut.
fn read_container(name: &str) -> Name {
    let (stem, end) = name.split_once('.').map_or((name, None), |(stem, end)| (stem, Some(end)));
    let scope = match end {
        Some(end) if "scope".starts_with(end) => true,
        Some(_) => return Name::Unknown,
        None => false,
    };
    let (runtime, id) = stem.rsplit_once('-').unwrap_or(("", stem));
    if runtime == "conmon" || runtime.ends_with("-conmon") {
        return Name::Helper;
    }
    let runtime = match runtime {
        "docker" => Runtime::Docker,
        "libpod" => Runtime::Podman,
        "crio" => Runtime::Crio,
        "cri-containerd" | "containerd" | "nerdctl" => Runtime::Other,
        _ if scope => Runtime::Other,
        _ => return Name::Unknown,
    };
    if is_id(id) {
        Name::Container { runtime, id: id.to_owned() }
    } else if end.is_none() && is_cut_id(id) {
        Name::CutContainer
    } else {
        Name::Unknown
    }
}

/// A pod uid with dashes; a static pod's hash as it is; `None` for anything that is not whole.
fn uid(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let whole = match bytes.len() {
        32 => bytes.iter().copied().all(is_hex),
        36 => bytes.iter().enumerate().all(|(at, b)| match at {
            8 | 13 | 18 | 23 => matches!(b, b'-' | b'_'),
            _ => is_hex(*b),
        }),
        _ => false,
    };
    whole.then(|| text.replace('_', "-"))
}

/// 64 lower-case hex digits.
pub(super) fn is_id(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(is_hex)
}

/// The first digits of an id.
pub(super) fn is_cut_id(text: &str) -> bool {
    (SHORTEST_CUT..64).contains(&text.len()) && text.bytes().all(is_hex)
}

/// One lower-case hex digit: what the kubelet and the runtimes write.
fn is_hex(byte: u8) -> bool {
    byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte)
}
