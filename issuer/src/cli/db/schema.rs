//! `signet db migrate` and `signet db status`: the schema. A start brings it up to date by itself;
//! these commands are for who wants to do it before, or to look first.

use std::process::ExitCode;

use clap::Args;
use serde_json::json;
use signet_core::schema::{Migration, SchemaStatus};

use crate::cli::arguments::ConfigurationArgs;
use crate::cli::{block_on, configuration, no, say};
use crate::config::Config;
use crate::serve::database::OpenDatabase;

/// `signet db migrate`
#[derive(Args, Debug)]
pub(in crate::cli) struct Migrate {
    #[command(flatten)]
    configuration: ConfigurationArgs,
    /// Answer as JSON
    #[arg(long)]
    json: bool,
}

/// `signet db status`
#[derive(Args, Debug)]
pub(in crate::cli) struct Status {
    #[command(flatten)]
    configuration: ConfigurationArgs,
    /// Answer as JSON
    #[arg(long)]
    json: bool,
}

impl Migrate {
    pub(super) fn run(self) -> ExitCode {
        match configuration(self.configuration) {
            Ok(config) => block_on(bring_up_to_date(config, self.json)),
            Err(code) => code,
        }
    }
}

impl Status {
    pub(super) fn run(self) -> ExitCode {
        match configuration(self.configuration) {
            Ok(config) => block_on(look(config, self.json)),
            Err(code) => code,
        }
    }
}

async fn bring_up_to_date(config: Config, as_json: bool) -> ExitCode {
    match OpenDatabase::open(&config.database).await {
        Ok(database) => database.close().await,
        Err(error) => return no(&error),
    }
    look(config, as_json).await
}

async fn look(config: Config, as_json: bool) -> ExitCode {
    let status = match OpenDatabase::schema(&config.database).await {
        Ok(status) => status,
        Err(error) => return no(&error),
    };
    let said = say(&match as_json {
        true => format!("{}\n", object(&config, &status)),
        false => text(&config, &status),
    });
    match status.is_up_to_date() {
        true => said,
        false => ExitCode::from(1),
    }
}

fn object(config: &Config, status: &SchemaStatus) -> serde_json::Value {
    let list = |migrations: &[Migration]| -> Vec<serde_json::Value> {
        let object =
            |migration: &Migration| json!({ "version": migration.version, "name": migration.name });
        migrations.iter().map(object).collect()
    };
    json!({
        "database": config.database.to_string(),
        "up_to_date": status.is_up_to_date(),
        "applied": list(&status.applied),
        "pending": list(&status.pending),
        "unknown": list(&status.unknown),
    })
}

fn text(config: &Config, status: &SchemaStatus) -> String {
    let line = |word: &'static str| {
        move |migration: &Migration| {
            format!("{:04} {word:<8} {}\n", migration.version, migration.name)
        }
    };
    let verdict = if !status.unknown.is_empty() {
        "migrated by a newer release: start that one"
    } else if !status.pending.is_empty() {
        "not up to date: `signet db migrate`, or the next start, does it"
    } else {
        "up to date"
    };
    let applied = status.applied.iter().map(line("applied"));
    let pending = status.pending.iter().map(line("pending"));
    let unknown = status.unknown.iter().map(line("unknown"));
    let lines: String = applied.chain(pending).chain(unknown).collect();
    format!("{lines}{}: {verdict}\n", config.database)
}
