//! Requests byte by byte, since no client sends what attackers do.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use crate::chunked;
use crate::process::{Done, Failure};

/// What came back.
#[derive(Clone, Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    /// Latin-1, in lower case.
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Response {
    pub(crate) fn has(&self, text: &str) -> bool {
        self.head.contains(text)
    }

    pub(crate) fn code(&self) -> String {
        let body: serde_json::Value = serde_json::from_slice(&self.body).unwrap_or_default();
        let code = body.get("code").and_then(serde_json::Value::as_str);
        code.unwrap_or_default().to_owned()
    }
}

/// Sends these bytes on a connection of their own, and reads one response.
pub(crate) fn exchange(port: u16, request: &[u8]) -> Done<Response> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    // A server that refuses a head needn't read all of it.
    let _closed = stream.write_all(request);
    read(&mut stream, request.starts_with(b"HEAD "))
}

/// Sends these bytes, and hangs up before anything comes back.
pub(crate) fn abandon(port: u16, request: &[u8]) -> Done {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.write_all(request)?;
    // Long enough to be read, and not to be answered.
    std::thread::sleep(Duration::from_millis(150));
    Ok(())
}

/// A GET with these header lines beside `Host`.
pub(crate) fn get(port: u16, target: &str, headers: &[&str]) -> Done<Response> {
    exchange(port, &head("GET", target, headers))
}

/// The head of a request, without a body.
pub(crate) fn head(method: &str, target: &str, headers: &[&str]) -> Vec<u8> {
    let mut head = format!("{method} {target} HTTP/1.1\r\nHost: service.example\r\n");
    for header in headers {
        head.push_str(header);
        head.push_str("\r\n");
    }
    head.push_str("\r\n");
    // Latin-1, so that any byte can be written.
    head.chars()
        .map(|character| u8::try_from(character).unwrap_or(b'?'))
        .collect()
}

fn read(stream: &mut TcpStream, has_no_body: bool) -> Done<Response> {
    let mut bytes = Vec::new();
    let mut chunk = [0; 4_096];
    loop {
        if let Some(response) = parse(&bytes, has_no_body) {
            return Ok(response);
        }
        match stream.read(&mut chunk)? {
            0 => break,
            length => bytes.extend_from_slice(chunk.get(..length).unwrap_or_default()),
        }
    }
    let text = String::from_utf8_lossy(&bytes).into_owned();
    Err(Failure::new(format!("half a response: {text}")))
}

/// A whole response. One that switches protocols has the first frame behind it as its body.
fn parse(bytes: &[u8], has_no_body: bool) -> Option<Response> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    let (head, body) = bytes.split_at_checked(end.checked_add(4)?)?;
    let head: String = head.iter().copied().map(char::from).collect();
    let head = head.to_ascii_lowercase();
    let status: u16 = head.split(' ').nth(1)?.parse().ok()?;
    let length = head.split_once("content-length: ");
    let length = length.and_then(|(_, rest)| rest.lines().next()?.parse::<usize>().ok());
    let body = match length {
        _ if has_no_body => Vec::new(),
        Some(length) => body.get(..length)?.to_vec(),
        None if status == 101 && body.len() < 7 => return None,
        None if head.contains("transfer-encoding: chunked") => chunked::decode(body)?,
        None => body.to_vec(),
    };
    Some(Response { status, head, body })
}
