//! C: the signature. Every input here is that of a good token; only the last segment is not.

use curve25519_dalek::Scalar;
use ed25519_dalek::Signer as _;
use sha2::{Digest as _, Sha512};

use super::case::{ACCEPT, Case};
use super::curve;
use super::mint::{
    Members, base64url, good_token, key, main_key, signed_by, split, with_signature,
};

/// The seed of the main key.
const SEED: u8 = 1;

/// Every case of the family.
pub(crate) fn cases() -> Vec<Case> {
    let good = good_token();
    let [h, p, _] = split(&good);
    let input = format!("{h}.{p}");
    let public = main_key().verifying_key().to_bytes();
    let mut cases = scalars(&input);
    cases.extend(points(&input, public));
    cases.extend(mixed(&input));
    cases.extend(domains(&input, public));
    cases.extend(other_messages(&input, h, p));
    cases.extend(other_keys());
    cases.extend(flips(&input));
    cases
}

fn honest(input: &str) -> ([u8; 32], [u8; 32]) {
    let signature = main_key().sign(input.as_bytes());
    (*signature.r_bytes(), *signature.s_bytes())
}

fn refused(id: &str, note: &str, input: &str, signature: [u8; 64]) -> Case {
    Case::new(id, note, with_signature(input, signature), "bad_signature")
}

/// C01: each bit of the signature, and some of what it covers.
fn flips(input: &str) -> Vec<Case> {
    let (r, s) = honest(input);
    let signature = curve::join(r, s);
    let mut cases = Vec::new();
    for bit in 0..512 {
        let mut flipped = signature;
        flipped[bit / 8] ^= 1 << (bit % 8);
        cases.push(refused(
            "C01",
            &format!("bit {bit} flipped"),
            input,
            flipped,
        ));
    }
    for (note, signature) in [
        ("all zeroes", [0; 64]),
        ("all ones", [0xFF; 64]),
        ("halves exchanged", curve::join(s, r)),
        ("R of another signature", curve::join(honest("other").0, s)),
        ("S of another signature", curve::join(r, honest("other").1)),
    ] {
        cases.push(refused("C01", note, input, signature));
    }
    cases
}

/// C02: S beside its one value below the group's order.
fn scalars(input: &str) -> Vec<Case> {
    let (r, s) = honest(input);
    let twice = curve::add(curve::ORDER, curve::ORDER);
    let high_bit = |bit: u8| {
        let mut s = s;
        s[31] |= bit;
        s
    };
    let mut below = curve::ORDER;
    below[0] -= 1;
    [
        ("S + L", curve::add(s, curve::ORDER)),
        ("S + 2L", curve::add(s, twice)),
        ("S + 4L", curve::add(s, curve::add(twice, twice))),
        ("S = L", curve::ORDER),
        ("S = L - 1", below),
        ("S = 2L", twice),
        ("S = 0", [0; 32]),
        ("S with bit 253", high_bit(0x20)),
        ("S with bit 254", high_bit(0x40)),
        ("S with bit 255", high_bit(0x80)),
        ("S all ones", [0xFF; 32]),
    ]
    .map(|(note, s)| refused("C02", note, input, curve::join(r, s)))
    .into()
}

/// C03 and C05: R in a spelling that isn't canonical, or of small order, and S to fit it.
fn points(input: &str, public: [u8; 32]) -> Vec<Case> {
    let secret = curve::scalar(SEED);
    let forged =
        |r, nonce: &Scalar| curve::signature(r, nonce, (public, &secret), (&[], input.as_bytes()));
    let mut cases = Vec::new();
    for (number, r) in curve::odd_small_order_points().into_iter().enumerate() {
        let note = format!("R of small order in odd spelling {number}, the equation holds for 0");
        cases.push(refused("C03", &note, input, forged(r, &Scalar::ZERO)));
    }
    for (number, r) in curve::odd_points().into_iter().take(4).enumerate() {
        let note = format!("R with y beyond the field, {number}");
        cases.push(refused("C03", &note, input, forged(r, &curve::nonce(1))));
    }
    for (number, r) in curve::small_order_points().into_iter().enumerate() {
        let note = format!("R of small order {number}, the equation holds with the cofactor");
        cases.push(refused("C05", &note, input, forged(r, &Scalar::ZERO)));
    }
    for (number, r) in curve::no_points().into_iter().enumerate() {
        let note = format!("R is no point, {number}");
        cases.push(refused("C03", &note, input, forged(r, &curve::nonce(1))));
    }
    let nonce = curve::nonce(1);
    let r = curve::base_times(&nonce).compress().to_bytes();
    let token = with_signature(input, forged(r, &nonce));
    cases.push(Case::new(
        "C05",
        "an R that we chose, but of full order",
        token,
        ACCEPT,
    ));
    let negated = (-curve::base_times(&nonce)).compress().to_bytes();
    cases.push(refused(
        "C05",
        "the negative of R",
        input,
        forged(negated, &nonce),
    ));
    cases
}

