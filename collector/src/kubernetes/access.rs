//! How the API server is reached: as a pod, by its service account, or from outside, by a kubeconfig.
//!
//! A pod is told the server's address in `KUBERNETES_SERVICE_HOST` and `..._PORT`, and finds token and CA below
//! `/var/run/secrets/kubernetes.io/serviceaccount`; kube reads the token anew as the kubelet renews it. A kubeconfig that
//! was named but cannot be used is an error, never "no cluster": whoever named it wants it.

use std::path::{Path, PathBuf};

use kube::config::{KubeConfigOptions, Kubeconfig};

use super::api::Api;
use super::health::Health;
use super::pace::Pace;

/// How to reach an API server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Access {
    /// Not at all: findings are stored and judged without Kubernetes.
    #[default]
    Off,
    /// As the pod that we are, if we are one; else not at all.
    IfInPod,
    /// As the pod that we are.
    InPod,
    /// By a kubeconfig.
    Kubeconfig {
        /// The file.
        path: PathBuf,
        /// The context in it; `None` for its current one.
        context: Option<String>,
    },
}

/// Why an API server cannot be reached. Each says what to change.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// The kubeconfig is unusable.
    #[error("kubeconfig {path}{context} cannot be used: {problem}")]
    Kubeconfig {
        /// The file.
        path: PathBuf,
        /// ` with context NAME`, or nothing.
        context: String,
        /// What is wrong with it.
        problem: String,
    },
    /// We are no pod, or have no token.
    #[error(
        "no cluster is known from here: {0}; run in a pod with a service account token, or name a kubeconfig"
    )]
    InPod(String),
    /// The client cannot be made.
    #[error("the API server {server} cannot be spoken to: {problem}")]
    Client {
        /// Its address.
        server: String,
        /// Why.
        problem: String,
    },
}

/// A way to an API server. Nothing was asked yet.
#[derive(Clone)]
pub struct Connection {
    client: kube::Client,
    server: String,
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection").field("server", &self.server).finish_non_exhaustive()
    }
}

impl Access {
    /// Finds the way; `None` when none is wanted.
    ///
    /// # Errors
    /// When one is wanted and there is none.
    pub async fn connect(&self) -> Result<Option<Connection>, AccessError> {
        let config = match self {
            Self::Off => return Ok(None),
            Self::IfInPod if std::env::var_os("KUBERNETES_SERVICE_HOST").is_none() => {
                return Ok(None);
            }
            Self::IfInPod | Self::InPod => {
                kube::Config::incluster().map_err(|e| AccessError::InPod(chain(&e)))?
            }
            Self::Kubeconfig { path, context } => from_file(path, context.as_deref()).await?,
        };
        Connection::new(config).map(Some)
    }
}

async fn from_file(path: &Path, context: Option<&str>) -> Result<kube::Config, AccessError> {
    let wrong = |problem| AccessError::Kubeconfig {
        path: path.to_owned(),
        context: context.map(|name| format!(" with context {name}")).unwrap_or_default(),
        problem,
    };
    let file = Kubeconfig::read_from(path).map_err(|e| wrong(chain(&e)))?;
    let options =
        KubeConfigOptions { context: context.map(str::to_owned), ..KubeConfigOptions::default() };
    kube::Config::from_custom_kubeconfig(file, &options).await.map_err(|e| wrong(chain(&e)))
}

impl Connection {
    fn new(mut config: kube::Config) -> Result<Self, AccessError> {
        // How long to wait before asking again is decided in one place, ours.
        config.default_retry = false;
        let server = config.cluster_url.to_string();
        let client = kube::Client::try_from(config)
            .map_err(|e| AccessError::Client { server: server.clone(), problem: chain(&e) })?;
        Ok(Self { client, server })
    }

    /// Address of the API server.
    #[must_use]
    pub fn server(&self) -> &str {
        &self.server
    }

    pub(crate) fn api(&self, pace: Pace, health: Health) -> Api {
        Api::new(self.client.clone(), pace, health)
    }
}

/// An error with what caused it, in one line.
pub(super) fn chain(e: &dyn std::error::Error) -> String {
    let mut text = e.to_string();
    let mut source = e.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        // Many errors repeat their cause in their own text.
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    coroner_core::escape::terminal(&text).to_string()
}
