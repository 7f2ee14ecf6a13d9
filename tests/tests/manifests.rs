//! What `deploy/` would put into a cluster, held against the Kubernetes API, the programs and our own promises.

#![allow(
    clippy::panic,
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "tests may fail"
)]

use std::collections::{BTreeMap, BTreeSet};

use coroner_collector::{DEFAULT_GRPC_PORT, DEFAULT_HTTP_PORT};
use coroner_tests::manifests::{
    Help, OVERLAYS, Pod, by_kubectl, documents, find, name, path, render, restricted_by, strict,
};
use serde_json::{Value, json};

fn agent(objects: &[Value]) -> Pod {
    Pod::of(find(objects, "DaemonSet", "coroner-agent"))
}

fn collector(objects: &[Value]) -> Pod {
    Pod::of(find(objects, "StatefulSet", "coroner-collector"))
}

/// An object with its fields and its lists in an order of their own: a patch may put an entry first or last, and a map of
/// `serde_json` keeps its order or does not, as the features of other crates have it.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let fields: BTreeMap<_, _> =
                fields.iter().map(|(k, v)| (k.clone(), sorted(v))).collect();
            fields.into_iter().collect()
        }
        Value::Array(list) => {
            let mut list: Vec<Value> = list.iter().map(sorted).collect();
            list.sort_by_key(ToString::to_string);
            list.into()
        }
        other => other.clone(),
    }
}

#[test]
fn kubectl_renders_the_same() {
    for overlay in OVERLAYS {
        let Some(theirs) = by_kubectl(overlay) else {
            eprintln!(
                "no kubectl that knows `patches` is here: {overlay} is rendered by the tests alone"
            );
            continue;
        };
        let by_name = |objects: &[Value]| -> Vec<(String, Value)> {
            let mut all: Vec<_> = objects.iter().map(|o| (name(o), sorted(o))).collect();
            all.sort_by(|a, b| a.0.cmp(&b.0));
            all
        };
        let (ours, theirs) = (by_name(&render(overlay)), by_name(&theirs));
        for (our, their) in ours.iter().zip(&theirs) {
            assert_eq!(our, their, "{overlay}");
        }
        assert_eq!(ours.len(), theirs.len(), "{overlay}");
    }
}

#[test]
fn every_object_is_one_of_the_api_and_ours() {
    for overlay in OVERLAYS {
        let mut seen = BTreeSet::new();
        for object in render(overlay) {
            let name = name(&object);
            strict(&object).unwrap_or_else(|e| panic!("{overlay}: {name}: {e}"));
            assert_eq!(object["metadata"]["labels"]["app.kubernetes.io/name"], "coroner", "{name}");
            let cluster = ["Namespace", "ClusterRole", "ClusterRoleBinding"];
            if !cluster.contains(&object["kind"].as_str().unwrap()) {
                assert_eq!(object["metadata"]["namespace"], "coroner", "{name}");
            }
            assert!(seen.insert(name.clone()), "{overlay}: {name} twice");
        }
    }
}

#[test]
fn the_programs_know_every_setting() {
    let (agents, collectors) = (Help::of("coroner-agent"), Help::of("coroner-collector"));
    for overlay in OVERLAYS {
        let objects = render(overlay);
        // `coroner` in the collector's pod asks that collector, and not the API server for one.
        let local = format!("http://127.0.0.1:{DEFAULT_GRPC_PORT}");
        assert_eq!(collector(&objects).variable("CORONER_COLLECTOR"), Some(local.as_str()));
        for (help, pod, of_another) in [
            (&agents, agent(&objects), ""),
            (&collectors, collector(&objects), "CORONER_COLLECTOR"),
        ] {
            for (variable, _) in pod.env().into_iter().filter(|(name, _)| *name != of_another) {
                assert!(help.has_variable(variable), "{overlay}: {variable}");
            }
            for arg in pod.args() {
                assert!(help.has_flag(arg.split('=').next().unwrap()), "{overlay}: {arg}");
            }
            assert!(pod.container["command"].is_null(), "the image's own");
        }
    }
}

