//! Sessions and their refresh token families.

use async_trait::async_trait;

use super::StoreResult;
use crate::account::{Account, AccountId, EmailVerification};
use crate::audit::Context;
use crate::limit::GuessKey;
use crate::mail::NewMail;
use crate::password::PasswordHash;
use crate::session::refresh_token::Presented;
use crate::session::{Head, LiveSession, NewSession, RefreshPolicy, Session, SessionId};
use crate::time::UnixTime;

/// What else opening a session does.
#[derive(Clone, Debug)]
pub struct LoginEffects {
    /// The hash the password was checked against; it must still be the account's.
    pub checked: PasswordHash,
    /// A better hash of the same password to keep from now on. The device epoch stays.
    pub rehashed: Option<PasswordHash>,
    /// Whether the mailbox must have been proven.
    pub verification: EmailVerification,
    /// The failed guesses that this success clears.
    pub clears: Option<GuessKey>,
    /// The most sessions an account may have; the least recently refreshed end.
    pub max_sessions: u32,
}

/// What came of a presented refresh token with a good MAC.
#[derive(Clone, Debug)]
pub enum Rotation {
    /// It was the head; this is the next one.
    Advanced(Box<Head>),
    /// It was the predecessor, within the grace; this is still the head.
    Repeated(Box<Head>),
    /// It had been used; the session is over, the owner is told.
    Replayed(AccountId),
    /// It was never issued; the session is over.
    FromFuture(AccountId),
    /// There is nothing to refresh.
    Dead,
}

/// Sessions and their refresh token families.
#[async_trait]
pub trait SessionStore: Send + Sync {
    /// Opens a session at generation 0 if the account is active, verified (unless it needn't be) and
    /// still has the checked password. Records `SessionOpened`, and one `SessionEnded` for each that
    /// ends because there are too many. `None` otherwise.
    async fn open_session(
        &self,
        context: &Context,
        session: NewSession,
        effects: LoginEffects,
        policy: &RefreshPolicy,
    ) -> StoreResult<Option<Head>>;

    /// Carries out [`crate::session::family::judge`]. A repeat records `RefreshRepeated`, a
    /// replay `RefreshReplayed` and queues `notice`'s mail, a generation of the future
    /// `RefreshFromFuture`; the latter two end the session, and so does the first token after its
    /// time, as `SessionEnded`. A plain advance records nothing but the row's own time.
    async fn rotate(
        &self,
        context: &Context,
        presented: &Presented,
        policy: &RefreshPolicy,
        notice: &(dyn for<'a> Fn(&'a Account) -> NewMail + Send + Sync),
    ) -> StoreResult<Rotation>;

    /// Advances a live session as a refresh does and sets when its password was proven, if the
    /// account still has the checked password. Records `SessionReauthenticated`.
    async fn reauthenticate(
        &self,
        context: &Context,
        session: SessionId,
        account: AccountId,
        effects: LoginEffects,
        policy: &RefreshPolicy,
    ) -> StoreResult<Option<Head>>;

    /// The session of a verified access token, if it and its account are live at `now` and the
    /// account's version isn't above `version`.
    async fn live_session(
        &self,
        session: SessionId,
        account: AccountId,
        version: u64,
        now: UnixTime,
        policy: &RefreshPolicy,
    ) -> StoreResult<Option<LiveSession>>;

    /// The live sessions of an account, newest first.
    async fn sessions(
        &self,
        account: AccountId,
        now: UnixTime,
        policy: &RefreshPolicy,
    ) -> StoreResult<Vec<Session>>;

    /// Ends one session of the account. Records `SessionEnded`. False where there was none.
    async fn end_session(
        &self,
        context: &Context,
        account: AccountId,
        session: SessionId,
    ) -> StoreResult<bool>;

    /// Ends all sessions of the account but `keep`; answers how many. Records one `SessionEnded`
    /// for each.
    async fn end_other_sessions(
        &self,
        context: &Context,
        account: AccountId,
        keep: SessionId,
    ) -> StoreResult<u64>;

    /// Ends the session of a refresh token with a good MAC, whatever its generation. Records
    /// `SessionEnded`. False where it had ended.
    async fn end_family(&self, context: &Context, presented: &Presented) -> StoreResult<bool>;

    /// Whether what sessions need beside the store itself answers: nothing, where the store holds
    /// the heads of their families.
    async fn ping_heads(&self) -> StoreResult<()> {
        Ok(())
    }
}
