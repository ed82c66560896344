//! Whether aws-lc-rs, which nothing else of ours links, has the same verdicts: on signatures with a
//! bit changed, with `S` beyond the order, and with key or `R` of small order.
//!
//! It computes the same sum and compares the same bytes, but refuses no small order. So beside what
//! we take it may take signatures of a key of small order, as in speccheck's cases 0 and 1, and ones
//! whose `R` is, as in case 2. Any other difference ends the program.

use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use ed25519_dalek::{Signer as _, SigningKey};
use sha2::{Digest as _, Sha512};
use signet_verifier::ed25519::VerifyingKey;

use crate::report::Report;

/// How many signatures are tried.
const INPUTS: u64 = 20_000;

/// The order of the group, little-endian.
const ORDER: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

/// The neutral element, and the point of order 2.
const OF_SMALL_ORDER: [[u8; 32]; 2] = {
    let mut neutral = [0; 32];
    neutral[0] = 1;
    let mut of_order_2 = [0xff; 32];
    of_order_2[0] = 0xec;
    of_order_2[31] = 0x7f;
    [neutral, of_order_2]
};

struct Signed {
    key: [u8; 32],
    message: [u8; 32],
    r: [u8; 32],
    s: [u8; 32],
}

pub(crate) fn run(report: &mut Report) {
    report.heading("Agreement with aws-lc-rs");
    let (mut taken, mut differing) = (0_u64, 0_u64);
    for number in 0..INPUTS {
        let signed = Signed::make(number);
        let ours = signed.ours();
        let theirs = signed.theirs();
        let is_of_small_order =
            OF_SMALL_ORDER.contains(&signed.key) || OF_SMALL_ORDER.contains(&signed.r);
        assert!(
            ours == theirs || (theirs && is_of_small_order),
            "input {number}"
        );
        taken += u64::from(ours);
        differing += u64::from(ours != theirs);
    }
    assert!(taken > INPUTS / 100, "most of the good ones must be taken");
    report.fact("signatures tried", &INPUTS.to_string());
    report.fact("taken by both", &taken.to_string());
    report.fact(
        "taken by aws-lc-rs alone (small order)",
        &differing.to_string(),
    );
}

impl Signed {
    /// The signature of that number, changed in a way that depends on it.
    fn make(number: u64) -> Self {
        let secret: [u8; 64] = Sha512::digest(number.to_le_bytes()).into();
        let secret = SigningKey::from_bytes(secret.first_chunk().unwrap());
        let random: [u8; 64] = Sha512::digest(number.to_be_bytes()).into();
        let (message, random) = random.split_first_chunk().unwrap();
        let signature = secret.sign(message);
        let mut signed = Self {
            key: secret.verifying_key().to_bytes(),
            message: *message,
            r: *signature.r_bytes(),
            s: *signature.s_bytes(),
        };
        let bit = usize::from(random[1]);
        let small = OF_SMALL_ORDER[bit % 2];
        match random[0] % 8 {
            0 => {}
            1 => flip(&mut signed.key, bit),
            2 => flip(&mut signed.message, bit),
            3 => flip(&mut signed.r, bit),
            4 => flip(&mut signed.s, bit),
            5 => (0..1 + bit % 14).for_each(|_| add_order(&mut signed.s)),
            6 => signed.r = small,
            _ => (signed.key, signed.r, signed.s) = (small, small, [0; 32]),
        }
        signed
    }

    fn signature(&self) -> [u8; 64] {
        [self.r, self.s].concat().try_into().unwrap()
    }

    fn ours(&self) -> bool {
        VerifyingKey::from_bytes(self.key).is_some_and(|key| {
            key.prepare();
            key.verifies(&self.message, &self.signature())
        })
    }

    fn theirs(&self) -> bool {
        let key = UnparsedPublicKey::new(&ED25519, self.key);
        key.verify(&self.message, &self.signature()).is_ok()
    }
}

fn flip(bytes: &mut [u8; 32], bit: usize) {
    bytes[bit / 8] ^= 1 << (bit % 8);
}

fn add_order(s: &mut [u8; 32]) {
    let mut carry = 0;
    for (byte, other) in s.iter_mut().zip(ORDER) {
        carry += u16::from(*byte) + u16::from(other);
        *byte = carry.to_le_bytes()[0];
        carry >>= 8;
    }
}
