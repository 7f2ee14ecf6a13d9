//! The real thing: the kernel kills the hog, and the path brings the answer.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use coroner_agent::{KernelLogSource, StartPosition};
use coroner_core::incident::Incident;
use tokio::process::Command;
use tokio::time::{Instant, timeout_at};

use super::group::{Group, LIMIT};
use super::hog::HOG;
use super::{LOOK, PATIENCE, Progress, settings};
use crate::Error;
use crate::client::{Filter, Watch, Watched};
use crate::local::Local;

/// The kernel log.
const KMSG: &str = "/dev/kmsg";

/// How long an answer may wait for what became of the container, so that it is there half a second after the kill.
const SETTLE: Duration = Duration::from_millis(400);

/// The answer and what to know about it.
pub(super) struct Answer {
    pub incident: Incident,
    pub remark: String,
}

/// Makes the group, or says in words what is missing.
pub(super) fn prepare() -> Result<Group, String> {
    if !rustix::process::geteuid().is_root() {
        return Err("it takes root to limit a group's memory".to_owned());
    }
    std::fs::File::open(KMSG).map_err(|error| format!("{KMSG} cannot be read ({error})"))?;
    Group::make()
}

/// A release build ends at a panic without dropping anything: then this removes what was made.
fn clean_at_panic(group: &Group, directory: &Path) {
    let (remove, directory) = (group.remover(), directory.to_owned());
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        remove();
        let _ = std::fs::remove_dir_all(&directory);
        before(info);
    }));
}

/// Has the hog killed and waits for the answer.
pub(super) async fn run(
    group: Group,
    dir: &Path,
    progress: &mut Progress,
) -> Result<Answer, Error> {
    clean_at_panic(&group, dir);
    progress.step("starting agent and collector");
    let log = KernelLogSource::Device(KMSG.into());
    let mut local = Local::start(settings(dir.to_owned(), log, StartPosition::Now)).await?;
    let answer = kill_and_ask(&group, &mut local, progress).await;
    progress.step("cleaning up");
    local.shutdown().await;
    drop(group);
    answer
}

async fn kill_and_ask(
    group: &Group,
    local: &mut Local,
    progress: &mut Progress,
) -> Result<Answer, Error> {
    let deadline = Instant::now() + PATIENCE;
    while !(local.agent.is_reading() && local.agent.is_connected()) {
        if Instant::now() >= deadline {
            return Err(Error::Demo("the agent does not get to read the kernel log".to_owned()));
        }
        tokio::time::sleep(LOOK).await;
    }
    // In place before the kill, so that it cannot be missed.
    let mut watch = local.client.watch(&Filter::default()).await?;
    progress.step(&format!("a process takes more than its {} MiB", LIMIT >> 20));
    let killed = hog(&group.path).await?;
    progress.step("killed; asking why");
    let incident = answer(&mut watch, group, killed).await?;
    let remark = "This was real: the kernel killed a process of this demo in a control group that the demo made for it, \
                  shaped like a container of a pod. Nothing else was touched, and everything is removed again."
        .to_owned();
    Ok(Answer { incident, remark })
}

/// Runs the hog until the kernel kills it, and says when that was seen.
async fn hog(group: &Path) -> Result<Instant, Error> {
    let cannot = |source: std::io::Error| {
        Error::Demo(format!("cannot run the process to be killed: {source}"))
    };
    let own = std::env::current_exe().map_err(cannot)?;
    let child = Command::new(own)
        .arg(HOG)
        .arg(group)
        .arg(std::process::id().to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(cannot)?;
    let ended = child.wait_with_output().await.map_err(cannot)?;
    let seen = Instant::now();
    // Any other signal, or an end by itself, is not what the demo is about.
    if std::os::unix::process::ExitStatusExt::signal(&ended.status) == Some(9) {
        return Ok(seen);
    }
    let said = String::from_utf8_lossy(&ended.stderr);
    Err(Error::Demo(format!("the kernel did not kill it ({}): {}", ended.status, said.trim())))
}

/// The incident of the demo's container, as soon as it is known what became of it, or a moment later as it is.
async fn answer(watch: &mut Watch, group: &Group, killed: Instant) -> Result<Incident, Error> {
    let mut found: Option<Incident> = None;
    loop {
        let until = if found.is_some() { killed + SETTLE } else { killed + PATIENCE };
        match timeout_at(until, watch.next()).await {
            Err(_) => break,
            Ok(next) => match next? {
                Watched::Incident(incident) => {
                    let id =
                        incident.container.as_ref().and_then(|container| container.id.as_ref());
                    if id == Some(&group.container_id) {
                        let settled = incident.outcome.is_some();
                        found = Some(*incident);
                        if settled {
                            break;
                        }
                    }
                }
                Watched::Behind | Watched::Withdrawn(..) => {}
                Watched::End => break,
            },
        }
    }
    found.ok_or_else(|| {
        Error::Demo(
            "the kernel killed the process, but its log brought no report of it here; is this machine's kernel log \
             another's?"
                .to_owned(),
        )
    })
}
