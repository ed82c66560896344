//! How a feed names sessions and subjects: by the beginning of a hash, which is short and tells
//! whoever reads the feed nothing.

use sha2::{Digest as _, Sha256};

/// The first 8 bytes of the SHA-256 of an identifier (`sid` or `sub`), in the order of its bytes.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Prefix(u64);

impl Prefix {
    /// The prefix of an identifier. It costs a hash, so keep it with the token.
    #[must_use]
    pub fn of(identifier: &str) -> Self {
        let hash: [u8; 32] = Sha256::digest(identifier).into();
        let [a, b, c, d, e, f, g, h, ..] = hash;
        Self::from_bytes([a, b, c, d, e, f, g, h])
    }

    pub(super) fn from_bytes(bytes: [u8; 8]) -> Self {
        Self(u64::from_be_bytes(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_is_the_beginning_of_the_hash() {
        // SHA-256 of "abc" (FIPS 180-4, example B.1).
        let hash = [0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea];
        assert_eq!(Prefix::of("abc"), Prefix::from_bytes(hash));
    }

    #[test]
    fn prefixes_are_ordered_as_their_bytes() {
        let [low, high] = [[0, 255, 0, 0, 0, 0, 0, 0], [1, 0, 0, 0, 0, 0, 0, 0]];
        assert!(Prefix::from_bytes(low) < Prefix::from_bytes(high));
    }
}
