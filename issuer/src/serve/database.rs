//! The one place that knows which stores there are, and opens one by its URL. To add a store, add
//! its kind to [`Database`] and a variant here.

use std::sync::Arc;

use signet_core::ports::Store;
use signet_core::schema::SchemaStatus;
use signet_core::secret::OperatingSystem;
use signet_core::signing::StoredKeys;
use signet_store_postgres::PostgresStore;
use signet_store_sqlite::SqliteStore;

use super::database_file::{self, DatabaseFileError};
use crate::config::Database;

/// An open database.
#[derive(Clone, Debug)]
pub enum OpenDatabase {
    /// A file.
    Sqlite(SqliteStore),
    /// A server.
    Postgres(PostgresStore),
}

/// Why a database can't be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreOpenError {
    /// A file that can't be where it should.
    #[error(transparent)]
    File(#[from] DatabaseFileError),
    /// A file.
    #[error(transparent)]
    Sqlite(#[from] signet_store_sqlite::OpenError),
    /// A server.
    #[error(transparent)]
    Postgres(#[from] signet_store_postgres::OpenError),
}

impl OpenDatabase {
    /// Where the schema of a database stands, without changing anything.
    ///
    /// # Errors
    /// See [`StoreOpenError`].
    pub async fn schema(database: &Database) -> Result<SchemaStatus, StoreOpenError> {
        match database {
            Database::Sqlite(file) => {
                database_file::examine(file, &OperatingSystem)?;
                Ok(SqliteStore::schema(file).await?)
            }
            Database::Postgres(address) => Ok(PostgresStore::schema(address).await?),
        }
    }

    /// Whether a database has keys, which somebody's master key sealed. Changes nothing.
    ///
    /// # Errors
    /// See [`StoreOpenError`].
    pub async fn holds_keys(database: &Database) -> Result<bool, StoreOpenError> {
        match database {
            Database::Sqlite(file) => {
                database_file::examine(file, &OperatingSystem)?;
                Ok(SqliteStore::holds_keys(file).await?)
            }
            Database::Postgres(address) => Ok(PostgresStore::holds_keys(address).await?),
        }
    }

    /// The keys of a database, as they are stored; `None` where none were made yet. The schema has
    /// to be up to date. Changes nothing.
    ///
    /// # Errors
    /// See [`StoreOpenError`].
    pub async fn stored_keys(database: &Database) -> Result<Option<StoredKeys>, StoreOpenError> {
        match database {
            Database::Sqlite(file) => Ok(SqliteStore::stored_keys(file).await?),
            Database::Postgres(address) => Ok(PostgresStore::stored_keys(address).await?),
        }
    }

    /// Opens the database that a URL names, and brings its schema up to date.
    ///
    /// # Errors
    /// See [`StoreOpenError`].
    pub async fn open(database: &Database) -> Result<Self, StoreOpenError> {
        match database {
            Database::Sqlite(file) => {
                database_file::examine(file, &OperatingSystem)?;
                Ok(Self::Sqlite(SqliteStore::open(file).await?))
            }
            Database::Postgres(address) => Ok(Self::Postgres(PostgresStore::open(address).await?)),
        }
    }

    /// Everything that is kept there.
    #[must_use]
    pub fn store(&self) -> Arc<dyn Store> {
        match self {
            Self::Sqlite(store) => Arc::new(store.clone()),
            Self::Postgres(store) => Arc::new(store.clone()),
        }
    }

    /// Waits for what is being written. A file is left whole, without a log beside it, and can be
    /// copied as it is.
    pub async fn close(self) {
        match self {
            Self::Sqlite(store) => store.close().await,
            Self::Postgres(store) => store.close().await,
        }
    }
}
