//! Hashing and checking passwords. New hashes are argon2id or bcrypt; both are always understood,
//! and so are those of other systems that [`stored`] reads.
//!
//! Everything here is slow on purpose and runs inside [`super::pool`], never on a request's own
//! thread.

pub mod memory;
pub mod stored;

use argon2::password_hash::phc;
use argon2::{Algorithm as Argon2Algorithm, Argon2, Params, Version};

use self::memory::Memory;
use self::stored::{
    BCRYPT_BYTES, HIGHEST_BCRYPT_COST, HashFault, Scheme, argon2_is_bounded, is_whole_in_bcrypt,
};
use super::{BROUGHT_ALONG, Password, PasswordHash};

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
                    && argon2_is_bounded(memory_kib, iterations, lanes)
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

    /// Hashes a password with 16 bytes of `salt`, in memory of its own. See [`Hasher::hash_in`].
    #[must_use]
    pub fn hash(&self, password: &Password, salt: [u8; 16]) -> Option<PasswordHash> {
        self.hash_in(&mut Memory::new(), password, salt)
    }

    /// Hashes a password with 16 bytes of `salt`. `None` only where the policy takes no such
    /// password: it is longer than [`Hasher::longest_password`], or bcrypt would find a NUL in it.
    #[must_use]
    pub fn hash_in(
        &self,
        memory: &mut Memory,
        password: &Password,
        salt: [u8; 16],
    ) -> Option<PasswordHash> {
        let bytes = password.expose().as_bytes();
        let text = match self.algorithm {
            Algorithm::Argon2id {
                memory_kib,
                iterations,
                lanes,
            } => {
                let params = Params::new(memory_kib, iterations, lanes, None).ok()?;
                argon2id(memory, bytes, &salt, params)?.to_string()
            }
            Algorithm::Bcrypt { cost } => {
                if !is_whole_in_bcrypt(bytes) {
                    return None;
                }
                bcrypt::hash_with_salt(bytes, cost, salt).ok()?.to_string()
            }
        };
        Some(PasswordHash::from_stored(text))
    }

    /// Holds a password against a hash: in NFC, or as it was sent if another system made the hash.
    /// In memory of its own.
    #[must_use]
    pub fn check(&self, password: &Password, hash: &PasswordHash) -> Match {
        match StoredHash::read(hash) {
            Ok(stored) => self.check_stored(&mut Memory::new(), password, &stored),
            Err(_) => Match::Different,
        }
    }

    pub(super) fn check_stored(
        &self,
        memory: &mut Memory,
        password: &Password,
        stored: &StoredHash,
    ) -> Match {
        let text = match stored.maker {
            Maker::Signet => password.expose(),
            Maker::Another => password.as_sent(),
        };
        match stored.scheme.matches(memory, text.as_bytes()) {
            false => Match::Different,
            true if self.is_outdated(stored) => Match::SameButOutdated,
            true => Match::Same,
        }
    }

    /// One that was brought along is, however strong it is: its password may not be in NFC.
    fn is_outdated(&self, stored: &StoredHash) -> bool {
        if stored.maker == Maker::Another {
            return true;
        }
        match (self.algorithm, &stored.scheme) {
            (
                Algorithm::Argon2id {
                    memory_kib,
                    iterations,
                    lanes,
                },
                Scheme::Argon2 {
                    algorithm,
                    version,
                    params,
                    ..
                },
            ) => {
                *algorithm != Argon2Algorithm::Argon2id
                    || *version != Version::V0x13
                    || params.m_cost() < memory_kib
                    || params.t_cost() < iterations
                    || params.p_cost() < lanes
            }
            (Algorithm::Bcrypt { cost }, Scheme::Bcrypt { cost: stored, .. }) => *stored < cost,
            (Algorithm::Argon2id { .. }, Scheme::Bcrypt { .. })
            | (Algorithm::Bcrypt { .. }, Scheme::Argon2 { .. })
            | (_, Scheme::Pbkdf2Sha256 { .. }) => true,
        }
    }
}

