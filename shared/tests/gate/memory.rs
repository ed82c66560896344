//! However hostile the head, a decision takes little memory, and many tokens don't add up.

use allocation_counter::measure;
use serde_json::json;
use signet_verifier::keyset::Tables;
use signet_verifier::{Gate, RequestHead};

use crate::world::{FIRST, NOW, ask, gate, key_set, policy, time};

const MOST: u64 = 64 * 1_024;

/// What a decision holds at a time.
fn taken(target: &[u8], headers: &[(&[u8], &[u8])]) -> u64 {
    let gate = gate();
    let head = RequestHead {
        method: b"GET",
        target,
        headers,
    };
    measure(|| drop(gate.decide(&head, time(NOW)))).bytes_max
}

#[test]
fn a_decision_takes_less_than_64_kib_whatever_is_sent() {
    let long = vec![b'a'; 60_000];
    let token = [&b"Bearer "[..], &long].concat();
    let commas = vec![b','; 60_000];
    let encoded = b"/%41".repeat(10_000);
    let segments = b"/a".repeat(30_000);
    let bearer = [(&b"authorization"[..], &token[..])];
    let connection = [(&b"connection"[..], &commas[..])];
    for (target, headers) in [
        (&b"/profile"[..], &bearer[..]),
        (b"/profile", &connection),
        (&segments, &[]),
        (&encoded, &[]),
        (&[&b"/profile?"[..], &long].concat(), &[]),
    ] {
        let taken = taken(target, headers);
        assert!(taken < MOST, "{taken}");
    }
    // What goes is told, so it is held: as often as it was sent.
    let name = [&b"x-signet-"[..], &long].concat();
    let reserved = [(&name[..], &b""[..])];
    let taken = taken(b"/open", &reserved);
    assert!(taken < 2 * MOST, "{taken}");
}

#[test]
fn a_remembered_token_costs_nothing_but_its_decision() {
    let gate = gate();
    let token = FIRST.token("ada", NOW, &json!({ "roles": ["admin"] }));
    let ask = || measure(|| drop(ask(&gate, "GET", "/profile", &token, NOW))).bytes_max;
    ask();
    let again = ask();
    // The header's value, which the test puts together.
    let value = u64::try_from(token.len() + 7).unwrap();
    assert_eq!(again, value);
}

#[test]
fn what_is_remembered_stays_below_its_bound() {
    // Tables are the keys' and not the tokens'.
    let mut gate = Gate::new(policy()).tables(Tables::Never);
    gate.install_keys(key_set(&[FIRST]));
    let permissions: Vec<String> = (0..200).map(|n| format!("resource-{n}:read")).collect();
    let more = json!({ "permissions": permissions });
    let tokens = (0..1_500).map(|n| FIRST.token(&format!("user-{n}"), NOW, &more));
    let tokens: Vec<Vec<u8>> = tokens.collect();
    let taken = measure(|| {
        for token in &tokens {
            for _ in 0..3 {
                drop(ask(&gate, "GET", "/profile", token, NOW));
            }
        }
    });
    // 2 MiB by its own count, which leaves out what the allocator and the maps add.
    let held = taken.bytes_current;
    assert!(held < 5 * 512 * 1_024, "{held}");
    assert!(held > 1_024 * 1_024, "nothing is remembered: {held}");
}
