//! Keys: how long a set takes to load and a table to build, and what a check costs when tokens of
//! several keys take turns, whose tables drive each other out of the processor's caches.

use signet_verifier::Verifier;
use signet_verifier::ed25519::VerifyingKey;
use signet_verifier::keyset::{KeySet, Tables};
use signet_verifier::time::UnixTime;

use super::sample::{AUDIENCE, ISSUER, Sample, jwks, key_set};
use crate::measure::{Subject, fastest};
use crate::report::{Report, Target};

/// The most keys of a set.
const MOST_KEYS: usize = 32;

pub(super) fn run(report: &mut Report, now: u64) {
    let samples: Vec<Sample> = (1..)
        .take(MOST_KEYS)
        .map(|seed| Sample::make(seed, now))
        .collect();
    take_turns(report, &samples, UnixTime::from_secs(now));

    report.heading("Keys, milliseconds");
    let jwks = jwks(&samples);
    let key = samples.first().unwrap().key.to_bytes();
    let mut subjects = [
        Subject::new("a set of 32 keys loaded", || {
            KeySet::from_jwks(jwks.as_bytes()).unwrap()
        }),
        Subject::new("a key read, and its table built", || {
            VerifyingKey::from_bytes(key).unwrap().prepare();
        }),
    ];
    let times = fastest(&mut subjects);
    for ((subject, time), most) in subjects.iter().zip(times).zip([5.0, 1.0]) {
        report.figure(subject.name, time / 1_000.0, "ms", Target::AtMost(most));
    }
}

fn take_turns(report: &mut Report, samples: &[Sample], now: UnixTime) {
    report.heading("Tokens of several keys in turn, microseconds for one token");
    let verifier = Verifier::new(ISSUER, [AUDIENCE]);
    let keys = key_set(samples).with_tables(Tables::Eager);
    let counts = [
        ("1 key", 1),
        ("4 keys", 4),
        ("16 keys", 16),
        ("32 keys", 32),
    ];
    let mut subjects = counts.map(|(name, count)| {
        let mut turns = samples.iter().take(count).cycle();
        let (verifier, keys) = (&verifier, &keys);
        Subject::new(name, move || {
            let token = turns.next().unwrap().token.as_bytes();
            verifier.verify(token, keys, now).unwrap()
        })
    });
    for (time, (name, _)) in fastest(&mut subjects).into_iter().zip(counts) {
        report.figure(name, time, "µs", Target::None);
    }
}
