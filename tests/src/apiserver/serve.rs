//! Connections, TLS, and who answers what.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use hyper::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, DATE, HeaderValue, RETRY_AFTER};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

use super::answers::{Body, forbidden, no_such_path, pieces, refused, refused_about, whole};
use super::faults::Fault;
use super::handle::{BEARER, State};
use super::objects::Resource;
use super::route::Asked;
use super::{forward, list, reviews, watch, writes};

/// Who the collector is, to the server.
const USER: &str = "system:serviceaccount:coroner:coroner-collector";

/// A certificate for loopback, and its key.
pub(super) struct Certificate(rcgen::CertifiedKey<rcgen::KeyPair>);

impl Certificate {
    pub(super) fn new() -> Self {
        let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
        Self(rcgen::generate_simple_self_signed(names).unwrap())
    }

    pub(super) fn pem(&self) -> String {
        self.0.cert.pem()
    }

    fn acceptor(&self) -> TlsAcceptor {
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(self.0.signing_key.serialize_der()));
        let config = ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(vec![self.0.cert.der().clone()], key)
            .unwrap();
        TlsAcceptor::from(Arc::new(config))
    }
}

/// Listens. The task ends all its connections when it is aborted.
pub(super) async fn serve(
    state: &Arc<State>,
    certificate: &Certificate,
    addr: SocketAddr,
) -> (SocketAddr, JoinHandle<()>) {
    let listener = TcpListener::bind(addr).await.unwrap();
    let addr = listener.local_addr().unwrap();
    let acceptor = certificate.acceptor();
    let state = state.clone();
    let serving = tokio::spawn(async move {
        let mut connections = JoinSet::new();
        loop {
            let Ok((stream, _)) = listener.accept().await else { return };
            let _ = stream.set_nodelay(true);
            let (acceptor, state) = (acceptor.clone(), state.clone());
            connections.spawn(async move {
                let Ok(stream) = acceptor.accept(stream).await else { return };
                let service = service_fn(move |request| answer(state.clone(), request));
                let connection = hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), service)
                    .with_upgrades();
                // A client that goes away is no error here.
                let _ = connection.await;
            });
        }
    });
    (addr, serving)
}

async fn answer(
    state: Arc<State>,
    request: Request<Incoming>,
) -> Result<Response<Body>, Infallible> {
    let ahead = state.clock_ahead_s.load(Ordering::Relaxed);
    let mut answer = routed(state, request).await;
    // hyper sets the header itself unless it is there.
    let now = Timestamp::now() + SignedDuration::from_secs(ahead);
    let date = now.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    if let Ok(date) = HeaderValue::from_str(&date) {
        answer.headers_mut().insert(DATE, date);
    }
    Ok(answer)
}

