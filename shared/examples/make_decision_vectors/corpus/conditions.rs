//! Conditions, apart from the age of the login.

use super::case::Case;
use super::expected::{Expected, Refusal};
use super::file::DecisionFile;
use super::policies;
use super::request::Request;
use super::token::Token;

const RULES: &str = r#"
[roles]
support = ["agents:read"]
operator = ["agents:write", "keys:rotate"]
nobody = []

[[rule]]
id = "authenticated"
path = "/authenticated"
allow = "authenticated"

[[rule]]
id = "role"
path = "/role"
allow = { role = "admin" }

[[rule]]
id = "permission"
path = "/permission"
allow = { permission = "agents:read" }

[[rule]]
id = "own"
path = "/users/{user}"
allow = { subject = "{user}" }

[[rule]]
id = "own-in-team"
path = "/teams/{team}/users/{user}/{*rest}"
allow = { subject = "{user}" }

[[rule]]
id = "not-own"
path = "/others/{user}"
allow = { not = { subject = "{user}" } }

[[rule]]
id = "all"
path = "/all"
allow = { all = [{ role = "admin" }, { permission = "agents:read" }] }

[[rule]]
id = "any"
path = "/any"
allow = { any = [{ role = "admin" }, { permission = "agents:read" }] }

[[rule]]
id = "not"
path = "/not"
allow = { not = { role = "guest" } }

[[rule]]
id = "nested"
path = "/nested/{user}"
allow = { any = [{ all = [{ role = "member" }, { not = { role = "guest" } }, { subject = "{user}" }] }, { not = { any = [{ not = { role = "admin" } }, { permission = "read-only" }] } }] }

[[rule]]
id = "two-permissions"
path = "/two"
allow = { all = [{ permission = "agents:write" }, { permission = "agents:read" }] }
"#;

/// The family.
pub(crate) fn file() -> DecisionFile {
    DecisionFile {
        name: "conditions",
        about: "Conditions on roles, permissions and subjects.",
        policies: vec![("conditions", policies::with(RULES))],
        cases: [names(), subjects(), combinations()].concat(),
    }
}

/// A case that the rule lets through, or refuses for its scope.
fn case(
    proves: &'static str,
    note: &str,
    rule: &str,
    path: &str,
    token: &Token,
    holds: bool,
) -> Case {
    let expected = match holds {
        true => Expected::allow_as(rule, token),
        false => Expected::deny(rule, Refusal::InsufficientScope),
    };
    let note = format!("{rule}: {note}");
    Case::new(proves, note, Request::get(path).bearer(token), expected)
}

fn names() -> Vec<Case> {
    let token = Token::new();
    let local = "roles bring the permissions of the policy; the token's count as well";
    [
        ("G04", "no role", "role", token.clone(), false),
        (
            "G04",
            "another role",
            "role",
            token.clone().roles(&["support"]),
            false,
        ),
        (
            "G04",
            "the role",
            "role",
            token.clone().roles(&["admin"]),
            true,
        ),
        (
            "G04",
            "the role, third of three",
            "role",
            token.clone().roles(&["a", "b", "admin"]),
            true,
        ),
        (
            "G04",
            "the role in capitals",
            "role",
            token.clone().roles(&["Admin"]),
            false,
        ),
        (
            "G04",
            "a longer role",
            "role",
            token.clone().roles(&["admins"]),
            false,
        ),
        (
            "G04",
            "a shorter role",
            "role",
            token.clone().roles(&["admi"]),
            false,
        ),
        (
            "G04",
            "a permission of that name",
            "role",
            token.clone().permissions(&["admin"]),
            false,
        ),
        ("G04", "no permission", "permission", token.clone(), false),
        (
            local,
            "the permission",
            "permission",
            token.clone().permissions(&["agents:read"]),
            true,
        ),
        (
            "G04",
            "other permissions",
            "permission",
            token
                .clone()
                .permissions(&["agents:write", "agents:rea", "agents:read2"]),
            false,
        ),
        (
            "G04",
            "a role of that name",
            "permission",
            token.clone().roles(&["agents:read"]),
            false,
        ),
        (
            local,
            "a role that brings it",
            "permission",
            token.clone().roles(&["support"]),
            true,
        ),
        (
            local,
            "a role that brings others",
            "permission",
            token.clone().roles(&["operator"]),
            false,
        ),
        (
            local,
            "a role that brings none",
            "permission",
            token.clone().roles(&["nobody"]),
            false,
        ),
        (
            local,
            "the second of two roles brings it",
            "permission",
            token.clone().roles(&["operator", "support"]),
            true,
        ),
        (
            local,
            "a role that only the token knows",
            "permission",
            token.clone().roles(&["admin"]),
            false,
        ),
        (
            "authenticated",
            "a token",
            "authenticated",
            token.clone(),
            true,
        ),
        (
            local,
            "one permission of the token, the other of a role",
            "two",
            token
                .clone()
                .roles(&["support"])
                .permissions(&["agents:write"]),
            true,
        ),
        (
            local,
            "both of two roles",
            "two",
            token.clone().roles(&["operator", "support"]),
            true,
        ),
        (
            local,
            "only one of them",
            "two",
            token.roles(&["operator"]),
            false,
        ),
    ]
    .map(|(proves, note, path, token, holds)| {
        let rule = if path == "two" {
            "two-permissions"
        } else {
            path
        };
        case(proves, note, rule, &format!("/{path}"), &token, holds)
    })
    .into()
}

