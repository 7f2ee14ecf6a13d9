//! Text and links that try to be more than that.

use coroner_core::finding::{Fragmentation, Headroom, Occasion};
use coroner_core::kernel::{FreeArea, MemoryParts};
use coroner_core::spans::Span;
use jiff::Timestamp;
use serde_json::json;

use super::{bars, history, layout, links, shown};

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

/// A day, and a minute of it.
fn day() -> Span {
    Span { from: minute(0), to: minute(1440) }
}

fn minute(minute: i64) -> Timestamp {
    Timestamp::from_second(1_763_726_400 + minute * 60).unwrap()
}

fn headroom(outside: Option<u64>, reserved: Option<u64>) -> Headroom {
    serde_json::from_value(json!({
        "occasion": "sample", "capacity": null, "available": null, "pods": null,
        "reservation": {"kube": null, "system": null, "enforced": reserved}, "outside": outside,
        "kernel": {"slab_unreclaimable": null, "page_tables": null, "stacks": null, "percpu": null, "huge_pages": null},
        "shmem": null, "groups": [], "processes": [], "most": null, "concerns": [],
    }))
    .unwrap()
}

#[test]
fn a_sample_of_the_headroom_speaks_until_the_next_but_not_for_long() {
    let samples = [
        (minute(0), headroom(Some(100), Some(150))),
        (minute(36), headroom(Some(200), Some(150))),
        (minute(720), headroom(None, Some(150))),
    ];
    let drawn = history::headroom(&day(), &samples).into_string();
    // 36 of 1440 minutes, then 70.
    assert!(
        drawn.contains(r#"<rect class="outside" x="0" y="110" width="25" height="90">"#),
        "{drawn}"
    );
    assert!(drawn.contains(r#"<rect class="outside over" x="25" y="19" width="48""#), "{drawn}");
    assert_eq!(drawn.matches("class=\"limit\"").count(), 3, "{drawn}");
    assert!(
        drawn.contains("at most 200 B") && drawn.contains("Above it in 1 of 3 samples"),
        "{drawn}"
    );
    assert!(drawn.contains("<td>-</td>"), "what is not known is no zero: {drawn}");
}

#[test]
fn over_a_month_one_sample_speaks_for_its_part_of_it() {
    let month = Span { from: minute(0), to: minute(30 * 1440) };
    let samples = [0, 450, 900, 5000].map(|at| (minute(at), headroom(Some(100), None)));
    let drawn = history::headroom(&month, &samples).into_string();
    for whole in
        [r#"x="0" y="19" width="10""#, r#"x="10" y="19" width="10""#, r#"x="20" y="19" width="12""#]
    {
        assert!(drawn.contains(whole), "{whole} not in {drawn}");
    }
    assert!(drawn.contains("What is reserved is not known."), "{drawn}");
}

#[test]
fn without_a_sample_nothing_is_drawn() {
    assert_eq!(history::headroom(&day(), &[]).into_string(), "");
    assert_eq!(history::headroom(&day(), &[(minute(1), headroom(None, None))]).into_string(), "");
    assert_eq!(history::fragmentation(&day(), &[]).into_string(), "");
}

#[test]
fn the_heat_map_has_a_row_for_each_order_and_joins_what_is_alike() {
    let sample = |blocks: [u64; 3]| Fragmentation {
        occasion: Occasion::Sample,
        areas: vec![FreeArea {
            node: 1,
            zone: "<Normal>".to_owned(),
            blocks: [4096, 8192, 16384].into_iter().zip(blocks).collect(),
        }],
        shortage: None,
        counters: Default::default(),
        earlier: None,
        huge_pages: Default::default(),
    };
    let samples = [
        (minute(0), sample([0, 0, 1])),
        (minute(60), sample([4, 0, 0])),
        (minute(120), sample([8, 0, 0])),
    ];
    let drawn = history::fragmentation(&day(), &samples).into_string();
    for rect in [
        r#"<rect class="heat0" x="0" y="10" width="41" height="10">"#,
        r#"<rect class="heat10" x="41" y="10" width="90" height="10">"#,
        r#"<rect class="heat10" x="41" y="0" width="90" height="10">"#,
    ] {
        assert!(drawn.contains(rect), "{rect} not in {drawn}");
    }
    assert_eq!(drawn.matches("<rect").count(), 4, "{drawn}");
    assert!(drawn.contains("Zone &lt;Normal&gt; of memory node 1"), "{drawn}");
    assert!(drawn.contains("<td>100.0 %</td>"), "{drawn}");
    // A zone without anything free is not fragmented.
    let empty = [(minute(0), sample([0, 0, 0]))];
    let drawn = history::fragmentation(&day(), &empty).into_string();
    assert!(!drawn.contains("<rect") && drawn.contains("<td>-</td>"), "{drawn}");
}

#[test]
fn a_workload_has_a_page_whatever_its_name() {
    let link = links::workload("Deployment/web", Some("a&b")).unwrap();
    assert_eq!(link, "/workloads/Deployment/web?namespace=a%26b");
    assert_eq!(links::workload("x/../y", None).unwrap(), "/workloads/x/%2E%2E%2Fy");
    assert_eq!(links::workload("nothing", None), None);
}
