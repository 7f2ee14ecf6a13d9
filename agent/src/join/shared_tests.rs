//! Several groups counted a kill, and nobody saw whose the processes were.

use coroner_core::finding::FindingBody;

use super::tests::{Scene, group, id, pair};

const OTHER: &str = "/system.slice/a.service";

/// The incidents with the processes that their counts may be of.
fn shared(scene: &Scene) -> Vec<(String, Vec<u32>)> {
    let all = scene.published.iter().filter_map(|publication| match &publication.body {
        FindingBody::CountedKill(kill) if !kill.one_of.is_empty() => {
            Some((publication.about.as_ref()?.0.clone(), kill.one_of.clone()))
        }
        _ => None,
    });
    all.collect()
}

fn give_up(scene: &mut Scene, pids: &[u32]) {
    for pid in pids {
        scene.kills.unattributed(&id(&format!("kmsg:b:{pid}")), *pid);
    }
}

#[test]
fn each_group_has_its_kill_and_no_kill_is_told_twice() {
    let mut scene = Scene::new();
    for pid in [41, 42, 43] {
        scene.printed(pid, None, &format!("kmsg:b:{pid}"));
    }
    scene.counted(&group(), 1);
    scene.counted(&group(), 2);
    scene.counted(OTHER, 1);
    scene.wait(1000);
    assert_eq!(shared(&scene), [], "who works groups out has not spoken");
    give_up(&mut scene, &[41, 42]);
    scene.wait(1000);
    assert_eq!(shared(&scene), [], "nor of the third");
    give_up(&mut scene, &[43]);
    scene.wait(1000);
    let all = vec![41, 42, 43];
    let told = |pid| (format!("kmsg:b:{pid}"), all.clone());
    assert_eq!(shared(&scene), [told(41), told(42), told(43)]);
    assert_eq!(scene.incidents().len(), 6, "three lines, each with a count");
    assert_eq!(scene.kills.take_ambiguous(), 0);
    scene.wait(20_000);
    assert_eq!((scene.incidents().len(), scene.kills.take_ambiguous()), (6, 0));
}

/// Which of the counts is of a kill of its own is not known, so none is believed.
#[test]
fn more_counts_than_processes_tell_nothing() {
    let mut scene = Scene::new();
    scene.printed(41, None, "kmsg:b:41");
    scene.counted(&group(), 1);
    scene.counted(OTHER, 1);
    give_up(&mut scene, &[41]);
    scene.wait(11_000);
    assert_eq!((shared(&scene), scene.kills.take_ambiguous()), (vec![], 2));
    assert_eq!(scene.incidents(), [pair("kmsg:b:41", "kmsg:b:41")]);
}

#[test]
fn a_count_that_comes_later_may_be_of_the_one_that_was_shared_first() {
    let mut scene = Scene::new();
    scene.printed(41, None, "kmsg:b:41");
    scene.printed(42, None, "kmsg:b:42");
    give_up(&mut scene, &[41, 42]);
    scene.counted(&group(), 1);
    scene.wait(1000);
    scene.counted(OTHER, 1);
    scene.wait(1000);
    let both = vec![41, 42];
    assert_eq!(shared(&scene), [("kmsg:b:41".into(), both.clone()), ("kmsg:b:42".into(), both)]);
}

/// Lines and counts in any order: no line and no count is told twice, and each count may be of each process.
#[test]
fn every_kill_once() {
    let mut random = 7_u32;
    let mut below = |limit: usize| {
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        usize::try_from(random >> 16).unwrap() % limit
    };
    for _ in 0..300 {
        let mut scene = Scene::new();
        let groups = [group(), OTHER.to_owned(), "/b".to_owned()];
        let mut counts = [0_u64; 3];
        let kills: Vec<usize> = (0..=below(7)).map(|_| below(3)).collect();
        // The groups of the first ones went before they were read.
        let unread = below(3);
        let mut steps: Vec<(usize, bool)> =
            (0..kills.len()).flat_map(|n| [(n, true), (n, false)]).collect();
        for at in 0..steps.len() {
            let to = below(steps.len());
            steps.swap(at, to);
        }
        let pid = |n: usize| 40 + u32::try_from(n).unwrap();
        for (n, line) in steps {
            if line {
                scene.printed(pid(n), None, &format!("kmsg:b:{}", pid(n)));
            } else if n >= unread {
                let group = kills[n];
                counts[group] += 1;
                scene.counted(&groups[group], counts[group]);
            }
        }
        let pids: Vec<u32> = (0..kills.len()).map(pid).collect();
        scene.wait(1000);
        give_up(&mut scene, &pids);
        for _ in 0..3 {
            scene.wait(1000);
        }
        let shared = shared(&scene);
        let counted = kills.len().saturating_sub(unread);
        let mut about: Vec<&String> = shared.iter().map(|(about, _)| about).collect();
        about.sort();
        about.dedup();
        assert_eq!((shared.len(), about.len()), (counted, counted), "{kills:?}");
        let named = |(_, one_of): &(String, Vec<u32>)| {
            let mut one_of = one_of.clone();
            one_of.sort_unstable();
            one_of == pids
        };
        assert!(shared.iter().all(named), "{shared:?}");
        assert_eq!(scene.incidents().len(), kills.len() + counted);
        assert_eq!(scene.kills.take_ambiguous(), 0);
    }
}
