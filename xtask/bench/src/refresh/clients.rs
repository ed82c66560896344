//! Clients that refresh as fast as they are answered: a closed loop on a connection for each.

use std::time::{Duration, Instant};

use serde::Deserialize;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use super::{CONNECTIONS, Service};
use crate::load::{Load, read_whole_answer};
use crate::machine::idle;
use crate::processes::{own_processor_time, processor_time};
use crate::request::ask;

/// How many log in at once: few enough that nobody is turned away.
const AT_ONCE: usize = 2;

/// How to speak with a service.
#[derive(Clone, Copy)]
pub(super) struct Dialect {
    /// The request with which a person logs in.
    pub(super) login: fn(u16, usize) -> String,
    /// The request with a refresh token.
    pub(super) refresh: fn(u16, &str) -> String,
    /// Whether an answer's token must be another than the one it was asked for with.
    pub(super) rotates: bool,
}

/// What an answer must hold, to a login as to a refresh.
#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(alias = "token")]
    refresh_token: &'a str,
}

fn token(body: &str) -> &str {
    let answer: Answer<'_> = serde_json::from_str(body).unwrap();
    answer.refresh_token
}

/// What came of a turn. Times in microseconds for each refresh, shares of what there was.
pub(super) struct Turn {
    pub(super) load: Load,
    /// Processor time of the service.
    pub(super) served: f64,
    /// Processor time of this program.
    pub(super) asked: f64,
    /// The share of its one thread that the load took.
    pub(super) thread: f64,
    /// The share of all processors that nobody took.
    pub(super) idle: f64,
}

/// A token of each person.
pub(super) async fn log_in(port: u16, dialect: &Dialect) -> Vec<String> {
    let login = dialect.login;
    let tasks: Vec<_> = (0..AT_ONCE)
        .map(|first| {
            tokio::spawn(async move {
                let mut tokens = Vec::new();
                for number in (first..CONNECTIONS).step_by(AT_ONCE) {
                    let body = ask(port, &login(port, number)).await;
                    tokens.push(token(&body).to_owned());
                }
                tokens
            })
        })
        .collect();
    let mut tokens = Vec::new();
    for task in tasks {
        tokens.extend(task.await.unwrap());
    }
    tokens
}

/// Refreshes every session for a time.
pub(super) async fn refresh(service: &mut Service, time: Duration) -> Turn {
    let mut streams = Vec::new();
    for _ in 0..CONNECTIONS {
        let stream = TcpStream::connect(("127.0.0.1", service.port))
            .await
            .unwrap();
        stream.set_nodelay(true).unwrap();
        streams.push(stream);
    }
    let before = (
        processor_time(&service.processes),
        own_processor_time(),
        idle(),
    );
    let started = Instant::now();
    let clients: Vec<_> = std::mem::take(&mut service.tokens)
        .into_iter()
        .zip(streams)
        .map(|(token, stream)| {
            let client = Client {
                port: service.port,
                dialect: service.dialect,
                token,
                stream,
            };
            tokio::spawn(client.run(started + time))
        })
        .collect();
    let mut latencies = Vec::new();
    for client in clients {
        let (of_client, token) = client.await.unwrap();
        latencies.extend(of_client);
        service.tokens.push(token);
    }
    let took = started.elapsed();
    let served = processor_time(&service.processes) - before.0;
    let asked = own_processor_time() - before.1;
    let idle = idle() - before.2;
    let load = Load::of(latencies, took.as_secs_f64());
    let of_one = |time: Duration| time.as_secs_f64() * 1e6 / load.requests as f64;
    Turn {
        served: of_one(served),
        asked: of_one(asked),
        thread: asked.as_secs_f64() / took.as_secs_f64(),
        idle: idle.as_secs_f64() / took.as_secs_f64() / crate::machine::cores() as f64,
        load,
    }
}

/// One session, on one connection.
struct Client {
    port: u16,
    dialect: Dialect,
    token: String,
    stream: TcpStream,
}

impl Client {
    /// Refreshes until then; answers how long each took, in milliseconds, and the last token.
    async fn run(mut self, until: Instant) -> (Vec<f64>, String) {
        let mut latencies = Vec::new();
        loop {
            let started = Instant::now();
            if started >= until {
                return (latencies, self.token);
            }
            let request = (self.dialect.refresh)(self.port, &self.token);
            self.stream.write_all(request.as_bytes()).await.unwrap();
            let answer = read_whole_answer(&mut self.stream).await;
            latencies.push(started.elapsed().as_secs_f64() * 1e3);
            let (status, body) = answer.unwrap();
            assert_eq!(status, "200", "{body}");
            let next = token(&body);
            let is_new = next != self.token;
            assert!(is_new || !self.dialect.rotates, "the same token came back");
            self.token = next.to_owned();
        }
    }
}
