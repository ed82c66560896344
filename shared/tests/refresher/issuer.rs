//! An issuer: its keys, its feed, and what it answers at a time.

use base64ct::{Base64UrlUnpadded, Encoding as _};
use ed25519_dalek::{Signer as _, SigningKey};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use signet_verifier::refresher::{Document, Fetch, Reply};

pub(crate) const ISSUER: &str = "https://auth.example.com";

/// A document.
pub(crate) fn ok(body: impl Into<Vec<u8>>) -> Reply {
    with_status(200, body)
}

pub(crate) fn with_status(status: u16, body: impl Into<Vec<u8>>) -> Reply {
    Reply::Response {
        status,
        etag: None,
        body: body.into(),
    }
}

/// An issuer. Each session that ends raises the number of its feed by one.
#[derive(Clone, Debug)]
pub(crate) struct Issuer {
    /// The kids in its key set.
    pub(crate) published: Vec<&'static str>,
    /// The kid that signs.
    pub(crate) signer: &'static str,
    ended: Vec<String>,
    changed_at: u64,
    /// What it answers instead of a document.
    pub(crate) instead: Option<fn(Document) -> Reply>,
}

impl Issuer {
    pub(crate) fn new() -> Self {
        Self {
            published: vec!["k1"],
            signer: "k1",
            ended: Vec::new(),
            changed_at: 0,
            instead: None,
        }
    }

    /// The number of its feed.
    pub(crate) fn seq(&self) -> u64 {
        self.ended.len().try_into().unwrap()
    }

    pub(crate) fn end_session(&mut self, now_ms: u64) {
        self.ended.push(format!("session-{}", self.ended.len()));
        self.changed_at = now_ms / 1_000;
    }

    pub(crate) fn answer(&self, fetch: &Fetch, now_ms: u64) -> Reply {
        if let Some(instead) = self.instead {
            return instead(fetch.ticket.document);
        }
        match fetch.ticket.document {
            Document::Keys => ok(jwks(&self.published)),
            Document::Feed => self.feed(fetch, now_ms / 1_000),
        }
    }

    /// A delta where it is asked for, signed anew every 15 seconds and with every change.
    fn feed(&self, fetch: &Fetch, now: u64) -> Reply {
        let iat = (now / 15 * 15).max(self.changed_at);
        let tag = format!("W/\"1.{}.{iat}\"", self.seq());
        if fetch.if_none_match.as_ref() == Some(&tag) {
            return with_status(304, "");
        }
        let since = fetch.url.split_once("?since=1.");
        let since = since.map(|(_, seq)| seq.parse::<u64>().expect("a number"));
        // Of a number that there never was nobody knows what came after it.
        let since = since.filter(|since| *since <= self.seq());
        let feed = Feed {
            since,
            seq: self.seq(),
            ended: self.ended[since.map_or(0, |seq: u64| seq.try_into().unwrap())..].to_vec(),
            ..Feed::snapshot(0, iat)
        };
        Reply::Response {
            status: 200,
            etag: Some(tag),
            body: feed.signed_by(self.signer),
        }
    }
}

/// A feed of epoch 1.
#[derive(Clone, Debug)]
pub(crate) struct Feed {
    pub(crate) seq: u64,
    pub(crate) since: Option<u64>,
    pub(crate) iat: u64,
    pub(crate) ended: Vec<String>,
    /// How many keys are refused.
    pub(crate) refused: usize,
}

impl Feed {
    pub(crate) fn snapshot(seq: u64, iat: u64) -> Self {
        Self {
            seq,
            since: None,
            iat,
            ended: Vec::new(),
            refused: 0,
        }
    }

    pub(crate) fn signed_by(&self, kid: &str) -> Vec<u8> {
        let mut ended: Vec<[u8; 8]> = self.ended.iter().map(|sid| prefix(sid)).collect();
        ended.sort_unstable();
        let refused: Vec<String> = (0..self.refused).map(|n| format!("old-{n}")).collect();
        let mut claims = json!({
            "iss": ISSUER, "iat": self.iat, "exp": self.iat + 30, "epoch": 1, "seq": self.seq,
            "e": base64url(ended.concat()), "u": [], "k": refused,
        });
        if let Some(since) = self.since {
            claims["since"] = json!(since);
            claims["d"] = json!("");
        }
        signed(&claims, kid)
    }
}

/// A feed without a claim: signed well and of no use, it shows whether a key is trusted.
pub(crate) fn probe(kid: &str) -> Vec<u8> {
    signed(&json!({}), kid)
}

fn signed(claims: &Value, kid: &str) -> Vec<u8> {
    let header = json!({ "alg": "EdDSA", "kid": kid, "typ": "signet-rev+jwt" });
    let [header, claims] = [&header, claims].map(|part| base64url(part.to_string()));
    let signed = format!("{header}.{claims}");
    let signature = signing_key(kid).sign(signed.as_bytes()).to_bytes();
    format!("{signed}.{}", base64url(signature)).into_bytes()
}

pub(crate) fn jwks(kids: &[&str]) -> String {
    let keys: Vec<Value> = kids.iter().copied().map(jwk).collect();
    json!({ "keys": keys }).to_string()
}

pub(crate) fn jwk(kid: &str) -> Value {
    let x = base64url(signing_key(kid).verifying_key());
    json!({ "kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": kid, "x": x })
}

fn signing_key(kid: &str) -> SigningKey {
    SigningKey::from_bytes(&Sha256::digest(kid).into())
}

fn prefix(identifier: &str) -> [u8; 8] {
    *Sha256::digest(identifier).first_chunk().unwrap()
}

fn base64url(bytes: impl AsRef<[u8]>) -> String {
    Base64UrlUnpadded::encode_string(bytes.as_ref())
}
