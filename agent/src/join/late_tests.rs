//! Witnesses that come when others are published already, and who need not be waited for.

use rstest::rstest;

use super::tests::{Scene, group, pair};

/// A machine that has no time for the agent: the trace is read long after the counter was, or the log is.
#[rstest]
#[case::mark_late(false)]
#[case::log_late(true)]
fn a_count_that_was_published_alone_is_still_joined(#[case] log: bool) {
    let mut scene = Scene::new();
    scene.counted(&group(), 1);
    scene.wait(600);
    let count = scene.out[0].0.clone();
    if log {
        scene.printed(42, Some(&group()), "kmsg");
        scene.wait(600);
        assert_eq!(scene.incidents(), [pair(&count, &count), pair(&count, "kmsg")]);
    }
    scene.marked(42, 2);
    scene.wait(600);
    assert!(scene.out.iter().all(|(id, about)| *id == count || about.as_ref() == Some(&count)));
    assert_eq!(scene.out.len(), 2 + usize::from(log));
    // The next kill there is another.
    scene.marked(43, 3);
    scene.wait(600);
    assert_eq!(scene.out.last().unwrap().1, None);
}

#[test]
fn where_no_log_is_read_nobody_waits_for_it() {
    for without_log in [false, true] {
        let mut scene = Scene::new();
        scene.kills.without_log = without_log;
        scene.marked(42, 2);
        scene.counted(&group(), 1);
        scene.wait(0);
        assert_eq!(scene.out.len(), if without_log { 2 } else { 0 });
    }
}
