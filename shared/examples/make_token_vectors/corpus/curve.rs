//! Signatures and points that no honest signer makes, from the equation of RFC 8032, section 5.1.6
//! with its parts chosen freely.

use curve25519_dalek::constants::EIGHT_TORSION;
use curve25519_dalek::edwards::{CompressedEdwardsY, EdwardsPoint};
use curve25519_dalek::scalar::{Scalar, clamp_integer};
use sha2::{Digest as _, Sha512};

/// The order of the base point, little-endian.
pub(crate) const ORDER: [u8; 32] = [
    0xED, 0xD3, 0xF5, 0x5C, 0x1A, 0x63, 0x12, 0x58, 0xD6, 0x9C, 0xF7, 0xA2, 0xDE, 0xF9, 0xDE, 0x14,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

/// The private scalar that belongs to a seed, as [`super::mint::key`] makes it.
pub(crate) fn scalar(seed: u8) -> Scalar {
    let hash = Sha512::digest([seed; 32]);
    let low: [u8; 32] = hash[..32].try_into().expect("half of 64 bytes");
    Scalar::from_bytes_mod_order(clamp_integer(low))
}

/// Numbers that stand in for the nonce: without secrecy, and the same on every machine.
pub(crate) fn nonce(number: u32) -> Scalar {
    let hash = Sha512::digest(number.to_le_bytes());
    Scalar::from_bytes_mod_order_wide(&hash.into())
}

pub(crate) fn base_times(scalar: &Scalar) -> EdwardsPoint {
    EdwardsPoint::mul_base(scalar)
}

fn challenge(domain: &[u8], r: &[u8; 32], a: &[u8; 32], message: &[u8]) -> Scalar {
    let hash = Sha512::new()
        .chain_update(domain)
        .chain_update(r)
        .chain_update(a)
        .chain_update(message)
        .finalize();
    Scalar::from_bytes_mod_order_wide(&hash.into())
}

/// `R ‖ S` with `S = nonce + k · secret`, where `k` is taken over the encodings as they are given.
pub(crate) fn signature(
    r: [u8; 32],
    nonce: &Scalar,
    (a, secret): ([u8; 32], &Scalar),
    (domain, message): (&[u8], &[u8]),
) -> [u8; 64] {
    let s = nonce + challenge(domain, &r, &a, message) * secret;
    join(r, s.to_bytes())
}

pub(crate) fn join(r: [u8; 32], s: [u8; 32]) -> [u8; 64] {
    let mut signature = [0; 64];
    signature[..32].copy_from_slice(&r);
    signature[32..].copy_from_slice(&s);
    signature
}

/// A public key with a part of order 8 beside the part that the seed's scalar gives.
pub(crate) fn mixed_key(seed: u8) -> [u8; 32] {
    let point = base_times(&scalar(seed)) + EIGHT_TORSION[1];
    point.compress().to_bytes()
}

/// A signature under [`mixed_key`] for which the equation holds without the cofactor.
pub(crate) fn mixed_signature(seed: u8, message: &[u8]) -> [u8; 64] {
    let a = mixed_key(seed);
    for number in 0.. {
        let nonce = nonce(number);
        for torsion in EIGHT_TORSION {
            let r = (base_times(&nonce) + torsion).compress().to_bytes();
            let k = challenge(&[], &r, &a, message);
            if torsion == -(EIGHT_TORSION[1] * k) {
                return signature(r, &nonce, (a, &scalar(seed)), (&[], message));
            }
        }
    }
    unreachable!("one in eight nonces will do")
}

/// A signature under [`mixed_key`] for which the equation holds only when multiplied by 8.
pub(crate) fn cofactored_signature(seed: u8, message: &[u8]) -> [u8; 64] {
    let a = mixed_key(seed);
    let (r, nonce) = (0..)
        .map(|number| {
            let nonce = nonce(number);
            (base_times(&nonce).compress().to_bytes(), nonce)
        })
        .find(|(r, _)| EIGHT_TORSION[1] * challenge(&[], r, &a, message) != EIGHT_TORSION[0])
        .expect("seven in eight nonces will do");
    signature(r, &nonce, (a, &scalar(seed)), (&[], message))
}

/// The eight points of small order in their canonical encodings.
pub(crate) fn small_order_points() -> [[u8; 32]; 8] {
    EIGHT_TORSION.map(|point| point.compress().to_bytes())
}

/// The encodings of points of small order that are not canonical.
pub(crate) fn odd_small_order_points() -> [[u8; 32]; 6] {
    let zero = field_element(0, false);
    let one = field_element(1, false);
    let mut minus_one = field_element(0, false);
    minus_one[0] -= 1;
    let mut plain_one = [0; 32];
    plain_one[0] = 1;
    [
        zero,
        with_sign(zero),
        one,
        with_sign(one),
        with_sign(plain_one),
        with_sign(minus_one),
    ]
}

/// `p + above`, little-endian, where `p = 2^255 - 19`.
pub(crate) fn field_element(above: u8, sign: bool) -> [u8; 32] {
    let mut bytes = [0xFF; 32];
    bytes[0] = 0xED + above;
    bytes[31] = if sign { 0xFF } else { 0x7F };
    bytes
}

pub(crate) fn with_sign(mut encoded: [u8; 32]) -> [u8; 32] {
    encoded[31] |= 0x80;
    encoded
}

/// Encodings of `y >= p` of points that are not of small order.
pub(crate) fn odd_points() -> Vec<[u8; 32]> {
    (2..=18)
        .flat_map(|above| [field_element(above, false), field_element(above, true)])
        .filter(|encoded| CompressedEdwardsY(*encoded).decompress().is_some())
        .collect()
}

/// Encodings of a `y` to which no point belongs.
pub(crate) fn no_points() -> Vec<[u8; 32]> {
    (2..=40)
        .map(|y| {
            let mut encoded = [0; 32];
            encoded[0] = y;
            encoded
        })
        .filter(|encoded| CompressedEdwardsY(*encoded).decompress().is_none())
        .take(4)
        .collect()
}

/// Adds two little-endian numbers of 256 bits; what goes beyond is lost.
pub(crate) fn add(left: [u8; 32], right: [u8; 32]) -> [u8; 32] {
    let mut carry = 0;
    let mut sum = [0; 32];
    for (place, byte) in sum.iter_mut().enumerate() {
        carry += u16::from(left[place]) + u16::from(right[place]);
        *byte = carry.to_le_bytes()[0];
        carry >>= 8;
    }
    sum
}
