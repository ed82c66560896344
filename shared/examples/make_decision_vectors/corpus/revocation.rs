//! What a rule's `revocation` makes of the feed there is, fresh, stale or none.

mod entries;

use super::case::Case;
use super::expected::{Expected, Refusal};
use super::feed::Feed;
use super::file::DecisionFile;
use super::policies;
use super::request::Request;
use super::token::Token;
use super::{LEEWAY, NOW};

/// The feed that the gate has when the request comes, and whether it revokes the token.
#[derive(Clone, Copy)]
enum Held {
    None,
    Fresh { revokes: bool },
    Stale { revokes: bool },
}

/// What the feed has to say about a request.
#[derive(Clone, Copy)]
enum Outcome {
    /// Nothing: the condition decides.
    Goes,
    Revoked,
    Unavailable,
}

use Held::{Fresh, Stale};
use Outcome::{Goes, Revoked, Unavailable};

/// Every setting, with every feed there can be.
const TABLE: [(&str, Held, Outcome); 15] = [
    ("required", Held::None, Unavailable),
    ("required", Fresh { revokes: false }, Goes),
    ("required", Fresh { revokes: true }, Revoked),
    ("required", Stale { revokes: false }, Unavailable),
    ("required", Stale { revokes: true }, Revoked),
    ("best_effort", Held::None, Goes),
    ("best_effort", Fresh { revokes: false }, Goes),
    ("best_effort", Fresh { revokes: true }, Revoked),
    ("best_effort", Stale { revokes: false }, Goes),
    ("best_effort", Stale { revokes: true }, Revoked),
    ("off", Held::None, Goes),
    ("off", Fresh { revokes: false }, Goes),
    ("off", Fresh { revokes: true }, Goes),
    ("off", Stale { revokes: false }, Goes),
    ("off", Stale { revokes: true }, Goes),
];

/// What the rules ask beside, and what they say when the feed has nothing to say.
const KINDS: [(&str, &str, Option<Refusal>); 4] = [
    ("known", "\"authenticated\"", None),
    ("optional", "\"optional\"", None),
    (
        "admin",
        "{ role = \"admin\" }",
        Some(Refusal::InsufficientScope),
    ),
    (
        "fresh",
        "{ fresh_within = \"5m\" }",
        Some(Refusal::Reauthentication(300)),
    ),
];

/// The family.
pub(crate) fn file() -> DecisionFile {
    let mut rules = String::from(PUBLIC);
    for setting in ["required", "best_effort", "off"] {
        for (kind, allow, _) in KINDS {
            rules.push_str(&format!(
                "\n[[rule]]\nid = \"{setting}-{kind}\"\npath = \"/{setting}/{kind}\"\n\
                 allow = {allow}\nrevocation = \"{setting}\"\n"
            ));
        }
    }
    DecisionFile {
        name: "revocation",
        about: "What a rule makes of the feed there is, fresh, stale or none.",
        policies: vec![("revocation", policies::with(&rules))],
        cases: [
            table(),
            without_identity(),
            without_rule(),
            entries::cases(),
            freshness(),
        ]
        .concat(),
    }
}

/// A rule that wants a feed for nobody, and one that says nothing about feeds.
const PUBLIC: &str = r#"
[[rule]]
id = "public"
path = "/public"
allow = "anyone"
revocation = "required"

[[rule]]
id = "silent"
path = "/silent"
allow = "authenticated"
"#;

fn token() -> Token {
    Token::new().with("ver", 4).login_age(400)
}

/// A feed that says nothing about [`token`], though something about others.
fn about_others() -> Feed {
    Feed::snapshot(7, 41)
        .ends(&["ses_0", "ses_2", "usr_1", "jti_1"])
        .least_versions(&[("usr_1", 4), ("usr_2", 9), ("ses_1", 9)])
        .refuses(&["second", "old"])
}

/// The three ways to revoke [`token`].
fn about_it() -> [(&'static str, Feed); 3] {
    [
        (
            "its session",
            about_others().ends(&["ses_0", "ses_1", "ses_2"]),
        ),
        (
            "its version",
            about_others().least_versions(&[("usr_1", 5), ("usr_2", 1)]),
        ),
        (
            "its key",
            about_others().signed_by("second").refuses(&["main"]),
        ),
    ]
}

/// Each row of the table, on each kind of rule.
fn table() -> Vec<Case> {
    let mut cases = Vec::new();
    for (setting, held, outcome) in TABLE {
        for (note, feed) in feeds(held) {
            for (kind, _, refusal) in KINDS {
                let rule = format!("{setting}-{kind}");
                let refusal = match outcome {
                    Goes => refusal,
                    Revoked => Some(Refusal::InvalidToken("revoked")),
                    Unavailable => Some(Refusal::RevocationUnavailable),
                };
                let expected = match refusal {
                    Some(refusal) => Expected::deny(&rule, refusal),
                    None => Expected::allow_as(&rule, &token()),
                };
                let request = Request::get(&format!("/{setting}/{kind}")).bearer(&token());
                let case = Case::new(
                    proves(outcome),
                    format!("{setting}, {note}"),
                    request,
                    expected,
                );
                cases.push(case.feeds(feed.iter().map(Feed::text)));
            }
        }
    }
    cases
}

fn proves(outcome: Outcome) -> &'static str {
    match outcome {
        Goes => "best_effort decides with what it has, off with nothing",
        Revoked => "R01",
        Unavailable => "R02",
    }
}

