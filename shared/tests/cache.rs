//! The cache of verified tokens: it answers nothing it wasn't given, holds no more than it may, and
//! keeps what is in use.

#![allow(
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use allocation_counter::measure;
use proptest::collection::vec;
use proptest::prelude::*;
use signet_verifier::Cache;

const MOST_TOKENS: usize = 1_024;
const MOST_WEIGHT: usize = 2 * 1_024 * 1_024;
/// The most weight of one token that is kept.
const HEAVIEST: usize = MOST_WEIGHT / 10;
const STAMP: u64 = 7;

/// A token like no other, with a signature like no other.
fn token(number: usize) -> Vec<u8> {
    token_with(number, number)
}

/// A token of 300 bytes, and the signature to find it by.
fn token_with(content: usize, signature: usize) -> Vec<u8> {
    // Multiplying by an odd number tells all numbers apart, as signatures do.
    let signature = (signature as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    format!("{content:0>213}.{signature:016x}{:0>70}", content).into_bytes()
}

fn cache_of(tokens: impl IntoIterator<Item = usize>) -> Cache<usize> {
    let mut cache = Cache::new();
    for number in tokens {
        cache.keep(&token(number), STAMP, 0, number);
    }
    cache
}

/// How many of these tokens are found.
fn found(cache: &mut Cache<usize>, tokens: impl IntoIterator<Item = usize>) -> usize {
    let is_found = |number: &usize| cache.find(&token(*number), STAMP) == Some(*number);
    tokens.into_iter().filter(is_found).count()
}

#[test]
fn a_token_is_found_as_what_it_became() {
    let mut cache = cache_of([1, 2]);
    assert_eq!(cache.find(&token(1), STAMP), Some(1));
    assert_eq!(cache.find(&token(2), STAMP), Some(2));
    assert_eq!(cache.find(&token(3), STAMP), None);
}

#[test]
fn a_token_that_differs_in_one_bit_is_not_found() {
    let mut cache = cache_of([1]);
    for at in 0..token(1).len() {
        for bit in 0..8 {
            let mut other = token(1);
            other[at] ^= 1 << bit;
            assert_eq!(cache.find(&other, STAMP), None, "bit {bit} of byte {at}");
        }
    }
    assert_eq!(cache.find(&token(1), STAMP), Some(1));
}

#[test]
fn a_token_that_is_longer_or_shorter_is_not_found() {
    let mut cache = cache_of([1]);
    for at in 1..=token(1).len() {
        assert_eq!(cache.find(&token(1)[at..], STAMP), None);
        assert_eq!(cache.find(&token(1)[..token(1).len() - at], STAMP), None);
    }
    assert_eq!(cache.find(&[&b"0"[..], &token(1)].concat(), STAMP), None);
}

#[test]
fn two_tokens_with_one_beginning_of_a_signature_are_told_apart() {
    let [one, other] = [token_with(1, 1), token_with(2, 1)];
    let mut cache = Cache::new();
    cache.keep(&one, STAMP, 0, "one");
    assert_eq!(cache.find(&other, STAMP), None);
    assert_eq!(cache.find(&one, STAMP), Some("one"));
    cache.keep(&other, STAMP, 0, "other");
    assert_eq!(cache.find(&other, STAMP), Some("other"));
    assert_eq!(cache.find(&one, STAMP), None);
}

#[test]
fn a_token_of_another_stamp_is_a_miss_and_leaves() {
    let mut cache = Cache::new();
    let value = Arc::new(());
    cache.keep(&token(1), STAMP, 0, Arc::clone(&value));
    assert_eq!(Arc::strong_count(&value), 2);
    assert_eq!(cache.find(&token(1), STAMP + 1), None);
    assert_eq!(Arc::strong_count(&value), 1);
    assert_eq!(cache.find(&token(1), STAMP), None);
}

#[test]
fn a_token_is_kept_again_under_another_stamp() {
    let mut cache = cache_of([1]);
    assert_eq!(cache.find(&token(1), STAMP + 1), None);
    cache.keep(&token(1), STAMP + 1, 0, 2);
    assert_eq!(cache.find(&token(1), STAMP + 1), Some(2));
}

#[test]
fn a_full_cache_is_kept_again_under_another_stamp_and_loses_none() {
    let mut cache = cache_of(0..MOST_TOKENS);
    for number in 0..MOST_TOKENS {
        assert_eq!(cache.find(&token(number), STAMP + 1), None);
        cache.keep(&token(number), STAMP + 1, 0, number);
    }
    for number in 0..MOST_TOKENS {
        assert_eq!(cache.find(&token(number), STAMP + 1), Some(number));
    }
}

#[test]
fn tokens_that_are_good_under_no_stamp_any_more_give_way_to_new_ones() {
    let mut cache = Cache::new();
    keep_and_use(&mut cache, 0..MOST_TOKENS);
    for number in 0..MOST_TOKENS {
        assert_eq!(cache.find(&token(number), STAMP + 1), None);
    }
    let new = 2_000..2_000 + MOST_TOKENS;
    for number in new.clone() {
        cache.keep(&token(number), STAMP, 0, number);
    }
    assert_eq!(found(&mut cache, new), MOST_TOKENS);
}

#[test]
fn a_cleared_cache_finds_nothing() {
    let mut cache = cache_of(0..2_000);
    cache.clear();
    assert_eq!(found(&mut cache, 0..2_000), 0);
    cache.keep(&token(1), STAMP, 0, 1);
    assert_eq!(found(&mut cache, 0..2_000), 1);
}

#[test]
fn what_is_too_short_for_a_token_is_not_kept() {
    let mut cache = Cache::new();
    for length in 0..86 {
        cache.keep(&vec![b'A'; length], STAMP, 0, length);
        assert_eq!(cache.find(&vec![b'A'; length], STAMP), None);
    }
    cache.keep(&[b'A'; 86], STAMP, 0, 86);
    assert_eq!(cache.find(&[b'A'; 86], STAMP), Some(86));
}

#[test]
fn a_token_that_takes_a_tenth_of_the_room_is_kept_and_a_heavier_one_is_not() {
    let room = HEAVIEST - token(1).len();
    let mut cache = Cache::new();
    cache.keep(&token(1), STAMP, room, ());
    cache.keep(&token(2), STAMP, room + 1, ());
    cache.keep(&token(3), STAMP, usize::MAX, ());
    assert_eq!(cache.find(&token(1), STAMP), Some(()));
    assert_eq!(cache.find(&token(2), STAMP), None);
    assert_eq!(cache.find(&token(3), STAMP), None);
}

#[test]
fn what_is_not_kept_leaves_nothing_older_in_its_place() {
    let mut cache = cache_of([1]);
    cache.keep(&token(1), STAMP, MOST_WEIGHT, 2);
    assert_eq!(cache.find(&token(1), STAMP), None);
}

#[test]
fn there_is_room_for_1024_tokens() {
    let mut cache = cache_of(0..MOST_TOKENS);
    assert_eq!(found(&mut cache, 0..MOST_TOKENS), MOST_TOKENS);
    cache.keep(&token(MOST_TOKENS), STAMP, 0, MOST_TOKENS);
    assert_eq!(found(&mut cache, 0..=MOST_TOKENS), MOST_TOKENS);
}

#[test]
fn the_room_is_measured_in_bytes_too() {
    let weight = 64 * 1_024;
    let mut cache = Cache::new();
    for number in 0..100 {
        cache.keep(&token(number), STAMP, weight - token(number).len(), number);
    }
    assert_eq!(found(&mut cache, 0..100), MOST_WEIGHT / weight);
}

#[test]
fn a_hundred_thousand_tokens_used_once_flush_none_in_use() {
    let hot = 0..300;
    let mut cache = cache_of(hot.clone());
    for _ in 0..2 {
        assert_eq!(found(&mut cache, hot.clone()), 300);
    }
    for number in 1_000..101_000 {
        assert_eq!(cache.find(&token(number), STAMP), None);
        cache.keep(&token(number), STAMP, 0, number);
    }
    assert_eq!(found(&mut cache, hot), 300);
}

#[test]
fn heavy_tokens_used_once_flush_none_in_use() {
    let hot = 0..300;
    let mut cache = cache_of(hot.clone());
    for _ in 0..2 {
        assert_eq!(found(&mut cache, hot.clone()), 300);
    }
    for number in 1_000..3_000 {
        let weight = HEAVIEST - token(number).len();
        cache.keep(&token(number), STAMP, weight / (1 + number % 7), number);
    }
    assert_eq!(found(&mut cache, hot), 300);
}

#[test]
fn tokens_in_use_stay_through_a_change_of_keys_and_a_flood() {
    let hot = 0..300;
    let mut cache = cache_of(hot.clone());
    let mut flood = 1_000..;
    for stamp in STAMP + 1..STAMP + 20 {
        for number in hot.clone() {
            assert_eq!(cache.find(&token(number), stamp), None);
            cache.keep(&token(number), stamp, 0, number);
            assert_eq!(cache.find(&token(number), stamp), Some(number));
        }
        for number in flood.by_ref().take(3_000) {
            cache.keep(&token(number), stamp, 0, number);
        }
        let is_found = |number: &usize| cache.find(&token(*number), stamp).is_some();
        assert_eq!(hot.clone().filter(is_found).count(), 300);
    }
}

#[test]
fn a_token_that_comes_back_soon_after_it_left_stays() {
    let mut cache = cache_of(0..1_500);
    assert_eq!(cache.find(&token(0), STAMP), None);
    cache.keep(&token(0), STAMP, 0, 0);
    for number in 2_000..5_000 {
        cache.keep(&token(number), STAMP, 0, number);
    }
    assert_eq!(cache.find(&token(0), STAMP), Some(0));
}

#[test]
fn a_token_that_was_asked_for_once_more_passes_by_and_one_that_was_twice_stays() {
    let mut cache = cache_of([0, 1]);
    assert_eq!(found(&mut cache, [0, 1]), 2);
    assert_eq!(found(&mut cache, [1]), 1);
    for number in 2..2_000 {
        cache.keep(&token(number), STAMP, 0, number);
    }
    assert_eq!(cache.find(&token(0), STAMP), None);
    assert_eq!(cache.find(&token(1), STAMP), Some(1));
}

/// Fills the main queue, so that it has to give: each of these tokens is asked for twice.
fn keep_and_use(cache: &mut Cache<usize>, tokens: std::ops::Range<usize>) {
    for number in tokens {
        cache.keep(&token(number), STAMP, 0, number);
        assert_eq!(found(cache, [number, number]), 2);
    }
}

#[test]
fn among_tokens_in_use_those_that_are_asked_for_outlive_the_others() {
    let mut cache = Cache::new();
    keep_and_use(&mut cache, 0..1_500);
    let there = (0..1_500).filter(|number| found(&mut cache, [*number]) == 1);
    let in_use: Vec<usize> = there.skip(200).take(300).collect();
    for thousand in 2..10 {
        for _ in 0..3 {
            assert_eq!(found(&mut cache, in_use.iter().copied()), 300);
        }
        let from = thousand * 1_000;
        keep_and_use(&mut cache, from..from + 300);
    }
    assert_eq!(found(&mut cache, in_use), 300);
}

#[test]
fn a_token_that_was_asked_for_very_often_leaves_in_the_end() {
    let mut cache = Cache::new();
    keep_and_use(&mut cache, 0..1);
    for _ in 0..300 {
        assert_eq!(cache.find(&token(0), STAMP), Some(0));
    }
    keep_and_use(&mut cache, 1..6_000);
    assert_eq!(cache.find(&token(0), STAMP), None);
}

#[test]
fn what_was_in_use_makes_way_for_what_is() {
    let mut cache = cache_of(0..MOST_TOKENS);
    for _ in 0..5 {
        assert_eq!(found(&mut cache, 0..MOST_TOKENS), MOST_TOKENS);
    }
    let next = 2_000..2_500;
    for _ in 0..10 {
        for number in next.clone() {
            if cache.find(&token(number), STAMP).is_none() {
                cache.keep(&token(number), STAMP, 0, number);
            }
        }
    }
    assert_eq!(found(&mut cache, next), 500);
}

#[test]
fn a_full_cache_takes_its_weight_and_little_more() {
    let held = |length: usize, count: usize| {
        measure(|| {
            let mut cache = Cache::new();
            for number in 0..count {
                cache.keep(&token(number), STAMP, length, Arc::new(vec![0_u8; length]));
            }
            drop(cache);
        })
    };
    for (length, count) in [(0, 5_000), (2_000, 5_000), (20_000, 1_000)] {
        let taken = held(length, count);
        let most = (MOST_WEIGHT + 512 * 1_024) as u64;
        assert!(taken.bytes_max < most, "{length}: {}", taken.bytes_max);
        assert_eq!(taken.bytes_current, 0, "all of it is given back");
    }
}

#[test]
fn a_hit_allocates_nothing() {
    let mut cache = cache_of(0..500);
    let token = token(250);
    let taken = measure(|| assert_eq!(cache.find(&token, STAMP), Some(250)));
    assert_eq!(taken.count_total, 0);
}

#[derive(Clone, Debug)]
enum Step {
    Find {
        token: usize,
        stamp: u64,
    },
    Keep {
        token: usize,
        stamp: u64,
        weight: usize,
    },
    Clear,
}

fn step() -> impl Strategy<Value = Step> {
    // A few tokens are in use, most come by once; every fourth has another's signature.
    let token = || prop_oneof![3 => 0..50_usize, 2 => 0..4_000_usize];
    let stamp = || prop_oneof![9 => Just(STAMP), 1 => 0..4_u64];
    let weight = prop_oneof![20 => 0..600_usize, 4 => 0..30_000_usize, 1 => 0..HEAVIEST + 9];
    prop_oneof![
        1_000 => (token(), stamp()).prop_map(|(token, stamp)| Step::Find { token, stamp }),
        1_000 => (token(), stamp(), weight)
            .prop_map(|(token, stamp, weight)| Step::Keep { token, stamp, weight }),
        1 => Just(Step::Clear),
    ]
}

fn bytes_of(token: usize) -> Vec<u8> {
    token_with(token, if token % 4 == 3 { token - 1 } else { token })
}

/// What was kept last of each token, without bounds, and everything that was ever given.
#[derive(Default)]
struct Model {
    kept: HashMap<usize, (u64, Weak<usize>)>,
    given: Vec<(usize, Weak<usize>)>,
}

impl Model {
    /// How many values the cache still holds, and what they weigh with their tokens.
    fn held(&mut self) -> (usize, usize) {
        self.given.retain(|(_, value)| value.strong_count() > 0);
        let weights = self.given.iter().map(|(weight, _)| weight);
        (self.given.len(), weights.sum())
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(60) })]

    #[test]
    fn it_answers_only_what_it_was_given_and_holds_no_more_than_it_may(
        steps in vec(step(), 1..6_000),
    ) {
        let mut cache: Cache<Arc<usize>> = Cache::new();
        let mut model = Model::default();
        for (number, step) in steps.into_iter().enumerate() {
            match step {
                Step::Find { token, stamp } => {
                    let found = cache.find(&bytes_of(token), stamp);
                    let kept = model.kept.get(&token).filter(|(kept, _)| *kept == stamp);
                    if let Some(found) = found {
                        prop_assert!(kept.is_some(), "{token} was never kept under {stamp}");
                        prop_assert_eq!(*found, *kept.unwrap().1.upgrade().unwrap());
                    } else if kept.is_none() {
                        let outdated = model.kept.remove(&token);
                        prop_assert!(outdated.is_none_or(|(_, value)| value.strong_count() == 0));
                    }
                }
                Step::Keep { token, stamp, weight } => {
                    let whole = bytes_of(token).len() + weight;
                    let value = Arc::new(number);
                    model.kept.insert(token, (stamp, Arc::downgrade(&value)));
                    model.given.push((whole, Arc::downgrade(&value)));
                    cache.keep(&bytes_of(token), stamp, weight, value);
                    let found = cache.find(&bytes_of(token), stamp);
                    let is_found = found.is_some_and(|found| *found == number);
                    prop_assert_eq!(is_found, whole <= HEAVIEST);
                }
                Step::Clear => cache.clear(),
            }
            if number % 50 == 0 {
                let (tokens, weight) = model.held();
                prop_assert!(tokens <= MOST_TOKENS && weight <= MOST_WEIGHT);
            }
        }
    }

    #[test]
    fn any_bytes_are_looked_up_and_kept_without_panic(texts in vec(vec(any::<u8>(), 0..200), 1..50)) {
        let mut cache = Cache::new();
        for text in &texts {
            cache.keep(text, STAMP, 0, text.len());
            let found = cache.find(text, STAMP);
            prop_assert_eq!(found, (text.len() >= 86).then_some(text.len()));
        }
    }
}
