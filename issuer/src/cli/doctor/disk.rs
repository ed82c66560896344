//! The disk that a file is on: how much fits on it, and how long it takes to be sure.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use signet_core::secret::{OperatingSystem, Randomness};

use super::report::Report;

const SUBJECT: &str = "disk";
/// Less is worth a word, in bytes.
const LITTLE: u64 = 1 << 30;
/// Less is a matter of hours, in bytes.
const NONE: u64 = 64 << 20;
/// How many writes are timed.
const WRITES: usize = 15;
/// What one of them holds: a page of the database, in bytes.
const PAGE: usize = 4_096;
/// Each group of changes waits for one: more than this is felt.
const SLOW: Duration = Duration::from_millis(20);

pub(super) fn examine(database: &Path, report: &mut Report) {
    let folder = database
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    match free(folder) {
        Ok(bytes) => tell_space(bytes, report),
        Err(error) => report.warn(
            SUBJECT,
            format!("can't be asked for its space: {error}"),
            "see that there is some",
        ),
    }
    match flush(database) {
        Ok(time) => tell_flush(time, report),
        Err(error) => report.fail(
            SUBJECT,
            format!("can't make a file durable beside the database: {error}"),
            "free some space, or look for the disk's errors in the system's log",
        ),
    }
}

fn tell_space(bytes: u64, report: &mut Report) {
    let said = format!("{} free", amount(bytes));
    if bytes < NONE {
        let hint = "free some space: changes are about to be refused";
        report.fail(SUBJECT, said, hint);
    } else if bytes < LITTLE {
        report.warn(SUBJECT, said, "free some space");
    } else {
        report.ok(SUBJECT, said);
    }
}

fn tell_flush(time: Duration, report: &mut Report) {
    let milliseconds = time.as_secs_f64() * 1_000.0;
    let said = format!("{milliseconds:.2} ms until a page is durable (fsync)");
    match time > SLOW {
        true => report.warn(
            SUBJECT,
            said,
            "put the database on a disk of this machine: a change waits for this twice",
        ),
        false => report.ok(SUBJECT, said),
    }
}

/// Bytes that this user may still write.
fn free(folder: &Path) -> io::Result<u64> {
    let system = rustix::fs::statvfs(folder)?;
    Ok(system.f_bavail.saturating_mul(system.f_frsize))
}

/// Writes pages into a file beside the database, which goes again; answers the middle time.
fn flush(database: &Path) -> io::Result<Duration> {
    let randomness: &dyn Randomness = &OperatingSystem;
    let mut probe = database.as_os_str().to_owned();
    probe.push(format!(".{}", randomness.uuid()));
    let probe = PathBuf::from(probe);
    let file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&probe)?;
    let timed = time_writes(file);
    fs::remove_file(&probe)?;
    timed
}

fn time_writes(mut file: File) -> io::Result<Duration> {
    let mut times = Vec::new();
    for _ in 0..WRITES {
        let begun = Instant::now();
        file.write_all(&[0x5e; PAGE])?;
        file.sync_data()?;
        times.push(begun.elapsed());
    }
    times.sort();
    Ok(times.get(WRITES / 2).copied().unwrap_or_default())
}

/// Bytes, for people.
pub(super) fn amount(bytes: u64) -> String {
    let units = ["bytes", "KiB", "MiB", "GiB"];
    let mut rest = bytes;
    for unit in units {
        if rest < 10_240 {
            return format!("{rest} {unit}");
        }
        rest >>= 10;
    }
    format!("{rest} TiB")
}
