//! Links within the pages. Whatever a link holds may be hostile, so all but letters and digits is percent-encoded.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

/// The page of an incident.
pub(super) fn incident(id: &str) -> String {
    format!("/incidents/{}", utf8_percent_encode(id, NON_ALPHANUMERIC))
}

/// The page of a node.
pub(super) fn node(name: &str) -> String {
    format!("/nodes/{}", utf8_percent_encode(name, NON_ALPHANUMERIC))
}

/// The page of a workload, `Deployment/web`; `None` for what is none.
pub(super) fn workload(owner: &str, namespace: Option<&str>) -> Option<String> {
    let (kind, name) = owner.split_once('/')?;
    let part = |text| utf8_percent_encode(text, NON_ALPHANUMERIC);
    let page = format!("/workloads/{}/{}", part(kind), part(name));
    Some(with_query(&page, [("namespace", namespace)]))
}

/// A path with a query, values that are absent left out.
pub(super) fn with_query<'a>(
    path: &str,
    query: impl IntoIterator<Item = (&'a str, Option<&'a str>)>,
) -> String {
    let mut link = path.to_owned();
    let mut before = '?';
    for (name, value) in query {
        if let Some(value) = value {
            link.push(before);
            link.push_str(name);
            link.push('=');
            link.extend(utf8_percent_encode(value, NON_ALPHANUMERIC));
            before = '&';
        }
    }
    link
}
