//! `signet users`: accounts by the file.

mod import;

use std::process::ExitCode;

use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(super) enum UsersCommand {
    /// Create the accounts of another system, with the passwords they had there; exit 1 if any
    /// can't be taken
    Import(import::Import),
}

impl UsersCommand {
    pub(super) fn run(self) -> ExitCode {
        match self {
            Self::Import(import) => import.run(),
        }
    }
}
