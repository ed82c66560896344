//! Bringing the schema up to date. sqlx's own runner of migrations takes a lock of its session,
//! which a transaction pooler gives to somebody else; this one keeps to transactions. Each
//! migration is one, together with its row in `schema_migrations`, behind a lock that lets one
//! process at a time do it.

use signet_core::schema::{Migration, SchemaStatus};
use sqlx::migrate::Migrator;
use sqlx::{Error, SqlSafeStr as _};

use super::lock::Lock;
use super::open::OpenError;
use super::pool::Pool;
use super::transaction::{Access, PATIENT_LIMITS, Transaction};

static MIGRATIONS: Migrator = sqlx::migrate!("../../migrations/postgres");

/// A row of `schema_migrations`.
struct Applied {
    migration: Migration,
    checksum: Vec<u8>,
}

/// Does all that is to do.
pub(super) async fn migrate(pool: &Pool) -> Result<(), OpenError> {
    while step(pool).await? {}
    Ok(())
}

/// Does the first thing there is to do; false where there is none.
async fn step(pool: &Pool) -> Result<bool, OpenError> {
    let mut tx = Transaction::begin(pool, Access::Change, PATIENT_LIMITS).await?;
    Lock::Schema.take(&mut tx).await?;
    if !has_table(&mut tx).await? {
        make_table(&mut tx).await?;
        tx.commit().await?;
        return Ok(true);
    }
    let status = compare(applied(&mut tx).await?)?;
    if let Some(newer) = status.unknown.last() {
        return Err(OpenError::Newer {
            version: newer.version,
        });
    }
    let first = |migration: &&sqlx::migrate::Migration| {
        let mut pending = status.pending.iter();
        pending.any(|pending| pending.version == migration.version)
    };
    let Some(next) = MIGRATIONS.iter().find(first) else {
        return Ok(false);
    };
    tx.run(next.sql.clone().into_sql_str().as_str()).await?;
    // Not checked when it is compiled: no migration makes this table.
    sqlx::query(
        "INSERT INTO schema_migrations (version, description, checksum) VALUES ($1, $2, $3)",
    )
    .bind(next.version)
    .bind(next.description.as_ref())
    .bind(next.checksum.as_ref())
    .execute(&mut tx)
    .await?;
    tx.commit().await?;
    Ok(true)
}

/// Where the schema stands; changes nothing.
pub(super) async fn status(pool: &Pool) -> Result<SchemaStatus, OpenError> {
    let mut tx = Transaction::begin(pool, Access::Snapshot, PATIENT_LIMITS).await?;
    let applied = match has_table(&mut tx).await? {
        true => applied(&mut tx).await?,
        false => Vec::new(),
    };
    compare(applied)
}

async fn has_table(tx: &mut Transaction) -> Result<bool, Error> {
    let found = sqlx::query_scalar!(
        r#"SELECT to_regclass('signet.schema_migrations') IS NOT NULL AS "found!""#
    );
    found.fetch_one(tx).await
}

/// Makes the schema only where there is none: asking for one that is there needs the right to make
/// one, which a careful owner doesn't give.
async fn make_table(tx: &mut Transaction) -> Result<(), Error> {
    let has_schema =
        sqlx::query_scalar!(r#"SELECT to_regnamespace('signet') IS NOT NULL AS "found!""#)
            .fetch_one(&mut *tx)
            .await?;
    if !has_schema {
        tx.run("CREATE SCHEMA signet").await?;
    }
    tx.run(
        "CREATE TABLE signet.schema_migrations (
             version BIGINT PRIMARY KEY,
             description TEXT NOT NULL,
             checksum BYTEA NOT NULL,
             applied_at TIMESTAMPTZ NOT NULL DEFAULT now())",
    )
    .await
}

async fn applied(tx: &mut Transaction) -> Result<Vec<Applied>, Error> {
    let rows: Vec<(i64, String, Vec<u8>)> = sqlx::query_as(
        "SELECT version, description, checksum FROM schema_migrations ORDER BY version",
    )
    .fetch_all(tx)
    .await?;
    let applied = rows.into_iter().map(|(version, name, checksum)| Applied {
        migration: Migration { version, name },
        checksum,
    });
    Ok(applied.collect())
}

/// What was done beside what this release knows. A migration that was changed after it was applied
/// is a mistake of whoever built the release.
fn compare(applied: Vec<Applied>) -> Result<SchemaStatus, OpenError> {
    for row in &applied {
        let mut known = MIGRATIONS.iter();
        let known = known.find(|known| known.version == row.migration.version);
        if known.is_some_and(|known| known.checksum.as_ref() != row.checksum) {
            return Err(OpenError::Changed {
                version: row.migration.version,
            });
        }
    }
    let known = MIGRATIONS.iter().map(|known| Migration {
        version: known.version,
        name: known.description.to_string(),
    });
    let done = applied.into_iter().map(|row| row.migration);
    Ok(SchemaStatus::compare(done.collect(), known.collect()))
}
