//! The `Authorization` header: no token, one, or something that can be read in two ways. Each is
//! tried on every kind of rule.

use super::case::Case;
use super::expected::{Expected, Refusal};
use super::file::DecisionFile;
use super::policies;
use super::request::Request;
use super::token::Token;

/// What the headers of a request hold.
#[derive(Clone)]
enum Holds {
    /// No token.
    Nothing,
    /// A good token.
    Token,
    /// A token that is refused for this reason.
    BadToken(&'static str),
    /// What can't be read.
    Nonsense,
}

struct Headers {
    proves: &'static str,
    note: &'static str,
    values: Vec<(&'static str, String)>,
    holds: Holds,
}

/// The family.
pub(crate) fn file() -> DecisionFile {
    let cases = [schemes(), tokens(), nonsense(), elsewhere()].concat();
    DecisionFile {
        name: "authorization",
        about: "The Authorization header, on every kind of rule.",
        policies: vec![policies::usual()],
        cases,
    }
}

impl Headers {
    fn new(proves: &'static str, note: &'static str, holds: Holds) -> Self {
        Self {
            proves,
            note,
            values: Vec::new(),
            holds,
        }
    }

    fn with(mut self, value: impl Into<String>) -> Self {
        self.values.push(("Authorization", value.into()));
        self
    }

