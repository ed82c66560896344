//! The audit trail: rows in the transaction of what they tell of, each chained to the one before,
//! and beside them the clients' addresses.

use async_trait::async_trait;
use signet_core::account::AccountId;
use signet_core::audit::chain::{Binding, FORMAT, FORMAT_BEFORE, Redaction, START};
use signet_core::audit::verification::TrailHead;
use signet_core::audit::{AddressOwner, Event, Placed, Recorded};
use signet_core::ports::{AuditStore, StoreError, StoreResult};
use signet_core::secret::OperatingSystem;
use signet_core::time::UnixTime;
use uuid::Uuid;

use crate::db::{Lock, PostgresStore, Transaction, db};
use crate::rows::{array, corrupt, seconds, signed, time, unsigned};

/// Rows that fulfil a condition on `audit`.
macro_rules! select_rows {
    ($condition:literal $(, $value:expr)*) => {
        sqlx::query_as!(
            TrailRow,
            r#"SELECT audit.sequence, at, actor, action, subject, detail, audit.ip AS plain,
                      request_id, hash, format, address, taken_out_by,
                      kept.ip AS "ip?", kept.salt AS "salt?"
               FROM audit LEFT JOIN audit_addresses AS kept ON kept.sequence = audit.sequence
               WHERE "# + $condition
            $(, $value)*
        )
    };
}

mod trail;

/// Adds rows to the trail, one process at a time, from here to the commit.
pub(crate) async fn append(tx: &mut Transaction, events: Vec<Event>) -> StoreResult<()> {
    Lock::Trail.take(tx).await.map_err(db)?;
    let mut head = head(tx).await?;
    for event in events {
        let sequence = head.sequence.saturating_add(1);
        let placed = Placed::behind(&head.hash, sequence, &event, &OperatingSystem);
        insert(tx, &event, &placed).await?;
        keep_address(tx, &placed, &event).await?;
        head = TrailHead {
            sequence,
            hash: placed.hash,
        };
    }
    Ok(())
}

async fn insert(tx: &mut Transaction, event: &Event, placed: &Placed) -> StoreResult<()> {
    sqlx::query!(
        "INSERT INTO audit (sequence, at, actor, action, subject, detail, address, request_id,
                            hash, format)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        signed(placed.sequence),
        seconds(event.at),
        event.actor,
        event.action,
        event.subject,
        event.detail,
        placed.commitment.as_ref().map(<[u8; 32]>::as_slice),
        event.request_id,
        placed.hash.as_slice(),
        FORMAT
    )
    .execute(tx)
    .await
    .map_err(db)?;
    Ok(())
}

/// The end of the trail; it stays that for who holds its lock.
async fn head(tx: &mut Transaction) -> StoreResult<TrailHead> {
    let last = sqlx::query!("SELECT sequence, hash FROM audit ORDER BY sequence DESC LIMIT 1")
        .fetch_optional(tx)
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
pub(crate) async fn latest_recorded(tx: &mut Transaction) -> Result<Option<i64>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"WITH recent AS (SELECT sequence, at, actor FROM audit ORDER BY sequence DESC LIMIT 500)
           SELECT max(at) AS "latest" FROM recent WHERE sequence >= coalesce(
               (SELECT max(sequence) FROM recent WHERE actor = 'operator'), 0)"#
    )
    .fetch_one(tx)
    .await
}

/// Keeps the client's address beside its row, if it is somebody's who is there: whoever was erased
/// meanwhile has gone before the lock of the trail was to be had.
async fn keep_address(tx: &mut Transaction, placed: &Placed, event: &Event) -> StoreResult<()> {
    let (Some(salt), Some(owner)) = (placed.salt, event.address_owner()) else {
        return Ok(());
    };
    let (account, registration) = match owner {
        AddressOwner::Account(id) => (Some(id.0), None),
        AddressOwner::Registration(id) => (None, Some(id)),
    };
    sqlx::query!(
        "INSERT INTO audit_addresses (sequence, ip, salt, account_id, registration_id)
         SELECT $1, $2, $3, $4, $5
         WHERE EXISTS (SELECT 1 FROM accounts WHERE id = $4)
            OR EXISTS (SELECT 1 FROM registrations WHERE id = $5)",
        signed(placed.sequence),
        event.ip,
        salt.as_slice(),
        account,
        registration
    )
    .execute(tx)
    .await
    .map_err(db)?;
    Ok(())
}

