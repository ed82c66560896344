//! An origin that keeps every request as it came.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};

use crate::process::Done;

/// What `/gzip` answers: something that is gzip, and no runtime would pack like this.
pub(crate) const GZIP: &[u8] = &[
    0x1f, 0x8b, 0x08, 0, 0, 0, 0, 0, 0, 0x03, 0x01, 0x05, 0, 0xfa, 0xff, b'p', b'l', b'a', b'i',
    b'n', 0x46, 0x8c, 0xc4, 0x19, 0x05, 0, 0, 0,
];

/// A server on a free port. It ends with this process.
#[derive(Clone, Debug)]
pub(crate) struct Origin {
    pub(crate) address: SocketAddr,
    seen: Arc<Mutex<Vec<Received>>>,
}

/// A request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    pub(crate) target: String,
    /// Latin-1, each line with its end.
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Origin {
    pub(crate) fn start() -> Done<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let origin = Self {
            address: listener.local_addr()?,
            seen: Arc::default(),
        };
        let served = origin.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let served = served.clone();
                std::thread::spawn(move || while served.serve(&stream).is_some() {});
            }
        });
        Ok(origin)
    }

    /// What has come since the last time.
    pub(crate) fn take(&self) -> Vec<Received> {
        std::mem::take(&mut *self.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Serves one request; nothing when the connection is over.
    fn serve(&self, stream: &TcpStream) -> Option<()> {
        let mut reader = BufReader::with_capacity(1, stream);
        let received = read(&mut reader)?;
        let target = received.target.clone();
        let body = received.body.clone();
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.push(received);
        drop(seen);
        let mut stream = stream;
        let mut respond = |head: &str, body: &[u8]| {
            let length = body.len();
            let head = format!("HTTP/1.1 {head}\r\ncontent-length: {length}\r\n\r\n");
            stream.write_all(head.as_bytes()).ok()?;
            stream.write_all(body).ok()
        };
        match target.split('?').next().unwrap_or_default() {
            "/files/redirect" => respond("302 Found\r\nlocation: /files/elsewhere", b""),
            "/files/gzip" => respond("200 OK\r\ncontent-encoding: gzip", GZIP),
            "/files/cookies" => respond("200 OK\r\nset-cookie: a=1\r\nset-cookie: b=2", b""),
            "/files/echo" => respond("200 OK", &body),
            _ => respond("200 OK", b"origin"),
        }
    }
}

fn read(reader: &mut BufReader<&TcpStream>) -> Option<Received> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if reader.read_until(b'\n', &mut head).ok()? == 0 {
            return None;
        }
    }
    let head: String = head.iter().copied().map(char::from).collect();
    let lower = head.to_ascii_lowercase();
    let length = lower.split_once("content-length: ").map(|(_, rest)| rest);
    let length = length.and_then(|rest| rest.lines().next()?.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body).ok()?;
    // What is chunked here has no chunk but the last.
    if lower.contains("transfer-encoding: chunked") {
        reader.read_exact(&mut [0; 5]).ok()?;
    }
    Some(Received {
        target: head.split(' ').nth(1)?.to_owned(),
        head,
        body,
    })
}
