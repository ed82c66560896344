//! R01: which entry of a feed revokes which token. The rule says nothing about feeds.

use crate::corpus::NOW;
use crate::corpus::case::Case;
use crate::corpus::expected::{Expected, Refusal};
use crate::corpus::feed::Feed;
use crate::corpus::request::Request;
use crate::corpus::token::Token;

/// The cases.
pub(crate) fn cases() -> Vec<Case> {
    let many: Vec<String> = (0..100).map(|number| format!("ses_{number}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let subjects: Vec<(&str, u64)> = many.iter().map(|name| (*name, 3)).collect();
    let empty = || Feed::snapshot(1, 1);
    let versions = |version| empty().least_versions(&[("usr_1", version)]);
    let plain = Token::new();
    let with = |version: u64| plain.clone().with("ver", version);
    let highest = 1_u64 << 53;
    [
        ("an empty feed", empty(), plain.clone(), false),
        ("its session", empty().ends(&["ses_1"]), plain.clone(), true),
        (
            "its session, one of a hundred",
            empty().ends(&many),
            plain.clone(),
            true,
        ),
        (
            "a hundred others",
            empty().ends(&many),
            plain.clone().with("sid", "ses_100"),
            false,
        ),
        (
            "a session in capitals",
            empty().ends(&["SES_1"]),
            plain.clone(),
            false,
        ),
        (
            "its subject among the sessions",
            empty().ends(&["usr_1"]),
            plain.clone(),
            false,
        ),
        (
            "its jti among the sessions",
            empty().ends(&["jti_1"]),
            plain.clone(),
            false,
        ),
        ("ver below the least", versions(5), with(4), true),
        ("ver is the least", versions(5), with(5), false),
        ("ver above the least", versions(5), with(6), false),
        (
            "no ver counts as 0, the least is 1",
            versions(1),
            plain.clone(),
            true,
        ),
        (
            "no ver counts as 0, the least is 0",
            versions(0),
            plain.clone(),
            false,
        ),
        ("ver 0, the least is 1", versions(1), with(0), true),
        ("the highest ver", versions(highest), with(highest), false),
        (
            "just below the highest ver",
            versions(highest),
            with(highest - 1),
            true,
        ),
        (
            "its session among the subjects",
            empty().least_versions(&[("ses_1", 9)]),
            with(4),
            false,
        ),
        (
            "its subject, one of a hundred",
            empty().least_versions(&subjects),
            with(2).with("sub", "ses_42"),
            true,
        ),
        (
            "a hundred other subjects",
            empty().least_versions(&subjects),
            with(2),
            false,
        ),
        (
            "its key",
            empty().signed_by("second").refuses(&["main"]),
            plain.clone(),
            true,
        ),
        (
            "its key among others",
            empty().refuses(&["a", "second"]),
            plain.clone().signed_by("second"),
            true,
        ),
        (
            "another key",
            empty().refuses(&["second"]),
            plain.clone(),
            false,
        ),
        (
            "a kid that is like its own",
            empty().refuses(&["mai", "main2", "Main"]),
            plain.clone(),
            false,
        ),
    ]
    .map(|(note, feed, token, is_revoked)| {
        let expected = match is_revoked {
            true => Expected::deny("silent", Refusal::InvalidToken("revoked")),
            false => Expected::allow_as("silent", &token),
        };
        let request = Request::get("/silent").bearer(&token);
        Case::new("R01", note, request, expected).feeds([feed.text()])
    })
    .into_iter()
    .chain([expired()])
    .collect()
}

/// What is wrong with the token itself comes first.
fn expired() -> Case {
    let token = Token::new().with("iat", NOW - 900).with("exp", NOW - 300);
    let expected = Expected::deny("silent", Refusal::InvalidToken("expired"));
    let request = Request::get("/silent").bearer(&token);
    let feed = Feed::snapshot(1, 1).ends(&["ses_1"]);
    Case::new("R01", "its session, and it is expired", request, expected).feeds([feed.text()])
}
