//! What objects arrive in: a line of a watch, a page of a list, or the API server's own word that it will not.
//!
//! A watch is one `{"type":...,"object":...}` a line. The object is cut out unread, so that one which cannot be read harms no
//! other. A resource version that is too old is HTTP 200 and then one line of type `ERROR` with a Status of code 410. The
//! end of a streaming list is a bookmark annotated `k8s.io/initial-events-end: "true"`.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::field::{Field, objects};
use super::reader::{Problem, Reader};

/// One line of a watch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WatchLine<'a> {
    /// The object is as it says now: `ADDED` or `MODIFIED`, which mean the same to whoever reconnects.
    Is(&'a [u8]),
    /// The object is gone; as it last was.
    Gone(&'a [u8]),
    /// Everything up to this version was sent.
    Bookmark {
        /// To go on from.
        resource_version: String,
        /// All objects that were there at the beginning were sent.
        initial_events_end: bool,
    },
    /// The server ends the watch.
    Error(ApiStatus),
}

/// A page of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListPage<'a> {
    /// The objects, unread.
    pub items: Vec<&'a [u8]>,
    /// The version of the list, to watch from.
    pub resource_version: String,
    /// What to ask the next page with; `None` on the last.
    pub next: Option<String>,
}

/// A `Status`: why the API server refuses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ApiStatus {
    /// As in HTTP.
    pub code: Option<u16>,
    /// `Forbidden`, `Expired`, `TooManyRequests`, ...
    pub reason: Option<String>,
    /// In words: hostile text.
    pub message: Option<String>,
    /// `details.retryAfterSeconds`.
    pub retry_after_s: Option<u32>,
}

#[derive(Deserialize)]
struct Line<'a> {
    #[serde(default)]
    r#type: Field<String>,
    #[serde(borrow)]
    object: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Page<'a> {
    #[serde(default)]
    metadata: Field<PageMetadata>,
    // `null` for none at all.
    #[serde(borrow)]
    items: Option<Vec<&'a RawValue>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct PageMetadata {
    resource_version: Field<String>,
    r#continue: Field<String>,
    annotations: Field<Annotations>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Annotations {
    #[serde(rename = "k8s.io/initial-events-end")]
    initial_events_end: Field<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Bookmark {
    metadata: Field<PageMetadata>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Status {
    code: Field<u16>,
    reason: Field<String>,
    message: Field<String>,
    details: Field<Details>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Details {
    retry_after_seconds: Field<u32>,
}

objects!(PageMetadata, Annotations, Bookmark, Status, Details);

/// Reads a line of a watch.
///
/// # Errors
/// When it is no JSON, has no object, or is of a type that is not known.
pub fn watch_line(line: &[u8]) -> Result<WatchLine<'_>, Problem> {
    let line: Line<'_> = serde_json::from_slice(line).map_err(|e| Problem::broken(&e))?;
    let mut reader = Reader::default();
    let kind = reader.needed("type", line.r#type)?;
    let object = line.object.map_or("null", RawValue::get).as_bytes();
    match kind.as_str() {
        "ADDED" | "MODIFIED" => Ok(WatchLine::Is(object)),
        "DELETED" => Ok(WatchLine::Gone(object)),
        "ERROR" => Ok(WatchLine::Error(status(object))),
        "BOOKMARK" => bookmark(object),
        _ => Err(reader.wrong("type", &kind, "ADDED, MODIFIED, DELETED, BOOKMARK or ERROR")),
    }
}

fn bookmark(object: &[u8]) -> Result<WatchLine<'_>, Problem> {
    let read: Field<Bookmark> = serde_json::from_slice(object).map_err(|e| Problem::broken(&e))?;
    let mut reader = Reader::default();
    let bookmark = reader.get("object", read).unwrap_or_default();
    let metadata = reader.get("metadata", bookmark.metadata).unwrap_or_default();
    reader.within("object.metadata", None, |reader| {
        let end = reader.object("annotations", metadata.annotations, |reader, marks| {
            reader.word("k8s.io/initial-events-end", marks.initial_events_end)
        });
        Ok(WatchLine::Bookmark {
            resource_version: reader.needed("resourceVersion", metadata.resource_version)?,
            initial_events_end: end.flatten().as_deref() == Some("true"),
        })
    })
}

/// Reads a page of a list.
///
/// # Errors
/// When it is no JSON, `items` is no list, or there is no version. Every list has one; an answer without it is something
/// else, and taking it for an empty list would make everything gone.
pub fn list_page(json: &[u8]) -> Result<ListPage<'_>, Problem> {
    let page: Page<'_> = serde_json::from_slice(json).map_err(|e| Problem::broken(&e))?;
    let mut reader = Reader::default();
    let metadata = reader.get("metadata", page.metadata).unwrap_or_default();
    let items = page.items.unwrap_or_default();
    reader.within("metadata", None, |reader| {
        Ok(ListPage {
            items: items.into_iter().map(|item| item.get().as_bytes()).collect(),
            resource_version: reader.needed("resourceVersion", metadata.resource_version)?,
            next: reader.word("continue", metadata.r#continue),
        })
    })
}

/// Reads a Status. What is none says nothing.
#[must_use]
pub fn status(json: &[u8]) -> ApiStatus {
    let Ok(Field::Is(status)) = serde_json::from_slice::<Field<Status>>(json) else {
        return ApiStatus::default();
    };
    let mut reader = Reader::default();
    let retry = reader.object("details", status.details, |reader, details| {
        reader.get("retryAfterSeconds", details.retry_after_seconds)
    });
    ApiStatus {
        code: reader.get("code", status.code),
        reason: reader.word("reason", status.reason),
        message: reader.word("message", status.message),
        retry_after_s: retry.flatten(),
    }
}
