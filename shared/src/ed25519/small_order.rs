//! The eight points whose order divides 8, by their encodings: a comparison is cheaper than the
//! three doublings that would tell as well.

/// The `y` of all of them: two points have 0, one each has 1 and −1, and four have one of the
/// other two.
#[rustfmt::skip]
const ORDINATES: [[u8; 32]; 5] = [
    [0; 32],
    [
        0x01, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    ],
    [
        0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f,
    ],
    [
        0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0,
        0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05,
    ],
    [
        0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f,
        0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a,
    ],
];

/// Whether a canonical encoding is that of a point of small order. The sign of `x` doesn't matter.
pub(super) fn is_of_small_order(encoded: &[u8; 32]) -> bool {
    let mut ordinate = *encoded;
    let [.., last] = &mut ordinate;
    *last &= 0x7f;
    ORDINATES.contains(&ordinate)
}

#[cfg(test)]
mod tests {
    use curve25519_dalek::constants::{ED25519_BASEPOINT_POINT, EIGHT_TORSION};

    use super::*;

    #[test]
    fn the_points_of_small_order_are_these_eight() {
        for point in EIGHT_TORSION {
            assert!(is_of_small_order(&point.compress().0));
        }
        let found = EIGHT_TORSION.map(|point| {
            let mut ordinate = point.compress().0;
            ordinate[31] &= 0x7f;
            ordinate
        });
        assert!(ORDINATES.iter().all(|ordinate| found.contains(ordinate)));
    }

    #[test]
    fn a_point_beside_them_is_not_one() {
        for torsion in EIGHT_TORSION {
            let point = ED25519_BASEPOINT_POINT + torsion;
            assert!(!is_of_small_order(&point.compress().0));
        }
    }
}
