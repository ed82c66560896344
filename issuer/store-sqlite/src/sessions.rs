//! Sessions and their families of refresh tokens.

mod live;

use async_trait::async_trait;
use serde_json::json;
use signet_core::account::{Account, AccountId};
use signet_core::audit::{Action, Context};
use signet_core::mail::NewMail;
use signet_core::ports::{LoginEffects, Rotation, SessionStore, StoreResult};
use signet_core::session::family::{RefreshPolicy, Verdict, judge};
use signet_core::session::refresh_token::Presented;
use signet_core::session::{Head, LiveSession, NewSession, Session, SessionId};
use signet_core::time::UnixTime;
use sqlx::SqliteConnection;
use uuid::Uuid;

use crate::audit::record;
use crate::db::{SqliteStore, db};
use crate::rows::{SessionRow, seconds, signed, uuid};
use crate::{accounts, guesses, mail};

/// Ends every session of an account; answers which.
pub(crate) async fn end_all(
    connection: &mut SqliteConnection,
    account: AccountId,
    now: UnixTime,
) -> StoreResult<Vec<Uuid>> {
    end_others(connection, account, SessionId(Uuid::nil()), now).await
}

/// Ends every session of an account but one; answers which.
pub(crate) async fn end_others(
    connection: &mut SqliteConnection,
    account: AccountId,
    keep: SessionId,
    now: UnixTime,
) -> StoreResult<Vec<Uuid>> {
    let (account, keep) = (
        account.0.as_bytes().as_slice(),
        keep.0.as_bytes().as_slice(),
    );
    let now = seconds(now);
    let ended = sqlx::query_scalar!(
        "UPDATE sessions SET ended_at = ?
         WHERE account_id = ? AND id <> ? AND ended_at IS NULL RETURNING id",
        now,
        account,
        keep
    )
    .fetch_all(connection)
    .await
    .map_err(db)?;
    ended.iter().map(|id| uuid(id)).collect()
}

/// Ends what an account has beyond its most recently refreshed sessions.
async fn end_excess(
    connection: &mut SqliteConnection,
    context: &Context,
    account: AccountId,
    most: u32,
) -> StoreResult<()> {
    let id = account.0.as_bytes().as_slice();
    let (now, most) = (seconds(context.now), i64::from(most));
    let ended = sqlx::query_scalar!(
        "UPDATE sessions SET ended_at = ? WHERE family IN (
             SELECT family FROM sessions WHERE account_id = ? AND ended_at IS NULL
             ORDER BY advanced_at DESC, rowid DESC LIMIT -1 OFFSET ?)
         RETURNING id",
        now,
        id,
        most
    )
    .fetch_all(&mut *connection)
    .await
    .map_err(db)?;
    for id in ended {
        record_end(connection, context, account, uuid(&id)?, "too_many").await?;
    }
    Ok(())
}

async fn record_end(
    connection: &mut SqliteConnection,
    context: &Context,
    account: AccountId,
    session: Uuid,
    reason: &str,
) -> StoreResult<()> {
    let detail = json!({ "session": session.to_string(), "reason": reason });
    let event = context.event(Action::SessionEnded, Some(account), detail);
    record(connection, event).await
}

