//! A small load generator: connections that are kept open, one request after the other on each.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::measure::median;

/// What came of a load.
#[derive(Debug)]
pub(crate) struct Load {
    pub(crate) requests: usize,
    pub(crate) per_second: f64,
    pub(crate) p50: f64,
    pub(crate) p99: f64,
}

impl Load {
    /// What is to be said of times in milliseconds, measured within so many seconds.
    pub(crate) fn of(mut latencies: Vec<f64>, seconds: f64) -> Self {
        latencies.sort_by(f64::total_cmp);
        let place = (latencies.len() as f64 * 0.99) as usize;
        Self {
            requests: latencies.len(),
            per_second: latencies.len() as f64 / seconds,
            p99: latencies.get(place).copied().unwrap_or(f64::NAN),
            p50: median(latencies),
        }
    }
}

/// Sends `requests` over `connections` for `time`, one after the other and from the beginning again;
/// every answer must be a 200. Times in milliseconds.
pub(crate) async fn run(
    port: u16,
    requests: &[String],
    connections: usize,
    time: Duration,
) -> Load {
    let requests: Arc<[String]> = requests.into();
    let started = Instant::now();
    let tasks: Vec<_> = (0..connections)
        .map(|number| {
            // Each begins at a place of its own.
            let first = requests.len() * number / connections;
            tokio::spawn(connection(
                port,
                Arc::clone(&requests),
                first,
                started + time,
            ))
        })
        .collect();
    let mut latencies = Vec::new();
    for task in tasks {
        latencies.extend(task.await.unwrap());
    }
    Load::of(latencies, started.elapsed().as_secs_f64())
}

async fn connection(port: u16, requests: Arc<[String]>, first: usize, until: Instant) -> Vec<f64> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let mut latencies = Vec::new();
    for request in requests.iter().cycle().skip(first) {
        let started = Instant::now();
        if started >= until {
            break;
        }
        stream.write_all(request.as_bytes()).await.unwrap();
        let status = read_answer(&mut stream).await;
        assert_eq!(status, "200", "every answer must be a success");
        latencies.push(started.elapsed().as_secs_f64() * 1e3);
    }
    latencies
}

/// Reads one answer with a `content-length`; answers its status.
async fn read_answer(stream: &mut TcpStream) -> String {
    read_whole_answer(stream).await.unwrap().0
}

/// Reads one answer; answers its status and its body.
pub(crate) async fn read_whole_answer(stream: &mut TcpStream) -> io::Result<(String, String)> {
    let mut answer = Vec::with_capacity(2_048);
    let mut chunk = [0; 4_096];
    loop {
        let length = stream.read(&mut chunk).await?;
        if length == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        answer.extend_from_slice(chunk.get(..length).unwrap());
        let text = String::from_utf8_lossy(&answer);
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let expected: usize = head
            .lines()
            .filter_map(|line| line.split_once(": "))
            .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
            .and_then(|(_, value)| value.parse().ok())
            .unwrap_or(0);
        if body.len() >= expected {
            let status = head.split(' ').nth(1).unwrap_or_default().to_owned();
            return Ok((status, body.to_owned()));
        }
    }
}
