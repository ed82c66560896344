//! However hostile the head, a decision takes little memory, and many tokens don't add up.

use allocation_counter::measure;
use serde_json::json;
use signet_verifier::keyset::Tables;
use signet_verifier::{Gate, RequestHead};

use crate::world::{FIRST, NOW, ask, gate, key_set, policy, time};

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
fn a_decision_takes_a_small_multiple_of_its_head_whatever_is_sent() {
    let long = vec![b'a'; 60_000];
    let token = [&b"Bearer "[..], &long].concat();
    let commas = vec![b','; 60_000];
    let names: Vec<Vec<u8>> = (0..10_000)
        .map(|number| format!("x-signet-{number}").into_bytes())
        .collect();
    let name = [&b"x-signet-"[..], &long].concat();
    let reserved: Vec<(&[u8], &[u8])> = names.iter().map(|name| (&name[..], &b""[..])).collect();
    for (target, headers) in [
        (
            b"/profile".to_vec(),
            vec![(&b"authorization"[..], &token[..])],
        ),
        (b"/profile".to_vec(), vec![(b"connection", &commas)]),
        (b"/open".to_vec(), vec![(&name, b"")]),
        (b"/open".to_vec(), reserved),
        (b"/a".repeat(500_000), Vec::new()),
        (b"/%41".repeat(250_000), Vec::new()),
        (b"/%3A".repeat(250_000), Vec::new()),
        ([&b"/profile?"[..], &long].concat(), Vec::new()),
    ] {
        let pairs = headers.iter();
        let sent: usize = pairs.map(|(name, value)| name.len() + value.len()).sum();
        // A name that goes is held with its place in a list that doubles.
        let sent = u64::try_from(sent + target.len() + 32 * headers.len()).unwrap();
        let taken = taken(&target, &headers);
        assert!(taken < 8 * 1_024 + 4 * sent, "{taken} of {sent}");
    }
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