/// C06 and C07: a key with a part of small order. It serves, but its equation has no cofactor.
fn mixed(input: &str) -> Vec<Case> {
    let message = input.as_bytes();
    let good = with_signature(input, curve::mixed_signature(SEED, message));
    let cofactored = curve::cofactored_signature(SEED, message);
    let note = "a key and an R of mixed order, the equation holds without the cofactor";
    vec![
        Case::new("C06", note, good, ACCEPT).with("jwks", "mixed-order"),
        refused(
            "C07",
            "the equation holds only with the cofactor",
            input,
            cofactored,
        )
        .with("jwks", "mixed-order"),
        refused(
            "C07",
            "the same under the key without the small part",
            input,
            cofactored,
        ),
    ]
}

/// C08: the signatures of RFC 8032 that are for other purposes.
fn domains(input: &str, public: [u8; 32]) -> Vec<Case> {
    let nonce = curve::nonce(8);
    let r = curve::base_times(&nonce).compress().to_bytes();
    let secret = curve::scalar(SEED);
    let domain = |flag: u8, context: &[u8]| {
        let length = u8::try_from(context.len()).expect("short");
        [
            b"SigEd25519 no Ed25519 collisions",
            &[flag, length][..],
            context,
        ]
        .concat()
    };
    let hash = Sha512::digest(input);
    [
        ("Ed25519ph", domain(1, b""), &hash[..]),
        ("Ed25519ph with a context", domain(1, b"at+jwt"), &hash[..]),
        ("Ed25519ctx", domain(0, b"at+jwt"), input.as_bytes()),
        (
            "Ed25519ctx with an empty context",
            domain(0, b""),
            input.as_bytes(),
        ),
        ("Ed25519 over the hash", Vec::new(), &hash[..]),
    ]
    .map(|(note, domain, message)| {
        let signature = curve::signature(r, &nonce, (public, &secret), (&domain, message));
        refused("C08", note, input, signature)
    })
    .into()
}

/// C09: signatures over something that is nearly the input.
fn other_messages(input: &str, h: &str, p: &str) -> Vec<Case> {
    let header = Members::header().text();
    let claims = Members::claims().text();
    let spaced = claims.replace(':', ": ");
    [
        ("the decoded segments", format!("{header}.{claims}")),
        (
            "the decoded segments without a dot",
            format!("{header}{claims}"),
        ),
        ("the header alone", h.into()),
        ("the payload alone", p.into()),
        ("the decoded payload alone", claims),
        ("the payload before the header", format!("{p}.{h}")),
        ("re-encoded JSON", format!("{h}.{}", base64url(spaced))),
        ("the input and the dot behind it", format!("{input}.")),
        ("the input without its dot", format!("{h}{p}")),
        ("nothing", String::new()),
    ]
    .map(|(note, message)| {
        let signature = main_key().sign(message.as_bytes()).to_bytes();
        refused("C09", &format!("over {note}"), input, signature)
    })
    .into()
}

/// C10: a good signature, but of another key.
fn other_keys() -> Vec<Case> {
    let header = |kid: &str| Members::header().with("kid", kid).text();
    let claims = Members::claims().text();
    let good = good_token();
    let [h, _, s] = split(&good);
    let raised = Members::claims().and("roles", "[\"admin\"]").text();
    vec![
        Case::new(
            "C10",
            "the second key's token with the first's kid",
            signed_by(&key(2), header("\"main\""), &claims),
            "bad_signature",
        ),
        Case::new(
            "C10",
            "the first key's token with the second's kid",
            signed_by(&key(1), header("\"second\""), &claims),
            "bad_signature",
        ),
        Case::new(
            "C10",
            "the second key's token",
            signed_by(&key(2), header("\"second\""), &claims),
            ACCEPT,
        ),
        Case::new(
            "C10",
            "a key of nobody",
            signed_by(&key(77), header("\"main\""), &claims),
            "bad_signature",
        ),
        Case::new(
            "C10",
            "a role written into the payload",
            format!("{h}.{}.{s}", base64url(raised)),
            "bad_signature",
        ),
    ]
}
