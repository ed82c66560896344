//! Access tokens, and the identity that the gate hands on for each.

use serde_json::{Map, Value, json};

use super::NOW;
use super::jws::{key, signed};
use super::key_set;

/// An access token before it is signed.
#[derive(Clone)]
pub(crate) struct Token {
    header: Map<String, Value>,
    claims: Map<String, Value>,
    seed: u8,
}

impl Token {
    /// A token without roles that was issued a minute ago.
    pub(crate) fn new() -> Self {
        let token = Self {
            header: Map::new(),
            claims: Map::new(),
            seed: key_set::seed("main"),
        };
        token
            .header("alg", "EdDSA")
            .header("kid", "main")
            .header("typ", "at+jwt")
            .with("iss", "https://auth.example.com")
            .with("aud", "agents-api")
            .with("sub", "usr_1")
            .with("sid", "ses_1")
            .with("client_id", "web")
            .with("jti", "jti_1")
            .with("iat", NOW - 60)
            .with("exp", NOW + 540)
    }

    /// With another claim, or another value of one.
    pub(crate) fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.claims.insert(name.into(), value.into());
        self
    }

    /// Without a claim.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.claims.shift_remove(name);
        self
    }

    /// With another member of the header, or another value of one.
    pub(crate) fn header(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.header.insert(name.into(), value.into());
        self
    }

    /// Without a member of the header.
    pub(crate) fn without_header(mut self, name: &str) -> Self {
        self.header.shift_remove(name);
        self
    }

    /// Signed by the key of that name.
    pub(crate) fn signed_by(mut self, kid: &str) -> Self {
        self.seed = key_set::seed(kid);
        self.header("kid", kid)
    }

    /// Signed by a key that is not the one it names.
    pub(crate) fn forged(mut self) -> Self {
        self.seed = 66;
        self
    }

    /// With these roles.
    pub(crate) fn roles(self, roles: &[&str]) -> Self {
        self.with("roles", json!(roles))
    }

    /// With these permissions.
    pub(crate) fn permissions(self, permissions: &[&str]) -> Self {
        self.with("permissions", json!(permissions))
    }

    /// With a login that many seconds ago.
    pub(crate) fn login_age(self, seconds: u64) -> Self {
        self.with("auth_time", NOW - seconds)
    }

    /// The token itself.
    pub(crate) fn text(&self) -> String {
        let [header, claims] = [&self.header, &self.claims].map(|members| json!(members));
        signed(&key(self.seed), &header.to_string(), &claims.to_string())
    }

    /// The headers that tell upstream who asks, in their order.
    pub(crate) fn identity(&self, rule: &str) -> Vec<(&'static str, String)> {
        let text = |name: &str| self.claims[name].as_str().unwrap_or_default().to_owned();
        let names = |name: &str| {
            let names = self.claims.get(name).and_then(Value::as_array);
            let names = names.into_iter().flatten().filter_map(Value::as_str);
            names.collect::<Vec<_>>().join(",")
        };
        vec![
            ("x-signet-sub", text("sub")),
            ("x-signet-sid", text("sid")),
            ("x-signet-client", text("client_id")),
            ("x-signet-roles", names("roles")),
            ("x-signet-permissions", names("permissions")),
            ("x-signet-exp", self.claims["exp"].to_string()),
            ("x-signet-rule", rule.into()),
        ]
    }
}
