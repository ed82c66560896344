//! The database: whether it can be used, and how it is, as its kind has it.

use signet_core::schema::SchemaStatus;

use super::report::Report;
use super::{postgres, sqlite};
use crate::config::{Config, Database};
use crate::serve::database::OpenDatabase;

const SUBJECT: &str = "schema";

/// Answers where the schema stands, if it can be told.
pub(super) async fn examine(config: &Config, report: &mut Report) -> Option<SchemaStatus> {
    match &config.database {
        Database::Sqlite(file) => sqlite::examine(file, report).await,
        Database::Postgres(address) => postgres::examine(address, report).await,
    }
    let status = match OpenDatabase::schema(&config.database).await {
        Ok(status) => status,
        Err(error) => {
            report.stops(SUBJECT, &error);
            return None;
        }
    };
    let last = |steps: &[signet_core::schema::Migration]| {
        let last = steps.last();
        last.map_or_else(String::new, |last| {
            format!("{:04} {}", last.version, last.name)
        })
    };
    if !status.unknown.is_empty() {
        report.fail(
            SUBJECT,
            format!("migrated by a newer release, to {}", last(&status.unknown)),
            "start that release, or restore a backup from before",
        );
    } else if status.applied.is_empty() {
        report.ok(SUBJECT, "none yet: the first start makes it");
    } else if !status.pending.is_empty() {
        report.warn(
            SUBJECT,
            format!(
                "older than this release: {} comes next",
                last(&status.pending)
            ),
            "back it up, and run `signet db migrate`, or let the next start do it",
        );
    } else {
        report.ok(SUBJECT, format!("up to date: {}", last(&status.applied)));
    }
    Some(status)
}
