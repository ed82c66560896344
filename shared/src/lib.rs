//! Checks what Signet's issuer signs, wherever a request arrives.
//!
//! The crate needs `alloc` and nothing else: no standard library, no clock (`now` is an argument),
//! no randomness, no I/O. It never panics, and it gives the same answer on every host.
//!
//! # The path of a token
//!
//! Bytes from outside come into [`Verifier::verify`] and either leave as a [`VerifiedToken`] or as
//! the first [`Rejection`] in a fixed order. In between they are an untrusted token of three
//! segments (`compact`), its header names a key (`header`), the key is looked up in the
//! [`KeySet`] and its signature checked (`ed25519`), and only then is the payload read (`json`)
//! and held against what is expected ([`Claims`]).
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
//! # Adding a check
//!
//! Give it a variant of [`Rejection`], put it at its place in the order, and put its cases into
//! `vectors/tokens`, where every host finds them.

#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod base64url;
pub mod bearer;
pub mod claims;
mod compact;
pub mod ed25519;
mod header;
pub mod json;
mod key_id;
pub mod keyset;
pub mod name;
mod rejection;
pub mod time;
mod verify;

pub use claims::Claims;
pub use key_id::KeyId;
pub use keyset::KeySet;
pub use rejection::Rejection;
pub use verify::{VerifiedToken, Verifier};
