//! Secret values and the randomness they are made of.
//!
//! A secret lives in a type whose `Debug` prints the type's name and nothing else, that has neither
//! `Display` nor `Serialize`, and that is wiped when dropped. To add one, wrap [`SecretBytes`] in a
//! newtype next to the rules of that secret.

use std::fmt;

use subtle::ConstantTimeEq as _;
use uuid::Uuid;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// `N` secret bytes. Equality takes the same time whatever differs.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct SecretBytes<const N: usize>([u8; N]);

impl<const N: usize> SecretBytes<N> {
    /// Takes the bytes as they are.
    #[must_use]
    pub fn new(bytes: [u8; N]) -> Self {
        Self(bytes)
    }

    /// The bytes, for the one place that needs them.
    #[must_use]
    pub fn expose(&self) -> &[u8; N] {
        &self.0
    }
}

impl<const N: usize> PartialEq for SecretBytes<N> {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl<const N: usize> Eq for SecretBytes<N> {}

impl<const N: usize> fmt::Debug for SecretBytes<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretBytes")
    }
}

/// Where random bytes come from. Production has [`OperatingSystem`]; a test may bring its own.
pub trait Randomness: Send + Sync {
    /// Fills `bytes`, or ends the process: nothing may go on with predictable secrets.
    fn fill(&self, bytes: &mut [u8]);
}

impl dyn Randomness + '_ {
    /// `N` random bytes.
    #[must_use]
    pub fn array<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.fill(&mut bytes);
        bytes
    }

    /// `N` random bytes that stay secret.
    #[must_use]
    pub fn secret<const N: usize>(&self) -> SecretBytes<N> {
        SecretBytes::new(self.array())
    }

    /// A UUIDv4.
    #[must_use]
    pub fn uuid(&self) -> Uuid {
        uuid::Builder::from_random_bytes(self.array()).into_uuid()
    }
}

/// The operating system's generator, asked anew on every call, so that a cloned virtual machine
/// never repeats what its twin said.
#[derive(Clone, Copy, Debug, Default)]
pub struct OperatingSystem;

impl Randomness for OperatingSystem {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the edge that everyone else gets randomness from"
    )]
    fn fill(&self, bytes: &mut [u8]) {
        if getrandom::fill(bytes).is_err() {
            std::process::abort();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_prints_only_its_type() {
        let secret = SecretBytes::new(*b"correct horse");
        assert_eq!(format!("{secret:?}"), "SecretBytes");
    }
}
