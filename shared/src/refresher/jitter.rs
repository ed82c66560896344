//! Chance for schedules, and for nothing that must not be guessed: SplitMix64 (Steele, Lea, Flood:
//! "Fast Splittable Pseudorandom Number Generators", OOPSLA 2014).

use core::time::Duration;

use crate::time::whole_millis;

/// A sequence of numbers that its seed determines.
#[derive(Clone, Debug)]
pub(super) struct Jitter {
    state: u64,
}

impl Jitter {
    pub(super) const fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// Some number of milliseconds between the two, both included.
    pub(super) fn between(&mut self, (shortest, longest): (Duration, Duration)) -> Duration {
        let [shortest, longest] = [shortest, longest].map(whole_millis);
        let count = longest.saturating_sub(shortest).saturating_add(1);
        let more = self.next().checked_rem(count).unwrap_or(0);
        Duration::from_millis(shortest.saturating_add(more))
    }

    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = self.state;
        let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_those_of_the_published_generator() {
        let mut jitter = Jitter::new(1_234_567);
        let numbers = [(); 3].map(|()| jitter.next());
        assert_eq!(
            numbers,
            [
                6_457_827_717_110_365_317,
                3_203_168_211_198_807_973,
                9_817_491_932_198_370_423
            ]
        );
    }

    #[test]
    fn every_duration_between_the_two_comes_and_no_other() {
        let [shortest, longest] = [7, 10].map(Duration::from_millis);
        let mut jitter = Jitter::new(0);
        let mut seen = [0_u32; 11];
        for _ in 0..1_000 {
            let chosen = jitter.between((shortest, longest));
            seen[usize::try_from(chosen.as_millis()).unwrap()] += 1;
        }
        assert!(seen[7..].iter().all(|count| *count > 150), "{seen:?}");
        assert_eq!(seen[..7], [0; 7]);
    }
}
