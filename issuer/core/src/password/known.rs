//! Lists of passwords that attackers know: common ones, and those of breaches. A new password that
//! is on one is refused.
//!
//! A list is a filter: 2.25 bytes for each password, whatever its length, in which nothing can be
//! looked up but whether a password is there. It never misses one; one of 65,536 that aren't on the
//! list is refused all the same, or of 32,768 where upper case is looked up as well.
//!
//! The one that is built in is made by `cargo xtask passwords` (docs/PASSWORDS.md says of what);
//! `signet passwords build` makes others, for `password.list`.
//!
//! # The file
//!
//! ```text
//! "signet known 1\n\0"                      16 bytes
//! bits                                       u32, 0 to 8
//! 2^bits shards, by the first bits of a key:
//!     keys, fingerprints                     u32, u32
//!     seed, segment length, segments' length u64, u32, u32
//!     the fingerprints                       u16 each
//! SHA-256 of all before                      32 bytes
//! ```
//!
//! Numbers are little-endian. A key is the first 8 bytes of the password's SHA-1, big-endian, so
//! that lists of SHA-1 hashes can be read; a shard is a binary fuse filter (Graf and Lemire, 2022) of
//! its keys.

use std::sync::LazyLock;

use sha1::{Digest as _, Sha1};
use sha2::Sha256;
use xorf::{BinaryFuse16, Descriptor, Filter as _};
use zeroize::Zeroizing;

const MAGIC: &[u8; 16] = b"signet known 1\n\0";
/// The most bits of a key that choose its shard.
pub const MOST_BITS: u32 = 8;
/// More than any shard of a sensible list has.
const MOST_KEYS: usize = 64_000_000;
/// The bytes of a SHA-256.
const DIGEST: usize = 32;

static BUILT_IN: LazyLock<KnownPasswords> = LazyLock::new(|| {
    // A test reads it; an empty list would only be weaker.
    KnownPasswords::read(include_bytes!("known/built_in.bin")).unwrap_or_default()
});

/// What a password is looked up by.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Key(u64);

impl Key {
    /// The key of a text as it is.
    #[must_use]
    pub fn of(text: &str) -> Self {
        Self::of_sha1(&Sha1::digest(text).into())
    }

    /// The key of a password of which only the SHA-1 hash is known.
    #[must_use]
    pub fn of_sha1(hash: &[u8; 20]) -> Self {
        let [a, b, c, d, e, f, g, h, ..] = *hash;
        Self(u64::from_be_bytes([a, b, c, d, e, f, g, h]))
    }

    /// Its shard among 2^`bits`.
    #[must_use]
    pub fn shard(self, bits: u32) -> usize {
        let shard = self.0.checked_shr(u64::BITS.saturating_sub(bits));
        usize::try_from(shard.unwrap_or(0)).unwrap_or(0)
    }

    /// Its 8 bytes.
    #[must_use]
    pub fn to_bytes(self) -> [u8; 8] {
        self.0.to_be_bytes()
    }

    /// Reads [`Key::to_bytes`] back.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 8]) -> Self {
        Self(u64::from_be_bytes(bytes))
    }
}

/// A list of passwords that attackers know.
#[derive(Clone, Default)]
pub struct KnownPasswords {
    bits: u32,
    shards: Vec<Shard>,
}

#[derive(Clone)]
struct Shard {
    keys: u32,
    filter: BinaryFuse16,
}

/// Why a file is no list.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum KnownPasswordsError {
    /// It isn't a list of this version.
    #[error("is no list of passwords; make one with `signet passwords build`")]
    Foreign,
    /// It was one, and isn't whole.
    #[error("is a list of passwords that was cut off or changed; make it again")]
    Damaged,
}

/// Keys that no filter can be made of.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("no filter can be made of these passwords")]
pub struct ShardError;

