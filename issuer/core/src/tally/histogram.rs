//! How long something took, in classes that are the same for all time.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Counts durations by class.
#[derive(Debug)]
pub struct Histogram {
    /// The longest duration of each class, rising.
    bounds: &'static [Duration],
    /// How many fell into each class; the last one has no bound.
    classes: Box<[AtomicU64]>,
    microseconds: AtomicU64,
}

/// What a [`Histogram`] has counted.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Observed {
    /// Each bound, and how many durations were at most that long.
    pub up_to: Vec<(Duration, u64)>,
    /// How many durations there were.
    pub count: u64,
    /// How long they were in all.
    pub sum: Duration,
}

impl Histogram {
    /// One whose classes end at these bounds, which must rise.
    #[must_use]
    pub fn new(bounds: &'static [Duration]) -> Self {
        Self {
            bounds,
            classes: (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect(),
            microseconds: AtomicU64::new(0),
        }
    }

    /// Counts one.
    pub fn observe(&self, duration: Duration) {
        let class = self.bounds.partition_point(|bound| *bound < duration);
        if let Some(class) = self.classes.get(class) {
            class.fetch_add(1, Ordering::Relaxed);
        }
        let microseconds = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        self.microseconds.fetch_add(microseconds, Ordering::Relaxed);
    }

    /// What was counted so far.
    #[must_use]
    pub fn read(&self) -> Observed {
        let sum = Duration::from_micros(self.microseconds.load(Ordering::Relaxed));
        let mut count: u64 = 0;
        let mut running = self.classes.iter().map(|class| {
            count = count.saturating_add(class.load(Ordering::Relaxed));
            count
        });
        let up_to = self.bounds.iter().copied().zip(running.by_ref()).collect();
        // The class without a bound.
        let count = running.last().unwrap_or_default();
        Observed { up_to, count, sum }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: &[Duration] = &[Duration::from_millis(1), Duration::from_millis(10)];

    #[test]
    fn a_duration_counts_up_to_every_bound_that_it_is_not_beyond() {
        let histogram = Histogram::new(BOUNDS);
        for microseconds in [0, 1_000, 1_001, 10_000, 10_001, 5_000_000] {
            histogram.observe(Duration::from_micros(microseconds));
        }
        let observed = histogram.read();
        let counts: Vec<u64> = observed.up_to.iter().map(|(_, count)| *count).collect();
        assert_eq!((counts.as_slice(), observed.count), (&[2, 4][..], 6));
        assert_eq!(observed.sum, Duration::from_micros(5_022_002));
    }
}
