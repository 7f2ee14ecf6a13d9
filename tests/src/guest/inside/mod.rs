//! Inside the guest: starts collector and agent, acts the cases out, asks for the answers, and sends everything out.

mod answers;
mod churn;
mod groups;
mod happenings;
mod programs;
pub mod scene;
mod tenants;

use std::fs::File;
use std::io::Write as _;
use std::time::Duration;

use self::groups::Tree;
use self::programs::{AGENT_DIR, AGENT_LOG, COLLECTOR_DIR, COLLECTOR_LOG, Programs};
use self::scene::Scene;
use super::cases::{self, panic};
use super::plan::{Hierarchy, Setting, Without};
use super::record::Line;

/// How long after a case the answers may still change: witnesses are held back for a moment, groups are read again.
const SETTLE: Duration = Duration::from_millis(1500);

/// How often a sign of life is given on the console.
const ALIVE: Duration = Duration::from_secs(5);

/// Does what the kernel's command line asks for, and writes the results to `port`.
///
/// # Errors
///
/// When the port cannot be written; everything else is reported through it.
pub fn run(port: &str) -> Result<(), String> {
    let file = File::options().write(true).open(port).map_err(|e| format!("{port}: {e}"))?;
    let mut out = Out(file);
    // So that a machine that stands still can be told from a program that does.
    std::thread::spawn(|| {
        loop {
            std::thread::sleep(ALIVE);
            say("alive");
        }
    });
    if let Err(error) = act_out(&mut out) {
        out.line(&Line::Trouble(error))?;
    }
    for (program, log) in [("collector", COLLECTOR_LOG), ("agent", AGENT_LOG)] {
        let text = std::fs::read(log).unwrap_or_default();
        let end = &text[text.len().saturating_sub(200_000)..];
        let text = String::from_utf8_lossy(end).into_owned();
        out.line(&Line::Log { program: program.to_owned(), text })?;
    }
    out.line(&Line::End)
}

struct Out(File);

impl Out {
    fn line(&mut self, line: &Line) -> Result<(), String> {
        let mut text = serde_json::to_string(line).map_err(|e| e.to_string())?;
        text.push('\n');
        self.0.write_all(text.as_bytes()).map_err(|e| format!("the serial port: {e}"))
    }
}

fn act_out(out: &mut Out) -> Result<(), String> {
    let words = CommandLine::read()?;
    let setting = words.setting()?;
    say("programs");
    let tree = Tree::create(setting.hierarchy)?;
    let programs = Programs::start(&tree, &setting)?;
    let names = words.get("guest.cases").unwrap_or("");
    for name in names.split(',').filter(|n| !n.is_empty()) {
        let case = cases::named(name).ok_or_else(|| format!("no case is called `{name}`"))?;
        if name == panic::PANIC {
            // What was answered once must stay; whatever is not outside by now is lost.
            scene::wait("no incident was answered before the panic", || {
                answers::incidents().is_ok_and(|all| !all.is_empty())
            })?;
            for file in [COLLECTOR_DIR, AGENT_DIR].into_iter().flat_map(files) {
                out.line(&file?)?;
            }
        }
        // On the console: where a guest that never ends stands.
        say(&format!("case {name}"));
        let mut scene = Scene::open(&tree, &programs, case.name);
        let done = (case.act)(&mut scene);
        answers::wait_until_told(true);
        std::thread::sleep(SETTLE);
        answers::wait_until_told(false);
        let record = scene.close(done.err());
        out.line(&Line::Case(record))?;
    }
    say("answers");
    for (json, why) in answers::incidents()? {
        out.line(&Line::Incident { json, why })?;
    }
    if words.get("guest.after") == Some("panic") {
        let lost = scene::container_id(panic::PANIC, "app");
        out.line(&answers::asked(&["why", &lost])?)?;
        out.line(&answers::asked(&["list"])?)?;
    }
    Ok(())
}

/// One line on the console, with the time since the boot.
#[allow(clippy::print_stdout, reason = "the console is for whoever looks for a fault of the guest")]
fn say(what: &str) {
    let up = std::fs::read_to_string("/proc/uptime").unwrap_or_default();
    println!("guest: {what}, up {} s", up.split(' ').next().unwrap_or_default());
}

/// All files of a directory, to be sent out.
fn files(dir: &str) -> Vec<Result<Line, String>> {
    let Ok(entries) = std::fs::read_dir(dir) else { return Vec::new() };
    let paths = entries.filter_map(Result::ok).map(|e| e.path()).filter(|p| p.is_file());
    paths
        .map(|path| {
            let content = std::fs::read(&path).map_err(|e| format!("{}: {e}", path.display()))?;
            Ok(Line::State { path: path.display().to_string(), content })
        })
        .collect()
}

/// The kernel's command line.
struct CommandLine(String);

impl CommandLine {
    fn read() -> Result<Self, String> {
        std::fs::read_to_string("/proc/cmdline")
            .map(Self)
            .map_err(|e| format!("/proc/cmdline: {e}"))
    }

    fn get(&self, key: &str) -> Option<&str> {
        self.0.split_whitespace().find_map(|w| w.strip_prefix(key)?.strip_prefix('='))
    }

    fn setting(&self) -> Result<Setting, String> {
        let missing = |key: &str| format!("the kernel's command line lacks {key}");
        let kernel = self
            .get("guest.kernel")
            .and_then(|k| k.split_once('.'))
            .and_then(|(a, b)| Some((a.parse().ok()?, b.parse().ok()?)))
            .ok_or_else(|| missing("guest.kernel"))?;
        let hierarchy = [Hierarchy::V2, Hierarchy::V1]
            .into_iter()
            .find(|h| Some(h.name()) == self.get("guest.cgroup"))
            .ok_or_else(|| missing("guest.cgroup"))?;
        let fault = Without::all()
            .find(|w| Some(w.name()) == self.get("guest.without"))
            .ok_or_else(|| missing("guest.without"))?;
        Ok(Setting::new(kernel, hierarchy, fault))
    }
}
