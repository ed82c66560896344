//! What `signet doctor` asks of the file. It changes nothing, and needs no rights beside reading.

use std::path::Path;

use signet_core::signing::StoredKeys;
use signet_core::time::UnixTime;
use sqlx::{ConnectOptions as _, Connection as _, Error, SqliteConnection};

use super::SqliteStore;
use super::file::with_suffix;
use super::migrate::looking;
use super::open::{OpenError, is_new_enough, options};
use crate::audit::latest_recorded;
use crate::keys;
use crate::rows::time;

/// How a file is, and the SQLite that reads it.
#[derive(Clone, Debug)]
pub struct Condition {
    /// The version of SQLite.
    pub version: String,
    /// Whether it is without the bug that can corrupt a write-ahead log.
    pub is_new_enough: bool,
    /// Whether each commit of a connection like ours waits for the disk.
    pub is_durable: bool,
    /// The file; `None` where there is none yet.
    pub file: Option<FileCondition>,
}

/// How a file is.
#[derive(Clone, Debug)]
pub struct FileCondition {
    /// How its changes are logged; `wal` once Signet has opened it.
    pub journal: String,
    /// Its size in bytes.
    pub size: u64,
    /// The size of the log beside it, in bytes.
    pub log: u64,
    /// The latest time in the last rows of the audit trail, as issuers read it.
    pub latest_recorded: Option<UnixTime>,
}

impl SqliteStore {
    /// How the file is.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub async fn condition(path: &Path) -> Result<Condition, OpenError> {
        examine(path).await.map_err(|source| failed(path, source))
    }

    /// The keys as they are stored; `None` where none were made yet. The schema has to be up to
    /// date.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub async fn stored_keys(path: &Path) -> Result<Option<StoredKeys>, OpenError> {
        let connected = looking(path).connect().await;
        let mut connection = connected.map_err(|source| failed(path, source))?;
        keys::load(&mut connection)
            .await
            .map_err(|source| OpenError::Keys {
                path: path.display().to_string(),
                source,
            })
    }
}

fn failed(path: &Path, source: Error) -> OpenError {
    OpenError::Open {
        path: path.display().to_string(),
        source,
    }
}

async fn examine(path: &Path) -> Result<Condition, Error> {
    let there = path.exists();
    let asked = match there {
        true => looking(path),
        false => options(path).in_memory(true),
    };
    let mut connection = asked.connect().await?;
    let (version, synchronous): (String, i64) =
        sqlx::query_as("SELECT sqlite_version(), synchronous FROM pragma_synchronous()")
            .fetch_one(&mut connection)
            .await?;
    let file = match there {
        true => Some(examine_file(path, &mut connection).await?),
        false => None,
    };
    connection.close().await?;
    Ok(Condition {
        is_new_enough: is_new_enough(&version),
        version,
        is_durable: synchronous >= 2,
        file,
    })
}

async fn examine_file(
    path: &Path,
    connection: &mut SqliteConnection,
) -> Result<FileCondition, Error> {
    let journal = sqlx::query_scalar("PRAGMA journal_mode")
        .fetch_one(&mut *connection)
        .await?;
    let is_recorded: bool = sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'audit')",
    )
    .fetch_one(&mut *connection)
    .await?;
    let latest: Option<i64> = match is_recorded {
        true => latest_recorded(connection).await?,
        false => None,
    };
    Ok(FileCondition {
        journal,
        size: size(path),
        log: size(&with_suffix(path, "-wal")),
        latest_recorded: latest.map(time),
    })
}

fn size(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |metadata| metadata.len())
}
