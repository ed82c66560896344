//! The service behind the proxy: it keeps what arrives, byte for byte, and answers `ok`.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use crate::process::Done;

/// A service. Its thread ends with the process.
pub(crate) struct Origin {
    port: u16,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Origin {
    pub(crate) fn start() -> Done<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let port = listener.local_addr()?.port();
        let requests = Arc::<Mutex<Vec<String>>>::default();
        let seen = Arc::clone(&requests);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let seen = Arc::clone(&seen);
                thread::spawn(move || serve(stream, &seen));
            }
        });
        Ok(Self { port, requests })
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// All requests so far, with their bodies. Their strings are Latin-1.
    pub(super) fn requests(&self) -> Vec<String> {
        let requests = self.requests.lock();
        requests.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// One request, and the end of its connection. It is there before it is answered.
fn serve(stream: TcpStream, seen: &Mutex<Vec<String>>) -> Option<()> {
    let mut reader = BufReader::new(stream);
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        if reader.read_until(b'\n', &mut request).ok()? == 0 {
            return None;
        }
    }
    let head = String::from_utf8_lossy(&request);
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "));
    let length = length.and_then(|length| length.parse().ok()).unwrap_or(0);
    reader
        .by_ref()
        .take(length)
        .read_to_end(&mut request)
        .ok()?;
    let request = request.into_iter().map(char::from).collect();
    seen.lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(request);
    let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok";
    reader.get_mut().write_all(answer).ok()
}
