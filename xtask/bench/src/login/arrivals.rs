//! Requests at a constant rate, each at its moment, whatever became of those before it: an open loop.
//! Times count from that moment, so that a service which holds up everybody can't hide it
//! (coordinated omission).

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::load::read_whole_answer;

/// How long an answer is waited for, in order to say what became of it.
const LONGEST: Duration = Duration::from_secs(30);

/// What the next request is made of, and what is made of its answer's body.
type Next = dyn Fn(usize) -> Option<String> + Send + Sync;
type Took = dyn Fn(usize, &str) + Send + Sync;

/// Where requests go, and what they are.
#[derive(Clone)]
pub(crate) struct Target {
    port: u16,
    next: Arc<Next>,
    took: Arc<Took>,
    sent: Arc<AtomicUsize>,
    idle: Arc<Mutex<Vec<TcpStream>>>,
}

impl Target {
    /// Requests by their number; `None` sends none this time.
    pub(crate) fn new(
        port: u16,
        next: impl Fn(usize) -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        Self {
            port,
            next: Arc::new(next),
            took: Arc::new(|_, _| ()),
            sent: Arc::default(),
            idle: Arc::default(),
        }
    }

    /// What is done with the body of each success.
    pub(crate) fn taking(mut self, took: impl Fn(usize, &str) + Send + Sync + 'static) -> Self {
        self.took = Arc::new(took);
        self
    }

    async fn exchange(&self) -> Option<String> {
        let number = self.sent.fetch_add(1, Ordering::Relaxed);
        let request = (self.next)(number)?;
        let answered = tokio::time::timeout(LONGEST, self.ask(number, &request)).await;
        Some(match answered {
            Ok(Ok(status)) => status,
            Ok(Err(error)) => format!("nothing: {}", error.kind()),
            Err(_) => "nothing for half a minute".to_owned(),
        })
    }

    async fn ask(&self, number: usize, request: &str) -> std::io::Result<String> {
        let idle = self.idle.lock().unwrap().pop();
        let mut stream = match idle {
            Some(stream) => stream,
            None => TcpStream::connect(("127.0.0.1", self.port)).await?,
        };
        stream.set_nodelay(true)?;
        stream.write_all(request.as_bytes()).await?;
        let (status, body) = read_whole_answer(&mut stream).await?;
        if status == "200" {
            (self.took)(number, &body);
        }
        self.idle.lock().unwrap().push(stream);
        Ok(status)
    }
}

/// Moments at which requests are sent.
pub(crate) struct Arrivals {
    rate: f64,
    time: Duration,
}

impl Arrivals {
    pub(crate) fn new(rate: f64, time: Duration) -> Self {
        Self { rate, time }
    }

    /// Sends them all, and waits for every answer.
    pub(crate) async fn send(self, target: Target) -> Outcome {
        let begun = Instant::now();
        let count = (self.rate * self.time.as_secs_f64()) as u32;
        let mut asked = JoinSet::new();
        for number in 0..count {
            let due = begun + Duration::from_secs_f64(f64::from(number) / self.rate);
            tokio::time::sleep_until(due.into()).await;
            let target = target.clone();
            asked.spawn(async move {
                let status = target.exchange().await;
                (status, due.elapsed(), begun.elapsed())
            });
        }
        let mut outcome = Outcome::default();
        while let Some(answered) = asked.join_next().await {
            if let (Some(status), took, answered) = answered.unwrap() {
                outcome.add(status, took, answered);
            }
        }
        outcome
    }
}

/// What became of them.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) statuses: BTreeMap<String, usize>,
    successes: Vec<Success>,
}

#[derive(Clone, Copy, Debug)]
struct Success {
    took: Duration,
    /// When the answer came, since the first request.
    answered: Duration,
}

impl Outcome {
    fn add(&mut self, status: String, took: Duration, answered: Duration) {
        if status == "200" {
            self.successes.push(Success { took, answered });
        }
        *self.statuses.entry(status).or_default() += 1;
    }

    /// How many were answered in another way than these.
    pub(crate) fn others(&self, expected: &[&str]) -> usize {
        let others = self.statuses.iter();
        others
            .filter(|(status, _)| !expected.contains(&status.as_str()))
            .map(|(_, count)| count)
            .sum()
    }

    /// How many successes a second there were, of those that took no longer than `patience`, between
    /// two moments since the first request.
    pub(crate) fn goodput(&self, patience: Duration, between: Range<Duration>) -> f64 {
        let counted = self
            .successes
            .iter()
            .filter(|success| success.took <= patience && between.contains(&success.answered));
        counted.count() as f64 / (between.end - between.start).as_secs_f64()
    }

    /// In milliseconds.
    pub(crate) fn p50(&self) -> f64 {
        self.quantile(0.5)
    }

    /// In milliseconds.
    pub(crate) fn p99(&self) -> f64 {
        self.quantile(0.99)
    }

    fn quantile(&self, share: f64) -> f64 {
        let mut sorted: Vec<_> = self.successes.iter().map(|success| success.took).collect();
        sorted.sort();
        let place = (sorted.len() as f64 * share) as usize;
        sorted
            .get(place)
            .map_or(f64::NAN, |took| took.as_secs_f64() * 1e3)
    }
}
