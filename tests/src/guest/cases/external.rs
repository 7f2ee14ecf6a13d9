//! SIGKILL by somebody: the kernel log says nothing, no counter moves; only the signal trace knows who it was.
//!
//! Off the trace nobody can tell. Silence is honest then, and so is an incident of unknown cause; a kill by the OOM
//! killer or an exit by itself would be wrong.

use super::{Batch, Case, always, v2};
use crate::guest::expected::{Expected, Outcome, Wanted};
use crate::guest::inside::scene::{Level, Scene, Tenant};
use crate::guest::plan::{Off, Setting};

pub(super) const CASES: &[Case] = &[
    // A person's shell on the host, which goes on afterwards.
    Case {
        name: "kill-host",
        batch: Batch::Main,
        possible: always,
        act: |scene| {
            one_container(scene)?;
            let pid = scene.pid("app")?;
            scene.shell(
                "shell",
                "user.slice/session-1.scope",
                &format!("kill -9 {pid}; sleep 2"),
            )?;
            scene.wait_gone("app")
        },
        expected: |setting| {
            // Debian's 5.10 has no CONFIG_HIST_TRIGGERS: what the shell was called when it sent the signal nobody knows
            // once it has taken its last command's place.
            let sender = if setting.kernel < (5, 11) { "[{shell}]" } else { "sh[{shell}]" };
            Expected::these([
                external(setting, sender).says_with(traced(setting), "session-1.scope")
            ])
        },
    },
    // The same by a program that ends at once: its group may be unknown, its name and pid are not.
    Case {
        name: "kill-host-brief",
        batch: Batch::Main,
        possible: always,
        act: |scene| {
            one_container(scene)?;
            let pid = scene.pid("app")?;
            scene.shell(
                "kill",
                "user.slice/session-1.scope",
                &format!("exec /bin/kill -9 {pid}"),
            )?;
            scene.wait_gone("app")
        },
        expected: |setting| Expected::these([external(setting, "kill[{kill}]")]),
    },
    // A process of another container that sees the host's processes.
    Case {
        name: "kill-sibling",
        batch: Batch::Main,
        possible: always,
        act: |scene| {
            one_container(scene)?;
            let pid = scene.pid("app")?.to_string();
            scene.container("other", "other-pod")?;
            scene.start(Tenant::container("other", "chaos").host_pid(), &["kill", &pid])?;
            scene.go("other")?;
            scene.wait_gone("app")
        },
        expected: |setting| Expected::these([external(setting, "chaos[{other}]")]),
    },
    // From within: a child kills the container's first process, which it may where it shares the host's pid namespace.
    Case {
        name: "kill-within",
        batch: Batch::Main,
        possible: always,
        act: |scene| {
            scene.container("app", "pod")?;
            let app = Tenant::container("app", "app").host_pid();
            scene.start(app, &["killed-by-child", "assassin"])?;
            scene.go("app")?;
            scene.wait_gone("app")
        },
        expected: |setting| {
            let app = external(setting, "assassin[");
            // The assassin may still be there when the group is looked at.
            Expected::these([app])
        },
    },
    // From within, but not to the first process: a supervisor that kills its own worker. No death of the container, and
    // nothing that an operator needs to hear of.
    Case {
        name: "kill-worker",
        batch: Batch::Main,
        possible: always,
        act: |scene| {
            scene.container("app", "pod")?;
            scene.start(Tenant::container("app", "supervisor"), &["kills-child", "worker"])?;
            scene.go("app")?;
            scene.wait_said("app", "child ended")?;
            scene.still_there("app")
        },
        expected: |_| Expected::nothing(),
    },
    // Written by a shell on the host, as a runtime does.
    Case {
        name: "cgroup-kill",
        batch: Batch::Main,
        possible: |setting| v2(setting) && setting.kernel >= (5, 14),
        act: |scene| {
            one_container(scene)?;
            let file = scene.file(Level::Container("app"), "cgroup.kill");
            let script = format!("echo 1 > {file}; /bin/sleep 2; :");
            scene.shell("shell", "user.slice/session-1.scope", &script)?;
            scene.wait_gone("app")
        },
        expected: |setting| {
            Expected::these([
                external(setting, "sh[{shell}]").says_with(traced(setting), "session-1.scope")
            ])
        },
    },
];

fn one_container(scene: &mut Scene<'_>) -> Result<(), String> {
    scene.container("app", "pod")?;
    scene.start(Tenant::container("app", "victimapp").adj(969), &["alloc", "5"])?;
    scene.go("app")?;
    scene.wait_holding("app", 5)
}

fn traced(setting: &Setting) -> bool {
    setting.off != Off::SignalTrace
}

fn external(setting: &Setting, sender: &'static str) -> Wanted {
    let mut wanted = Wanted::container("app", "ExternalKill").says_with(traced(setting), sender);
    // The log has no word of it, so it cannot be missed; the trace alone identifies both by id.
    match setting.off {
        Off::Nothing => {}
        // One witness less that it was no OOM kill.
        Off::KernelLog => wanted = wanted.or(true, &[("ExternalKill", "Likely")]),
        Off::Cgroup => {
            // Who is gone before it is looked at belongs to no container that is known.
            wanted = wanted.or(true, &[("ExternalKill", "Likely")]).maybe(true);
            wanted.outcome = Outcome::IsOrUnknown("ContainerExited");
        }
        Off::SignalTrace => {
            wanted = Wanted::container("app", "Unknown").maybe(true);
            wanted.verdicts = vec![("Unknown", "Unknown"), ("Unknown", "Possible")];
            wanted.victims.clear();
        }
    }
    wanted
}
