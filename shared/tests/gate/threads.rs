//! One gate for many threads.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, RwLock};
use std::thread;

use serde_json::json;
use signet_verifier::Gate;

use crate::world::{FIRST, NOW, SECOND, ask, gate, key_set, told};

#[test]
fn a_gate_may_be_shared() {
    fn is_shared<T: Send + Sync + Clone>() {}
    is_shared::<Gate>();
}

/// Four threads ask with tokens of both keys, while the keys change under them. Each knows which
/// keys the gate it asks has, so each decision has one right answer.
#[test]
fn decisions_are_right_while_keys_change_and_clones_share_what_they_remember() {
    let tokens = [FIRST, SECOND].map(|key| key.token("ada", NOW, &json!({})));
    let current = RwLock::new(Arc::new((FIRST, gate())));
    let is_over = AtomicBool::new(false);
    let ask_on = || {
        let mut asked = 0;
        while !is_over.load(Ordering::Relaxed) || asked == 0 {
            let (key, gate) = &*Arc::clone(&current.read().unwrap());
            for (signer, token) in [FIRST, SECOND].iter().zip(&tokens) {
                let told = told(&ask(gate, "GET", "/profile", token, NOW));
                let right = (signer != key).then_some(("invalid_token", Some("unknown_kid")));
                assert_eq!(told, right);
                asked += 1;
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(ask_on);
        }
        for round in 0..200 {
            let key = if round % 2 == 0 { SECOND } else { FIRST };
            let mut next = current.read().unwrap().1.clone();
            next.install_keys(key_set(&[key]));
            *current.write().unwrap() = Arc::new((key, next));
            thread::yield_now();
        }
        is_over.store(true, Ordering::Relaxed);
    });
}
