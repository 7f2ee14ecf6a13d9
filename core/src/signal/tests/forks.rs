use super::super::{Forked, Layout, Layouts, Moved, Reader, TraceEvent};
use rstest::rstest;

const NEWTASK: &str = "print fmt: \"pid=%d comm=%s clone_flags=%lx oom_score_adj=%hd\", REC->pid, REC->comm, REC->clone_flags, REC->oom_score_adj\n";
const NEWTASK_6_18: &str = "print fmt: \"pid=%d comm=%s clone_flags=%llx oom_score_adj=%hd\", REC->pid, REC->comm, REC->clone_flags, REC->oom_score_adj\n";
const ATTACH: &str = "print fmt: \"dst_root=%d dst_id=%llu dst_level=%d dst_path=%s pid=%d comm=%s\", REC->dst_root, REC->dst_id, REC->dst_level, __get_str(dst_path), REC->pid, __get_str(comm)\n";

fn events(text: &str) -> Vec<TraceEvent> {
    let mut out = Vec::new();
    for newtask in [NEWTASK, NEWTASK_6_18] {
        let layouts = Layouts {
            forked: Layout::parse(newtask, &["pid", "clone_flags"]).ok(),
            moved: Layout::parse(ATTACH, &["dst_root", "pid"]).ok(),
            ..Layouts::default()
        };
        out.clear();
        let mut reader = Reader::new(layouts);
        reader.feed(text.as_bytes(), |event| out.push(event));
    }
    out
}

/// As 6.18 prints it. Names are chosen by whoever is watched.
#[rstest]
#[case("sh", "1200000", 0x120_0000)]
#[case("a pid=1 comm=b", "3d0f00", 0x3d_0f00)]
#[case("x\ny", "200000011", 0x2_0000_0011)]
#[case(" clone_flags=1", "11", 0x11)]
fn births(#[case] name: &str, #[case] printed: &str, #[case] flags: u64) {
    let line = format!(
        "           <...>-9437    [001] .....  9410.123456: task_newtask: pid=9438 comm={name} clone_flags={printed} oom_score_adj=-100\n"
    );
    let forked = Forked { at_us: 9_410_123_456, maker: 9437, child: 9438, flags };
    assert_eq!(events(&line), [TraceEvent::Forked(forked)]);
}

#[rstest]
#[case("/a/b", "sh", &[(77, "/a/b")])]
#[case("/", "a b", &[(77, "/")])]
#[case("/a pid=1 comm=x", "a-name-of-15-by", &[(77, "/a pid=1 comm=x")])]
// Both can be meant.
#[case("/a", "x pid=1 comm=y", &[(77, "/a"), (1, "/a pid=77 comm=x")])]
#[case("/a pid=1 comm=", "sh", &[(1, "/a"), (77, "/a pid=1 comm=")])]
fn moves(#[case] path: &str, #[case] name: &str, #[case] readings: &[(u32, &str)]) {
    let line = format!(
        "            runc-80      [000] .....     7.000001: cgroup_attach_task: dst_root=4 dst_id=312 dst_level=3 dst_path={path} pid=77 comm={name}\n"
    );
    let readings = readings.iter().map(|(id, path)| (*id, (*path).to_owned())).collect();
    let moved = Moved { at_us: 7_000_001, hierarchy: 4, readings };
    assert_eq!(events(&line), [TraceEvent::Moved(moved)]);
}

#[rstest]
#[case("task_newtask: pid=x comm=a clone_flags=0 oom_score_adj=0")]
#[case("task_newtask: pid=1 comm=a clone_flags=fffffffffffffffff oom_score_adj=0")]
#[case("cgroup_attach_task: dst_root=4 dst_id=3 dst_level=3 dst_path=/a pid= comm=b")]
#[case("cgroup_attach_task: dst_root=4 dst_id=3 dst_level=3 dst_path=/a pid=-1 comm=b")]
#[case("sched_switch: prev_comm=a")]
fn what_makes_no_sense_is_no_event(#[case] event: &str) {
    assert_eq!(
        events(&format!("            runc-80      [000] .....     7.000001: {event}\n")),
        []
    );
}
