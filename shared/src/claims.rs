//! The claims of an access token: RFC 9068's profile, with Signet's own additions.
//!
//! They are checked in a fixed order, and each of them for absence, then type, then value, so that
//! every host gives the same reason. To add a claim, read it in [`Claims::check`] at its place in
//! that order, and put its cases into `vectors/tokens`.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;

use crate::json::{JsonError, Limits, Raw};
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

/// The claims of a token whose signature is good, and which all hold.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Claims {
    subject: String,
    audiences: Vec<String>,
    expires_at: UnixTime,
    not_before: Option<UnixTime>,
    issued_at: UnixTime,
    id: String,
    session_id: String,
    client_id: String,
    authenticated_at: Option<UnixTime>,
    version: u64,
    roles: Vec<String>,
    permissions: Vec<String>,
}

impl Claims {
    /// `sub`: the account.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// `aud`: whom it is for.
    #[must_use]
    pub fn audiences(&self) -> &[String] {
        &self.audiences
    }

    /// `exp`: the first second at which it is over.
    #[must_use]
    pub fn expires_at(&self) -> UnixTime {
        self.expires_at
    }

    /// `nbf`: the first second at which it is good.
    #[must_use]
    pub fn not_before(&self) -> Option<UnixTime> {
        self.not_before
    }

    /// `iat`: when it was issued.
    #[must_use]
    pub fn issued_at(&self) -> UnixTime {
        self.issued_at
    }

    /// `jti`: its own name.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// `sid`: the session.
    #[must_use]
    pub fn session_id(&self) -> &str {
        &self.session_id
    }

    /// `client_id`: the client it was issued to.
    #[must_use]
    pub fn client_id(&self) -> &str {
        &self.client_id
    }

    /// `auth_time`: when the password was last proven.
    #[must_use]
    pub fn authenticated_at(&self) -> Option<UnixTime> {
        self.authenticated_at
    }

    /// `ver`: the version of the account; 0 where it is absent.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version
    }

    /// `roles`, in the token's order.
    #[must_use]
    pub fn roles(&self) -> &[String] {
        &self.roles
    }

    /// `permissions`, in the token's order.
    #[must_use]
    pub fn permissions(&self) -> &[String] {
        &self.permissions
    }

    /// Whether `role` is among the roles.
    #[must_use]
    pub fn has_role(&self, role: &str) -> bool {
        self.roles.iter().any(|held| held == role)
    }

    /// Whether `permission` is among the permissions.
    #[must_use]
    pub fn has_permission(&self, permission: &str) -> bool {
        self.permissions.iter().any(|held| held == permission)
    }

    /// Reads the payload of a token whose signature is good.
    pub(crate) fn check(
        payload: &[u8],
        expected: &Expectations,
        now: UnixTime,
    ) -> Result<Self, Rejection> {
        let payload = Raw::parse(payload, &Limits::TOKEN).map_err(|error| match error {
            JsonError::Duplicate => Rejection::DuplicateMember,
            JsonError::Syntax | JsonError::Limit => Rejection::BadClaims,
        })?;
        let Raw::Object(payload) = payload else {
            return Err(Rejection::BadClaims);
        };
        let claims = Untrusted(payload.members().collect());
        let leeway = expected.leeway;

        if claims.required("iss")?.as_str() != Some(expected.issuer.as_str()) {
            return Err(Rejection::BadIssuer);
        }
        let audiences = claims.audiences()?;
        if !expected
            .audiences
            .iter()
            .any(|ours| audiences.contains(ours))
        {
            return Err(Rejection::BadAudience);
        }
        let expires_at = date(claims.required("exp")?)?;
        if now >= expires_at.saturating_add(leeway) {
            return Err(Rejection::Expired);
        }
        let not_before = claims.optional("nbf").map(date).transpose()?;
        if not_before.is_some_and(|nbf| nbf > now.saturating_add(leeway)) {
            return Err(Rejection::NotYetValid);
        }
        let issued_at = date(claims.required("iat")?)?;
        if issued_at > now.saturating_add(leeway) {
            return Err(Rejection::IssuedInFuture);
        }
        if issued_at > expires_at {
            return Err(Rejection::BadClaims);
        }
        if expires_at.as_secs().saturating_sub(issued_at.as_secs()) > expected.max_lifetime {
            return Err(Rejection::Lifetime);
        }
        Ok(Self {
            subject: identifier(claims.required("sub")?)?,
            audiences,
            expires_at,
            not_before,
            issued_at,
            id: identifier(claims.required("jti")?)?,
            session_id: identifier(claims.required("sid")?)?,
            client_id: identifier(claims.required("client_id")?)?,
            authenticated_at: claims.optional("auth_time").map(date).transpose()?,
            version: claims
                .optional("ver")
                .map(version)
                .transpose()?
                .unwrap_or(0),
            roles: claims.names("roles")?,
            permissions: claims.names("permissions")?,
        })
    }
}

