//! An honest issuer with a history, and a network between it and an edge that loses, repeats and
//! reorders: whatever arrives, the edge holds exactly what the issuer said at some number.

use std::collections::{BTreeMap, BTreeSet};

use proptest::collection::vec;
use proptest::prelude::*;
use signet_verifier::Revocations;

use crate::feed::{Feed, NOW, apply, is_over};
use crate::inputs;

const SESSIONS: u8 = 12;

/// What happens at the issuer.
#[derive(Clone, Debug)]
enum Event {
    /// A session ends.
    End(u8),
    /// The tokens of a session that ended are all over.
    Leave(u8),
    /// The database goes back to what it was so many changes ago, and the epoch rises.
    Restore(usize),
}

/// The issuer's lists of sessions by number.
struct Issuer {
    states: BTreeMap<(u64, u64), BTreeSet<String>>,
    number: (u64, u64),
}

impl Issuer {
    fn after(events: &[Event]) -> Self {
        let number = (1, 0);
        let mut issuer = Self {
            states: BTreeMap::from([(number, BTreeSet::new())]),
            number,
        };
        for event in events {
            let mut sessions = issuer.states[&issuer.number].clone();
            let (epoch, seq) = issuer.number;
            issuer.number = (epoch, seq + 1);
            match event {
                Event::End(session) => drop(sessions.insert(format!("s{session}"))),
                Event::Leave(session) => drop(sessions.remove(&format!("s{session}"))),
                Event::Restore(changes) => {
                    let back = issuer.states.iter().rev().nth(*changes);
                    let (&(_, seq), then) = back.unwrap_or(issuer.states.iter().next().unwrap());
                    sessions = then.clone();
                    issuer.number = (epoch + 1, seq);
                }
            }
            issuer.states.insert(issuer.number, sessions);
        }
        issuer
    }

    /// The feed of a number: a delta to another number of its epoch, or a snapshot.
    fn feed(&self, number: (u64, u64), base: Option<(u64, u64)>) -> Feed {
        let now = &self.states[&number];
        match base.filter(|(epoch, seq)| *epoch == number.0 && *seq <= number.1) {
            None => Feed::snapshot(number.0, number.1).ends(&Vec::from_iter(now)),
            Some(base) => {
                let then = &self.states[&base];
                Feed::delta(number.0, base.1, number.1)
                    .ends(&Vec::from_iter(now.difference(then)))
                    .drops(&Vec::from_iter(then.difference(now)))
            }
        }
    }
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        6 => (0..SESSIONS).prop_map(Event::End),
        3 => (0..SESSIONS).prop_map(Event::Leave),
        1 => (0..6_usize).prop_map(Event::Restore),
    ]
}

/// A feed under way: of which number, to which one if it is a delta, and when it was signed.
type Sent = (prop::sample::Index, Option<prop::sample::Index>, u64);

fn sent() -> impl Strategy<Value = Sent> {
    let base = prop::option::weighted(0.7, any::<prop::sample::Index>());
    (any::<prop::sample::Index>(), base, NOW - 40..NOW)
}

proptest! {
    #![proptest_config(inputs(200))]

    #[test]
    fn an_edge_holds_what_the_issuer_said_at_its_number(
        events in vec(event(), 1..20),
        sent in vec(sent(), 1..40),
    ) {
        let issuer = Issuer::after(&events);
        let numbers: Vec<(u64, u64)> = issuer.states.keys().copied().collect();
        let mut edge = Revocations::default();
        for (number, base, iat) in sent {
            let number = *number.get(&numbers);
            let base = base.map(|base| *base.get(&numbers));
            let before = edge.position();
            let _any = apply(&mut edge, &issuer.feed(number, base).signed_at(iat));
            prop_assert!(edge.position() >= before, "the edge went back in time");
            let Some(position) = edge.position() else { continue };
            for session in (0..SESSIONS).map(|session| format!("s{session}")) {
                let is_ended = issuer.states[&position].contains(&session);
                prop_assert_eq!(is_over(&edge, &session), is_ended, "{} at {:?}", session, position);
            }
        }
        let _any = apply(&mut edge, &issuer.feed(issuer.number, None));
        prop_assert_eq!(edge.position(), Some(issuer.number), "a snapshot always catches up");
    }
}