async fn routed(state: Arc<State>, request: Request<Incoming>) -> Response<Body> {
    let header = |name| {
        let value = request.headers().get(name).and_then(|value| value.to_str().ok());
        value.unwrap_or_default().to_owned()
    };
    if header(AUTHORIZATION) != format!("Bearer {BEARER}") {
        return refused(401, "Unauthorized", "Unauthorized");
    }
    let uri = request.uri();
    let asked =
        Asked::of(request.method(), uri.path(), uri.query().unwrap_or_default(), &header(ACCEPT));
    let Some(asked) = asked else { return no_such_path() };
    state.asked.lock().unwrap().push(asked.clone());
    let right = (asked.verb.clone(), asked.resource.clone());
    if state.forbidden.lock().unwrap().contains(&right) {
        return forbidden(USER, &asked);
    }
    let fault = state.faults.lock().unwrap().get_mut(&asked.resource).and_then(|f| f.pop_front());
    match fault {
        Some(Fault::Status(code)) => return refused(code, "InternalError", "on demand"),
        Some(Fault::Instead(text)) => return whole(hyper::StatusCode::OK, text),
        Some(Fault::Busy(seconds)) => {
            let mut answer = refused(429, "TooManyRequests", "please try again later");
            answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
            return answer;
        }
        Some(Fault::Slow(time)) => tokio::time::sleep(time).await,
        Some(Fault::CutAfter(bytes)) => return cut(asked_for(&state, asked), bytes),
        None => {}
    }
    match (asked.verb.as_str(), asked.resource.as_str()) {
        ("list" | "watch", _) => return asked_for(&state, asked),
        ("get", "pods/portforward") => return forward::forward(&state, &asked, request),
        ("get", _) => return list::get(&state.objects(), &asked),
        _ => {}
    }
    let media = header(CONTENT_TYPE);
    let body = Limited::new(request.into_body(), 1 << 20).collect().await;
    let Ok(body) = body.map(http_body_util::Collected::to_bytes) else {
        return refused(413, "RequestEntityTooLarge", "limit is 1048576");
    };
    let Ok(body) = serde_json::from_slice(&body) else {
        return refused(400, "BadRequest", "the object provided is unrecognized");
    };
    match (asked.verb.as_str(), asked.resource.as_str()) {
        ("create", "tokenreviews") => reviews::token(&state, &body),
        ("create", "subjectaccessreviews") => reviews::access(&state, &body),
        ("create", "events") => writes::create_event(&state, &asked, body),
        ("patch", "events") => writes::patch_event(&state, &asked, &media, &body),
        ("patch", "nodes/status") => writes::patch_node_status(&state, &asked, &media, &body),
        _ => refused_about(
            405,
            "MethodNotAllowed",
            "the server does not allow this method on the requested resource",
            json!({}),
        ),
    }
}

fn asked_for(state: &Arc<State>, asked: Asked) -> Response<Body> {
    let known = |one: &&Resource| one.0 == asked.group && one.1 == asked.resource;
    let Some(resource) = Resource::ALL.iter().find(known) else {
        // A group that nobody serves is no path.
        if !Resource::ALL.iter().any(|one| one.0 == asked.group) {
            return no_such_path();
        }
        let message = "the server could not find the requested resource";
        return refused_about(404, "NotFound", message, json!({}));
    };
    if !asked.acceptable {
        return not_acceptable(*resource, &asked);
    }
    for number in ["limit", "timeoutSeconds"] {
        if let Some(text) = asked.parameter(number)
            && text.parse::<i64>().is_err()
        {
            let message = format!("strconv.ParseInt: parsing {text:?}: invalid syntax");
            return refused(400, "BadRequest", &message);
        }
    }
    if asked.verb == "watch" {
        watch::watch(state, *resource, asked)
    } else {
        list::list(&state.objects(), *resource, &asked)
    }
}

/// What a client accepts is not served.
fn not_acceptable(resource: Resource, asked: &Asked) -> Response<Body> {
    if asked.metadata_only {
        let (kind, group) = (resource.kind().0, resource.0);
        let package = if group.is_empty() { "core" } else { group };
        let message = format!(
            "you requested PartialObjectMetadata, but the requested object is a list (*{package}.{kind}List)"
        );
        return refused(406, "NotAcceptable", &message);
    }
    let message = "406: Not Acceptable\n\nAvailable representations: application/json, application/yaml, \
                   application/vnd.kubernetes.protobuf, application/json;stream=watch, \
                   application/vnd.kubernetes.protobuf;stream=watch";
    refused_about(406, "NotAcceptable", message, json!({}))
}

/// The first bytes of an answer, and then the connection breaks.
fn cut(answer: Response<Body>, bytes: usize) -> Response<Body> {
    let (send, receive) = tokio::sync::mpsc::channel(1);
    tokio::spawn(async move {
        let mut body = answer.into_body();
        let mut left = bytes;
        while let Some(Ok(frame)) = body.frame().await {
            let Ok(data) = frame.into_data() else { continue };
            let some = data.slice(..data.len().min(left));
            left -= some.len();
            if send.send(Ok(some)).await.is_err() {
                return;
            }
            if left == 0 {
                break;
            }
        }
        let _ = send.send(Err(io::Error::other("on demand"))).await;
    });
    pieces(receive)
}
