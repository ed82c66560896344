//! The port: reserved first, so that a taken one is told before any file is made; listened at last,
//! so that nobody is connected who can't be answered yet.

use std::io;
use std::net::SocketAddr;

use tokio::net::{TcpListener, TcpSocket};

/// How many connections may wait in the system's queue.
const BACKLOG: u32 = 1_024;

/// Why the port can't be had.
#[derive(Debug, thiserror::Error)]
#[error("can't listen on {address}: {source}. {}", hint(source, key))]
pub struct ListenError {
    /// The key that says so.
    pub key: &'static str,
    /// The address.
    pub address: SocketAddr,
    /// What the system says.
    pub source: io::Error,
}

/// A port that is ours.
#[derive(Debug)]
pub(super) struct Port {
    key: &'static str,
    address: SocketAddr,
    socket: TcpSocket,
}

impl Port {
    /// Takes the port. Nobody can connect to it yet.
    pub(super) fn reserve(key: &'static str, address: SocketAddr) -> Result<Self, ListenError> {
        let socket = match address {
            SocketAddr::V4(_) => TcpSocket::new_v4(),
            SocketAddr::V6(_) => TcpSocket::new_v6(),
        };
        let bound = socket.and_then(|socket| {
            // A port whose last connections are still fading away isn't taken.
            socket.set_reuseaddr(true)?;
            socket.bind(address)?;
            Ok(socket)
        });
        match bound {
            Ok(socket) => Ok(Self {
                key,
                address,
                socket,
            }),
            Err(source) => Err(ListenError {
                key,
                address,
                source,
            }),
        }
    }

    /// Lets connections come.
    pub(super) fn listen(self) -> Result<TcpListener, ListenError> {
        let Self {
            key,
            address,
            socket,
        } = self;
        let listening = socket.listen(BACKLOG);
        listening.map_err(|source| ListenError {
            key,
            address,
            source,
        })
    }
}

fn hint(error: &io::Error, key: &str) -> String {
    match error.kind() {
        io::ErrorKind::AddrInUse => format!(
            "Another program listens there, perhaps another signet: stop it, or set `{key}` to \
             another port"
        ),
        io::ErrorKind::AddrNotAvailable => format!(
            "This machine doesn't have the address: set `{key}` to one it has, or to 0.0.0.0 for \
             all of them"
        ),
        io::ErrorKind::PermissionDenied => {
            format!("Ports below 1024 are for privileged programs: set `{key}` to a higher one")
        }
        _ => format!("Set `{key}` to another address or port"),
    }
}
