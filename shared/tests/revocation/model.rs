//! Feeds of all kinds in any order, against a model that looks everything up in sets.

use std::collections::{BTreeMap, BTreeSet};

use proptest::collection::{btree_map, btree_set, vec};
use proptest::prelude::*;
use signet_verifier::revocation::{Applied, FeedFault};
use signet_verifier::{Rejection, Revocations};

use crate::feed::{Feed, LEEWAY, NOW, apply_with, is_disowned, is_fresh, revokes};
use crate::inputs;

const NAMES: [&str; 6] = ["a", "b", "c", "d", "e", "f"];
const KIDS: [&str; 3] = ["main", "second", "old"];
/// The sets of keys that there may be at a time.
const SETS: [&[&str]; 3] = [&["main", "second"], &["main"], &["second"]];

type Names = BTreeSet<&'static str>;

#[derive(Clone, Debug, Default, Eq, PartialEq)]
struct Lists {
    sessions: Names,
    subjects: BTreeMap<&'static str, u64>,
    kids: Names,
}

/// A feed that arrives.
#[derive(Clone, Debug)]
struct Arrival {
    now: u64,
    epoch: u64,
    seq: u64,
    iat: u64,
    exp: u64,
    delta: Option<(u64, Names)>,
    lists: Lists,
    signer: &'static str,
    /// The keys of the set when it arrives.
    keys: &'static [&'static str],
}

impl Arrival {
    fn feed(&self) -> Feed {
        let feed = match &self.delta {
            None => Feed::snapshot(self.epoch, self.seq),
            Some((since, left)) => {
                Feed::delta(self.epoch, *since, self.seq).drops(&Vec::from_iter(left))
            }
        };
        let lists = self.lists.clone();
        feed.with("iat", self.iat)
            .with("exp", self.exp)
            .ends(&Vec::from_iter(lists.sessions))
            .least_versions(&Vec::from_iter(lists.subjects))
            .refuses(&Vec::from_iter(lists.kids))
            .signed_by(self.signer)
    }
}

#[derive(Clone, Debug, Default)]
struct Model(Option<State>);

#[derive(Clone, Debug)]
struct State {
    number: (u64, u64),
    iat: u64,
    exp: u64,
    lists: Lists,
    signer: &'static str,
}

impl Model {
    fn apply(&mut self, feed: &Arrival) -> Result<Applied, FeedFault> {
        if !feed.keys.contains(&feed.signer) {
            return Err(FeedFault::Envelope(Rejection::UnknownKid));
        }
        let number = (feed.epoch, feed.seq);
        let state = self.0.as_ref();
        let is_disowned = self.is_disowned(feed.keys);
        if !is_disowned && state.is_some_and(|state| state.lists.kids.contains(feed.signer)) {
            return Err(FeedFault::RefusedKey);
        }
        if feed.iat > feed.now + LEEWAY {
            return Err(FeedFault::IssuedInFuture);
        }
        if feed.exp > feed.iat + 30 || feed.exp < feed.iat {
            return Err(FeedFault::Lifetime);
        }
        if feed
            .delta
            .as_ref()
            .is_some_and(|(since, _)| *since > feed.seq)
        {
            return Err(FeedFault::BadClaim("since"));
        }
        // Where nobody vouches for what is in force, it is as if nothing were.
        let state = state.filter(|_| !is_disowned || feed.now >= feed.exp);
        if state.is_some_and(|state| number < state.number) {
            return Err(FeedFault::Rollback);
        }
        if state.is_some_and(|state| number == state.number && feed.iat <= state.iat) {
            return Ok(Applied::AlreadyKnown);
        }
        let base = feed.delta.as_ref().map(|(since, _)| (feed.epoch, *since));
        let of_one_key = state.filter(|state| state.signer == feed.signer);
        if base.is_some() && base != of_one_key.map(|state| state.number) {
            return Err(FeedFault::Gap);
        }
        let is_same_number = of_one_key.is_some_and(|state| state.number == number);
        let mut lists = match of_one_key {
            Some(state) if is_same_number || base.is_some() => state.lists.clone(),
            _ => Lists::default(),
        };
        if let Some((_, left)) = &feed.delta {
            lists.sessions.retain(|session| !left.contains(session));
        }
        lists.sessions.extend(&feed.lists.sessions);
        lists.kids.extend(&feed.lists.kids);
        for (subject, version) in &feed.lists.subjects {
            let least = lists.subjects.entry(subject).or_default();
            *least = (*version).max(*least);
        }
        let is_changed = state.is_none_or(|state| state.lists != lists);
        let exp = match of_one_key {
            Some(state) if is_same_number => feed.exp.max(state.exp),
            _ => feed.exp,
        };
        let iat = feed.iat;
        self.0 = Some(State {
            number,
            iat,
            exp,
            lists,
            signer: feed.signer,
        });
        Ok(if is_changed {
            Applied::Changed
        } else {
            Applied::Extended
        })
    }

