//! Starts a collector and ends it: the store, the gRPC server, the HTTP server, and the clock of retention.

use std::net::SocketAddr;
use std::thread::JoinHandle as Thread;
use std::time::Duration;

use coroner_proto::v1::ingest_service_server::IngestServiceServer;
use coroner_proto::v1::query_service_server::QueryServiceServer;
use coroner_proto::{FILE_DESCRIPTOR_SET, MAX_MESSAGE_BYTES};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tonic::transport::Server;
use tonic::transport::server::{Router, TcpIncoming};

use crate::config::Config;
use crate::http;
use crate::ingest::Ingest;
use crate::kubernetes::{self, AccessError, KubernetesInput};
use crate::listen::{self, ListenError};
use crate::metrics::Metrics;
use crate::query::Query;
use crate::store::{Store, StoreError};

/// How often old findings are looked for. A commit deletes a thousand, and commits follow until none is left.
const RETENTION_EVERY: Duration = Duration::from_secs(600);

/// How long open streams and connections may take to end before they are cut off.
const GRACE: Duration = Duration::from_millis(500);

/// Why a collector did not start, or ended.
#[derive(Debug, thiserror::Error)]
pub enum CollectorError {
    /// An address cannot be served on.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// The Kubernetes API is wanted, and cannot be reached.
    #[error(transparent)]
    Kubernetes(#[from] AccessError),
    /// The store cannot be opened.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The description of the services is damaged.
    #[error("gRPC reflection cannot be served: {0}")]
    Reflection(#[from] tonic_reflection::server::Error),
    /// A server ended by itself.
    #[error("the {server} server ended: {problem}")]
    Ended {
        /// Which server.
        server: &'static str,
        /// Why.
        problem: String,
    },
}

/// A running collector. Dropping it ends it without waiting; [`Collector::shutdown`] waits.
#[derive(Debug)]
pub struct Collector {
    grpc_addr: SocketAddr,
    http_addr: Option<SocketAddr>,
    stop: watch::Sender<bool>,
    servers: JoinSet<Result<(), CollectorError>>,
    kubernetes: KubernetesInput,
    writer: Thread<()>,
}

impl Collector {
    /// Opens the store, takes the addresses and serves. When this returns, agents and questions are answered.
    ///
    /// # Errors
    ///
    /// If the data directory or the database cannot be used, or an address is taken or not allowed.
    pub async fn start(config: Config) -> Result<Self, CollectorError> {
        // Addresses first: they cost nothing to give back.
        let anywhere = config.insecure_listen_anywhere;
        let grpc = listen::bind("--grpc-addr", config.grpc_addr, anywhere).await?;
        let grpc_addr = local(&grpc, "--grpc-addr", config.grpc_addr)?;
        let (mut http, mut http_addr) = (None, None);
        if let Some(addr) = config.http_addr {
            let listener = listen::bind("--http-addr", addr, anywhere).await?;
            http_addr = Some(local(&listener, "--http-addr", addr)?);
            http = Some(listener);
        }

        let connection = config.kubernetes.connect().await?;
        let metrics = Metrics::new();
        let for_store = metrics.clone();
        let Config { data_dir, retention, rules, kubernetes_pace, events, .. } = config;
        let opening = tokio::task::spawn_blocking(move || {
            Store::open(&data_dir, rules, retention, for_store)
        })
        .await;
        let (store, writer) = opening.map_err(|_| StoreError::Stopped { thread: "opening" })??;

        let (stop, stopping) = watch::channel(false);
        let mut servers = JoinSet::new();
        let router = grpc_router(&store, &metrics, &stopping).await?;
        let incoming = TcpIncoming::from(grpc).with_nodelay(Some(true));
        let stopped = wait(stopping.clone());
        servers.spawn(async move {
            let end = router.serve_with_incoming_shutdown(incoming, stopped).await;
            end.map_err(|e| CollectorError::Ended { server: "gRPC", problem: e.to_string() })
        });
        let kubernetes = KubernetesInput::new(store.clone());
        match connection {
            Some(connection) => {
                let (health, input) = (metrics.kubernetes(), kubernetes.clone());
                if let Some(limits) = events {
                    let api = connection.api(kubernetes_pace.clone(), health.clone());
                    let (store, counts) = (store.clone(), metrics.events());
                    let stopping = stopping.clone();
                    servers.spawn(async move {
                        kubernetes::publish(api, store, counts, limits, stopping).await;
                        Ok(())
                    });
                }
                let stopping = stopping.clone();
                servers.spawn(async move {
                    kubernetes::deliver(connection, kubernetes_pace, health, input, stopping).await;
                    Ok(())
                });
            }
            None => tracing::info!(
                "no Kubernetes API is watched: deaths are judged by what nodes saw alone"
            ),
        }
        if let Some(listener) = http {
            let query = Query::new(store.clone(), metrics.clocks(), stopping.clone());
            let app = http::router(store.clone(), metrics, query);
            let stopped = wait(stopping.clone());
            servers.spawn(async move {
                let end = axum::serve(listener, app).with_graceful_shutdown(stopped).await;
                end.map_err(|e| CollectorError::Ended { server: "HTTP", problem: e.to_string() })
            });
        }
        servers.spawn(retain(store, stopping));
        Ok(Self { grpc_addr, http_addr, stop, servers, kubernetes, writer })
    }

    /// Where gRPC is served.
    #[must_use]
    pub fn grpc_addr(&self) -> SocketAddr {
        self.grpc_addr
    }

    /// Where HTTP is served, if it is.
    #[must_use]
    pub fn http_addr(&self) -> Option<SocketAddr> {
        self.http_addr
    }

    /// Where to hand on what is seen of the Kubernetes API.
    #[must_use]
    pub fn kubernetes(&self) -> KubernetesInput {
        self.kubernetes.clone()
    }

    /// Waits until a server ends by itself, which none should. Can be broken off and begun again.
    ///
    /// # Errors
    ///
    /// Always, in the end: why it ended.
    pub async fn failed(&mut self) -> CollectorError {
        match self.servers.join_next().await {
            Some(Ok(Err(e))) => e,
            Some(Ok(Ok(()))) | None => CollectorError::Ended {
                server: "collector's",
                problem: "nobody asked it to".to_owned(),
            },
            Some(Err(e)) => CollectorError::Ended { server: "collector's", problem: e.to_string() },
        }
    }

    /// Ends it: what was taken is stored and acknowledged, open streams are told, nothing is waited for longer than
    /// half a second, but for a commit that the disk is working on.
    pub async fn shutdown(mut self) {
        // Received or not: with the sender gone everybody stops as well.
        let _ = self.stop.send(true);
        let ended = async { while self.servers.join_next().await.is_some() {} };
        if tokio::time::timeout(GRACE, ended).await.is_err() {
            tracing::debug!("cut off connections that did not end");
            self.servers.shutdown().await;
        }
        drop(self.kubernetes);
        let writer = self.writer;
        // The writer ends with the last handle of the store, after what is queued. A panic in it was reported.
        let _ =
            tokio::time::timeout(GRACE, tokio::task::spawn_blocking(move || drop(writer.join())))
                .await;
    }
}

/// The address that a listener got.
fn local(
    listener: &TcpListener,
    flag: &'static str,
    addr: SocketAddr,
) -> Result<SocketAddr, ListenError> {
    listener.local_addr().map_err(|source| ListenError::Refused { flag, addr, source })
}

/// All gRPC services: ours, health, reflection.
async fn grpc_router(
    store: &Store,
    metrics: &Metrics,
    stopping: &watch::Receiver<bool>,
) -> Result<Router, CollectorError> {
    type Ingests = IngestServiceServer<Ingest>;
    type Queries = QueryServiceServer<Query>;
    let ingest = Ingests::new(Ingest::new(store.clone(), metrics.clone(), stopping.clone()))
        .max_decoding_message_size(MAX_MESSAGE_BYTES);
    let query = Queries::new(Query::new(store.clone(), metrics.clocks(), stopping.clone()))
        .max_decoding_message_size(MAX_MESSAGE_BYTES);
    let (health, health_service) = tonic_health::server::health_reporter();
    health.set_serving::<Ingests>().await;
    health.set_serving::<Queries>().await;
    let reflection = tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(FILE_DESCRIPTOR_SET)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        .build_v1()?;
    Ok(server()
        .add_service(ingest)
        .add_service(query)
        .add_service(health_service)
        .add_service(reflection))
}

/// Settings for ten thousand agents on one machine: small windows, since what a connection may have in flight is
/// memory times ten thousand, and pings that find the dead ones.
fn server() -> Server {
    Server::builder()
        .http2_keepalive_interval(Some(Duration::from_secs(60)))
        .http2_keepalive_timeout(Some(Duration::from_secs(20)))
        .initial_stream_window_size(64 * 1024)
        .initial_connection_window_size(64 * 1024)
        .max_frame_size(16 * 1024)
        .max_concurrent_streams(32)
        .http2_max_header_list_size(8 * 1024)
        .http2_max_pending_accept_reset_streams(Some(16))
}

/// Ends when the collector stops, or is gone.
async fn wait(mut stopping: watch::Receiver<bool>) {
    let _ = stopping.wait_for(|stop| *stop).await;
}

/// Has old findings deleted now and then.
async fn retain(store: Store, stopping: watch::Receiver<bool>) -> Result<(), CollectorError> {
    let mut every = tokio::time::interval(RETENTION_EVERY);
    let stopped = wait(stopping);
    tokio::pin!(stopped);
    loop {
        tokio::select! {
            _ = every.tick() => store.retain().await?,
            () = &mut stopped => return Ok(()),
        }
    }
}
