//! Hashes as a store keeps them: Signet's own, and those that other systems made.
//!
//! A hash is read before anything is computed with it, and what asks for more than the bounds here
//! is no hash at all: nobody should have been able to write it, and it mustn't take the machine
//! down. The work of every bound is a few seconds of one core at most, which docs/IMPORT.md says in
//! figures.
//!
//! To read another format, add a [`Scheme`] with its bounds.

use argon2::password_hash::phc;
use argon2::{Algorithm, Argon2, Params, Version};
use base64ct::{Base64Unpadded, Encoding as _};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;

use super::StoredHash;
use super::memory::Memory;
use crate::password::PasswordHash;

/// The most memory an argon2 hash may ask for, in KiB.
pub(super) const MOST_MEMORY_KIB: u32 = 262_144;
/// The most passes an argon2 hash may ask for.
pub(super) const MOST_ITERATIONS: u32 = 16;
/// The most lanes an argon2 hash may ask for. They are filled one after the other, and share the
/// memory.
pub(super) const MOST_LANES: u32 = 16;
/// The most of memory (KiB) times passes: 256 MiB four times over.
pub(super) const MOST_WORK: u32 = 1_048_576;
/// The highest cost a bcrypt hash may ask for.
pub(super) const HIGHEST_BCRYPT_COST: u32 = 16;
/// The most rounds a PBKDF2 hash may ask for.
const MOST_ROUNDS: u32 = 1_000_000;
/// passlib makes salts of 16 bytes, and takes up to 1,024.
const LONGEST_SALT: usize = 1_024;
/// bcrypt reads no further than this, so nothing longer is hashed with it.
pub const BCRYPT_BYTES: usize = 72;
/// No hash of any scheme has more bytes: the salt above in base64, and the rest.
const LONGEST_TEXT: usize = 2_048;

/// Why a text is no hash that a password can be held against. Never says what the hash is.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum HashFault {
    /// No format that is known.
    #[error(
        "is no hash that can be read: argon2 (PHC), bcrypt ($2a$, $2b$, $2x$, $2y$) or passlib's \
         $pbkdf2-sha256$"
    )]
    Unreadable,
    /// It asks for more memory or time than anyone may make the machine spend.
    #[error(
        "asks for more work than is done for anyone: argon2 up to m=262144, t=16, p=16 and \
         m × t=1048576, bcrypt up to cost 16, PBKDF2 up to 1000000 rounds"
    )]
    TooCostly,
}

/// A hash that is within the bounds.
#[derive(Debug)]
pub(super) enum Scheme {
    /// Argon2 of any kind, of version 1.3 or 1.0 (a PHC string without `v`).
    Argon2 {
        algorithm: Algorithm,
        version: Version,
        params: Params,
        salt: Vec<u8>,
        checksum: Vec<u8>,
    },
    /// bcrypt. `2x` marks hashes of a program that got letters outside of ASCII wrong; those of
    /// ASCII passwords are like any other, and the others match nothing.
    Bcrypt { text: String, cost: u32 },
    /// PBKDF2 with HMAC-SHA-256, as passlib writes it.
    Pbkdf2Sha256 {
        rounds: u32,
        salt: Vec<u8>,
        checksum: Vec<u8>,
    },
}

impl Scheme {
    pub(super) fn read(text: &str) -> Result<Self, HashFault> {
        if text.len() > LONGEST_TEXT {
            return Err(HashFault::Unreadable);
        }
        if text.starts_with("$argon2") {
            read_argon2(text)
        } else if let Some(rest) = text.strip_prefix("$pbkdf2-sha256$") {
            read_pbkdf2(rest)
        } else {
            read_bcrypt(text)
        }
    }

    /// Whether the password is the one the hash was made of. Takes the time of a hash.
    pub(super) fn matches(&self, memory: &mut Memory, password: &[u8]) -> bool {
        match self {
            Self::Argon2 {
                algorithm,
                version,
                params,
                salt,
                checksum,
            } => {
                let mut computed = vec![0; checksum.len()];
                let argon2 = Argon2::new(*algorithm, *version, params.clone());
                memory
                    .hash_into(&argon2, password, salt, &mut computed)
                    .is_ok_and(|()| computed.ct_eq(checksum).into())
            }
            Self::Bcrypt { text, .. } => {
                is_whole_in_bcrypt(password) && bcrypt::verify(password, text).unwrap_or(false)
            }
            Self::Pbkdf2Sha256 {
                rounds,
                salt,
                checksum,
            } => {
                let mut computed = [0; 32];
                pbkdf2::pbkdf2_hmac::<Sha256>(password, salt, *rounds, &mut computed);
                computed.ct_eq(checksum).into()
            }
        }
    }
}

