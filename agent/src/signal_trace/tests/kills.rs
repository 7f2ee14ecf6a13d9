use std::time::{Duration, Instant};

use coroner_core::finding::SignalResult;
use coroner_core::signal::{Origin, Way, origin, way};

use super::{Container, Trace, shell, sleeper, tracefs, unique};

#[tokio::test]
async fn kill_9_from_outside_names_the_sender_and_its_parents() {
    let Some((tracefs, _turn)) = tracefs("kill_9_from_outside").await else { return };
    let name = unique("kill9");
    let mut trace = Trace::start(&tracefs, &name).await;
    let container = Container::create(&name);
    let mut victim = sleeper();
    container.add(victim.id());
    // As the cgroup source does when a container starts: on v1 a task that exits no longer shows its group.
    trace.homes.note(victim.id(), &container.path, Instant::now());
    let mut killer = shell(&format!("kill -9 {}; sleep 1", victim.id()));
    let kill = trace.kill_of(victim.id()).await;
    assert_eq!(
        (origin(&kill), way(&kill), kill.result),
        (Origin::Host, Way::Kill, SignalResult::Delivered)
    );
    assert_eq!(kill.receiver.cgroup.as_deref(), Some(container.path.as_str()));
    assert_eq!((kill.receiver.pid, kill.sender.comm.as_str()), (victim.id(), "sh"));
    assert_eq!((kill.sender.pid, kill.sender.exiting), (killer.id(), Some(false)));
    assert_eq!(kill.ancestors[0].pid, std::process::id());
    assert!(kill.ancestors.len() <= 8 && kill.sender.cgroup.is_some());
    for child in [&mut victim, &mut killer] {
        child.wait().unwrap();
    }
    trace.end().await;
}

/// A shell sends the signal and then takes the place of another program, before anybody has read who sent it.
#[tokio::test]
async fn a_sender_is_called_what_it_was_called_then() {
    let Some((tracefs, _turn)) = tracefs("a_sender_is_called").await else { return };
    let name = unique("called");
    let mut trace = Trace::start(&tracefs, &name).await;
    let keeps = trace.instance.join("events/signal/signal_generate/hist").exists();
    let container = Container::create(&name);
    for _ in 0..5 {
        let mut victim = sleeper();
        container.add(victim.id());
        trace.homes.note(victim.id(), &container.path, Instant::now());
        // Nobody reads meanwhile: the runtime of the test has one thread, and this blocks it.
        let script = format!("kill -9 {}; exec sleep 0.2", victim.id());
        let mut killer = shell(&script);
        std::thread::sleep(Duration::from_millis(100));
        let kill = trace.kill_of(victim.id()).await;
        assert_eq!(kill.sender.pid, killer.id());
        if keeps {
            assert_eq!(kill.sender.comm, "sh");
        }
        victim.wait().unwrap();
        killer.wait().unwrap();
    }
    trace.end().await;
}

#[tokio::test]
async fn a_kill_command_that_ends_at_once_is_no_dying_parent() {
    let Some((tracefs, _turn)) = tracefs("a_kill_command_that_ends_at_once").await else { return };
    let mut trace = Trace::start(&tracefs, &unique("fast")).await;
    for _ in 0..10 {
        let mut victim = sleeper();
        let pid = victim.id();
        // Killed by a program that is a sibling of its victim, as a parent's other child would.
        std::process::Command::new("kill").args(["-9", &pid.to_string()]).status().unwrap();
        let kill = trace.kill_of(pid).await;
        assert_ne!(origin(&kill), Origin::ParentDeath, "{kill:#?}");
        assert_eq!(kill.code, 0);
        victim.wait().unwrap();
    }
    trace.end().await;
}

#[tokio::test]
async fn from_a_sibling_and_from_within() {
    let Some((tracefs, _turn)) = tracefs("from_a_sibling_and_from_within").await else { return };
    let (name, other) = (unique("inside"), unique("sibling"));
    let mut trace = Trace::start(&tracefs, &name).await;
    let (container, sibling) = (Container::create(&name), Container::create(&other));

    // What takes the shell's place buries nobody, so there is something to read however late.
    let mut script = container.run("sleep 600 & sleep 0.2; kill -9 $!; exec sleep 600");
    let parent = script.id();
    let kill = trace.kill_that(|kill| kill.sender.pid == parent).await;
    assert_eq!(origin(&kill), Origin::SameContainer, "{kill:#?}");
    assert_eq!(kill.receiver_is_main, Some(false), "{kill:#?}");
    script.kill().unwrap();
    script.wait().unwrap();

    let mut victim = sleeper();
    container.add(victim.id());
    trace.homes.note(victim.id(), &container.path, Instant::now());
    let mut script = sibling.run(&format!("sleep 0.2; kill -9 {}; sleep 1", victim.id()));
    let kill = trace.kill_of(victim.id()).await;
    assert_eq!(origin(&kill), Origin::OtherContainer, "{kill:#?}");
    victim.wait().unwrap();
    script.wait().unwrap();
    trace.end().await;
}

