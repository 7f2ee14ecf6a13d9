//! A flooded kernel log, with kills inside and the agent stopped for a second.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use coroner_tests::answers;
use coroner_tests::flood::{Flood, next_sequence};
use coroner_tests::groups::{Kubepods, Level, MIB};
use coroner_tests::hogs::Hog;
use coroner_tests::kmsg::BareReader;
use coroner_tests::programs::Stack;
use coroner_tests::usage::Usage;

/// Kills inside the flood, so far apart.
const BETWEEN_KILLS: Duration = Duration::from_millis(200);

/// What became of one flood.
pub(crate) fn flood(rate: u64, seconds: u64) {
    for stopped in [false, true] {
        once(rate, Duration::from_secs(seconds), stopped);
    }
}

fn once(rate: u64, time: Duration, stopped: bool) {
    let stack = Stack::start();
    let reader = BareReader::start();
    std::thread::sleep(Duration::from_secs(3));
    let pid = stack.agent_pid().expect("it runs");
    let groups = Kubepods::create("flood");
    groups.limit(Level::Container(0), 16 * MIB);

    let read = || stack.agent_metric("coroner_agent_kernel_records_read_total");
    let lost = || stack.agent_metric("coroner_agent_kernel_records_lost_total");
    let first = next_sequence();
    std::thread::sleep(Duration::from_millis(1500));
    let (read_before, lost_before) = (read(), lost());
    let (before, reader_before, start) = (Usage::of(pid), reader.cpu_ns(), Instant::now());
    let (done, written) = (AtomicBool::new(false), AtomicU64::new(0));
    let mut killed = Vec::new();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let _ = Flood::prepare().run(rate, time, &written);
            done.store(true, Relaxed);
        });
        if stopped {
            scope.spawn(|| {
                std::thread::sleep(time / 3);
                signal(pid, rustix::process::Signal::STOP);
                std::thread::sleep(Duration::from_secs(1));
                signal(pid, rustix::process::Signal::CONT);
            });
        }
        while !done.load(Relaxed) {
            let mut hog = Hog::start(&groups, Level::Container(0), &["alloc", "32"]);
            killed.push(u64::from(hog.pid()));
            hog.wait_killed();
            std::thread::sleep(BETWEEN_KILLS);
        }
    });
    let wall = start.elapsed();
    let (after, reader_after) = (Usage::of(pid), reader.cpu_ns());
    std::thread::sleep(Duration::from_secs(3));
    let last = next_sequence();
    std::thread::sleep(Duration::from_millis(1500));
    let (read, lost) = (read() - read_before, lost() - lost_before);
    let incidents = answers::of_pod(&stack, &groups.pod_uid);
    let found = |pid: &&u64| {
        incidents.iter().any(|i| {
            i["kernel"]["victims"].as_array().into_iter().flatten().any(|v| v["pid"] == **pid)
        })
    };
    let records = last - first;
    let core = |ns: u64| ns as f64 / wall.as_nanos() as f64 * 100.0;
    println!(
        "{rate} records/s for {} s{}:",
        time.as_secs(),
        if stopped { ", the agent stopped for one of them" } else { "" }
    );
    println!("written by the flood   {:9}", written.load(Relaxed));
    println!("numbered by the kernel {records:9}");
    println!("read by the agent      {read:9}");
    println!("lost, as it counted    {lost:9}");
    println!("neither                {:9}", i128::from(records) - i128::from(read + lost));
    println!("kills                  {:9}", killed.len());
    println!("found in their pod     {:9}", killed.iter().filter(found).count());
    println!("agent CPU              {:9.2} % of a core", core(after.cpu_ns - before.cpu_ns));
    println!("bare reader CPU        {:9.2} % of a core", core(reader_after - reader_before));
    println!("agent RSS              {:9.2} MiB\n", after.rss_kib as f64 / 1024.0);
}

fn signal(pid: u32, signal: rustix::process::Signal) {
    let pid = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw);
    rustix::process::kill_process(pid.expect("a process id"), signal).expect("it is our child");
}
