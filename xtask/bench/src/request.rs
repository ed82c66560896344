//! Requests as text, and the exchange of one.

use serde_json::Value;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use crate::load::read_whole_answer;

pub(crate) fn get(port: u16, path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\n\r\n")
}

/// A `POST` of JSON.
pub(crate) fn post(port: u16, path: &str, body: &Value) -> String {
    send(port, "POST", path, "", body)
}

/// JSON from whoever a token is of, which stands there without a scheme; nobody's where it is empty.
pub(crate) fn send(port: u16, method: &str, path: &str, token: &str, body: &Value) -> String {
    let body = body.to_string();
    let length = body.len();
    let authorization = match token {
        "" => String::new(),
        token => format!("authorization: {token}\r\n"),
    };
    format!(
        "{method} {path} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\n{authorization}\
         content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    )
}

/// The body of the answer to a request on a connection of its own. It must be a success.
pub(crate) async fn ask(port: u16, request: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let (status, body) = read_whole_answer(&mut stream).await.unwrap();
    assert_eq!(status, "200", "{body}");
    body
}
