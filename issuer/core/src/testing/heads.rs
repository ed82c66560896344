//! Heads in memory, which can be lost, set back and away: what a [`HeadStore`] does, in the words of
//! [`judge`] itself.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;

use crate::account::AccountStatus;
use crate::ports::heads::{HeadStore, Judged};
use crate::ports::{StoreError, StoreResult};
use crate::session::SessionId;
use crate::session::family::{FamilyHead, FamilyState, RefreshPolicy, Verdict, judge};
use crate::time::UnixTime;

/// What is kept.
pub type Heads = HashMap<SessionId, FamilyHead>;

/// Heads in memory.
#[derive(Debug, Default)]
pub struct InMemoryHeads {
    kept: Mutex<Heads>,
    is_away: AtomicBool,
}

impl InMemoryHeads {
    /// What is kept, to be set back to.
    pub fn kept(&self) -> Heads {
        self.kept.lock().unwrap().clone()
    }

    /// Goes back to what was kept once.
    pub fn set_back(&self, kept: Heads) {
        *self.kept.lock().unwrap() = kept;
    }

    /// From now on, whether nobody answers.
    pub fn set_away(&self, is_away: bool) {
        self.is_away.store(is_away, Ordering::SeqCst);
    }

    fn answer(&self) -> StoreResult<std::sync::MutexGuard<'_, Heads>> {
        match self.is_away.load(Ordering::SeqCst) {
            true => Err(StoreError::Unavailable("the heads are away".into())),
            false => Ok(self.kept.lock().unwrap()),
        }
    }

    fn judge(
        &self,
        session: SessionId,
        presented: Option<u32>,
        account: AccountStatus,
        now: UnixTime,
        policy: &RefreshPolicy,
    ) -> StoreResult<Option<Judged>> {
        let mut kept = self.answer()?;
        let Some(head) = kept.get_mut(&session) else {
            return Ok(None);
        };
        let presented = presented.unwrap_or(head.generation);
        let (verdict, after) = expected(*head, presented, account, now, policy);
        *head = after;
        let head = after;
        Ok(Some(Judged { verdict, head }))
    }
}

/// What a store of heads says of a presented generation, and the head it has then.
pub fn expected(
    head: FamilyHead,
    presented: u32,
    account: AccountStatus,
    now: UnixTime,
    policy: &RefreshPolicy,
) -> (Verdict, FamilyHead) {
    let state = FamilyState {
        head,
        ended: false,
        account_active: account == AccountStatus::Active,
    };
    let verdict = judge(&state, presented, now, policy);
    let head = match verdict {
        Verdict::Advance { next } => FamilyHead {
            generation: next,
            advanced_at: now,
            ..head
        },
        Verdict::Repeat | Verdict::Replay | Verdict::FromFuture | Verdict::Over | Verdict::Dead => {
            head
        }
    };
    (verdict, head)
}

#[async_trait]
impl HeadStore for InMemoryHeads {
    async fn begin(
        &self,
        session: SessionId,
        now: UnixTime,
        _policy: &RefreshPolicy,
    ) -> StoreResult<()> {
        self.answer()?.insert(session, FamilyHead::first(now));
        Ok(())
    }

    async fn present(
        &self,
        session: SessionId,
        generation: u32,
        account: AccountStatus,
        now: UnixTime,
        policy: &RefreshPolicy,
    ) -> StoreResult<Option<Judged>> {
        self.judge(session, Some(generation), account, now, policy)
    }

    async fn advance(
        &self,
        session: SessionId,
        now: UnixTime,
        policy: &RefreshPolicy,
    ) -> StoreResult<Option<Judged>> {
        self.judge(session, None, AccountStatus::Active, now, policy)
    }

    async fn forget(&self, session: SessionId) -> StoreResult<()> {
        self.answer()?.remove(&session);
        Ok(())
    }

    async fn ping(&self) -> StoreResult<()> {
        self.answer().map(|_| ())
    }
}
