//! A gate that has seen a lot decides as one that has seen nothing, but for keys and feeds: with
//! what it remembers and without, once and twice.

use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::json;
use signet_verifier::{Gate, KeySet};

use crate::inputs;
use crate::world::{FIRST, Key, NOW, SECOND, ask, key_set, policy, time};

/// What happens to a gate.
#[derive(Clone, Debug)]
enum Event {
    /// It gets keys, which are good for so many seconds.
    Keys(Vec<Key>, u64),
    /// It gets a feed that ends the session of somebody and outdates tokens of somebody.
    Feed(u64, &'static str, &'static str),
    /// Time passes, or is set back.
    Clock(i64),
    /// Somebody asks.
    Ask(usize, usize),
}

/// What an event does to a gate.
type Change = Box<dyn Fn(&mut Gate)>;

const SUBJECTS: [&str; 3] = ["ada", "bob", "cleo"];
const REQUESTS: [(&str, &str); 8] = [
    ("GET", "/open"),
    ("GET", "/greeting"),
    ("GET", "/profile"),
    ("GET", "/users/ada"),
    ("GET", "/agents/7"),
    ("POST", "/keys"),
    ("GET", "/unasked"),
    ("GET", "/nowhere"),
];

fn tokens() -> Vec<Vec<u8>> {
    let mut tokens = Vec::new();
    for key in [FIRST, SECOND, FIRST.replaced()] {
        for (age, subject) in [0, 60, 280].into_iter().zip(SUBJECTS) {
            let roles = match subject {
                "bob" => &[][..],
                _ => &["admin", "support"],
            };
            let more = json!({
                "roles": roles,
                "auth_time": NOW - age,
                "ver": 1,
            });
            tokens.push(key.token(subject, NOW - age, &more));
        }
    }
    tokens
}

fn events() -> impl Strategy<Value = Event> {
    let keys = prop::sample::subsequence(vec![FIRST, SECOND], 0..=2);
    let keys = prop_oneof![4 => keys, 1 => Just(vec![FIRST.replaced()])];
    let subject = || prop::sample::select(&["ada", "bob", "nobody"][..]);
    prop_oneof![
        1 => (keys, 1..500_u64).prop_map(|(keys, good_for)| Event::Keys(keys, good_for)),
        1 => (1..6_u64, subject(), subject()).prop_map(|(seq, ended, old)| Event::Feed(seq, ended, old)),
        1 => (-60..120_i64).prop_map(Event::Clock),
        8 => (0..9_usize, 0..REQUESTS.len()).prop_map(|(token, request)| Event::Ask(token, request)),
    ]
}

proptest! {
    #![proptest_config(inputs(300))]

    #[test]
    fn what_a_gate_remembers_changes_no_decision(events in vec(events(), 1..60)) {
        let tokens = tokens();
        let new = || {
            let mut gate = Gate::new(policy());
            gate.install_keys(key_set(&[FIRST, SECOND]));
            gate
        };
        let mut old = new();
        // What a gate has to go through to know the same, but for tokens.
        let mut history: Vec<Change> = Vec::new();
        let mut now = NOW;
        for event in events {
            let change: Change = match event {
                Event::Ask(token, request) => {
                    let (method, target) = REQUESTS[request];
                    let mut fresh = new();
                    history.iter().for_each(|change| change(&mut fresh));
                    let decide = |gate: &Gate| ask(gate, method, target, &tokens[token], now).to_json();
                    let expected = decide(&fresh);
                    for gate in [&old, &old, &old.clone()] {
                        prop_assert_eq!(decide(gate), expected.as_str());
                    }
                    continue;
                }
                Event::Clock(seconds) => {
                    now = now.checked_add_signed(seconds).unwrap();
                    continue;
                }
                Event::Keys(keys, good_for) => Box::new(move |gate| {
                    let keys = match &keys[..] {
                        [] => KeySet::default(),
                        keys => key_set(keys),
                    };
                    gate.install_keys_until(keys, time(now + good_for));
                }),
                Event::Feed(seq, ended, outdated) => Box::new(move |gate| {
                    let feed = FIRST.feed(seq, now, &[&format!("{ended}-session")], &[(outdated, 2)]);
                    let _ignored = gate.apply_feed(&feed, time(now));
                }),
            };
            change(&mut old);
            history.push(change);
        }
    }
}