    fn is_disowned(&self, keys: &[&str]) -> bool {
        let state = self.0.as_ref();
        state.is_some_and(|state| !keys.contains(&state.signer))
    }

    fn is_fresh(&self, now: u64) -> bool {
        self.0.as_ref().is_some_and(|state| now < state.exp)
    }

    fn revokes(&self, kid: &str, session: &str, subject: &str, version: u64) -> bool {
        self.0.as_ref().is_some_and(|State { lists, .. }| {
            lists.kids.contains(kid)
                || lists.sessions.contains(session)
                || lists
                    .subjects
                    .get(subject)
                    .is_some_and(|least| version < *least)
        })
    }
}

fn names() -> impl Strategy<Value = Names> {
    btree_set(prop::sample::select(&NAMES[..]), 0..4)
}

fn lists() -> impl Strategy<Value = Lists> {
    let subjects = btree_map(prop::sample::select(&NAMES[..]), 0..3_u64, 0..3);
    let kids = prop_oneof![
        3 => Just(Names::new()),
        3 => Just(Names::from(["old"])),
        1 => btree_set(prop::sample::select(&KIDS[..]), 0..2),
    ];
    (names(), subjects, kids).prop_map(|(sessions, subjects, kids)| Lists {
        sessions,
        subjects,
        kids,
    })
}

fn arrival() -> impl Strategy<Value = Arrival> {
    let epoch = prop_oneof![8 => Just(1), 1 => 0..3_u64];
    let delta = prop::option::of((0..6_u64, names()));
    let life = prop_oneof![10 => Just(30_i64), 1 => -1..32_i64];
    let signer = prop::sample::select(&KIDS[..2]);
    let keys = prop_oneof![4 => Just(SETS[0]), 1 => prop::sample::select(&SETS[1..])];
    let numbers = (epoch, 0..6_u64, delta, 0..65_u64, life);
    (numbers, 0..120_u64, 0..40_u64, lists(), signer, keys).prop_map(
        |((epoch, seq, delta, ahead, life), age, passed, lists, signer, keys)| {
            let iat = NOW + ahead - age.saturating_sub(60);
            Arrival {
                now: NOW + passed,
                epoch,
                seq,
                iat,
                exp: iat.saturating_add_signed(life),
                delta,
                lists,
                signer,
                keys,
            }
        },
    )
}

proptest! {
    #![proptest_config(inputs(400))]

    #[test]
    fn whatever_arrives_is_taken_or_ignored_as_the_model_says(arrivals in vec(arrival(), 1..25)) {
        let mut revocations = Revocations::default();
        let mut model = Model::default();
        for arrival in arrivals {
            let before = revocations.clone();
            let text = arrival.feed().text();
            let applied = apply_with(&mut revocations, arrival.keys, &text, arrival.now);
            prop_assert_eq!(applied, model.apply(&arrival), "{:?}", arrival);
            if !matches!(applied, Ok(Applied::Changed | Applied::Extended)) {
                prop_assert_eq!(&revocations, &before);
            }
            prop_assert_eq!(revocations.position(), model.0.as_ref().map(|state| state.number));
            for keys in SETS {
                prop_assert_eq!(is_disowned(&revocations, keys), model.is_disowned(keys));
            }
            for now in NOW - 70..NOW + 70 {
                prop_assert_eq!(is_fresh(&revocations, now), model.is_fresh(now));
            }
            for kid in KIDS {
                for name in NAMES {
                    for version in 0..3 {
                        for (session, subject) in [(name, "g"), ("g", name), (name, name)] {
                            prop_assert_eq!(
                                revokes(&revocations, kid, session, subject, version),
                                model.revokes(kid, session, subject, version)
                            );
                        }
                    }
                }
            }
        }
    }
}
