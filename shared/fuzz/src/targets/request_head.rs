//! Heads of requests: what the gate decides once it decides again, with what it remembers and
//! without; nobody is anybody without one good token in the one place there is; and nothing that only
//! the gate may set comes through from a client.
//!
//! The first line of an input is the method, the second the target, each other one a header: a name,
//! a colon, a value. The value `@0` of `Authorization` stands for `Bearer` and the first of
//! [`TOKENS`], and so on.

use std::sync::LazyLock;

use allocation_counter::measure;
use serde_json::{Value, json};
use signet_verifier::policy::Policy;
use signet_verifier::time::UnixTime;
use signet_verifier::{Decision, Gate, KeySet, Leeway, RequestHead, Verifier};

use crate::jws::{self, Key};
use crate::{Target, vectors};

/// Heads of requests.
pub const TARGET: Target = Target {
    name: "request_head",
    longest: 4_096,
    words: WORDS,
    check,
    seeds,
};

const NOW: UnixTime = UnixTime::from_secs(2_100_000_000);
/// The key of `vectors/decisions`.
const MAIN: Key = Key {
    kid: "main",
    seed: 101,
};
const FORGER: Key = Key {
    kid: "main",
    seed: 66,
};

/// A rule of every kind.
const RULES: &str = r#"
version = 1
issuer = "https://auth.example.com"
audience = ["agents-api"]
[roles]
support = ["agents:read"]
[[rule]]
id = "health"
methods = ["GET"]
path = "/healthz"
allow = "anyone"
[[rule]]
id = "greeting"
path = "/greeting"
allow = "optional"
[[rule]]
id = "profile"
path = "/profile"
allow = "authenticated"
[[rule]]
id = "read-agent"
methods = ["GET"]
path = "/v1/agents/{agent}"
allow = { permission = "agents:read" }
[[rule]]
id = "own-files"
path = "/v1/users/{user}/{*rest}"
allow = { any = [{ subject = "{user}" }, { role = "admin" }] }
[[rule]]
id = "rotate"
methods = ["POST"]
path = "/v1/keys/rotate"
allow = { all = [{ role = "admin" }, { fresh_within = "5m" }] }
revocation = "required"
"#;

static KEYS: LazyLock<KeySet> = LazyLock::new(|| jws::key_set(&[MAIN]));
static TOKENS: LazyLock<[Vec<u8>; 4]> = LazyLock::new(|| {
    let token = |key: &Key, subject: &str, roles: &[&str], issued_at: u64| {
        let claims = json!({
            "iss": "https://auth.example.com", "aud": "agents-api", "sub": subject, "sid": "s",
            "client_id": "c", "jti": "t", "iat": issued_at, "exp": issued_at + 300,
            "auth_time": issued_at, "roles": roles,
        });
        let header = br#"{"alg":"EdDSA","kid":"main","typ":"at+jwt"}"#;
        key.sign(header, claims.to_string().as_bytes())
    };
    let now = NOW.as_secs();
    [
        token(&MAIN, "usr_1", &["support"], now - 60),
        token(&MAIN, "usr_2", &["admin"], now),
        token(&MAIN, "usr_1", &["admin"], now - 900),
        token(&FORGER, "usr_1", &["admin"], now),
    ]
});

/// Gates that have seen everything before, one for each way of a policy to treat headers.
static GATES: LazyLock<[Gate; 2]> = LazyLock::new(|| {
    let strict = RULES.replacen(
        "[roles]",
        "forward_token = false\npreflight = \"pass\"\n[roles]",
        1,
    );
    [RULES, &strict].map(gate)
});

fn gate(rules: &str) -> Gate {
    let mut gate = Gate::new(Policy::from_toml(rules).unwrap());
    gate.install_keys(KEYS.clone());
    gate
}

fn check(input: &[u8]) {
    let mut lines = input.split(|byte| *byte == b'\n');
    let [method, target] = [lines.next(), lines.next()].map(Option::unwrap_or_default);
    let headers: Vec<(&[u8], Vec<u8>)> = lines.filter_map(header).collect();
    let headers = headers.iter().map(|(name, value)| (*name, &value[..]));
    let headers: Vec<(&[u8], &[u8])> = headers.collect();
    let head = RequestHead {
        method,
        target,
        headers: &headers,
    };
    for gate in &*GATES {
        // Whatever this thread remembers is there before memory is counted.
        let decision = gate.decide(&head, NOW);
        is_decided_alike(gate, &head, &decision);
        tells_what_goes(&decision, &headers, !gate.policy().forwards_token());
        names_only_who_has_a_good_token(&decision, &headers);
        is_written_as_it_is(&decision);
    }
}

fn header(line: &[u8]) -> Option<(&[u8], Vec<u8>)> {
    let end = line.iter().position(|byte| *byte == b':')?;
    let (name, value) = (&line[..end], &line[end + 1..]);
    let value = match value {
        [b'@', digit @ b'0'..=b'3'] => {
            [&b"Bearer "[..], &TOKENS[usize::from(digit - b'0')]].concat()
        }
        other => other.to_vec(),
    };
    Some((name, value))
}

