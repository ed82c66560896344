//! The check of an access token: the signed text first (`jws`), and only then what it says.

use alloc::string::String;

use crate::claims::{Claims, Expectations};
use crate::compact::Sizes;
use crate::jws::{Shape, signed_payload};
use crate::key_id::KeyId;
use crate::keyset::KeySet;
use crate::rejection::Rejection;
use crate::time::UnixTime;

/// An access token (RFC 9068, section 2.1).
const ACCESS_TOKEN: Shape = Shape {
    media_type: "at+jwt",
    sizes: Sizes {
        whole: 8_192,
        header: 512,
        payload: 7_168,
    },
};

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

    /// Grants `seconds` to clocks that differ, instead of 30. Who holds tokens against a revocation feed
    /// grants no more than [`Leeway::MOST`](crate::Leeway::MOST): it names ended sessions no longer.
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
        let (kid, payload) = signed_payload(token, &ACCESS_TOKEN, keys)?;
        let claims = Claims::check(&payload, &self.expected, now)?;
        Ok(VerifiedToken {
            kid,
            claims,
            payload: String::from_utf8(payload).map_err(|_| Rejection::BadClaims)?,
        })
    }

    /// Checks a token once more that was good, at another time and with the same keys.
    ///
    /// # Errors
    /// What [`Verifier::verify`] would say of it now.
    pub fn verify_again(&self, token: &VerifiedToken, now: UnixTime) -> Result<(), Rejection> {
        token.claims.check_again(&self.expected, now)
    }
}

impl VerifiedToken {
    /// The key that signed it.
    #[must_use]
    pub fn kid(&self) -> &KeyId {
        &self.kid
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
