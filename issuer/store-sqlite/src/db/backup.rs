//! Copies of the database: made beside a running issuer, put back while none runs.
//!
//! A backup appears under its name only once it is whole and on the disk. A restore is prepared
//! beside the database ([`Staged`]), given its new life there by whoever restores, and only then
//! put in its place, so that no issuer ever finds an old life; what was there stays under another
//! name.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, Error, SqliteConnection};

use super::fault::is_busy;
use super::file::{create_new, sync_folder, with_companions, with_suffix};

/// How long a backup waits for who puts the file in order.
const BUSY_TIMEOUT: Duration = Duration::from_secs(2);

/// Why there is no backup.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// There is something under the name already, or no file can be made.
    #[error("can't write the backup {}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The database can't be read, or the copy can't be written.
    #[error("can't copy the database: {0}")]
    Copy(#[source] Error),
}

/// Copies the database as it is at one moment into a new file. The issuer may run and write.
///
/// # Errors
/// See [`BackupError`]. Nothing is left behind then.
pub async fn back_up(database: &Path, backup: &Path) -> Result<(), BackupError> {
    let partial = with_suffix(backup, ".partial");
    let file = |source| BackupError::File {
        path: backup.to_owned(),
        source,
    };
    if backup.try_exists().map_err(file)? {
        return Err(file(io::ErrorKind::AlreadyExists.into()));
    }
    // One that was left by a backup that was killed.
    let _there_may_be_none = fs::remove_file(&partial);
    create_new(&partial).map_err(file)?;
    let copied = match copy_into(database, &partial).await {
        Ok(()) => publish(&partial, backup).map_err(file),
        Err(error) => Err(BackupError::Copy(error)),
    };
    let _it_has_its_name_or_is_useless = fs::remove_file(&partial);
    copied
}

async fn copy_into(database: &Path, empty: &Path) -> Result<(), Error> {
    let options = existing(database).busy_timeout(BUSY_TIMEOUT);
    let mut connection = options.connect().await?;
    sqlx::query("VACUUM INTO ?")
        .bind(empty.to_string_lossy())
        .execute(&mut connection)
        .await?;
    connection.close().await
}

/// Gives a whole file its name, unless somebody else has taken it.
fn publish(partial: &Path, path: &Path) -> io::Result<()> {
    fs::File::open(partial)?.sync_all()?;
    fs::hard_link(partial, path)?;
    sync_folder(path)
}

/// Why nothing was restored; the database is as it was.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// The backup can't be read, or its copy not be written.
    #[error("can't restore {}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The backup isn't a whole database.
    #[error("{} is no whole backup: {reason}", path.display())]
    NotWhole {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        reason: String,
    },
    /// Somebody else has the database open.
    #[error(
        "the database {} is in use: stop the issuer, and whatever else has it open, first",
        .0.display()
    )]
    InUse(PathBuf),
}

/// A copy of a backup beside the database that it will replace. Dropped, it goes.
#[derive(Debug)]
pub struct Staged {
    database: PathBuf,
    copy: PathBuf,
}

impl Staged {
    /// Copies a backup, if it is whole and nobody has the database open.
    ///
    /// # Errors
    /// See [`RestoreError`].
    pub async fn new(backup: &Path, database: &Path) -> Result<Self, RestoreError> {
        let staged = Self {
            database: database.to_owned(),
            copy: with_suffix(database, ".restoring"),
        };
        staged.remove();
        copy(backup, &staged.copy).map_err(|source| RestoreError::File {
            path: backup.to_owned(),
            source,
        })?;
        let reason = match examine(&staged.copy).await {
            Ok(found) => found,
            Err(error) => error.to_string(),
        };
        if reason != "ok" {
            return Err(RestoreError::NotWhole {
                path: backup.to_owned(),
                reason,
            });
        }
        release(alone(database).await?).await;
        Ok(staged)
    }