fn subjects() -> Vec<Case> {
    let named = |subject: &str| Token::new().with("sub", subject);
    let proves = "the segment, percent-decoded in full, equals sub";
    [
        ("own", "/users/usr_1", "usr_1", true),
        ("own", "/users/usr_2", "usr_1", false),
        ("own", "/users/USR_1", "usr_1", false),
        ("own", "/users/usr_10", "usr_1", false),
        ("own", "/users/usr_", "usr_1", false),
        ("own", "/users/%75%73r%5F1", "usr_1", true),
        ("own", "/users/usr_1?user=usr_2", "usr_1", true),
        ("own", "/users/usr_2?usr_1", "usr_1", false),
        ("own", "/users/ada@example.com", "ada@example.com", true),
        ("own", "/users/ada%40example.com", "ada@example.com", true),
        ("own", "/users/ada+x", "ada+x", true),
        ("own", "/users/ada%2bx", "ada+x", true),
        ("own", "/users/ada%20x", "ada+x", false),
        ("own", "/users/%7Cada%7c", "|ada|", true),
        ("own", "/users/%22%22", "\"\"", true),
        ("own", "/users/%C3%A9", "e", false),
        ("own-in-team", "/teams/usr_2/users/usr_1/a", "usr_1", true),
        (
            "own-in-team",
            "/teams/usr_1/users/usr_2/usr_1",
            "usr_1",
            false,
        ),
        ("own-in-team", "/teams/t/users/usr%5f1/a/b", "usr_1", true),
        ("not-own", "/others/usr_1", "usr_1", false),
        ("not-own", "/others/%75sr_1", "usr_1", false),
        ("not-own", "/others/usr_2", "usr_1", true),
    ]
    .map(|(rule, path, subject, holds)| {
        let note = format!("{subject} to {path}");
        case(proves, &note, rule, path, &named(subject), holds)
    })
    .into()
}

fn combinations() -> Vec<Case> {
    let with =
        |roles: &[&str], permissions: &[&str]| Token::new().roles(roles).permissions(permissions);
    [
        ("all", "neither", with(&[], &[]), false),
        ("all", "the first", with(&["admin"], &[]), false),
        ("all", "the second", with(&[], &["agents:read"]), false),
        ("all", "both", with(&["admin"], &["agents:read"]), true),
        ("any", "neither", with(&["guest"], &["x"]), false),
        ("any", "the first", with(&["admin"], &[]), true),
        ("any", "the second", with(&[], &["agents:read"]), true),
        ("any", "both", with(&["admin"], &["agents:read"]), true),
        ("not", "no role", with(&[], &[]), true),
        ("not", "the role", with(&["guest"], &[]), false),
        (
            "not",
            "the role among others",
            with(&["admin", "guest"], &[]),
            false,
        ),
        (
            "nested",
            "a member to their own",
            with(&["member"], &[]),
            true,
        ),
        (
            "nested",
            "a guest to their own",
            with(&["guest"], &[]),
            false,
        ),
        (
            "nested",
            "a member and guest to their own",
            with(&["member", "guest"], &[]),
            false,
        ),
        ("nested", "an admin", with(&["admin"], &[]), true),
        (
            "nested",
            "an admin who may only read",
            with(&["admin"], &["read-only"]),
            false,
        ),
        (
            "nested",
            "an admin and guest",
            with(&["admin", "guest"], &[]),
            true,
        ),
    ]
    .map(|(rule, note, token, holds)| {
        let path = match rule {
            "nested" => "/nested/usr_1".into(),
            other => format!("/{other}"),
        };
        case("all, any and not", note, rule, &path, &token, holds)
    })
    .into()
}
