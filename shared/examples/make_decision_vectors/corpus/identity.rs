//! The headers that tell upstream who asks.

use serde_json::json;

use super::NOW;
use super::case::Case;
use super::expected::Expected;
use super::file::DecisionFile;
use super::policies;
use super::request::Request;
use super::token::Token;

const RULES: &str = r#"
[roles]
support = ["agents:read", "agents:list"]

[[rule]]
id = "public"
path = "/public"
allow = "anyone"

[[rule]]
id = "optional"
path = "/optional"
allow = "optional"

[[rule]]
id = "known"
path = "/known"
allow = "authenticated"

[[rule]]
id = "agents"
path = "/agents"
allow = { permission = "agents:read" }

[[rule]]
id = "0.a:b/c_D-e"
path = "/odd-name"
allow = "authenticated"
"#;

/// The family.
pub(crate) fn file() -> DecisionFile {
    DecisionFile {
        name: "identity",
        about: "The headers that tell upstream who asks.",
        policies: vec![("identity", policies::with(RULES))],
        cases: [told(), untold()].concat(),
    }
}

fn told() -> Vec<Case> {
    let token = Token::new();
    let order = "sub, sid, client, roles, permissions, exp, rule";
    let own = "x-signet-permissions holds the token's own, in its order";
    let empty = "an empty list is an empty header";
    let many: Vec<String> = (0..256).map(|number| format!("p{number:03}")).collect();
    let names: Vec<&str> = many.iter().map(String::as_str).collect();
    [
        (empty, "no roles, no permissions", "known", token.clone()),
        (
            empty,
            "empty lists of them",
            "known",
            token.clone().roles(&[]).permissions(&[]),
        ),
        (order, "a role", "known", token.clone().roles(&["admin"])),
        (
            order,
            "roles and permissions in no order",
            "known",
            token
                .clone()
                .roles(&["z", "a", "m"])
                .permissions(&["y:z", "b:c", "a.b/c-d_e"]),
        ),
        (
            order,
            "256 permissions",
            "known",
            token.clone().permissions(&names),
        ),
        (
            order,
            "every mark in sub, sid and client_id",
            "known",
            token
                .clone()
                .with("sub", "!\"#$%&'()*+,-./0:;<=>?@A")
                .with("sid", "[\\]^_`a{|}~")
                .with("client_id", "mobile,app; \"v=2\"".replace(' ', "")),
        ),
        (
            order,
            "the longest of them",
            "known",
            token
                .clone()
                .with("sub", "s".repeat(255))
                .with("sid", "i".repeat(255))
                .with("client_id", "c".repeat(255)),
        ),
        (
            order,
            "what else is in the token stays there",
            "known",
            token
                .clone()
                .with("ver", 7)
                .with("auth_time", NOW - 5)
                .with("nbf", NOW - 60)
                .with("name", "Ada")
                .with("x-signet-roles", "admin"),
        ),
        (
            order,
            "escapes in the token's JSON are resolved",
            "known",
            token.clone().with("aud", json!(["agents-api", "\u{e9}\n"])),
        ),
        (
            order,
            "another exp",
            "known",
            token.clone().with("exp", NOW + 3_000),
        ),
        (order, "another rule", "0.a:b/c_D-e", token.clone()),
        (
            order,
            "a token on an optional path",
            "optional",
            token.clone().roles(&["admin"]),
        ),
        (
            own,
            "the permission comes from the role and isn't told",
            "agents",
            token.clone().roles(&["support"]),
        ),
        (
            own,
            "the token has another permission beside",
            "agents",
            token
                .clone()
                .roles(&["support", "x"])
                .permissions(&["keys:read"]),
        ),
        (
            own,
            "the permission comes from both",
            "agents",
            token.roles(&["support"]).permissions(&["agents:read"]),
        ),
    ]
    .map(|(proves, note, rule, token)| {
        let path = match rule {
            "0.a:b/c_D-e" => "/odd-name".into(),
            other => format!("/{other}"),
        };
        let request = Request::get(&path).bearer(&token);
        Case::new(proves, note, request, Expected::allow_as(rule, &token))
    })
    .into()
}

fn untold() -> Vec<Case> {
    let none = "without an identity nothing is set";
    let case = |note: &str, request, rule| Case::new(none, note, request, Expected::allow(rule));
    vec![
        case("a public path", Request::get("/public"), "public"),
        case(
            "a public path and a good token",
            Request::get("/public").bearer(&Token::new()),
            "public",
        ),
        case(
            "an optional path without a token",
            Request::get("/optional"),
            "optional",
        ),
    ]
}
