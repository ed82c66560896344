//! An issuer that behaves as it is told, and the keys, tokens and feeds it signs.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64ct::{Base64UrlUnpadded, Encoding as _};
use ed25519_dalek::{Signer as _, SigningKey};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use signet_tower::signet_verifier::time::UnixMillis;
use signet_tower::{Trust, TrustBuilder};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

pub(crate) const START: u64 = 1_800_000_000;

/// What the issuer does when it is asked for a document.
#[derive(Clone, Debug)]
pub(crate) enum Behaviour {
    /// Sends this.
    Ok(String),
    /// Sends a status and headers, without more.
    Status(&'static str),
    /// Sends these bytes, whatever they are, and hangs up.
    Raw(Vec<u8>),
    /// Sends a body that never ends.
    Endless,
    /// Takes so long before it sends this.
    After(Duration, String),
    /// Never says anything.
    Hang,
}

/// What both documents are at the moment, and how often they were asked for.
struct Documents {
    keys: Behaviour,
    feed: Behaviour,
    asked: [usize; 2],
}

/// An issuer at a port of its own, for as long as this lives.
pub(crate) struct Issuer {
    pub(crate) url: String,
    documents: Arc<Mutex<Documents>>,
    clock: Arc<AtomicU64>,
    server: JoinHandle<()>,
}

impl Issuer {
    /// An issuer with these keys and no feed.
    pub(crate) async fn start(kids: &[&str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let documents = Arc::new(Mutex::new(Documents {
            keys: Behaviour::Ok(jwks(kids)),
            feed: Behaviour::Status("404 Not Found"),
            asked: [0; 2],
        }));
        let asked = Arc::clone(&documents);
        let url = format!("http://{}", listener.local_addr().unwrap());
        let server = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(answer(stream, Arc::clone(&asked)));
            }
        });
        Self {
            url,
            documents,
            clock: Arc::new(AtomicU64::new(START * 1_000)),
            server,
        }
    }

    pub(crate) fn keys(&self, behaviour: Behaviour) {
        self.documents.lock().unwrap().keys = behaviour;
    }

    pub(crate) fn feed(&self, behaviour: Behaviour) {
        self.documents.lock().unwrap().feed = behaviour;
    }

    /// How often it was asked for keys and for the feed.
    pub(crate) fn asked(&self) -> [usize; 2] {
        self.documents.lock().unwrap().asked
    }

    /// A trust that reads this issuer's clock.
    pub(crate) fn trust(&self) -> TrustBuilder {
        let clock = Arc::clone(&self.clock);
        Trust::of(&self.url).clock(move || UnixMillis::from_millis(clock.load(Ordering::Relaxed)))
    }

    pub(crate) fn advance(&self, seconds: u64) {
        self.clock.fetch_add(seconds * 1_000, Ordering::Relaxed);
    }

    pub(crate) fn now(&self) -> u64 {
        self.clock.load(Ordering::Relaxed) / 1_000
    }

    /// A token of somebody, issued now.
    pub(crate) fn token(&self, kid: &str, subject: &str, more: &Value) -> String {
        token(&self.url, kid, subject, self.now(), more)
    }

    /// A feed, signed now.
    pub(crate) fn revocations(&self, kid: &str, seq: u64, ended: &[&str]) -> String {
        let digests = ended.iter().map(|sid| Sha256::digest(sid)[..8].to_vec());
        let mut digests: Vec<Vec<u8>> = digests.collect();
        digests.sort();
        let now = self.now();
        let claims = json!({
            "iss": self.url, "iat": now, "exp": now + 30, "epoch": 1, "seq": seq,
            "e": base64url(&digests.concat()), "u": [], "k": [],
        });
        sign(kid, "signet-rev+jwt", &claims)
    }
}

impl Drop for Issuer {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// A policy of this issuer, with a rule for each thing that may be wanted of it.
pub(crate) fn policy(issuer: &str) -> String {
    let rules = r#"
[[rule]]
id = "open"
path = "/open"
allow = "anyone"

[[rule]]
id = "profile"
path = "/profile"
allow = "authenticated"

[[rule]]
id = "nested"
path = "/api/v1/agents/{agent}"
allow = { permission = "agents:read" }

[[rule]]
id = "careful"
path = "/careful"
allow = "authenticated"
revocation = "required"
"#;
    format!(
        "version = 1\nissuer = \"{issuer}\"\naudience = [\"agents-api\"]\n\
         roles = {{ support = [\"agents:read\"] }}\n{rules}"
    )
}

pub(crate) fn token(issuer: &str, kid: &str, subject: &str, now: u64, more: &Value) -> String {
    let mut claims = json!({
        "iss": issuer, "aud": "agents-api", "sub": subject, "sid": format!("{subject}-session"),
        "client_id": "web", "jti": "token", "iat": now, "exp": now + 300,
    });
    let more = more.as_object().unwrap().clone();
    claims.as_object_mut().unwrap().extend(more);
    sign(kid, "at+jwt", &claims)
}

pub(crate) fn jwks(kids: &[&str]) -> String {
    let keys = kids.iter().map(|kid| {
        let x = base64url(secret(kid).verifying_key().as_bytes());
        json!({ "kty": "OKP", "crv": "Ed25519", "kid": kid, "x": x })
    });
    json!({ "keys": keys.collect::<Vec<_>>() }).to_string()
}

fn sign(kid: &str, media_type: &str, claims: &Value) -> String {
    let header = json!({ "alg": "EdDSA", "typ": media_type, "kid": kid });
    let [header, claims] = [&header, claims].map(|part| base64url(part.to_string().as_bytes()));
    let signed = format!("{header}.{claims}");
    let signature = secret(kid).sign(signed.as_bytes()).to_bytes();
    format!("{signed}.{}", base64url(&signature))
}

fn secret(kid: &str) -> SigningKey {
    SigningKey::from_bytes(&Sha256::digest(kid).into())
}

fn base64url(bytes: &[u8]) -> String {
    Base64UrlUnpadded::encode_string(bytes)
}

async fn answer(mut stream: TcpStream, documents: Arc<Mutex<Documents>>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return,
        }
    }
    let is_feed = String::from_utf8_lossy(&head).contains("signet-revocations");
    let behaviour = {
        let mut documents = documents.lock().unwrap();
        documents.asked[usize::from(is_feed)] += 1;
        match is_feed {
            true => documents.feed.clone(),
            false => documents.keys.clone(),
        }
    };
    let status = |status: &str| format!("HTTP/1.1 {status}\r\nconnection: close\r\n");
    let ok = |body: String| {
        let length = body.len();
        let head = status("200 OK");
        format!("{head}content-length: {length}\r\n\r\n{body}").into_bytes()
    };
    let bytes = match behaviour {
        Behaviour::Ok(body) => ok(body),
        Behaviour::Status(text) => format!("{}content-length: 0\r\n\r\n", status(text)).into(),
        Behaviour::Raw(bytes) => bytes,
        Behaviour::After(time, body) => {
            tokio::time::sleep(time).await;
            ok(body)
        }
        Behaviour::Endless => {
            let head = format!("{}transfer-encoding: chunked\r\n\r\n", status("200 OK"));
            let _hung_up = stream.write_all(head.as_bytes()).await;
            let chunk = format!("400\r\n{}\r\n", " ".repeat(1_024));
            while stream.write_all(chunk.as_bytes()).await.is_ok() {}
            return;
        }
        Behaviour::Hang => return std::future::pending().await,
    };
    let _hung_up = stream.write_all(&bytes).await;
}