impl KnownPasswords {
    /// The list that Signet brings along.
    #[must_use]
    pub fn built_in() -> &'static Self {
        &BUILT_IN
    }

    /// Reads a list.
    ///
    /// # Errors
    /// When it is none, or not whole.
    pub fn read(bytes: &[u8]) -> Result<Self, KnownPasswordsError> {
        use KnownPasswordsError::{Damaged, Foreign};
        let rest = bytes.strip_prefix(MAGIC.as_slice()).ok_or(Foreign)?;
        let body = bytes.len().checked_sub(DIGEST).ok_or(Damaged)?;
        let (body, digest) = bytes.split_at_checked(body).ok_or(Damaged)?;
        if Sha256::digest(body).as_slice() != digest {
            return Err(Damaged);
        }
        let rest = rest
            .len()
            .checked_sub(DIGEST)
            .and_then(|end| rest.get(..end));
        let mut reader = Reader(rest.ok_or(Damaged)?);
        let bits = reader.u32().filter(|bits| *bits <= MOST_BITS);
        let bits = bits.ok_or(Damaged)?;
        let shards = (0..1u32 << bits).map(|_| reader.shard());
        let shards = shards.collect::<Option<Vec<_>>>().ok_or(Damaged)?;
        match reader.0 {
            [] => Ok(Self { bits, shards }),
            _ => Err(Damaged),
        }
    }

    /// Whether the password is on the list, as it is or in lower case.
    #[must_use]
    pub fn contains(&self, password: &str) -> bool {
        let lower = Zeroizing::new(password.to_lowercase());
        self.has(Key::of(password)) || (*lower != password && self.has(Key::of(&lower)))
    }

    fn has(&self, key: Key) -> bool {
        let shard = self.shards.get(key.shard(self.bits));
        shard.is_some_and(|shard| shard.keys > 0 && shard.filter.contains(&key.0))
    }

    /// How many passwords are on it.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.shards.iter().map(|shard| u64::from(shard.keys)).sum()
    }

    /// Whether nothing is on it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl std::fmt::Debug for KnownPasswords {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "KnownPasswords({})", self.len())
    }
}

/// The beginning of a list with 2^`bits` shards. All shards follow, in order, and then the SHA-256
/// of everything.
#[must_use]
pub fn head(bits: u32) -> Vec<u8> {
    [MAGIC.as_slice(), &bits.to_le_bytes()].concat()
}

/// How many bits are right for so many passwords: about a million in a shard.
#[must_use]
pub fn bits_for(passwords: u64) -> u32 {
    let shards = passwords.div_ceil(1 << 20).max(1).next_power_of_two();
    shards.ilog2().min(MOST_BITS)
}

/// A shard of a list, and how many different keys are in it.
///
/// # Errors
/// When the keys are too many, or, by a chance of one in millions, can't be put into a filter.
pub fn shard(mut keys: Vec<Key>) -> Result<(Vec<u8>, u32), ShardError> {
    keys.sort_unstable();
    keys.dedup();
    if keys.len() > MOST_KEYS {
        return Err(ShardError);
    }
    let count = u32::try_from(keys.len()).map_err(|_| ShardError)?;
    let numbers: Vec<u64> = keys.into_iter().map(|key| key.0).collect();
    let filter = match count {
        0 => None,
        _ => Some(BinaryFuse16::try_from(&numbers).map_err(|_| ShardError)?),
    };
    let (descriptor, fingerprints) = match filter {
        Some(filter) => (filter.descriptor, filter.fingerprints),
        None => (nothing(), Box::default()),
    };
    let length = u32::try_from(fingerprints.len()).map_err(|_| ShardError)?;
    let mut bytes = Vec::with_capacity(fingerprints.len().saturating_mul(2).saturating_add(24));
    bytes.extend(count.to_le_bytes());
    bytes.extend(length.to_le_bytes());
    bytes.extend(descriptor.seed.to_le_bytes());
    bytes.extend(descriptor.segment_length.to_le_bytes());
    bytes.extend(descriptor.segment_count_length.to_le_bytes());
    bytes.extend(fingerprints.iter().flat_map(|print| print.to_le_bytes()));
    Ok((bytes, count))
}

fn nothing() -> Descriptor {
    Descriptor {
        seed: 0,
        segment_length: 0,
        segment_length_mask: 0,
        segment_count_length: 0,
    }
}

/// What is still to be read.
struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (array, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*array)
    }

    fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    fn shard(&mut self) -> Option<Shard> {
        let (keys, length) = (self.u32()?, self.u32()?);
        let seed = u64::from_le_bytes(self.array()?);
        let (segment_length, segment_count_length) = (self.u32()?, self.u32()?);
        let bytes = usize::try_from(length).ok()?.checked_mul(2)?;
        let (prints, rest) = self.0.split_at_checked(bytes)?;
        self.0 = rest;
        let (prints, _) = prints.as_chunks();
        let fingerprints = prints.iter().map(|print| u16::from_le_bytes(*print));
        // What a lookup may touch must be there: it looks into three segments in a row.
        let reach = segment_length
            .checked_mul(2)?
            .checked_add(segment_count_length)?;
        let fits = keys == 0 || (segment_length.is_power_of_two() && reach == length);
        fits.then(|| Shard {
            keys,
            filter: BinaryFuse16 {
                descriptor: Descriptor {
                    seed,
                    segment_length,
                    segment_length_mask: segment_length.saturating_sub(1),
                    segment_count_length,
                },
                fingerprints: fingerprints.collect(),
            },
        })
    }
}

#[cfg(test)]
mod tests;
