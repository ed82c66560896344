//! What came of an import: how many, and what is wrong on which line. No address, no hash.

use std::time::Duration;

use serde_json::{Value as Json, json};
use signet_core::account::AccountStatus;
use signet_core::account::import::{AccountElsewhere, ImportMode};

use super::slowest::proposed_floor;

/// The most lines that are told of one by one, except as JSON.
const MOST_LINES: usize = 100;

/// What is worth counting about an account that was imported.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kind {
    has_password: bool,
    is_verified: bool,
    is_suspended: bool,
}

impl Kind {
    pub(super) fn of(account: &AccountElsewhere) -> Self {
        Self {
            has_password: !account.password.is_none(),
            is_verified: account.email_verified,
            is_suspended: account.status == AccountStatus::Suspended,
        }
    }
}

/// What came of a row that is nothing to worry about.
#[derive(Clone, Copy, Debug)]
pub(super) enum Outcome {
    /// An account with its address was there.
    AlreadyThere,
    /// It was deleted in the other system.
    Deleted,
}

/// What came of all rows.
#[derive(Debug)]
pub(super) struct Report {
    mode: ImportMode,
    imported: u64,
    without_password: u64,
    unverified: u64,
    suspended: u64,
    already_there: u64,
    deleted: u64,
    duplicates: u64,
    refused: u64,
    /// How long the slowest password takes to check here, where that is longer than the answer to
    /// a login takes at least.
    too_slow: Option<Duration>,
    /// Line, outcome and reason.
    lines: Vec<(u64, &'static str, String)>,
}

impl Report {
    pub(super) fn new(mode: ImportMode) -> Self {
        Self {
            mode,
            imported: 0,
            without_password: 0,
            unverified: 0,
            suspended: 0,
            already_there: 0,
            deleted: 0,
            duplicates: 0,
            refused: 0,
            too_slow: None,
            lines: Vec::new(),
        }
    }

    pub(super) fn imported(&mut self, kind: Kind) {
        let add = |counter: &mut u64, yes| {
            *counter = counter.saturating_add(u64::from(yes));
        };
        add(&mut self.imported, true);
        add(&mut self.without_password, !kind.has_password);
        add(&mut self.unverified, !kind.is_verified);
        add(&mut self.suspended, kind.is_suspended);
    }

    pub(super) fn count(&mut self, outcome: Outcome) {
        let counter = match outcome {
            Outcome::AlreadyThere => &mut self.already_there,
            Outcome::Deleted => &mut self.deleted,
        };
        *counter = counter.saturating_add(1);
    }

    pub(super) fn refused(&mut self, line: u64, reason: String) {
        self.refused = self.refused.saturating_add(1);
        self.lines.push((line, "refused", reason));
    }

    pub(super) fn duplicate(&mut self, line: u64, first: u64) {
        self.duplicates = self.duplicates.saturating_add(1);
        let reason = format!("has the address of line {first}");
        self.lines.push((line, "duplicate", reason));
    }

    pub(super) fn note(&mut self, line: u64, note: &str) {
        self.lines.push((line, "note", note.to_owned()));
    }

    /// Takes note of how long the slowest password takes to check, beside the least time of an
    /// answer to a login.
    pub(super) fn slowest_check(&mut self, slowest: Option<Duration>, floor: Duration) {
        self.too_slow = slowest.filter(|time| *time > floor);
    }

    /// How many rows came to something.
    pub(super) fn seen(&self) -> u64 {
        [
            self.imported,
            self.already_there,
            self.deleted,
            self.duplicates,
            self.refused,
        ]
        .into_iter()
        .fold(0, u64::saturating_add)
    }

    /// Whether every account of the file is there, or would be.
    pub(super) fn is_clean(&self) -> bool {
        self.refused == 0 && self.duplicates == 0
    }

    pub(super) fn told(&mut self, as_json: bool) -> String {
        self.lines.sort();
        if as_json {
            return format!("{}\n", self.json());
        }
        let verb = match self.mode {
            ImportMode::Keep => "imported",
            ImportMode::Rehearse => "would be imported",
        };
        let mut text = format!(
            "{} {verb}: {} without a password, {} unverified, {} suspended\n\
             {} already there, {} deleted there, {} duplicates, {} refused\n",
            self.imported,
            self.without_password,
            self.unverified,
            self.suspended,
            self.already_there,
            self.deleted,
            self.duplicates,
            self.refused
        );
        if let Some(slowest) = self.too_slow {
            text.push_str(&format!(
                "The slowest of their passwords takes {} ms to check here, longer than any answer \
                 to a login: until its owner has logged in once, that tells whoever tries the \
                 address that somebody has it. Set password.floor_ms = {} for as long as that \
                 matters; see docs/IMPORT.md\n",
                slowest.as_millis(),
                proposed_floor(slowest)
            ));
        }
        for (line, outcome, reason) in self.lines.iter().take(MOST_LINES) {
            text.push_str(&format!("line {line}: {outcome}: {reason}\n"));
        }
        let more = self.lines.len().saturating_sub(MOST_LINES);
        if more > 0 {
            text.push_str(&format!("and {more} more lines, which --json tells of\n"));
        }
        text
    }

    fn json(&self) -> Json {
        let line = |(line, outcome, reason): &(u64, &str, String)| json!({ "line": line, "outcome": outcome, "reason": reason });
        json!({
            "dry_run": self.mode == ImportMode::Rehearse,
            "imported": self.imported,
            "without_password": self.without_password,
            "unverified": self.unverified,
            "suspended": self.suspended,
            "already_there": self.already_there,
            "deleted": self.deleted,
            "duplicates": self.duplicates,
            "refused": self.refused,
            "proposed_floor_ms": self.too_slow.map(proposed_floor),
            "lines": self.lines.iter().map(line).collect::<Vec<_>>(),
        })
    }
}