/// The feeds of a row, told apart.
fn feeds(held: Held) -> Vec<(String, Option<Feed>)> {
    let revoking = |how: &str, change: fn(Feed) -> Feed| {
        let feeds = about_it();
        let feed = feeds.map(|(what, feed)| {
            (
                format!("{how} feed that revokes {what}"),
                Some(change(feed)),
            )
        });
        Vec::from(feed)
    };
    match held {
        Held::None => vec![("no feed".into(), None)],
        Fresh { revokes: false } => {
            vec![("a fresh feed about others".into(), Some(about_others()))]
        }
        Stale { revokes: false } => {
            vec![(
                "a stale feed about others".into(),
                Some(about_others().stale()),
            )]
        }
        Fresh { revokes: true } => revoking("a fresh", |feed| feed),
        Stale { revokes: true } => revoking("a stale", Feed::stale),
    }
}

fn without_identity() -> Vec<Case> {
    let proves = "without an identity no feed is needed";
    let ended = about_it()[0].1.text();
    let missing = Expected::deny("required-known", Refusal::MissingToken);
    let case = |note: &str, request, expected| Case::new(proves, note, request, expected);
    vec![
        case(
            "a public path",
            Request::get("/public"),
            Expected::allow("public"),
        ),
        case(
            "a public path and a token",
            Request::get("/public").bearer(&token()),
            Expected::allow("public"),
        ),
        case(
            "a public path and a revoked token",
            Request::get("/public").bearer(&token()),
            Expected::allow("public"),
        )
        .feeds([ended]),
        case(
            "an optional path without a token",
            Request::get("/required/optional"),
            Expected::allow("required-optional"),
        ),
        case("no token", Request::get("/required/known"), missing.clone()),
        case(
            "no token, a stale feed",
            Request::get("/required/known"),
            missing,
        )
        .feeds([about_others().stale().text()]),
        case(
            "a token that is bad for another reason",
            Request::get("/required/known").bearer(&token().forged()),
            Expected::deny("required-known", Refusal::InvalidToken("bad_signature")),
        ),
    ]
}

/// A revoked token is a bad one where there is no rule, too.
fn without_rule() -> Vec<Case> {
    let proves = "without a matching rule: 401 for a bad token, else 403";
    let case = |note: &str, feed: Option<Feed>, refusal| {
        let request = Request::get("/nowhere").bearer(&token());
        let case = Case::new(proves, note, request, Expected::deny_without_rule(refusal));
        case.feeds(feed.iter().map(Feed::text))
    };
    let revoked = Refusal::InvalidToken("revoked");
    let [(_, session), (_, version), (_, key)] = about_it();
    vec![
        case("no feed", None, Refusal::NoRule),
        case(
            "a stale feed about others",
            Some(about_others().stale()),
            Refusal::NoRule,
        ),
        case(
            "a fresh feed that revokes its session",
            Some(session),
            revoked,
        ),
        case(
            "a stale feed that revokes its version",
            Some(version.stale()),
            revoked,
        ),
        case("a fresh feed that revokes its key", Some(key), revoked),
    ]
}

/// R02: a feed is fresh until its signed `exp`, to the second and without leeway.
fn freshness() -> Vec<Case> {
    let token = token();
    let case = |note: &str, iat: u64, is_fresh: bool| {
        let expected = match is_fresh {
            true => Expected::allow_as("required-known", &token),
            false => Expected::deny("required-known", Refusal::RevocationUnavailable),
        };
        let request = Request::get("/required/known").bearer(&token);
        let feed = Feed::snapshot(1, 1).signed_at(iat);
        Case::new("stale: now >= exp", note, request, expected).feeds([feed.text()])
    };
    vec![
        case("signed now", NOW, true),
        case("signed 29 seconds ago", NOW - 29, true),
        case("signed 30 seconds ago", NOW - 30, false),
        case("signed 31 seconds ago", NOW - 31, false),
        case("signed a day ago", NOW - 86_400, false),
        case("signed 30 seconds ago, much leeway", NOW - 30, false).leeway(60),
        case("signed 29 seconds ago, no leeway", NOW - 29, true).leeway(0),
        case("signed in leeway seconds", NOW + LEEWAY, true),
        case(
            "signed 30 seconds ago, and the clock went back",
            NOW - 30,
            true,
        )
        .now(NOW - 1),
    ]
}
