//! Requests as bytes, and their answers.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use crate::process::{Done, Failure};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(8);

/// An answer. Its strings are Latin-1.
#[derive(Debug)]
pub(super) struct Answer {
    /// 0 where the connection was closed without one.
    pub(super) status: u16,
    pub(super) head: String,
    pub(super) body: String,
}

impl Answer {
    /// For failures.
    pub(super) fn text(&self) -> String {
        format!("{}: {}{}", self.status, self.head, self.body)
    }
}

/// Gets a path, on a connection of its own.
pub(super) fn get(port: u16, path: &str, token: Option<&str>) -> Done<Answer> {
    let token = token.map_or(String::new(), |token| {
        format!("Authorization: Bearer {token}\r\n")
    });
    let request = format!("GET {path} HTTP/1.1\r\nHost: service.example.com\r\n{token}\r\n");
    send(port, request.as_bytes())
}

/// Sends bytes on a connection of their own, and reads one answer.
pub(super) fn send(port: u16, request: &[u8]) -> Done<Answer> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    // Whoever has read enough closes, and may have answered before.
    let _sent_as_far_as_it_goes = stream.write_all(request);
    let (mut answer, mut chunk) = (Vec::new(), [0; 4_096]);
    loop {
        if let Some(answer) = read(&answer)? {
            return Ok(answer);
        }
        match stream.read(&mut chunk) {
            Ok(0) => break,
            Ok(length) => answer.extend_from_slice(chunk.get(..length).unwrap_or_default()),
            Err(error) if answer.is_empty() && error.kind() == std::io::ErrorKind::WouldBlock => {
                return Err(Failure::new("there is no answer"));
            }
            Err(_) => break,
        }
    }
    Ok(Answer {
        status: 0,
        head: latin_1(&answer),
        body: String::new(),
    })
}

/// The answer, once all of it is there.
fn read(bytes: &[u8]) -> Done<Option<Answer>> {
    let text = latin_1(bytes);
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return Ok(None);
    };
    let mut lines = head.lines().filter_map(|line| line.split_once(": "));
    let length = lines.find(|(name, _)| *name == "content-length");
    let length: usize = length.map_or(Ok(0), |(_, length)| length.parse())?;
    if body.len() < length {
        return Ok(None);
    }
    let status = head.split(' ').nth(1).unwrap_or_default().parse()?;
    Ok(Some(Answer {
        status,
        head: format!("{head}\r\n"),
        body: body.to_owned(),
    }))
}

fn latin_1(bytes: &[u8]) -> String {
    bytes.iter().copied().map(char::from).collect()
}
