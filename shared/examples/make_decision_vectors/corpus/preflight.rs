//! CORS preflights: by the rules, or past them.

use super::case::Case;
use super::expected::{Expected, Refusal};
use super::file::DecisionFile;
use super::key_set;
use super::policies;
use super::request::Request;
use super::token::Token;

const PASS: &str = "pass";
const RULE: &str = "rule";

/// The rules of both policies.
const RULES: &str = r#"
[[rule]]
id = "read"
methods = ["GET"]
path = "/agents"
allow = { permission = "agents:read" }

[[rule]]
id = "public"
path = "/public"
allow = "anyone"

[[rule]]
id = "private"
path = "/private"
allow = "authenticated"
revocation = "required"

[[rule]]
id = "options"
methods = ["OPTIONS"]
path = "/options"
allow = "optional"
"#;

/// The family.
pub(crate) fn file() -> DecisionFile {
    let pass = format!("preflight = \"pass\"\nforward_token = false\n{RULES}");
    DecisionFile {
        name: "preflight",
        about: "CORS preflights: by the rules, or past them.",
        policies: vec![(PASS, policies::with(&pass)), (RULE, policies::with(RULES))],
        cases: [passing(), refused(), not_preflights(), by_rule()].concat(),
    }
}

/// What a browser sends before a request with a token.
fn preflight(path: &str) -> Request {
    Request::new("OPTIONS", path).headers(&[
        ("Origin", "https://app.example.com"),
        ("Access-Control-Request-Method", "POST"),
        ("Access-Control-Request-Headers", "authorization"),
    ])
}

fn passing() -> Vec<Case> {
    let proves = "they pass on any path, without a look at Authorization, without identity";
    let case = |note: &str, request| Case::new(proves, note, request, Expected::pass());
    vec![
        case("to a rule that doesn't name OPTIONS", preflight("/agents")),
        case("to a rule that needs a token", preflight("/private")),
        case(
            "to a public rule, whose name is not told",
            preflight("/public"),
        ),
        case(
            "to a rule for OPTIONS, whose name is not told",
            preflight("/options"),
        ),
        case("to a path without a rule", preflight("/nowhere")),
        case("before there are keys", preflight("/private")).no_keys_yet(),
        case("while no key can be used", preflight("/private")).keys(key_set::UNUSABLE),
        case(
            "names of headers have no case",
            Request::new("OPTIONS", "/private").headers(&[
                ("ORIGIN", "null"),
                ("access-control-request-method", "PATCH"),
            ]),
        ),
        Case::new(
            proves,
            "with a good token",
            preflight("/private").bearer(&Token::new()),
            Expected::pass().removing(&["authorization"]),
        ),
        Case::new(
            proves,
            "with a forged token",
            preflight("/private").bearer(&Token::new().forged()),
            Expected::pass().removing(&["authorization"]),
        ),
        Case::new(
            proves,
            "with two Authorization headers",
            preflight("/private")
                .header("Authorization", "Bearer a")
                .header("Authorization", "Bearer b"),
            Expected::pass().removing(&["authorization"]),
        ),
        Case::new(
            "X05",
            "with headers that nobody may send",
            preflight("/nowhere").headers(&[
                ("X-Signet-Sub", "usr_1"),
                ("X-HTTP-Method-Override", "DELETE"),
            ]),
            Expected::pass().removing(&["x-http-method-override", "x-signet-sub"]),
        ),
    ]
}

/// 400 comes first.
fn refused() -> Vec<Case> {
    let case = |note: &str, request| {
        Case::new(
            "400 comes first",
            note,
            request,
            Expected::invalid_request(),
        )
    };
    vec![
        case("a preflight to no path", preflight("*")),
        case("a preflight to a path with dots", preflight("/../agents")),
        case(
            "a preflight that has Authorization taken away on the way",
            preflight("/agents").header("Connection", "authorization"),
        ),
    ]
}

fn not_preflights() -> Vec<Case> {
    let proves = "a preflight is OPTIONS with Origin and Access-Control-Request-Method";
    let case = |note: &str, request, refusal| {
        Case::new(proves, note, request, Expected::deny("private", refusal))
    };
    let method = ("Access-Control-Request-Method", "POST");
    let origin = ("Origin", "https://app.example.com");
    vec![
        case(
            "without Origin",
            Request::new("OPTIONS", "/private").headers(&[method]),
            Refusal::MissingToken,
        ),
        case(
            "without Access-Control-Request-Method",
            Request::new("OPTIONS", "/private").headers(&[origin]),
            Refusal::MissingToken,
        ),
        case(
            "with headers whose names only begin alike",
            Request::new("OPTIONS", "/private").headers(&[
                method,
                ("Other", "x"),
                ("Origins", "x"),
            ]),
            Refusal::MissingToken,
        ),
        case(
            "with neither",
            Request::new("OPTIONS", "/private"),
            Refusal::MissingToken,
        ),
        case(
            "a POST with both",
            Request::new("POST", "/private").headers(&[origin, method]),
            Refusal::MissingToken,
        ),
        case(
            "names with underscores are other names",
            Request::new("OPTIONS", "/private")
                .headers(&[origin, ("Access_Control_Request_Method", "POST")]),
            Refusal::MissingToken,
        ),
        Case::new(
            proves,
            "OPTIONS in small letters",
            Request::new("options", "/private").headers(&[origin, method]),
            Expected::deny_without_rule(Refusal::MissingToken),
        ),
        Case::new(
            proves,
            "OPTIONS without Origin, to a rule that is for it",
            Request::new("OPTIONS", "/options"),
            Expected::allow("options"),
        ),
    ]
}

/// `preflight = "rule"`, which is the default.
fn by_rule() -> Vec<Case> {
    let proves = "by default a preflight is treated like any OPTIONS";
    let token = Token::new();
    let case =
        |note: &str, request, expected| Case::new(proves, note, request, expected).policy(RULE);
    vec![
        case(
            "to a rule that doesn't name OPTIONS",
            preflight("/agents"),
            Expected::deny_without_rule(Refusal::MissingToken),
        ),
        case(
            "the same, with a token",
            preflight("/agents").bearer(&token),
            Expected::deny_without_rule(Refusal::NoRule),
        ),
        case(
            "to a rule that needs a token",
            preflight("/private"),
            Expected::deny("private", Refusal::MissingToken),
        ),
        case(
            "to a public rule",
            preflight("/public"),
            Expected::allow("public"),
        ),
        case(
            "to a rule for OPTIONS",
            preflight("/options"),
            Expected::allow("options"),
        ),
        case(
            "the same, with a token",
            preflight("/options").bearer(&token),
            Expected::allow_as("options", &token),
        ),
        case(
            "the same, with a forged token",
            preflight("/options").bearer(&Token::new().forged()),
            Expected::deny("options", Refusal::InvalidToken("bad_signature")),
        ),
        case(
            "the same, with two Authorization headers",
            preflight("/options")
                .header("Authorization", "Bearer a")
                .header("Authorization", "Bearer b"),
            Expected::invalid_request(),
        ),
        case(
            "to a path without a rule",
            preflight("/nowhere"),
            Expected::deny_without_rule(Refusal::MissingToken),
        ),
    ]
}
