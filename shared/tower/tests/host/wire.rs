//! HTTP/1.1 by the byte, since clients of a library don't send what an attacker does.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// What came back.
#[derive(Clone, Debug, Default)]
pub(crate) struct Response {
    pub(crate) status: u16,
    head: String,
    body: Vec<u8>,
}

impl Response {
    pub(crate) fn header(&self, wanted: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        let mut values = lines.filter(|(name, _)| name.eq_ignore_ascii_case(wanted));
        values.next().map(|(_, value)| value)
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    /// The code of a problem document. What a server refuses by itself has none.
    pub(crate) fn code(&self) -> Option<String> {
        let problem: Value = serde_json::from_slice(&self.body).ok()?;
        Some(problem["code"].as_str()?.to_owned())
    }

    pub(crate) fn told(&self) -> (u16, Option<String>) {
        (self.status, self.code())
    }
}

/// The bytes of a request without a body.
pub(crate) fn request(method: &[u8], target: &[u8], headers: &[(&[u8], &[u8])]) -> Vec<u8> {
    let mut bytes = [method, b" ", target, b" HTTP/1.1\r\n"].concat();
    let has_host = headers
        .iter()
        .any(|(name, _)| name.eq_ignore_ascii_case(b"host"));
    if !has_host {
        bytes.extend_from_slice(b"host: agents.example.com\r\n");
    }
    for (name, value) in headers {
        bytes.extend_from_slice(&[name, &b": "[..], value, b"\r\n"].concat());
    }
    bytes.extend_from_slice(b"\r\n");
    bytes
}

/// Sends bytes on a connection of their own and reads one response.
pub(crate) async fn send(server: SocketAddr, bytes: &[u8]) -> Response {
    let mut stream = TcpStream::connect(server).await.unwrap();
    let is_head = bytes.starts_with(b"HEAD ");
    // A server that has refused the head may not read to its end.
    let _refused = stream.write_all(bytes).await;
    let mut read = Vec::new();
    let whole = async {
        let mut chunk = [0; 4_096];
        loop {
            if let Some(response) = parse(&read, is_head) {
                return response;
            }
            match stream.read(&mut chunk).await {
                Ok(0) | Err(_) => return Response::default(),
                Ok(count) => read.extend_from_slice(&chunk[..count]),
            }
        }
    };
    let whole = tokio::time::timeout(Duration::from_secs(20), whole);
    whole.await.expect("an answer")
}

/// Asks for a path, with a token if there is one.
pub(crate) async fn get(server: SocketAddr, path: &str, token: &str) -> Response {
    let bearer = format!("Bearer {token}");
    let headers = [(&b"authorization"[..], bearer.as_bytes())];
    let headers = match token {
        "" => &headers[..0],
        _ => &headers[..],
    };
    send(server, &request(b"GET", path.as_bytes(), headers)).await
}

fn parse(read: &[u8], is_head: bool) -> Option<Response> {
    let end = read.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&read[..end]).into_owned();
    let mut response = Response {
        status: head.split(' ').nth(1)?.parse().unwrap(),
        head,
        body: read[end + 4..].to_vec(),
    };
    let length = response.header("content-length");
    let length: usize = length.map_or(0, |length| length.parse().unwrap());
    if is_head {
        response.body.clear();
    } else if response.body.len() < length {
        return None;
    }
    Some(response)
}
