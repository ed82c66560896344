//! Signatures, against ed25519-dalek's `verify_strict`: the same verdict on everything that looks
//! like a signature but isn't one, torsion included, with a table and without.
//!
//! And against ed25519-compact, which multiplies by the cofactor: it takes what we take, and beside
//! that only what speccheck's cases 0 to 2, 4 and 5 are about, where key or `R` has torsion.

use curve25519_dalek::constants::{ED25519_BASEPOINT_POINT, EIGHT_TORSION};
use curve25519_dalek::edwards::{CompressedEdwardsY, EdwardsPoint};
use curve25519_dalek::scalar::Scalar;
use ed25519_dalek::{Signature, VerifyingKey};
use proptest::collection::vec;
use proptest::prelude::*;
use sha2::{Digest as _, Sha512};
use signet_verifier::ed25519;

use crate::inputs;

/// The order of the prime subgroup, little-endian.
const ORDER: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

/// The prime of the field, little-endian.
const PRIME: [u8; 32] = {
    let mut prime = [0xff; 32];
    prime[0] = 0xed;
    prime[31] = 0x7f;
    prime
};

/// A signature and everything it is of.
#[derive(Clone, Debug)]
struct Signed {
    key: [u8; 32],
    message: Vec<u8>,
    r: [u8; 32],
    s: [u8; 32],
}

/// A signature that is good but for the torsion that key and `R` are given.
fn sign(secret: Scalar, nonce: Scalar, torsion: [usize; 2], message: &[u8]) -> Signed {
    let [of_key, of_r] = torsion.map(|index| EIGHT_TORSION[index]);
    let key = (ED25519_BASEPOINT_POINT * secret + of_key).compress().0;
    let r = (ED25519_BASEPOINT_POINT * nonce + of_r).compress().0;
    let hash = Sha512::new()
        .chain_update(r)
        .chain_update(key)
        .chain_update(message);
    let k = Scalar::from_bytes_mod_order_wide(&hash.finalize().into());
    Signed {
        key,
        message: message.to_vec(),
        r,
        s: (nonce + k * secret).to_bytes(),
    }
}

/// One way to spoil a signature.
#[derive(Clone, Debug)]
enum Change {
    Nothing,
    KeyBit(usize),
    RBit(usize),
    SBit(usize),
    MessageBit(prop::sample::Index),
    /// Adds the order of the group to `S` that many times.
    SByOrder(usize),
    /// Adds the prime of the field to the encoding, where it fits.
    KeyByPrime,
    RByPrime,
    KeyOfSmallOrder(usize),
    ROfSmallOrder(usize),
    SOfZero,
    NegatedR,
    NegatedKey,
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        3 => Just(Change::Nothing),
        2 => (0..256_usize).prop_map(Change::KeyBit),
        2 => (0..256_usize).prop_map(Change::RBit),
        2 => (0..256_usize).prop_map(Change::SBit),
        1 => any::<prop::sample::Index>().prop_map(Change::MessageBit),
        1 => (1..15_usize).prop_map(Change::SByOrder),
        1 => Just(Change::KeyByPrime),
        1 => Just(Change::RByPrime),
        1 => (0..8_usize).prop_map(Change::KeyOfSmallOrder),
        1 => (0..8_usize).prop_map(Change::ROfSmallOrder),
        1 => Just(Change::SOfZero),
        1 => Just(Change::NegatedR),
        1 => Just(Change::NegatedKey),
    ]
}

impl Signed {
    fn change(&mut self, change: &Change) {
        match change {
            Change::Nothing => {}
            Change::KeyBit(bit) => flip(&mut self.key, *bit),
            Change::RBit(bit) => flip(&mut self.r, *bit),
            Change::SBit(bit) => flip(&mut self.s, *bit),
            Change::MessageBit(index) if !self.message.is_empty() => {
                let bit = index.index(self.message.len() * 8);
                flip(&mut self.message, bit);
            }
            Change::MessageBit(_) => self.message.push(0),
            Change::SByOrder(times) => (0..*times).for_each(|_| add(&mut self.s, &ORDER)),
            Change::KeyByPrime => add(&mut self.key, &PRIME),
            Change::RByPrime => add(&mut self.r, &PRIME),
            Change::KeyOfSmallOrder(index) => self.key = EIGHT_TORSION[*index].compress().0,
            Change::ROfSmallOrder(index) => self.r = EIGHT_TORSION[*index].compress().0,
            Change::SOfZero => self.s = [0; 32],
            Change::NegatedR => self.r[31] ^= 0x80,
            Change::NegatedKey => self.key[31] ^= 0x80,
        }
    }

