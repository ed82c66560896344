//! Hashing and checking passwords: argon2id and bcrypt, both always understood.
//!
//! Everything here is slow on purpose and runs inside [`super::pool`], never on a request's own
//! thread. Parameters that come from a stored hash are bounded, so that a row nobody should have
//! been able to write can't take the machine down.

use argon2::password_hash::phc;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm as Argon2Algorithm, Argon2, Params, Version};

use super::{Password, PasswordHash};

/// The most memory a stored argon2 hash may ask for, in KiB.
const MOST_MEMORY_KIB: u32 = 262_144;
/// The most passes a stored argon2 hash may ask for.
const MOST_ITERATIONS: u32 = 16;
/// The most lanes a stored argon2 hash may ask for.
const MOST_LANES: u32 = 16;
/// The highest cost a stored bcrypt hash may ask for: about four seconds.
const HIGHEST_BCRYPT_COST: u32 = 16;
/// bcrypt reads no further than this, so nothing longer is hashed with it.
pub const BCRYPT_BYTES: usize = 72;

/// Which algorithm new hashes are made with.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Algorithm {
    /// Argon2id, version 1.3 (RFC 9106).
    Argon2id {
        /// Memory in KiB.
        memory_kib: u32,
        /// Passes over the memory.
        iterations: u32,
        /// Lanes, filled one after the other.
        lanes: u32,
    },
    /// bcrypt, version 2b.
    Bcrypt {
        /// The logarithm of the number of rounds.
        cost: u32,
    },
}

impl Default for Algorithm {
    fn default() -> Self {
        Self::Argon2id {
            memory_kib: 19_456,
            iterations: 2,
            lanes: 1,
        }
    }
}

/// Parameters that no hash can be made with.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the password hashing parameters are out of range")]
pub struct AlgorithmError;

/// Whether a password is the one a hash was made of.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Match {
    /// It is, and the hash is as good as a new one.
    Same,
    /// It is, and a new hash would be better: another algorithm, weaker parameters.
    SameButOutdated,
    /// It isn't, or the hash can't be read.
    Different,
}

/// Makes and checks hashes.
#[derive(Clone, Copy, Debug)]
pub struct Hasher {
    algorithm: Algorithm,
}

impl Hasher {
    /// A hasher whose new hashes are made with `algorithm`.
    ///
    /// # Errors
    /// When the parameters are outside of what stored hashes may ask for.
    pub fn new(algorithm: Algorithm) -> Result<Self, AlgorithmError> {
        let fits = match algorithm {
            Algorithm::Argon2id {
                memory_kib,
                iterations,
                lanes,
            } => {
                Params::new(memory_kib, iterations, lanes, None).is_ok()
                    && memory_kib <= MOST_MEMORY_KIB
                    && iterations <= MOST_ITERATIONS
                    && lanes <= MOST_LANES
            }
            Algorithm::Bcrypt { cost } => (8..=HIGHEST_BCRYPT_COST).contains(&cost),
        };
        if fits {
            Ok(Self { algorithm })
        } else {
            Err(AlgorithmError)
        }
    }

    /// The longest password new hashes take, in bytes of UTF-8; `None` where only the policy sets
    /// a limit.
    #[must_use]
    pub fn longest_password(&self) -> Option<usize> {
        match self.algorithm {
            Algorithm::Argon2id { .. } => None,
            Algorithm::Bcrypt { .. } => Some(BCRYPT_BYTES),
        }
    }

    /// Hashes a password with 16 bytes of `salt`. `None` only where the password is longer than
    /// [`Hasher::longest_password`].
    #[must_use]
    pub fn hash(&self, password: &Password, salt: [u8; 16]) -> Option<PasswordHash> {
        let bytes = password.expose().as_bytes();
        let text = match self.algorithm {
            Algorithm::Argon2id {
                memory_kib,
                iterations,
                lanes,
            } => {
                let params = Params::new(memory_kib, iterations, lanes, None).ok()?;
                let argon2 = Argon2::new(Argon2Algorithm::Argon2id, Version::V0x13, params);
                let hash: phc::PasswordHash = argon2.hash_password_with_salt(bytes, &salt).ok()?;
                hash.to_string()
            }
            Algorithm::Bcrypt { cost } => {
                if bytes.len() > BCRYPT_BYTES {
                    return None;
                }
                bcrypt::hash_with_salt(bytes, cost, salt).ok()?.to_string()
            }
        };
        Some(PasswordHash::from_stored(text))
    }

    /// Holds a password against a hash.
    #[must_use]
    pub fn check(&self, password: &Password, hash: &PasswordHash) -> Match {
        let text = hash.expose();
        let bytes = password.expose().as_bytes();
        let same = if text.starts_with("$argon2") {
            argon2_matches(bytes, text)
        } else {
            bcrypt_matches(bytes, text)
        };
        match same {
            false => Match::Different,
            true if self.is_outdated(text) => Match::SameButOutdated,
            true => Match::Same,
        }
    }

    fn is_outdated(&self, text: &str) -> bool {
        match self.algorithm {
            Algorithm::Argon2id {
                memory_kib,
                iterations,
                lanes,
            } => argon2_params(text).is_none_or(|(algorithm, params)| {
                algorithm != Argon2Algorithm::Argon2id
                    || params.m_cost() < memory_kib
                    || params.t_cost() < iterations
                    || params.p_cost() < lanes
            }),
            Algorithm::Bcrypt { cost } => bcrypt_cost(text).is_none_or(|stored| stored < cost),
        }
    }
}

