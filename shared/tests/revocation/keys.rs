//! Keys that sign feeds come and go, and one may be in somebody else's hands: what is in force, one
//! key has signed, and counts for as long as that key is one of the set.

use proptest::collection::vec;
use proptest::prelude::*;
use signet_verifier::revocation::{Applied, FeedFault};
use signet_verifier::{Rejection, Revocations};

use crate::feed::{Feed, LEEWAY, NOW, after, apply, apply_with, is_disowned, is_fresh, is_over};
use crate::inputs;

/// The keys of the set once `main` is withdrawn.
const WITHOUT_MAIN: &[&str] = &["second"];

/// Signed with `main` by whoever has that key as well: no honest number is as high.
fn forged() -> Feed {
    Feed::snapshot(u64::MAX, u64::MAX).ends(&["victim"])
}

/// The issuer's feed after `main` was withdrawn.
fn honest() -> Feed {
    let feed = Feed::snapshot(2, 11).signed_by("second");
    feed.ends(&["a"]).refuses(&["main"])
}

#[test]
fn while_its_key_is_there_a_forged_feed_outdoes_all_others() {
    let mut revocations = after([&forged()]);
    let applied = apply(&mut revocations, &honest());
    assert_eq!(applied, Err(FeedFault::Rollback));
    let mut revocations = after([&forged().refuses(&["second"])]);
    let applied = apply(&mut revocations, &honest());
    assert_eq!(applied, Err(FeedFault::RefusedKey));
    assert!(!is_disowned(&revocations, &["main", "second"]));
}

#[test]
fn when_its_key_is_gone_the_next_feed_counts_whatever_the_numbers() {
    for forged in [
        forged(),
        forged().refuses(&["second"]),
        forged().signed_at(NOW - 3_600),
        Feed::snapshot(2, 11).signed_at(NOW + LEEWAY),
        Feed::snapshot(2, 10).ends(&["a", "b"]),
    ] {
        let mut revocations = after([&forged]);
        let applied = apply_with(&mut revocations, WITHOUT_MAIN, &honest().text(), NOW);
        assert_eq!(applied, Ok(Applied::Changed));
        assert_eq!(revocations, after([&honest()]));
        assert!(!is_disowned(&revocations, WITHOUT_MAIN));
    }
}

#[test]
fn until_it_comes_a_feed_whose_key_is_gone_revokes_and_nobody_vouches_for_it() {
    let mut revocations = after([&forged()]);
    assert!(is_disowned(&revocations, WITHOUT_MAIN));
    assert!(!is_disowned(&Revocations::default(), WITHOUT_MAIN));
    for (feed, fault) in [
        (
            forged().signed_at(NOW + 1),
            FeedFault::Envelope(Rejection::UnknownKid),
        ),
        (honest().with("e", 7), FeedFault::BadClaim("e")),
    ] {
        let applied = apply_with(&mut revocations, WITHOUT_MAIN, &feed.text(), NOW);
        assert_eq!(applied, Err(fault));
        assert_eq!(revocations, after([&forged()]));
    }
    assert!(is_over(&revocations, "victim"));
}

#[test]
fn a_delta_takes_the_place_of_no_feed_whose_key_is_gone() {
    let of_numbers = |epoch, since, seq| Feed::delta(epoch, since, seq).signed_by("second");
    for (forged, delta) in [
        (forged(), of_numbers(2, 10, 11)),
        (forged(), of_numbers(u64::MAX, u64::MAX, u64::MAX)),
        (Feed::snapshot(2, 10), of_numbers(2, 10, 11)),
        (
            Feed::snapshot(2, 10).signed_at(NOW + LEEWAY),
            of_numbers(2, 10, 10),
        ),
    ] {
        let mut revocations = after([&forged]);
        let applied = apply_with(&mut revocations, WITHOUT_MAIN, &delta.text(), NOW);
        assert_eq!(applied, Err(FeedFault::Gap));
        assert_eq!(revocations, after([&forged]));
    }
}

#[test]
fn an_old_copy_sets_nobody_back() {
    for (age, taken) in [(29, Ok(Applied::Changed)), (30, Err(FeedFault::Rollback))] {
        let mut revocations = after([&forged()]);
        let copy = honest().signed_at(NOW - age);
        let applied = apply_with(&mut revocations, WITHOUT_MAIN, &copy.text(), NOW);
        assert_eq!(applied, taken, "{age} seconds old");
    }
    // One with a later number is taken for what it revokes, as ever.
    let mut revocations = after([&Feed::snapshot(2, 10)]);
    let copy = honest().signed_at(NOW - 30);
    let applied = apply_with(&mut revocations, WITHOUT_MAIN, &copy.text(), NOW);
    assert_eq!(applied, Ok(Applied::Changed));
    assert!(is_over(&revocations, "a") && !is_fresh(&revocations, NOW));
}

