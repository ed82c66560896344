//! The memory that argon2 fills, kept by each thread from one hash to the next.
//!
//! Asked for anew, tens of megabytes come as thousands of pages that the system clears first, and
//! what is given back lies in pieces between what others hold: the process grows to several times
//! what is ever in use. A thread that ends gives its memory back; those of the pool end when they
//! have had nothing to do for a while.

use std::cell::RefCell;

use argon2::{Argon2, Block};

thread_local! {
    static BLOCKS: RefCell<Vec<Block>> = const { RefCell::new(Vec::new()) };
}

/// Hashes as [`Argon2::hash_password_into`] does.
pub(super) fn hash_into(
    argon2: &Argon2<'_>,
    password: &[u8],
    salt: &[u8],
    out: &mut [u8],
) -> Result<(), argon2::Error> {
    let needed = argon2.params().block_count();
    BLOCKS.with_borrow_mut(|blocks| {
        // What is kept is what the last hash needed: a stored one that asks for much more must not
        // leave that behind.
        if blocks.len() != needed {
            *blocks = Vec::new();
            *blocks = vec![Block::new(); needed];
        }
        argon2.hash_password_into_with_memory(password, salt, out, blocks.as_mut_slice())
    })
}

#[cfg(test)]
mod tests {
    use argon2::{Algorithm, Params, Version};

    use super::*;

    #[test]
    fn what_others_left_in_the_memory_changes_no_hash() {
        for memory in [64, 256, 64, 64, 1024, 64] {
            for algorithm in [Algorithm::Argon2d, Algorithm::Argon2i, Algorithm::Argon2id] {
                for version in [Version::V0x10, Version::V0x13] {
                    let params = Params::new(memory, 2, 2, None).unwrap();
                    let argon2 = Argon2::new(algorithm, version, params);
                    let (mut in_kept, mut in_new) = ([0; 32], [0; 32]);
                    let salt = [memory as u8; 16];
                    hash_into(&argon2, b"a password", &salt, &mut in_kept).unwrap();
                    let anew = argon2.hash_password_into(b"a password", &salt, &mut in_new);
                    assert!(anew.is_ok() && in_kept == in_new, "{algorithm} {memory}");
                    let kept = BLOCKS.with_borrow(Vec::len);
                    assert_eq!(kept, argon2.params().block_count());
                }
            }
        }
    }
}
