//! The memory that argon2 fills, kept from one hash to the next.
//!
//! Asked for anew, tens of megabytes come as thousands of pages that the system clears first, and
//! what is given back lies in pieces between what others hold: the process grows to several times
//! what is ever in use.

use argon2::{Argon2, Block};

/// What the last hash needed, if it needed any.
#[derive(Debug, Default)]
pub struct Memory(Vec<Block>);

impl Memory {
    /// None yet.
    #[must_use]
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Hashes as [`Argon2::hash_password_into`] does.
    pub(super) fn hash_into(
        &mut self,
        argon2: &Argon2<'_>,
        password: &[u8],
        salt: &[u8],
        out: &mut [u8],
    ) -> Result<(), argon2::Error> {
        let needed = argon2.params().block_count();
        // A stored hash that asks for much more must not leave that behind.
        if self.0.len() != needed {
            self.0 = Vec::new();
            self.0 = vec![Block::new(); needed];
        }
        argon2.hash_password_into_with_memory(password, salt, out, self.0.as_mut_slice())
    }
}

#[cfg(test)]
mod tests {
    use argon2::{Algorithm, Params, Version};

    use super::*;

    #[test]
    fn what_others_left_in_the_memory_changes_no_hash() {
        let mut memory = Memory::new();
        for (number, kib) in (0..).zip([64, 256, 64, 64, 1024, 64]) {
            for algorithm in [Algorithm::Argon2d, Algorithm::Argon2i, Algorithm::Argon2id] {
                for version in [Version::V0x10, Version::V0x13] {
                    let params = Params::new(kib, 2, 2, None).unwrap();
                    let argon2 = Argon2::new(algorithm, version, params);
                    let (mut in_kept, mut in_new) = ([0; 32], [0; 32]);
                    let salt = [number; 16];
                    let kept = memory.hash_into(&argon2, b"a password", &salt, &mut in_kept);
                    kept.unwrap();
                    let anew = argon2.hash_password_into(b"a password", &salt, &mut in_new);
                    assert!(anew.is_ok() && in_kept == in_new, "{algorithm} {kib}");
                    assert_eq!(memory.0.len(), argon2.params().block_count());
                }
            }
        }
    }
}
