//! Ed25519 with the strict reading of RFC 8032, section 5.1.7: canonical encodings only, no key and
//! no `R` of small order, no cofactor. Every signature has one verdict on every host.
//!
//! `sB − kA` is computed, encoded and compared with the signature's `R`. That takes only canonical
//! encodings of `R`, since nothing else comes out of an encoding, and saves its decompression.

use core::ops::Neg as _;

use curve25519_dalek::edwards::{CompressedEdwardsY, EdwardsPoint};
use curve25519_dalek::scalar::Scalar;
use sha2::{Digest as _, Sha512};

/// Whether `signature` is what `key` signs `message` with, by the same check that tokens go through.
///
/// For corpora of signatures, fuzzers and benchmarks: what protects a service is
/// [`crate::Verifier`].
#[must_use]
pub fn verify_strict(key: &[u8; 32], message: &[u8], signature: &[u8; 64]) -> bool {
    VerifyingKey::from_bytes(*key).is_some_and(|key| key.verifies(message, signature))
}

/// A public key whose encoding is canonical and whose point isn't of small order.
#[derive(Clone, Debug)]
pub(crate) struct VerifyingKey {
    encoded: [u8; 32],
    negated: EdwardsPoint,
}

impl VerifyingKey {
    /// Reads a public key. `None` where it is not on the curve, not canonical, or of small order.
    pub(crate) fn from_bytes(encoded: [u8; 32]) -> Option<Self> {
        let point = CompressedEdwardsY(encoded).decompress()?;
        let is_canonical = point.compress().as_bytes() == &encoded;
        if !is_canonical || point.is_small_order() {
            return None;
        }
        Some(Self {
            encoded,
            negated: point.neg(),
        })
    }

    /// The key as key sets write it.
    pub(crate) fn as_bytes(&self) -> &[u8; 32] {
        &self.encoded
    }

    /// Whether `signature` is the key's signature of `message`.
    pub(crate) fn verifies(&self, message: &[u8], signature: &[u8; 64]) -> bool {
        let (r, s) = signature.split_at(32);
        let Ok(s) = <[u8; 32]>::try_from(s) else {
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
        let sum = EdwardsPoint::vartime_double_scalar_mul_basepoint(&k, &self.negated, &s);
        sum.compress().as_bytes() == r && !sum.is_small_order()
    }
}
