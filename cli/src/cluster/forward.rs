//! Bytes to and from a port of a pod, through the API server.
//!
//! The API server takes a WebSocket and hands its bytes on to the kubelet, which connects to the port inside of the pod, on
//! its loopback. Every connection is one WebSocket. A message of the kubelet's about the port (nobody listens there) comes
//! beside the bytes; it takes the place of "the connection broke", which says nothing.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use hyper_util::rt::TokioIo;
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};
use tonic::transport::Endpoint;
use tower::service_fn;

use super::error::{chain, innermost};
use crate::Error;
use crate::client::{Client, LastWord, MISSING_IN_POD, Place};

type Said = Pin<Box<dyn Future<Output = Option<String>> + Send>>;

/// A port of a pod.
#[derive(Clone)]
pub(super) struct Forward {
    pub(super) pods: Api<Pod>,
    pub(super) pod: String,
    pub(super) port: u16,
    /// For sentences.
    pub(super) place: String,
    pub(super) last_word: LastWord,
}

impl Forward {
    /// A new connection.
    pub(super) async fn open(&self) -> Result<Stream, kube::Error> {
        let mut forwarder = self.pods.portforward(&self.pod, &[self.port]).await?;
        let bytes = forwarder.take_stream(self.port);
        let said: Said = match forwarder.take_error(self.port) {
            Some(said) => Box::pin(said),
            None => Box::pin(std::future::ready(None)),
        };
        // What carries the bytes goes on by itself, until the stream is dropped.
        Ok(Stream { bytes, said: Some(said), last_word: self.last_word.clone() })
    }
}

/// The collector behind a port of a pod.
pub(super) async fn connect(forward: Forward, first: Stream) -> Result<Client, Error> {
    let (place, last_word) = (forward.place.clone(), forward.last_word.clone());
    let first = Arc::new(Mutex::new(Some(first)));
    let connector = service_fn(move |_| {
        // Taken here, so that no lock is held while a new one is made.
        let open = first.lock().unwrap_or_else(PoisonError::into_inner).take();
        let forward = forward.clone();
        async move {
            match open {
                Some(stream) => Ok(TokioIo::new(stream)),
                None => {
                    let stream = forward.open().await;
                    stream.map(TokioIo::new).map_err(|e| io::Error::other(chain(&e)))
                }
            }
        }
    });
    // The name goes no further than the request's authority.
    let endpoint = Endpoint::from_static("http://coroner");
    let channel = endpoint.connect_with_connector(connector).await.map_err(|e| Error::Absent {
        place: place.clone(),
        problem: innermost(&e),
        hint: MISSING_IN_POD,
    })?;
    Ok(Client::over(channel, Place { name: place, hint: MISSING_IN_POD, last_word }))
}

/// One connection to the port.
pub(super) struct Stream {
    /// `None` where the forwarder gave none.
    bytes: Option<DuplexStream>,
    said: Option<Said>,
    last_word: LastWord,
}

impl Stream {
    fn bytes(&mut self) -> io::Result<Pin<&mut DuplexStream>> {
        self.bytes.as_mut().map(Pin::new).ok_or_else(|| io::ErrorKind::NotConnected.into())
    }

    /// At the end of the bytes: the kubelet's word for it. That comes before the end, so it is there by now if there is one.
    fn word(&mut self, cx: &mut Context<'_>) -> Option<io::Error> {
        let said = self.said.as_mut()?;
        let Poll::Ready(words) = said.as_mut().poll(cx) else { return None };
        self.said = None;
        let words = words?.trim().to_owned();
        *self.last_word.lock().unwrap_or_else(PoisonError::into_inner) = Some(words.clone());
        Some(io::Error::other(words))
    }

    fn or_word<T>(
        &mut self,
        cx: &mut Context<'_>,
        done: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        match done {
            Poll::Ready(Err(e)) => Poll::Ready(Err(self.word(cx).unwrap_or(e))),
            done => done,
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let read = self.bytes()?.poll_read(cx, buf);
        if matches!(&read, Poll::Ready(Ok(())))
            && buf.filled().len() == before
            && let Some(word) = self.word(cx)
        {
            return Poll::Ready(Err(word));
        }
        self.or_word(cx, read)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = self.bytes()?.poll_write(cx, bytes);
        self.or_word(cx, written)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = self.bytes()?.poll_flush(cx);
        self.or_word(cx, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let shut = self.bytes()?.poll_shutdown(cx);
        self.or_word(cx, shut)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    /// However the bytes end, the kubelet's word is what is told of it.
    #[tokio::test]
    async fn the_end_is_told_in_the_kubelets_words() {
        let ended = |words: Option<&str>| {
            let (ours, theirs) = tokio::io::duplex(64);
            drop(theirs);
            let words = words.map(str::to_owned);
            let said: Said = Box::pin(std::future::ready(words));
            Stream { bytes: Some(ours), said: Some(said), last_word: LastWord::default() }
        };
        let refused = Some("connection refused\n");
        let mut stream = ended(refused);
        let error = stream.read(&mut [0; 8]).await.unwrap_err();
        assert_eq!(error.to_string(), "connection refused");
        assert_eq!(stream.last_word.lock().unwrap().as_deref(), Some("connection refused"));
        // It is told once; after that there is only the end.
        assert_eq!(stream.read(&mut [0; 8]).await.unwrap(), 0);
        assert_eq!(ended(refused).write(b"x").await.unwrap_err().to_string(), "connection refused");
        assert_eq!(ended(None).read(&mut [0; 8]).await.unwrap(), 0);
        assert_eq!(ended(None).write(b"x").await.unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    }
}
