//! Sessions whose heads are kept outside of the store with authority: a refresh reads the store and
//! writes a head, which spares the store a write for every few minutes of every session.
//!
//! # Who is asked when
//!
//! - **Refresh**: the store first (has it ended, whose is it, what may they do), then the head,
//!   which is judged and advanced in one step. What has to be audited is settled in the store. It
//!   learns of a refresh once in [`BEHIND`], as far as it answers; where it hasn't for
//!   [`MOST_BEHIND`], nothing is refreshed before it has.
//! - **Opening**: the head first, which nobody knows of yet, so that every session in the store has
//!   had one.
//! - **Proving the password again**: the store first, then the head.
//! - **Ending**: the store decides. A head that can't be dropped then is never asked for again, and
//!   goes by itself in the end.
//!
//! So an ended session stays ended whatever becomes of its head, and a head that is gone ends its
//! session. Heads that don't answer are an error, and never an answer. docs/REDIS.md tells what
//! this asks of a Redis, and ADR 0020 why it was built so.

use std::sync::Arc;

use async_trait::async_trait;

use super::family::{FamilyHead, RefreshPolicy, Verdict};
use super::refresh_token::Presented;
use super::{FamilyId, Head, LiveSession, NewSession, Session, SessionId};
use crate::account::{Account, AccountId};
use crate::audit::Context;
use crate::mail::NewMail;
use crate::ports::detached::{DetachedRow, FamilyRow, Settlement};
use crate::ports::heads::{HeadStore, Judged};
use crate::ports::{LoginEffects, Rotation, SessionStore, Store, StoreResult};
use crate::time::UnixTime;

/// How far a row is behind its head, in seconds: lists show times that are at most as old, and a
/// session that nobody refreshes may leave them as early. After it, each refresh tells the row.
pub const BEHIND: u64 = 3_600;

/// How far a row may be behind its head where it couldn't be told, in seconds. The revocation feed
/// relies on it: of a session that was ended longer than that after its row, no token is out
/// ([`crate::ports::feed::FeedStore::settle_feed`]).
pub const MOST_BEHIND: u64 = 2 * BEHIND;

/// A [`SessionStore`] out of rows and heads.
#[derive(Clone)]
pub struct DetachedSessions {
    rows: Arc<dyn Store>,
    heads: Arc<dyn HeadStore>,
}

impl std::fmt::Debug for DetachedSessions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DetachedSessions")
    }
}

impl DetachedRow {
    /// Whether the session has expired, even if the row is behind its head.
    fn has_expired(&self, now: UnixTime, policy: &RefreshPolicy) -> bool {
        let latest = FamilyHead {
            generation: 0,
            advanced_at: self.seen_at.saturating_add(MOST_BEHIND),
            created_at: self.created_at,
        };
        latest.expires_at(policy) <= now
    }
}

impl DetachedSessions {
    /// Keeps rows in `rows`, and heads in `heads`. Sessions that were opened in `rows` alone stay
    /// there.
    #[must_use]
    pub fn new(rows: Arc<dyn Store>, heads: Arc<dyn HeadStore>) -> Self {
        Self { rows, heads }
    }

    /// A session that should have a head, and has none.
    async fn without_head(
        &self,
        context: &Context,
        row: &DetachedRow,
        policy: &RefreshPolicy,
    ) -> StoreResult<Rotation> {
        // Heads go by themselves after their sessions expired, which is nothing to tell of.
        if !row.has_expired(context.now, policy) {
            self.end_headless(context, row.session.id).await?;
        }
        Ok(Rotation::Dead)
    }

    async fn end_headless(&self, context: &Context, session: SessionId) -> StoreResult<()> {
        if self.rows.end_headless(context, session).await? {
            tracing::warn!(%session, "a session is over because its head is gone");
        }
        Ok(())
    }

    /// The row as its session may be refreshed: one that is too far behind is told beforehand. Not
    /// afterwards: whoever is refused then comes again with a token that was used. `None` where the
    /// session has ended since the row was read.
    async fn caught_up(
        &self,
        mut row: Box<DetachedRow>,
        now: UnixTime,
        policy: &RefreshPolicy,
    ) -> StoreResult<Option<Box<DetachedRow>>> {
        let is_too_far_behind = row.seen_at.saturating_add(MOST_BEHIND) < now;
        if is_too_far_behind && !row.has_expired(now, policy) {
            if !self.rows.touch(row.session.id, now).await? {
                return Ok(None);
            }
            row.seen_at = now;
        }
        Ok(Some(row))
    }

    /// The store learns of a refresh once in a while, as far as it answers: the refresh has
    /// happened, and the next one tells it as well.
    async fn touch(&self, row: &DetachedRow, now: UnixTime) {
        if now <= row.seen_at.saturating_add(BEHIND) {
            return;
        }
        let session = row.session.id;
        if let Err(error) = self.rows.touch(session, now).await {
            tracing::warn!(%session, %error, "a refresh can't be noted; the list of sessions is behind");
        }
    }

    /// Settles; `settled` is the answer unless the session had ended meanwhile.
    async fn settle(
        &self,
        context: &Context,
        session: SessionId,
        generation: u32,
        settlement: Settlement,
        settled: Rotation,
    ) -> StoreResult<Rotation> {
        let rows = &self.rows;
        if rows
            .settle(context, session, generation, settlement)
            .await?
        {
            Ok(settled)
        } else {
            Ok(Rotation::Dead)
        }
    }

