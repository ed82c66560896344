//! Methods: which rule of a pattern a method finds.

use super::case::Case;
use super::expected::{Expected, Refusal};
use super::file::DecisionFile;
use super::policies;
use super::request::Request;
use super::token::Token;

/// Every rule is public, so that a decision tells nothing but which rule it was.
const RULES: &str = r#"
[[rule]]
id = "any"
path = "/any"
allow = "anyone"

[[rule]]
id = "get"
methods = ["GET"]
path = "/get"
allow = "anyone"

[[rule]]
id = "get-beside-head"
methods = ["GET"]
path = "/head"
allow = "anyone"

[[rule]]
id = "head"
methods = ["HEAD"]
path = "/head"
allow = "anyone"

[[rule]]
id = "rest-of-them"
path = "/split"
allow = "anyone"

[[rule]]
id = "write"
methods = ["POST", "PUT"]
path = "/split"
allow = "anyone"

[[rule]]
id = "find"
methods = ["PROPFIND", "get"]
path = "/split"
allow = "anyone"

[[rule]]
id = "read"
methods = ["GET"]
path = "/split"
allow = "anyone"

[[rule]]
id = "options"
methods = ["OPTIONS"]
path = "/options"
allow = "anyone"

[[rule]]
id = "only-head"
methods = ["HEAD"]
path = "/only-head"
allow = "anyone"

[[rule]]
id = "all"
path = "/{*all}"
allow = "anyone"
"#;

/// The family.
pub(crate) fn file() -> DecisionFile {
    DecisionFile {
        name: "methods",
        about: "Methods: which rule of a pattern a method finds. Every rule is public.",
        policies: vec![("methods", policies::with(RULES))],
        cases: [found(), lost(), refused()].concat(),
    }
}

fn found() -> Vec<Case> {
    let usual = "a rule without methods covers the seven usual ones";
    let naming = "the rule naming the method wins";
    let siblings = "one without methods covers the usual ones as far as its siblings don't";
    [
        (usual, "GET", "/any", "any"),
        (usual, "HEAD", "/any", "any"),
        (usual, "POST", "/any", "any"),
        (usual, "PUT", "/any", "any"),
        (usual, "PATCH", "/any", "any"),
        (usual, "DELETE", "/any", "any"),
        (usual, "OPTIONS", "/any", "any"),
        ("G02", "GET", "/get", "get"),
        ("G02", "HEAD", "/get", "get"),
        (naming, "GET", "/head", "get-beside-head"),
        (naming, "HEAD", "/head", "head"),
        (naming, "GET", "/split", "read"),
        (naming, "HEAD", "/split", "read"),
        (naming, "POST", "/split", "write"),
        (naming, "PUT", "/split", "write"),
        (naming, "PROPFIND", "/split", "find"),
        ("methods have case", "get", "/split", "find"),
        (siblings, "PATCH", "/split", "rest-of-them"),
        (siblings, "DELETE", "/split", "rest-of-them"),
        (siblings, "OPTIONS", "/split", "rest-of-them"),
        (naming, "OPTIONS", "/options", "options"),
        (naming, "HEAD", "/only-head", "only-head"),
        (usual, "DELETE", "/elsewhere", "all"),
    ]
    .map(|(proves, method, path, rule)| {
        let note = format!("{method} {path}");
        let request = Request::new(method, path);
        Case::new(proves, note, request, Expected::allow(rule))
    })
    .into()
}

/// Methods without a rule: 401 to a stranger, 403 to whoever has a token.
fn lost() -> Vec<Case> {
    let through = "a request never falls through to a wider pattern";
    let other = "other methods only where named";
    [
        (through, "POST", "/get"),
        (through, "OPTIONS", "/get"),
        (through, "POST", "/head"),
        (through, "GET", "/options"),
        (through, "HEAD", "/options"),
        (through, "GET", "/only-head"),
        (other, "PROPFIND", "/any"),
        (other, "PROPFIND", "/elsewhere"),
        (other, "QUERY", "/split"),
        (other, "X", "/any"),
        (other, "a!#$%&'*+-.^_`|~9", "/any"),
        ("methods have case", "Get", "/any"),
        ("methods have case", "get", "/get"),
        ("methods have case", "options", "/options"),
        ("G02", "TRACE", "/any"),
        ("G02", "TRACE", "/split"),
        ("G02", "CONNECT", "/any"),
        ("G02", "CONNECT", "/elsewhere"),
    ]
    .into_iter()
    .flat_map(|(proves, method, path)| {
        let request = Request::new(method, path);
        let known = request.clone().bearer(&Token::new());
        let case = |who: &str, request, refusal| {
            let note = format!("{method} {path}, {who}");
            Case::new(proves, note, request, Expected::deny_without_rule(refusal))
        };
        [
            case("without a token", request, Refusal::MissingToken),
            case("with a token", known, Refusal::NoRule),
        ]
    })
    .collect()
}

fn refused() -> Vec<Case> {
    [
        "",
        " ",
        "GET ",
        " GET",
        "G T",
        "GET,POST",
        "GET/",
        "G@T",
        "G:",
        "(GET)",
        "\"GET\"",
        "{GET}",
        "G\0",
        "GET\n",
        "G\tT",
        "G\u{7f}",
        "GE\u{e9}",
        "\u{c3}\u{a9}",
        "TRACE ",
    ]
    .map(|method| {
        let note = format!("{method:?}");
        let request = Request::new(method, "/any");
        let proves = "what is no RFC 9110 token is 400";
        Case::new(proves, note, request, Expected::invalid_request())
    })
    .into()
}
