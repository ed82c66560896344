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
    headers: Headers,
}

/// The values of the headers that tell upstream who asks: one after the other in one text, since
/// what is remembered and forgotten by the thousand shouldn't be in many pieces.
#[derive(Debug)]
struct Headers {
    values: String,
    /// Where each ends.
    ends: [usize; 6],
}

/// Their names, without that of the rule.
const NAMES: [&str; 6] = [
    "x-signet-sub",
    "x-signet-sid",
    "x-signet-client",
    "x-signet-roles",
    "x-signet-permissions",
    "x-signet-exp",
];

impl Identity {
    pub(super) fn new(token: VerifiedToken, policy: &Policy) -> Self {
        let claims = token.claims();
        Self {
            session: Prefix::of(claims.session_id()),
            subject: Prefix::of(claims.subject()),
            with_those_of_roles: with_those_of_roles(claims, policy),
            headers: Headers::of(claims),
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
    pub(super) fn headers(&self) -> impl Iterator<Item = (&'static str, &str)> {
        NAMES.into_iter().zip(self.headers.values())
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

impl Headers {
    fn of(claims: &Claims) -> Self {
        let mut values = String::new();
        let expires_at = claims.expires_at().to_string();
        let lists = [
            &[claims.subject()][..],
            &[claims.session_id()],
            &[claims.client_id()],
            &texts(claims.roles()),
            &texts(claims.permissions()),
            &[&expires_at],
        ];
        let ends = lists.map(|list| {
            for (position, text) in list.iter().enumerate() {
                values.push_str(if position == 0 { "" } else { "," });
                values.push_str(text);
            }
            values.len()
        });
        Self { values, ends }
    }

    fn values(&self) -> impl Iterator<Item = &str> {
        let starts = [0].into_iter().chain(self.ends);
        let value = |(start, end)| self.values.get(start..end).unwrap_or_default();
        starts.zip(self.ends).map(value)
    }
}

fn texts(names: &[String]) -> Vec<&str> {
    names.iter().map(String::as_str).collect()
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
