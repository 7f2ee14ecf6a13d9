//! Why the collector of a cluster cannot be asked: each reason in one sentence that says what to change.

use std::path::PathBuf;

use super::access::Context;

/// What a reader must be allowed in the collector's namespace.
const RIGHTS: &str = "`list` on services and pods, and `get` and `create` on pods/portforward";

/// Why the collector of a cluster cannot be asked.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// The kubeconfig cannot be used.
    #[error("kubeconfig {path} cannot be used: {problem}")]
    Kubeconfig {
        /// The file.
        path: PathBuf,
        /// Why.
        problem: String,
    },
    /// A context is wanted, and there is no kubeconfig.
    #[error(
        "--context {context} is in no kubeconfig, for there is none: neither KUBECONFIG nor ~/.kube/config"
    )]
    NoKubeconfig {
        /// As given.
        context: String,
    },
    /// The kubeconfig has no such context.
    #[error("kubeconfig {path} has no context `{name}`; expected one of: {known}")]
    NoContext {
        /// As given, or the kubeconfig's current one.
        name: String,
        /// The file.
        path: PathBuf,
        /// Those that it has.
        known: String,
    },
    /// We are a pod that cannot ask.
    #[error("this pod cannot ask its API server: {0}; name a collector with --collector")]
    InPod(String),
    /// No client can be made.
    #[error("the API server of {context} cannot be spoken to: {problem}")]
    Client {
        /// Which.
        context: String,
        /// Why.
        problem: String,
    },
    /// The credentials cannot be had: a login helper failed, or a token file is not there.
    #[error("there are no credentials for {context}: {problem}; log in again, as for kubectl")]
    Credentials {
        /// Which.
        context: String,
        /// Why.
        problem: String,
    },
    /// 401.
    #[error(
        "the API server {server} does not accept the credentials of {context} (401 {words}): a token may have expired; \
         log in again, as for kubectl"
    )]
    Unauthorized {
        /// Its address.
        server: String,
        /// Which.
        context: String,
        /// The server's words.
        words: String,
    },
    /// 403.
    #[error(
        "the API server forbids to {what}: {words}; to reach the collector takes {RIGHTS} in its namespace"
    )]
    Forbidden {
        /// What was tried.
        what: String,
        /// The server's words.
        words: String,
    },
    /// Nobody answers, or the connection broke.
    #[error("the API server {server} of {context} does not answer: {problem}")]
    Unreachable {
        /// Its address.
        server: String,
        /// Which.
        context: String,
        /// Why.
        problem: String,
    },
    /// Any other answer.
    #[error("the API server {server} cannot {what}: {problem}")]
    Refused {
        /// Its address.
        server: String,
        /// What was tried.
        what: String,
        /// What it says.
        problem: String,
    },
    /// The namespace does not exist.
    #[error(
        "the cluster of {context} has no namespace `{namespace}`; say with --collector-namespace where the collector is"
    )]
    NoNamespace {
        /// Which cluster.
        context: String,
        /// The collector's namespace.
        namespace: String,
    },
    /// No Service of a collector.
    #[error(
        "no collector is installed in namespace `{namespace}` of {context}: it has no Service with the labels {labels}; say \
         with --collector-namespace where it is, or with --collector which other one to ask"
    )]
    NoService {
        /// Which cluster.
        context: String,
        /// The collector's namespace.
        namespace: String,
        /// What was looked for.
        labels: &'static str,
    },
    /// The Service has no port for questions.
    #[error(
        "Service {namespace}/{service} has no port named `grpc` and none with number 7137; it has {ports}"
    )]
    NoPort {
        /// Where.
        namespace: String,
        /// Its name.
        service: String,
        /// Those that it has.
        ports: String,
    },
    /// No pod behind the Service can answer.
    #[error(
        "no pod of Service {namespace}/{service} is ready: {how}; `kubectl -n {namespace} describe pods` may say why"
    )]
    NotReady {
        /// Where.
        namespace: String,
        /// Its name.
        service: String,
        /// How each pod is.
        how: String,
    },
}

impl ClusterError {
    /// What an error of the client's means for `what` was tried.
    pub(super) fn of(error: kube::Error, context: &Context, what: &str) -> Self {
        let (server, name) = (context.server().to_owned(), context.to_string());
        let (what, problem) = (what.to_owned(), chain(&error));
        match error {
            kube::Error::Api(status) => {
                let words = if status.message.is_empty() {
                    status.reason.clone()
                } else {
                    status.message.clone()
                };
                match status.code {
                    401 => Self::Unauthorized { server, context: name, words },
                    403 => Self::Forbidden { what, words },
                    code => Self::Refused {
                        server,
                        what,
                        problem: format!("it answers {code}: {words}"),
                    },
                }
            }
            kube::Error::Auth(_) => Self::Credentials { context: name, problem },
            kube::Error::Service(error) => match error.downcast::<kube::client::AuthError>() {
                Ok(error) => Self::Credentials { context: name, problem: chain(&*error) },
                Err(error) => {
                    Self::Unreachable { server, context: name, problem: innermost(&*error) }
                }
            },
            kube::Error::HyperError(error) => {
                Self::Unreachable { server, context: name, problem: innermost(&error) }
            }
            _ => Self::Refused { server, what, problem },
        }
    }

    /// That the API server took too long.
    pub(super) fn slow(context: &Context, waited: std::time::Duration) -> Self {
        Self::Unreachable {
            server: context.server().to_owned(),
            context: context.to_string(),
            problem: format!("it was silent for {} s", waited.as_secs()),
        }
    }
}

/// An error with what caused it, in one line.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        // Many errors repeat their cause in their own text.
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}

/// The last of a chain of errors, which says what really happened: `Connection refused (os error 111)`.
pub(crate) fn innermost(error: &dyn std::error::Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}
