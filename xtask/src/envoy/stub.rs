//! An issuer that does what it is told: it serves a key set and a feed that are signed with the keys
//! of the vectors, or behaves badly in one of several ways.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64ct::{Base64UrlUnpadded, Encoding as _};
use ed25519_compact::{KeyPair, Seed};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::process::Done;

/// The issuer that its tokens name.
pub(super) const ISSUER: &str = "https://auth.example.com";
pub(super) const AUDIENCE: &str = "agents-api";

/// How requests are answered.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Manner {
    Good,
    /// The connection ends.
    Away,
    /// It takes longer than anybody waits.
    Slow,
    Rubbish,
    Huge,
    /// To a place with other keys.
    Redirect,
}

/// How old feeds are when they are served.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Age {
    Fresh,
    /// Over since ten seconds.
    Stale,
}

/// An issuer. Its thread ends with the process.
pub(super) struct Stub {
    port: u16,
    state: Arc<Mutex<State>>,
}

struct State {
    keys: Manner,
    feed: Manner,
    age: Age,
    ended: Vec<String>,
    keys_served: usize,
    feeds_served: usize,
}

impl Stub {
    /// Starts one that is away.
    pub(super) fn start() -> Done<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let port = listener.local_addr()?.port();
        let state = Arc::new(Mutex::new(State {
            keys: Manner::Away,
            feed: Manner::Away,
            age: Age::Fresh,
            ended: Vec::new(),
            keys_served: 0,
            feeds_served: 0,
        }));
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let state = Arc::clone(&shared);
                thread::spawn(move || serve(stream, &state));
            }
        });
        Ok(Self { port, state })
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// Answers requests for keys in another manner from now on.
    pub(super) fn serve_keys(&self, manner: Manner) {
        lock(&self.state).keys = manner;
    }

    /// Answers requests for the feed in another manner, with feeds of that age.
    pub(super) fn serve_feed(&self, manner: Manner, age: Age) {
        let mut state = lock(&self.state);
        (state.feed, state.age) = (manner, age);
    }

    /// Puts a session into the feed.
    pub(super) fn end(&self, session: &str) {
        lock(&self.state).ended.push(session.to_owned());
    }

    /// How many requests for keys there were.
    pub(super) fn keys_served(&self) -> usize {
        lock(&self.state).keys_served
    }

    /// How many requests for feeds there were.
    pub(super) fn feeds_served(&self) -> usize {
        lock(&self.state).feeds_served
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A good token of a session.
pub(super) fn token(session: &str) -> String {
    token_of_key(session, "main")
}

/// A token that names a key which may not be there.
pub(super) fn token_of_key(session: &str, kid: &str) -> String {
    let now = now();
    sign(
        kid,
        "at+jwt",
        &json!({
            "iss": ISSUER, "aud": AUDIENCE, "sub": "usr_1", "sid": session, "client_id": "web",
            "jti": "jti_1", "iat": now, "exp": now.saturating_add(600), "auth_time": now,
        }),
    )
}

fn serve(stream: TcpStream, state: &Mutex<State>) -> Option<()> {
    let mut reader = BufReader::new(stream);
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if reader.read_until(b'\n', &mut head).ok()? == 0 {
            return None;
        }
    }
    let is_for_keys = String::from_utf8_lossy(&head).contains("/.well-known/jwks.json ");
    let (manner, body) = {
        let mut state = lock(state);
        match is_for_keys {
            true => {
                state.keys_served = state.keys_served.saturating_add(1);
                (state.keys, jwks())
            }
            false => {
                state.feeds_served = state.feeds_served.saturating_add(1);
                (state.feed, feed(&state))
            }
        }
    };
    let (status, more, body) = match manner {
        Manner::Away => return None,
        Manner::Slow => {
            thread::sleep(Duration::from_secs(7));
            return None;
        }
        Manner::Good => ("200 OK", "", body),
        Manner::Rubbish => ("200 OK", "", "<!doctype html><p>It works!".to_owned()),
        Manner::Huge => (
            "200 OK",
            "",
            "{\"keys\":[".to_owned() + &" ".repeat(8 << 20),
        ),
        Manner::Redirect => (
            "302 Found",
            "location: http://127.0.0.1:1/\r\n",
            String::new(),
        ),
    };
    let length = body.len();
    let head =
        format!("HTTP/1.1 {status}\r\n{more}content-length: {length}\r\nconnection: close\r\n\r\n");
    let stream = reader.get_mut();
    stream.write_all(head.as_bytes()).ok()?;
    stream.write_all(body.as_bytes()).ok()
}

fn key() -> KeyPair {
    KeyPair::from_seed(Seed::new([101; 32]))
}

fn jwks() -> String {
    let x = Base64UrlUnpadded::encode_string(key().pk.as_ref());
    json!({ "keys": [{ "kty": "OKP", "crv": "Ed25519", "kid": "main", "x": x }] }).to_string()
}

fn feed(state: &State) -> String {
    let issued_at = match state.age {
        Age::Fresh => now(),
        Age::Stale => now().saturating_sub(40),
    };
    let prefix = |session: &String| {
        let hash: [u8; 32] = Sha256::digest(session).into();
        hash.first_chunk::<8>().copied().unwrap_or_default()
    };
    let mut ended: Vec<[u8; 8]> = state.ended.iter().map(prefix).collect();
    ended.sort_unstable();
    sign(
        "main",
        "signet-rev+jwt",
        &json!({
            "iss": ISSUER, "iat": issued_at, "exp": issued_at.saturating_add(30),
            "epoch": 1, "seq": ended.len(), "u": [], "k": [],
            "e": Base64UrlUnpadded::encode_string(ended.as_flattened()),
        }),
    )
}

fn sign(kid: &str, media_type: &str, payload: &Value) -> String {
    let encode = |value: &Value| Base64UrlUnpadded::encode_string(value.to_string().as_bytes());
    let header = json!({ "alg": "EdDSA", "kid": kid, "typ": media_type });
    let signed = format!("{}.{}", encode(&header), encode(payload));
    let signature = key().sk.sign(&signed, None);
    format!(
        "{signed}.{}",
        Base64UrlUnpadded::encode_string(signature.as_ref())
    )
}

#[expect(clippy::disallowed_methods, reason = "Envoy's clock is the machine's")]
fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}
