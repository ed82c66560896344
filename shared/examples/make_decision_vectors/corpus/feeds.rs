//! Feeds one after the other: which are taken, which are ignored, and what is left.
//!
//! Every case asks a rule that needs a fresh feed, so that a decision tells all there is to know:
//! the session is over, it isn't, or there is no fresh feed.

mod deltas;
mod ignored;
mod snapshots;

use super::case::Case;
use super::expected::{Expected, Refusal};
use super::feed::Feed;
use super::file::DecisionFile;
use super::key_set;
use super::policies;
use super::request::Request;
use super::token::Token;
use super::{LEEWAY, NOW};

const RULES: &str = r#"
[[rule]]
id = "needs-feed"
path = "/"
allow = "authenticated"
revocation = "required"
"#;

/// What becomes of a token of a session.
#[derive(Clone, Copy)]
enum Probe {
    /// It is good: the feed is fresh and doesn't have it.
    Good(&'static str),
    /// It is revoked, by a fresh feed or a stale one.
    Over(&'static str),
    /// There is no fresh feed, and a stale one doesn't have it.
    Unknown(&'static str),
}

use Probe::{Good, Over, Unknown};

/// The family.
pub(crate) fn file() -> DecisionFile {
    DecisionFile {
        name: "feeds",
        about: "Feeds one after the other: which are taken, which are ignored, and what is left.",
        policies: vec![("feeds", policies::with(RULES))],
        cases: [
            snapshots::cases(),
            deltas::cases(),
            taken(),
            ignored::cases(),
            strangers(),
        ]
        .concat(),
    }
}

impl Probe {
    fn case(self, proves: &'static str, note: &str, feeds: &[String]) -> Case {
        let (Good(session) | Over(session) | Unknown(session)) = self;
        let token = Token::new().with("sid", session);
        let expected = match self {
            Good(_) => Expected::allow_as("needs-feed", &token),
            Over(_) => Expected::deny("needs-feed", Refusal::InvalidToken("revoked")),
            Unknown(_) => Expected::deny("needs-feed", Refusal::RevocationUnavailable),
        };
        let note = format!("{note}: {session}");
        let request = Request::get("/").bearer(&token);
        Case::new(proves, note, request, expected).feeds(feeds)
    }
}

/// A case for each probe.
fn after(proves: &'static str, note: &str, feeds: &[Feed], probes: &[Probe]) -> Vec<Case> {
    let feeds: Vec<String> = feeds.iter().map(Feed::text).collect();
    let case = |probe: &Probe| probe.case(proves, note, &feeds);
    probes.iter().map(case).collect()
}

/// A snapshot in which session a is over.
fn base() -> Feed {
    Feed::snapshot(2, 10).ends(&["a"])
}

/// A later one in which session b is over instead.
fn next() -> Feed {
    Feed::snapshot(2, 11).ends(&["b"])
}

/// What looks odd and is taken.
fn taken() -> Vec<Case> {
    let good = [Good("a"), Over("b")];
    let proves = "what isn't ignored is taken";
    let times = "iat in the future beyond the leeway is ignored";
    [
        after(
            proves,
            "another key of the set signs",
            &[base(), next().signed_by("second")],
            &good,
        ),
        after(
            proves,
            "it is good for less than 30 seconds",
            &[base(), next().with("exp", NOW + 15)],
            &good,
        ),
        after(
            times,
            "iat leeway seconds ahead",
            &[base(), next().signed_at(NOW + LEEWAY)],
            &good,
        ),
        after(
            times,
            "the same, and the later iat makes no difference",
            &[
                next().signed_at(NOW + LEEWAY),
                Feed::snapshot(2, 12).ends(&["a"]),
            ],
            &[Over("a"), Good("b")],
        ),
    ]
    .concat()
}

/// Feeds and keys, feeds and tokens.
fn strangers() -> Vec<Case> {
    let token = Token::new().signed_by("second").with("sid", "b");
    let request = || Request::get("/").bearer(&token);
    let case = |proves, note: &str, request, expected| Case::new(proves, note, request, expected);
    let as_token = Request::get("/").header("Authorization", format!("Bearer {}", next().text()));
    vec![
        case(
            "a feed needs a key of the same set",
            "its key has left the set",
            request(),
            Expected::deny("needs-feed", Refusal::RevocationUnavailable),
        )
        .feeds([base().text()])
        .keys(key_set::ROTATED),
        case(
            "a feed needs a key of the same set",
            "its key has stayed",
            request(),
            Expected::allow_as("needs-feed", &token),
        )
        .feeds([base().signed_by("second").text()])
        .keys(key_set::ROTATED),
        case(
            "a feed needs a key of the same set",
            "there are no keys",
            request(),
            Expected::deny("needs-feed", Refusal::KeysUnavailable),
        )
        .feeds([base().text()])
        .no_keys_yet(),
        case(
            "a feed is no token",
            "a feed in the place of a token",
            as_token,
            Expected::deny("needs-feed", Refusal::InvalidToken("bad_typ")),
        )
        .feeds([base().text()]),
    ]
}
