//! `pods/portforward` over a WebSocket, as the API server and the kubelet behind it do it.
//!
//! Protocol `v4.channel.k8s.io` (apiserver/pkg/util/wsstream, kubelet/pkg/cri/streaming/portforward): each message begins
//! with the number of its channel. For the port with number `i` of the query, channel `2i` is its bytes and `2i + 1` what the
//! kubelet says of it; the first message of each is the port, little endian. When the port cannot be connected to, the
//! kubelet says so and closes.

use std::net::SocketAddr;
use std::sync::Arc;

use futures_util::{SinkExt as _, StreamExt as _};
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Incoming;
use hyper::header::{CONNECTION, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, UPGRADE};
use hyper::header::{HeaderName, SEC_WEBSOCKET_PROTOCOL};
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;

use super::answers::{Body, refused};
use super::handle::State;
use super::objects::Resource;
use super::route::Asked;

const PROTOCOL: &str = "v4.channel.k8s.io";

pub(super) fn forward(
    state: &Arc<State>,
    asked: &Asked,
    mut request: Request<Incoming>,
) -> Response<Body> {
    let namespace = asked.namespace.clone().unwrap_or_default();
    let pod = asked.name.clone().unwrap_or_default();
    let key = (namespace.clone(), pod.clone());
    if !state.objects().all.get(&Resource::PODS).is_some_and(|pods| pods.contains_key(&key)) {
        return refused(404, "NotFound", &format!("pods {pod:?} not found"));
    }
    let header =
        |name: HeaderName| request.headers().get(name).and_then(|value| value.to_str().ok());
    let ports = asked.parameter("ports").unwrap_or_default();
    let ports: Vec<u16> = ports.split(',').filter_map(|port| port.parse().ok()).collect();
    let offered = header(SEC_WEBSOCKET_PROTOCOL).unwrap_or_default();
    let (Some(websocket), [port]) = (header(SEC_WEBSOCKET_KEY), &ports[..]) else {
        return refused(400, "BadRequest", "Upgrade request required");
    };
    if !offered.split(',').any(|one| one.trim() == PROTOCOL) {
        return refused(403, "Forbidden", "unable to negotiate protocol");
    }
    let accept = derive_accept_key(websocket.as_bytes());
    let port = *port;
    let to = state.listening.lock().unwrap().get(&(namespace, pod, port)).copied();
    tokio::spawn(async move {
        let Ok(upgraded) = hyper::upgrade::on(&mut request).await else { return };
        let socket =
            WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Server, None).await;
        carry(socket, port, to).await;
    });
    let mut answer = Response::new(Empty::new().map_err(|never| match never {}).boxed());
    *answer.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = answer.headers_mut();
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(PROTOCOL));
    headers.insert(SEC_WEBSOCKET_ACCEPT, HeaderValue::from_str(&accept).unwrap());
    answer
}

/// Carries bytes between the socket and a port, until one of them ends.
async fn carry<S>(mut socket: WebSocketStream<S>, port: u16, to: Option<SocketAddr>)
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    let message = |channel: u8, bytes: &[u8]| {
        let mut all = vec![channel];
        all.extend_from_slice(bytes);
        Message::binary(all)
    };
    for channel in [0, 1] {
        let _ = socket.send(message(channel, &port.to_le_bytes())).await;
    }
    let connected = match to {
        Some(to) => TcpStream::connect(to).await.ok(),
        None => None,
    };
    let Some(mut stream) = connected else {
        let words = format!(
            "error forwarding port {port} to pod: failed to connect to localhost:{port} inside namespace: connect: connection refused"
        );
        let _ = socket.send(message(1, words.as_bytes())).await;
        let _ = socket.close(None).await;
        return;
    };
    let mut buffer = vec![0; 16 * 1024];
    loop {
        tokio::select! {
            read = stream.read(&mut buffer) => match read {
                Ok(n) if n > 0 => {
                    if socket.send(message(0, &buffer[..n])).await.is_err() {
                        return;
                    }
                }
                _ => break,
            },
            next = socket.next() => match next {
                Some(Ok(Message::Binary(bytes))) if bytes.first() == Some(&0) => {
                    if stream.write_all(&bytes[1..]).await.is_err() {
                        break;
                    }
                }
                Some(Ok(Message::Close(_)) | Err(_)) | None => break,
                Some(Ok(_)) => {}
            },
        }
    }
    let _ = socket.close(None).await;
}
