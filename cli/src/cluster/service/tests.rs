//! Services and pods as clusters have them, in pieces.

use rstest::rstest;
use serde_json::json;

use super::*;

fn service(ports: serde_json::Value) -> Service {
    serde_json::from_value(
        json!({"metadata": {"name": "coroner-collector"}, "spec": {"ports": ports}}),
    )
    .unwrap()
}

fn pod(value: serde_json::Value) -> Pod {
    serde_json::from_value(value).unwrap()
}

#[rstest]
#[case::by_name(json!([{"name": "http", "port": 8137}, {"name": "grpc", "port": 443}]), Some(443))]
#[case::by_number(json!([{"name": "http", "port": 8137}, {"name": "questions", "port": 7137}]), Some(7137))]
#[case::the_only_one(json!([{"port": 80}]), Some(80))]
#[case::one_for_something_else(json!([{"name": "http", "port": 8137}]), None)]
#[case::none(json!([]), None)]
fn the_port_for_questions_is_known_by_name_or_number(
    #[case] ports: serde_json::Value,
    #[case] expected: Option<i32>,
) {
    assert_eq!(port(&service(ports)).map(|port| port.port), expected);
}

#[rstest]
#[case::none_is_the_same(json!({"port": 7137}), Some(7137))]
#[case::by_number(json!({"port": 443, "targetPort": 7137}), Some(7137))]
#[case::by_name(json!({"port": 443, "targetPort": "grpc"}), Some(7000))]
#[case::by_a_name_that_no_container_has(json!({"port": 443, "targetPort": "other"}), None)]
#[case::out_of_range(json!({"port": 443, "targetPort": 70_000}), None)]
fn a_port_leads_to_the_containers(#[case] port: serde_json::Value, #[case] expected: Option<u16>) {
    let port: ServicePort = serde_json::from_value(port).unwrap();
    let pod = pod(json!({"spec": {"containers": [
        {"name": "other"},
        {"name": "collector", "ports": [{"containerPort": 8137}, {"name": "grpc", "containerPort": 7000}]},
    ]}}));
    assert_eq!(container_port(&port, &pod), expected);
}

#[test]
fn pods_that_are_not_ready_are_told_of_each() {
    let named = |name: &str, status: serde_json::Value| {
        pod(json!({"metadata": {"name": name}, "status": status}))
    };
    let ready = json!({"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]});
    assert!(is_ready(&named("a", ready.clone())));
    let mut ending = named("ending", ready);
    ending.metadata.deletion_timestamp =
        serde_json::from_value(json!("2026-01-02T12:00:00Z")).unwrap();
    assert!(!is_ready(&ending));
    let pods = [
        ending,
        named(
            "pulling",
            json!({"phase": "Pending", "containerStatuses": [
            {"name": "c", "image": "", "imageID": "", "ready": false, "restartCount": 0,
             "state": {"waiting": {"reason": "ImagePullBackOff"}}}]}),
        ),
        named("starting", json!({"phase": "Running"})),
        named("fourth", json!({})),
    ];
    assert_eq!(
        how(&pods),
        "ending is Terminating, pulling is Pending (ImagePullBackOff), starting is Running and not Ready, and 1 more"
    );
    assert_eq!(how(&[]), "it has none");
}

#[test]
fn a_selector_is_written_as_the_api_takes_it() {
    let selector = [("app", "coroner"), ("tier", "")].map(|(a, b)| (a.to_owned(), b.to_owned()));
    assert_eq!(labels(&selector.into()), "app=coroner,tier=");
}
