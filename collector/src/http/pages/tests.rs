//! Text and links that try to be more than that.

use coroner_core::kernel::MemoryParts;

use super::{bars, layout, links, shown};

const HOSTILE: &str = "\"><script>alert(1)</script>\u{1b}[2J\u{202e}&amp;";

#[test]
fn hostile_names_stay_text() {
    let page = layout::trouble(HOSTILE).into_string();
    assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;"), "{page}");
    assert!(page.contains("\\x1b[2J\\u{202e}&amp;amp;"), "{page}");
    assert!(!page.contains("<script>alert"), "{page}");
    assert_eq!(shown("web-1 é"), "web-1 é");
}

#[test]
fn hostile_names_stay_one_part_of_a_link() {
    assert_eq!(links::node("../a?b#c/\"<"), "/nodes/%2E%2E%2Fa%3Fb%23c%2F%22%3C");
    let link = links::with_query("/x", [("a", Some("1&b=2")), ("c", None), ("d", Some("é"))]);
    assert_eq!(link, "/x?a=1%26b%3D2&d=%C3%A9");
}

#[test]
fn a_bar_shows_every_part_and_no_more_than_is_known() {
    assert_eq!(bars::memory(MemoryParts::default(), Some(5), Some(9)).into_string(), "");
    let parts =
        MemoryParts { anonymous: Some(30 << 20), kernel: Some(1 << 20), ..MemoryParts::default() };
    let bar = bars::memory(parts, Some(32 << 20), Some(32 << 20)).into_string();
    assert!(bar.contains("Anonymous (processes): 30 MiB"), "{bar}");
    assert!(bar.contains("Kernel: 1 MiB") && bar.contains("Not listed: 1 MiB"), "{bar}");
    assert!(bar.contains("Limit: 32 MiB") && !bar.contains("File cache"), "{bar}");
    assert!(
        bar.contains(r#"<rect class="anonymous" x="0" y="10" width="937" height="40">"#),
        "{bar}"
    );
}
