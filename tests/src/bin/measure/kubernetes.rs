//! A collector that watches a large cluster: its memory, the time to its first verdict, and from an end to its verdict.

use std::process::Command;
use std::time::{Duration, Instant};

use coroner_proto::v1::WatchIncidentsRequest;
use coroner_proto::v1::query_service_client::QueryServiceClient;
use coroner_tests::apiserver::{ApiServer, Generated, Resource, pod_running, pod_terminated};
use coroner_tests::programs::{free_port, path};
use coroner_tests::usage::Usage;

/// Pods as a cluster has them, served by a double of its API server in this process; the collector is a process of its own.
pub(crate) fn kubernetes(pods: u64, ends: u64) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(measure(pods, ends));
}

async fn measure(pods: u64, ends: u64) {
    let number = |n: u64| Generated::number(u32::try_from(n).expect("fewer pods"));
    let server = ApiServer::start().await;
    let mut bytes = 0;
    server.put_texts(
        Resource::PODS,
        (0..pods).map(|n| {
            let pod = number(n);
            let object = pod_running(&pod).to_string();
            bytes += object.len();
            (pod.name, object)
        }),
    );
    // The last of the list has ended: its verdict is the first.
    server.put(
        Resource::PODS,
        pod_terminated(&number(pods), 137, "OOMKilled", "2026-11-21T00:30:00Z"),
    );

    let dir = tempfile::tempdir().expect("a directory");
    let port = free_port();
    // Built before the clock runs, if it has to be.
    let program = path("coroner-collector");
    let began = Instant::now();
    let mut collector = Command::new(program)
        .args([
            "--grpc-addr",
            &format!("127.0.0.1:{port}"),
            "--http-addr",
            "127.0.0.1:0",
            "--log",
            "warn",
        ])
        .arg("--data-dir")
        .arg(dir.path().join("data"))
        .arg("--kubeconfig")
        .arg(server.kubeconfig(dir.path()))
        .spawn()
        .expect("the collector starts");
    let url = format!("http://127.0.0.1:{port}");
    let mut client = loop {
        match QueryServiceClient::connect(url.clone()).await {
            Ok(client) => break client,
            Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
        }
    };
    let watch = client.watch_incidents(WatchIncidentsRequest::default()).await;
    let mut watch = watch.expect("it can be watched").into_inner();
    watch.message().await.expect("it goes on").expect("a verdict");
    let first = began.elapsed();
    let listed = Usage::of(collector.id());

    let mut times = Vec::new();
    for n in 0..ends {
        let pod = number(n);
        let object = pod_terminated(&pod, 137, "OOMKilled", "2026-11-21T00:30:00Z");
        let put = Instant::now();
        server.put(Resource::PODS, object);
        loop {
            let news = watch.message().await.expect("it goes on").expect("a verdict");
            let about = news.incident.and_then(|incident| incident.pod).and_then(|pod| pod.uid);
            if about.as_deref() == Some(&pod.uid) {
                break;
            }
        }
        times.push(put.elapsed());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let after = Usage::of(collector.id());
    let _ = collector.kill();
    let _ = collector.wait();
    times.sort_unstable();
    let at = |percent: usize| {
        let index = (times.len() * percent).div_ceil(100).saturating_sub(1);
        times.get(index).map_or(f64::NAN, |time| time.as_secs_f64() * 1000.0)
    };
    let mib = |kib: u64| kib / 1024;
    println!("{pods} pods of {} bytes each:", bytes / usize::try_from(pods.max(1)).unwrap_or(1));
    println!("  start to the first verdict, of the list's last pod  {:.2} s", first.as_secs_f64());
    println!(
        "  resident after the list      {} MiB, of that anonymous {} MiB",
        mib(listed.rss_kib),
        mib(listed.anon_kib)
    );
    println!(
        "  resident after {ends} ends   {} MiB, of that anonymous {} MiB",
        mib(after.rss_kib),
        mib(after.anon_kib)
    );
    println!(
        "  from an end in the API to its verdict, durable, ms  p50 {:.2}  p99 {:.2}  max {:.2}",
        at(50),
        at(99),
        at(100)
    );
}
