//! A database in a file.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use signet_core::secret::OperatingSystem;
use signet_store_sqlite::{Condition, FileCondition, SqliteStore};

use super::report::Report;
use super::{clock, disk};
use crate::serve::database_file;

const SUBJECT: &str = "database";
/// A log that is larger, in bytes, has somebody in its way.
const LARGE_LOG: u64 = 64 << 20;
/// What anyone but the owner and the group may do.
const OTHERS: u32 = 0o007;

pub(super) async fn examine(path: &Path, report: &mut Report) {
    if let Err(error) = database_file::examine(path, &OperatingSystem) {
        return report.stops(SUBJECT, &error);
    }
    match SqliteStore::condition(path).await {
        Ok(condition) => tell(path, &condition, report),
        Err(error) => report.stops(SUBJECT, &error),
    }
    disk::examine(path, report);
}

fn tell(path: &Path, condition: &Condition, report: &mut Report) {
    let version = &condition.version;
    if !condition.is_new_enough {
        report.fail(
            SUBJECT,
            format!("SQLite {version} can corrupt the file"),
            "build Signet with its own SQLite, which is 3.51.3 or later",
        );
    }
    if !condition.is_durable {
        report.fail(
            SUBJECT,
            "a commit doesn't wait for the disk (PRAGMA synchronous is less than FULL)",
            "build Signet with its own SQLite",
        );
    }
    let Some(file) = &condition.file else {
        let said = format!(
            "SQLite {version}; {} is made at the first start",
            path.display()
        );
        return report.ok(SUBJECT, said);
    };
    let size = disk::amount(file.size);
    let said = format!("SQLite {version}; {} has {size}", path.display());
    report.ok(SUBJECT, said);
    tell_file(path, file, report);
    if let Some(last) = file.latest_recorded {
        clock::after(last, report);
    }
}

fn tell_file(path: &Path, file: &FileCondition, report: &mut Report) {
    match file.journal.as_str() {
        "wal" => report.ok(
            SUBJECT,
            "changes go to a write-ahead log, and each waits for the disk",
        ),
        other => report.warn(
            SUBJECT,
            format!("the journal mode of {} is {other}", path.display()),
            "nothing: the next start makes it wal",
        ),
    }
    if file.log > LARGE_LOG {
        report.warn(
            SUBJECT,
            format!(
                "the write-ahead log has grown to {}",
                disk::amount(file.log)
            ),
            "end the program that reads the database for so long: a backup, or a shell",
        );
    }
    for suffix in ["", "-wal", "-shm"] {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        tell_mode(&PathBuf::from(name), report);
    }
}

fn tell_mode(file: &Path, report: &mut Report) {
    let Ok(metadata) = file.metadata() else {
        return;
    };
    let mode = metadata.permissions().mode() & 0o777;
    if mode & OTHERS != 0 {
        report.warn(
            SUBJECT,
            format!("others may use {} (mode {mode:o})", file.display()),
            format!(
                "chmod 600 {}; the next start takes it from them",
                file.display()
            ),
        );
    }
}
