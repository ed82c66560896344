//! Opening the file: what SQLite is told, and what it has to be.

use std::path::Path;
use std::time::Duration;

use signet_core::ports::StoreError;
use sqlx::migrate::MigrateError;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{ConnectOptions as _, Connection as _, SqliteConnection};
use tokio::time::Instant;

use super::SqliteStore;
use super::disk::File;
use super::fault::is_busy;
use super::file;
use super::migrate;
use super::wal::{Erasures, Wal};
use super::writer::{Grouping, Writer};

/// The first version without the bug that can corrupt a write-ahead log
/// (<https://sqlite.org/wal.html#walresetbug>).
const OLDEST_SQLITE: [u32; 3] = [3, 51, 3];
/// How long a read waits for another process that puts the file in order.
const BUSY_TIMEOUT: Duration = Duration::from_secs(2);
/// How long a read waits for its turn.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(4);
/// How long a start waits for another process to finish migrating.
pub(super) const START_TIMEOUT: Duration = Duration::from_secs(30);
/// How long it waits between two tries.
pub(super) const PAUSE: Duration = Duration::from_millis(20);
/// How many reads there are at once.
const READERS: u32 = 4;

/// Why the file can't be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file can't be made, or not kept from others.
    #[error("can't use the database file {path}: {source}")]
    File {
        /// The file.
        path: String,
        /// What the system says.
        source: std::io::Error,
    },
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
        source: MigrateError,
    },
    /// A newer release has been here.
    #[error(
        "the database {path} was migrated by a newer release (to {version}); start that one, or \
         restore a backup from before"
    )]
    Newer {
        /// The file.
        path: String,
        /// A migration that this release doesn't know.
        version: i64,
    },
    /// Somebody else's tables are in the file.
    #[error(
        "the database {path} is not Signet's: it holds {table}, and nothing says that Signet made \
         it. Set database_url to another file, or move this one away"
    )]
    Foreign {
        /// The file.
        path: String,
        /// A table that is there.
        table: String,
    },
    /// A part of the schema was left out, or taken away.
    #[error(
        "the database {path} is not whole: {missing} is missing, though what came after it is \
         there. Restore a backup; nothing is made anew beside what may be lost"
    )]
    NotWhole {
        /// The file.
        path: String,
        /// What should be there.
        missing: String,
    },
    /// The keys in it can't be read.
    #[error("can't read the keys in the database {path}: {source}")]
    Keys {
        /// The file.
        path: String,
        /// What went wrong.
        source: StoreError,
    },
    /// The SQLite that was linked can lose data.
    #[error(
        "SQLite {0} is too old: versions before 3.51.3 can corrupt the database; build Signet \
         with its own SQLite"
    )]
    OldSqlite(String),
}

/// The one that writes, and those that read.
pub(super) async fn open(
    path: &Path,
    grouping: Grouping,
) -> Result<(Writer, SqlitePool, Erasures), OpenError> {
    let name = || path.display().to_string();
    // A file of somebody else stays as it is, down to its mode and how its log is kept.
    SqliteStore::schema(path).await?;
    file::prepare(path).map_err(|source| OpenError::File {
        path: name(),
        source,
    })?;
    let failed = |source| OpenError::Open {
        path: name(),
        source,
    };
    let options = options(path).journal_mode(SqliteJournalMode::Wal);
    let patient = options.clone().busy_timeout(START_TIMEOUT);
    let mut first = connect(&patient).await.map_err(failed)?;
    let version = sqlx::query_scalar!(r#"SELECT sqlite_version() AS "version!: String""#)
        .fetch_one(&mut first)
        .await
        .map_err(failed)?;
    if !is_new_enough(&version) {
        return Err(OpenError::OldSqlite(version));
    }
    let migrated = migrate::migrate(&mut first).await;
    migrated.map_err(|refused| refused.of(path))?;
    first.close().await.map_err(failed)?;
    let erasures = Erasures::default();
    let disk = File {
        options: Wal::options(options.clone()),
        wal: Wal::beside(path, options.clone(), erasures.clone()),
    };
    let writer = Writer::start(disk, grouping).await.map_err(failed)?;
    let readers = reading()
        .connect_with(options.pragma("query_only", "ON"))
        .await
        .map_err(failed)?;
    Ok((writer, readers, erasures))
}

/// Connects as soon as the file isn't busy. SQLite waits by itself for everything but the change to
/// a write-ahead log, where two that waited for each other would never end.
async fn connect(options: &SqliteConnectOptions) -> Result<SqliteConnection, sqlx::Error> {
    let started = Instant::now();
    loop {
        match options.connect().await {
            Err(error) if is_busy(&error) && started.elapsed() < START_TIMEOUT => {
                tokio::time::sleep(PAUSE).await;
            }
            answer => return answer,
        }
    }
}

/// What every connection is told, but for how the log is kept, which the file remembers.
pub(super) fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(BUSY_TIMEOUT)
        // What is deleted, an old password hash or a mail, is overwritten and not only forgotten.
        .pragma("secure_delete", "ON")
        .pragma("trusted_schema", "OFF")
}

/// A connection is tested when it is given back, which is enough in one process.
fn reading() -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .max_connections(READERS)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
        .before_acquire(|connection, _| {
            Box::pin(async move { Ok(!connection.is_in_transaction()) })
        })
}

pub(super) fn is_new_enough(version: &str) -> bool {
    let numbers: Vec<u32> = version.split('.').map_while(|n| n.parse().ok()).collect();
    numbers.as_slice() >= OLDEST_SQLITE.as_slice()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_with_the_bug_are_refused() {
        for good in ["3.51.3", "3.51.10", "3.52.0", "4.0"] {
            assert!(is_new_enough(good), "{good}");
        }
        for bad in ["3.51.2", "3.9.9", "3.51", "", "unknown"] {
            assert!(!is_new_enough(bad), "{bad}");
        }
    }
}
