//! Targets: which spellings are one path, which are another, and which are refused.

use super::case::Case;
use super::expected::{Expected, Refusal};
use super::file::DecisionFile;
use super::policies;
use super::request::Request;

/// Every rule is public, so that a decision tells nothing but which rule it was.
const RULES: &str = r#"
[[rule]]
id = "root"
path = "/"
allow = "anyone"

[[rule]]
id = "admin"
path = "/admin"
allow = "anyone"

[[rule]]
id = "cafe"
path = "/caf%C3%A9"
allow = "anyone"

[[rule]]
id = "colon"
path = "/a:b"
allow = "anyone"

[[rule]]
id = "page"
path = "/{page}"
allow = "anyone"

[[rule]]
id = "directory"
path = "/directory/"
allow = "anyone"

[[rule]]
id = "user"
path = "/users/{user}"
allow = "anyone"

[[rule]]
id = "files"
path = "/files/{*rest}"
allow = "anyone"
"#;

/// The family.
pub(crate) fn file() -> DecisionFile {
    DecisionFile {
        name: "targets",
        about: "Spellings of a path: the same, another, or refused. Every rule is public.",
        policies: vec![("paths", policies::with(RULES))],
        cases: [found(), lost(), refused()].concat(),
    }
}

fn found() -> Vec<Case> {
    let once = "percent-encoded unreserved characters become themselves";
    let other = "the other encodings stay as they are";
    let query = "the query is not part of the path";
    [
        ("G01", "the root", "/", "root"),
        ("G01", "a literal path", "/admin", "admin"),
        (once, "an encoded letter", "/%61dmin", "admin"),
        (
            once,
            "all letters encoded, in both cases of the digits",
            "/%61%64%6D%69%6e",
            "admin",
        ),
        (
            once,
            "encoded marks of the unreserved kind",
            "/files/%2D%5f%2e%7Ea",
            "files",
        ),
        (once, "an encoded letter in capitals", "/%41dmin", "page"),
        ("G01", "paths have case", "/ADMIN", "page"),
        ("G01", "a dot behind", "/admin.", "page"),
        ("G01", "a dot in front", "/.admin", "page"),
        ("G01", "three dots are a name", "/...", "page"),
        (
            "G01",
            "an encoded space is part of a name",
            "/admin%20",
            "page",
        ),
        (
            "G01",
            "every mark that a segment may have",
            "/admin-._~!$&'()*+,=:@",
            "page",
        ),
        ("G01", "a reserved character as it is", "/a:b", "colon"),
        (
            other,
            "encoded, where either reading leads to the same rule",
            "/b%3Ac",
            "page",
        ),
        (
            other,
            "and again, in small digits, under a parameter",
            "/users/ada%40example.com%3a1",
            "user",
        ),
        (other, "letters beyond ASCII", "/caf%C3%A9", "cafe"),
        (other, "the same, in small digits", "/caf%c3%a9", "cafe"),
        (
            other,
            "the same, other letters encoded",
            "/%63af%C3%a9",
            "cafe",
        ),
        (
            "{x} is one non-empty segment",
            "four bytes of UTF-8",
            "/users/%F0%9F%98%80",
            "user",
        ),
        (
            "a pattern may end in a slash",
            "with the slash",
            "/directory/",
            "directory",
        ),
        (
            "a trailing slash is another path",
            "without the slash",
            "/directory",
            "page",
        ),
        (
            "{*rest} is one or more segments",
            "one",
            "/files/a",
            "files",
        ),
        (
            "{*rest} is one or more segments",
            "three",
            "/files/a/b/c",
            "files",
        ),
        (query, "an empty query", "/?", "root"),
        (query, "a query", "/admin?a=b&c", "admin"),
        (
            query,
            "what a path may not have",
            "/admin?/../a//b;c",
            "admin",
        ),
        (
            query,
            "encodings that a path may not have",
            "/admin?%25%2f%5C%00%3b",
            "admin",
        ),
        (
            query,
            "encoded bytes that aren't UTF-8",
            "/admin?%ff%C0%AF",
            "admin",
        ),
        (query, "a second question mark", "/admin?a?b", "admin"),
        (query, "another path in it", "/healthz?/admin", "page"),
        (
            query,
            "a segment that only the query has",
            "/users?/1",
            "page",
        ),
    ]
    .map(|(proves, note, path, rule)| {
        Case::new(proves, note, Request::get(path), Expected::allow(rule))
    })
    .into()
}

