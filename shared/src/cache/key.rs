//! Where a token is looked for: by the first characters of its signature. They are as good as
//! random, so no hash is needed, and a second token with the same ones would only take the first
//! one's place.

/// The length of a signature, in characters of base64url.
const SIGNATURE: usize = 86;

/// The first 8 characters of a signature, which are 48 bits.
#[derive(Clone, Copy, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct Key(u64);

impl Key {
    /// `None` of what is too short for a token.
    pub(super) fn of(token: &[u8]) -> Option<Self> {
        let signature = token.get(token.len().checked_sub(SIGNATURE)?..)?;
        let first = signature.first_chunk()?;
        Some(Self(u64::from_ne_bytes(*first)))
    }
}
