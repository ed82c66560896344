//! The database file: how it is opened, and how it is written.

use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use async_trait::async_trait;
use signet_core::ports::{Store, StoreError, StoreResult};
use signet_core::role::RoleCatalogue;
use signet_core::session::RefreshPolicy;
use signet_core::time::UnixTime;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{Sqlite, SqliteConnection, Transaction};

use crate::rows::seconds;

/// The first version without the bug that can corrupt a WAL.
const OLDEST_SQLITE: [u32; 3] = [3, 51, 3];
/// How long an operation waits for another process to finish writing.
const BUSY_TIMEOUT: Duration = Duration::from_secs(3);
/// How long an operation waits for a connection.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(3);
/// How many reads there are at once.
const READERS: u32 = 4;
/// How long what is over is kept before it is swept, in seconds.
const KEPT_AFTER_END: u64 = 86_400;
/// How long dead letters are kept, in seconds.
const DEAD_LETTERS_KEPT: u64 = 30 * 86_400;

/// Everything Signet keeps, in one file.
#[derive(Clone, Debug)]
pub struct SqliteStore {
    writer: SqlitePool,
    pub(crate) readers: SqlitePool,
    catalogue: Arc<RwLock<CachedCatalogue>>,
}

/// The roles as they were at a version of `meta.roles_version`.
#[derive(Debug, Default)]
struct CachedCatalogue {
    version: i64,
    roles: Arc<RoleCatalogue>,
}

/// Why the file can't be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// SQLite says no.
    #[error("can't open the database {path}: {source}")]
    Open {
        /// The file.
        path: String,
        /// What SQLite says.
        source: sqlx::Error,
    },
    /// The schema can't be brought up to date.
    #[error("can't migrate the database {path}: {source}")]
    Migrate {
        /// The file.
        path: String,
        /// What went wrong.
        source: sqlx::migrate::MigrateError,
    },
    /// The SQLite that was linked can lose data.
    #[error(
        "SQLite {0} is too old: versions before 3.51.3 can corrupt the database; build Signet \
         with its own SQLite"
    )]
    OldSqlite(String),
}

impl SqliteStore {
    /// Opens the file, creates it where there is none (readable by its owner only), and brings
    /// its schema up to date.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub async fn open(path: &Path) -> Result<Self, OpenError> {
        let failed = |source| OpenError::Open {
            path: path.display().to_string(),
            source,
        };
        create_private(path).map_err(|error| failed(sqlx::Error::Io(error)))?;
        let options = SqliteConnectOptions::new()
            .filename(path)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(BUSY_TIMEOUT)
            .pragma("trusted_schema", "OFF");
        let writer = SqlitePoolOptions::new()
            .max_connections(1)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .connect_with(options.clone())
            .await
            .map_err(failed)?;
        check_version(&writer).await.map_err(|error| match error {
            VersionError::Query(source) => failed(source),
            VersionError::Old(version) => OpenError::OldSqlite(version),
        })?;
        sqlx::migrate!("../../migrations/sqlite")
            .run(&writer)
            .await
            .map_err(|source| OpenError::Migrate {
                path: path.display().to_string(),
                source,
            })?;
        let readers = SqlitePoolOptions::new()
            .max_connections(READERS)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .connect_with(options.pragma("query_only", "ON"))
            .await
            .map_err(failed)?;
        Ok(Self {
            writer,
            readers,
            catalogue: Arc::default(),
        })
    }

    /// Begins a transaction that may write. It holds the write lock from the start, so that what
    /// it reads stays true until it commits; dropped, it leaves nothing behind.
    pub(crate) async fn begin(&self) -> StoreResult<Transaction<'static, Sqlite>> {
        self.writer.begin_with("BEGIN IMMEDIATE").await.map_err(db)
    }

    /// The roles at `version`, read from `connection` if they aren't known yet.
    pub(crate) async fn catalogue_at(
        &self,
        version: i64,
        connection: &mut SqliteConnection,
    ) -> StoreResult<Arc<RoleCatalogue>> {
        {
            let cached = self.catalogue.read();
            let cached = cached.unwrap_or_else(PoisonError::into_inner);
            if cached.version == version {
                return Ok(Arc::clone(&cached.roles));
            }
        }
        let roles = Arc::new(crate::roles::load(connection).await?);
        let cached = self.catalogue.write();
        let mut cached = cached.unwrap_or_else(PoisonError::into_inner);
        if cached.version < version {
            *cached = CachedCatalogue {
                version,
                roles: Arc::clone(&roles),
            };
        }
        Ok(roles)
    }
}

