//! Detached sessions: rows whose heads are elsewhere.

use async_trait::async_trait;
use signet_core::account::AccountId;
use signet_core::audit::{Action, Context};
use signet_core::ports::detached::{DetachedRow, DetachedRows, FamilyRow, Settlement};
use signet_core::ports::{LoginEffects, StoreResult};
use signet_core::session::family::RefreshPolicy;
use signet_core::session::{FamilyId, Head, NewSession, SessionId};
use signet_core::time::UnixTime;

use super::end::{end_expired, end_headless};
use super::live::{self, HeadAt};
use super::rotate::{end_for, repeat};
use crate::db::{PostgresStore, db};
use crate::mail;
use crate::rows::seconds;

#[async_trait]
impl DetachedRows for PostgresStore {
    async fn open_detached(
        &self,
        context: &Context,
        session: NewSession,
        effects: LoginEffects,
        policy: &RefreshPolicy,
    ) -> StoreResult<Option<Head>> {
        let head_at = HeadAt::Elsewhere;
        self.attempt(|| self.open_new_session(context, &session, &effects, policy, head_at))
            .await
    }

    async fn family_row(&self, family: &FamilyId) -> StoreResult<Option<FamilyRow>> {
        self.attempt(|| async {
            let mut tx = self.snapshot().await?;
            let Some(row) = live::by_family(&mut tx, family).await? else {
                return Ok(None);
            };
            if row.head_at() == HeadAt::Here {
                return Ok(Some(FamilyRow::Attached));
            }
            let state = row.family_state()?;
            Ok(Some(FamilyRow::Detached(Box::new(DetachedRow {
                session: self.session(&mut tx, row).await?,
                created_at: state.head.created_at,
                seen_at: state.head.advanced_at,
                ended: state.ended,
            }))))
        })
        .await
    }

    async fn reauthenticate_detached(
        &self,
        context: &Context,
        session: SessionId,
        account: AccountId,
        effects: LoginEffects,
        policy: &RefreshPolicy,
    ) -> StoreResult<Option<Head>> {
        let head_at = HeadAt::Elsewhere;
        self.attempt(|| self.prove_again(context, session, account, &effects, policy, head_at))
            .await
    }

    async fn touch(&self, session: SessionId, now: UnixTime) -> StoreResult<bool> {
        self.attempt(|| async {
            let mut tx = self.write().await?;
            let touched = sqlx::query!(
                "UPDATE sessions SET advanced_at = greatest(advanced_at, $1)
                 WHERE id = $2 AND detached AND ended_at IS NULL",
                seconds(now),
                session.0
            )
            .execute(&mut tx)
            .await
            .map_err(db)?;
            tx.commit().await?;
            Ok(touched.rows_affected() > 0)
        })
        .await
    }

    async fn settle(
        &self,
        context: &Context,
        session: SessionId,
        generation: u32,
        settlement: Settlement,
    ) -> StoreResult<bool> {
        self.attempt(|| async {
            let mut tx = self.write().await?;
            let row = match live::lock_session(&mut tx, session).await? {
                Some(row) if row.is_detached_and_open() => row.headed(generation),
                Some(_) | None => return Ok(false),
            };
            match &settlement {
                Settlement::Repeated => repeat(&mut tx, context, &row).await?,
                Settlement::Replayed(notice) => {
                    end_for(&mut tx, context, &row, Action::RefreshReplayed).await?;
                    mail::queue(&mut tx, context.now, notice).await?;
                }
                Settlement::FromFuture => {
                    end_for(&mut tx, context, &row, Action::RefreshFromFuture).await?;
                }
                Settlement::Over => {
                    end_expired(&mut tx, context, &row).await?;
                }
            }
            tx.commit().await?;
            Ok(true)
        })
        .await
    }

    async fn end_headless(&self, context: &Context, session: SessionId) -> StoreResult<bool> {
        self.attempt(|| async {
            let mut tx = self.write().await?;
            let row = match live::lock_session(&mut tx, session).await? {
                Some(row) if row.is_detached_and_open() => row,
                Some(_) | None => return Ok(false),
            };
            end_headless(&mut tx, context, &row).await?;
            tx.commit().await?;
            Ok(true)
        })
        .await
    }
}
