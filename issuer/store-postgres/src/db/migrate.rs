//! Bringing the schema up to date. sqlx's own runner of migrations takes a lock of its session,
//! which a transaction pooler gives to somebody else; this one keeps to transactions. Each
//! migration is one, together with its row in `schema_migrations`, behind a lock that lets one
//! process at a time do it.

use signet_core::schema::{Migration, SchemaStatus, TABLES};
use sqlx::migrate::Migrator;
use sqlx::{Error, SqlSafeStr as _};

use super::address::Address;
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
pub(super) async fn migrate(pool: &Pool, address: &Address) -> Result<(), OpenError> {
    while step(pool, address).await? {}
    Ok(())
}

/// Does the first thing there is to do; false where there is none.
async fn step(pool: &Pool, address: &Address) -> Result<bool, OpenError> {
    let mut tx = Transaction::begin(pool, Access::Change, PATIENT_LIMITS).await?;
    Lock::Schema.take(&mut tx).await?;
    if !has_table(&mut tx).await? {
        check_ours(&mut tx, address).await?;
        make_table(&mut tx).await?;
        tx.commit().await?;
        return Ok(true);
    }
    let status = compare(applied(&mut tx).await?, address)?;
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
        check_whole(&mut tx, address).await?;
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
pub(super) async fn status(pool: &Pool, address: &Address) -> Result<SchemaStatus, OpenError> {
    let mut tx = Transaction::begin(pool, Access::Snapshot, PATIENT_LIMITS).await?;
    if !has_table(&mut tx).await? {
        check_ours(&mut tx, address).await?;
        return compare(Vec::new(), address);
    }
    let status = compare(applied(&mut tx).await?, address)?;
    if status.is_up_to_date() {
        check_whole(&mut tx, address).await?;
    }
    Ok(status)
}

/// Refuses to move in with somebody else.
async fn check_ours(tx: &mut Transaction, address: &Address) -> Result<(), OpenError> {
    let table = sqlx::query_scalar!(
        r#"SELECT relname::text AS "name!" FROM pg_class
           WHERE relnamespace = to_regnamespace('signet') ORDER BY relname LIMIT 1"#
    )
    .fetch_optional(tx)
    .await?;
    match table {
        Some(table) => Err(OpenError::Foreign {
            address: address.to_string(),
            table,
        }),
        None => Ok(()),
    }
}

/// Asks for every table: a dump that was restored in part has all rows of `schema_migrations`.
async fn check_whole(tx: &mut Transaction, address: &Address) -> Result<(), OpenError> {
    let tables = TABLES.map(str::to_owned);
    let missing = sqlx::query_scalar!(
        r#"SELECT name AS "name!" FROM unnest($1::text[]) AS name
           WHERE to_regclass('signet.' || name) IS NULL LIMIT 1"#,
        &tables[..]
    )
    .fetch_optional(tx)
    .await?;
    match missing {
        Some(table) => Err(not_whole(address, format!("the table {table}"))),
        None => Ok(()),
    }
}

fn not_whole(address: &Address, missing: String) -> OpenError {
    OpenError::NotWhole {
        address: address.to_string(),
        missing,
    }
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
fn compare(applied: Vec<Applied>, address: &Address) -> Result<SchemaStatus, OpenError> {
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
    let status = SchemaStatus::compare(done.collect(), known.collect());
    match status.gap() {
        Some(gap) => {
            let missing = format!("migration {} ({})", gap.version, gap.name);
            Err(not_whole(address, missing))
        }
        None => Ok(status),
    }
}
