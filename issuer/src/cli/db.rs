//! `signet db`: the database, its schema, its copies, and going back to one of them.

mod backup;
mod restore;
mod schema;

use std::path::Path;
use std::process::ExitCode;

use clap::Subcommand;

use crate::config::Database;

#[derive(Debug, Subcommand)]
pub(super) enum DbCommand {
    /// Bring the schema up to date
    Migrate(schema::Migrate),
    /// Tell what was done to the schema and what is to do; exit 1 unless it is up to date
    Status(schema::Status),
    /// Copy the database, a file, into a new one, beside a running issuer
    Backup(backup::Backup),
    /// Put a backup in the place of the database, a file, and begin a new life; no issuer may run
    Restore(restore::Restore),
    /// Begin a new life after the database was taken back in time by other means; no issuer may
    /// run, which on a server only you can see to
    Restored(restore::Restored),
}

impl DbCommand {
    pub(super) fn run(self) -> ExitCode {
        match self {
            Self::Migrate(migrate) => migrate.run(),
            Self::Status(status) => status.run(),
            Self::Backup(backup) => backup.run(),
            Self::Restore(restore) => restore.run(),
            Self::Restored(restored) => restored.run(),
        }
    }
}

/// A command that copies files was asked to copy a server.
#[derive(Debug, thiserror::Error)]
#[error(
    "{database} is a PostgreSQL server, whose copies are its own: make them with `pg_dump`, or use \
     its provider's point-in-time recovery. Once it went back to one, with every issuer stopped, \
     begin a new life with `signet db restored`"
)]
struct NotAFile {
    database: String,
}

/// The file that a database is.
fn a_file(database: &Database) -> Result<&Path, NotAFile> {
    match database {
        Database::Sqlite(file) => Ok(file),
        Database::Postgres(_) => Err(NotAFile {
            database: database.to_string(),
        }),
    }
}
