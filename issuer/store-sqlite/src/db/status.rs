//! Where the schema stands, without bringing it up to date.

use std::path::Path;

use signet_core::schema::{Migration, SchemaStatus};
use sqlx::migrate::Migrator;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Error, SqliteConnection};

use super::{OpenError, SqliteStore};

static MIGRATIONS: Migrator = sqlx::migrate!("../../migrations/sqlite");

impl SqliteStore {
    /// What [`SqliteStore::open`] would do to the schema of a file; makes and changes nothing.
    ///
    /// # Errors
    /// See [`OpenError`]. A schema of a newer release is none here, but an answer.
    pub async fn schema(path: &Path) -> Result<SchemaStatus, OpenError> {
        let done = applied(path).await.map_err(|source| OpenError::Open {
            path: path.display().to_string(),
            source,
        })?;
        let known = MIGRATIONS.iter().map(|known| Migration {
            version: known.version,
            name: known.description.to_string(),
        });
        Ok(SchemaStatus::compare(done, known.collect()))
    }
}

async fn applied(path: &Path) -> Result<Vec<Migration>, Error> {
    if !path.exists() {
        return Ok(Vec::new());
    }
    let options = SqliteConnectOptions::new().filename(path).read_only(true);
    let mut connection = options.connect().await?;
    if !has_table(&mut connection).await? {
        return Ok(Vec::new());
    }
    let rows: Vec<(i64, String)> =
        sqlx::query_as("SELECT version, description FROM _sqlx_migrations ORDER BY version")
            .fetch_all(&mut connection)
            .await?;
    let migration = |(version, name)| Migration { version, name };
    Ok(rows.into_iter().map(migration).collect())
}

async fn has_table(connection: &mut SqliteConnection) -> Result<bool, Error> {
    sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = '_sqlx_migrations')",
    )
    .fetch_one(connection)
    .await
}
