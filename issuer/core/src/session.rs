//! Sessions: what a login opens, what refresh tokens keep alive, what logout ends.

pub(crate) mod attempt;
pub mod bearer;
pub mod detached;
pub mod device;
pub mod end;
pub mod family;
pub mod floor;
pub mod login;
pub mod reauthenticate;
pub mod refresh;
pub mod refresh_token;

use std::fmt;
use std::net::IpAddr;

use uuid::Uuid;

use crate::account::{Account, AccountId};
use crate::issuer::Issuer;
use crate::role::Authority;
use crate::time::UnixTime;

pub use family::{FamilyId, RefreshPolicy};

/// How old a proof of the password may be where a fresh login is asked for, in seconds.
pub const FRESH: u64 = 300;

/// Identifies a session to its owner and to verifiers; the `sid` of its tokens.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct SessionId(pub Uuid);

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A session as its owner sees it in the list.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Session {
    /// Its identity.
    pub id: SessionId,
    /// When it was opened.
    pub created_at: UnixTime,
    /// When it was last refreshed.
    pub last_seen_at: UnixTime,
    /// The browser or program it was opened with.
    pub user_agent: Option<String>,
    /// The address it was opened from.
    pub ip: Option<IpAddr>,
    /// How often a refresh token of it was answered once more within its grace.
    pub repeats: u64,
    /// When the last time was.
    pub repeated_at: Option<UnixTime>,
}

/// A session to be opened.
#[derive(Clone, Debug)]
pub struct NewSession {
    /// Its public identity.
    pub id: SessionId,
    /// Its secret identity, in refresh tokens only.
    pub family: FamilyId,
    /// Whose it is.
    pub account: AccountId,
    /// The audience its access tokens are for.
    pub audience: String,
    /// The client its access tokens are issued to.
    pub client: String,
}

/// Everything an access token says of a live session: who, what they may do, since when.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LiveSession {
    /// The session.
    pub id: SessionId,
    /// Its account as it stands now.
    pub account: Account,
    /// What the account may do now.
    pub authority: Authority,
    /// When the password was last proven in this session.
    pub authenticated_at: UnixTime,
    /// The audience chosen at login.
    pub audience: String,
    /// The client chosen at login.
    pub client: String,
}

impl LiveSession {
    /// Whether the password was proven within the last [`FRESH`] seconds.
    #[must_use]
    pub fn is_fresh(&self, now: UnixTime) -> bool {
        now <= self.authenticated_at.saturating_add(FRESH)
    }
}

/// A live session with the refresh token generation that is its head.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Head {
    /// The session.
    pub session: LiveSession,
    /// Its family.
    pub family: FamilyId,
    /// The one generation that refreshes it.
    pub generation: u32,
    /// When that generation ends if nobody uses it: the idle or the absolute limit.
    pub expires_at: UnixTime,
}

/// The password was proven too long ago for what is asked.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the password must have been proven within the last five minutes")]
pub struct StaleLogin;

impl Issuer {
    /// Refuses a session whose proof of the password isn't fresh.
    pub(crate) fn require_fresh(&self, session: &LiveSession) -> Result<(), StaleLogin> {
        if session.is_fresh(self.now()) {
            Ok(())
        } else {
            Err(StaleLogin)
        }
    }
}
