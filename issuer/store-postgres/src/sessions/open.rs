//! What a proven password does: it opens a session, or proves again who has one.

use serde_json::json;
use signet_core::account::{AccountId, EmailVerification};
use signet_core::audit::{Action, Context};
use signet_core::ports::{LoginEffects, StoreError, StoreResult};
use signet_core::session::family::{RefreshPolicy, Verdict, judge};
use signet_core::session::{Head, NewSession, SessionId};
use signet_core::time::UnixTime;

use super::end;
use super::live::{self, HeadAt};
use crate::db::{PostgresStore, Transaction, db};
use crate::guesses;
use crate::rows::seconds;

impl PostgresStore {
    pub(super) async fn open_new_session(
        &self,
        context: &Context,
        session: &NewSession,
        effects: &LoginEffects,
        policy: &RefreshPolicy,
        head_at: HeadAt,
    ) -> StoreResult<Option<Head>> {
        let mut tx = self.write().await?;
        let account = session.account;
        if !apply_login(&mut tx, account, effects, Some(context.now)).await? {
            return Ok(None);
        }
        insert(&mut tx, context, session, head_at).await?;
        let detail = json!({ "session": session.id.to_string(), "client": session.client });
        tx.record(context.event(Action::SessionOpened, Some(account), detail));
        end::end_excess(&mut tx, context, session, effects.max_sessions).await?;
        let row = live::by_session(&mut tx, session.id).await?;
        let row = row.ok_or_else(|| StoreError::Corrupt("a new session is gone".to_owned()))?;
        let head = self.head(&mut tx, row, policy).await?;
        tx.commit().await?;
        Ok(Some(head))
    }

    pub(super) async fn prove_again(
        &self,
        context: &Context,
        session: SessionId,
        account: AccountId,
        effects: &LoginEffects,
        policy: &RefreshPolicy,
        head_at: HeadAt,
    ) -> StoreResult<Option<Head>> {
        let mut tx = self.write().await?;
        if !apply_login(&mut tx, account, effects, None).await? {
            return Ok(None);
        }
        let Some(row) = live::lock_session(&mut tx, session).await? else {
            return Ok(None);
        };
        let state = row.family_state()?;
        let head = state.head.generation;
        let verdict = judge(&state, head, context.now, policy);
        let is_meant = row.account_id() == account && row.head_at() == head_at;
        let (Verdict::Advance { next }, true) = (verdict, is_meant) else {
            return Ok(None);
        };
        let next = match head_at {
            HeadAt::Here => next,
            HeadAt::Elsewhere => head,
        };
        let row = row.authenticated(context.now);
        let row = live::advance(&mut tx, row, next, context.now).await?;
        let action = Action::SessionReauthenticated;
        tx.record(context.event(action, Some(account), row.describe()));
        let head = self.head(&mut tx, row, policy).await?;
        tx.commit().await?;
        Ok(Some(head))
    }
}

/// Does what a proven password does to its account, whose row it locks; false where the account or
/// its password has changed since it was checked.
async fn apply_login(
    tx: &mut Transaction,
    account: AccountId,
    effects: &LoginEffects,
    login_at: Option<UnixTime>,
) -> StoreResult<bool> {
    let updated = sqlx::query!(
        "UPDATE accounts SET last_login_at = coalesce($1, last_login_at),
             password_hash = coalesce($2, password_hash)
         WHERE id = $3 AND password_hash = $4 AND status = 'active'
           AND (email_verified OR $5)",
        login_at.map(seconds),
        effects.rehashed.as_ref().map(|hash| hash.expose()),
        account.0,
        effects.checked.expose(),
        effects.verification == EmailVerification::Optional
    )
    .execute(&mut *tx)
    .await
    .map_err(db)?;
    if updated.rows_affected() == 0 {
        return Ok(false);
    }
    if let Some(key) = &effects.clears {
        guesses::clear(tx, key).await?;
    }
    Ok(true)
}

async fn insert(
    tx: &mut Transaction,
    context: &Context,
    session: &NewSession,
    head_at: HeadAt,
) -> StoreResult<()> {
    sqlx::query!(
        "INSERT INTO sessions
             (family, id, account_id, generation, created_at, advanced_at, authenticated_at,
              audience, client, user_agent, ip, detached)
         VALUES ($1, $2, $3, 0, $4, $4, $4, $5, $6, $7, $8, $9)",
        session.family.as_bytes().as_slice(),
        session.id.0,
        session.account.0,
        seconds(context.now),
        session.audience,
        session.client,
        context.origin.user_agent.as_deref(),
        context.origin.ip.map(|ip| ip.to_string()),
        head_at == HeadAt::Elsewhere
    )
    .execute(tx)
    .await
    .map_err(db)?;
    Ok(())
}
