//! From a payload whose signature is good to claims that all hold.
//!
//! They are checked in a fixed order, and each of them for absence, then type, then value, so that
//! every host gives the same reason: `iss`, `aud`, `exp`, `nbf`, `iat`, the lifetime, `sub`, `jti`,
//! `sid`, `client_id`, `auth_time`, `ver`, `roles`, `permissions`. Others may stand there, whatever
//! they hold.

use alloc::string::String;
use alloc::vec::Vec;

use super::Claims;
use crate::json::{Checked, JsonError, Limits, Object};
use crate::name::is_name;
use crate::rejection::Rejection;
use crate::time::UnixTime;

/// The most roles or permissions of a token.
const MOST_NAMES: usize = 256;
/// The most audiences of a token.
const MOST_AUDIENCES: usize = 16;
/// The highest `ver`: what JavaScript's numbers hold exactly.
const HIGHEST_VERSION: u64 = 1 << 53;

/// What a token's claims are held against.
#[derive(Clone, Debug)]
pub(crate) struct Expectations {
    pub(crate) issuer: String,
    pub(crate) audiences: Vec<String>,
    pub(crate) leeway: u64,
    pub(crate) max_lifetime: u64,
}

impl Claims {
    /// Reads the payload of a token whose signature is good.
    pub(crate) fn check(
        payload: &[u8],
        expected: &Expectations,
        now: UnixTime,
    ) -> Result<Self, Rejection> {
        let claims = Untrusted::parse(payload)?;
        if claims.required("iss")?.as_str().as_deref() != Some(expected.issuer.as_str()) {
            return Err(Rejection::BadIssuer);
        }
        let audiences = claims.audiences()?;
        if !expected.is_audience_among(&audiences) {
            return Err(Rejection::BadAudience);
        }
        let Times {
            expires_at,
            not_before,
            issued_at,
        } = claims.times(expected, now)?;
        Ok(Self {
            audiences,
            expires_at,
            not_before,
            issued_at,
            // A struct is built in the order in which its fields stand here.
            subject: identifier(claims.required("sub")?)?,
            id: identifier(claims.required("jti")?)?,
            session_id: identifier(claims.required("sid")?)?,
            client_id: identifier(claims.required("client_id")?)?,
            authenticated_at: claims.optional("auth_time").map(date).transpose()?,
            version: claims.optional("ver").map_or(Ok(0), version)?,
            roles: claims.names("roles")?,
            permissions: claims.names("permissions")?,
        })
    }

    /// Checks once more, at another time, what changes with time: the claims of a token that was
    /// good then give the reason that the whole check would give now.
    pub(crate) fn check_again(
        &self,
        expected: &Expectations,
        now: UnixTime,
    ) -> Result<(), Rejection> {
        expected.check_expiry(self.expires_at, now)?;
        expected.check_start(self.not_before, now)?;
        expected.check_issue(self.issued_at, now)
    }
}

impl Expectations {
    fn is_audience_among(&self, audiences: &[String]) -> bool {
        self.audiences.iter().any(|ours| audiences.contains(ours))
    }

    fn check_expiry(&self, expires_at: UnixTime, now: UnixTime) -> Result<(), Rejection> {
        if now >= expires_at.saturating_add(self.leeway) {
            return Err(Rejection::Expired);
        }
        Ok(())
    }

    fn check_start(&self, not_before: Option<UnixTime>, now: UnixTime) -> Result<(), Rejection> {
        if not_before.is_some_and(|start| start > now.saturating_add(self.leeway)) {
            return Err(Rejection::NotYetValid);
        }
        Ok(())
    }

    fn check_issue(&self, issued_at: UnixTime, now: UnixTime) -> Result<(), Rejection> {
        if issued_at > now.saturating_add(self.leeway) {
            return Err(Rejection::IssuedInFuture);
        }
        Ok(())
    }
}

/// A payload whose signature is good, but whose claims nobody has looked at.
struct Untrusted<'a>(Object<'a>);

