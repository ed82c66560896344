//! The service behind the gates. It remembers the head of whatever reached it.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::head::Head;
use crate::process::Done;

/// A server on a port of its own, as long as this process runs.
pub(crate) struct Origin {
    pub(crate) address: SocketAddr,
    seen: Arc<Mutex<Vec<Head>>>,
}

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nx-origin: 1\r\ncontent-length: 0\r\n\r\n";
/// How long a client may be silent.
const PATIENCE: Duration = Duration::from_secs(60);

impl Origin {
    pub(crate) fn start() -> Done<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let seen = Arc::new(Mutex::new(Vec::new()));
        let note = Arc::clone(&seen);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let note = Arc::clone(&note);
                std::thread::spawn(move || serve(stream, &note));
            }
        });
        Ok(Self { address, seen })
    }

    /// What reached it since the last time.
    pub(crate) fn take(&self) -> Vec<Head> {
        std::mem::take(&mut *self.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Answers one request after the other, none of which has a body.
fn serve(mut stream: TcpStream, seen: &Mutex<Vec<Head>>) -> Option<()> {
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    let mut read = Vec::new();
    let mut chunk = [0; 4_096];
    loop {
        let count = stream.read(&mut chunk).ok().filter(|count| *count > 0)?;
        read.extend_from_slice(chunk.get(..count)?);
        while let Some(end) = read.windows(4).position(|window| window == b"\r\n\r\n") {
            let head: Vec<u8> = read.drain(..end.saturating_add(4)).collect();
            let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
            seen.push(Head::parse(&head)?);
            drop(seen);
            stream.write_all(ANSWER).ok()?;
        }
    }
}
