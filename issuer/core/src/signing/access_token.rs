//! Minting access tokens: RFC 9068's profile, signed with Ed25519 by jwt-simple.

use std::collections::BTreeSet;

use jwt_simple::claims::{Audiences, JWTClaims};
use jwt_simple::prelude::UnixTimeStamp;
use serde::Serialize;
use zeroize::Zeroizing;

use super::Keyring;
use crate::role::{Permission, RoleName};
use crate::secret::Randomness;
use crate::session::LiveSession;
use crate::time::UnixTime;

/// The `typ` of an access token (RFC 9068, section 2.1).
const TYPE: &str = "at+jwt";

/// The longest life that a token is given by any configuration, in seconds: verifiers take no longer
/// one.
pub const LONGEST_LIFE: u64 = 3_600;

/// What decides how a token is minted, beside the session it is for.
#[derive(Clone, Copy, Debug)]
pub struct Minting<'a> {
    /// The `iss`.
    pub issuer: &'a str,
    /// The `aud`.
    pub audience: &'a str,
    /// The `client_id`.
    pub client: &'a str,
    /// The longest lifetime, in seconds.
    pub lifetime: u64,
    /// The `iat`.
    pub now: UnixTime,
}

/// An access token and how long it is good.
#[derive(Clone, Debug)]
pub struct AccessToken {
    /// The compact JWS.
    pub token: Zeroizing<String>,
    /// Its lifetime in seconds.
    pub expires_in: u64,
}

/// The token could not be signed.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the token could not be signed")]
pub struct SigningError;

#[derive(Serialize)]
struct PrivateClaims<'a> {
    client_id: &'a str,
    sid: String,
    auth_time: u64,
    ver: u64,
    #[serde(serialize_with = "names")]
    roles: &'a BTreeSet<RoleName>,
    #[serde(serialize_with = "names")]
    permissions: &'a BTreeSet<Permission>,
}

fn names<T: std::fmt::Display, S: serde::Serializer>(
    names: &&BTreeSet<T>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(names.iter().map(ToString::to_string))
}

/// Mints the access token of a live session. Its lifetime is cut by 0 to 5 % at random, so that
/// clients that started together don't refresh together.
///
/// # Errors
/// When signing fails.
pub fn mint(
    session: &LiveSession,
    minting: Minting<'_>,
    keyring: &Keyring,
    randomness: &dyn Randomness,
) -> Result<AccessToken, SigningError> {
    let expires_in = minting
        .lifetime
        .saturating_sub(jitter(minting.lifetime, randomness));
    let claims = JWTClaims {
        issued_at: Some(timestamp(minting.now)),
        expires_at: Some(timestamp(minting.now.saturating_add(expires_in))),
        invalid_before: None,
        issuer: Some(minting.issuer.to_owned()),
        subject: Some(session.account.id.to_string()),
        audiences: Some(Audiences::AsString(minting.audience.to_owned())),
        jwt_id: Some(randomness.uuid().to_string()),
        nonce: None,
        custom: PrivateClaims {
            client_id: minting.client,
            sid: session.id.to_string(),
            auth_time: session.authenticated_at.as_secs(),
            ver: session.account.version,
            roles: &session.authority.roles,
            permissions: &session.authority.permissions,
        },
    };
    Ok(AccessToken {
        token: keyring.sign(TYPE, claims)?,
        expires_in,
    })
}

fn timestamp(time: UnixTime) -> UnixTimeStamp {
    UnixTimeStamp::from_secs(time.as_secs())
}

/// The shortest life that a token has whose longest is `lifetime`, in seconds.
#[must_use]
pub fn shortest_life(lifetime: u64) -> u64 {
    lifetime.saturating_sub(most_cut(lifetime))
}

/// A twentieth.
fn most_cut(lifetime: u64) -> u64 {
    lifetime.checked_div(20).unwrap_or(0)
}

fn jitter(lifetime: u64, randomness: &dyn Randomness) -> u64 {
    let most = most_cut(lifetime);
    let random = u64::from_be_bytes(randomness.array());
    random.checked_rem(most.saturating_add(1)).unwrap_or(0)
}
