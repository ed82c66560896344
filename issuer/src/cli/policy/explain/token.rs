//! What a token says, whether or not anybody has checked it. Whoever shows it must show, too, how
//! far it can be trusted.

use base64ct::{Base64UrlUnpadded, Encoding as _};
use serde_json::Value;
use signet_verifier::policy::document::{Policy, Rule};
use signet_verifier::policy::{Facts, TargetPath};
use signet_verifier::time::UnixTime;

/// The payload of a token.
#[derive(Debug)]
pub(in crate::cli::policy) struct Said {
    claims: Value,
}

impl Said {
    /// Reads a payload without a look at what is around it. `None` where there is none to read.
    pub(in crate::cli::policy) fn read(token: &str) -> Option<Self> {
        let payload = token.split('.').nth(1)?;
        let payload = Base64UrlUnpadded::decode_vec(payload).ok()?;
        let claims: Value = serde_json::from_slice(&payload).ok()?;
        claims.is_object().then_some(Self { claims })
    }

    /// Everything it says.
    pub(in crate::cli::policy) fn claims(&self) -> &Value {
        &self.claims
    }

    /// What conditions are held against.
    pub(in crate::cli::policy) fn held(&self, policy: &Policy) -> Held {
        let roles = self.names("roles");
        let mut permissions = self.names("permissions");
        for permission in roles.iter().flat_map(|role| policy.permissions_of(role)) {
            if !permissions.contains(permission) {
                permissions.push(permission.clone());
            }
        }
        Held {
            subject: self.text("sub").unwrap_or_default().to_owned(),
            roles,
            permissions,
            authenticated_at: self.time("auth_time"),
        }
    }

    /// `iss`.
    pub(in crate::cli::policy) fn issuer(&self) -> &str {
        self.text("iss").unwrap_or_default()
    }

    /// `exp`.
    pub(in crate::cli::policy) fn expires_at(&self) -> Option<UnixTime> {
        self.time("exp")
    }

    /// `aud`.
    pub(in crate::cli::policy) fn audiences(&self) -> Vec<String> {
        match self.text("aud") {
            Some(one) => vec![one.to_owned()],
            None => self.names("aud"),
        }
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.claims.get(name).and_then(Value::as_str)
    }

    fn time(&self, name: &str) -> Option<UnixTime> {
        let seconds = self.claims.get(name).and_then(Value::as_u64);
        seconds.map(UnixTime::from_secs)
    }

    fn names(&self, name: &str) -> Vec<String> {
        let names = self.claims.get(name).and_then(Value::as_array);
        let names = names.into_iter().flatten().filter_map(Value::as_str);
        names.map(str::to_owned).collect()
    }
}

/// What a token holds under a policy, whose roles bring permissions.
#[derive(Debug)]
pub(in crate::cli::policy) struct Held {
    pub(in crate::cli::policy) subject: String,
    pub(in crate::cli::policy) roles: Vec<String>,
    pub(in crate::cli::policy) permissions: Vec<String>,
    authenticated_at: Option<UnixTime>,
}

impl Held {
    /// The facts of a request that a rule decides about.
    pub(in crate::cli::policy) fn facts<'a>(
        &'a self,
        rule: &'a Rule,
        path: &'a TargetPath<'a>,
        now: UnixTime,
    ) -> Facts<'a> {
        Facts {
            subject: &self.subject,
            roles: &self.roles,
            permissions: &self.permissions,
            authenticated_at: self.authenticated_at,
            now,
            pattern: &rule.route.pattern,
            path,
        }
    }
}
