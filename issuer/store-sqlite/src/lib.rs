//! Signet's stores on an embedded SQLite: one file, no server.
//!
//! # The path of an operation
//!
//! A port of [`signet_core::ports`] is implemented in the file of its area. What only reads asks
//! the pool of readers, in a snapshot where it takes more than one query. What writes begins a
//! `db::Write`, for which it waits for its turn; it is alone with the file from its first read on;
//! decides with the rules of `signet_core` on what it read there; writes its audit row
//! (`audit::record`); and commits. What it refuses instead, it leaves (`Write::leave`). Whatever
//! returns before that leaves nothing behind. Changes that wait at the same time are committed with
//! one `fsync` (`db::writer`), which no operation notices. Rows are this crate's own types (`rows`)
//! and never leave it. An error of SQLite passes through `db::db`, which tells what may work later
//! from what is broken.
//!
//! # Where things are
//!
//! - the file: `db` (opening, migrating, writing in groups, the log, copies, what errors mean)
//! - a port each: `accounts`, `addresses`, `administration`, `passwords`, `sessions`, `roles`,
//!   `mail`, `outbox`, `guesses`, `keys`, `feed`, `audit`, `personal` for all about a person, `recovery`
//!   after going back in time, `operations` for who runs it, and `sweep` for what is past its time
//! - what several of them need: `actor` (may they?), `tokens` (mailed tokens), `rows`
//! - the schema: `migrations/sqlite` at the root of the repository
//!
//! # Adding an operation
//!
//! Add it to the port, write it in the file of its area, put its contract into
//! `signet_core::testing`, and run `cargo xtask sqlx-prepare`: the queries are checked against
//! the migrations when they are compiled. To change the schema add a migration, with the same
//! number and name for every SQL store, and new tables to `signet_core::schema::TABLES`. Those that
//! were released never change, and none takes away what the release before asks for:
//! docs/adr/0022-expand-then-contract.md.

mod accounts;
mod actor;
mod addresses;
mod administration;
mod audit;
mod db;
mod feed;
mod guesses;
mod keys;
mod mail;
mod operations;
mod outbox;
mod passwords;
mod personal;
mod recovery;
mod roles;
mod rows;
mod sessions;
mod sweep;
mod tokens;

pub use db::{
    BackupError, Condition, FileCondition, Grouping, OpenError, RestoreError, SqliteStore, Staged,
    back_up,
};
