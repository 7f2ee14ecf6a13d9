//! Objects held against the types of the Kubernetes API.
//!
//! k8s-openapi passes over fields that it does not know, as the API server does when nobody watches. So an object is read,
//! written again, and everything that was said must still be there.

use k8s_openapi::api::apps::v1::{DaemonSet, StatefulSet};
use k8s_openapi::api::core::v1::{Namespace, Service, ServiceAccount};
use k8s_openapi::api::networking::v1::NetworkPolicy;
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Whether an object is one of the API's, of a kind that we use, without a field that its type does not have.
///
/// # Errors
///
/// What is wrong with it, in words.
pub fn strict(object: &Value) -> Result<(), String> {
    match (object["apiVersion"].as_str(), object["kind"].as_str()) {
        (Some("v1"), Some("Namespace")) => whole::<Namespace>(object),
        (Some("v1"), Some("Service")) => whole::<Service>(object),
        (Some("v1"), Some("ServiceAccount")) => whole::<ServiceAccount>(object),
        (Some("apps/v1"), Some("DaemonSet")) => whole::<DaemonSet>(object),
        (Some("apps/v1"), Some("StatefulSet")) => whole::<StatefulSet>(object),
        (Some("networking.k8s.io/v1"), Some("NetworkPolicy")) => whole::<NetworkPolicy>(object),
        (Some("policy/v1"), Some("PodDisruptionBudget")) => whole::<PodDisruptionBudget>(object),
        (Some("rbac.authorization.k8s.io/v1"), Some("ClusterRole")) => whole::<ClusterRole>(object),
        (Some("rbac.authorization.k8s.io/v1"), Some("ClusterRoleBinding")) => {
            whole::<ClusterRoleBinding>(object)
        }
        other => Err(format!("no type for {other:?}")),
    }
}

fn whole<T: DeserializeOwned + Serialize>(object: &Value) -> Result<(), String> {
    let read: T = serde_json::from_value(object.clone()).map_err(|e| e.to_string())?;
    let written = serde_json::to_value(read).map_err(|e| e.to_string())?;
    lost(object, &written, "")
}

/// What was said and is not any more.
fn lost(said: &Value, kept: &Value, at: &str) -> Result<(), String> {
    match (said, kept) {
        (Value::Object(said), Value::Object(kept)) => {
            for (name, value) in said {
                let at = format!("{at}.{name}");
                let kept = kept.get(name).ok_or_else(|| format!("{at} is no field"))?;
                lost(value, kept, &at)?;
            }
            Ok(())
        }
        (Value::Array(said), Value::Array(kept)) if said.len() == kept.len() => {
            for (n, (said, kept)) in said.iter().zip(kept).enumerate() {
                lost(said, kept, &format!("{at}[{n}]"))?;
            }
            Ok(())
        }
        (said, kept) if said == kept => Ok(()),
        (said, kept) => Err(format!("{at} is {said}, and is read as {kept}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_field_that_the_api_does_not_have_is_named() {
        let service = |spec: Value| json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "x"}, "spec": spec});
        assert_eq!(strict(&service(json!({"ports": [{"port": 1}]}))), Ok(()));
        let wrong = strict(&service(json!({"ports": [{"port": 1, "prot": "UDP"}]})));
        assert_eq!(wrong, Err(".spec.ports[0].prot is no field".to_owned()));
        assert!(strict(&service(json!({"ports": [{"port": "1"}]}))).is_err());
        assert!(strict(&json!({"apiVersion": "v1", "kind": "Pods"})).is_err());
    }
}
