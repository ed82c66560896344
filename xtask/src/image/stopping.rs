//! A container that is told to stop answers what it is being asked, and is gone before a platform
//! loses patience.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use super::container::Image;
use super::running::{HOST, ready};
use crate::process::{Done, Failure, free_port, listens, say};

/// After how long platforms kill what they told to stop.
const PATIENCE: Duration = Duration::from_secs(10);

const LOGIN: &str = r#"{"email":"ada@example.com","password":"correct horse battery staple"}"#;

pub(super) fn check(image: &Image) -> Done {
    let port = free_port()?;
    let container = ready(image, "stopping")?.with("PORT", port);
    let mut process = container.start()?;
    process.wait_until(|| listens(port))?;
    let (most, last) = LOGIN.split_at(LOGIN.len().saturating_sub(1));
    let mut login = connect(port)?;
    let length = LOGIN.len();
    let head = format!(
        "POST /v1/login HTTP/1.1\r\nhost: {HOST}\r\ncontent-type: application/json\r\n\
         content-length: {length}\r\n\r\n"
    );
    login.write_all(format!("{head}{most}").as_bytes())?;
    // Until it has been read.
    std::thread::sleep(Duration::from_millis(300));
    let told = Instant::now();
    process.terminate()?;
    std::thread::sleep(Duration::from_millis(300));
    let probe = exchange(
        connect(port)?,
        "GET /readyz HTTP/1.1\r\nhost: probe\r\n\r\n",
    )?;
    must_begin(&probe, "HTTP/1.1 503")?;
    let answer = exchange(login, last)?;
    must_begin(&answer, "HTTP/1.1 401")?;
    let status = process.ended_within(PATIENCE.saturating_sub(told.elapsed()))?;
    say(format!("stopped after {} ms", told.elapsed().as_millis()));
    match status.success() {
        true => Ok(()),
        false => Err(process.failure(&format!("ended: {status}"))),
    }
}

fn connect(port: u16) -> Done<TcpStream> {
    let stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    Ok(stream)
}

/// Sends the rest of a request, and reads until the other side closes.
fn exchange(mut stream: TcpStream, rest: &str) -> Done<String> {
    stream.write_all(rest.as_bytes())?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

fn must_begin(answer: &str, beginning: &str) -> Done {
    match answer.starts_with(beginning) {
        true => Ok(()),
        false => Err(Failure::new(format!("not {beginning}: {answer}"))),
    }
}
