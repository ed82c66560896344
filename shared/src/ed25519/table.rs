//! Multiples of one point, so many that each of its products is the sum of a few dozen of them.
#![expect(
    clippy::arithmetic_side_effects,
    reason = "points don't overflow, and no table has 2^12 entries"
)]

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::cmp::Ordering;
use core::iter::successors;

use curve25519_dalek::edwards::EdwardsPoint;
use curve25519_dalek::scalar::Scalar;

use super::digits;

/// A row for each digit of `WIDTH` bits: the point times every value from 1 on that the digit may
/// have in its place. Signs are left to the addition.
pub(super) struct Table<const WIDTH: usize> {
    /// One row after the other; the last may be longer or shorter.
    multiples: Box<[EdwardsPoint]>,
}

impl<const WIDTH: usize> Table<WIDTH> {
    /// The length of a row.
    const ROW: usize = 1 << (WIDTH - 1);
    /// How many rows of that length there are.
    const ROWS: usize = digits::count(WIDTH) - 1;
    /// The length of the last row.
    const LAST_ROW: usize = digits::greatest_last(WIDTH);

    pub(super) fn of(point: EdwardsPoint) -> Self {
        let mut multiples = Vec::with_capacity(Self::ROWS * Self::ROW + Self::LAST_ROW);
        let mut unit = point;
        for _ in 0..Self::ROWS {
            multiples.extend(multiples_of(unit).take(Self::ROW));
            // A row ends with half of what the next one counts in.
            unit = multiples.last().map_or(unit, |half| half + half);
        }
        multiples.extend(multiples_of(unit).take(Self::LAST_ROW));
        Self {
            multiples: multiples.into_boxed_slice(),
        }
    }

    /// `sum` and `scalar` times the point, in a time that tells of the scalar.
    ///
    /// `None` would be a scalar with a digit that has no entry. There is none.
    pub(super) fn add_product(
        &self,
        mut sum: EdwardsPoint,
        scalar: &Scalar,
    ) -> Option<EdwardsPoint> {
        for (row, digit) in digits::signed::<WIDTH>(scalar).enumerate() {
            let multiple = || {
                let before = usize::try_from(digit.unsigned_abs()).ok()?.checked_sub(1)?;
                self.multiples.get(row * Self::ROW + before)
            };
            match digit.cmp(&0) {
                Ordering::Greater => sum += multiple()?,
                Ordering::Less => sum -= multiple()?,
                Ordering::Equal => {}
            }
        }
        Some(sum)
    }
}

/// 1, 2, 3, … times the point.
fn multiples_of(point: EdwardsPoint) -> impl Iterator<Item = EdwardsPoint> {
    successors(Some(point), move |multiple| Some(multiple + point))
}
