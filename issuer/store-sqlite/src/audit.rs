//! The audit trail: rows in the transaction of what they tell of, each chained to the one before,
//! and beside them the clients' addresses.

use async_trait::async_trait;
use signet_core::account::AccountId;
use signet_core::audit::chain::{Binding, FORMAT, FORMAT_BEFORE, Redaction, START};
use signet_core::audit::verification::TrailHead;
use signet_core::audit::{AddressOwner, Event, Placed, Recorded};
use signet_core::ports::{AuditStore, StoreResult};
use signet_core::secret::OperatingSystem;
use signet_core::time::UnixTime;
use sqlx::{SqliteConnection, SqliteExecutor};
use uuid::Uuid;

use crate::db::{SqliteStore, db};
use crate::rows::{array, corrupt, seconds, signed, time, unsigned};

/// Rows that fulfil a condition on `audit`.
macro_rules! select_rows {
    ($condition:literal $(, $value:expr)*) => {
        sqlx::query_as!(
            TrailRow,
            r#"SELECT audit.sequence, at, actor, action, subject, detail, audit.ip AS plain,
                      request_id, hash, format, address, taken_out_by,
                      kept.ip AS "ip?: String", kept.salt AS "salt?: Vec<u8>"
               FROM audit LEFT JOIN audit_addresses AS kept ON kept.sequence = audit.sequence
               WHERE "# + $condition
            $(, $value)*
        )
    };
}

mod trail;

/// Adds a row to the trail.
pub(crate) async fn record(connection: &mut SqliteConnection, event: Event) -> StoreResult<()> {
    let head = head(connection).await?;
    let sequence = head.sequence.saturating_add(1);
    let placed = Placed::behind(&head.hash, sequence, &event, &OperatingSystem);
    let (at, sequence) = (seconds(event.at), signed(sequence));
    let (hash, commitment) = (placed.hash.to_vec(), placed.commitment.map(Vec::from));
    sqlx::query!(
        "INSERT INTO audit (sequence, at, actor, action, subject, detail, address, request_id,
                            hash, format)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        sequence,
        at,
        event.actor,
        event.action,
        event.subject,
        event.detail,
        commitment,
        event.request_id,
        hash,
        FORMAT
    )
    .execute(&mut *connection)
    .await
    .map_err(db)?;
    keep_address(connection, &placed, &event).await
}

/// The end of the trail.
async fn head(connection: &mut SqliteConnection) -> StoreResult<TrailHead> {
    let last = sqlx::query!("SELECT sequence, hash FROM audit ORDER BY sequence DESC LIMIT 1")
        .fetch_optional(connection)
        .await
        .map_err(db)?;
    match last {
        Some(last) => Ok(TrailHead {
            sequence: unsigned(last.sequence)?,
            hash: array(&last.hash)?,
        }),
        None => Ok(TrailHead {
            sequence: 0,
            hash: START,
        }),
    }
}

/// See [`AuditStore::latest_recorded`].
pub(crate) async fn latest_recorded(
    executor: impl SqliteExecutor<'_>,
) -> Result<Option<i64>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"WITH recent AS (SELECT sequence, at, actor FROM audit ORDER BY sequence DESC LIMIT 500)
           SELECT max(at) AS "latest: i64" FROM recent WHERE sequence >= coalesce(
               (SELECT max(sequence) FROM recent WHERE actor = 'operator'), 0)"#
    )
    .fetch_one(executor)
    .await
}

/// Keeps the client's address beside its row, if it is somebody's who is there.
async fn keep_address(
    connection: &mut SqliteConnection,
    placed: &Placed,
    event: &Event,
) -> StoreResult<()> {
    let (Some(salt), Some(owner)) = (placed.salt, event.address_owner()) else {
        return Ok(());
    };
    let (account, registration) = match owner {
        AddressOwner::Account(id) => (Some(id.0.as_bytes().to_vec()), None),
        AddressOwner::Registration(id) => (None, Some(id.as_bytes().to_vec())),
    };
    let (sequence, salt) = (signed(placed.sequence), salt.to_vec());
    sqlx::query!(
        "INSERT INTO audit_addresses (sequence, ip, salt, account_id, registration_id)
         SELECT ?1, ?2, ?3, ?4, ?5
         WHERE EXISTS (SELECT 1 FROM accounts WHERE id = ?4)
            OR EXISTS (SELECT 1 FROM registrations WHERE id = ?5)",
        sequence,
        event.ip,
        salt,
        account,
        registration
    )
    .execute(connection)
    .await
    .map_err(db)?;
    Ok(())
}

/// Makes the clients' addresses of a registration those of the account that it becomes.
pub(crate) async fn adopt_addresses(
    connection: &mut SqliteConnection,
    registration: Uuid,
    account: AccountId,
) -> StoreResult<()> {
    let (registration, account) = (
        registration.as_bytes().as_slice(),
        account.0.as_bytes().as_slice(),
    );
    sqlx::query!(
        "UPDATE audit_addresses SET account_id = ?, registration_id = NULL
         WHERE registration_id = ?",
        account,
        registration
    )
    .execute(connection)
    .await
    .map_err(db)?;
    Ok(())
}

