//! `signet doctor`: the configuration and all it leads to, line by line.
//!
//! Each subject is looked at in a file of its own, which adds what it found to the [`Report`]: what
//! is fine, what is worth a change, and what stops an issuer, each with what to do. Nothing is
//! changed, nothing secret is said, and an issuer may run meanwhile.
//!
//! To add a subject: give it a file with an `examine(config, report)`, and call it in
//! [`examine`].

mod clock;
mod configuration;
mod database;
mod disk;
mod keys;
mod mail;
mod passwords;
mod postgres;
mod redis;
mod report;
mod sqlite;

use std::process::ExitCode;

use clap::Args;

use self::report::Report;
use super::arguments::ConfigurationArgs;
use super::{block_on, say};
use crate::config::{Config, Loaded};

/// `signet doctor`
#[derive(Args, Debug)]
pub(super) struct Doctor {
    #[command(flatten)]
    configuration: ConfigurationArgs,
    /// Answer as JSON
    #[arg(long)]
    json: bool,
}

impl Doctor {
    pub(super) fn run(self) -> ExitCode {
        let loaded = Loaded::from(&self.configuration.into_sources());
        block_on(async {
            let mut report = Report::default();
            match &loaded.config {
                Ok(config) => examine(config, &mut report).await,
                Err(faults) => configuration::tell(faults, &mut report),
            }
            let said = say(&match self.json {
                true => format!("{}\n", report.object()),
                false => report.text(),
            });
            match report.has_failed() {
                true => ExitCode::from(1),
                false => said,
            }
        })
    }
}

async fn examine(config: &Config, report: &mut Report) {
    configuration::examine(config, report);
    let schema = database::examine(config, report).await;
    keys::examine(config, schema.as_ref(), report).await;
    redis::examine(config, report).await;
    clock::examine(report);
    passwords::examine(config, report);
    mail::examine(config, report).await;
}
