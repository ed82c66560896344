//! Heads of every kind: nothing panics, and what must not go upstream never does.

use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::json;
use signet_verifier::{Gate, RequestHead};

use crate::inputs;
use crate::world::{FIRST, NOW, gate, policy, time};

/// Names that matter and names that nearly do.
const NAMES: &[&str] = &[
    "authorization",
    "Authorization",
    "connection",
    "x-signet-sub",
    "X_Signet_Sub",
    "x-signet-",
    "x-signet",
    "X-HTTP-Method-Override",
    "x_original_url",
    "x-rewrite-url",
    "origin",
    "access-control-request-method",
    "accept",
];

fn token() -> Vec<u8> {
    FIRST.token("ada", NOW, &json!({ "roles": ["admin", "support"] }))
}

fn names() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        8 => prop::sample::select(NAMES).prop_map(|name| name.as_bytes().to_vec()),
        1 => vec(any::<u8>(), 0..20),
    ]
}

fn values() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        4 => Just([&b"Bearer "[..], &token()].concat()),
        1 => Just(b"Bearer abc".to_vec()),
        1 => Just(b"close, X_Signet_Roles".to_vec()),
        1 => Just(b"close".to_vec()),
        2 => vec(any::<u8>(), 0..30),
    ]
}

fn targets() -> impl Strategy<Value = Vec<u8>> {
    const KNOWN: &[&str] = &[
        "/open",
        "/greeting",
        "/profile",
        "/users/ada",
        "/users/%61da",
        "/agents/7",
        "/keys",
        "/x",
    ];
    prop_oneof![
        6 => prop::sample::select(KNOWN).prop_map(|path| path.as_bytes().to_vec()),
        1 => vec(any::<u8>(), 0..30),
        1 => "/[a-z%/.;?0-9]{0,20}".prop_map(String::into_bytes),
    ]
}

fn methods() -> impl Strategy<Value = Vec<u8>> {
    const KNOWN: &[&str] = &["GET", "HEAD", "POST", "OPTIONS", "TRACE", "get", "PURGE"];
    prop_oneof![
        6 => prop::sample::select(KNOWN).prop_map(|name| name.as_bytes().to_vec()),
        1 => vec(any::<u8>(), 0..8),
    ]
}

/// The name as the most careless server reads it.
fn as_read(name: &[u8]) -> String {
    let lower = name.to_ascii_lowercase();
    String::from_utf8_lossy(&lower).replace('_', "-")
}

fn is_reserved(name: &[u8]) -> bool {
    let name = as_read(name);
    let overrides = [
        "x-http-method-override",
        "x-http-method",
        "x-method-override",
        "x-original-url",
        "x-rewrite-url",
    ];
    name.starts_with("x-signet-") || overrides.contains(&name.as_str())
}

proptest! {
    #![proptest_config(inputs(4_000))]

    #[test]
    fn what_reaches_upstream_is_what_the_gate_says(
        method in methods(),
        target in targets(),
        headers in vec((names(), values()), 0..6),
    ) {
        let gate = gate();
        let borrowed: Vec<(&[u8], &[u8])> =
            headers.iter().map(|(name, value)| (&name[..], &value[..])).collect();
        let head = RequestHead { method: &method, target: &target, headers: &borrowed };
        let decision = gate.decide(&head, time(NOW));
        prop_assert_eq!(gate.decide(&head, time(NOW)).to_json(), decision.to_json());

        let removed: Vec<Vec<u8>> = decision.removed().map(<[u8]>::to_vec).collect();
        let mut wanted: Vec<Vec<u8>> = headers
            .iter()
            .filter(|(name, _)| is_reserved(name))
            .map(|(name, _)| name.to_ascii_lowercase())
            .collect();
        wanted.sort();
        wanted.dedup();
        prop_assert_eq!(removed, wanted);
        for (name, value) in decision.set() {
            prop_assert!(name.starts_with("x-signet-"));
            prop_assert!(value.bytes().all(|byte| byte.is_ascii_graphic()));
        }
        let is_anonymous = decision.set().next().is_none();
        prop_assert_eq!(is_anonymous, decision.token().is_none());
        if decision.is_allowed() && !is_anonymous {
            let bearers = headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case(b"authorization"));
            prop_assert_eq!(bearers.count(), 1);
        }
    }

    #[test]
    fn without_keys_nobody_is_anybody(
        method in methods(),
        target in targets(),
        headers in vec((names(), values()), 0..4),
    ) {
        let gate = Gate::new(policy());
        let borrowed: Vec<(&[u8], &[u8])> =
            headers.iter().map(|(name, value)| (&name[..], &value[..])).collect();
        let head = RequestHead { method: &method, target: &target, headers: &borrowed };
        let decision = gate.decide(&head, time(NOW));
        prop_assert!(decision.token().is_none());
        if decision.is_allowed() {
            prop_assert!(matches!(decision.rule(), Some("open" | "greeting")));
        }
    }
}