    async fn forget(&self, session: SessionId) {
        if let Err(error) = self.heads.forget(session).await {
            tracing::debug!(%session, %error, "the head of an ended session stays until it expires");
        }
    }
}

fn headed(
    session: LiveSession,
    family: FamilyId,
    head: FamilyHead,
    policy: &RefreshPolicy,
) -> Box<Head> {
    Box::new(Head {
        session,
        family,
        generation: head.generation,
        expires_at: head.expires_at(policy),
    })
}

#[async_trait]
impl SessionStore for DetachedSessions {
    async fn open_session(
        &self,
        context: &Context,
        session: NewSession,
        effects: LoginEffects,
        policy: &RefreshPolicy,
    ) -> StoreResult<Option<Head>> {
        let id = session.id;
        self.heads.begin(id, context.now, policy).await?;
        let opened = self
            .rows
            .open_detached(context, session, effects, policy)
            .await?;
        if opened.is_none() {
            self.forget(id).await;
        }
        Ok(opened)
    }

    async fn rotate(
        &self,
        context: &Context,
        presented: &Presented,
        policy: &RefreshPolicy,
        notice: &(dyn for<'a> Fn(&'a Account) -> NewMail + Send + Sync),
    ) -> StoreResult<Rotation> {
        let row = match self.rows.family_row(&presented.family).await? {
            None => return Ok(Rotation::Dead),
            Some(FamilyRow::Attached) => {
                return self.rows.rotate(context, presented, policy, notice).await;
            }
            Some(FamilyRow::Detached(row)) => row,
        };
        if row.ended {
            return Ok(Rotation::Dead);
        }
        let Some(row) = self.caught_up(row, context.now, policy).await? else {
            return Ok(Rotation::Dead);
        };
        let (id, owner) = (row.session.id, &row.session.account);
        let judged = self
            .heads
            .present(id, presented.generation, owner.status, context.now, policy)
            .await?;
        let Some(Judged { verdict, head }) = judged else {
            return self.without_head(context, &row, policy).await;
        };
        let (settlement, rotation) = match verdict {
            Verdict::Dead => return Ok(Rotation::Dead),
            Verdict::Advance { .. } => {
                self.touch(&row, context.now).await;
                let head = headed(row.session, presented.family.clone(), head, policy);
                return Ok(Rotation::Advanced(head));
            }
            Verdict::Repeat => {
                let head = headed(row.session.clone(), presented.family.clone(), head, policy);
                (Settlement::Repeated, Rotation::Repeated(head))
            }
            Verdict::Replay => {
                let notice = Box::new(notice(owner));
                (Settlement::Replayed(notice), Rotation::Replayed(owner.id))
            }
            Verdict::FromFuture => (Settlement::FromFuture, Rotation::FromFuture(owner.id)),
            Verdict::Over => (Settlement::Over, Rotation::Dead),
        };
        let over = !matches!(rotation, Rotation::Repeated(_));
        let settled = self
            .settle(context, id, head.generation, settlement, rotation)
            .await?;
        if over {
            self.forget(id).await;
        }
        Ok(settled)
    }

    async fn reauthenticate(
        &self,
        context: &Context,
        session: SessionId,
        account: AccountId,
        effects: LoginEffects,
        policy: &RefreshPolicy,
    ) -> StoreResult<Option<Head>> {
        let proven = self
            .rows
            .reauthenticate_detached(context, session, account, effects.clone(), policy)
            .await?;
        let Some(proven) = proven else {
            let rows = &self.rows;
            return rows
                .reauthenticate(context, session, account, effects, policy)
                .await;
        };
        match self.heads.advance(session, context.now, policy).await? {
            Some(Judged { verdict, head }) => Ok(match verdict {
                Verdict::Advance { .. } => {
                    Some(*headed(proven.session, proven.family, head, policy))
                }
                Verdict::Repeat
                | Verdict::Replay
                | Verdict::FromFuture
                | Verdict::Over
                | Verdict::Dead => None,
            }),
            None => {
                self.end_headless(context, session).await?;
                Ok(None)
            }
        }
    }

    async fn live_session(
        &self,
        session: SessionId,
        account: AccountId,
        version: u64,
        now: UnixTime,
        policy: &RefreshPolicy,
    ) -> StoreResult<Option<LiveSession>> {
        let rows = &self.rows;
        rows.live_session(session, account, version, now, policy)
            .await
    }

    async fn sessions(
        &self,
        account: AccountId,
        now: UnixTime,
        policy: &RefreshPolicy,
    ) -> StoreResult<Vec<Session>> {
        self.rows.sessions(account, now, policy).await
    }

    async fn end_session(
        &self,
        context: &Context,
        account: AccountId,
        session: SessionId,
    ) -> StoreResult<bool> {
        let ended = self.rows.end_session(context, account, session).await?;
        if ended {
            self.forget(session).await;
        }
        Ok(ended)
    }

    async fn end_other_sessions(
        &self,
        context: &Context,
        account: AccountId,
        keep: SessionId,
    ) -> StoreResult<u64> {
        self.rows.end_other_sessions(context, account, keep).await
    }

    async fn end_family(&self, context: &Context, presented: &Presented) -> StoreResult<bool> {
        let ended = self.rows.end_family(context, presented).await?;
        if ended
            && let Ok(Some(FamilyRow::Detached(row))) =
                self.rows.family_row(&presented.family).await
        {
            self.forget(row.session.id).await;
        }
        Ok(ended)
    }

    async fn ping_heads(&self) -> StoreResult<()> {
        self.heads.ping().await
    }
}