#[test]
fn after_a_rotation_what_was_signed_before_is_no_way_back() {
    let before = Feed::snapshot(2, 10).ends(&["a"]);
    let since = Feed::snapshot(2, 12).ends(&["b"]).signed_by("second");
    let mut revocations = after([&before, &since]);
    let anew = Feed::snapshot(2, 11).signed_by("second");
    for (copy, fault) in [
        (before, FeedFault::Envelope(Rejection::UnknownKid)),
        (anew, FeedFault::Rollback),
    ] {
        let applied = apply_with(&mut revocations, WITHOUT_MAIN, &copy.text(), NOW);
        assert_eq!(applied, Err(fault));
    }
    assert!(is_over(&revocations, "b"));
}

#[test]
fn a_delta_of_another_key_wants_a_snapshot() {
    let base = Feed::snapshot(2, 10).ends(&["a"]);
    let mut revocations = after([&base]);
    let delta = Feed::delta(2, 10, 11).signed_by("second");
    assert_eq!(apply(&mut revocations, &delta), Err(FeedFault::Gap));
    assert_eq!(revocations, after([&base]));
    let snapshot = Feed::snapshot(2, 11).ends(&["a"]).signed_by("second");
    let applied = apply(&mut revocations, &snapshot);
    assert_eq!(applied, Ok(Applied::Extended));
    let delta = Feed::delta(2, 11, 12).ends(&["b"]).signed_by("second");
    assert_eq!(apply(&mut revocations, &delta), Ok(Applied::Changed));
    assert!(is_over(&revocations, "a") && is_over(&revocations, "b"));
}

#[test]
fn what_another_key_signs_later_under_the_same_number_is_all_there_is() {
    let mut revocations = after([&Feed::snapshot(2, 10).ends(&["a"])]);
    let other = Feed::snapshot(2, 10).ends(&["b"]).signed_by("second");
    let applied = apply(&mut revocations, &other);
    assert_eq!(applied, Ok(Applied::AlreadyKnown));
    let other = other.with("iat", NOW + 1).with("exp", NOW + 6);
    let applied = apply(&mut revocations, &other);
    assert_eq!(applied, Ok(Applied::Changed));
    assert!(!is_over(&revocations, "a") && is_over(&revocations, "b"));
    assert!(is_fresh(&revocations, NOW + 5) && !is_fresh(&revocations, NOW + 6));
}

#[test]
fn a_thief_who_refuses_the_own_key_changes_nothing() {
    let mut revocations = after([&forged().refuses(&["main"])]);
    let applied = apply(&mut revocations, &honest());
    assert_eq!(applied, Err(FeedFault::Rollback));
    let applied = apply_with(&mut revocations, WITHOUT_MAIN, &honest().text(), NOW);
    assert_eq!(applied, Ok(Applied::Changed));
}

/// Keys in the order in which they come to sign.
const KEYS: [&str; 12] = [
    "k0", "k1", "k2", "k3", "k4", "k5", "k6", "k7", "k8", "k9", "k10", "k11",
];
/// For how long a key is published that signs no more, in seconds: a token's life, and clocks.
const RETIRED_FOR: u64 = 420;

/// What happens between an issuer and an edge, with a network between them that keeps everything,
/// and brings anything at any time.
#[derive(Clone, Debug)]
enum Event {
    /// Time passes.
    Pass(u64),
    /// A session ends.
    End,
    /// The next key signs.
    Rotate,
    /// The key that signs is withdrawn, and the next one signs.
    Revoke,
    /// The edge learns the key set.
    Keys,
    /// A feed arrives: of some time, and as a delta to that of another time.
    Arrive(prop::sample::Index, Option<prop::sample::Index>),
    /// One arrives that whoever has the first key has made up.
    Forge(u64, u64, bool),
}

/// A feed as it was at some time.
#[derive(Clone, Debug)]
struct Said {
    at: u64,
    seq: u64,
    by: &'static str,
}

impl Said {
    fn feed(&self, since: Option<u64>) -> Feed {
        let names = (0..self.seq).map(|number| format!("s{number}"));
        let names: Vec<String> = names.collect();
        let feed = match since.filter(|since| *since <= self.seq) {
            Some(since) => Feed::delta(1, since, self.seq).ends(&names[since as usize..]),
            None => Feed::snapshot(1, self.seq).ends(&names),
        };
        feed.signed_by(self.by).signed_at(self.at)
    }
}

struct World {
    now: u64,
    seq: u64,
    /// The place of the key that signs.
    active: usize,
    /// The places of those that did, and until when they are published.
    retired: Vec<(usize, u64)>,
    said: Vec<Said>,
    /// The keys that the edge has.
    keys: Vec<&'static str>,
    edge: Revocations,
}

