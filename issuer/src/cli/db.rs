//! `signet db`: the database.

mod schema;

use std::process::ExitCode;

use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(super) enum DbCommand {
    /// Bring the schema up to date
    Migrate(schema::Migrate),
    /// Tell what was done to the schema and what is to do; exit 1 unless it is up to date
    Status(schema::Status),
}

impl DbCommand {
    pub(super) fn run(self) -> ExitCode {
        match self {
            Self::Migrate(migrate) => migrate.run(),
            Self::Status(status) => status.run(),
        }
    }
}