    /// The copy, to be changed and closed before it is put in place.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.copy
    }

    /// Puts the copy in the place of the database; answers where that is now, if there was one.
    /// `mark` is part of its name, with a number behind it where that is taken.
    ///
    /// # Errors
    /// See [`RestoreError`].
    pub async fn put_in_place(self, mark: &str) -> Result<Option<PathBuf>, RestoreError> {
        let held = alone(&self.database).await?;
        let replaced = free_name(&self.database, mark)
            .and_then(|old| Ok((replace(&self.copy, &self.database, &old)?, old)));
        release(held).await;
        let (was_there, old) = replaced.map_err(|source| RestoreError::File {
            path: self.database.clone(),
            source,
        })?;
        Ok(was_there.then_some(old))
    }

    fn remove(&self) {
        for file in with_companions(&self.copy) {
            let _there_may_be_none = fs::remove_file(file);
        }
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        self.remove();
    }
}

fn copy(backup: &Path, to: &Path) -> io::Result<()> {
    let mut from = fs::File::open(backup)?;
    let mut to = create_new(to)?;
    io::copy(&mut from, &mut to)?;
    to.sync_all()
}

/// What SQLite finds wrong, or `ok`.
async fn examine(file: &Path) -> Result<String, Error> {
    let mut connection = existing(file).connect().await?;
    let found = sqlx::query_scalar("PRAGMA integrity_check(1)")
        .fetch_one(&mut connection)
        .await?;
    // Every database of ours has it, and an empty file has nothing.
    sqlx::query("SELECT roles_version FROM meta")
        .fetch_one(&mut connection)
        .await?;
    connection.close().await?;
    Ok(found)
}

/// A name that nothing has: an earlier restore of the same second keeps what it moved away.
fn free_name(database: &Path, mark: &str) -> io::Result<PathBuf> {
    for number in 1_u32.. {
        let suffix = match number {
            1 => format!(".before-{mark}"),
            _ => format!(".before-{mark}-{number}"),
        };
        let name = with_suffix(database, &suffix);
        if !name.try_exists()? {
            return Ok(name);
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

/// Gives the database another name, and its own to the copy in one step: whatever ends this
/// half-way, there is a whole database of that name.
fn replace(copy: &Path, database: &Path, old: &Path) -> io::Result<bool> {
    let was_there = match fs::hard_link(database, old) {
        Ok(()) => true,
        Err(error) if error.kind() == io::ErrorKind::NotFound => false,
        Err(error) => return Err(error),
    };
    // A log that stayed behind would be taken for the new database's.
    let [_, log, index] = with_companions(database);
    let [_, old_log, old_index] = with_companions(old);
    for (from, to) in [(log, old_log), (index, old_index)] {
        if from.try_exists()? {
            fs::rename(from, to)?;
        }
    }
    fs::rename(copy, database)?;
    sync_folder(database)?;
    Ok(was_there)
}

/// Holds the database for as long as the connection lives, so that nobody opens it. `None` where
/// there is none, or none that SQLite can read, which nobody can be using either.
pub(super) async fn alone(database: &Path) -> Result<Option<SqliteConnection>, RestoreError> {
    match hold(database).await {
        Ok(connection) => Ok(Some(connection)),
        Err(error) if is_busy(&error) => Err(RestoreError::InUse(database.to_owned())),
        Err(_) => Ok(None),
    }
}

pub(super) async fn release(held: Option<SqliteConnection>) {
    if let Some(connection) = held {
        let _it_wrote_nothing = connection.close().await;
    }
}

/// Leaving WAL mode is refused where anyone else has the file open, idle or not.
async fn hold(database: &Path) -> Result<SqliteConnection, Error> {
    let mut connection = existing(database).connect().await?;
    for sql in ["PRAGMA journal_mode = DELETE", "BEGIN EXCLUSIVE"] {
        sqlx::query(sql).execute(&mut connection).await?;
    }
    Ok(connection)
}

fn existing(file: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(file)
        .create_if_missing(false)
        .busy_timeout(Duration::ZERO)
}