/// By the same gate again, by one that remembers nothing, and with another query.
fn is_decided_alike(gate: &Gate, head: &RequestHead<'_>, decision: &Decision) {
    let expected = decision.to_json();
    let mut again = None;
    let taken = measure(|| again = Some(gate.decide(head, NOW)));
    let sent: usize = head
        .headers
        .iter()
        .map(|(name, value)| name.len() + value.len())
        .sum();
    let most_memory = 64 * 1_024 + 8 * u64::try_from(sent + head.target.len()).unwrap();
    assert!(taken.bytes_max < most_memory, "{taken:?}");
    assert_eq!(again.unwrap().to_json(), expected);
    let forgetful = gate.clone().leeway(Leeway::default());
    assert_eq!(forgetful.decide(head, NOW).to_json(), expected);
    if !head.target.contains(&b'?') {
        let target = [head.target, b"?a=%20&b"].concat();
        let head = RequestHead {
            target: &target,
            ..*head
        };
        assert_eq!(gate.decide(&head, NOW).to_json(), expected);
    }
}

/// The name as a careless server reads it.
fn as_read(name: &[u8]) -> String {
    let lower: String = name
        .to_ascii_lowercase()
        .iter()
        .map(|byte| char::from(*byte))
        .collect();
    lower.replace('_', "-")
}

fn tells_what_goes(decision: &Decision, headers: &[(&[u8], &[u8])], token_too: bool) {
    const OVERRIDES: [&str; 5] = [
        "x-http-method-override",
        "x-http-method",
        "x-method-override",
        "x-original-url",
        "x-rewrite-url",
    ];
    let goes = |name: &[u8]| {
        let read = as_read(name);
        read.starts_with("x-signet-")
            || OVERRIDES.contains(&read.as_str())
            || token_too && name.eq_ignore_ascii_case(b"authorization")
    };
    let names = headers.iter().filter(|(name, _)| goes(name));
    let mut names: Vec<Vec<u8>> = names.map(|(name, _)| name.to_ascii_lowercase()).collect();
    names.sort();
    names.dedup();
    let removed: Vec<&[u8]> = decision.removed().collect();
    assert_eq!(removed, names);
}

fn names_only_who_has_a_good_token(decision: &Decision, headers: &[(&[u8], &[u8])]) {
    let set: Vec<(&str, &str)> = decision.set().collect();
    let Some(token) = decision.token() else {
        assert!(set.is_empty());
        let needs_none = [None, Some("health"), Some("greeting")];
        assert!(!decision.is_allowed() || needs_none.contains(&decision.rule()));
        return;
    };
    assert!(decision.is_allowed());
    let mut bearers = headers
        .iter()
        .filter(|(name, _)| name.eq_ignore_ascii_case(b"authorization"));
    let (_, value) = bearers.next().expect("an identity comes from a header");
    assert!(bearers.next().is_none(), "two headers are one too many");
    let (scheme, sent) = value.split_at(7);
    assert!(scheme.eq_ignore_ascii_case(b"bearer "));
    let verifier = Verifier::new("https://auth.example.com", ["agents-api"]);
    let verified = verifier
        .verify(sent, &KEYS, NOW)
        .expect("the token is good");
    assert_eq!(verified.claims(), token.claims());
    assert_eq!(set[0], ("x-signet-sub", verified.claims().subject()));
    assert_eq!(set.len(), 7);
    for (name, value) in set {
        assert!(name.starts_with("x-signet-"));
        assert!(value.bytes().all(|byte| byte.is_ascii_graphic()));
    }
}

fn is_written_as_it_is(decision: &Decision) {
    let written: Value = serde_json::from_str(&decision.to_json()).expect("a decision is JSON");
    assert_eq!(written["status"], decision.status());
    assert_eq!(written["rule"].as_str(), decision.rule());
    let answer = decision.answer();
    assert_eq!(answer.is_none(), decision.is_allowed());
    if let Some(answer) = answer {
        let body: Value = serde_json::from_str(&answer.body).expect("a problem is JSON");
        assert_eq!(body["code"], written["code"]);
    }
}

fn seeds() -> Vec<Vec<u8>> {
    let by_machine = vectors::files("decisions");
    let by_hand = vectors::files("decisions/by-hand");
    let mut seeds = Vec::new();
    for case in by_machine.iter().chain(&by_hand).flat_map(vectors::cases) {
        let request = &case["request"];
        let mut seed = [latin_1(&request["method"]), latin_1(&request["path"])].join(&b'\n');
        for pair in request["headers"].as_array().unwrap() {
            let value = match pair[1].as_str().unwrap() {
                // A token that is as long as all others is the first of ours.
                bearer if bearer.len() > 200 => b"@0".to_vec(),
                _ => latin_1(&pair[1]),
            };
            seed.extend([&b"\n"[..], &latin_1(&pair[0]), b":", &value].concat());
        }
        seeds.push(seed);
    }
    seeds.sort_unstable();
    seeds.dedup();
    seeds
}

/// Each character is a byte.
fn latin_1(value: &Value) -> Vec<u8> {
    let byte = |character| u8::try_from(u32::from(character)).unwrap();
    value.as_str().unwrap().chars().map(byte).collect()
}

/// What a head is made of.
const WORDS: &[&str] = &[
    "\nAuthorization:@0",
    "\nauthorization:@1",
    "\nAuthorization:Bearer ",
    "\nConnection:",
    "\nX_Signet_Sub:",
    "\nx-http-method-override:",
    "\nOrigin:x\nAccess-Control-Request-Method:GET",
    "OPTIONS",
    "/v1/users/usr_1/",
    "/v1/agents/7",
    "/v1/keys/rotate",
    "%2f",
    "%25",
    "/../",
];
