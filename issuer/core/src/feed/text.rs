//! A feed on the wire: a JWS with a type of its own, signed with the key that signs tokens.

use base64ct::{Base64UrlUnpadded, Encoding as _};
use jwt_simple::claims::JWTClaims;
use jwt_simple::prelude::UnixTimeStamp;
use serde::Serialize;

use super::state::{Lists, Prefix};
use crate::ports::feed::FeedPosition;
use crate::signing::Keyring;
use crate::signing::access_token::SigningError;
use crate::time::UnixTime;

/// The `typ` of a feed.
const TYPE: &str = "signet-rev+jwt";

/// What a feed says beside its lists.
#[derive(Clone, Copy, Debug)]
pub(super) struct Heading<'a> {
    pub(super) issuer: &'a str,
    pub(super) issued_at: UnixTime,
    pub(super) expires_at: UnixTime,
    pub(super) position: FeedPosition,
    /// The number that a delta is for.
    pub(super) since: Option<u64>,
}

#[derive(Serialize)]
struct PrivateClaims<'a> {
    epoch: u64,
    seq: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<u64>,
    e: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    d: Option<String>,
    u: Vec<(String, u64)>,
    k: &'a [String],
}

/// Signs what is to be said.
pub(super) fn sign(
    heading: Heading<'_>,
    lists: &Lists,
    keyring: &Keyring,
) -> Result<String, SigningError> {
    let accounts = lists.accounts.iter();
    let claims = JWTClaims {
        issued_at: Some(timestamp(heading.issued_at)),
        expires_at: Some(timestamp(heading.expires_at)),
        invalid_before: None,
        issuer: Some(heading.issuer.to_owned()),
        subject: None,
        audiences: None,
        jwt_id: None,
        nonce: None,
        custom: PrivateClaims {
            epoch: heading.position.epoch,
            seq: heading.position.seq,
            since: heading.since,
            e: joined(&lists.sessions),
            d: heading.since.map(|_| joined(&lists.left)),
            u: accounts
                .map(|(prefix, version)| (Base64UrlUnpadded::encode_string(prefix), *version))
                .collect(),
            k: &lists.kids,
        },
    };
    // What is signed is for everybody.
    keyring.sign(TYPE, claims).map(|text| text.to_string())
}

fn joined(prefixes: &[Prefix]) -> String {
    Base64UrlUnpadded::encode_string(prefixes.as_flattened())
}

fn timestamp(time: UnixTime) -> UnixTimeStamp {
    UnixTimeStamp::from_secs(time.as_secs())
}