async fn insert(
    connection: &mut SqliteConnection,
    context: &Context,
    session: &NewSession,
) -> StoreResult<()> {
    let family = session.family.as_bytes().as_slice();
    let (id, account) = (
        session.id.0.as_bytes().as_slice(),
        session.account.0.as_bytes().as_slice(),
    );
    let now = seconds(context.now);
    let user_agent = context.origin.user_agent.as_deref();
    let ip = context.origin.ip.map(|ip| ip.to_string());
    sqlx::query!(
        "INSERT INTO sessions
             (family, id, account_id, generation, created_at, advanced_at, authenticated_at,
              audience, client, user_agent, ip)
         VALUES (?1, ?2, ?3, 0, ?4, ?4, ?4, ?5, ?6, ?7, ?8)",
        family,
        id,
        account,
        now,
        session.audience,
        session.client,
        user_agent,
        ip
    )
    .execute(connection)
    .await
    .map_err(db)?;
    Ok(())
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
    let updated = sqlx::query!(
        "UPDATE accounts SET last_login_at = coalesce(?, last_login_at),
             password_hash = coalesce(?, password_hash)
         WHERE id = ? AND password_hash = ? AND status = 'active' AND email_verified = 1",
        login_at,
        rehashed,
        id,
        checked
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

#[async_trait]
impl SessionStore for SqliteStore {
    async fn open_session(
        &self,
        context: &Context,
        session: NewSession,
        effects: LoginEffects,
        policy: &RefreshPolicy,
    ) -> StoreResult<Option<Head>> {
        let mut tx = self.begin().await?;
        let account = session.account;
        if !apply_login(&mut tx, account, &effects, Some(context.now)).await? {
            return Ok(None);
        }
        insert(&mut tx, context, &session).await?;
        end_excess(&mut tx, context, account, effects.max_sessions).await?;
        let detail = json!({ "session": session.id.to_string(), "client": session.client });
        let event = context.event(Action::SessionOpened, Some(account), detail);
        record(&mut tx, event).await?;
        let row = live::by_session(&mut tx, session.id).await?;
        let head = self.head(&mut tx, row, policy).await?;
        tx.commit().await.map_err(db)?;
        Ok(head)
    }

    async fn rotate(
        &self,
        context: &Context,
        presented: &Presented,
        policy: &RefreshPolicy,
        notice: &(dyn for<'a> Fn(&'a Account) -> NewMail + Send + Sync),
    ) -> StoreResult<Rotation> {
        let mut tx = self.begin().await?;
        let Some(row) = live::by_family(&mut tx, &presented.family).await? else {
            return Ok(Rotation::Dead);
        };
        let state = row.family_state()?;
        match judge(&state, presented.generation, context.now, policy) {
            Verdict::Dead => Ok(Rotation::Dead),
            Verdict::Advance { next } => {
                let row = row.advanced(next, context.now);
                live::advance(&mut tx, &row).await?;
                let head = self.head(&mut tx, Some(row), policy).await?;
                tx.commit().await.map_err(db)?;
                Ok(head.map_or(Rotation::Dead, |head| Rotation::Advanced(Box::new(head))))
            }
            Verdict::Repeat => {
                let (account, detail) = (row.account_id()?, row.describe()?);
                let event = context.event(Action::RefreshRepeated, Some(account), detail);
                record(&mut tx, event).await?;
                let head = self.head(&mut tx, Some(row), policy).await?;
                tx.commit().await.map_err(db)?;
                Ok(head.map_or(Rotation::Dead, |head| Rotation::Repeated(Box::new(head))))
            }
            Verdict::Replay => {
                let account = self
                    .end_for_cause(&mut tx, context, &row, Action::RefreshReplayed)
                    .await?;
                if let Some(owner) = accounts::find(&mut tx, account).await? {
                    mail::queue(&mut tx, context.now, &notice(&owner)).await?;
                }
                tx.commit().await.map_err(db)?;
                Ok(Rotation::Replayed(account))
            }
            Verdict::FromFuture => {
                let account = self
                    .end_for_cause(&mut tx, context, &row, Action::RefreshFromFuture)
                    .await?;
                tx.commit().await.map_err(db)?;
                Ok(Rotation::FromFuture(account))
            }
        }
    }

    async fn reauthenticate(
        &self,
        context: &Context,
        session: SessionId,
        account: AccountId,
        effects: LoginEffects,
        policy: &RefreshPolicy,
    ) -> StoreResult<Option<Head>> {
        let mut tx = self.begin().await?;
        if !apply_login(&mut tx, account, &effects, None).await? {
            return Ok(None);
        }
        let Some(row) = live::by_session(&mut tx, session).await? else {
            return Ok(None);
        };
        let state = row.family_state()?;
        let verdict = judge(&state, state.generation, context.now, policy);
        let (Verdict::Advance { next }, true) = (verdict, row.account_id()? == account) else {
            return Ok(None);
        };
        let row = row.advanced(next, context.now).authenticated(context.now);
        live::advance(&mut tx, &row).await?;
        let event = context.event(
            Action::SessionReauthenticated,
            Some(account),
            row.describe()?,
        );
        record(&mut tx, event).await?;
        let head = self.head(&mut tx, Some(row), policy).await?;
        tx.commit().await.map_err(db)?;
        Ok(head)
    }

    async fn live_session(
        &self,
        session: SessionId,
        account: AccountId,
        version: u64,
        now: UnixTime,
        policy: &RefreshPolicy,
    ) -> StoreResult<Option<LiveSession>> {
        let mut connection = self.readers.acquire().await.map_err(db)?;
        let Some(row) = live::by_session(&mut connection, session).await? else {
            return Ok(None);
        };
        let state = row.family_state()?;
        let is_live = !state.ended && state.account_active && now < state.expires_at(policy);
        if !is_live || row.account_id()? != account {
            return Ok(None);
        }
        let head = self.head(&mut connection, Some(row), policy).await?;
        Ok(head
            .map(|head| head.session)
            .filter(|session| session.account.version <= version))
    }

    async fn sessions(
        &self,
        account: AccountId,
        now: UnixTime,
        policy: &RefreshPolicy,
    ) -> StoreResult<Vec<Session>> {
        let account = account.0.as_bytes().as_slice();
        let (now, idle, absolute) = (seconds(now), signed(policy.idle), signed(policy.absolute));
        sqlx::query_as!(
            SessionRow,
            "SELECT id, created_at, advanced_at, user_agent, ip FROM sessions
             WHERE account_id = ?1 AND ended_at IS NULL
               AND advanced_at + ?2 > ?4 AND created_at + ?3 > ?4
             ORDER BY created_at DESC, rowid DESC",
            account,
            idle,
            absolute,
            now
        )
        .fetch_all(&self.readers)
        .await
        .map_err(db)?
        .into_iter()
        .map(Session::try_from)
        .collect()
    }

    async fn end_session(
        &self,
        context: &Context,
        account: AccountId,
        session: SessionId,
    ) -> StoreResult<bool> {
        let mut tx = self.begin().await?;
        let (id, owner) = (
            session.0.as_bytes().as_slice(),
            account.0.as_bytes().as_slice(),
        );
        let now = seconds(context.now);
        let ended = sqlx::query!(
            "UPDATE sessions SET ended_at = ?
             WHERE id = ? AND account_id = ? AND ended_at IS NULL",
            now,
            id,
            owner
        )
        .execute(&mut *tx)
        .await
        .map_err(db)?;
        if ended.rows_affected() == 0 {
            return Ok(false);
        }
        record_end(&mut tx, context, account, session.0, "asked_for").await?;
        tx.commit().await.map_err(db)?;
        Ok(true)
    }

    async fn end_other_sessions(
        &self,
        context: &Context,
        account: AccountId,
        keep: SessionId,
    ) -> StoreResult<u64> {
        let mut tx = self.begin().await?;
        let ended = end_others(&mut tx, account, keep, context.now).await?;
        for session in &ended {
            record_end(&mut tx, context, account, *session, "asked_for").await?;
        }
        tx.commit().await.map_err(db)?;
        Ok(u64::try_from(ended.len()).unwrap_or(u64::MAX))
    }

    async fn end_family(&self, context: &Context, presented: &Presented) -> StoreResult<bool> {
        let mut tx = self.begin().await?;
        let Some(row) = live::by_family(&mut tx, &presented.family).await? else {
            return Ok(false);
        };
        if row.family_state()?.ended {
            return Ok(false);
        }
        live::end(&mut tx, &row, context.now).await?;
        let (account, session) = (row.account_id()?, row.session_id()?);
        record_end(&mut tx, context, account, session.0, "asked_for").await?;
        tx.commit().await.map_err(db)?;
        Ok(true)
    }
}

impl SqliteStore {
    /// Ends a family because of what was presented; answers whose it was.
    async fn end_for_cause(
        &self,
        connection: &mut SqliteConnection,
        context: &Context,
        row: &live::LiveRow,
        action: Action,
    ) -> StoreResult<AccountId> {
        live::end(connection, row, context.now).await?;
        let account = row.account_id()?;
        let event = context.event(action, Some(account), row.describe()?);
        record(connection, event).await?;
        Ok(account)
    }
}
