//! The write-ahead log, kept small.
//!
//! SQLite would copy the log into the database within a commit, and begin it anew only where no
//! reader happens to be in the way, which under load may never be. Here that happens between two
//! groups, after the writer has answered, and in two parts. Each time the log has grown by [`STEP`],
//! another connection copies it while changes go on. When that is done, the writer copies the few
//! changes that came meanwhile, waits a moment for the readers ([`READERS_PATIENCE`]), and begins
//! the log anew. A reader that stays for longer lets the log grow, and is told of in the log.
//!
//! What is deleted is overwritten in the database, and stays in the log where it was written. So
//! after an erasure ([`Erasures`]) the log is cut to nothing; where a reader is in the way, that is
//! tried again behind changes that come after a while ([`CUT_AGAIN`]), and not behind each.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, SqliteConnection};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::file::with_suffix;

/// How much is written between two checkpoints, and how large the file stays, in bytes. What is
/// written in place needs no new blocks of the file system, and so a cheaper `fsync`.
const STEP: u64 = 4 << 20;
/// How much may be written while the log is copied before the writer waits for that, in bytes.
const MOST_MEANWHILE: u64 = 2 * STEP;
/// How long a checkpoint waits for readers.
const READERS_PATIENCE: Duration = Duration::from_millis(5);
/// When the log is to be cut to nothing, and a reader was in the way: how long until the next try.
const CUT_AGAIN: Duration = Duration::from_secs(1);
/// From where on a log is too large to be silent about, in bytes; told again at each doubling.
const TELL_AT: u64 = 64 << 20;

/// Whether somebody was erased since the log was cut to nothing.
#[derive(Clone, Debug, Default)]
pub(super) struct Erasures(Arc<AtomicBool>);

impl Erasures {
    /// Has the log cut after the group of changes that this is called in.
    pub(super) fn note(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// What is done about the log.
#[derive(Debug)]
pub(super) struct Wal {
    file: PathBuf,
    options: SqliteConnectOptions,
    erasures: Erasures,
    cut_from: Instant,
    copying: Option<JoinHandle<()>>,
    checkpoint_above: u64,
    tell_above: u64,
}

impl Wal {
    /// The log beside a database that is opened like this.
    pub(super) fn beside(
        database: &Path,
        options: SqliteConnectOptions,
        erasures: Erasures,
    ) -> Self {
        Self {
            file: with_suffix(database, "-wal"),
            options,
            erasures,
            cut_from: Instant::now(),
            copying: None,
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
    pub(super) async fn tend(&mut self, writer: &mut SqliteConnection) {
        if self.erasures.0.load(Ordering::Relaxed) && Instant::now() >= self.cut_from {
            self.cut(writer).await;
        }
        let Some(size) = self.size() else { return };
        if size <= self.checkpoint_above {
            return;
        }
        let most = self.checkpoint_above.saturating_add(MOST_MEANWHILE);
        match &self.copying {
            None => self.copying = Some(tokio::spawn(copy(self.options.clone()))),
            Some(copying) if !copying.is_finished() && size <= most => {}
            Some(_) => {
                self.finish_copying().await;
                self.restart(writer, size).await;
            }
        }
    }

    /// Waits until nobody else has the file open on behalf of the writer.
    pub(super) async fn finish_copying(&mut self) {
        if let Some(copying) = self.copying.take() {
            let _what_is_left_the_writer_copies = copying.await;
        }
    }

    /// Leaves nothing in the log, if no reader is in the way.
    async fn cut(&mut self, writer: &mut SqliteConnection) {
        self.finish_copying().await;
        match checkpoint(writer, "PRAGMA wal_checkpoint(TRUNCATE)").await {
            Ok(true) => {
                self.erasures.0.store(false, Ordering::Relaxed);
                self.checkpoint_above = STEP;
                self.tell_above = TELL_AT;
                return;
            }
            Ok(false) => tracing::debug!("a reader keeps what was erased in the log for now"),
            Err(error) => tracing::warn!(%error, "what was erased can't be cut from the log"),
        }
        self.cut_from = Instant::now()
            .checked_add(CUT_AGAIN)
            .unwrap_or(self.cut_from);
    }

    async fn restart(&mut self, writer: &mut SqliteConnection, size: u64) {
        match restart(writer).await {
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

/// Copies the log into the database, on a connection of its own. What it can't do the writer does.
async fn copy(options: SqliteConnectOptions) {
    let copied = async {
        let mut connection = options.connect().await?;
        // SQLite makes what it copied durable if nothing was added meanwhile. The second time there
        // is so little to copy that this is likely, and then the writer finds it done.
        for _ in 0..2 {
            checkpoint(&mut connection, "PRAGMA wal_checkpoint(PASSIVE)").await?;
        }
        connection.close().await
    };
    if let Err(error) = copied.await {
        tracing::debug!(%error, "the writer has to copy the write-ahead log by itself");
    }
}

/// Copies what is left of the log and has the next change begin it anew; false where a reader or
/// another process is in the way.
async fn restart(writer: &mut SqliteConnection) -> Result<bool, sqlx::Error> {
    checkpoint(writer, "PRAGMA wal_checkpoint(RESTART)").await
}

/// Whether nobody was in the way.
async fn checkpoint(
    connection: &mut SqliteConnection,
    pragma: &'static str,
) -> Result<bool, sqlx::Error> {
    let (busy, _, _): (i64, i64, i64) = sqlx::query_as(pragma).fetch_one(connection).await?;
    Ok(busy == 0)
}
