//! One session with its account, in one row: what every refresh and every bearer check reads, and
//! what a refresh writes.

use serde_json::{Value, json};
use signet_core::account::{Account, AccountId, AccountStatus};
use signet_core::ports::{StoreError, StoreResult};
use signet_core::session::family::{FamilyHead, FamilyState, RefreshPolicy};
use signet_core::session::{FamilyId, Head, LiveSession, SessionId};
use signet_core::time::UnixTime;
use uuid::Uuid;

use crate::db::{PostgresStore, Transaction, db};
use crate::rows::{AccountRow, array, seconds, small, time};

/// Where the head of a session's family is.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(super) enum HeadAt {
    /// In the session's row.
    Here,
    /// Elsewhere: the session is detached.
    Elsewhere,
}

/// A session, its account, the account's roles, and the version of all roles.
pub(super) struct LiveRow {
    family: Vec<u8>,
    session_id: Uuid,
    generation: i64,
    session_created_at: i64,
    advanced_at: i64,
    authenticated_at: i64,
    ended_at: Option<i64>,
    detached: bool,
    audience: String,
    client: String,
    roles_version: i64,
    id: Uuid,
    email_canonical: String,
    email_original: String,
    email_verified: bool,
    name: Option<String>,
    status: String,
    invited_at: Option<i64>,
    version: i64,
    device_epoch: i64,
    created_at: i64,
    last_login_at: Option<i64>,
    roles: Vec<String>,
}

impl LiveRow {
    pub(super) fn family_state(&self) -> StoreResult<FamilyState> {
        Ok(FamilyState {
            head: FamilyHead {
                generation: small(self.generation)?,
                advanced_at: time(self.advanced_at),
                created_at: time(self.session_created_at),
            },
            ended: self.ended_at.is_some(),
            account_active: self.status == AccountStatus::Active.as_str(),
        })
    }

    pub(super) fn account_id(&self) -> AccountId {
        AccountId(self.id)
    }

    pub(super) fn session_id(&self) -> SessionId {
        SessionId(self.session_id)
    }

    pub(super) fn head_at(&self) -> HeadAt {
        if self.detached {
            HeadAt::Elsewhere
        } else {
            HeadAt::Here
        }
    }

    /// Whether it is a detached session that wasn't ended.
    pub(super) fn is_detached_and_open(&self) -> bool {
        self.head_at() == HeadAt::Elsewhere && self.ended_at.is_none()
    }

    /// The row of a detached session with the generation that its head has.
    pub(super) fn headed(self, generation: u32) -> Self {
        Self {
            generation: i64::from(generation),
            ..self
        }
    }

    /// The row as it is once the password was proven again.
    pub(super) fn authenticated(self, now: UnixTime) -> Self {
        Self {
            authenticated_at: seconds(now),
            ..self
        }
    }

    /// What the audit trail says of the session.
    pub(super) fn describe(&self) -> Value {
        json!({ "session": self.session_id().to_string(), "generation": self.generation })
    }
}

macro_rules! select_live {
    ($condition:literal, $value:expr) => {
        sqlx::query_as!(
            LiveRow,
            r#"SELECT family, s.id AS session_id, generation, s.created_at AS session_created_at,
                      advanced_at, authenticated_at, ended_at, detached, audience, client,
                      (SELECT roles_version FROM meta WHERE meta.id = 1) AS "roles_version!",
                      a.id, email_canonical, email_original, email_verified, name, status, invited_at,
                      version, device_epoch, a.created_at, last_login_at,
                      ARRAY(SELECT role FROM account_roles
                            WHERE account_id = a.id) AS "roles!"
               FROM sessions s JOIN accounts a ON a.id = s.account_id
               WHERE "#
                + $condition,
            $value
        )
    };
}

/// The session of an id, live or not, as it is at this moment.
pub(super) async fn by_session(
    tx: &mut Transaction,
    session: SessionId,
) -> StoreResult<Option<LiveRow>> {
    select_live!("s.id = $1", session.0)
        .fetch_optional(tx)
        .await
        .map_err(db)
}

/// The session of an id, live or not, as it stays until the end of the transaction.
pub(super) async fn lock_session(
    tx: &mut Transaction,
    session: SessionId,
) -> StoreResult<Option<LiveRow>> {
    sqlx::query_scalar!(
        "SELECT id FROM sessions WHERE id = $1 FOR NO KEY UPDATE",
        session.0
    )
    .fetch_optional(&mut *tx)
    .await
    .map_err(db)?;
    by_session(tx, session).await
}

