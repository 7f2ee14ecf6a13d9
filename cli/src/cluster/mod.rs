//! Which collector is asked, and about which namespace: kubectl's flags, and its habits.
//!
//! A collector that is named by `--collector` or `CORONER_COLLECTOR` is asked and no other. Without one it is looked for in
//! the cluster that kubectl would ask: its Service by label, behind that a pod that is ready, and from there through the
//! API server's port-forward, so nothing of the collector is reachable from outside. Where there is no kubeconfig, and we
//! are no pod, it is the one of this machine.
//!
//! The namespace is kubectl's too: that of `-n`, else that of the kubeconfig's context, else `default`; `-A` means all. Who
//! names a collector by URL and is no plugin of kubectl's speaks of no cluster, and is shown all namespaces.

mod access;
mod error;
mod forward;
mod service;

use std::path::PathBuf;

use crate::Error;
use crate::client::Client;
use crate::program::Program;

pub(crate) use access::Context;
pub use error::ClusterError;
pub(crate) use error::innermost;

/// Where a collector of this machine answers.
pub(crate) const LOCAL: &str = "http://127.0.0.1:7137";

/// Which collector.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Which collector")]
pub(crate) struct ClusterArgs {
    /// The collector's gRPC address [default: the one found in the cluster, through its API server; without a kubeconfig
    /// http://127.0.0.1:7137]
    #[arg(long, env = "CORONER_COLLECTOR", value_name = "URL", hide_env_values = true)]
    collector: Option<String>,
    /// Namespace in which the collector is looked for.
    #[arg(
        long,
        env = "CORONER_COLLECTOR_NAMESPACE",
        value_name = "NAME",
        default_value = "coroner",
        hide_env_values = true
    )]
    collector_namespace: String,
    /// The kubeconfig [default: KUBECONFIG, else ~/.kube/config]
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    kubeconfig: Option<PathBuf>,
    /// The kubeconfig's context to use [default: its current one]
    #[arg(long, value_name = "NAME")]
    context: Option<String>,
}

/// Which namespace.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct NamespaceArgs {
    /// Only of this namespace [default: that of the kubeconfig's context; without a cluster, all]
    #[arg(short, long, value_name = "NAME")]
    pub(crate) namespace: Option<String>,
    /// Of all namespaces.
    #[arg(short = 'A', long, conflicts_with = "namespace")]
    pub(crate) all_namespaces: bool,
}

/// A collector, and where it was found.
pub(crate) struct Reached {
    pub(crate) client: Client,
    /// The cluster that is spoken of; `None` where none is.
    pub(crate) context: Option<Context>,
}

impl ClusterArgs {
    /// Finds the collector.
    ///
    /// # Errors
    ///
    /// If there is none, or it cannot be reached; the sentence says which, and what to change.
    pub(crate) async fn reach(&self) -> Result<Reached, Error> {
        let (file, name) = (self.kubeconfig.as_deref(), self.context.as_deref());
        if let Some(url) = &self.collector {
            // The kubeconfig then only says which namespace is meant, to whoever speaks of a cluster at all.
            let speaks = Program::this() == Program::Plugin || file.is_some() || name.is_some();
            let access = if speaks { access::find(file, name).await? } else { None };
            let client = Client::connect(url).await?;
            return Ok(Reached { client, context: access.map(|access| access.context) });
        }
        let Some(access) = access::find(file, name).await? else {
            return Ok(Reached { client: Client::connect(LOCAL).await?, context: None });
        };
        let (pod, stream) = service::reach(&access, &self.collector_namespace).await?;
        let client = forward::connect(pod, stream).await?;
        Ok(Reached { client, context: Some(access.context) })
    }
}

impl Reached {
    /// The namespace that is meant; `None` for all.
    pub(crate) fn namespace(&self, args: &NamespaceArgs) -> Option<String> {
        if args.all_namespaces {
            return None;
        }
        let assumed = || Some(self.context.as_ref()?.namespace.clone());
        args.namespace.clone().or_else(assumed)
    }

    /// A sentence for whoever found nothing: that the namespace does not exist, or which was looked at.
    pub(crate) async fn nothing_in(&self, args: &NamespaceArgs) -> Option<String> {
        let namespace = self.namespace(args)?;
        if let Some(context) = &self.context
            && context.lacks(&namespace).await
        {
            return Some(format!(
                "There is no namespace `{namespace}` in the cluster of {context}."
            ));
        }
        if args.namespace.is_some() {
            return None;
        }
        Some(format!("Only namespace `{namespace}` was looked at; -A looks at all."))
    }
}
