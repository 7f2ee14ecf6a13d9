//! Sizes of heaps out of command lines and environments.

use rstest::rstest;
use serde_json::json;

use super::super::pod;
use crate::kubernetes::{HeapOrigin, HeapRuntime, HeapSetting, HeapSize};

const MIB: u64 = 1 << 20;

fn settings(command: &[&str], args: &[&str], env: &[(&str, &str)]) -> Vec<HeapSetting> {
    let env: Vec<_> =
        env.iter().map(|(name, value)| json!({"name": name, "value": value})).collect();
    let object = json!({
        "metadata": {"uid": "u", "name": "n", "namespace": "s"},
        "spec": {"containers": [{"name": "a", "command": command, "args": args, "env": env}]},
    });
    let decoded = pod(object.to_string().as_bytes()).unwrap();
    assert_eq!(decoded.problems, vec![]);
    decoded.record.containers[0].heap.clone()
}

#[rstest]
#[case("-Xmx512m", "-Xmx", HeapSize::Bytes(512 * MIB))]
#[case("-Xmx2G", "-Xmx", HeapSize::Bytes(2048 * MIB))]
#[case("-Xmx1048576k", "-Xmx", HeapSize::Bytes(1024 * MIB))]
#[case("-Xmx1073741824", "-Xmx", HeapSize::Bytes(1024 * MIB))]
#[case("-XX:MaxHeapSize=1g", "-XX:MaxHeapSize", HeapSize::Bytes(1024 * MIB))]
#[case("-XX:MaxRAMPercentage=75.0", "-XX:MaxRAMPercentage", HeapSize::OfLimit(7500))]
#[case("-XX:MaxRAMPercentage=12.5", "-XX:MaxRAMPercentage", HeapSize::OfLimit(1250))]
#[case("-XX:MaxRAMPercentage=100", "-XX:MaxRAMPercentage", HeapSize::OfLimit(10_000))]
#[case("-XX:MaxRAMFraction=2", "-XX:MaxRAMFraction", HeapSize::OfLimit(5000))]
fn java(#[case] word: &str, #[case] option: &str, #[case] size: HeapSize) {
    let wanted = |origin| {
        let option = option.to_owned();
        vec![HeapSetting { runtime: HeapRuntime::Java, option, size, origin }]
    };
    assert_eq!(settings(&["java", word, "-jar", "a.jar"], &[], &[]), wanted(HeapOrigin::Command));
    assert_eq!(settings(&["java"], &[word], &[]), wanted(HeapOrigin::Args));
    let line = format!("exec java '{word}' -jar a.jar; true");
    assert_eq!(settings(&["sh", "-c", &line], &[], &[]), wanted(HeapOrigin::Command));
    let options = format!("-server {word}");
    let env = [("PASSWORD", "-Xmx1m"), ("JAVA_TOOL_OPTIONS", options.as_str())];
    assert_eq!(settings(&[], &[], &env), wanted(HeapOrigin::Env("JAVA_TOOL_OPTIONS".to_owned())));
}

#[rstest]
#[case("NODE_OPTIONS", "--max-old-space-size=4096", Some((HeapRuntime::Node, HeapSize::Bytes(4096 * MIB))))]
#[case("NODE_OPTIONS", "--inspect --max_old_space_size=64", Some((HeapRuntime::Node, HeapSize::Bytes(64 * MIB))))]
#[case("NODE_OPTIONS", "--max-old-space-size-percentage=50", Some((HeapRuntime::Node, HeapSize::OfLimit(5000))))]
#[case("GOMEMLIMIT", "512MiB", Some((HeapRuntime::Go, HeapSize::Bytes(512 * MIB))))]
#[case("GOMEMLIMIT", "1073741824", Some((HeapRuntime::Go, HeapSize::Bytes(1024 * MIB))))]
#[case("GOMEMLIMIT", "off", None)]
#[case("GOMEMLIMIT", "$(LIMIT)", None)]
#[case("DOTNET_GCHeapHardLimit", "0x10000000", Some((HeapRuntime::DotNet, HeapSize::Bytes(256 * MIB))))]
#[case("DOTNET_GCHeapHardLimitPercent", "4B", Some((HeapRuntime::DotNet, HeapSize::OfLimit(7500))))]
#[case("DOTNET_GCHeapHardLimitPercent", "FF", None)]
#[case("OTHER", "--max-old-space-size=4096", None)]
fn other_runtimes(
    #[case] name: &str,
    #[case] value: &str,
    #[case] wanted: Option<(HeapRuntime, HeapSize)>,
) {
    let found = settings(&[], &[], &[(name, value)]);
    let found: Vec<_> = found.into_iter().map(|one| (one.runtime, one.size)).collect();
    assert_eq!(found, Vec::from_iter(wanted));
}

/// What is no plain size is left out rather than guessed.
#[rstest]
#[case("-Xmx")]
#[case("-Xmxlots")]
#[case("-Xmx+5m")]
#[case("-Xmx-5m")]
#[case("-Xmx$(MEM)m")]
#[case("-Xmx99999999999999999999g")]
#[case("-Xmx18446744073709551615g")]
#[case("-Xmxé")]
#[case("-XX:MaxRAMPercentage=101")]
#[case("-XX:MaxRAMPercentage=100.01")]
#[case("-XX:MaxRAMPercentage=7e1")]
#[case("-XX:MaxRAMPercentage=")]
#[case("-XX:MaxRAMFraction=0")]
#[case("--max-old-space-size=-1")]
#[case("--max-old-space-size=99999999999999999")]
fn sizes_that_are_none(#[case] word: &str) {
    assert_eq!(settings(&["java", word], &[word], &[("JAVA_OPTS", word)]), vec![]);
}

#[test]
fn a_thousand_settings_are_sixteen() {
    let many = vec!["-Xmx1m"; 1000];
    assert_eq!(settings(&many, &[], &[]).len(), 16);
}
