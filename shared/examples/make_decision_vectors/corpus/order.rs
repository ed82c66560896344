//! Which refusal comes first: 400, then 401 for the token, then 503, then the condition. Every
//! mixture of faults is tried, and the one that stands first in [`Faults::in_order`] is expected.

use super::NOW;
use super::case::Case;
use super::expected::{Expected, Refusal};
use super::feed::Feed;
use super::file::DecisionFile;
use super::key_set;
use super::policies;
use super::request::Request;
use super::token::Token;

const RULES: &str = r#"
[[rule]]
id = "known"
path = "/known"
allow = "authenticated"
revocation = "required"

[[rule]]
id = "scope"
path = "/scope"
allow = { role = "admin" }
revocation = "required"

[[rule]]
id = "fresh"
path = "/fresh"
allow = { fresh_within = "5m" }
revocation = "required"
"#;

/// What speaks against a request.
struct Faults {
    /// Not all heads are fine; which of the faults it is changes from case to case.
    head: bool,
    token: TokenFault,
    keys: bool,
    feed: bool,
    condition: Option<Refusal>,
}

#[derive(Clone, Copy)]
enum TokenFault {
    None,
    Missing,
    /// Refused before its key is looked up.
    Early,
    /// Refused when its signature is good.
    Late,
}

/// The family.
pub(crate) fn file() -> DecisionFile {
    DecisionFile {
        name: "order",
        about: "Which of several refusals comes first.",
        policies: vec![("order", policies::with(RULES))],
        cases: [with_a_rule(), without_a_rule()].concat(),
    }
}

impl Faults {
    /// What each fault leads to, the first fault first.
    fn in_order(&self) -> [Option<Refusal>; 5] {
        let when = |fault: bool, refusal| fault.then_some(refusal);
        let token = match self.token {
            TokenFault::None => None,
            TokenFault::Missing => Some(Refusal::MissingToken),
            TokenFault::Early => Some(Refusal::InvalidToken("bad_typ")),
            // Without keys nobody finds out.
            TokenFault::Late => (!self.keys).then_some(Refusal::InvalidToken("expired")),
        };
        [
            when(self.head, Refusal::InvalidRequest),
            token,
            when(self.keys, Refusal::KeysUnavailable),
            when(self.feed, Refusal::RevocationUnavailable),
            self.condition,
        ]
    }

    fn note(&self) -> String {
        let token = match self.token {
            TokenFault::None => "",
            TokenFault::Missing => "no token, ",
            TokenFault::Early => "a token of another type, ",
            TokenFault::Late => "an expired token, ",
        };
        let when = |fault, text| if fault { text } else { "" };
        let note = [
            when(self.head, "a bad head, "),
            token,
            when(self.keys, "no keys, "),
            when(self.feed, "a stale feed, "),
            when(self.condition.is_some(), "a condition that fails, "),
        ]
        .concat();
        note.strip_suffix(", ").unwrap_or("nothing wrong").into()
    }
}

fn token(fault: TokenFault) -> Option<Token> {
    let token = Token::new().login_age(400);
    match fault {
        TokenFault::Missing => None,
        TokenFault::None => Some(token),
        TokenFault::Early => Some(token.header("typ", "JWT")),
        TokenFault::Late => Some(token.with("iat", NOW - 900).with("exp", NOW - 300)),
    }
}

/// The head, spoilt in one of four ways.
fn request(path: &str, token: Option<&Token>, spoilt: Option<usize>) -> Request {
    let method = if spoilt == Some(1) { "GE T" } else { "GET" };
    let path = match spoilt {
        Some(0) => format!("/.{path}"),
        _ => path.into(),
    };
    let mut request = Request::new(method, &path);
    if let Some(token) = token {
        request = request.bearer(token);
    }
    match spoilt {
        Some(2) => request.header("Connection", "x-signet-sub"),
        Some(3) => request
            .header("Authorization", "Basic a")
            .header("Authorization", "Basic b"),
        _ => request,
    }
}

fn case(faults: &Faults, path: &str, rule: Option<&str>, at: usize) -> Case {
    let token = token(faults.token);
    let spoilt = faults.head.then_some(at % 4);
    let first = faults.in_order().into_iter().flatten().next();
    let expected = match (first, rule, &token) {
        (Some(Refusal::InvalidRequest), _, _) => Expected::invalid_request(),
        (Some(refusal), Some(rule), _) => Expected::deny(rule, refusal),
        (Some(refusal), None, _) => Expected::deny_without_rule(refusal),
        (None, Some(rule), Some(token)) => Expected::allow_as(rule, token),
        (None, _, _) => Expected::deny_without_rule(Refusal::NoRule),
    };
    let feed = Feed::snapshot(1, 1);
    let feed = if faults.feed { feed.stale() } else { feed };
    let case = Case::new(
        "400, then 401 for a missing or bad token, then 503, then the condition",
        format!("{path}: {}", faults.note()),
        request(path, token.as_ref(), spoilt),
        expected,
    )
    .feeds([feed.text()]);
    if faults.keys {
        case.keys(key_set::UNUSABLE)
    } else {
        case
    }
}

const TOKENS: [TokenFault; 4] = [
    TokenFault::None,
    TokenFault::Missing,
    TokenFault::Early,
    TokenFault::Late,
];

fn with_a_rule() -> Vec<Case> {
    let rules = [
        ("/known", None),
        ("/scope", Some(Refusal::InsufficientScope)),
        ("/fresh", Some(Refusal::Reauthentication(300))),
    ];
    let mut cases = Vec::new();
    for head in [false, true] {
        for token in TOKENS {
            for [keys, feed] in [[false, false], [false, true], [true, false], [true, true]] {
                for (path, condition) in rules {
                    let faults = Faults {
                        head,
                        token,
                        keys,
                        feed,
                        condition,
                    };
                    let rule = path.trim_start_matches('/');
                    cases.push(case(&faults, path, Some(rule), cases.len()));
                }
            }
        }
    }
    cases
}

/// Without a rule neither a feed nor a condition is asked for.
fn without_a_rule() -> Vec<Case> {
    let mut cases = Vec::new();
    for head in [false, true] {
        for token in TOKENS {
            for keys in [false, true] {
                let faults = Faults {
                    head,
                    token,
                    keys,
                    feed: false,
                    condition: None,
                };
                cases.push(case(&faults, "/nowhere", None, cases.len()));
            }
        }
    }
    cases
}