/// A hash in the PHC format, with all that it takes to check it.
fn argon2id(
    memory: &mut Memory,
    password: &[u8],
    salt: &[u8],
    params: Params,
) -> Option<phc::PasswordHash> {
    let (algorithm, version) = (Argon2Algorithm::Argon2id, Version::V0x13);
    let written = phc::ParamsString::try_from(&params).ok()?;
    let argon2 = Argon2::new(algorithm, version, params);
    let mut hash = [0; Params::DEFAULT_OUTPUT_LEN];
    memory.hash_into(&argon2, password, salt, &mut hash).ok()?;
    Some(phc::PasswordHash {
        algorithm: algorithm.ident(),
        version: Some(version.into()),
        params: written,
        salt: Some(phc::Salt::new(salt).ok()?),
        hash: Some(phc::Output::new(&hash).ok()?),
    })
}

/// Who made a hash.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Maker {
    /// Signet, of a password in NFC.
    Signet,
    /// Another system, of a password as it was typed there.
    Another,
}

/// A stored hash that was read, and that a password can be held against.
#[derive(Debug)]
pub(super) struct StoredHash {
    maker: Maker,
    scheme: Scheme,
}

impl StoredHash {
    pub(super) fn read(hash: &PasswordHash) -> Result<Self, HashFault> {
        let text = hash.expose();
        let (maker, text) = match text.strip_prefix(BROUGHT_ALONG) {
            Some(text) => (Maker::Another, text),
            None => (Maker::Signet, text),
        };
        let scheme = Scheme::read(text)?;
        Ok(Self { maker, scheme })
    }
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
    fn bcrypt_is_made_of_nothing_that_it_would_truncate() {
        let hasher = Hasher::new(Algorithm::Bcrypt { cost: 8 }).unwrap();
        assert!(hasher.hash(&password(&"a".repeat(73)), [1; 16]).is_none());
        assert!(hasher.hash(&password(&"a".repeat(72)), [1; 16]).is_some());
    }

    /// What another system made of a password in the form in which it was typed there.
    const DECOMPOSED: &str = "$pbkdf2-sha256$1000$MDEyMzQ1Njc4OWFiY2RlZg$\
                              DhSsf9KNNf3s1Fyzf7.CxkT5zZNynNsFxG3R6zZIetc";

    #[test]
    fn what_came_along_is_checked_as_it_was_typed_and_always_outdated() {
        let hasher = Hasher::new(LIGHT).unwrap();
        let brought = PasswordHash::from_elsewhere(DECOMPOSED).unwrap();
        let typed = password("e\u{301}te\u{301} correct horse");
        assert_eq!(hasher.check(&typed, &brought), Match::SameButOutdated);
        let composed = password("été correct horse");
        assert_eq!(hasher.check(&composed, &brought), Match::Different);
        // Made anew, it is in NFC, and both ways of typing it are the same.
        let own = hasher.hash(&typed, [1; 16]).unwrap();
        assert_eq!(hasher.check(&typed, &own), Match::Same);
        assert_eq!(hasher.check(&composed, &own), Match::Same);
        // As strong as one of our own, it still has to be made anew.
        let strong = PasswordHash::from_elsewhere(own.expose()).unwrap();
        assert_eq!(hasher.check(&composed, &strong), Match::SameButOutdated);
        assert_eq!(hasher.check(&typed, &strong), Match::Different);
    }

    #[test]
    fn no_password_matches_none_and_what_can_not_be_read() {
        let hasher = Hasher::new(LIGHT).unwrap();
        assert!(PasswordHash::none().is_none());
        for text in [
            "none",
            "",
            "imported:",
            "imported:none",
            "imported:imported:none",
        ] {
            for typed in ["none", "", text] {
                assert_eq!(check(hasher, typed, text), Match::Different, "{text:?}");
            }
        }
        for text in ["none", "$2b$31$", "imported:$2b$04$"] {
            assert!(PasswordHash::from_elsewhere(text).is_err(), "{text}");
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
            Algorithm::Argon2id {
                memory_kib: 262_144,
                iterations: 5,
                lanes: 1,
            },
        ] {
            assert!(Hasher::new(algorithm).is_err(), "{algorithm:?}");
        }
    }
}
