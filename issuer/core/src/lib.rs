//! What Signet's issuer does, without HTTP, SQL, mail servers or a command line.
//!
//! # The path of a request
//!
//! An adapter (the `signet` package: HTTP, pages, command line) turns what came in into this
//! crate's values ([`email::EmailAddress`], [`password::Password`], …), which can't be built wrong,
//! and calls one use case of [`issuer::Issuer`]. The use case reads as its own story: it asks the
//! rules (pure functions: [`session::family::judge`], [`role::grant`], [`limit::gcra`]), hashes
//! outside of any transaction, and calls one operation of a port ([`ports`]), which is atomic and
//! writes its audit row in the same transaction. What comes back is a value or one of the use
//! case's own errors.
//!
//! # Where things are
//!
//! - values: [`time`], [`secret`], [`email`], [`mailed_token`], [`role`], [`password`], [`account`],
//!   [`session`]
//! - enums whose values have names: [`names`]
//! - rules: [`role::grant`], [`password::policy`], [`session::family`], [`limit`], [`audit`]
//! - keys: [`signing`], whose module page tells their life
//! - what a store must do: [`ports`]
//! - use cases: [`account::register`], [`account::invite`], [`account::setup`],
//!   [`account::import`], [`account::profile`], [`account::address`], [`account::export`],
//!   [`account::erase`], [`account::admin`], [`account::operate`], [`password::reset`],
//!   [`password::change`], [`session::login`], [`session::reauthenticate`], [`session::refresh`],
//!   [`session::end`], [`role::admin`], [`signing::admin`], [`mail::outbox`], [`audit::read`],
//!   [`feed`], [`recovery`], [`operations`]; without being asked, [`upkeep`]
//! - what is counted of all that: [`tally`]
//!
//! # Adding a use case
//!
//! Give it a file beside its kin, an error enum whose variants are things that can happen to a
//! user, and one port operation for what must be atomic; add that operation's contract to
//! `testing`, so that every store is held to it.

pub mod account;
pub mod audit;
pub mod email;
pub mod feed;
pub mod issuer;
pub mod limit;
pub mod mail;
pub mod mailed_token;
pub mod names;
pub mod operations;
pub mod password;
pub mod ports;
pub mod recovery;
pub mod role;
pub mod schema;
pub mod secret;
pub mod session;
pub mod signing;
pub mod tally;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod time;
pub mod upkeep;