impl World {
    fn new() -> Self {
        let mut world = Self {
            now: NOW,
            seq: 0,
            active: 0,
            retired: Vec::new(),
            said: Vec::new(),
            keys: Vec::new(),
            edge: Revocations::default(),
        };
        world.keys = world.published();
        world.say();
        world
    }

    /// The key set: the next key, the one that signs, and those that did a while ago.
    fn published(&self) -> Vec<&'static str> {
        let retired = self.retired.iter().filter(|(_, until)| self.now < *until);
        let retired = retired.map(|(place, _)| *place);
        let places = retired.chain([self.active, self.active + 1]);
        places.map(|place| KEYS[place]).collect()
    }

    fn say(&mut self) -> Said {
        let said = Said {
            at: self.now,
            seq: self.seq,
            by: KEYS[self.active],
        };
        self.said.push(said.clone());
        said
    }

    fn arrive(&mut self, feed: &Feed) -> Result<Applied, FeedFault> {
        apply_with(&mut self.edge, &self.keys, &feed.text(), self.now)
    }

    /// Has the next key sign, and answers which one did; none if there is none to be published then.
    fn promote(&mut self) -> Option<usize> {
        let next = self.active + 1;
        let is_last = next + 1 == KEYS.len();
        (!is_last).then(|| std::mem::replace(&mut self.active, next))
    }

    fn happens(&mut self, event: &Event) {
        match event {
            Event::Pass(seconds) => self.now += seconds,
            Event::End => self.seq += 1,
            Event::Rotate => {
                let until = self.now + RETIRED_FOR;
                let retired = self.promote().map(|place| (place, until));
                self.retired.extend(retired);
            }
            Event::Revoke => drop(self.promote()),
            Event::Keys => self.keys = self.published(),
            Event::Arrive(said, base) => {
                let base = base.as_ref().map(|base| base.get(&self.said).seq);
                let feed = said.get(&self.said).feed(base);
                let _any = self.arrive(&feed);
            }
            Event::Forge(seq, ahead, refuses_all) => {
                let feed = Feed::snapshot(1, *seq).signed_by(KEYS[0]);
                let feed = match refuses_all {
                    true => feed.refuses(&KEYS[1..]),
                    false => feed.ends(&["victim"]),
                };
                let _any = self.arrive(&feed.signed_at(self.now + ahead));
            }
        }
        self.say();
    }
}

fn event() -> impl Strategy<Value = Event> {
    let said = any::<prop::sample::Index>;
    let pass = prop_oneof![0..40_u64, 0..400_u64];
    prop_oneof![
        4 => pass.prop_map(Event::Pass),
        4 => Just(Event::End),
        1 => Just(Event::Rotate),
        1 => Just(Event::Revoke),
        3 => Just(Event::Keys),
        10 => (said(), prop::option::of(said())).prop_map(|(said, base)| Event::Arrive(said, base)),
    ]
}

fn forgery() -> impl Strategy<Value = Event> {
    let forged = (0..12_u64, 0..=LEEWAY, any::<bool>());
    forged.prop_map(|(seq, ahead, refuses_all)| Event::Forge(seq, ahead, refuses_all))
}

proptest! {
    #![proptest_config(inputs(300))]

    #[test]
    fn no_copy_sets_an_edge_back_but_one_of_the_last_half_minute_after_a_revocation(
        events in vec(event(), 1..60),
    ) {
        let mut world = World::new();
        let mut was_revoked = false;
        for event in &events {
            let before = world.edge.position();
            was_revoked |= matches!(event, Event::Revoke);
            world.happens(event);
            if world.edge.position() < before {
                prop_assert!(was_revoked, "a rotation was a way back");
                prop_assert!(is_fresh(&world.edge, world.now), "by an old copy");
            }
        }
        world.keys = world.published();
        let said = world.say();
        let _any = world.arrive(&said.feed(None));
        prop_assert_eq!(world.edge.position(), Some((1, world.seq)));
    }

    #[test]
    fn what_a_thief_has_signed_counts_no_more_when_the_key_is_gone(
        events in vec(prop_oneof![4 => event(), 1 => forgery()], 1..60),
    ) {
        let mut world = World::new();
        events.iter().for_each(|event| world.happens(event));
        if world.active == 0 {
            world.happens(&Event::Revoke);
        }
        world.now += RETIRED_FOR;
        world.keys = world.published();
        let said = world.say();
        let _any = world.arrive(&said.feed(None));
        let mut expected = Revocations::default();
        let now = world.now;
        apply_with(&mut expected, &world.keys, &said.feed(None).text(), now).unwrap();
        prop_assert_eq!(world.edge, expected);
    }
}
