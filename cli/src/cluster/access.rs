//! How the API server is reached: by a kubeconfig, as kubectl does it, or as the pod that we are.
//!
//! The order is kubectl's: `--kubeconfig`, the files of `KUBECONFIG` (merged, absent ones left out), `~/.kube/config`, and
//! in a pod its service account. A file that is there and cannot be used is an error, never "no cluster".

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use k8s_openapi::api::core::v1::Namespace;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config};

use super::ClusterError;
use super::error::chain;

/// How long a connection to the API server may take, and an answer.
const CONNECT: Duration = Duration::from_secs(5);
pub(super) const ANSWER: Duration = Duration::from_secs(15);

/// A way to an API server. Nothing was asked yet.
pub(super) struct Access {
    pub(super) client: Client,
    pub(super) context: Context,
}

/// The cluster that is spoken of.
#[derive(Clone)]
pub(crate) struct Context {
    client: Client,
    /// `context NAME`, for sentences.
    name: String,
    server: String,
    pub(crate) namespace: String,
}

impl fmt::Display for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl Context {
    /// Address of its API server.
    pub(super) fn server(&self) -> &str {
        &self.server
    }

    /// Whether the cluster is sure to have no such namespace. Who may not ask does not know.
    pub(super) async fn lacks(&self, namespace: &str) -> bool {
        let namespaces: Api<Namespace> = Api::all(self.client.clone());
        let asked = tokio::time::timeout(ANSWER, namespaces.get_metadata_opt(namespace)).await;
        matches!(asked, Ok(Ok(None)))
    }
}

/// The cluster that kubectl would ask; `None` where there is neither a kubeconfig nor a pod.
pub(super) async fn find(
    file: Option<&Path>,
    context: Option<&str>,
) -> Result<Option<Access>, ClusterError> {
    let Some(files) = files(file)? else {
        if std::env::var_os("KUBERNETES_SERVICE_HOST").is_some() && context.is_none() {
            let config = Config::incluster().map_err(|e| ClusterError::InPod(chain(&e)))?;
            return access(config, "the pod's own cluster".to_owned()).map(Some);
        }
        return match context {
            Some(name) => Err(ClusterError::NoKubeconfig { context: name.to_owned() }),
            None => Ok(None),
        };
    };
    let wrong =
        |path: &Path, problem: String| ClusterError::Kubeconfig { path: path.to_owned(), problem };
    let mut all: Option<Kubeconfig> = None;
    for path in &files {
        let read = Kubeconfig::read_from(path).map_err(|e| wrong(path, problem(&e)))?;
        all = Some(match all {
            None => read,
            Some(all) => all.merge(read).map_err(|e| wrong(path, problem(&e)))?,
        });
    }
    let (Some(all), Some(path)) = (all, files.first()) else { return Ok(None) };
    let known: Vec<String> = all.contexts.iter().map(|context| context.name.clone()).collect();
    let name = context.map(str::to_owned).or_else(|| all.current_context.clone());
    let Some(name) = name.filter(|name| !name.is_empty()) else {
        if known.is_empty() {
            // An empty file says as much as none.
            return Ok(None);
        }
        return Err(wrong(path, "it has no current context; choose one with --context".to_owned()));
    };
    if !known.contains(&name) {
        return Err(ClusterError::NoContext { name, path: path.clone(), known: known.join(", ") });
    }
    let options = KubeConfigOptions { context: Some(name.clone()), ..KubeConfigOptions::default() };
    let config = Config::from_custom_kubeconfig(all, &options)
        .await
        .map_err(|e| wrong(path, problem(&e)))?;
    access(config, format!("context {name}")).map(Some)
}

/// The files that make the kubeconfig; `None` where there is none.
fn files(flag: Option<&Path>) -> Result<Option<Vec<PathBuf>>, ClusterError> {
    if let Some(path) = flag {
        return Ok(Some(vec![path.to_owned()]));
    }
    if let Some(named) = std::env::var_os("KUBECONFIG").filter(|named| !named.is_empty()) {
        let paths = std::env::split_paths(&named).filter(|path| !path.as_os_str().is_empty());
        let (there, absent): (Vec<_>, Vec<_>) = paths.partition(|path| path.exists());
        return match absent.into_iter().next() {
            Some(path) if there.is_empty() => Err(ClusterError::Kubeconfig {
                path,
                problem: "KUBECONFIG names it, and it does not exist".to_owned(),
            }),
            _ if there.is_empty() => Ok(None),
            _ => Ok(Some(there)),
        };
    }
    let home = std::env::home_dir().map(|home| home.join(".kube").join("config"));
    Ok(home.filter(|path| path.exists()).map(|path| vec![path]))
}

fn access(mut config: Config, name: String) -> Result<Access, ClusterError> {
    config.connect_timeout = Some(CONNECT);
    // A person waits: they are told at once and try again themselves.
    config.default_retry = false;
    let (server, namespace) = (config.cluster_url.to_string(), config.default_namespace.clone());
    let server = server.trim_end_matches('/').to_owned();
    let helper = config.auth_info.exec.as_ref().and_then(|exec| exec.command.clone());
    let client = Client::try_from(config).map_err(|e| match (e, helper) {
        (kube::Error::Auth(e), Some(helper)) => ClusterError::Credentials {
            context: name.clone(),
            problem: format!("{helper}: {}", chain(&e)),
        },
        (e, _) => ClusterError::Client { context: name.clone(), problem: chain(&e) },
    })?;
    Ok(Access { client: client.clone(), context: Context { client, name, server, namespace } })
}

/// What is wrong with a kubeconfig, in one line.
fn problem(error: &dyn std::error::Error) -> String {
    chain(error).lines().next().unwrap_or_default().to_owned()
}
