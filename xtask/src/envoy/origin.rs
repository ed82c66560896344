//! The service behind the proxy: it keeps what arrives, byte for byte, and answers `ok`.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use crate::process::Done;

/// A service. Its thread ends with the process.
pub(super) struct Origin {
    port: u16,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Origin {
    pub(super) fn start() -> Done<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let port = listener.local_addr()?.port();
        let heads = Arc::<Mutex<Vec<String>>>::default();
        let seen = Arc::clone(&heads);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let seen = Arc::clone(&seen);
                thread::spawn(move || {
                    if let Some(head) = serve(stream) {
                        let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
                        seen.push(head);
                    }
                });
            }
        });
        Ok(Self { port, heads })
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// The heads of all requests so far. Their strings are Latin-1.
    pub(super) fn heads(&self) -> Vec<String> {
        let heads = self.heads.lock().unwrap_or_else(PoisonError::into_inner);
        heads.clone()
    }
}

/// One request, and the end of its connection.
fn serve(stream: TcpStream) -> Option<String> {
    let mut reader = BufReader::new(stream);
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if reader.read_until(b'\n', &mut head).ok()? == 0 {
            return None;
        }
    }
    let head = head.into_iter().map(char::from).collect();
    let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok";
    reader.get_mut().write_all(answer).ok()?;
    Some(head)
}
