//! Scalars as digits with a sign, of which a table needs only half: where a digit would be over
//! half of the base, the base is taken off and the next digit is one more.

use curve25519_dalek::scalar::Scalar;

/// The bits of a scalar, but for one: the order of the group is a little over 2^252.
const BITS: usize = 252;

/// How many digits of `WIDTH` bits a scalar has.
pub(super) const fn count(width: usize) -> usize {
    BITS.div_ceil(width)
}

/// The greatest value of the last digit, from which nothing is taken off: what 2^252 is in its place.
pub(super) const fn greatest_last(width: usize) -> usize {
    1 << BITS.saturating_sub(count(width).saturating_sub(1).saturating_mul(width))
}

/// The digits of `scalar` in base 2^`WIDTH`, the least first. Each is above −2^(`WIDTH` − 1) and at
/// most 2^(`WIDTH` − 1), the last from 0 to [`greatest_last`]. `WIDTH` is at most 9.
pub(super) fn signed<const WIDTH: usize>(scalar: &Scalar) -> impl Iterator<Item = i32> {
    const { assert!(WIDTH <= 9, "two bytes hold a digit wherever it begins") };
    let base = 1_i32 << WIDTH;
    let last = count(WIDTH).saturating_sub(1);
    let mut carry = 0;
    (0..=last).map(move |index| {
        let bits = bits_from(scalar.as_bytes(), index.saturating_mul(WIDTH));
        if index == last {
            return bits.saturating_add(carry);
        }
        let digit = (bits & base.saturating_sub(1)).saturating_add(carry);
        let is_over_half = digit > base >> 1;
        carry = i32::from(is_over_half);
        digit.saturating_sub(if is_over_half { base } else { 0 })
    })
}

/// The bits from `position` on, 9 of them at least where there are as many.
fn bits_from(bytes: &[u8; 32], position: usize) -> i32 {
    let byte = |index: usize| bytes.get(index).copied().unwrap_or_default();
    let index = position / 8;
    let two = u16::from_le_bytes([byte(index), byte(index.saturating_add(1))]);
    i32::from(two >> (position % 8))
}

#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "a test fails by panicking")]
mod tests {
    use alloc::vec::Vec;

    use proptest::prelude::*;

    use super::*;

    /// Scalars from anywhere, and from where carries run through: all ones, and the ends.
    fn scalars() -> impl Strategy<Value = Scalar> {
        let power = |bits: u32| (0..bits).fold(Scalar::ONE, |power, _| power + power);
        prop_oneof![
            any::<[u8; 32]>().prop_map(Scalar::from_bytes_mod_order),
            any::<u64>().prop_map(|small| -Scalar::from(small)),
            (0..253_u32).prop_map(move |bits| power(bits) - Scalar::ONE),
            (0..253_u32).prop_map(power),
        ]
    }

    fn check<const WIDTH: usize>(scalar: Scalar) -> Result<(), TestCaseError> {
        let digits: Vec<i32> = signed::<WIDTH>(&scalar).collect();
        prop_assert_eq!(digits.len(), count(WIDTH));

        let (last, others) = digits.split_last().unwrap();
        let half = 1 << (WIDTH - 1);
        prop_assert!(others.iter().all(|digit| (1 - half..=half).contains(digit)));
        let greatest_last = i32::try_from(greatest_last(WIDTH)).unwrap();
        prop_assert!((0..=greatest_last).contains(last));

        let base = Scalar::from(1_u64 << WIDTH);
        let sum = digits.iter().rev().fold(Scalar::ZERO, |sum, digit| {
            let size = Scalar::from(digit.unsigned_abs());
            sum * base + if *digit < 0 { -size } else { size }
        });
        prop_assert_eq!(sum, scalar);
        // To a point with torsion a scalar and one by the order more are different.
        prop_assert_eq!(digits[0] & 7, i32::from(scalar.as_bytes()[0] & 7));
        Ok(())
    }

    proptest! {
        #[test]
        fn digits_are_small_and_make_up_the_scalar(scalar in scalars()) {
            check::<4>(scalar)?;
            check::<5>(scalar)?;
            check::<6>(scalar)?;
            check::<7>(scalar)?;
            check::<8>(scalar)?;
            check::<9>(scalar)?;
        }
    }

    #[test]
    fn the_greatest_scalar_has_the_greatest_last_digit() {
        let last = |scalar| signed::<7>(&scalar).last();
        assert_eq!(last(-Scalar::ONE), Some(128));
        assert_eq!(last(Scalar::ZERO), Some(0));
    }
}
