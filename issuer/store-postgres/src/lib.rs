//! Signet's stores on PostgreSQL: for more than one process, and for who has a server anyway.
//!
//! # The path of an operation
//!
//! A port of [`signet_core::ports`] is implemented in the file of its area, as one attempt
//! (`db::PostgresStore::attempt`) that has a deadline and is made again where it lost against
//! another one. What only reads asks in a snapshot. What writes begins a `db::Transaction`; takes a
//! lock (`db::Lock`, or rows) on what it decides by; decides with the rules of `signet_core` on
//! what it reads after that; notes its audit rows (`Transaction::record`), which are written last,
//! so that the trail, of which there is one, is held for as short as possible; and commits.
//! Whatever returns before that leaves nothing behind. Rows are this crate's own types (`rows`) and
//! never leave it. An error of PostgreSQL passes through `db::db`, which tells what may work later
//! from what is broken.
//!
//! # Where things are
//!
//! - the server: `db` (its address, opening, migrating, connections, transactions, locks, errors)
//! - a port each: `accounts`, `addresses`, `administration`, `passwords`, `sessions`, `roles`,
//!   `mail`, `outbox`, `guesses`, `keys`, `feed`, `audit`, `personal` for all about a person, `recovery`
//!   after going back in time, `operations` for who runs it, and `sweep` for what is past its time
//! - what several of them need: `actor` (may they?), `tokens` (mailed tokens), `rows`
//! - the schema: `migrations/postgres` at the root of the repository
//!
//! # Adding an operation
//!
//! Add it to the port, write it in the file of its area, put its contract into
//! `signet_core::testing`, and run `cargo xtask sqlx-prepare`: the queries are checked against
//! the migrations when they are compiled. Ask what else may run at the same moment: SQLite has one
//! writer, and here there are many. To change the schema add a migration, with the same number and
//! name for every SQL store, and new tables to `signet_core::schema::TABLES`. Those that were
//! released never change, and none takes away what the release before asks for:
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

pub use db::{Address, AddressError, Condition, OpenError, PostgresStore};