fn argon2_matches(password: &[u8], text: &str) -> bool {
    let Ok(hash) = phc::PasswordHash::new(text) else {
        return false;
    };
    let Some((algorithm, params)) = argon2_params(text) else {
        return false;
    };
    let bounded = params.m_cost() <= MOST_MEMORY_KIB
        && params.t_cost() <= MOST_ITERATIONS
        && params.p_cost() <= MOST_LANES;
    bounded
        && Argon2::new(algorithm, Version::V0x13, params)
            .verify_password(password, &hash)
            .is_ok()
}

fn argon2_params(text: &str) -> Option<(Argon2Algorithm, Params)> {
    let hash = phc::PasswordHash::new(text).ok()?;
    let algorithm = Argon2Algorithm::try_from(hash.algorithm.as_str()).ok()?;
    Some((algorithm, Params::try_from(&hash).ok()?))
}

/// bcrypt ignores what follows its 72nd byte; Signet never lets two passwords be one.
fn bcrypt_matches(password: &[u8], text: &str) -> bool {
    let bounded = bcrypt_cost(text).is_some_and(|cost| cost <= HIGHEST_BCRYPT_COST);
    bounded && password.len() <= BCRYPT_BYTES && bcrypt::verify(password, text).unwrap_or(false)
}

fn bcrypt_cost(text: &str) -> Option<u32> {
    let parts: bcrypt::HashParts = text.parse().ok()?;
    Some(parts.get_cost())
}

#[cfg(test)]
mod tests {
    use zeroize::Zeroizing;

    use super::*;

    const LIGHT: Algorithm = Algorithm::Argon2id {
        memory_kib: 64,
        iterations: 2,
        lanes: 1,
    };

    fn password(text: &str) -> Password {
        Password::new(Zeroizing::new(text.to_owned())).unwrap()
    }

    fn check(hasher: Hasher, text: &str, hash: &str) -> Match {
        hasher.check(&password(text), &PasswordHash::from_stored(hash.to_owned()))
    }

    #[test]
    fn both_algorithms_know_their_own_hashes_and_each_others() {
        let argon2 = Hasher::new(LIGHT).unwrap();
        let bcrypt = Hasher::new(Algorithm::Bcrypt { cost: 8 }).unwrap();
        let right = password("correct horse battery");
        let wrong = password("correct horse batterz");
        let by_argon2 = argon2.hash(&right, [1; 16]).unwrap();
        let by_bcrypt = bcrypt.hash(&right, [1; 16]).unwrap();
        assert!(
            by_argon2
                .expose()
                .starts_with("$argon2id$v=19$m=64,t=2,p=1$")
        );
        assert!(by_bcrypt.expose().starts_with("$2b$08$"));
        assert_eq!(argon2.check(&right, &by_argon2), Match::Same);
        assert_eq!(bcrypt.check(&right, &by_bcrypt), Match::Same);
        assert_eq!(argon2.check(&right, &by_bcrypt), Match::SameButOutdated);
        assert_eq!(bcrypt.check(&right, &by_argon2), Match::SameButOutdated);
        for hash in [&by_argon2, &by_bcrypt] {
            assert_eq!(argon2.check(&wrong, hash), Match::Different);
            assert_eq!(bcrypt.check(&wrong, hash), Match::Different);
        }
    }

    #[test]
    fn weaker_parameters_are_outdated() {
        let strong = Algorithm::Argon2id {
            memory_kib: 128,
            iterations: 2,
            lanes: 1,
        };
        let right = password("correct horse battery");
        let weak_hash = Hasher::new(LIGHT).unwrap().hash(&right, [1; 16]).unwrap();
        let strong_hash = Hasher::new(strong).unwrap().hash(&right, [1; 16]).unwrap();
        let hasher = Hasher::new(strong).unwrap();
        assert_eq!(hasher.check(&right, &weak_hash), Match::SameButOutdated);
        let hasher = Hasher::new(LIGHT).unwrap();
        assert_eq!(hasher.check(&right, &strong_hash), Match::Same);
    }

    #[test]
    fn bcrypt_never_truncates() {
        let hasher = Hasher::new(Algorithm::Bcrypt { cost: 8 }).unwrap();
        assert!(hasher.hash(&password(&"a".repeat(73)), [1; 16]).is_none());
        let hash = hasher.hash(&password(&"a".repeat(72)), [1; 16]).unwrap();
        assert_eq!(
            hasher.check(&password(&"a".repeat(73)), &hash),
            Match::Different
        );
    }

    #[test]
    fn hostile_parameters_and_broken_hashes_match_nothing_and_cost_nothing() {
        let hasher = Hasher::new(LIGHT).unwrap();
        let tail = "c2FsdHNhbHRzYWx0$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
        for hash in [
            format!("$argon2id$v=19$m=4194304,t=2,p=1${tail}"),
            format!("$argon2id$v=19$m=64,t=4000000000,p=1${tail}"),
            format!("$argon2id$v=19$m=64,t=2,p=255${tail}"),
            "$2b$31$L6Bc/AlTQHyd9liGgGEZyOFLPHNgyxeEPfgYfBCVxJ7JIlwxyVU3u".to_owned(),
            "$2b$99$x".to_owned(),
            "$argon2id$".to_owned(),
            String::new(),
        ] {
            assert_eq!(check(hasher, "anything", &hash), Match::Different, "{hash}");
        }
    }

    #[test]
    fn parameters_out_of_range_make_no_hasher() {
        for algorithm in [
            Algorithm::Bcrypt { cost: 3 },
            Algorithm::Bcrypt { cost: 31 },
            Algorithm::Argon2id {
                memory_kib: u32::MAX,
                iterations: 2,
                lanes: 1,
            },
        ] {
            assert!(Hasher::new(algorithm).is_err(), "{algorithm:?}");
        }
    }
}
