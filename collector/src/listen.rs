//! Takes the addresses the collector serves on, or says in one sentence why not.
//!
//! Nothing is encrypted yet and nobody is asked who they are, so only this machine may connect unless somebody
//! insists.

use std::net::SocketAddr;

use tokio::net::TcpListener;

/// Why an address cannot be served on.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// Not a loopback address.
    #[error(
        "{flag} {addr} can be reached from other machines, and nothing sent there would be encrypted or checked; \
         use a loopback address, or allow it with --insecure-listen-anywhere"
    )]
    NotLoopback {
        /// The flag that names the address.
        flag: &'static str,
        /// The address.
        addr: SocketAddr,
    },
    /// Somebody else has it.
    #[error(
        "{flag} {addr} is taken by another process; end that, or choose another address with {flag}"
    )]
    Taken {
        /// The flag that names the address.
        flag: &'static str,
        /// The address.
        addr: SocketAddr,
    },
    /// The system refuses.
    #[error("{flag} {addr} cannot be listened on: {source}")]
    Refused {
        /// The flag that names the address.
        flag: &'static str,
        /// The address.
        addr: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
}

/// Takes `addr`, which the flag `flag` names.
pub(crate) async fn bind(
    flag: &'static str,
    addr: SocketAddr,
    anywhere: bool,
) -> Result<TcpListener, ListenError> {
    if !addr.ip().to_canonical().is_loopback() {
        if !anywhere {
            return Err(ListenError::NotLoopback { flag, addr });
        }
        tracing::warn!(%addr, "{flag} can be reached from other machines; nothing sent there is encrypted or checked");
    }
    TcpListener::bind(addr).await.map_err(|source| match source.kind() {
        std::io::ErrorKind::AddrInUse => ListenError::Taken { flag, addr },
        _ => ListenError::Refused { flag, addr, source },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_taken_port_is_named_with_its_flag() {
        let first = bind("--grpc-addr", ([127, 0, 0, 1], 0).into(), false).await.unwrap();
        let addr = first.local_addr().unwrap();
        assert_eq!(
            bind("--grpc-addr", addr, false).await.unwrap_err().to_string(),
            format!(
                "--grpc-addr {addr} is taken by another process; end that, or choose another address with --grpc-addr"
            )
        );
    }

    #[tokio::test]
    async fn other_machines_are_kept_out_unless_somebody_insists() {
        for addr in ["0.0.0.0:0", "[::]:0", "[::ffff:192.0.2.1]:0"] {
            let error = bind("--http-addr", addr.parse().unwrap(), false).await.unwrap_err();
            assert!(matches!(error, ListenError::NotLoopback { .. }), "{error}");
        }
        bind("--http-addr", "0.0.0.0:0".parse().unwrap(), true).await.unwrap();
        bind("--http-addr", "[::ffff:127.0.0.1]:0".parse().unwrap(), false).await.unwrap();
    }
}