    fn signature(&self) -> [u8; 64] {
        [self.r, self.s].concat().try_into().unwrap()
    }

    /// Our verdict, with a table and without.
    fn ours(&self) -> bool {
        let Some(key) = ed25519::VerifyingKey::from_bytes(self.key) else {
            return false;
        };
        let without = key.verifies(&self.message, &self.signature());
        key.prepare();
        let with_table = key.verifies(&self.message, &self.signature());
        assert_eq!(with_table, without, "{self:02x?}");
        without
    }

    fn compacts(&self) -> bool {
        let key = ed25519_compact::PublicKey::new(self.key);
        let signature = ed25519_compact::Signature::new(self.signature());
        key.verify(&self.message, &signature).is_ok()
    }

    fn has_torsion(&self) -> bool {
        [self.key, self.r].iter().any(|bytes| {
            let point = CompressedEdwardsY(*bytes).decompress();
            point.is_some_and(|point| !point.is_torsion_free())
        })
    }

    fn theirs(&self) -> bool {
        VerifyingKey::from_bytes(&self.key).is_ok_and(|key| {
            let signature = Signature::from_bytes(&self.signature());
            key.verify_strict(&self.message, &signature).is_ok()
        })
    }
}

fn flip(bytes: &mut [u8], bit: usize) {
    bytes[bit / 8] ^= 1 << (bit % 8);
}

/// Adds little-endian integers; what doesn't fit is lost.
fn add(to: &mut [u8; 32], other: &[u8; 32]) {
    let mut carry = 0;
    for (byte, other) in to.iter_mut().zip(other) {
        carry += u16::from(*byte) + u16::from(*other);
        *byte = carry.to_le_bytes()[0];
        carry >>= 8;
    }
}

fn scalar() -> impl Strategy<Value = Scalar> {
    any::<[u8; 32]>().prop_map(Scalar::from_bytes_mod_order)
}

proptest! {
    #![proptest_config(inputs(6_000))]

    #[test]
    fn verdicts_are_those_of_verify_strict(
        secret in scalar(),
        nonce in scalar(),
        torsion in prop_oneof![4 => Just([0, 0]), 1 => [0..8_usize, 0..8_usize]],
        message in vec(any::<u8>(), 0..64),
        changes in vec(change(), 1..3),
    ) {
        let mut signed = sign(secret, nonce, torsion, &message);
        changes.iter().for_each(|change| signed.change(change));
        let ours = signed.ours();
        prop_assert_eq!(ours, signed.theirs(), "{:02x?}", signed);
        match (ours, signed.compacts()) {
            (false, true) => prop_assert!(signed.has_torsion(), "{:02x?}", signed),
            (ours, compacts) => prop_assert_eq!(ours, compacts, "{:02x?}", signed),
        }
    }

    #[test]
    fn torsion_that_cancels_out_is_the_only_torsion_taken(
        secret in scalar(),
        nonce in scalar(),
        torsion in [0..8_usize, 0..8_usize],
        message in vec(any::<u8>(), 1..16),
    ) {
        let signed = sign(secret, nonce, torsion, &message);
        prop_assert_eq!(signed.ours(), cancels_out(&signed, torsion));
    }
}

#[test]
fn a_key_with_a_table_takes_only_its_own_signatures() {
    let secrets: Vec<Scalar> = (1..=8_u64)
        .map(|seed| Scalar::from(seed).invert())
        .collect();
    let signed: Vec<Signed> = secrets
        .iter()
        .map(|secret| sign(*secret, Scalar::from(7_u8), [0, 0], b"message"))
        .collect();
    for own in &signed {
        let key = ed25519::VerifyingKey::from_bytes(own.key).unwrap();
        key.prepare();
        for other in &signed {
            let is_own = own.key == other.key;
            assert_eq!(key.verifies(b"message", &other.signature()), is_own);
        }
    }
}

/// `sB − kA = R` holds just where `k` times the key's torsion cancels that of `R`.
fn cancels_out(signed: &Signed, torsion: [usize; 2]) -> bool {
    let hash = Sha512::new()
        .chain_update(signed.r)
        .chain_update(signed.key)
        .chain_update(&signed.message);
    let k = Scalar::from_bytes_mod_order_wide(&hash.finalize().into());
    let [of_key, of_r] = torsion.map(|index| EIGHT_TORSION[index]);
    let is_prime_order = |point: EdwardsPoint| !point.is_small_order();
    let decompressed = |bytes| CompressedEdwardsY(bytes).decompress().unwrap();
    of_r == -(of_key * k)
        && is_prime_order(decompressed(signed.key))
        && is_prime_order(decompressed(signed.r))
}