/// How much work a check against a hash is, comparable among hashes of one kind.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Work {
    /// Memory in KiB times passes over it.
    Argon2(u32),
    /// The cost, a logarithm.
    Bcrypt(u32),
    /// Rounds.
    Pbkdf2(u32),
}

impl Work {
    /// The work of a check against a hash; `None` where it can't be read, which is no work.
    #[must_use]
    pub fn of(hash: &PasswordHash) -> Option<Self> {
        Some(match StoredHash::read(hash).ok()?.scheme {
            Scheme::Argon2 { params, .. } => {
                Self::Argon2(params.m_cost().saturating_mul(params.t_cost()))
            }
            Scheme::Bcrypt { cost, .. } => Self::Bcrypt(cost),
            Scheme::Pbkdf2Sha256 { rounds, .. } => Self::Pbkdf2(rounds),
        })
    }

    /// Whether the other is of the same kind.
    #[must_use]
    pub fn is_like(self, other: Self) -> bool {
        std::mem::discriminant(&self) == std::mem::discriminant(&other)
    }
}

/// bcrypt ignores what follows the 72nd byte, and reads a short password again and again with a NUL
/// between: `a` and `a\0a` are one to it. Signet never lets two passwords be one.
pub(super) fn is_whole_in_bcrypt(password: &[u8]) -> bool {
    password.len() <= BCRYPT_BYTES && !password.contains(&0)
}

fn read_argon2(text: &str) -> Result<Scheme, HashFault> {
    let unreadable = HashFault::Unreadable;
    let hash = phc::PasswordHash::new(text).map_err(|_| unreadable)?;
    let (Some(salt), Some(checksum)) = (&hash.salt, &hash.hash) else {
        return Err(unreadable);
    };
    if salt.len() < argon2::MIN_SALT_LEN {
        return Err(unreadable);
    }
    let algorithm = Algorithm::try_from(hash.algorithm.as_str()).map_err(|_| unreadable)?;
    let version = match hash.version {
        None => Version::V0x10,
        Some(version) => Version::try_from(version).map_err(|_| unreadable)?,
    };
    let params = Params::try_from(&hash).map_err(|_| unreadable)?;
    if !argon2_is_bounded(params.m_cost(), params.t_cost(), params.p_cost()) {
        return Err(HashFault::TooCostly);
    }
    Ok(Scheme::Argon2 {
        algorithm,
        version,
        params,
        salt: salt.to_vec(),
        checksum: checksum.as_bytes().to_vec(),
    })
}

/// Whether parameters are within the bounds, together and each.
pub(super) fn argon2_is_bounded(memory_kib: u32, iterations: u32, lanes: u32) -> bool {
    memory_kib <= MOST_MEMORY_KIB
        && iterations <= MOST_ITERATIONS
        && lanes <= MOST_LANES
        && memory_kib.saturating_mul(iterations) <= MOST_WORK
}

fn read_bcrypt(text: &str) -> Result<Scheme, HashFault> {
    let parts: bcrypt::HashParts = text.parse().map_err(|_| HashFault::Unreadable)?;
    let cost = parts.get_cost();
    match cost {
        0..4 => Err(HashFault::Unreadable),
        4..=HIGHEST_BCRYPT_COST => Ok(Scheme::Bcrypt {
            text: text.to_owned(),
            cost,
        }),
        _ => Err(HashFault::TooCostly),
    }
}

/// `ROUNDS$SALT$CHECKSUM`, the latter two in passlib's base64: with `.` for `+`, and no padding.
fn read_pbkdf2(text: &str) -> Result<Scheme, HashFault> {
    let unreadable = HashFault::Unreadable;
    let mut parts = text.split('$');
    let (Some(rounds), Some(salt), Some(checksum), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(unreadable);
    };
    let is_number = !rounds.is_empty() && rounds.bytes().all(|b| b.is_ascii_digit());
    if !is_number || rounds.starts_with('0') {
        return Err(unreadable);
    }
    let (salt, checksum) = (ab64(salt)?, ab64(checksum)?);
    if salt.len() > LONGEST_SALT || checksum.len() != 32 {
        return Err(unreadable);
    }
    match rounds.parse() {
        Ok(rounds @ 1..=MOST_ROUNDS) => Ok(Scheme::Pbkdf2Sha256 {
            rounds,
            salt,
            checksum,
        }),
        // More than 32 bits hold is too many as well.
        Ok(_) | Err(_) => Err(HashFault::TooCostly),
    }
}

fn ab64(text: &str) -> Result<Vec<u8>, HashFault> {
    if text.contains('+') {
        return Err(HashFault::Unreadable);
    }
    Base64Unpadded::decode_vec(&text.replace('.', "+")).map_err(|_| HashFault::Unreadable)
}

#[cfg(test)]
mod tests;
