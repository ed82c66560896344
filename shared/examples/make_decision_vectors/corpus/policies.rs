//! The policy that most families share, and the head of the others.

/// The name of the shared policy.
pub(crate) const USUAL: &str = "usual";

/// A policy with these rules.
pub(crate) fn with(rules: &str) -> String {
    format!(
        "version = 1\nissuer = \"https://auth.example.com\"\naudience = [\"agents-api\"]\n{rules}"
    )
}

/// One rule of every kind.
pub(crate) fn usual() -> (&'static str, String) {
    let rules = r#"
[roles]
support = ["agents:read"]

[[rule]]
id = "health"
methods = ["GET"]
path = "/healthz"
allow = "anyone"

[[rule]]
id = "greeting"
path = "/greeting"
allow = "optional"

[[rule]]
id = "profile"
path = "/profile"
allow = "authenticated"

[[rule]]
id = "read-agent"
methods = ["GET"]
path = "/v1/agents/{agent}"
allow = { permission = "agents:read" }

[[rule]]
id = "own-files"
path = "/v1/users/{user}/{*rest}"
allow = { any = [{ subject = "{user}" }, { role = "admin" }] }

[[rule]]
id = "rotate"
methods = ["POST"]
path = "/v1/keys/rotate"
allow = { all = [{ role = "admin" }, { fresh_within = "5m" }] }
revocation = "required"
"#;
    (USUAL, with(rules))
}
