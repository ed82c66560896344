//! `signet db backup`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde_json::json;
use signet_store_sqlite::{BackupError, back_up};

use super::a_file;
use crate::cli::arguments::ConfigurationArgs;
use crate::cli::{block_on, configuration, file_fault, no, say};
use crate::config::Config;
use crate::serve::database_file;

/// `signet db backup`
#[derive(Args, Debug)]
pub(in crate::cli) struct Backup {
    /// The file to make; there must be none of this name. Without the master key it is worth
    /// nothing, so keep that apart from it
    file: PathBuf,
    #[command(flatten)]
    configuration: ConfigurationArgs,
    /// Answer as JSON
    #[arg(long)]
    json: bool,
}

impl Backup {
    pub(super) fn run(self) -> ExitCode {
        match configuration(self.configuration) {
            Ok(config) => block_on(back_up_into(config, self.file, self.json)),
            Err(code) => code,
        }
    }
}

async fn back_up_into(config: Config, file: PathBuf, as_json: bool) -> ExitCode {
    let database = match a_file(&config.database) {
        Ok(database) => database,
        Err(error) => return no(&error),
    };
    if let Err(error) = database_file::recognise(database) {
        return no(&error);
    }
    match back_up(database, &file).await {
        Ok(()) => {}
        Err(error @ BackupError::Copy(_)) => return no(&error),
        Err(ref error @ BackupError::File { ref source, .. }) => return file_fault(error, source),
    }
    let name = file.display().to_string();
    say(&match as_json {
        true => format!("{}\n", json!({ "backup": name })),
        false => format!(
            "backed up to {name}; the master key isn't in it, and without that it is worth nothing: \
             keep a copy of the key, apart from it\n"
        ),
    })
}