#[test]
fn ports_are_the_programs_own_everywhere() {
    let help = Help::of("coroner-agent");
    let default = help.default_of("CORONER_HTTP_ADDR").unwrap();
    let agents: u64 = default.rsplit(':').next().unwrap().parse().unwrap();
    for overlay in OVERLAYS {
        let objects = render(overlay);
        let (agent, collector) = (agent(&objects), collector(&objects));
        let (grpc, http) = (u64::from(DEFAULT_GRPC_PORT), u64::from(DEFAULT_HTTP_PORT));
        assert_eq!(agent.port("http"), agents);
        assert_eq!((collector.port("grpc"), collector.port("http")), (grpc, http));
        for (pod, variable, port) in [
            (&agent, "CORONER_HTTP_ADDR", agents),
            (&collector, "CORONER_GRPC_ADDR", grpc),
            (&collector, "CORONER_HTTP_ADDR", http),
        ] {
            assert_eq!(pod.variable(variable).unwrap(), format!("0.0.0.0:{port}"));
        }
        for pod in [&agent, &collector] {
            for probe in ["livenessProbe", "readinessProbe"] {
                assert_eq!(pod.container[probe]["httpGet"]["port"], "http");
            }
        }
        let service = find(&objects, "Service", "coroner-collector");
        let ports = json!([
            {"name": "grpc", "port": grpc, "targetPort": "grpc", "appProtocol": "kubernetes.io/h2c"},
            {"name": "http", "port": http, "targetPort": "http"},
        ]);
        assert_eq!(service["spec"]["ports"], ports);
        let url = format!("http://coroner-collector.coroner.svc:{grpc}");
        assert_eq!(agent.variable("CORONER_COLLECTOR").unwrap(), url);
        // In at the collector, out at the agent: the same port, and nothing else.
        let policy = |name: &str| &find(&objects, "NetworkPolicy", name)["spec"];
        let only = json!([{"port": grpc}]);
        assert_eq!(policy("coroner-collector")["ingress"][0]["ports"], only);
        assert_eq!(policy("coroner-collector")["ingress"].as_array().unwrap().len(), 1);
        assert_eq!(policy("coroner-agent")["egress"][0]["ports"], only);
        assert_eq!(policy("coroner-agent")["ingress"], json!([]));
    }
}

#[test]
fn selectors_find_their_pods_and_no_others() {
    for overlay in OVERLAYS {
        let objects = render(overlay);
        let labels = |component: &str| json!({"app.kubernetes.io/name": "coroner", "app.kubernetes.io/component": component});
        for (kind, name, component) in [
            ("DaemonSet", "coroner-agent", "agent"),
            ("StatefulSet", "coroner-collector", "collector"),
        ] {
            let object = find(&objects, kind, name);
            assert_eq!(object["spec"]["selector"]["matchLabels"], labels(component));
            assert_eq!(Pod::of(object).labels, labels(component));
        }
        let (agents, collectors) = (labels("agent"), labels("collector"));
        let of = |kind: &str, name: &str, at: &str| {
            find(&objects, kind, name)["spec"].pointer(at).cloned().unwrap_or_default()
        };
        assert_eq!(of("Service", "coroner-collector", "/selector"), collectors);
        let budget = of("PodDisruptionBudget", "coroner-collector", "/selector/matchLabels");
        assert_eq!(budget, collectors);
        let pods = "/podSelector/matchLabels";
        assert_eq!(of("NetworkPolicy", "coroner-collector", pods), collectors);
        assert_eq!(of("NetworkPolicy", "coroner-agent", pods), agents);
        let from = "/ingress/0/from/0/podSelector/matchLabels";
        assert_eq!(of("NetworkPolicy", "coroner-collector", from), agents);
        let to = "/egress/0/to/0/podSelector/matchLabels";
        assert_eq!(of("NetworkPolicy", "coroner-agent", to), collectors);
        assert_eq!(of("StatefulSet", "coroner-collector", "/serviceName"), "coroner-collector");
    }
}

/// `tests/kubernetes_rights.rs` holds the role against what is asked.
#[test]
fn the_role_is_the_collectors_alone() {
    for overlay in OVERLAYS {
        let objects = render(overlay);
        let bindings = objects.iter().filter(|o| o["kind"].as_str().unwrap().ends_with("Binding"));
        let bindings: Vec<_> = bindings.collect();
        assert_eq!(bindings.len(), 1);
        assert_eq!(bindings[0]["roleRef"]["name"], "coroner-collector");
        let subject =
            json!({"kind": "ServiceAccount", "name": "coroner-collector", "namespace": "coroner"});
        assert_eq!(bindings[0]["subjects"], json!([subject]));
        assert_eq!(collector(&objects).spec["serviceAccountName"], "coroner-collector");
        let agent = agent(&objects).spec;
        assert_eq!(agent["serviceAccountName"], "coroner-agent");
        assert_eq!(agent["automountServiceAccountToken"], false);
        let account = find(&objects, "ServiceAccount", "coroner-agent");
        assert_eq!(account["automountServiceAccountToken"], false);
    }
}

