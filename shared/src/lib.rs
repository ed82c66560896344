//! Checks what Signet's issuer signs, wherever a request arrives: in a service, a proxy, a worker, a
//! browser. One crate, so that every host gives the same answer, byte for byte.
//!
//! The crate needs `alloc` and nothing else: no standard library, no clock (`now` is an argument),
//! no randomness, no I/O. It never panics, and no token makes it hold 64 KiB.
//!
//! ```
//! use signet_verifier::{KeySet, Verifier, time::UnixTime};
//!
//! # fn example(jwks: &[u8], token: &[u8], now: UnixTime) -> Option<()> {
//! let keys = KeySet::from_jwks(jwks).ok()?.key_set;
//! let verifier = Verifier::new("https://auth.example.com", ["agents-api"]);
//! match verifier.verify(token, &keys, now) {
//!     Ok(token) => assert!(token.claims().has_permission("agents:read")),
//!     Err(rejection) => assert_eq!(rejection.code(), "expired"),
//! }
//! # Some(()) }
//! ```
//!
//! # The path of a token
//!
//! Bytes from outside come into [`Verifier::verify`] and leave as a [`VerifiedToken`], or as the
//! first [`Rejection`] in a fixed order: what is cheap first, what tells something last. Nothing
//! else makes a verified token.
//!
//! 1. `compact`: the size, three segments, base64url in its one spelling. Now it is an untrusted
//!    token, of which nothing is known.
//! 2. `header`: JSON of exactly `alg`, `kid` and `typ`. Algorithm and type are what we say; the
//!    header only has to agree. What it decides is the name of the key.
//! 3. [`keyset`]: the key of that name, from the set that the host has fetched. Keys that can't be
//!    used are not in it, so there is no such thing as a bad key here.
//! 4. [`ed25519`]: the signature, strictly. Up to here the payload is bytes.
//! 5. [`claims`]: the payload as JSON, and each claim against what is expected.
//!
//! What a request may do with its token is another path: [`policy`] finds the rule for its target
//! and holds the rule's condition against the claims. What the issuer has taken back since comes in
//! feeds, and [`revocation`] keeps it; [`cache`] keeps tokens, so that the next request with one
//! doesn't cost its signature again. [`refresher`] tells a host when to fetch keys and feed, and
//! judges what comes.
//!
//! Beside the paths: [`json`] reads all JSON, strictly and without a tree; [`bearer`] finds the token
//! in a request's headers; [`time`], [`name`] and [`KeyId`] are values with rules.
//!
//! # Adding a check
//!
//! Write its cases into the generator of `vectors/tokens`, where every host finds them. Give the
//! check a variant of [`Rejection`] if no other says why, and put it at its place in the order: into
//! the module whose step it belongs to, with the order told in that module's documentation.

#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod base64url;
pub mod bearer;
pub mod cache;
pub mod claims;
mod compact;
pub mod ed25519;
pub mod gate;
mod header;
pub mod json;
mod jws;
mod key_id;
pub mod keyset;
pub mod name;
pub mod policy;
pub mod refresher;
mod rejection;
pub mod revocation;
pub mod time;
mod verify;

pub use cache::Cache;
pub use claims::Claims;
pub use gate::{Decision, Gate, Refusal, RequestHead};
pub use key_id::KeyId;
pub use keyset::KeySet;
pub use refresher::Refresher;
pub use rejection::Rejection;
pub use revocation::Revocations;
pub use verify::{VerifiedToken, Verifier};
