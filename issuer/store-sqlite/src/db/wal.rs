//! The write-ahead log, kept small.
//!
//! SQLite would copy the log into the database within a commit, and begin it anew only where no
//! reader happens to be in the way, which under load may never be. The writer does both here,
//! between two groups, after it has answered: each time the log has grown by [`STEP`] it waits a
//! moment for the readers ([`READERS_PATIENCE`]) and begins anew. A reader that stays for longer
//! lets the log grow, and is told of in the log.

use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteConnectOptions;

use super::file::with_suffix;

/// How much is written between two checkpoints, and how large the file stays, in bytes. What is
/// written in place needs no new blocks of the file system, and so a cheaper `fsync`.
const STEP: u64 = 4 << 20;
/// How long a checkpoint waits for readers.
const READERS_PATIENCE: Duration = Duration::from_millis(5);
/// From where on a log is too large to be silent about, in bytes; told again at each doubling.
const TELL_AT: u64 = 64 << 20;

/// What the writer does about the log.
#[derive(Debug)]
pub(super) struct Wal {
    file: PathBuf,
    checkpoint_above: u64,
    tell_above: u64,
}

impl Wal {
    /// The log beside a database.
    pub(super) fn beside(database: &Path) -> Self {
        Self {
            file: with_suffix(database, "-wal"),
            checkpoint_above: STEP,
            tell_above: TELL_AT,
        }
    }

    /// The writer's options, with which SQLite leaves the log to [`Wal::tend`].
    pub(super) fn options(options: SqliteConnectOptions) -> SqliteConnectOptions {
        options
            .pragma("wal_autocheckpoint", "0")
            .pragma("journal_size_limit", STEP.to_string())
            .pragma("busy_timeout", READERS_PATIENCE.as_millis().to_string())
    }

    /// Makes the log small where it is too large. It is no failure of anyone's change that it
    /// can't be now.
    pub(super) async fn tend(&mut self, connection: &mut SqliteConnection) {
        let Some(size) = self.size() else { return };
        if size <= self.checkpoint_above {
            return;
        }
        match restart(connection).await {
            Ok(true) => {
                self.checkpoint_above = STEP;
                self.tell_above = TELL_AT;
                return;
            }
            Ok(false) => {}
            Err(error) => tracing::warn!(%error, "the write-ahead log can't be copied"),
        }
        self.checkpoint_above = size.saturating_add(STEP);
        if size > self.tell_above {
            tracing::warn!(
                bytes = size,
                "a reader holds up the write-ahead log, which grows: is a backup or another \
                 program on the database?"
            );
            self.tell_above = size.saturating_mul(2);
        }
    }

    fn size(&self) -> Option<u64> {
        Some(std::fs::metadata(&self.file).ok()?.len())
    }
}

/// Copies the log into the database and has the next change begin it anew; false where a reader or
/// another process is in the way.
async fn restart(connection: &mut SqliteConnection) -> Result<bool, sqlx::Error> {
    let (busy, _, _): (i64, i64, i64) = sqlx::query_as("PRAGMA wal_checkpoint(RESTART)")
        .fetch_one(connection)
        .await?;
    Ok(busy == 0)
}