/// Paths that are fine and that no pattern matches.
fn lost() -> Vec<Case> {
    let slash = "a trailing slash is another path";
    let filled = "parameters are not empty";
    [
        (slash, "behind a literal", "/admin/"),
        (slash, "behind a parameter", "/users/1/"),
        (slash, "behind {*rest}", "/files/a/"),
        (filled, "an empty {x}", "/users/"),
        (filled, "an empty {*rest}", "/files/"),
        ("G01", "a segment more", "/admin/x"),
        ("G01", "a segment more behind a slash", "/directory/x"),
    ]
    .map(|(proves, note, path)| {
        let expected = Expected::deny_without_rule(Refusal::MissingToken);
        Case::new(proves, note, Request::get(path), expected)
    })
    .into()
}

fn refused() -> Vec<Case> {
    let encoding = "a broken or double encoding is 400";
    let slashes = "slash-likes are 400";
    let controls = "NUL and control characters are 400";
    let semicolons = "; in either form is 400";
    let dots = "// and dot segments are 400";
    let bytes = "raw non-ASCII and invalid UTF-8 are 400";
    let form = "what isn't an RFC 3986 path and query is 400";
    let readings = "G01: never silently a different rule";
    let families: [(&'static str, &[&str]); 9] = [
        (
            readings,
            &["/a%3Ab", "/a%3ab", "/%61%3Ab", "/a%3Ab?c", "/a%3A%62"],
        ),
        (
            encoding,
            &[
                "/%",
                "/admin%",
                "/%6",
                "/%6/admin",
                "/%6g",
                "/%g6",
                "/%+61",
                "/%u0061",
                "/%25",
                "/%2561dmin",
                "/admin%25",
                "/%252e%252e/admin",
            ],
        ),
        (
            slashes,
            &[
                "/admin%2f",
                "/admin%2F..",
                "/files%2Fa",
                "/%2fadmin",
                "/admin%5c",
                "/%5Cadmin",
                "/admin\\x",
                "/\\admin",
                "/..\\admin",
            ],
        ),
        (
            controls,
            &[
                "/admin%00",
                "/admin\0",
                "/admin%0a",
                "/admin%0D%0Ax",
                "/admin\n",
                "/admin\r",
                "/admin\t",
                "/admin%09",
                "/admin%1f",
                "/admin\u{1f}",
                "/admin%7F",
                "/admin\u{7f}",
                "/admin%C2%85",
            ],
        ),
        (
            semicolons,
            &[
                "/admin;x",
                "/admin;",
                "/;/admin",
                "/admin%3b",
                "/admin%3Bx=1",
            ],
        ),
        (
            dots,
            &[
                "//",
                "//admin",
                "/admin//",
                "/files//a",
                "/.",
                "/..",
                "/./admin",
                "/admin/.",
                "/admin/..",
                "/public/../admin",
                "/%2e",
                "/%2E%2e/admin",
                "/.%2e/admin",
                "/%2e./admin",
                "/files/a/%2E",
                "//auth.example.com/admin",
            ],
        ),
        (
            bytes,
            &[
                "/caf\u{e9}",
                "/caf\u{c3}\u{a9}",
                "/\u{ff}",
                "/\u{80}",
                "/%ff",
                "/caf%E9",
                "/%C3",
                "/%A9",
                "/%C3/%A9",
                "/%C3a%A9",
                "/%C0%AF",
                "/%C0%80",
                "/%ED%A0%80",
                "/%F4%90%80%80",
            ],
        ),
        (
            "#, absolute-form and * are 400",
            &[
                "*",
                "http://auth.example.com/admin",
                "https://auth.example.com/admin",
                "HTTP://AUTH.EXAMPLE.COM/",
                "/admin#x",
                "/#",
                "/admin?a#b",
                "auth.example.com:443",
            ],
        ),
        (
            form,
            &[
                "",
                "?",
                "?/admin",
                "admin",
                " /admin",
                "/admin ",
                "/ad min",
                "/ad\"min",
                "/<admin>",
                "/a|b",
                "/a^b",
                "/a`b",
                "/{page}",
                "/[admin]",
                "/admin?%",
                "/admin?%2",
                "/admin?%zz",
                "/admin?a b",
                "/admin?a|b",
                "/admin?[a]",
                "/admin?{a}",
                "/admin?\"",
                "/admin?<a>",
                "/admin?\\",
                "/admin?^",
                "/admin?`",
                "/admin?\u{e9}",
                "/admin?\0",
                "/admin?\n",
                "/admin?\u{7f}",
            ],
        ),
    ];
    let case = |proves, path: &str| {
        let note = format!("{path:?}");
        Case::new(
            proves,
            note,
            Request::get(path),
            Expected::invalid_request(),
        )
    };
    families
        .iter()
        .flat_map(|(proves, paths)| paths.iter().map(|path| case(proves, path)))
        .collect()
}