/// A payload whose signature is good, but whose claims nobody has looked at.
struct Untrusted<'a>(Vec<(Cow<'a, str>, Raw<'a>)>);

impl<'a> Untrusted<'a> {
    fn optional(&self, wanted: &str) -> Option<&Raw<'a>> {
        let member = self.0.iter().find(|(name, _)| name == wanted);
        member.map(|(_, value)| value)
    }

    fn required(&self, name: &str) -> Result<&Raw<'a>, Rejection> {
        self.optional(name).ok_or(Rejection::ClaimMissing)
    }

    fn audiences(&self) -> Result<Vec<String>, Rejection> {
        match self.required("aud")? {
            Raw::String(audience) => Ok(Vec::from([audience.as_ref().into()])),
            Raw::Array(audiences) => {
                texts(audiences.values(), MOST_AUDIENCES, |_| true).ok_or(Rejection::BadAudience)
            }
            _ => Err(Rejection::BadAudience),
        }
    }

    fn names(&self, claim: &str) -> Result<Vec<String>, Rejection> {
        let names = match self.optional(claim) {
            None => return Ok(Vec::new()),
            Some(Raw::Array(names)) => texts(names.values(), MOST_NAMES, is_name),
            Some(_) => None,
        };
        let names = names.ok_or(Rejection::BadClaims)?;
        let mut sorted: Vec<&str> = names.iter().map(String::as_str).collect();
        sorted.sort_unstable();
        if sorted.windows(2).any(|pair| pair.first() == pair.last()) {
            return Err(Rejection::BadClaims);
        }
        Ok(names)
    }
}

/// Up to `most` strings that all are as they should be. Nothing is kept of what is too much.
fn texts<'a>(
    values: impl Iterator<Item = Raw<'a>>,
    most: usize,
    is_good: impl Fn(&str) -> bool,
) -> Option<Vec<String>> {
    let mut texts = Vec::new();
    for value in values {
        let text = value.as_str().filter(|text| is_good(text))?;
        if texts.len() >= most {
            return None;
        }
        texts.push(text.into());
    }
    Some(texts)
}

/// An integer from 0 to the end of the year 9999.
fn date(value: &Raw<'_>) -> Result<UnixTime, Rejection> {
    let seconds = value.as_u64().map(UnixTime::from_secs);
    seconds
        .filter(|time| *time <= UnixTime::LATEST)
        .ok_or(Rejection::BadClaims)
}

fn version(value: &Raw<'_>) -> Result<u64, Rejection> {
    let version = value.as_u64().filter(|version| *version <= HIGHEST_VERSION);
    version.ok_or(Rejection::BadClaims)
}

/// 1 to 255 bytes of visible ASCII.
fn identifier(value: &Raw<'_>) -> Result<String, Rejection> {
    let text = value.as_str().ok_or(Rejection::BadClaims)?;
    let is_visible = text.bytes().all(|b| b.is_ascii_graphic());
    if is_visible && (1..=255).contains(&text.len()) {
        Ok(text.into())
    } else {
        Err(Rejection::BadClaims)
    }
}
