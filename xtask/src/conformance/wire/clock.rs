//! The time that a host is told: that of the vectors, standing still.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::process::{Done, command, root, run_quietly};

/// A clock that hosts look at, each in its own way.
pub(super) struct Clock {
    folder: PathBuf,
    turns: AtomicU64,
}

/// Whether there is such a time to a machine.
pub(super) fn shows(now: u64) -> bool {
    (1..=9_000_000_000).contains(&now)
}

impl Clock {
    /// Builds the library that shows it to programs.
    pub(super) fn new(folder: &Path) -> Done<Self> {
        let clock = Self {
            folder: folder.join("clock"),
            turns: AtomicU64::new(0),
        };
        fs::create_dir(&clock.folder)?;
        let mut compile = command("cc");
        compile
            .args([
                "-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-o",
            ])
            .arg(clock.library())
            .arg(root().join("xtask/conformance/clock.c"));
        run_quietly(&mut compile)?;
        Ok(clock)
    }

    /// From now on it is the second `now` since 1970, and another millisecond of it each time: hosts
    /// tell what they fetch by when they asked for it.
    pub(super) fn set(&self, now: u64) -> Done {
        let turn = self.turns.fetch_add(1, Ordering::Relaxed);
        let millisecond = turn.checked_rem(1_000).unwrap_or_default();
        let milliseconds = now.saturating_mul(1_000).saturating_add(millisecond);
        let mut date = command("date");
        date.args(["-u", "-d", &format!("@{now}"), "+%Y-%m-%d %H:%M:%S"]);
        replace(&self.text(), &run_quietly(&mut date)?)?;
        replace(&self.seconds(), &now.to_string())?;
        // Programs have this one in their memory: it is written, not replaced.
        let mut memory = fs::OpenOptions::new();
        let mut memory = memory
            .create(true)
            .truncate(false)
            .write(true)
            .open(self.memory())?;
        Ok(memory.write_all(&milliseconds.to_ne_bytes())?)
    }

    /// A file with the date as text, for the harness of workerd.
    pub(super) fn text(&self) -> PathBuf {
        self.folder.join("clock")
    }

    /// A file with the seconds as text, for hosts that can be told a time of their own.
    pub(super) fn seconds(&self) -> PathBuf {
        self.folder.join("seconds")
    }

    /// Has a program that can't be told take the time from here.
    pub(super) fn bind(&self, program: &mut Command) {
        program
            .env("LD_PRELOAD", self.library())
            .env("CLOCK_FILE", self.memory());
    }

    fn memory(&self) -> PathBuf {
        self.folder.join("memory")
    }

    fn library(&self) -> PathBuf {
        self.folder.join("clock.so")
    }
}

/// Such that nobody reads half of it.
fn replace(file: &Path, text: &str) -> Done {
    let new = file.with_extension("new");
    fs::write(&new, text)?;
    Ok(fs::rename(new, file)?)
}
