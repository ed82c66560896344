//! When a key gets its table: at its sixteenth use, or when its host says so.
//!
//! A table takes as long as a dozen checks without one, and 380 kB. A host that lives for a single
//! token shall pay nothing, and one that stays has it back before the hundredth. Nobody waits for a
//! table: whoever counts the sixteenth use builds it, and the others go without until it is there.
//! The widths were chosen by measuring: docs/adr/0006-tables-per-key.md.

use alloc::boxed::Box;
use core::sync::atomic::{AtomicU32, Ordering};

use curve25519_dalek::constants::ED25519_BASEPOINT_POINT;
use curve25519_dalek::edwards::EdwardsPoint;
use curve25519_dalek::scalar::Scalar;
use curve25519_dalek::traits::Identity as _;
use once_cell::race::OnceBox;

use super::table::Table;

/// The use at which a key gets its table.
const USES: u32 = 16;

/// Multiples of the base point, for all keys. One bit wider than theirs, as there is one of it.
static BASE_POINT: OnceBox<Table<8>> = OnceBox::new();

/// A key's table, once it is worth its time.
#[derive(Default)]
pub(super) struct Prepared {
    uses: AtomicU32,
    /// Multiples of `−A`.
    table: OnceBox<Table<7>>,
}

impl Prepared {
    /// `sB − kA`, if the tables are there.
    pub(super) fn sum(&self, s: &Scalar, k: &Scalar) -> Option<EdwardsPoint> {
        let sum = self.table.get()?.add_product(EdwardsPoint::identity(), k)?;
        BASE_POINT.get()?.add_product(sum, s)
    }

    pub(super) fn is_built(&self) -> bool {
        self.table.get().is_some()
    }

    pub(super) fn count_use(&self, negated: &EdwardsPoint) {
        if !self.is_built() && self.uses.fetch_add(1, Ordering::Relaxed) == USES - 1 {
            self.build(negated);
        }
    }

    pub(super) fn build(&self, negated: &EdwardsPoint) {
        BASE_POINT.get_or_init(|| Box::new(Table::of(ED25519_BASEPOINT_POINT)));
        self.table.get_or_init(|| Box::new(Table::of(*negated)));
    }
}
