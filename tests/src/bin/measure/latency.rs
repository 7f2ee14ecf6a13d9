//! From the kernel's stamp on a kill line to the agent's finding and the collector's answer.

use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use coroner_proto::v1::query_service_client::QueryServiceClient;
use coroner_proto::v1::{GetIncidentRequest, WatchIncidentsRequest};
use coroner_tests::groups::{Kubepods, Level, MIB};
use coroner_tests::hogs::Hog;
use coroner_tests::kmsg::{BareReader, monotonic_us};
use coroner_tests::programs::{self, Stack};

/// The kernel prints ten headers in five seconds; slower than that, each kill has its own.
const BETWEEN_KILLS: Duration = Duration::from_millis(520);

type Times = Arc<Mutex<HashMap<u32, i64>>>;

/// From the kernel's stamp on the kill line to a bare reader, to the agent's finding, to the collector's answer.
pub(crate) fn latency(kills: u64) {
    let mut stack = Stack::without_programs();
    stack.start_collector();
    let found = start_watched_agent(&stack);
    let answered = watch_answers(stack.url());
    let reader = BareReader::start();
    // The agent first reads what the kernel still holds of the past.
    std::thread::sleep(Duration::from_secs(3));
    let groups = Kubepods::create("measure");
    groups.limit(Level::Container(0), 32 * MIB);
    let mut series: [Vec<i64>; 3] = Default::default();
    for _ in 0..kills {
        let offset = reader.clock_offset_us();
        let mut hog = Hog::start(&groups, Level::Container(0), &["alloc", "64"]);
        let pid = hog.pid();
        hog.wait_killed();
        std::thread::sleep(BETWEEN_KILLS);
        let Some(seen) = reader.kill(pid) else { panic!("the bare reader missed pid {pid}") };
        let kill_us = seen.stamp_us - offset;
        let get =
            |times: &Times| times.lock().unwrap_or_else(PoisonError::into_inner).get(&pid).copied();
        series[0].push(seen.read_us - kill_us);
        series[1].push(get(&found).expect("the agent found it") - kill_us);
        series[2].push(get(&answered).expect("the collector answered") - kill_us);
    }
    println!("{kills} kills, milliseconds from the kernel's stamp on the kill line:");
    println!("{:32} {:>8} {:>8} {:>8}", "", "p50", "p99", "max");
    for (name, series) in
        ["bare reader has the line", "agent has the finding", "answer can be queried, durable"]
            .iter()
            .zip(&mut series)
    {
        series.sort_unstable();
        let at = |percent: usize| {
            let index = (series.len() * percent).div_ceil(100).saturating_sub(1);
            series.get(index).map_or(f64::NAN, |us| *us as f64 / 1000.0)
        };
        println!("{name:32} {:8.2} {:8.2} {:8.2}", at(50), at(99), at(100));
    }
}

/// Starts the agent with a log that tells each finding, and notes when.
fn start_watched_agent(stack: &Stack) -> Times {
    let mut agent = Command::new(programs::path("coroner-agent"))
        .args(stack.agent_args())
        .args(["--log-format", "json"])
        .env("RUST_LOG", "coroner_agent=debug")
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the agent starts");
    let log = agent.stderr.take().expect("piped");
    let times = Times::default();
    let own = Arc::clone(&times);
    std::thread::spawn(move || {
        // Moved here, so that the agent is waited for when its log ends.
        let mut agent = agent;
        for line in BufReader::new(log).lines().map_while(Result::ok) {
            let Ok(event) = serde_json::from_str::<serde_json::Value>(&line) else { continue };
            let pid = event["fields"]["victim"].as_u64().and_then(|pid| u32::try_from(pid).ok());
            let time = event["timestamp"].as_str().and_then(|t| t.parse::<jiff::Timestamp>().ok());
            if let (Some(pid), Some(time)) = (pid, time) {
                let us = time.as_microsecond() - realtime_ahead_us();
                own.lock().unwrap_or_else(PoisonError::into_inner).entry(pid).or_insert(us);
            }
        }
        let _ = agent.wait();
    });
    times
}

fn realtime_ahead_us() -> i64 {
    jiff::Timestamp::now().as_microsecond() - monotonic_us()
}

/// Watches for incidents; each is asked for again as `why pid:N` does, and counts from when that answer is there.
fn watch_answers(url: String) -> Times {
    let times = Times::default();
    let own = Arc::clone(&times);
    std::thread::spawn(move || {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async move {
            let mut client = QueryServiceClient::connect(url).await.expect("the collector answers");
            let watch = client.clone().watch_incidents(WatchIncidentsRequest::default()).await;
            let mut watch = watch.expect("it can be watched").into_inner();
            while let Ok(Some(news)) = watch.message().await {
                let victims =
                    news.incident.and_then(|i| i.kernel).map(|k| k.victims).unwrap_or_default();
                for victim in victims {
                    let target = format!("pid:{}", victim.pid);
                    if client
                        .get_incident(GetIncidentRequest { target, ..Default::default() })
                        .await
                        .is_ok()
                    {
                        let mut own = own.lock().unwrap_or_else(PoisonError::into_inner);
                        own.entry(victim.pid).or_insert_with(monotonic_us);
                    }
                }
            }
        });
    });
    times
}
