//! The double as tests hold it.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::faults::Fault;
use super::objects::{Objects, Resource};
use super::reviews::Token;
use super::route::Asked;
use super::serve;

/// The token by which the collector says who it is.
pub const BEARER: &str = "the-collectors-token";

/// Everything behind the server.
pub(super) struct State {
    objects: Mutex<Objects>,
    news: watch::Sender<u64>,
    dropped: watch::Sender<u64>,
    streaming_lists: AtomicBool,
    bookmark_each_time: AtomicBool,
    pub(super) clock_ahead_s: AtomicI64,
    pub(super) asked: Mutex<Vec<Asked>>,
    pub(super) forbidden: Mutex<BTreeSet<(String, String)>>,
    pub(super) faults: Mutex<HashMap<String, VecDeque<Fault>>>,
    pub(super) tokens: Mutex<BTreeMap<String, Token>>,
    pub(super) allowed: Mutex<BTreeSet<(String, String)>>,
    /// Namespace, pod and port, and what answers there.
    pub(super) listening: Mutex<BTreeMap<(String, String, u16), SocketAddr>>,
}

impl State {
    pub(super) fn objects(&self) -> MutexGuard<'_, Objects> {
        self.objects.lock().unwrap()
    }

    pub(super) fn news(&self) -> watch::Receiver<u64> {
        self.news.subscribe()
    }

    pub(super) fn streaming_lists(&self) -> bool {
        self.streaming_lists.load(Ordering::Relaxed)
    }

    pub(super) fn bookmark_each_time(&self) -> bool {
        self.bookmark_each_time.load(Ordering::Relaxed)
    }

    pub(super) async fn watches_are_dropped(&self) {
        let mut dropped = self.dropped.subscribe();
        let _ = dropped.changed().await;
    }

    /// Changes objects and tells watchers.
    pub(super) fn change<R>(&self, change: impl FnOnce(&mut Objects) -> R) -> R {
        let (changed, version) = {
            let mut objects = self.objects();
            (change(&mut objects), objects.version)
        };
        self.news.send_replace(version);
        changed
    }
}

/// A running double. It ends when dropped, and can be stopped and started again with everything it knew.
pub struct ApiServer {
    state: Arc<State>,
    addr: SocketAddr,
    certificate: serve::Certificate,
    serving: Option<JoinHandle<()>>,
}

impl Drop for ApiServer {
    fn drop(&mut self) {
        if let Some(serving) = &self.serving {
            serving.abort();
        }
    }
}

impl ApiServer {
    /// Starts an empty cluster on a free port of loopback.
    pub async fn start() -> Self {
        let state = Arc::new(State {
            objects: Mutex::default(),
            news: watch::Sender::new(0),
            dropped: watch::Sender::new(0),
            streaming_lists: AtomicBool::new(true),
            bookmark_each_time: AtomicBool::new(true),
            clock_ahead_s: AtomicI64::new(0),
            asked: Mutex::default(),
            forbidden: Mutex::default(),
            faults: Mutex::default(),
            tokens: Mutex::default(),
            allowed: Mutex::default(),
            listening: Mutex::default(),
        });
        // A cluster has had a life before anybody watches it.
        state.objects().version = 100;
        let certificate = serve::Certificate::new();
        let (addr, serving) =
            serve::serve(&state, &certificate, SocketAddr::from(([127, 0, 0, 1], 0))).await;
        Self { state, addr, certificate, serving: Some(serving) }
    }

    /// Goes away: connections break, and nobody listens on the port.
    pub async fn stop(&mut self) {
        if let Some(serving) = self.serving.take() {
            serving.abort();
            let _ = serving.await;
        }
        self.drop_watches();
    }

    /// Comes back on the same port. As a real one does, it remembers nothing of what happened before: who comes back with an
    /// older version than the last gets 410.
    pub async fn start_again(&mut self) {
        {
            let mut objects = self.state.objects();
            objects.forgotten = objects.version;
        }
        let (_, serving) = serve::serve(&self.state, &self.certificate, self.addr).await;
        self.serving = Some(serving);
    }

