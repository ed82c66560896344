//! One session with its account, in one row: what every refresh and every bearer check reads, and
//! what a refresh writes.

use serde_json::{Value, json};
use signet_core::account::{Account, AccountId, AccountStatus};
use signet_core::ports::{StoreError, StoreResult};
use signet_core::session::family::{FamilyHead, FamilyState, RefreshPolicy};
use signet_core::session::{FamilyId, Head, LiveSession, SessionId};
use signet_core::time::UnixTime;
use sqlx::SqliteConnection;

use crate::db::{SqliteStore, db};
use crate::rows::{AccountRow, array, seconds, small, time, uuid};

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
    session_id: Vec<u8>,
    generation: i64,
    session_created_at: i64,
    advanced_at: i64,
    authenticated_at: i64,
    ended_at: Option<i64>,
    detached: i64,
    audience: String,
    client: String,
    roles_version: i64,
    id: Vec<u8>,
    email_canonical: String,
    email_original: String,
    email_verified: i64,
    name: Option<String>,
    status: String,
    invited_at: Option<i64>,
    version: i64,
    device_epoch: i64,
    created_at: i64,
    last_login_at: Option<i64>,
    roles: Option<String>,
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

    pub(super) fn account_id(&self) -> StoreResult<AccountId> {
        Ok(AccountId(uuid(&self.id)?))
    }

    pub(super) fn session_id(&self) -> StoreResult<SessionId> {
        Ok(SessionId(uuid(&self.session_id)?))
    }

    pub(super) fn head_at(&self) -> HeadAt {
        if self.detached != 0 {
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
    pub(super) fn describe(&self) -> StoreResult<Value> {
        Ok(json!({ "session": self.session_id()?.to_string(), "generation": self.generation }))
    }
}

macro_rules! select_live {
    ($condition:literal, $value:expr) => {
        sqlx::query_as!(
            LiveRow,
            r#"SELECT family, s.id AS session_id, generation, s.created_at AS session_created_at,
                      advanced_at, authenticated_at, ended_at, detached, audience, client,
                      (SELECT roles_version FROM meta WHERE meta.id = 1) AS "roles_version!: i64",
                      a.id, email_canonical, email_original, email_verified, name, status, invited_at,
                      version, device_epoch, a.created_at, last_login_at,
                      (SELECT group_concat(role) FROM account_roles
                       WHERE account_id = a.id) AS "roles: String"
               FROM sessions s JOIN accounts a ON a.id = s.account_id
               WHERE "# + $condition,
            $value
        )
    };
}

/// The session of an id, live or not.
pub(super) async fn by_session(
    connection: &mut SqliteConnection,
    session: SessionId,
) -> StoreResult<Option<LiveRow>> {
    let id = session.0.as_bytes().as_slice();
    select_live!("s.id = ?", id)
        .fetch_optional(connection)
        .await
        .map_err(db)
}

/// The session of a family, live or not.
pub(super) async fn by_family(
    connection: &mut SqliteConnection,
    family: &FamilyId,
) -> StoreResult<Option<LiveRow>> {
    let family = family.as_bytes().as_slice();
    select_live!("family = ?", family)
        .fetch_optional(connection)
        .await
        .map_err(db)
}

/// Makes `next` the head, if the row's generation still is, and writes when the row says that the
/// password was proven. The transaction has held the write lock since it read the row, so another
/// generation than the row's means that the lock doesn't hold.
pub(super) async fn advance(
    connection: &mut SqliteConnection,
    row: LiveRow,
    next: u32,
    now: UnixTime,
) -> StoreResult<LiveRow> {
    let (next, now) = (i64::from(next), seconds(now));
    let advanced = sqlx::query!(
        "UPDATE sessions SET generation = ?, advanced_at = ?, authenticated_at = ?
         WHERE family = ? AND generation = ? AND ended_at IS NULL",
        next,
        now,
        row.authenticated_at,
        row.family,
        row.generation
    )
    .execute(connection)
    .await
    .map_err(db)?;
    if advanced.rows_affected() == 0 {
        let what = "a session changed under the write lock".to_owned();
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
    connection: &mut SqliteConnection,
    row: &LiveRow,
    now: UnixTime,
) -> StoreResult<()> {
    let now = seconds(now);
    sqlx::query!(
        "UPDATE sessions SET repeats = repeats + 1, repeated_at = ? WHERE family = ?",
        now,
        row.family
    )
    .execute(connection)
    .await
    .map_err(db)?;
    Ok(())
}

/// Ends the session; false where it had ended.
pub(super) async fn end(
    connection: &mut SqliteConnection,
    row: &LiveRow,
    now: UnixTime,
) -> StoreResult<bool> {
    let now = seconds(now);
    let ended = sqlx::query!(
        "UPDATE sessions SET ended_at = ? WHERE family = ? AND ended_at IS NULL",
        now,
        row.family
    )
    .execute(connection)
    .await
    .map_err(db)?;
    Ok(ended.rows_affected() > 0)
}

impl SqliteStore {
    /// A row as what the use cases know.
    pub(super) async fn head(
        &self,
        connection: &mut SqliteConnection,
        row: LiveRow,
        policy: &RefreshPolicy,
    ) -> StoreResult<Head> {
        let head = row.family_state()?.head;
        Ok(Head {
            family: FamilyId::new(array(&row.family)?),
            generation: head.generation,
            expires_at: head.expires_at(policy),
            session: self.session(connection, row).await?,
        })
    }

    /// The session of a row, with its account and what that may do.
    pub(super) async fn session(
        &self,
        connection: &mut SqliteConnection,
        row: LiveRow,
    ) -> StoreResult<LiveSession> {
        let catalogue = self.known_roles.at(row.roles_version, connection).await?;
        let id = row.session_id()?;
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