enum VersionError {
    Query(sqlx::Error),
    Old(String),
}

async fn check_version(pool: &SqlitePool) -> Result<(), VersionError> {
    let version: String = sqlx::query_scalar("SELECT sqlite_version()")
        .fetch_one(pool)
        .await
        .map_err(VersionError::Query)?;
    let numbers: Vec<u32> = version.split('.').filter_map(|n| n.parse().ok()).collect();
    if numbers.as_slice() >= OLDEST_SQLITE.as_slice() {
        Ok(())
    } else {
        Err(VersionError::Old(version))
    }
}

/// Creates the file before SQLite does, which would let others read it; SQLite gives the files
/// beside it the same mode.
fn create_private(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt as _;
    std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(path)
        .map(drop)
}

/// What an error of SQLite means to who asked: later it may work again, or the file is not what
/// it should be.
pub(crate) fn db(error: sqlx::Error) -> StoreError {
    match error {
        sqlx::Error::ColumnDecode { .. }
        | sqlx::Error::Decode(_)
        | sqlx::Error::ColumnNotFound(_)
        | sqlx::Error::RowNotFound => StoreError::Corrupt(error.to_string()),
        sqlx::Error::Database(ref database) if is_broken(database.code().as_deref()) => {
            StoreError::Corrupt(error.to_string())
        }
        other => StoreError::Unavailable(Box::new(other)),
    }
}

/// SQLITE_CONSTRAINT, SQLITE_CORRUPT, SQLITE_NOTADB and SQLITE_MISMATCH: trying again is no use.
/// The low byte of an extended code is the primary one.
fn is_broken(code: Option<&str>) -> bool {
    let primary = code
        .and_then(|code| code.parse::<u32>().ok())
        .map(|code| code & 0xFF);
    matches!(primary, Some(11 | 19 | 20 | 26))
}

#[async_trait]
impl Store for SqliteStore {
    async fn ping(&self) -> StoreResult<()> {
        let tx = self.begin().await?;
        tx.rollback().await.map_err(db)
    }

    async fn sweep(&self, now: UnixTime, policy: &RefreshPolicy) -> StoreResult<u64> {
        let at = seconds(now);
        let over = seconds(now.saturating_sub(KEPT_AFTER_END));
        let idle = seconds(now.saturating_sub(policy.idle.saturating_add(KEPT_AFTER_END)));
        let absolute = seconds(now.saturating_sub(policy.absolute.saturating_add(KEPT_AFTER_END)));
        let dead = seconds(now.saturating_sub(DEAD_LETTERS_KEPT));
        let mut tx = self.begin().await?;
        let swept = [
            sqlx::query!("DELETE FROM registrations WHERE expires_at <= ?", at)
                .execute(&mut *tx)
                .await
                .map_err(db)?,
            sqlx::query!("DELETE FROM mailed_tokens WHERE expires_at <= ?", at)
                .execute(&mut *tx)
                .await
                .map_err(db)?,
            sqlx::query!(
                "DELETE FROM sessions
                 WHERE ended_at <= ? OR advanced_at <= ? OR created_at <= ?",
                over,
                idle,
                absolute
            )
            .execute(&mut *tx)
            .await
            .map_err(db)?,
            sqlx::query!("DELETE FROM guesses WHERE last_at <= ?", over)
                .execute(&mut *tx)
                .await
                .map_err(db)?,
            sqlx::query!("DELETE FROM outbox WHERE abandoned_at <= ?", dead)
                .execute(&mut *tx)
                .await
                .map_err(db)?,
        ];
        tx.commit().await.map_err(db)?;
        Ok(swept.iter().map(|result| result.rows_affected()).sum())
    }
}
