//! The heads of refresh token families, held outside of the store that has authority: what a
//! refresh writes, and nothing else.
//!
//! A head says which generation refreshes a session, not whether anything does: that its session
//! wasn't ended, and whose it is, the store says ([`super::detached`]), which
//! [`crate::session::detached::DetachedSessions`] asks first. So heads may be lost, which ends their
//! sessions, and nothing else of worth is: they hold no secret and nothing about a person.

use async_trait::async_trait;

use super::StoreResult;
use crate::account::AccountStatus;
use crate::session::SessionId;
use crate::session::family::{FamilyHead, RefreshPolicy, Verdict};
use crate::time::UnixTime;

/// How long a head is kept after its session expired, in seconds: as long as the session's row, so
/// that a used token which comes back late is still known for one.
pub const KEPT: u64 = 86_400;

/// What was judged, and the head as it is afterwards.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Judged {
    /// What is to be done; an advance is done already.
    pub verdict: Verdict,
    /// The head.
    pub head: FamilyHead,
}

/// Where heads are kept. Each operation is one step that no other one comes between.
#[async_trait]
pub trait HeadStore: Send + Sync {
    /// Keeps the first head of a session that is about to be opened.
    async fn begin(
        &self,
        session: SessionId,
        now: UnixTime,
        policy: &RefreshPolicy,
    ) -> StoreResult<()>;

    /// Judges a presented generation as [`crate::session::family::judge`] does, for a session that
    /// hasn't ended, and makes the next generation the head where that is the verdict. `None`
    /// where there is no head.
    async fn present(
        &self,
        session: SessionId,
        generation: u32,
        account: AccountStatus,
        now: UnixTime,
        policy: &RefreshPolicy,
    ) -> StoreResult<Option<Judged>>;

    /// [`HeadStore::present`] of whatever generation is the head, of an active account.
    async fn advance(
        &self,
        session: SessionId,
        now: UnixTime,
        policy: &RefreshPolicy,
    ) -> StoreResult<Option<Judged>>;

    /// Drops the head of a session that has ended. Done where there is none.
    async fn forget(&self, session: SessionId) -> StoreResult<()>;

    /// Whether it answers.
    async fn ping(&self) -> StoreResult<()>;
}