#[test]
fn the_agent_may_do_what_its_overlay_says_and_no_more() {
    let reads = |more: &[(&'static str, &'static str, bool)]| {
        let always =
            [("/proc", "/host/proc", true), ("/sys/fs/cgroup", "/host/sys/fs/cgroup", true)];
        always.into_iter().chain(more.iter().copied()).collect::<BTreeSet<_>>()
    };
    let tracing = ("/sys/kernel/tracing", "/host/sys/kernel/tracing", false);
    let state = ("/var/lib/coroner-agent", "/var/lib/coroner", false);
    for (overlay, uid, privileged, paths) in [
        ("base", 0, false, reads(&[tracing, state])),
        ("overlays/minimal", 65532, false, reads(&[])),
        ("overlays/kmsg", 0, true, reads(&[tracing, state, ("/dev/kmsg", "/dev/kmsg", false)])),
    ] {
        let pod = agent(&render(overlay));
        assert_eq!(pod.security("runAsUser"), uid, "{overlay}");
        assert_eq!(pod.security("runAsNonRoot") == true, uid != 0, "{overlay}");
        assert_eq!(pod.security("privileged") == true, privileged, "{overlay}");
        assert_eq!(pod.security("readOnlyRootFilesystem"), true, "{overlay}");
        assert_eq!(pod.security("seccompProfile")["type"], "RuntimeDefault", "{overlay}");
        assert_eq!(pod.host_paths(), paths, "{overlay}");
        for namespace in ["hostPID", "hostIPC", "hostNetwork"] {
            assert!(pod.spec[namespace].is_null(), "{overlay}: {namespace}");
        }
        let (added, dropped) = pod.capabilities();
        if privileged {
            // The API refuses a privileged container that says so.
            assert!(pod.security("allowPrivilegeEscalation").is_null());
            assert!(added.is_empty() && dropped.is_empty());
        } else {
            assert_eq!(pod.security("allowPrivilegeEscalation"), false, "{overlay}");
            assert_eq!((added, dropped), (["SYSLOG"].into(), ["ALL"].into()), "{overlay}");
        }
        // Each setting that names a directory names one that is mounted.
        for (variable, value) in pod.env() {
            let Some(value) = value.filter(|value| value.starts_with('/')) else { continue };
            let mounts = pod.container["volumeMounts"].as_array().unwrap();
            assert!(
                mounts.iter().any(|mount| mount["mountPath"] == value),
                "{overlay}: {variable}"
            );
        }
    }
}

#[test]
fn the_agent_is_on_every_node_and_replaced_one_by_one() {
    for overlay in OVERLAYS {
        let objects = render(overlay);
        let set = &find(&objects, "DaemonSet", "coroner-agent")["spec"];
        let spec = &set["template"]["spec"];
        assert_eq!(spec["tolerations"], json!([{"operator": "Exists"}]));
        assert_eq!(spec["priorityClassName"], "system-node-critical");
        let rolling = json!({"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 1}});
        assert_eq!(set["updateStrategy"], rolling);
        let pod = agent(&objects);
        assert_eq!(pod.container["livenessProbe"]["httpGet"]["path"], "/livez");
        assert_eq!(pod.container["readinessProbe"]["httpGet"]["path"], "/readyz");
        for pod in [pod, collector(&objects)] {
            let resources = &pod.container["resources"];
            for (of, what) in [("requests", "cpu"), ("requests", "memory"), ("limits", "memory")] {
                assert!(resources[of][what].is_string(), "{overlay}: {of} of {what}");
            }
            // Whoever is throttled reads the kernel's ring too late.
            assert!(resources["limits"]["cpu"].is_null());
        }
    }
}

#[test]
fn the_collector_passes_the_strictest_level_and_the_namespace_admits_the_agent() {
    for overlay in OVERLAYS {
        let objects = render(overlay);
        let collector = collector(&objects);
        assert_eq!(restricted_by(&collector), Vec::<&str>::new(), "{overlay}");
        assert_eq!(collector.security("readOnlyRootFilesystem"), true);
        let level = "pod-security.kubernetes.io/enforce";
        let namespace = find(&objects, "Namespace", "coroner");
        assert_eq!(namespace["metadata"]["labels"][level], "privileged");
        // Were one to pass, the namespace could ask for more.
        let agent = restricted_by(&agent(&objects));
        assert!(agent.contains(&"restricted volume types"), "{overlay}: {agent:?}");
        let privileged = agent.contains(&"privileged");
        assert_eq!(privileged, overlay == "overlays/kmsg", "{agent:?}");
    }
}

/// No file lies about that nobody applies.
#[test]
fn every_manifest_belongs_to_an_overlay() {
    for dir in OVERLAYS {
        let kustomization = documents(&path(dir).join("kustomization.yaml")).remove(0);
        let named: BTreeSet<String> = ["resources", "patches"]
            .iter()
            .flat_map(|list| kustomization[*list].as_array().cloned().unwrap_or_default())
            .filter_map(|entry| Some(entry["path"].as_str().or(entry.as_str())?.to_owned()))
            .filter(|entry| !entry.contains('/'))
            .collect();
        let there = std::fs::read_dir(path(dir)).unwrap();
        let there = there.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let there: BTreeSet<String> = there.filter(|name| name != "kustomization.yaml").collect();
        assert_eq!(named, there, "{dir}");
    }
}