/// When a token is good.
struct Times {
    expires_at: UnixTime,
    not_before: Option<UnixTime>,
    issued_at: UnixTime,
}

impl<'a> Untrusted<'a> {
    fn parse(payload: &'a [u8]) -> Result<Self, Rejection> {
        let claims = Object::parse(payload, &Limits::TOKEN).map_err(|error| match error {
            JsonError::Duplicate => Rejection::DuplicateMember,
            JsonError::Syntax | JsonError::Limit => Rejection::BadClaims,
        })?;
        Ok(Self(claims))
    }

    fn optional(&self, name: &str) -> Option<Checked<'a>> {
        self.0.get(name)
    }

    fn required(&self, name: &str) -> Result<Checked<'a>, Rejection> {
        self.optional(name).ok_or(Rejection::ClaimMissing)
    }

    fn audiences(&self) -> Result<Vec<String>, Rejection> {
        let claim = self.required("aud")?;
        let Some(audiences) = claim.elements() else {
            let audience = claim.as_str().ok_or(Rejection::BadAudience)?;
            return Ok(Vec::from([audience.into_owned()]));
        };
        let mut read = Vec::new();
        for audience in audiences {
            if read.len() == MOST_AUDIENCES {
                return Err(Rejection::BadAudience);
            }
            let audience = audience.as_str().ok_or(Rejection::BadAudience)?;
            read.push(audience.into_owned());
        }
        Ok(read)
    }

    fn times(&self, expected: &Expectations, now: UnixTime) -> Result<Times, Rejection> {
        let expires_at = date(self.required("exp")?)?;
        expected.check_expiry(expires_at, now)?;
        let not_before = self.optional("nbf").map(date).transpose()?;
        expected.check_start(not_before, now)?;
        let issued_at = date(self.required("iat")?)?;
        expected.check_issue(issued_at, now)?;
        if issued_at > expires_at {
            return Err(Rejection::BadClaims);
        }
        if expires_at > issued_at.saturating_add(expected.max_lifetime) {
            return Err(Rejection::Lifetime);
        }
        Ok(Times {
            expires_at,
            not_before,
            issued_at,
        })
    }

    /// Role or permission names: distinct, in the token's order.
    fn names(&self, claim: &str) -> Result<Vec<String>, Rejection> {
        let Some(claim) = self.optional(claim) else {
            return Ok(Vec::new());
        };
        let mut names = Vec::new();
        for name in claim.elements().ok_or(Rejection::BadClaims)? {
            let name = name.as_str().filter(|name| is_name(name));
            if names.len() == MOST_NAMES {
                return Err(Rejection::BadClaims);
            }
            names.push(name.ok_or(Rejection::BadClaims)?.into_owned());
        }
        let mut sorted: Vec<&str> = names.iter().map(String::as_str).collect();
        sorted.sort_unstable();
        if sorted.windows(2).any(|pair| pair.first() == pair.last()) {
            return Err(Rejection::BadClaims);
        }
        Ok(names)
    }
}

/// An integer from 0 to the end of the year 9999.
fn date(value: Checked<'_>) -> Result<UnixTime, Rejection> {
    let seconds = value.as_u64().map(UnixTime::from_secs);
    seconds
        .filter(|time| *time <= UnixTime::LATEST)
        .ok_or(Rejection::BadClaims)
}

fn version(value: Checked<'_>) -> Result<u64, Rejection> {
    let version = value.as_u64().filter(|version| *version <= HIGHEST_VERSION);
    version.ok_or(Rejection::BadClaims)
}

/// 1 to 255 bytes of visible ASCII.
fn identifier(value: Checked<'_>) -> Result<String, Rejection> {
    let text = value.as_str().ok_or(Rejection::BadClaims)?;
    let is_visible = text.bytes().all(|byte| byte.is_ascii_graphic());
    if is_visible && (1..=255).contains(&text.len()) {
        Ok(text.into_owned())
    } else {
        Err(Rejection::BadClaims)
    }
}