/// Makes the clients' addresses of a registration those of the account that it becomes.
pub(crate) async fn adopt_addresses(
    tx: &mut Transaction,
    registration: Uuid,
    account: AccountId,
) -> StoreResult<()> {
    sqlx::query!(
        "UPDATE audit_addresses SET account_id = $1, registration_id = NULL
         WHERE registration_id = $2",
        account.0,
        registration
    )
    .execute(tx)
    .await
    .map_err(db)?;
    Ok(())
}

/// Forgets the clients' addresses of an account, in rows of both formats. What the next row of the
/// trail is to vouch for is the answer; nobody else writes that row any more.
pub(crate) async fn forget_addresses(
    tx: &mut Transaction,
    account: AccountId,
) -> StoreResult<Redaction> {
    Lock::Trail.take(tx).await.map_err(db)?;
    forget_kept_addresses(tx, account).await?;
    take_addresses_out(tx, account).await
}

/// Forgets the clients' addresses that are kept beside rows: all there are of an account that the
/// release before never knew.
pub(crate) async fn forget_kept_addresses(
    tx: &mut Transaction,
    account: AccountId,
) -> StoreResult<()> {
    sqlx::query!(
        "DELETE FROM audit_addresses WHERE account_id = $1",
        account.0
    )
    .execute(tx)
    .await
    .map_err(db)?;
    Ok(())
}

/// The same for rows of the release before: those of the account, and those of nobody (somebody
/// unknown registered) that came from one of its addresses.
async fn take_addresses_out(tx: &mut Transaction, account: AccountId) -> StoreResult<Redaction> {
    let name = account.to_string();
    let by = signed(head(tx).await?.sequence.saturating_add(1));
    sqlx::query!(
        "UPDATE audit SET taken_out_by = $1
         WHERE format = 1 AND taken_out_by IS NULL AND ip IS NOT NULL
           AND (actor = $2
                OR subject = $2 AND actor = 'anonymous'
                OR subject IS NULL AND actor = 'anonymous' AND ip IN (
                    SELECT ip FROM audit
                    WHERE format = 1
                      AND (actor = $2 OR subject = $2 AND actor = 'anonymous')))",
        by,
        name
    )
    .execute(&mut *tx)
    .await
    .map_err(db)?;
    sqlx::query!(
        "UPDATE audit SET ip = NULL, request_id = NULL WHERE taken_out_by = $1",
        by
    )
    .execute(&mut *tx)
    .await
    .map_err(db)?;
    let rows = select_rows!("taken_out_by = $1 ORDER BY audit.sequence", by)
        .fetch_all(tx)
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
    type Error = StoreError;

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
    tx: &mut Transaction,
    account: AccountId,
) -> StoreResult<Vec<Recorded>> {
    select_rows!(
        "actor = $1 OR subject = $1
             OR audit.sequence IN (SELECT sequence FROM audit_addresses WHERE account_id = $2)
         ORDER BY audit.sequence",
        account.to_string(),
        account.0
    )
    .fetch_all(tx)
    .await
    .map_err(db)?
    .into_iter()
    .map(Recorded::try_from)
    .collect()
}

#[async_trait]
impl AuditStore for PostgresStore {
    async fn recorded(&self, after: u64, limit: u32) -> StoreResult<Vec<Recorded>> {
        self.attempt(|| async {
            let mut tx = self.snapshot().await?;
            select_rows!(
                "audit.sequence > $1 ORDER BY audit.sequence LIMIT $2",
                signed(after),
                i64::from(limit)
            )
            .fetch_all(&mut tx)
            .await
            .map_err(db)?
            .into_iter()
            .map(Recorded::try_from)
            .collect()
        })
        .await
    }

    async fn latest_recorded(&self) -> StoreResult<Option<UnixTime>> {
        self.attempt(|| async {
            let mut tx = self.snapshot().await?;
            let latest = latest_recorded(&mut tx).await.map_err(db)?;
            Ok(latest.map(time))
        })
        .await
    }
}
