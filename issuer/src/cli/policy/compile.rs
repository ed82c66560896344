//! `signet policy compile`: from what people write to what hosts are given.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use crate::cli::{say, unusable};
use crate::policy_file;

/// `signet policy compile`
#[derive(Args, Debug)]
pub(in crate::cli) struct Compile {
    /// The policy
    file: PathBuf,
}

impl Compile {
    pub(super) fn run(self) -> ExitCode {
        match policy_file::read(&self.file) {
            Ok(policy) => say(&format!("{}\n", policy.to_json())),
            Err(error) => unusable(&error),
        }
    }
}
