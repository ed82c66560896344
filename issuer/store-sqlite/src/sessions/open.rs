//! What a proven password does: it opens a session, or proves again who has one.

use serde_json::json;
use signet_core::account::{AccountId, EmailVerification};
use signet_core::audit::{Action, Context};
use signet_core::ports::{LoginEffects, StoreError, StoreResult};
use signet_core::session::family::{RefreshPolicy, Verdict, judge};
use signet_core::session::{Head, NewSession, SessionId};
use signet_core::time::UnixTime;
use sqlx::SqliteConnection;

use super::end;
use super::live::{self, HeadAt};
use crate::audit::record;
use crate::db::{SqliteStore, db};
use crate::guesses;
use crate::rows::seconds;

impl SqliteStore {
    pub(super) async fn open_new_session(
        &self,
        context: &Context,
        session: NewSession,
        effects: LoginEffects,
        policy: &RefreshPolicy,
        head_at: HeadAt,
    ) -> StoreResult<Option<Head>> {
        let mut tx = self.write().await?;
        let account = session.account;
        if !apply_login(&mut tx, account, &effects, Some(context.now)).await? {
            return tx.leave(None).await;
        }
        insert(&mut tx, context, &session, head_at).await?;
        let detail = json!({ "session": session.id.to_string(), "client": session.client });
        let event = context.event(Action::SessionOpened, Some(account), detail);
        record(&mut tx, event).await?;
        end::end_excess(&mut tx, context, &session, effects.max_sessions).await?;
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
        effects: LoginEffects,
        policy: &RefreshPolicy,
        head_at: HeadAt,
    ) -> StoreResult<Option<Head>> {
        let mut tx = self.write().await?;
        if !apply_login(&mut tx, account, &effects, None).await? {
            return tx.leave(None).await;
        }
        let Some(row) = live::by_session(&mut tx, session).await? else {
            return tx.leave(None).await;
        };
        let state = row.family_state()?;
        let head = state.head.generation;
        let verdict = judge(&state, head, context.now, policy);
        let is_meant = row.account_id()? == account && row.head_at() == head_at;
        let (Verdict::Advance { next }, true) = (verdict, is_meant) else {
            return tx.leave(None).await;
        };
        let next = match head_at {
            HeadAt::Here => next,
            HeadAt::Elsewhere => head,
        };
        let row = row.authenticated(context.now);
        let row = live::advance(&mut tx, row, next, context.now).await?;
        let event = context.event(
            Action::SessionReauthenticated,
            Some(account),
            row.describe()?,
        );
        record(&mut tx, event).await?;
        let head = self.head(&mut tx, row, policy).await?;
        tx.commit().await?;
        Ok(Some(head))
    }
}

/// Does what a proven password does to its account; false where the account or its password has
/// changed since it was checked.
async fn apply_login(
    connection: &mut SqliteConnection,
    account: AccountId,
    effects: &LoginEffects,
    login_at: Option<UnixTime>,
) -> StoreResult<bool> {
    let id = account.0.as_bytes().as_slice();
    let checked = effects.checked.expose();
    let rehashed = effects.rehashed.as_ref().map(|hash| hash.expose());
    let login_at = login_at.map(seconds);
    let unproven = effects.verification == EmailVerification::Optional;
    let updated = sqlx::query!(
        "UPDATE accounts SET last_login_at = coalesce(?, last_login_at),
             password_hash = coalesce(?, password_hash)
         WHERE id = ? AND password_hash = ? AND status = 'active'
           AND (email_verified = 1 OR ?)",
        login_at,
        rehashed,
        id,
        checked,
        unproven
    )
    .execute(&mut *connection)
    .await
    .map_err(db)?;
    if updated.rows_affected() == 0 {
        return Ok(false);
    }
    if let Some(key) = &effects.clears {
        guesses::clear(connection, key).await?;
    }
    Ok(true)
}

async fn insert(
    connection: &mut SqliteConnection,
    context: &Context,
    session: &NewSession,
    head_at: HeadAt,
) -> StoreResult<()> {
    let family = session.family.as_bytes().as_slice();
    let (id, account) = (
        session.id.0.as_bytes().as_slice(),
        session.account.0.as_bytes().as_slice(),
    );
    let now = seconds(context.now);
    let user_agent = context.origin.user_agent.as_deref();
    let ip = context.origin.ip.map(|ip| ip.to_string());
    let detached = head_at == HeadAt::Elsewhere;
    sqlx::query!(
        "INSERT INTO sessions
             (family, id, account_id, generation, created_at, advanced_at, authenticated_at,
              audience, client, user_agent, ip, detached)
         VALUES (?1, ?2, ?3, 0, ?4, ?4, ?4, ?5, ?6, ?7, ?8, ?9)",
        family,
        id,
        account,
        now,
        session.audience,
        session.client,
        user_agent,
        ip,
        detached
    )
    .execute(connection)
    .await
    .map_err(db)?;
    Ok(())
}
