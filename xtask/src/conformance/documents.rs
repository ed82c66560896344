//! An issuer for many worlds: at `/N/.well-known/…` are the keys and the feeds of the world N.
//!
//! Every world has the same round: in the first its first feed, then its second, and its last one from
//! then on. The first isn't given before the keys have been taken.

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::corpus::World;
use crate::process::Done;

/// How long the feed waits for the keys, and for them to be put to use.
const PATIENCE: Duration = Duration::from_secs(5);
const IN_USE: Duration = Duration::from_millis(100);

/// A server on a port of its own, as long as this process runs.
pub(super) struct Documents {
    pub(super) address: SocketAddr,
    state: Arc<State>,
}

struct State {
    keys: Vec<Option<String>>,
    feeds: Vec<Vec<String>>,
    given: Mutex<Given>,
    changed: Condvar,
    is_away: AtomicBool,
    is_held: Mutex<bool>,
    released: Condvar,
}

/// Which worlds have been given what.
#[derive(Default)]
struct Given {
    keys: BTreeSet<usize>,
    round: usize,
    /// In this round.
    feed: BTreeSet<usize>,
}

impl Documents {
    pub(super) fn serve(worlds: &[&World]) -> Done<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let state = Arc::new(State {
            keys: worlds.iter().map(|world| world.keys.clone()).collect(),
            feeds: worlds.iter().map(|world| world.feeds.clone()).collect(),
            given: Mutex::default(),
            changed: Condvar::new(),
            is_away: AtomicBool::new(false),
            is_held: Mutex::default(),
            released: Condvar::new(),
        });
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let state = Arc::clone(&shared);
                std::thread::spawn(move || state.answer(stream));
            }
        });
        Ok(Self { address, state })
    }

    /// The issuer of a world.
    pub(super) fn url(&self, world: usize) -> String {
        format!("http://{}/{world}", self.address)
    }

    /// Answers nobody until [released](Self::release): what comes now would be read at a wrong time.
    pub(super) fn hold(&self) {
        *self.state.is_held() = true;
    }

    pub(super) fn release(&self) {
        *self.state.is_held() = false;
        self.state.released.notify_all();
    }

    /// Answers nothing any more.
    pub(super) fn go_away(&self) {
        self.state.is_away.store(true, Ordering::Relaxed);
    }

    /// The worlds that haven't been given everything there is in this round.
    pub(super) fn lacking(&self) -> Vec<usize> {
        let given = self.state.given();
        let worlds = self.state.keys.iter().zip(&self.state.feeds).enumerate();
        let lacking = worlds.filter(|(number, (keys, feeds))| {
            let lacks_keys = keys.is_some() && !given.keys.contains(number);
            lacks_keys || (!feeds.is_empty() && !given.feed.contains(number))
        });
        lacking.map(|(number, _)| number).collect()
    }

    /// How many rounds there are.
    pub(super) fn rounds(&self) -> usize {
        self.state.feeds.iter().map(Vec::len).max().unwrap_or(0)
    }

    pub(super) fn begin_next_round(&self) {
        let mut given = self.state.given();
        given.round = given.round.saturating_add(1);
        given.feed.clear();
    }
}

impl State {
    fn answer(&self, mut stream: TcpStream) -> Option<()> {
        let mut read = Vec::new();
        let mut chunk = [0; 4_096];
        loop {
            let count = stream.read(&mut chunk).ok().filter(|count| *count > 0)?;
            read.extend_from_slice(chunk.get(..count)?);
            while let Some(end) = read.windows(4).position(|window| window == b"\r\n\r\n") {
                let head: Vec<u8> = read.drain(..end.saturating_add(4)).collect();
                let head = String::from_utf8_lossy(&head).into_owned();
                let document = self.document(head.split(' ').nth(1)?);
                let (status, body) = match &document {
                    Some(body) => ("200 OK", body.as_str()),
                    None => ("404 Not Found", ""),
                };
                let length = body.len();
                let answer = format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\n\r\n{body}");
                stream.write_all(answer.as_bytes()).ok()?;
            }
        }
    }

    fn document(&self, target: &str) -> Option<String> {
        let is_held = |held: &mut bool| *held;
        let waited = self
            .released
            .wait_timeout_while(self.is_held(), PATIENCE, is_held);
        drop(waited.ok()?);
        if self.is_away.load(Ordering::Relaxed) {
            return None;
        }
        let (number, rest) = target.strip_prefix('/')?.split_once('/')?;
        let world: usize = number.parse().ok()?;
        if rest.starts_with(".well-known/jwks.json") {
            let keys = self.keys.get(world)?.clone();
            self.given().keys.insert(world);
            self.changed.notify_all();
            return keys;
        }
        let feeds = self.feeds.get(world)?;
        if self.keys.get(world)?.is_some() {
            let lacks_keys = |given: &mut Given| !given.keys.contains(&world);
            let waited = self
                .changed
                .wait_timeout_while(self.given(), PATIENCE, lacks_keys);
            drop(waited.ok()?);
            std::thread::sleep(IN_USE);
        }
        let mut given = self.given();
        given.feed.insert(world);
        feeds.get(given.round).or(feeds.last()).cloned()
    }

    fn is_held(&self) -> MutexGuard<'_, bool> {
        self.is_held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn given(&self) -> MutexGuard<'_, Given> {
        self.given.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