    /// Writes a kubeconfig that leads here, with a second context `nowhere`.
    #[must_use]
    pub fn kubeconfig(&self, dir: &Path) -> PathBuf {
        let ca = dir.join("ca.pem");
        std::fs::write(&ca, self.certificate.pem()).unwrap();
        let path = dir.join("kubeconfig");
        let config = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "double",
            "clusters": [
                {"name": "double", "cluster": {"server": format!("https://{}", self.addr), "certificate-authority": ca}},
                {"name": "nowhere", "cluster": {"server": "https://127.0.0.1:9"}},
            ],
            "users": [{"name": "collector", "user": {"token": BEARER}}],
            "contexts": [
                {"name": "double", "context": {"cluster": "double", "user": "collector"}},
                {"name": "nowhere", "context": {"cluster": "nowhere", "user": "collector"}},
            ],
        });
        std::fs::write(&path, config.to_string()).unwrap();
        path
    }

    /// Makes or changes an object.
    pub fn put(&self, resource: Resource, object: Value) {
        self.state.change(|objects| objects.put(resource, object));
    }

    /// Makes objects out of texts that are served as they are, whatever they hold.
    pub fn put_texts(&self, resource: Resource, texts: impl IntoIterator<Item = (String, String)>) {
        self.state.change(|objects| {
            for (name, text) in texts {
                objects.version += 1;
                objects.put_text(resource, ("generated".to_owned(), name), text.into());
            }
        });
    }

    /// Removes an object.
    pub fn delete(&self, resource: Resource, namespace: &str, name: &str) {
        let gone = self.state.change(|objects| objects.delete(resource, namespace, name));
        assert!(gone, "there is no {namespace}/{name}");
    }

    /// Plays one recorded line of a watch: `{"type":...,"object":...}`.
    pub fn play(&self, resource: Resource, line: &str) {
        let line: Value = serde_json::from_str(line).unwrap();
        let metadata = &line["object"]["metadata"];
        let text = |name: &str| metadata[name].as_str().unwrap_or_default().to_owned();
        match line["type"].as_str() {
            Some("ADDED" | "MODIFIED") => self.put(resource, line["object"].clone()),
            Some("DELETED") => self.delete(resource, &text("namespace"), &text("name")),
            other => panic!("{other:?}"),
        }
    }

    /// The object with that name, as it is now.
    #[must_use]
    pub fn get(&self, resource: Resource, namespace: &str, name: &str) -> Option<Value> {
        let objects = self.state.objects();
        let key = (namespace.to_owned(), name.to_owned());
        let text = objects.all.get(&resource)?.get(&key)?;
        serde_json::from_str(text).ok()
    }

    /// Refuses a verb on a resource from now on.
    pub fn forbid(&self, verb: &str, resource: &str) {
        self.state.forbidden.lock().unwrap().insert((verb.to_owned(), resource.to_owned()));
        self.drop_watches();
    }

    /// Allows it again.
    pub fn allow(&self, verb: &str, resource: &str) {
        self.state.forbidden.lock().unwrap().remove(&(verb.to_owned(), resource.to_owned()));
    }

    /// Lets the next request for a resource go wrong. Several happen one after another.
    pub fn fault(&self, resource: &str, fault: Fault) {
        let mut faults = self.state.faults.lock().unwrap();
        faults.entry(resource.to_owned()).or_default().push_back(fault);
    }

    /// Ends all watches, as a server that restarts does.
    pub fn drop_watches(&self) {
        self.state.dropped.send_modify(|times| *times += 1);
    }

    /// Forgets the changes up to now: who comes back with an older version gets 410.
    pub fn forget(&self) {
        let mut objects = self.state.objects();
        objects.version += 1;
        objects.forgotten = objects.version;
    }

    /// Sets all back to an earlier version, as a restored etcd does. Its objects are put back by whoever calls.
    pub fn restore(&self, version: u64) {
        let mut objects = self.state.objects();
        objects.version = version;
        objects.log.clear();
        objects.forgotten = objects.forgotten.min(version);
    }

    /// The version of now.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.state.objects().version
    }

    /// Whether lists can be streamed (the feature gate `WatchList`).
    pub fn streams_lists(&self, yes: bool) {
        self.state.streaming_lists.store(yes, Ordering::Relaxed);
    }

    /// Sets the clock that `Date` is read from ahead by so many seconds.
    pub fn set_clock_ahead(&self, seconds: i64) {
        self.state.clock_ahead_s.store(seconds, Ordering::Relaxed);
    }

    /// What was asked so far.
    #[must_use]
    pub fn asked(&self) -> Vec<Asked> {
        self.state.asked.lock().unwrap().clone()
    }

    /// Makes a token known to TokenReview.
    pub fn know(&self, token: &str, means: Token) {
        self.state.tokens.lock().unwrap().insert(token.to_owned(), means);
    }

    /// Has something answer at a port of a pod.
    pub fn listens(&self, namespace: &str, pod: &str, port: u16, addr: SocketAddr) {
        let place = (namespace.to_owned(), pod.to_owned(), port);
        self.state.listening.lock().unwrap().insert(place, addr);
    }

    /// Lets SubjectAccessReview say yes to a user in a namespace; an empty one is all of them.
    pub fn grant(&self, user: &str, namespace: &str) {
        self.state.allowed.lock().unwrap().insert((user.to_owned(), namespace.to_owned()));
    }

    /// Where it listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The certificate to trust, PEM.
    #[must_use]
    pub fn certificate(&self) -> String {
        self.certificate.pem()
    }
}
