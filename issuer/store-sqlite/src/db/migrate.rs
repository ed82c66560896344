//! Bringing the schema up to date, and where it stands without that.

use std::path::Path;

use signet_core::schema::{Migration, SchemaStatus, TABLES};
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, Error, SqliteConnection};
use tokio::time::{Instant, sleep};

use super::SqliteStore;
use super::fault::is_busy;
use super::open::{OpenError, PAUSE, START_TIMEOUT, options};

static MIGRATIONS: Migrator = sqlx::migrate!("../../migrations/sqlite");

/// Why the schema stays as it is.
pub(super) enum Refused {
    /// SQLite says no.
    Sqlite(Error),
    /// A migration failed, or isn't what it was when it was applied.
    Migrate(MigrateError),
    /// A newer release has been here.
    Newer(i64),
    /// Somebody else's table is there.
    Foreign(String),
    /// A part is missing.
    NotWhole(String),
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Self::Sqlite(error)
    }
}

impl From<MigrateError> for Refused {
    fn from(error: MigrateError) -> Self {
        match error {
            MigrateError::VersionMissing(version) => Self::Newer(version),
            error => Self::Migrate(error),
        }
    }
}

impl Refused {
    /// The same, of a file.
    pub(super) fn of(self, path: &Path) -> OpenError {
        let path = path.display().to_string();
        match self {
            Self::Sqlite(source) => OpenError::Open { path, source },
            Self::Migrate(source) => OpenError::Migrate { path, source },
            Self::Newer(version) => OpenError::Newer { path, version },
            Self::Foreign(table) => OpenError::Foreign { path, table },
            Self::NotWhole(missing) => OpenError::NotWhole { path, missing },
        }
    }
}

/// Brings the schema up to date: all of it or nothing, by one process while others wait.
pub(super) async fn migrate(connection: &mut SqliteConnection) -> Result<(), Refused> {
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    status(&mut transaction).await?;
    // `run` takes what acquires connections, and the future of that isn't `Send`.
    MIGRATIONS
        .run_direct(None, &mut *transaction, false)
        .await?;
    check_whole(&mut transaction).await?;
    Ok(transaction.commit().await?)
}

impl SqliteStore {
    /// What [`SqliteStore::open`] would do to the schema of a file; makes and changes nothing.
    ///
    /// # Errors
    /// See [`OpenError`]. A schema of a newer release is none here, but an answer.
    pub async fn schema(path: &Path) -> Result<SchemaStatus, OpenError> {
        let started = Instant::now();
        loop {
            match look(path).await {
                // A first start is making the file's log.
                Err(Refused::Sqlite(error))
                    if is_busy(&error) && started.elapsed() < START_TIMEOUT =>
                {
                    sleep(PAUSE).await;
                }
                looked => return looked.map_err(|refused| refused.of(path)),
            }
        }
    }
}

impl SqliteStore {
    /// Whether a file has keys, which somebody's master key sealed; makes and changes nothing.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub async fn holds_keys(path: &Path) -> Result<bool, OpenError> {
        let status = Self::schema(path).await?;
        let holds = match (status.unknown.last(), status.applied.first()) {
            (Some(newer), _) => Err(Refused::Newer(newer.version)),
            (None, Some(_)) => has_incarnation(path).await.map_err(Refused::Sqlite),
            (None, None) => Ok(false),
        };
        holds.map_err(|refused| refused.of(path))
    }
}

/// The first start gives it one, together with the keys.
async fn has_incarnation(path: &Path) -> Result<bool, Error> {
    let mut connection = looking(path).connect().await?;
    sqlx::query_scalar("SELECT incarnation IS NOT NULL FROM meta")
        .fetch_one(&mut connection)
        .await
}

/// Connections that only look.
pub(super) fn looking(path: &Path) -> SqliteConnectOptions {
    options(path).read_only(true).busy_timeout(START_TIMEOUT)
}

async fn look(path: &Path) -> Result<SchemaStatus, Refused> {
    if !path.exists() {
        return Ok(compare(Vec::new()));
    }
    let mut connection = looking(path).connect().await?;
    let status = status(&mut connection).await?;
    if status.is_up_to_date() {
        check_whole(&mut connection).await?;
    }
    connection.close().await?;
    Ok(status)
}

/// Where a schema stands that is ours, with nothing left out.
async fn status(connection: &mut SqliteConnection) -> Result<SchemaStatus, Refused> {
    let tables = tables(&mut *connection).await?;
    let has_table = tables.iter().any(|table| table == "_sqlx_migrations");
    let status = match (has_table, tables.into_iter().next()) {
        (false, Some(table)) => return Err(Refused::Foreign(table)),
        (false, None) => compare(Vec::new()),
        (true, _) => compare(applied(connection).await?),
    };
    match status.gap() {
        Some(Migration { version, name }) => {
            Err(Refused::NotWhole(format!("migration {version} ({name})")))
        }
        None => Ok(status),
    }
}

async fn check_whole(connection: &mut SqliteConnection) -> Result<(), Refused> {
    let there = tables(connection).await?;
    match TABLES
        .iter()
        .find(|table| !there.iter().any(|one| one == *table))
    {
        Some(missing) => Err(Refused::NotWhole(format!("the table {missing}"))),
        None => Ok(()),
    }
}

fn compare(done: Vec<Migration>) -> SchemaStatus {
    let known = MIGRATIONS.iter().map(|known| Migration {
        version: known.version,
        name: known.description.to_string(),
    });
    SchemaStatus::compare(done, known.collect())
}

async fn applied(connection: &mut SqliteConnection) -> Result<Vec<Migration>, Error> {
    let rows: Vec<(i64, String)> =
        sqlx::query_as("SELECT version, description FROM _sqlx_migrations ORDER BY version")
            .fetch_all(connection)
            .await?;
    let migration = |(version, name)| Migration { version, name };
    Ok(rows.into_iter().map(migration).collect())
}

async fn tables(connection: &mut SqliteConnection) -> Result<Vec<String>, Error> {
    sqlx::query_scalar("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")
        .fetch_all(connection)
        .await
}