/// Forgets the clients' addresses of an account, in rows of both formats. What the next row of the
/// trail is to vouch for is the answer.
pub(crate) async fn forget_addresses(
    connection: &mut SqliteConnection,
    account: AccountId,
) -> StoreResult<Redaction> {
    forget_kept_addresses(connection, account).await?;
    take_addresses_out(connection, account).await
}

/// Forgets the clients' addresses that are kept beside rows: all there are of an account that the
/// release before never knew.
pub(crate) async fn forget_kept_addresses(
    connection: &mut SqliteConnection,
    account: AccountId,
) -> StoreResult<()> {
    let id = account.0.as_bytes().as_slice();
    sqlx::query!("DELETE FROM audit_addresses WHERE account_id = ?", id)
        .execute(connection)
        .await
        .map_err(db)?;
    Ok(())
}

/// The same for rows of the release before: those of the account, and those of nobody (somebody
/// unknown registered) that came from one of its addresses.
async fn take_addresses_out(
    connection: &mut SqliteConnection,
    account: AccountId,
) -> StoreResult<Redaction> {
    let name = account.to_string();
    let by = signed(head(connection).await?.sequence.saturating_add(1));
    sqlx::query!(
        "UPDATE audit SET taken_out_by = ?1
         WHERE format = 1 AND taken_out_by IS NULL AND ip IS NOT NULL
           AND (actor = ?2
                OR subject = ?2 AND actor = 'anonymous'
                OR subject IS NULL AND actor = 'anonymous' AND ip IN (
                    SELECT ip FROM audit
                    WHERE format = 1
                      AND (actor = ?2 OR subject = ?2 AND actor = 'anonymous')))",
        by,
        name
    )
    .execute(&mut *connection)
    .await
    .map_err(db)?;
    sqlx::query!(
        "UPDATE audit SET ip = NULL, request_id = NULL WHERE taken_out_by = ?",
        by
    )
    .execute(&mut *connection)
    .await
    .map_err(db)?;
    let rows = select_rows!("taken_out_by = ? ORDER BY audit.sequence", by)
        .fetch_all(connection)
        .await
        .map_err(db)?;
    let mut redaction = Redaction::default();
    for row in rows {
        redaction.add(&row.try_into()?);
    }
    Ok(redaction)
}

/// A row with the address beside it.
pub(crate) struct TrailRow {
    sequence: i64,
    at: i64,
    actor: String,
    action: String,
    subject: Option<String>,
    detail: String,
    plain: Option<String>,
    request_id: Option<String>,
    hash: Vec<u8>,
    format: i64,
    address: Option<Vec<u8>>,
    taken_out_by: Option<i64>,
    ip: Option<String>,
    salt: Option<Vec<u8>>,
}

impl TryFrom<TrailRow> for Recorded {
    type Error = signet_core::ports::StoreError;

    fn try_from(row: TrailRow) -> StoreResult<Self> {
        let binding = match (row.format, row.taken_out_by) {
            (FORMAT_BEFORE, None) => Binding::Plain,
            (FORMAT_BEFORE, Some(by)) => Binding::TakenOut { by: unsigned(by)? },
            (FORMAT, _) => Binding::Committed {
                commitment: row.address.as_deref().map(array).transpose()?,
                salt: row.salt.as_deref().map(array).transpose()?,
            },
            (other, _) => return Err(corrupt("audit.format", &other.to_string())),
        };
        Ok(Self {
            sequence: unsigned(row.sequence)?,
            event: Event {
                at: time(row.at),
                actor: row.actor,
                action: row.action,
                subject: row.subject,
                detail: row.detail,
                ip: row.plain.or(row.ip),
                request_id: row.request_id,
                registration: None,
            },
            binding,
            hash: array(&row.hash)?,
        })
    }
}

/// What an account did, what happened to it, and what it did before it was one.
pub(crate) async fn rows_about(
    connection: &mut SqliteConnection,
    account: AccountId,
) -> StoreResult<Vec<Recorded>> {
    let (name, id) = (account.to_string(), account.0.as_bytes().as_slice());
    select_rows!(
        "actor = ?1 OR subject = ?1
             OR audit.sequence IN (SELECT sequence FROM audit_addresses WHERE account_id = ?2)
         ORDER BY audit.sequence",
        name,
        id
    )
    .fetch_all(connection)
    .await
    .map_err(db)?
    .into_iter()
    .map(Recorded::try_from)
    .collect()
}

#[async_trait]
impl AuditStore for SqliteStore {
    async fn recorded(&self, after: u64, limit: u32) -> StoreResult<Vec<Recorded>> {
        let (after, limit) = (signed(after), i64::from(limit));
        select_rows!(
            "audit.sequence > ? ORDER BY audit.sequence LIMIT ?",
            after,
            limit
        )
        .fetch_all(&self.readers)
        .await
        .map_err(db)?
        .into_iter()
        .map(Recorded::try_from)
        .collect()
    }

    async fn latest_recorded(&self) -> StoreResult<Option<UnixTime>> {
        let latest = latest_recorded(&self.readers).await.map_err(db)?;
        Ok(latest.map(time))
    }
}
