//! The collector's Service, a pod behind it that is ready, and a stream to that pod.
//!
//! What `kubectl port-forward svc/NAME` does: the Service's selector gives the pods, one that is ready is taken, and the
//! Service's port leads to the container's, by number or by name. The Service itself is not in the way of the bytes.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use k8s_openapi::api::core::v1::{Pod, Service, ServicePort};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use kube::Api;
use kube::api::ListParams;

use super::ClusterError;
use super::access::{ANSWER, Access, Context};
use super::forward::{Forward, Stream};
use crate::client::LastWord;

/// What a collector's Service is labelled with.
pub(super) const LABELS: &str =
    "app.kubernetes.io/name=coroner,app.kubernetes.io/component=collector";

/// The port for questions, by name and by number.
const PORT: (&str, i32) = ("grpc", 7137);

/// Pods that are told of one by one.
const TOLD: usize = 3;

/// Finds the collector and opens a stream to it.
pub(super) async fn reach(
    access: &Access,
    namespace: &str,
) -> Result<(Forward, Stream), ClusterError> {
    let Access { client, context } = access;
    let services: Api<Service> = Api::namespaced(client.clone(), namespace);
    let what = format!("list services in namespace {namespace}");
    let found = asked(context, &what, services.list(&ListParams::default().labels(LABELS))).await?;
    let Some(service) = found.items.into_iter().min_by_key(|service| {
        // One that leads to questions comes before one that is for something else, such as pages.
        (port(service).is_none(), service.metadata.name.clone())
    }) else {
        if context.lacks(namespace).await {
            let (context, namespace) = (context.to_string(), namespace.to_owned());
            return Err(ClusterError::NoNamespace { context, namespace });
        }
        return Err(ClusterError::NoService {
            context: context.to_string(),
            namespace: namespace.to_owned(),
            labels: LABELS,
        });
    };
    let name = service.metadata.name.clone().unwrap_or_default();
    let Some(port) = port(&service) else {
        return Err(ClusterError::NoPort {
            namespace: namespace.to_owned(),
            service: name,
            ports: ports(&service),
        });
    };
    let selector = service.spec.as_ref().and_then(|spec| spec.selector.as_ref());
    let pods: Api<Pod> = Api::namespaced(client.clone(), namespace);
    let listed = ListParams::default().labels(&selector.map(labels).unwrap_or_default());
    let what = format!("list pods in namespace {namespace}");
    let found = asked(context, &what, pods.list(&listed)).await?;
    let ready = found.items.iter().find_map(|pod| {
        let number = container_port(port, pod)?;
        is_ready(pod).then(|| (pod.metadata.name.clone().unwrap_or_default(), number))
    });
    let Some((pod, number)) = ready else {
        let (namespace, service) = (namespace.to_owned(), name);
        return Err(ClusterError::NotReady { namespace, service, how: how(&found.items) });
    };
    let what = format!("forward a port to pod {namespace}/{pod}");
    let place = format!("pod {namespace}/{pod}, port {number}, through the API server");
    let forward = Forward { pods, pod, port: number, place, last_word: LastWord::default() };
    let stream = asked(context, &what, forward.open()).await?;
    Ok((forward, stream))
}

async fn asked<T>(
    context: &Context,
    what: &str,
    asking: impl Future<Output = Result<T, kube::Error>>,
) -> Result<T, ClusterError> {
    match tokio::time::timeout(ANSWER, asking).await {
        Ok(answer) => answer.map_err(|e| ClusterError::of(e, context, what)),
        Err(_) => Err(ClusterError::slow(context, ANSWER)),
    }
}

/// The port for questions; one that is the only one needs no name.
fn port(service: &Service) -> Option<&ServicePort> {
    let ports = service.spec.as_ref()?.ports.as_deref()?;
    ports
        .iter()
        .find(|port| port.name.as_deref() == Some(PORT.0))
        .or_else(|| ports.iter().find(|port| port.port == PORT.1))
        .or(if let [only] = ports { only.name.is_none().then_some(only) } else { None })
}

/// `grpc 7137, http 8137`.
fn ports(service: &Service) -> String {
    let ports = service.spec.as_ref().and_then(|spec| spec.ports.as_deref()).unwrap_or_default();
    let named = ports.iter().map(|port| match &port.name {
        Some(name) => format!("{name} {}", port.port),
        None => port.port.to_string(),
    });
    let all: Vec<String> = named.collect();
    if all.is_empty() { "none".to_owned() } else { all.join(", ") }
}

/// The number of the port in a pod that a Service's port leads to.
fn container_port(port: &ServicePort, pod: &Pod) -> Option<u16> {
    match &port.target_port {
        None => u16::try_from(port.port).ok(),
        Some(IntOrString::Int(0)) => u16::try_from(port.port).ok(),
        Some(IntOrString::Int(number)) => u16::try_from(*number).ok(),
        Some(IntOrString::String(name)) => {
            let containers = pod.spec.as_ref()?.containers.iter();
            let mut ports = containers.flat_map(|container| container.ports.iter().flatten());
            let named = ports.find(|port| port.name.as_deref() == Some(name))?;
            u16::try_from(named.container_port).ok()
        }
    }
}

fn is_ready(pod: &Pod) -> bool {
    let conditions = pod.status.as_ref().and_then(|status| status.conditions.as_ref());
    pod.metadata.deletion_timestamp.is_none()
        && conditions.is_some_and(|all| {
            all.iter().any(|condition| condition.type_ == "Ready" && condition.status == "True")
        })
}

/// How the pods are that are not ready: `coroner-collector-0 is Pending (ImagePullBackOff)`.
fn how(pods: &[Pod]) -> String {
    if pods.is_empty() {
        return "it has none".to_owned();
    }
    let mut all: Vec<String> = pods
        .iter()
        .map(|pod| {
            let name = pod.metadata.name.as_deref().unwrap_or("?");
            if pod.metadata.deletion_timestamp.is_some() {
                return format!("{name} is Terminating");
            }
            let status = pod.status.as_ref();
            let phase = status.and_then(|status| status.phase.as_deref()).unwrap_or("Unknown");
            let mut said = format!("{name} is {phase}");
            let containers = status.and_then(|status| status.container_statuses.as_ref());
            let waiting = containers.into_iter().flatten().find_map(|container| {
                container.state.as_ref()?.waiting.as_ref()?.reason.as_deref()
            });
            match waiting {
                Some(reason) => {
                    let _ = write!(said, " ({reason})");
                }
                None if phase == "Running" => said.push_str(" and not Ready"),
                None => {}
            }
            said
        })
        .collect();
    if all.len() > TOLD {
        let more = all.len() - TOLD;
        all.truncate(TOLD);
        all.push(format!("and {more} more"));
    }
    all.join(", ")
}

/// A selector as the API takes it.
fn labels(selector: &BTreeMap<String, String>) -> String {
    let pairs: Vec<String> =
        selector.iter().map(|(label, value)| format!("{label}={value}")).collect();
    pairs.join(",")
}

#[cfg(test)]
mod tests;
