//! A relay between agent and collector that can keep the collector's answers back.
//!
//! What an agent sends still arrives and is committed; no acknowledgement comes. That is the moment between commit and
//! acknowledgement, held open for as long as a test needs it.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Listens as long as the process lives.
pub struct Relay {
    port: u16,
    mute: Arc<AtomicBool>,
}

impl Relay {
    /// Relays to a port of this machine.
    ///
    /// # Panics
    ///
    /// When it cannot listen.
    #[must_use]
    pub fn start(to: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let port = listener.local_addr().expect("it is bound").port();
        let mute = Arc::new(AtomicBool::new(false));
        let own = Arc::clone(&mute);
        std::thread::spawn(move || {
            for agent in listener.incoming().flatten() {
                let Ok(collector) = TcpStream::connect(("127.0.0.1", to)) else { continue };
                let (Ok(agent_again), Ok(collector_again)) =
                    (agent.try_clone(), collector.try_clone())
                else {
                    continue;
                };
                let never = Arc::new(AtomicBool::new(false));
                let mute = Arc::clone(&own);
                std::thread::spawn(move || copy(agent_again, collector_again, &never));
                std::thread::spawn(move || copy(collector, agent, &mute));
            }
        });
        Self { port, mute }
    }

    /// Its address.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Keeps the collector's answers back, or lets them through again.
    pub fn mute(&self, mute: bool) {
        self.mute.store(mute, Ordering::SeqCst);
    }
}

fn copy(mut from: TcpStream, mut to: TcpStream, mute: &AtomicBool) {
    let mut buffer = [0; 4096];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        if !mute.load(Ordering::SeqCst) && to.write_all(&buffer[..length]).is_err() {
            break;
        }
    }
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}
