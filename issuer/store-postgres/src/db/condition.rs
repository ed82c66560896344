//! What `signet doctor` asks the server. It changes nothing, and needs no more rights than a
//! connection has.

use std::time::Duration;

use signet_core::signing::StoredKeys;
use signet_core::time::UnixTime;
use sqlx::Error;
use tokio::time::Instant;

use super::PostgresStore;
use super::address::Address;
use super::open::{self, OpenError};
use super::pool::Pool;
use super::transaction::{Access, LIMITS, Transaction};
use crate::audit::latest_recorded;
use crate::keys;
use crate::rows::time;

/// How many round trips are timed.
const ROUND_TRIPS: usize = 5;
/// How often two connections are compared: a pooler that others use too hands out several.
const COMPARISONS: usize = 8;

/// How a server is, and what stands between it and us.
#[derive(Clone, Debug)]
pub struct Condition {
    /// The server's version.
    pub version: String,
    /// Whether it writes nothing because it follows another one.
    pub is_standby: bool,
    /// Settings that say that what was committed may be lost, as `name = value`.
    pub risks: Vec<String>,
    /// The version of TLS on the server's side of the wire, which is the pooler's where there is
    /// one.
    pub tls: Option<String>,
    /// Whether a transaction pooler stands between.
    pub is_pooled: bool,
    /// What one question takes; the middle of a few.
    pub round_trip: Duration,
    /// The server's clock.
    pub now: UnixTime,
    /// The latest time in the last rows of the audit trail, as issuers read it.
    pub latest_recorded: Option<UnixTime>,
    /// Rights that the role lacks.
    pub missing_rights: Vec<String>,
    /// Tables that belong to a role that ours isn't a member of, so that no migration changes them.
    pub foreign_tables: Vec<String>,
    /// How many connections the server takes beside those it has.
    pub connections_left: i64,
    /// How many this process may make.
    pub pool_size: u32,
}

impl PostgresStore {
    /// How the server is.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub async fn condition(address: &Address) -> Result<Condition, OpenError> {
        let pools = [open::pool(address, 1)?, open::pool(address, 1)?];
        let condition = examine(&pools, address).await;
        for pool in pools {
            pool.close().await;
        }
        condition.map_err(|error| open::explain(error.into(), address))
    }

    /// The keys as they are stored; `None` where none were made yet. The schema has to be up to
    /// date.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub async fn stored_keys(address: &Address) -> Result<Option<StoredKeys>, OpenError> {
        let pool = open::pool(address, 1)?;
        let loaded = async {
            let mut tx = Transaction::begin(&pool, Access::Snapshot, LIMITS).await?;
            keys::load(&mut tx).await.map_err(OpenError::Keys)
        };
        let loaded = loaded.await;
        pool.close().await;
        loaded.map_err(|error| open::explain(error, address))
    }
}

async fn examine([pool, other]: &[Pool; 2], address: &Address) -> Result<Condition, Error> {
    let round_trip = round_trip(pool).await?;
    let is_pooled = is_pooled(pool, other).await?;
    let mut tx = Transaction::begin(pool, Access::Snapshot, LIMITS).await?;
    let server = sqlx::query!(
        r#"SELECT current_setting('server_version') AS "version!",
                  pg_is_in_recovery() AS "is_standby!",
                  (SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid() AND ssl) AS tls,
                  floor(extract(epoch FROM clock_timestamp()))::bigint AS "now!",
                  current_setting('max_connections')::bigint
                      - (SELECT count(*) FROM pg_stat_activity
                         WHERE backend_type = 'client backend') AS "connections_left!""#
    )
    .fetch_one(&mut tx)
    .await?;
    Ok(Condition {
        version: server.version,
        is_standby: server.is_standby,
        risks: risks(&mut tx).await?,
        tls: server.tls,
        is_pooled,
        round_trip,
        now: time(server.now),
        latest_recorded: readable_latest(&mut tx).await?,
        missing_rights: missing_rights(&mut tx).await?,
        foreign_tables: foreign_tables(&mut tx).await?,
        connections_left: server.connections_left,
        pool_size: address.pool_size,
    })
}

async fn round_trip(pool: &Pool) -> Result<Duration, Error> {
    let mut tx = Transaction::begin(pool, Access::Snapshot, LIMITS).await?;
    let mut times = Vec::new();
    for _ in 0..ROUND_TRIPS {
        let asked = Instant::now();
        tx.run("SELECT 1").await?;
        times.push(asked.elapsed());
    }
    times.sort();
    Ok(times.get(ROUND_TRIPS / 2).copied().unwrap_or_default())
}

/// Whether two connections have had one process of the server between them, which only a pooler
/// brings about.
async fn is_pooled(one: &Pool, other: &Pool) -> Result<bool, Error> {
    for _ in 0..COMPARISONS {
        if backend(one).await? == backend(other).await? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The process of the server. The transaction is ended before this answers, so that a pooler is
/// free to hand the process to the next one.
async fn backend(pool: &Pool) -> Result<i32, Error> {
    let mut tx = Transaction::begin(pool, Access::Snapshot, LIMITS).await?;
    let backend = sqlx::query_scalar!(r#"SELECT pg_backend_pid() AS "pid!""#)
        .fetch_one(&mut tx)
        .await?;
    tx.end().await?;
    Ok(backend)
}

async fn risks(tx: &mut Transaction) -> Result<Vec<String>, Error> {
    sqlx::query_scalar!(
        r#"SELECT name || ' = ' || setting AS "risk!" FROM pg_settings
           WHERE name IN ('fsync', 'synchronous_commit', 'full_page_writes') AND setting = 'off'
           ORDER BY name"#
    )
    .fetch_all(tx)
    .await
}

/// `None` too where the role may not read it, which is told elsewhere.
async fn readable_latest(tx: &mut Transaction) -> Result<Option<UnixTime>, Error> {
    let is_readable = sqlx::query_scalar!(
        r#"SELECT coalesce(bool_or(has_schema_privilege(relnamespace, 'USAGE')
                                   AND has_table_privilege(oid, 'SELECT')), false) AS "readable!"
           FROM pg_class WHERE relnamespace = to_regnamespace('signet') AND relname = 'audit'"#
    )
    .fetch_one(&mut *tx)
    .await?;
    if !is_readable {
        return Ok(None);
    }
    Ok(latest_recorded(tx).await?.map(time))
}

async fn missing_rights(tx: &mut Transaction) -> Result<Vec<String>, Error> {
    sqlx::query_scalar!(
        r#"SELECT 'CREATE on the database' AS "right!"
           WHERE to_regnamespace('signet') IS NULL
             AND NOT has_database_privilege(current_database(), 'CREATE')
           UNION ALL
           SELECT right_name || ' on the schema signet'
           FROM unnest(ARRAY['USAGE', 'CREATE']) AS right_name
           WHERE NOT has_schema_privilege(to_regnamespace('signet')::oid, right_name)
           UNION ALL
           SELECT right_name || ' on signet.' || relname
           FROM pg_class, unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) AS right_name
           WHERE relnamespace = to_regnamespace('signet') AND relkind = 'r'
             AND NOT has_table_privilege(oid, right_name)"#
    )
    .fetch_all(tx)
    .await
}

async fn foreign_tables(tx: &mut Transaction) -> Result<Vec<String>, Error> {
    sqlx::query_scalar!(
        r#"SELECT relname::text AS "name!" FROM pg_class
           WHERE relnamespace = to_regnamespace('signet') AND relkind = 'r'
             AND NOT pg_has_role(relowner, 'MEMBER')
           ORDER BY relname"#
    )
    .fetch_all(tx)
    .await
}
