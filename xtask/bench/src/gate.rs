//! Deciding about one request: with a token that the gate sees for the first time, with one that it
//! remembers, and what is in it.

use std::hint::black_box;

use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use base64ct::{Base64UrlUnpadded, Encoding as _};
use ed25519_dalek::{Signer as _, SigningKey};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use signet_verifier::policy::{Method, Policy, TargetPath};
use signet_verifier::time::UnixTime;
use signet_verifier::{Gate, KeySet, RequestHead};

use crate::measure::{Subject, fastest};
use crate::report::{Report, Target};

const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);

/// A browser's request to an API, about as long as they are.
const HEADERS: &[(&[u8], &[u8])] = &[
    (b"host", b"api.example.com"),
    (
        b"user-agent",
        b"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    ),
    (b"accept", b"application/json"),
    (b"accept-language", b"en-GB,en;q=0.5"),
    (b"accept-encoding", b"gzip, deflate, br, zstd"),
    (b"origin", b"https://app.example.com"),
    (b"connection", b"keep-alive"),
    (b"content-type", b"application/json"),
    (b"x-request-id", b"0b1e7a52-4f0e-4c62-9a0e-0d6a2f3c9b1d"),
    (b"x-forwarded-for", b"203.0.113.7"),
    (b"x-forwarded-proto", b"https"),
];

struct Key(SigningKey);

impl Key {
    fn sign(&self, media_type: &str, payload: &str) -> Vec<u8> {
        let encode = |text: &str| Base64UrlUnpadded::encode_string(text.as_bytes());
        let header = json!({ "alg": "EdDSA", "typ": media_type, "kid": "main" }).to_string();
        let signed = format!("{}.{}", encode(&header), encode(payload));
        let signature = self.0.sign(signed.as_bytes()).to_bytes();
        format!("{signed}.{}", Base64UrlUnpadded::encode_string(&signature)).into_bytes()
    }

    /// The token of that number; all are of one length.
    fn token(&self, number: usize) -> Vec<u8> {
        let claims = json!({
            "iat": NOW.as_secs() - 60, "exp": NOW.as_secs() + 240,
            "iss": "https://auth.example.com", "aud": "agents-api",
            "sub": "0b1e7a52-4f0e-4c62-9a0e-0d6a2f3c9b1d",
            "jti": format!("5a1c9d1e-8a7b-4c3d-9e2f-{number:012}"),
            "sid": "c2a9e0f4-1d3b-4a5c-8e7f-6b5a4d3c2b1a",
            "client_id": "signet", "auth_time": NOW.as_secs() - 600, "ver": 3,
            "roles": ["user", "support"], "permissions": ["agents:read", "agents:run"],
        });
        self.sign("at+jwt", &claims.to_string())
    }

    fn key_set(&self) -> KeySet {
        let x = Base64UrlUnpadded::encode_string(self.0.verifying_key().as_bytes());
        let jwks = json!({ "keys": [{ "kty": "OKP", "crv": "Ed25519", "kid": "main", "x": x }] });
        let loaded = KeySet::from_jwks(jwks.to_string().as_bytes());
        loaded.unwrap().key_set
    }

    /// A snapshot in which so many sessions have ended, and so many accounts have other rights.
    fn feed(&self, sessions: u32, subjects: u32) -> Vec<u8> {
        let prefixes = |count: u32| {
            let prefix = |number: u32| Sha256::digest(number.to_be_bytes())[..8].to_vec();
            let mut prefixes: Vec<Vec<u8>> = (0..count).map(prefix).collect();
            prefixes.sort();
            prefixes
        };
        let subjects = prefixes(subjects).into_iter();
        let pair = |prefix: Vec<u8>| json!([Base64UrlUnpadded::encode_string(&prefix), 7]);
        let claims = json!({
            "iss": "https://auth.example.com", "iat": NOW.as_secs(), "exp": NOW.as_secs() + 30,
            "epoch": 1, "seq": 1, "k": [],
            "e": Base64UrlUnpadded::encode_string(&prefixes(sessions).concat()),
            "u": subjects.map(pair).collect::<Vec<_>>(),
        });
        self.sign("signet-rev+jwt", &claims.to_string())
    }
}

/// A request's token, with what a raw check needs of it.
struct Bearer {
    value: Vec<u8>,
    signed: Vec<u8>,
    signature: Vec<u8>,
}

impl Bearer {
    fn new(key: &Key, number: usize) -> Self {
        let token = String::from_utf8(key.token(number)).unwrap();
        let (signed, signature) = token.rsplit_once('.').unwrap();
        Self {
            value: format!("Bearer {token}").into_bytes(),
            signed: signed.as_bytes().to_vec(),
            signature: Base64UrlUnpadded::decode_vec(signature).unwrap(),
        }
    }

    fn headers(&self) -> [(&[u8], &[u8]); 12] {
        let mut headers = [(&b"authorization"[..], &self.value[..]); 12];
        for (header, other) in headers.iter_mut().zip(HEADERS) {
            *header = *other;
        }
        headers
    }
}

/// A policy of so many rules, whose paths have so many segments.
fn policy(rules: usize, segments: usize) -> Policy {
    let mut text = String::from(
        "version = 1\nissuer = \"https://auth.example.com\"\naudience = [\"agents-api\"]\n",
    );
    for rule in 0..rules {
        let tail = "/x".repeat(segments.saturating_sub(4));
        text.push_str(&format!(
            "[[rule]]\nid = \"rule-{rule}\"\nmethods = [\"GET\"]\n\
             path = \"/v1/resource-{rule}/{{id}}/runs{tail}\"\n\
             allow = {{ permission = \"agents:read\" }}\n"
        ));
    }
    Policy::from_toml(&text).unwrap()
}

pub(crate) fn run(report: &mut Report) {
    let key = Key(SigningKey::from_bytes(&[7; 32]));
    decisions(report, &key);
    lookups(report);
    feeds(report, &key);
}

fn decisions(report: &mut Report, key: &Key) {
    report.heading("Decisions, microseconds for one request of 12 headers, 500 rules");
    let gate = {
        let mut gate = Gate::new(policy(500, 4));
        gate.install_keys(key.key_set());
        gate.apply_feed(&key.feed(1_000, 0), NOW).unwrap();
        gate
    };
    // More tokens than a gate remembers: when one's turn comes again, it has been forgotten.
    let requests: Vec<Bearer> = (0..2_048).map(|number| Bearer::new(key, number)).collect();
    let decide = |request: &Bearer| {
        let headers = request.headers();
        let head = RequestHead {
            method: b"GET",
            target: b"/v1/resource-77/0b1e7a52-4f0e-4c62-9a0e-0d6a2f3c9b1d/runs?page=2",
            headers: &headers,
        };
        gate.decide(&head, NOW)
    };
    assert!(requests.iter().all(|request| decide(request).is_allowed()));
    let aws = UnparsedPublicKey::new(&ED25519, key.0.verifying_key().to_bytes());
    let [mut ours, mut theirs] = [requests.iter().cycle(), requests.iter().cycle()];
    let mut subjects = [
        Subject::new("signet, decided for the first time", || {
            decide(ours.next().unwrap())
        }),
        Subject::new("aws-lc-rs, raw signature check", || {
            let request = theirs.next().unwrap();
            aws.verify(&request.signed, &request.signature).unwrap();
        }),
    ];
    let times = fastest(&mut subjects);
    for (subject, time) in subjects.iter().zip(&times) {
        report.figure(subject.name, *time, "µs", Target::None);
    }
    if let [first, raw] = times[..] {
        let name = "first time / aws-lc-rs, raw";
        report.figure(name, first / raw, "", Target::AtMost(0.65));
    }
    let request = Bearer::new(key, 5_000);
    let mut again = [Subject::new("signet, decided again", || decide(&request))];
    let again = fastest(&mut again);
    report.figure("signet, decided again", again[0], "µs", Target::AtMost(0.7));
}

fn lookups(report: &mut Report) {
    report.heading("Policy look-ups, nanoseconds");
    let cases: Vec<(String, Policy, Vec<u8>)> = [(10, 4), (500, 4), (500, 8), (500, 16), (500, 32)]
        .into_iter()
        .map(|(rules, segments)| {
            let target = format!("/v1/resource-7/id/runs{}", "/x".repeat(segments - 4));
            let name = format!("{rules} rules, {segments} segments");
            (name, policy(rules, segments), target.into_bytes())
        })
        .collect();
    let subjects = cases.iter().map(|(name, policy, target)| {
        let path = TargetPath::parse(target).unwrap();
        let method = Method::parse(b"GET").unwrap();
        Subject::new(name, move || {
            policy.rule(black_box(&path), method).unwrap().id.len()
        })
    });
    let mut subjects: Vec<Subject<'_>> = subjects.collect();
    let times = fastest(&mut subjects);
    for (subject, time) in subjects.iter().zip(&times) {
        let target = match subject.name {
            "500 rules, 4 segments" => Target::AtMost(150.0),
            _ => Target::None,
        };
        report.figure(subject.name, time * 1_000.0, "ns", target);
    }
    if let [_, short, .., long] = times[..] {
        let name = "8 times the path / once the path";
        report.figure(name, long / short, "", Target::AtMost(8.0));
    }
    let mut parse = [Subject::new("path read, 4 segments", || {
        TargetPath::parse(black_box(b"/v1/resource-77/0b1e7a52-4f0e/runs?page=2")).unwrap();
    })];
    report.figure(
        "path read, 4 segments",
        fastest(&mut parse)[0] * 1_000.0,
        "ns",
        Target::None,
    );
}

fn feeds(report: &mut Report, key: &Key) {
    report.heading("Feeds of 10,000 entries, milliseconds");
    let mut empty = Gate::new(policy(1, 4));
    empty.install_keys(key.key_set());
    let feeds = [
        ("sessions that have ended", key.feed(10_000, 0)),
        ("half of them accounts", key.feed(5_000, 5_000)),
        ("accounts", key.feed(0, 10_000)),
    ];
    let subjects = feeds.iter().map(|(name, feed)| {
        Subject::new(name, || {
            let mut gate = empty.clone();
            gate.apply_feed(feed, NOW).unwrap();
        })
    });
    let mut subjects: Vec<Subject<'_>> = subjects.collect();
    let times = fastest(&mut subjects);
    for (subject, time) in subjects.iter().zip(times) {
        report.figure(subject.name, time / 1_000.0, "ms", Target::AtMost(2.0));
    }
}
