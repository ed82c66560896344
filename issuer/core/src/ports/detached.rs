//! Detached sessions: their rows are in the store, which has the say over them, and the heads of
//! their families in a [`super::heads::HeadStore`].
//!
//! A row says for itself whether it is detached, so that sessions of both kinds live side by side
//! after the configuration changed. [`super::SessionStore`] lists, looks up and ends both alike. What
//! it does with a head it does to its own only: [`super::SessionStore::rotate`] ends a detached
//! session, for nobody knows its head there, and [`super::SessionStore::reauthenticate`] leaves it.

use async_trait::async_trait;

use super::{LoginEffects, StoreResult};
use crate::account::AccountId;
use crate::audit::Context;
use crate::mail::NewMail;
use crate::session::family::RefreshPolicy;
use crate::session::{FamilyId, Head, LiveSession, NewSession, SessionId};
use crate::time::UnixTime;

/// What the store knows of a family.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum FamilyRow {
    /// It holds the head itself: [`super::SessionStore`] does everything.
    Attached,
    /// Its head is elsewhere.
    Detached(Box<DetachedRow>),
}

/// The row of a detached session.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DetachedRow {
    /// The session with its account and roles as they stand now, live or not.
    pub session: LiveSession,
    /// When it was opened.
    pub created_at: UnixTime,
    /// When it was refreshed, as far as the row was told: see [`DetachedRows::touch`].
    pub seen_at: UnixTime,
    /// Whether it was ended.
    pub ended: bool,
}

/// What became of a token that advanced nothing.
#[derive(Clone, Debug)]
pub enum Settlement {
    /// It was answered once more. Records `RefreshRepeated`.
    Repeated,
    /// It had been used: ends the session and queues the notice. Records `RefreshReplayed`.
    Replayed(Box<NewMail>),
    /// It was never issued: ends the session. Records `RefreshFromFuture`.
    FromFuture,
    /// Its session's time is up: ends the session. Records `SessionEnded`.
    Over,
}

/// The rows of detached sessions.
#[async_trait]
pub trait DetachedRows: Send + Sync {
    /// [`super::SessionStore::open_session`] of a detached session, whose head is there already.
    async fn open_detached(
        &self,
        context: &Context,
        session: NewSession,
        effects: LoginEffects,
        policy: &RefreshPolicy,
    ) -> StoreResult<Option<Head>>;

    /// The row of a family, as it is at this moment; nothing waits for it.
    async fn family_row(&self, family: &FamilyId) -> StoreResult<Option<FamilyRow>>;

    /// [`super::SessionStore::reauthenticate`] of a detached session, whose head is still to be
    /// advanced: the generation in the answer means nothing. `None` for any other.
    async fn reauthenticate_detached(
        &self,
        context: &Context,
        session: SessionId,
        account: AccountId,
        effects: LoginEffects,
        policy: &RefreshPolicy,
    ) -> StoreResult<Option<Head>>;

    /// Writes down that a detached session was refreshed at `now`; whether it has ended stays. False
    /// where it has ended.
    async fn touch(&self, session: SessionId, now: UnixTime) -> StoreResult<bool>;

    /// Settles what a presented token came to, whose session's head is `generation`. False, with
    /// nothing done, where the session isn't detached or has ended.
    async fn settle(
        &self,
        context: &Context,
        session: SessionId,
        generation: u32,
        settlement: Settlement,
    ) -> StoreResult<bool>;

    /// Ends a detached session whose head is gone. Records `SessionEnded`. False where it had ended.
    async fn end_headless(&self, context: &Context, session: SessionId) -> StoreResult<bool>;
}
