//! Kernels 5.10, 6.1 and 7.2 with groups like a kubelet's, read before and after a kill.

use std::collections::BTreeMap;

use rstest::rstest;

use super::super::*;
use crate::finding::CountedLimit;

const KUBEPODS: &str = "/kubepods.slice";

/// File contents of one group, one line each.
type Files = BTreeMap<String, String>;
/// Groups in order of their paths, before and after.
type Groups = BTreeMap<String, [Option<Files>; 2]>;

fn load(recording: &str, wanted: &str) -> Groups {
    let path = format!("{}/../tests/fixtures/counters/{recording}.txt", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).unwrap();
    let (mut case, mut phase, mut group) = ("", 0, String::new());
    let mut groups = Groups::new();
    for line in text.lines() {
        let (key, rest) = line.split_once(' ').unwrap();
        match key {
            "case" => case = rest,
            "phase" => phase = usize::from(rest == "after"),
            "group" => rest.clone_into(&mut group),
            _ if case != wanted => {}
            file => {
                let files = &mut groups.entry(group.clone()).or_default()[phase];
                files.get_or_insert_default().insert(file.into(), rest.replace('|', "\n"));
            }
        }
    }
    assert!(!groups.is_empty(), "{recording} has no case {wanted}");
    groups
}

fn reading(version: u32, files: &Files) -> Reading {
    let text = |name: &str| files.get(name).map(String::as_str);
    let number = |name: &str| text(name).and_then(|text| text.trim().parse().ok());
    match version {
        1 => Reading::v1(
            text("memory.oom_control"),
            number("memory.failcnt"),
            number("memory.memsw.failcnt"),
        ),
        _ => Reading::v2(text("memory.events"), text("memory.events.local"), true),
    }
}

fn near(files: &Files) -> Option<bool> {
    let number = |name: &str| files.get(name)?.trim().parse::<u64>().ok();
    let limit = number("memory.limit_in_bytes")?;
    Some(limit < 1 << 60 && number("memory.max_usage_in_bytes")? + (2 << 20) >= limit)
}

/// Who counted what, and for whose limit; groups by the end of their names. With `gone`, the containers were removed
/// before the second reading.
fn decide(recording: &str, case: &str, gone: bool) -> Vec<(String, u64, CountedLimit)> {
    let version = if recording.ends_with("v1") { 1 } else { 2 };
    let groups = load(recording, case);
    let paths: Vec<&str> = groups.keys().map(String::as_str).collect();
    let is_gone = |path: &str| gone && path.ends_with(".scope");
    let place = |path: &str| paths.iter().position(|other| *other == path);
    let watched: Vec<Watched> = groups
        .iter()
        .map(|(path, [before, after])| Watched {
            parent: path.rsplit_once('/').and_then(|(parent, _)| place(parent)),
            before: before.as_ref().map(|files| reading(version, files)).unwrap_or_default(),
            after: after.as_ref().filter(|_| !is_gone(path)).map(|files| reading(version, files)),
        })
        .collect();
    let mut out = Vec::new();
    for kill in counted(&watched) {
        let mut lineage = Vec::new();
        let mut at = Some(kill.group);
        while let Some(group) = at {
            let Watched { parent, before, after } = watched[group];
            let near = groups[paths[group]][1].as_ref().and_then(near);
            lineage.push(Ancestor {
                path: paths[group],
                before,
                after,
                near,
                notified: None,
                whole: None,
            });
            at = parent;
        }
        let below: Vec<&str> = paths
            .iter()
            .copied()
            .filter(|p| is_gone(p) && p.starts_with(paths[kill.group]))
            .collect();
        let candidate = if let [only] = below.as_slice() { Some(*only) } else { None };
        let limit = whose_limit(version, &kill, &lineage, candidate);
        out.push((name(paths[kill.group]), kill.kills, shorten(limit)));
    }
    out
}

/// The last name of a path, from its pod's or container's id on.
fn name(path: &str) -> String {
    let last = path.rsplit('/').next().unwrap();
    if last.ends_with(".scope") {
        return format!("container {}", &last[last.len() - 70..last.len() - 66]);
    }
    last.rsplit("-pod").next().map_or(last, |pod| pod.split('_').next().unwrap()).to_owned()
}

fn shorten(limit: CountedLimit) -> CountedLimit {
    match limit {
        CountedLimit::Group(path) if path == KUBEPODS => CountedLimit::Group("kubepods".into()),
        CountedLimit::Group(path) => CountedLimit::Group(name(&path)),
        other => other,
    }
}

fn group(name: &str) -> CountedLimit {
    CountedLimit::Group(name.into())
}

const C1: &str = "container 0123";

#[rstest]
fn what_was_done_is_what_the_counters_say(
    #[values("5.10-v2", "6.1-v1", "6.1-v2")] recording: &str,
    #[values("a", "c", "d", "f", "g")] case: &str,
) {
    let expected = match case {
        // Groups of four killed as one; the v1 interface has no such flag.
        "f" if recording == "6.1-v1" => return,
        "f" => (C1.into(), 4, group(C1)),
        "a" | "g" => (C1.into(), 1, group(C1)),
        "c" => (C1.into(), 1, group("kubepods")),
        _ => (C1.into(), 1, CountedLimit::WholeNode),
    };
    assert_eq!(decide(recording, case, false), [expected]);
}

#[rstest]
#[case("a", vec![(C1.into(), 1, group(C1))])]
#[case("c", vec![("container 0011".into(), 1, group("kubepods")), (C1.into(), 1, group("kubepods"))])]
#[case("d", vec![(C1.into(), 1, CountedLimit::WholeNode)])]
#[case("f", vec![(C1.into(), 4, group(C1))])]
#[case("g", vec![(C1.into(), 1, group(C1))])]
fn the_newest_kernel(#[case] case: &str, #[case] expected: Vec<(String, u64, CountedLimit)>) {
    assert_eq!(decide("7.2-v2", case, false), expected);
}

#[rstest]
#[case("a", 1, CountedLimit::Unknown)]
#[case("c", 1, group("kubepods"))]
#[case("d", 1, CountedLimit::WholeNode)]
#[case("f", 4, CountedLimit::Unknown)]
fn when_the_container_is_gone_its_pod_still_counts(
    #[values("5.10-v2", "6.1-v2", "7.2-v2")] recording: &str,
    #[case] case: &str,
    #[case] kills: u64,
    #[case] limit: CountedLimit,
) {
    let found = decide(recording, case, true);
    let pod = found.iter().find(|(name, ..)| name == "11111111").unwrap();
    assert_eq!((pod.1, &pod.2), (kills, &limit));
}

#[rstest]
#[case("a")]
#[case("d")]
fn in_version_1_nothing_is_left_of_it(#[case] case: &str) {
    assert_eq!(decide("6.1-v1", case, true), []);
}
