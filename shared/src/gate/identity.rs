//! Whoever has a good token: what is told upstream of them, and what conditions are held against.

use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use crate::claims::Claims;
use crate::policy::Policy;
use crate::revocation::{Prefix, Revocations};
use crate::verify::VerifiedToken;

/// What a verified token becomes under a policy. It is made once per token and kept.
#[derive(Debug)]
pub struct Identity {
    token: VerifiedToken,
    session: Prefix,
    subject: Prefix,
    /// The token's permissions and those that its roles bring; `None` where they bring none.
    with_those_of_roles: Option<Vec<String>>,
    joined_roles: String,
    joined_permissions: String,
    expires_at: String,
}

impl Identity {
    pub(super) fn new(token: VerifiedToken, policy: &Policy) -> Self {
        let claims = token.claims();
        Self {
            session: Prefix::of(claims.session_id()),
            subject: Prefix::of(claims.subject()),
            with_those_of_roles: with_those_of_roles(claims, policy),
            joined_roles: claims.roles().join(","),
            joined_permissions: claims.permissions().join(","),
            expires_at: claims.expires_at().to_string(),
            token,
        }
    }

    /// The token.
    #[must_use]
    pub fn token(&self) -> &VerifiedToken {
        &self.token
    }

    /// Every permission: the token's, and those that its roles bring.
    #[must_use]
    pub fn permissions(&self) -> &[String] {
        let own = self.token.claims().permissions();
        self.with_those_of_roles.as_deref().unwrap_or(own)
    }

    /// Names and values of the headers that tell upstream who asks, without the rule.
    pub(super) fn headers(&self) -> [(&'static str, &str); 6] {
        let claims = self.token.claims();
        [
            ("x-signet-sub", claims.subject()),
            ("x-signet-sid", claims.session_id()),
            ("x-signet-client", claims.client_id()),
            ("x-signet-roles", &self.joined_roles),
            ("x-signet-permissions", &self.joined_permissions),
            ("x-signet-exp", &self.expires_at),
        ]
    }

    pub(super) fn is_revoked_by(&self, revocations: &Revocations) -> bool {
        let version = self.token.claims().version();
        revocations.revokes(self.token.kid(), &self.session, &self.subject, version)
    }

    /// What it takes to keep it, in bytes, about: a name in a list is a text and the place of one.
    pub(super) fn weight(&self) -> usize {
        let place = size_of::<String>();
        let claims = self.token.claims();
        let brought = self.with_those_of_roles.as_deref().unwrap_or_default();
        let lists = [
            claims.audiences(),
            claims.roles(),
            claims.permissions(),
            brought,
        ];
        let names = lists.into_iter().flatten();
        let names: usize = names.map(|name| name.len().saturating_add(place)).sum();
        // Every claim is in the payload, and those we know are held once more or twice.
        let claims = self.token.claims_json().len().saturating_mul(3);
        size_of::<Self>()
            .saturating_add(names)
            .saturating_add(claims)
    }
}

fn with_those_of_roles(claims: &Claims, policy: &Policy) -> Option<Vec<String>> {
    let brought = claims.roles().iter();
    let mut brought = brought
        .flat_map(|role| policy.permissions_of(role))
        .filter(|permission| !claims.has_permission(permission))
        .peekable();
    brought.peek()?;
    Some(
        claims
            .permissions()
            .iter()
            .chain(brought)
            .cloned()
            .collect(),
    )
}
