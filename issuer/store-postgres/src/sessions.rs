//! Sessions and their families of refresh tokens.

mod detached;
mod end;
mod live;
mod open;
mod rotate;

use async_trait::async_trait;
use signet_core::account::{Account, AccountId};
use signet_core::audit::Context;
use signet_core::mail::NewMail;
use signet_core::ports::{LoginEffects, Rotation, SessionStore, StoreResult};
use signet_core::session::family::RefreshPolicy;
use signet_core::session::refresh_token::Presented;
use signet_core::session::{Head, LiveSession, NewSession, Session, SessionId};
use signet_core::time::UnixTime;

use crate::db::{PostgresStore, db};
use crate::rows::{SessionRow, seconds, signed};

use live::HeadAt;

pub(crate) use end::{end_all, end_each_of, end_one_of, end_others};

#[async_trait]
impl SessionStore for PostgresStore {
    async fn open_session(
        &self,
        context: &Context,
        session: NewSession,
        effects: LoginEffects,
        policy: &RefreshPolicy,
    ) -> StoreResult<Option<Head>> {
        self.attempt(|| self.open_new_session(context, &session, &effects, policy, HeadAt::Here))
            .await
    }

    async fn rotate(
        &self,
        context: &Context,
        presented: &Presented,
        policy: &RefreshPolicy,
        notice: &(dyn for<'a> Fn(&'a Account) -> NewMail + Send + Sync),
    ) -> StoreResult<Rotation> {
        self.attempt(|| self.rotate_family(context, presented, policy, notice))
            .await
    }

    async fn reauthenticate(
        &self,
        context: &Context,
        session: SessionId,
        account: AccountId,
        effects: LoginEffects,
        policy: &RefreshPolicy,
    ) -> StoreResult<Option<Head>> {
        self.attempt(|| self.prove_again(context, session, account, &effects, policy, HeadAt::Here))
            .await
    }

    async fn live_session(
        &self,
        session: SessionId,
        account: AccountId,
        version: u64,
        now: UnixTime,
        policy: &RefreshPolicy,
    ) -> StoreResult<Option<LiveSession>> {
        self.attempt(|| async {
            let mut tx = self.snapshot().await?;
            let Some(row) = live::by_session(&mut tx, session).await? else {
                return Ok(None);
            };
            let state = row.family_state()?;
            let is_live =
                !state.ended && state.account_active && now < state.head.expires_at(policy);
            if !is_live || row.account_id() != account {
                return Ok(None);
            }
            let session = self.head(&mut tx, row, policy).await?.session;
            Ok(Some(session).filter(|session| session.account.version <= version))
        })
        .await
    }

    async fn sessions(
        &self,
        account: AccountId,
        now: UnixTime,
        policy: &RefreshPolicy,
    ) -> StoreResult<Vec<Session>> {
        self.attempt(|| async {
            let mut tx = self.snapshot().await?;
            sqlx::query_as!(
                SessionRow,
                "SELECT id, created_at, advanced_at, user_agent, ip, repeats, repeated_at FROM sessions
                 WHERE account_id = $1 AND ended_at IS NULL
                   AND advanced_at + $2 > $4 AND created_at + $3 > $4
                 ORDER BY created_at DESC, id",
                account.0,
                signed(policy.idle),
                signed(policy.absolute),
                seconds(now)
            )
            .fetch_all(&mut tx)
            .await
            .map_err(db)?
            .into_iter()
            .map(Session::try_from)
            .collect()
        })
        .await
    }

    async fn end_session(
        &self,
        context: &Context,
        account: AccountId,
        session: SessionId,
    ) -> StoreResult<bool> {
        self.attempt(|| self.end_one(context, account, session))
            .await
    }

    async fn end_other_sessions(
        &self,
        context: &Context,
        account: AccountId,
        keep: SessionId,
    ) -> StoreResult<u64> {
        self.attempt(|| self.end_all_but(context, account, keep))
            .await
    }

    async fn end_family(&self, context: &Context, presented: &Presented) -> StoreResult<bool> {
        self.attempt(|| self.end_by_token(context, presented)).await
    }
}
