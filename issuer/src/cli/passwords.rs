//! `signet passwords`: lists of passwords that attackers know, for `password.list`.

mod build;
mod keys;

use clap::Subcommand;
use std::process::ExitCode;

#[derive(Debug, Subcommand)]
pub(super) enum PasswordsCommand {
    /// Make a list that `password.list` takes, of a file with one password, or the SHA-1 of one, on
    /// each line
    Build(build::Build),
}

impl PasswordsCommand {
    pub(super) fn run(self) -> ExitCode {
        match self {
            Self::Build(build) => build.run(),
        }
    }
}
