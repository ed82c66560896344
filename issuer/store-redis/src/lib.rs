//! What Signet keeps on Redis: what several issuers share, and what may be lost.
//!
//! # The path of a call
//!
//! Whatever is kept here is read and changed by Lua scripts, one for each operation, which Redis
//! runs one after the other: an operation is one [`Script`], one round trip, and can't be halfway
//! done. [`RedisClient::call`] gives it [`Key`]s, of one slot each time, and arguments. A call has
//! a deadline of a tenth of a second, whatever it waits for, and after a few that failed Redis is
//! left alone for two seconds at a time (`client::breaker`), since a slow Redis is worse than none.
//! Every error is a `StoreError` around a [`Fault`], which says what to do.
//!
//! # Where things are
//!
//! - `address`: the URL
//! - `client`: calls, and the one connection they share
//! - `heads`: which refresh token of a session is the head
//! - `key`: how keys are named
//! - `limits`: budgets, and what holds while Redis is away
//! - `open`: what Redis has to be before an issuer starts
//!
//! # Adding an operation
//!
//! Write its script as a `.lua` file beside the code that calls it, and have [`RedisClient::check`]
//! run it once at the start, so that a missing right is found there. Give every key a time to live,
//! name nobody in it, and add the commands of the script to the line for the ACL in `docs/REDIS.md`.
//! Microseconds since 1970 are exact in Lua's doubles, and printed by `string.format("%.0f", n)`:
//! `tostring` rounds them.

mod address;
mod client;
mod heads;
mod key;
mod limits;
mod open;

pub use address::{Address, AddressError};
pub use client::{Fault, RedisClient, Script};
pub use heads::RedisHeads;
pub use key::Key;
pub use limits::RedisLimiter;
pub use open::OpenError;