    /// A case for each kind of rule.
    fn cases(&self) -> Vec<Case> {
        ["profile", "greeting", "health", "nowhere"]
            .map(|rule| {
                let path = match rule {
                    "health" => "/healthz".into(),
                    other => format!("/{other}"),
                };
                let mut request = Request::get(&path);
                for (name, value) in &self.values {
                    request = request.header(name, value);
                }
                let note = format!("{}, to {path}", self.note);
                Case::new(self.proves, note, request, self.holds.expected(rule))
            })
            .into()
    }
}

impl Holds {
    fn expected(&self, rule: &str) -> Expected {
        let deny = |refusal| match rule {
            "nowhere" => Expected::deny_without_rule(refusal),
            _ => Expected::deny(rule, refusal),
        };
        match (self, rule) {
            // Public rules don't look at the header at all.
            (_, "health") => Expected::allow(rule),
            (Self::Nonsense, _) => Expected::invalid_request(),
            (Self::Nothing, "greeting") => Expected::allow(rule),
            (Self::Nothing, _) => deny(Refusal::MissingToken),
            (Self::BadToken(reason), _) => deny(Refusal::InvalidToken(reason)),
            (Self::Token, "nowhere") => deny(Refusal::NoRule),
            (Self::Token, _) => Expected::allow_as(rule, &good()),
        }
    }
}

fn good() -> Token {
    Token::new().roles(&["support"])
}

fn all(headers: &[Headers]) -> Vec<Case> {
    headers.iter().flat_map(Headers::cases).collect()
}

fn schemes() -> Vec<Case> {
    let token = good().text();
    let nothing = |proves, note| Headers::new(proves, note, Holds::Nothing);
    let none = "no header, an empty one or another scheme: no token";
    let before = "the scheme is what stands before the first space or tab";
    all(&[
        nothing(none, "no header"),
        nothing(none, "an empty header").with(""),
        nothing("X03", "another scheme").with("Basic dXNyXzE6c2VjcmV0"),
        nothing(none, "another scheme that is no text").with("Basic \u{ff}\u{fe}"),
        nothing(none, "another scheme with a token").with(format!("DPoP {token}")),
        nothing(none, "another scheme, and Bearer behind").with(format!("Basic a, Bearer {token}")),
        nothing("X03", "a longer scheme").with(format!("xBearer {token}")),
        nothing(before, "no blank between").with(format!("Bearer{token}")),
        nothing(before, "a comma behind the scheme").with(format!("Bearer, {token}")),
        nothing(before, "a blank in front").with(format!(" Bearer {token}")),
        nothing(before, "a tab in front").with(format!("\tBearer {token}")),
        nothing(before, "another blank between").with(format!("Bearer\u{a0}{token}")),
        nothing(before, "a token without a scheme").with(token.clone()),
        nothing(before, "bytes that are no text").with("\u{ff}\u{fe}"),
    ])
}

fn tokens() -> Vec<Case> {
    let token = good().text();
    let good = |proves, note| Headers::new(proves, note, Holds::Token);
    let bad = |note, reason| {
        let proves = "one token68 is a token, whatever it is";
        Headers::new(proves, note, Holds::BadToken(reason))
    };
    all(&[
        good("one header, one space, one token68", "a good token").with(format!("Bearer {token}")),
        good("X03", "bearer").with(format!("bearer {token}")),
        good("X03", "BEARER").with(format!("BEARER {token}")),
        good("X03", "bEARER").with(format!("bEARER {token}")),
        bad("one letter", "malformed").with("Bearer a"),
        bad("every mark of a token68", "malformed").with("Bearer aZ09-._~+/=="),
        bad("a good token and a mark of padding", "bad_signature_len")
            .with(format!("Bearer {token}=")),
        bad("a good token and a dot", "malformed").with(format!("Bearer {token}.")),
        bad("the scheme again", "malformed").with("Bearer Bearer"),
        bad("a very long one", "too_large").with(format!("Bearer {}", "a".repeat(8_193))),
    ])
}

fn nonsense() -> Vec<Case> {
    let token = good().text();
    let forged = good().forged().text();
    let x = Headers::new;
    let mut headers = vec![
        x("X01", "two headers", Holds::Nonsense)
            .with(format!("Bearer {token}"))
            .with(format!("Bearer {forged}")),
        x("X01", "the same header twice", Holds::Nonsense)
            .with(format!("Bearer {token}"))
            .with(format!("Bearer {token}")),
        x("X01", "a token and an empty header", Holds::Nonsense)
            .with(format!("Bearer {token}"))
            .with(""),
        x("X01", "two schemes in two headers", Holds::Nonsense)
            .with("Basic a")
            .with(format!("Bearer {token}")),
        x("X01", "two headers without a token", Holds::Nonsense)
            .with("")
            .with("Basic a"),
        x("X01", "two headers joined by a comma", Holds::Nonsense)
            .with(format!("Bearer {token}, Bearer {token}")),
        x("X02", "two tokens", Holds::Nonsense).with(format!("Bearer {token} {forged}")),
        x("X02", "two tokens and a comma", Holds::Nonsense)
            .with(format!("Bearer {token},{forged}")),
        x("X03", "two spaces", Holds::Nonsense).with(format!("Bearer  {token}")),
        x("X03", "a tab", Holds::Nonsense).with(format!("Bearer\t{token}")),
        x("X03", "a space and a tab", Holds::Nonsense).with(format!("Bearer \t{token}")),
        x("X03", "the scheme alone", Holds::Nonsense).with("Bearer"),
        x("X03", "the scheme and a space", Holds::Nonsense).with("bearer "),
        x("X03", "the scheme and a tab", Holds::Nonsense).with("Bearer\t"),
    ];
    let cut = "Bearer followed by anything but one token68 is 400";
    for (note, text) in [
        ("a space behind", format!("Bearer {token} ")),
        ("a tab behind", format!("Bearer {token}\t")),
        ("a line feed behind", format!("Bearer {token}\n")),
        ("a comma behind", format!("Bearer {token},")),
        ("a parameter behind", format!("Bearer {token};realm=a")),
        ("a parameter instead", "Bearer token=a".into()),
        ("quotes around", format!("Bearer \"{token}\"")),
        ("padding and nothing else", "Bearer ==".into()),
        ("padding inside", "Bearer a=b".into()),
        ("a percent-encoded letter", "Bearer %61.b.c".into()),
        ("a byte that is no text", format!("Bearer {token}\u{ff}")),
        ("two bytes of UTF-8", "Bearer a.b.\u{c3}\u{a9}".into()),
        ("a NUL", "Bearer a\0".into()),
    ] {
        headers.push(x(cut, note, Holds::Nonsense).with(text));
    }
    all(&headers)
}

/// X04: a token in another place is none.
fn elsewhere() -> Vec<Case> {
    let good = good();
    let token = good.text();
    let in_query = format!("/profile?access_token={token}");
    let case = |note: &str, request, expected| Case::new("X04", note, request, expected);
    let missing = || Expected::deny("profile", Refusal::MissingToken);
    vec![
        case("in the query", Request::get(&in_query), missing()),
        case(
            "in a cookie",
            Request::get("/profile").header("Cookie", format!("access_token={token}")),
            missing(),
        ),
        case(
            "in a cookie that is called like the header",
            Request::get("/profile").header("Cookie", format!("Authorization=Bearer {token}")),
            missing(),
        ),
        case(
            "in another header",
            Request::get("/profile")
                .header("Proxy-Authorization", format!("Bearer {token}"))
                .header("X-Authorization", format!("Bearer {token}"))
                .header("X-Access-Token", token.clone()),
            missing(),
        ),
        case(
            "a forged one in the query, beside a good header",
            Request::get(&format!(
                "/profile?access_token={}",
                good.clone().forged().text()
            ))
            .bearer(&good),
            Expected::allow_as("profile", &good),
        ),
        case(
            "a good one in the query, beside a forged one in the header",
            Request::get(&in_query).bearer(&good.clone().forged()),
            Expected::deny("profile", Refusal::InvalidToken("bad_signature")),
        ),
        case(
            "a cookie that is no text, beside a good header",
            Request::get("/profile")
                .header("Cookie", "\u{ff}\u{fe}=\u{80}")
                .bearer(&good),
            Expected::allow_as("profile", &good),
        ),
        case(
            "in the query of an optional path",
            Request::get(&format!("/greeting?access_token={token}")),
            Expected::allow("greeting"),
        ),
    ]
}