/// The session of a family, live or not, as it is at this moment.
pub(super) async fn by_family(
    tx: &mut Transaction,
    family: &FamilyId,
) -> StoreResult<Option<LiveRow>> {
    let family = family.as_bytes().as_slice();
    select_live!("family = $1", family)
        .fetch_optional(tx)
        .await
        .map_err(db)
}

/// The session of a family, live or not, as it stays until the end of the transaction. It is read
/// after the lock was waited for: a statement sees its account and its roles as they were when the
/// statement began.
pub(super) async fn lock_family(
    tx: &mut Transaction,
    family: &FamilyId,
) -> StoreResult<Option<LiveRow>> {
    sqlx::query_scalar!(
        "SELECT id FROM sessions WHERE family = $1 FOR NO KEY UPDATE",
        family.as_bytes().as_slice()
    )
    .fetch_optional(&mut *tx)
    .await
    .map_err(db)?;
    by_family(tx, family).await
}

/// Makes `next` the head, if the row's generation still is, and writes when the row says that the
/// password was proven. The transaction has held the row's lock since it read it, so another
/// generation than the row's means that the lock doesn't hold.
pub(super) async fn advance(
    tx: &mut Transaction,
    row: LiveRow,
    next: u32,
    now: UnixTime,
) -> StoreResult<LiveRow> {
    let (next, now) = (i64::from(next), seconds(now));
    let advanced = sqlx::query!(
        "UPDATE sessions SET generation = $1, advanced_at = $2, authenticated_at = $3
         WHERE family = $4 AND generation = $5 AND ended_at IS NULL",
        next,
        now,
        row.authenticated_at,
        row.family,
        row.generation
    )
    .execute(tx)
    .await
    .map_err(db)?;
    if advanced.rows_affected() == 0 {
        let what = "a session changed under its lock".to_owned();
        return Err(StoreError::Corrupt(what));
    }
    Ok(LiveRow {
        generation: next,
        advanced_at: now,
        ..row
    })
}

/// Counts that a token was answered once more.
pub(super) async fn count_repeat(
    tx: &mut Transaction,
    row: &LiveRow,
    now: UnixTime,
) -> StoreResult<()> {
    let now = seconds(now);
    sqlx::query!(
        "UPDATE sessions SET repeats = repeats + 1, repeated_at = $1 WHERE family = $2",
        now,
        row.family
    )
    .execute(tx)
    .await
    .map_err(db)?;
    Ok(())
}

/// Ends the session; false where it had ended.
pub(super) async fn end(tx: &mut Transaction, row: &LiveRow, now: UnixTime) -> StoreResult<bool> {
    let now = seconds(now);
    let ended = sqlx::query!(
        "UPDATE sessions SET ended_at = $1 WHERE family = $2 AND ended_at IS NULL",
        now,
        row.family
    )
    .execute(tx)
    .await
    .map_err(db)?;
    Ok(ended.rows_affected() > 0)
}

impl PostgresStore {
    /// A row as what the use cases know.
    pub(super) async fn head(
        &self,
        tx: &mut Transaction,
        row: LiveRow,
        policy: &RefreshPolicy,
    ) -> StoreResult<Head> {
        let head = row.family_state()?.head;
        Ok(Head {
            family: FamilyId::new(array(&row.family)?),
            generation: head.generation,
            expires_at: head.expires_at(policy),
            session: self.session(tx, row).await?,
        })
    }

    /// The session of a row, with its account and what that may do.
    pub(super) async fn session(
        &self,
        tx: &mut Transaction,
        row: LiveRow,
    ) -> StoreResult<LiveSession> {
        let catalogue = self.known_roles.at(row.roles_version, tx).await?;
        let id = row.session_id();
        let account = Account::try_from(AccountRow {
            id: row.id,
            email_canonical: row.email_canonical,
            email_original: row.email_original,
            email_verified: row.email_verified,
            name: row.name,
            status: row.status,
            invited_at: row.invited_at,
            version: row.version,
            device_epoch: row.device_epoch,
            created_at: row.created_at,
            last_login_at: row.last_login_at,
            roles: row.roles,
        })?;
        Ok(LiveSession {
            id,
            authority: catalogue.authority(account.roles_in_force()),
            account,
            authenticated_at: time(row.authenticated_at),
            audience: row.audience,
            client: row.client,
        })
    }
}