#[tokio::test]
async fn to_one_thread() {
    let Some((tracefs, _turn)) = tracefs("to_one_thread").await else { return };
    let mut trace = Trace::start(&tracefs, &unique("thread")).await;
    let mut victim = sleeper();
    let pid = victim.id();
    // tgkill(2) on x86-64 and on arm64.
    let number = if cfg!(target_arch = "x86_64") { 234 } else { 131 };
    let perl = format!("syscall({number}, {pid}, {pid}, 9); sleep 1");
    let mut killer = std::process::Command::new("perl").args(["-e", &perl]).spawn().expect("perl");
    let kill = trace.kill_of(pid).await;
    assert_eq!((way(&kill), kill.whole_process), (Way::Thread, Some(false)));
    victim.wait().unwrap();
    killer.wait().unwrap();
    trace.end().await;
}

#[tokio::test]
async fn the_death_of_a_parent() {
    let Some((tracefs, _turn)) = tracefs("the_death_of_a_parent").await else { return };
    let name = unique("pdeath");
    let mut trace = Trace::start(&tracefs, &name).await;
    let container = Container::create(&name);
    let mut parent = container.run("setpriv --pdeathsig KILL sleep 600 & sleep 0.3");
    let pid = parent.id();
    let kill = trace.kill_that(|kill| kill.sender.traced_id() == pid).await;
    // A kernel that does not count how deep preemption is disabled leaves it open.
    let open = kill.sender.exiting.is_none();
    assert!(origin(&kill) == Origin::ParentDeath || open, "{kill:#?}");
    assert_eq!((kill.code, kill.receiver.comm.as_str()), (0, "sleep"));
    parent.wait().unwrap();
    trace.end().await;
}

#[tokio::test]
async fn the_end_of_a_pid_namespace() {
    let Some((tracefs, _turn)) = tracefs("the_end_of_a_pid_namespace").await else { return };
    let mut trace = Trace::start(&tracefs, &unique("pidns")).await;
    let mut origins = Vec::new();
    // On a busy machine the namespace's first process may be gone before it can be read; not every time.
    while !origins.contains(&Origin::PidNamespaceEnd) && origins.len() < 20 {
        let mut script = shell("unshare --pid --fork sh -c 'sleep 600 & sleep 0.2'");
        let kill = trace.kill_that(|kill| kill.code == 128 && kill.receiver.comm == "sleep").await;
        origins.push(origin(&kill));
        script.wait().unwrap();
    }
    assert_eq!(origins.last(), Some(&Origin::PidNamespaceEnd), "{origins:?}");
    trace.end().await;
}

#[tokio::test]
async fn the_cpu_time_limit() {
    let Some((tracefs, _turn)) = tracefs("the_cpu_time_limit").await else { return };
    let mut trace = Trace::start(&tracefs, &unique("rlimit")).await;
    let mut spinner = shell("ulimit -t 1; while :; do :; done");
    let kill = trace.kill_of(spinner.id()).await;
    assert_eq!(origin(&kill), Origin::CpuTimeLimit, "{kill:#?}");
    spinner.wait().unwrap();
    trace.end().await;
}

#[tokio::test]
async fn the_oom_killer_with_its_mark() {
    let Some((tracefs, _turn)) = tracefs("the_oom_killer_with_its_mark").await else { return };
    let name = unique("oom");
    let mut trace = Trace::start(&tracefs, &name).await;
    let container = Container::create(&name);
    let limit = ["memory.limit_in_bytes", "memory.max"].map(|file| container.file(file));
    let Some(limit) = limit.iter().find(|file| file.exists()) else {
        assert!(std::env::var_os("CI").is_none(), "no memory controller");
        eprintln!("SKIPPED the_oom_killer_with_its_mark: no memory controller");
        return;
    };
    std::fs::write(limit, "16777216").unwrap();
    let mut hog = container.run("exec tail /dev/zero");
    let kill = trace.kill_of(hog.id()).await;
    assert_eq!(origin(&kill), Origin::KernelOom, "{kill:#?}");
    let mark = kill.oom_mark.unwrap();
    assert!(mark.at_us >= kill.at_us);
    assert!(mark.anon_rss_kb.is_none_or(|kb| kb > 1024 && kb <= 16384), "{mark:?}");
    hog.wait().unwrap();
    trace.end().await;
}

#[tokio::test]
async fn a_storm_among_the_hosts_processes_is_read_to_the_last() {
    let Some((tracefs, _turn)) = tracefs("a_storm_among_the_hosts_processes").await else { return };
    let mut trace = Trace::start(&tracefs, &unique("storm")).await;
    let mut script = shell(
        "p=; for n in 1 2 3 4 5 6 7 8 9 10; do for m in 1 2 3 4 5 6 7 8 9 10; do sleep 600 & p=\"$p $!\"; done; \
         done; sleep 0.2; kill -9 $p; wait",
    );
    let pid = script.id();
    for _ in 0..100 {
        trace.kill_that(|kill| kill.sender.traced_id() == pid).await;
    }
    script.wait().unwrap();
    assert_eq!(trace.metrics.trace_events_lost.get(), 0);
    assert_eq!(trace.metrics.trace_not_understood.get(), 0);
    let nothing = tokio::time::timeout(
        Duration::from_millis(50),
        trace.kill_that(|kill| kill.sender.traced_id() == pid),
    );
    assert!(nothing.await.is_err(), "each is given once");
    trace.end().await;
}
