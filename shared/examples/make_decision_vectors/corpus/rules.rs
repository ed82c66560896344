//! Paths: which pattern decides.

use super::case::Case;
use super::expected::{Expected, Refusal};
use super::file::DecisionFile;
use super::policies;
use super::request::Request;
use super::token::Token;

/// Wide patterns stand in front, since the order of rules doesn't matter.
const RULES: &str = r#"
[[rule]]
id = "all"
path = "/{*all}"
allow = "anyone"

[[rule]]
id = "root"
path = "/"
allow = "anyone"

[[rule]]
id = "things"
path = "/v1/{kind}/{id}"
allow = "anyone"

[[rule]]
id = "agents-below"
path = "/v1/agents/{*rest}"
allow = "anyone"

[[rule]]
id = "agent"
path = "/v1/agents/{id}"
allow = "anyone"

[[rule]]
id = "agent-directory"
path = "/v1/agents/{id}/"
allow = "anyone"

[[rule]]
id = "new-agent"
path = "/v1/agents/new"
allow = "anyone"

[[rule]]
id = "write-agent-log"
methods = ["POST"]
path = "/v1/agents/{id}/log"
allow = "anyone"

[[rule]]
id = "second-is-x"
path = "/{a}/x/{b}"
allow = "anyone"

[[rule]]
id = "third-is-y"
path = "/v2/{a}/y"
allow = "anyone"

[[rule]]
id = "v2-x"
path = "/v2/x/{*rest}"
allow = "anyone"

[[rule]]
id = "deep"
path = "/v3/{a}/b/{c}/d"
allow = "anyone"

[[rule]]
id = "shallow"
path = "/v3/a/{*rest}"
allow = "anyone"

[[rule]]
id = "get-named"
methods = ["GET"]
path = "/same/{one}"
allow = "anyone"

[[rule]]
id = "post-named"
methods = ["POST"]
path = "/same/{other}"
allow = "anyone"
"#;

/// The family.
pub(crate) fn file() -> DecisionFile {
    DecisionFile {
        name: "rules",
        about: "Patterns: which of those that match decides. Every rule is public.",
        policies: vec![
            ("patterns", policies::with(RULES)),
            ("empty", policies::with("")),
            policies::usual(),
        ],
        cases: [found(), lost(), without_rule()].concat(),
    }
}

fn found() -> Vec<Case> {
    let first = "literal before {x} before {*rest}, segment by segment from the left";
    let matching = "the most specific pattern that matches decides";
    [
        (matching, "/", "root"),
        (matching, "/a", "all"),
        (matching, "/v1", "all"),
        (matching, "/v1/agents", "all"),
        (first, "/v1/users/1", "things"),
        (first, "/v1/agents/1", "agent"),
        (first, "/v1/agents/new", "new-agent"),
        (first, "/v1/agents/%6Eew", "new-agent"),
        (first, "/v1/agents/NEW", "agent"),
        (first, "/v1/agents/new/x", "agents-below"),
        (first, "/v1/agents/1/", "agent-directory"),
        (first, "/v1/agents/1/2/3", "agents-below"),
        (first, "/v1/x/2", "things"),
        (first, "/v4/x/2", "second-is-x"),
        (matching, "/v1/x/2/3", "all"),
        (first, "/v2/x/y", "v2-x"),
        (first, "/v2/w/y", "third-is-y"),
        (first, "/v2/x/z", "v2-x"),
        (matching, "/v2/w/z", "all"),
        (matching, "/v2/x", "all"),
        (first, "/v3/a/b/c/d", "shallow"),
        (first, "/v3/z/b/c/d", "deep"),
        (matching, "/v3/z/b/c/e", "all"),
    ]
    .map(|(proves, path, rule)| Case::new(proves, path, Request::get(path), Expected::allow(rule)))
    .into_iter()
    .chain(["GET", "POST"].map(|method| {
        let rule = format!("{}-named", method.to_lowercase());
        Case::new(
            "names of parameters don't tell patterns apart",
            format!("{method} to one pattern under two names"),
            Request::new(method, "/same/1"),
            Expected::allow(&rule),
        )
    }))
    .collect()
}

/// The most specific pattern that matches has no rule for it, or none matches.
fn lost() -> Vec<Case> {
    let through = "a request never falls through to a wider pattern";
    [
        (through, "GET", "/v1/agents/1/log"),
        (through, "DELETE", "/same/1"),
        ("{*rest} has no empty segment", "GET", "/v1/agents/"),
        ("{*rest} has no empty segment", "GET", "/v1/agents/1/2/"),
        ("{*rest} has no empty segment", "GET", "/v2/w/"),
    ]
    .into_iter()
    .flat_map(|(proves, method, path)| no_rule(proves, method, path))
    .collect()
}

fn no_rule(proves: &'static str, method: &str, path: &str) -> [Case; 2] {
    let stranger = Request::new(method, path);
    let known = stranger.clone().bearer(&Token::new());
    let case = |who: &str, request, refusal| {
        let note = format!("{method} {path}, {who}");
        Case::new(proves, note, request, Expected::deny_without_rule(refusal))
    };
    [
        case("without a token", stranger, Refusal::MissingToken),
        case("with a token", known, Refusal::NoRule),
    ]
}

/// G03: 401 for no or a bad token, else 403.
fn without_rule() -> Vec<Case> {
    let expired = Token::new()
        .with("iat", 2_000_000_000)
        .with("exp", 2_000_000_600);
    let anywhere = |note: &str, request: Request, refusal| {
        Case::new("G03", note, request, Expected::deny_without_rule(refusal))
            .policy(policies::USUAL)
    };
    let mut cases: Vec<Case> = no_rule("G03", "GET", "/healthz")
        .map(|case| case.policy("empty"))
        .into();
    cases.extend([
        anywhere("no token", Request::get("/admin"), Refusal::MissingToken),
        anywhere(
            "a good token",
            Request::get("/admin").bearer(&Token::new()),
            Refusal::NoRule,
        ),
        anywhere(
            "a good token with every role and permission there is",
            Request::get("/admin").bearer(
                &Token::new()
                    .roles(&["admin", "support"])
                    .permissions(&["agents:read"])
                    .login_age(0),
            ),
            Refusal::NoRule,
        ),
        anywhere(
            "an expired token",
            Request::get("/admin").bearer(&expired),
            Refusal::InvalidToken("expired"),
        ),
        anywhere(
            "a forged token",
            Request::get("/admin").bearer(&Token::new().forged()),
            Refusal::InvalidToken("bad_signature"),
        ),
        anywhere(
            "another method of a public path",
            Request::new("POST", "/healthz"),
            Refusal::MissingToken,
        ),
        anywhere(
            "a public path with a slash behind",
            Request::get("/healthz/").bearer(&Token::new()),
            Refusal::NoRule,
        ),
    ]);
    cases
}
