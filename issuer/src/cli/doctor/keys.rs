//! The master key, and whether it is the one that the stored keys were sealed under.

use signet_core::schema::SchemaStatus;
use signet_core::signing::keyring::Keyring;

use super::report::Report;
use crate::config::master_key::GIVE_THE_RIGHT_ONE;
use crate::config::{Config, MasterKeySource};
use crate::serve::database::OpenDatabase;

const SUBJECT: &str = "master key";

/// `schema` is where the schema stands, if that is known.
pub(super) async fn examine(config: &Config, schema: Option<&SchemaStatus>, report: &mut Report) {
    let found = match config.master_key.find() {
        Ok(found) => found,
        Err(error) => return report.stops(SUBJECT, &error),
    };
    if let (MasterKeySource::LocalFile { path, .. }, Some(_)) = (&config.master_key, &found) {
        report.ok(SUBJECT, format!("{}, for its owner only", path.display()));
    }
    let Some(schema) = schema else {
        let hint = "mend the database first";
        return report.warn(SUBJECT, "it isn't known what it opens", hint);
    };
    if !schema.is_up_to_date() && !schema.applied.is_empty() {
        let hint = "mend the schema first";
        return report.warn(SUBJECT, "it isn't known what it opens", hint);
    }
    let stored = match schema.applied.is_empty() {
        true => Ok(None),
        false => OpenDatabase::stored_keys(&config.database).await,
    };
    match (stored, found) {
        (Err(error), _) => report.stops(SUBJECT, &error),
        (Ok(None), None) => report.ok(SUBJECT, "none yet: the first start makes it"),
        (Ok(None), Some(_)) => report.ok(SUBJECT, "there are no keys to open yet"),
        (Ok(Some(_)), None) => report.stops(SUBJECT, &config.master_key.lost(&config.database)),
        (Ok(Some(stored)), Some(master)) => match Keyring::open(&stored, &master) {
            Ok(_) => report.ok(SUBJECT, "opens all stored keys"),
            Err(error) => report.fail(
                SUBJECT,
                format!("it doesn't open the stored keys: {error}"),
                GIVE_THE_RIGHT_ONE,
            ),
        },
    }
}
