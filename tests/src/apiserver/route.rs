//! What a request asks for: verb, resource, namespace and name, as RBAC sees them.

use std::collections::BTreeMap;

use hyper::Method;

/// A request that came in.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Asked {
    /// As RBAC calls it: `list`, `watch`, `create`, `patch`.
    pub verb: String,
    /// API group; empty for the core.
    pub group: String,
    /// Resource, with its subresource as in `nodes/status`.
    pub resource: String,
    /// `None` for all namespaces.
    pub namespace: Option<String>,
    /// `None` for all objects.
    pub name: Option<String>,
    /// The query.
    pub query: BTreeMap<String, String>,
    /// Only `metadata` is wanted.
    pub metadata_only: bool,
    /// What is accepted is served: JSON, and of a list's metadata a list.
    pub acceptable: bool,
}

impl Asked {
    /// Reads a request; `None` if it is about no resource.
    pub(super) fn of(method: &Method, path: &str, query: &str, accept: &str) -> Option<Self> {
        let mut steps = path.split('/').filter(|step| !step.is_empty()).peekable();
        let group = match steps.next()? {
            "api" => String::new(),
            "apis" => steps.next()?.to_owned(),
            _ => return None,
        };
        steps.next()?; // version
        let mut namespace = None;
        let mut resource = steps.next()?.to_owned();
        if resource == "namespaces" && steps.peek().is_some() {
            namespace = Some(steps.next()?.to_owned());
            if let Some(below) = steps.next() {
                resource = below.to_owned();
            }
        }
        // What has a namespace and no resource in it is the namespace itself.
        let name = if resource == "namespaces" {
            namespace.take()
        } else {
            steps.next().map(str::to_owned)
        };
        if let Some(below) = steps.next() {
            resource = format!("{resource}/{below}");
        }
        let query: BTreeMap<String, String> = query
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .map(|(name, value)| (unescaped(name), unescaped(value)))
            .collect();
        let watch = query.get("watch").is_some_and(|value| value == "true" || value == "1");
        let verb = match *method {
            Method::GET if watch => "watch",
            Method::GET if name.is_none() => "list",
            Method::GET => "get",
            Method::POST => "create",
            Method::PATCH => "patch",
            Method::PUT => "update",
            Method::DELETE => "delete",
            _ => return None,
        };
        let metadata_only = accept.contains("as=PartialObjectMetadata");
        let list = verb != "list" || !metadata_only || accept.contains("PartialObjectMetadataList");
        // Who says nothing takes anything (RFC 9110, 12.5.1), and gets JSON.
        let any = accept.is_empty() || accept.contains("*/*");
        let acceptable = list && (any || accept.contains("json"));
        let verb = verb.to_owned();
        Some(Self { verb, group, resource, namespace, name, query, metadata_only, acceptable })
    }

    /// A parameter of the query.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.query.get(name).map(String::as_str)
    }
}

/// Percent-decoded.
fn unescaped(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, more)) = rest.split_first() {
        let code = more.get(..2).and_then(|two| std::str::from_utf8(two).ok());
        match code.and_then(|two| u8::from_str_radix(two, 16).ok()) {
            Some(byte) if *first == b'%' => {
                bytes.push(byte);
                rest = &more[2..];
            }
            _ => {
                bytes.push(*first);
                rest = more;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
