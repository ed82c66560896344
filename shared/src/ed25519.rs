//! Ed25519 with the strict reading of RFC 8032, section 5.1.7: canonical encodings only, no key and
//! no `R` of small order, no cofactor. Every signature has one verdict on every host.
//!
//! `sB − kA` is computed, encoded and compared with the signature's `R`. That takes only canonical
//! encodings of `R`, since nothing else comes out of an encoding, and saves its decompression.
//!
//! The sum is what costs. A key that isn't known for long doubles its way through the bits of `s`
//! and `k`. One that is used often is given a [`table`] of its multiples (`prepared` says when), cuts
//! the scalars into [`digits`], and adds up one entry for each digit. Both find the same point.

#[cfg(feature = "tables")]
mod digits;
#[cfg(feature = "tables")]
mod prepared;
mod small_order;
#[cfg(feature = "tables")]
mod table;

use core::fmt;
use core::ops::Neg as _;

use curve25519_dalek::edwards::{CompressedEdwardsY, EdwardsPoint};
use curve25519_dalek::scalar::Scalar;
use sha2::{Digest as _, Sha512};

use small_order::is_of_small_order;

/// Whether `signature` is what `key` signs `message` with, by the same check that tokens go through.
///
/// For corpora of signatures, fuzzers and benchmarks, as all of this module is: what protects a
/// service is [`crate::Verifier`].
#[must_use]
pub fn verify_strict(key: &[u8; 32], message: &[u8], signature: &[u8; 64]) -> bool {
    VerifyingKey::from_bytes(*key).is_some_and(|key| key.verifies(message, signature))
}

/// A public key whose encoding is canonical and whose point isn't of small order.
pub struct VerifyingKey {
    encoded: [u8; 32],
    negated: EdwardsPoint,
    #[cfg(feature = "tables")]
    prepared: prepared::Prepared,
}

impl VerifyingKey {
    /// Reads a public key. `None` where it is not on the curve, not canonical, or of small order.
    #[must_use]
    pub fn from_bytes(encoded: [u8; 32]) -> Option<Self> {
        let point = CompressedEdwardsY(encoded).decompress()?;
        let is_canonical = point.compress().as_bytes() == &encoded;
        if !is_canonical || is_of_small_order(&encoded) {
            return None;
        }
        Some(Self {
            encoded,
            negated: point.neg(),
            #[cfg(feature = "tables")]
            prepared: prepared::Prepared::default(),
        })
    }

    /// The encoded key.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.encoded
    }

    /// Whether `signature` is the key's signature of `message`.
    #[must_use]
    pub fn verifies(&self, message: &[u8], signature: &[u8; 64]) -> bool {
        let Some((r, s)) = halves(signature) else {
            return false;
        };
        let Some(s) = Option::<Scalar>::from(Scalar::from_canonical_bytes(s)) else {
            return false;
        };
        let hash = Sha512::new()
            .chain_update(r)
            .chain_update(self.encoded)
            .chain_update(message)
            .finalize();
        let k = Scalar::from_bytes_mod_order_wide(&hash.into());
        self.sum(&s, &k).compress().as_bytes() == r && !is_of_small_order(r)
    }

    /// `sB − kA`.
    fn sum(&self, s: &Scalar, k: &Scalar) -> EdwardsPoint {
        #[cfg(feature = "tables")]
        if let Some(sum) = self.prepared.sum(s, k) {
            return sum;
        }
        EdwardsPoint::vartime_double_scalar_mul_basepoint(k, &self.negated, s)
    }
}

#[cfg(feature = "tables")]
impl VerifyingKey {
    /// Builds the key's table, if it has none.
    pub fn prepare(&self) {
        self.prepared.build(&self.negated);
    }

    /// Whether the key has its table.
    #[must_use]
    pub fn is_prepared(&self) -> bool {
        self.prepared.is_built()
    }

    /// Counts a use, and builds the table where it is worth its time.
    pub(crate) fn count_use(&self) {
        self.prepared.count_use(&self.negated);
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("VerifyingKey").field(&self.encoded).finish()
    }
}

/// `R` and `S` as they are written.
fn halves(signature: &[u8; 64]) -> Option<(&[u8; 32], [u8; 32])> {
    let (r, s) = signature.split_first_chunk()?;
    Some((r, s.try_into().ok()?))
}
