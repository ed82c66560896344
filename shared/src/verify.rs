//! The check of an access token, cheap and silent first: size, segments, base64url, header, key,
//! signature, and only then what the payload says.

use alloc::string::String;
use alloc::vec::Vec;

use crate::claims::{Claims, Expectations};
use crate::compact::UntrustedToken;
use crate::header;
use crate::key_id::KeyId;
use crate::keyset::KeySet;
use crate::rejection::Rejection;
use crate::time::UnixTime;

/// The `typ` of an access token (RFC 9068, section 2.1).
const ACCESS_TOKEN: &str = "at+jwt";

/// Leeway for clocks that differ, unless another is asked for, in seconds.
const LEEWAY: u64 = 30;

/// The longest life of a token, from `iat` to `exp`, in seconds.
const MAX_LIFETIME: u64 = 3_600;

/// Checks access tokens of one issuer for some audiences.
#[derive(Clone, Debug)]
pub struct Verifier {
    expected: Expectations,
}

/// A token that is good. There is no way to make one but [`Verifier::verify`].
#[derive(Clone, Debug)]
pub struct VerifiedToken {
    kid: KeyId,
    claims: Claims,
    payload: String,
}

impl Verifier {
    /// Takes tokens whose `iss` is exactly `issuer` and whose `aud` holds one of `audiences`.
    #[must_use]
    pub fn new<'a>(issuer: &str, audiences: impl IntoIterator<Item = &'a str>) -> Self {
        Self {
            expected: Expectations {
                issuer: issuer.into(),
                // An empty `aud` is for nobody, whatever a configuration says.
                audiences: audiences
                    .into_iter()
                    .filter(|audience| !audience.is_empty())
                    .map(String::from)
                    .collect(),
                leeway: LEEWAY,
                max_lifetime: MAX_LIFETIME,
            },
        }
    }

    /// Grants `seconds` to clocks that differ, instead of 30.
    #[must_use]
    pub fn leeway(mut self, seconds: u64) -> Self {
        self.expected.leeway = seconds;
        self
    }

    /// Takes tokens that live up to `seconds`, instead of 3,600.
    #[must_use]
    pub fn max_lifetime(mut self, seconds: u64) -> Self {
        self.expected.max_lifetime = seconds;
        self
    }

    /// Checks a token at the time `now`.
    ///
    /// # Errors
    /// The first reason against it, in the order of the module's documentation.
    pub fn verify(
        &self,
        token: &[u8],
        keys: &KeySet,
        now: UnixTime,
    ) -> Result<VerifiedToken, Rejection> {
        let (kid, payload) = signed_payload(token, ACCESS_TOKEN, keys)?;
        let claims = Claims::check(&payload, &self.expected, now)?;
        Ok(VerifiedToken {
            kid,
            claims,
            payload: String::from_utf8(payload).map_err(|_| Rejection::BadClaims)?,
        })
    }
}

impl VerifiedToken {
    /// The key that signed it.
    #[must_use]
    pub fn kid(&self) -> &str {
        self.kid.as_str()
    }

    /// What it says.
    #[must_use]
    pub fn claims(&self) -> &Claims {
        &self.claims
    }

    /// Everything it says, claims we don't know included: the JSON object that was signed.
    #[must_use]
    pub fn claims_json(&self) -> &str {
        &self.payload
    }
}

/// The key and the payload of a JWS of the given type with a good signature.
fn signed_payload(
    token: &[u8],
    media_type: &str,
    keys: &KeySet,
) -> Result<(KeyId, Vec<u8>), Rejection> {
    let token = UntrustedToken::parse(token)?;
    let kid = header::key_id(&token.header, media_type)?;
    let key = keys.get(&kid).ok_or(Rejection::UnknownKid)?;
    if !key.verifies(token.signed, &token.signature) {
        return Err(Rejection::BadSignature);
    }
    Ok((kid, token.payload))
}
