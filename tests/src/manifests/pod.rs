//! The pod of a DaemonSet or StatefulSet, and what it may do.

use std::collections::BTreeSet;

use serde_json::Value;

/// A pod template with one container.
#[derive(Clone, Debug)]
pub struct Pod {
    /// Its labels.
    pub labels: Value,
    /// Its `spec`.
    pub spec: Value,
    /// Its only container.
    pub container: Value,
}

impl Pod {
    /// The pod that an object makes.
    ///
    /// # Panics
    ///
    /// When it makes none, or one with several containers.
    #[must_use]
    pub fn of(object: &Value) -> Self {
        let template = &object["spec"]["template"];
        let spec = template["spec"].clone();
        assert!(spec["initContainers"].is_null(), "init containers are not looked at");
        let containers = spec["containers"].as_array().expect("a pod has containers");
        assert_eq!(containers.len(), 1);
        Self {
            labels: template["metadata"]["labels"].clone(),
            container: containers[0].clone(),
            spec,
        }
    }

    /// All containers that an object makes, to be changed.
    pub(super) fn containers_mut(object: &mut Value) -> impl Iterator<Item = &mut Value> {
        let containers = object.pointer_mut("/spec/template/spec/containers");
        containers.and_then(Value::as_array_mut).into_iter().flatten()
    }

    /// The container's environment: names, and values where they are plain.
    #[must_use]
    pub fn env(&self) -> Vec<(&str, Option<&str>)> {
        let env = self.container["env"].as_array().into_iter().flatten();
        env.map(|one| (one["name"].as_str().unwrap_or_default(), one["value"].as_str())).collect()
    }

    /// The plain value of a variable.
    #[must_use]
    pub fn variable(&self, name: &str) -> Option<&str> {
        self.env().into_iter().find(|(known, _)| *known == name)?.1
    }

    /// The container's arguments.
    #[must_use]
    pub fn args(&self) -> Vec<&str> {
        self.container["args"].as_array().into_iter().flatten().filter_map(Value::as_str).collect()
    }

    /// The number of a port.
    ///
    /// # Panics
    ///
    /// When there is none of that name.
    #[must_use]
    pub fn port(&self, name: &str) -> u64 {
        let mut ports = self.container["ports"].as_array().into_iter().flatten();
        let port = ports.find(|port| port["name"] == name);
        port.and_then(|port| port["containerPort"].as_u64()).unwrap_or_else(|| panic!("no {name}"))
    }

    /// A word of the security context: the container's, else the pod's.
    #[must_use]
    pub fn security(&self, word: &str) -> &Value {
        let own = &self.container["securityContext"][word];
        if own.is_null() { &self.spec["securityContext"][word] } else { own }
    }

    /// The capabilities that are added and those that are dropped.
    #[must_use]
    pub fn capabilities(&self) -> (BTreeSet<&str>, BTreeSet<&str>) {
        let capabilities = &self.container["securityContext"]["capabilities"];
        let words = |list: &'static str| {
            capabilities[list].as_array().into_iter().flatten().filter_map(Value::as_str).collect()
        };
        (words("add"), words("drop"))
    }

    /// The node's directories and files that it mounts: path on the node, path inside, whether it may only be read.
    ///
    /// # Panics
    ///
    /// When a mount has no volume or a volume no mount.
    #[must_use]
    pub fn host_paths(&self) -> BTreeSet<(&str, &str, bool)> {
        let mounts = list(&self.container["volumeMounts"]);
        let volumes = list(&self.spec["volumes"]);
        let mut found = BTreeSet::new();
        for volume in volumes {
            let mut of = mounts.iter().filter(|mount| mount["name"] == volume["name"]);
            let mount = of.next().unwrap_or_else(|| panic!("nobody mounts {volume}"));
            if let Some(path) = volume["hostPath"]["path"].as_str() {
                let inside = mount["mountPath"].as_str().expect("a path");
                found.insert((path, inside, mount["readOnly"] == true));
            }
        }
        found
    }
}

/// The entries of a list that may be absent.
fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// What keeps a pod from the Pod Security level `restricted`, in words; empty when it passes.
///
/// The rules are those of the Pod Security Standards, v1.33, for Linux.
#[must_use]
pub fn restricted_by(pod: &Pod) -> Vec<&'static str> {
    let spec = &pod.spec;
    let volumes = spec["volumes"].as_array().into_iter().flatten();
    let allowed =
        ["configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "projected", "secret"];
    let (added, dropped) = pod.capabilities();
    let uids =
        [&spec["securityContext"]["runAsUser"], &pod.container["securityContext"]["runAsUser"]];
    let seccomp = pod.security("seccompProfile")["type"].as_str();
    [
        (["hostPID", "hostIPC", "hostNetwork"].iter().any(|n| spec[*n] == true), "host namespaces"),
        (pod.security("privileged") == true, "privileged"),
        (
            volumes
                .flat_map(|v| v.as_object().into_iter().flatten())
                .any(|(kind, _)| kind != "name" && !allowed.contains(&kind.as_str())),
            "restricted volume types",
        ),
        (pod.security("allowPrivilegeEscalation") != false, "allowPrivilegeEscalation"),
        (pod.security("runAsNonRoot") != true || uids.iter().any(|uid| **uid == 0), "root"),
        (!dropped.contains("ALL"), "capabilities not dropped"),
        (added.iter().any(|name| *name != "NET_BIND_SERVICE"), "capabilities added"),
        (!matches!(seccomp, Some("RuntimeDefault" | "Localhost")), "seccomp"),
    ]
    .into_iter()
    .filter_map(|(broken, what)| broken.then_some(what))
    .collect()
}
