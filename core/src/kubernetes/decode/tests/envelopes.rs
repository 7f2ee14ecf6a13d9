//! Lines of a watch, pages of a list, refusals.

use rstest::rstest;

use super::super::{ApiStatus, ListPage, WatchLine, list_page, status, watch_line};

#[test]
fn lines_of_a_watch() {
    let read = |line: &'static str| watch_line(line.as_bytes()).unwrap();
    let object = br#"{"metadata":{"uid":"u"}}"#.as_slice();
    assert_eq!(
        read(r#"{"type":"ADDED","object":{"metadata":{"uid":"u"}}}"#),
        WatchLine::Is(object)
    );
    assert_eq!(
        read(r#"{"object":{"metadata":{"uid":"u"}},"type":"MODIFIED"}"#),
        WatchLine::Is(object)
    );
    assert_eq!(
        read(r#"{"type":"DELETED","object":{"metadata":{"uid":"u"}}}"#),
        WatchLine::Gone(object)
    );
    let bookmark =
        |end| WatchLine::Bookmark { resource_version: "12746".to_owned(), initial_events_end: end };
    assert_eq!(
        read(
            r#"{"type":"BOOKMARK","object":{"kind":"Pod","apiVersion":"v1","metadata":{"resourceVersion":"12746"}}}"#
        ),
        bookmark(false)
    );
    assert_eq!(
        read(
            r#"{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"12746","annotations":{"k8s.io/initial-events-end":"true"}}}}"#
        ),
        bookmark(true)
    );
    let WatchLine::Error(error) = read(
        r#"{"type":"ERROR","object":{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"too old resource version: 1 (500)","reason":"Expired","code":410}}"#,
    ) else {
        panic!()
    };
    assert_eq!((error.code, error.reason.as_deref()), (Some(410), Some("Expired")));
}

#[rstest]
#[case("", "the object is broken: EOF while parsing a value at line 1 column 0; wanted JSON")]
#[case(
    "{\"type\":\"ADDED\"",
    "the object is broken: EOF while parsing an object at line 1 column 15; wanted JSON"
)]
#[case("{\"object\":{}}", "type is missing; wanted text")]
#[case("{\"type\":7,\"object\":{}}", "type is `7`; wanted text")]
#[case(
    "{\"type\":\"BO\\u001bX\",\"object\":{}}",
    "type is `BO\\x1bX`; wanted ADDED, MODIFIED, DELETED, BOOKMARK or ERROR"
)]
#[case(
    "{\"type\":\"BOOKMARK\",\"object\":{\"metadata\":{\"resourceVersion\":5}}}",
    "object.metadata.resourceVersion is `5`; wanted text"
)]
#[case("{\"type\":\"BOOKMARK\"}", "object.metadata.resourceVersion is missing; wanted text")]
fn lines_that_are_none(#[case] line: &str, #[case] problem: &str) {
    assert_eq!(watch_line(line.as_bytes()).unwrap_err().to_string(), problem);
}

#[test]
fn pages_of_a_list() {
    let page = br#"{"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"9","continue":"abc","remainingItemCount":3},"items":[{"a":1},{"b":[]}]}"#;
    assert_eq!(
        list_page(page).unwrap(),
        ListPage {
            items: vec![br#"{"a":1}"#, br#"{"b":[]}"#],
            resource_version: "9".to_owned(),
            next: Some("abc".to_owned()),
        }
    );
    let last = br#"{"metadata":{"resourceVersion":"9","continue":""},"items":null}"#;
    let last = list_page(last).unwrap();
    assert_eq!((last.items.len(), last.next), (0, None));
    assert!(list_page(br#"{"items":7}"#).is_err());
    assert!(list_page(b"<html>").is_err());
    // Not a list without items.
    assert_eq!(
        list_page(br#"{"kind":"Status","code":500}"#).unwrap_err().to_string(),
        "metadata.resourceVersion is missing; wanted text"
    );
}

#[test]
fn refusals() {
    let refused = status(
        br#"{"kind":"Status","status":"Failure","message":"pods is forbidden","reason":"Forbidden","details":{"kind":"pods","retryAfterSeconds":3},"code":403}"#,
    );
    assert_eq!(
        refused,
        ApiStatus {
            code: Some(403),
            reason: Some("Forbidden".to_owned()),
            message: Some("pods is forbidden".to_owned()),
            retry_after_s: Some(3),
        }
    );
    // What a load balancer in between may say.
    assert_eq!(status(b"upstream connect error"), ApiStatus::default());
    assert_eq!(status(b"[]"), ApiStatus::default());
}
