//! Decides about requests by what Signet's issuer signs, wherever they arrive: in a service, a proxy,
//! a worker, a browser. One crate, so that every host gives the same answer, byte for byte.
//!
//! The crate needs `alloc` and nothing else: no standard library, no clock (`now` is an argument),
//! no randomness, no I/O. It never panics, and no token makes it hold 64 KiB; keys that are used often
//! have tables of 380 kB, unless a host wants none ([`keyset::Tables`]).
//!
//! ```
//! use signet_verifier::{Gate, KeySet, RequestHead, policy::Policy, time::UnixTime};
//!
//! # fn example(policy: &[u8], jwks: &[u8], bearer: &[u8], now: UnixTime) -> Option<()> {
//! let mut gate = Gate::new(Policy::from_json(policy).ok()?);
//! gate.install_keys(KeySet::from_jwks(jwks).ok()?.key_set);
//! let decision = gate.decide(
//!     &RequestHead {
//!         method: b"GET",
//!         target: b"/v1/agents/7",
//!         headers: &[(b"authorization", bearer)],
//!     },
//!     now,
//! );
//! match decision.answer() {
//!     None => assert!(decision.is_allowed()),
//!     Some(answer) => assert_eq!(answer.status, decision.status()),
//! }
//! # Some(()) }
//! ```
//!
//! # The path of a request
//!
//! The head of a request comes into [`Gate::decide`] and leaves as a [`Decision`], which says
//! everything that the host has to do. [`gate`] tells the way: the headers, the rule that [`policy`]
//! finds for method and target, the token that [`bearer`] finds, its check, its revocation, the
//! rule's condition.
//!
//! What a gate knows comes by another path: [`refresher`] tells the host when to fetch keys and feed,
//! and judges what comes; [`keyset`] and [`revocation`] keep it. [`cache`] keeps verified tokens, so
//! that the next request with one doesn't cost its signature again.
//!
//! # The path of a token
//!
//! The gate has tokens checked by a [`Verifier`], which works without one as well. Bytes from outside
//! come into [`Verifier::verify`] and leave as a [`VerifiedToken`], or as the
//! first [`Rejection`] in a fixed order: what is cheap first, what tells something last. Nothing
//! else makes a verified token.
//!
//! 1. `compact`: the size, three segments, base64url in its one spelling. Now it is an untrusted
//!    token, of which nothing is known.
//! 2. `header`: JSON of exactly `alg`, `kid` and `typ`. Algorithm and type are what we say; the
//!    header only has to agree. What it decides is the name of the key.
//! 3. [`keyset`]: the key of that name, from the set that the host has fetched. Keys that can't be
//!    used are not in it, so there is no such thing as a bad key here.
//! 4. [`ed25519`]: the signature, strictly, and in half the time once its key has a table. Up to here
//!    the payload is bytes.
//! 5. [`claims`]: the payload as JSON, and each claim against what is expected.
//!
//! Beside the paths: [`json`] reads all JSON, strictly and without a tree; [`time`], [`name`] and
//! [`KeyId`] are values with rules.
//!
//! # Adding a check
//!
//! Of a request: see [`gate`]. Of a token: write its cases into the generator of `vectors/tokens`,
//! where every host finds them. Give the check a variant of [`Rejection`] if no other says why, and
//! put it at its place in the order: into the module whose step it belongs to, with the order told
//! in that module's documentation.

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
pub use gate::{Decision, Gate, Leeway, Refusal, RequestHead};
pub use key_id::KeyId;
pub use keyset::KeySet;
pub use refresher::Refresher;
pub use rejection::Rejection;
pub use revocation::Revocations;
pub use verify::{VerifiedToken, Verifier};
