//! The claims of an access token: RFC 9068's profile, with Signet's own additions.
//!
//! To add a claim, give it a field and an accessor here, read it in `check` at its place in the
//! order there, and put its cases into `vectors/tokens`.

mod check;

use alloc::string::String;
use alloc::vec::Vec;

use crate::time::UnixTime;

pub(crate) use check::Expectations;

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
}
