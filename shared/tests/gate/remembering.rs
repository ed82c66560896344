//! A token that was good may not stay good only because it is remembered.

use serde_json::json;
use signet_verifier::keyset::Tables;
use signet_verifier::{Gate, KeySet, Leeway};

use crate::world::{FIRST, NOW, SECOND, ask, gate, key_set, policy, time, told};

const PROFILE: &str = "/profile";

fn refused(reason: &'static str) -> Option<(&'static str, Option<&'static str>)> {
    Some(("invalid_token", Some(reason)))
}

#[test]
fn a_remembered_token_ends_with_its_time() {
    let gate = gate();
    let token = FIRST.token("ada", NOW, &json!({}));
    for (now, verdict) in [
        (NOW, None),
        (NOW + 329, None),
        (NOW + 330, refused("expired")),
        (NOW + 329, None),
        (NOW - 30, None),
        (NOW - 31, refused("issued_in_future")),
        (0, refused("issued_in_future")),
        (u64::MAX, refused("expired")),
    ] {
        let decision = ask(&gate, "GET", PROFILE, &token, now);
        assert_eq!(told(&decision), verdict, "at {now}");
    }
}

#[test]
fn a_remembered_token_waits_for_its_time_after_the_clock_went_back() {
    let gate = gate();
    let token = FIRST.token("ada", NOW, &json!({ "nbf": NOW + 10 }));
    for (now, verdict) in [
        (NOW, None),
        (NOW - 20, None),
        (NOW - 21, refused("not_yet_valid")),
    ] {
        assert_eq!(told(&ask(&gate, "GET", PROFILE, &token, now)), verdict);
    }
}

#[test]
fn a_remembered_token_goes_with_its_key() {
    let mut gate = gate();
    let token = FIRST.token("ada", NOW, &json!({}));
    let ask = |gate: &_| told(&ask(gate, "GET", PROFILE, &token, NOW));
    assert_eq!(ask(&gate), None);
    gate.install_keys(key_set(&[SECOND]));
    assert_eq!(ask(&gate), refused("unknown_kid"));
    gate.install_keys(key_set(&[FIRST.replaced()]));
    assert_eq!(ask(&gate), refused("bad_signature"));
    gate.install_keys(KeySet::default());
    assert_eq!(ask(&gate), Some(("keys_unavailable", None)));
    gate.install_keys(key_set(&[SECOND, FIRST]));
    assert_eq!(ask(&gate), None);
}

#[test]
fn a_key_that_stays_keeps_its_table() {
    let mut gate = gate();
    let tokens: Vec<Vec<u8>> = (0..16)
        .map(|number| FIRST.token(&format!("user-{number}"), NOW, &json!({})))
        .collect();
    for token in &tokens[..15] {
        assert_eq!(told(&ask(&gate, "GET", PROFILE, token, NOW)), None);
        // What is remembered is no use of the key.
        assert_eq!(told(&ask(&gate, "GET", PROFILE, token, NOW)), None);
    }
    gate.install_keys_until(key_set(&[FIRST, SECOND]), time(NOW + 100));
    assert_eq!(gate.tables_built(), 0);
    assert_eq!(told(&ask(&gate, "GET", PROFILE, &tokens[15], NOW)), None);
    assert_eq!(gate.tables_built(), 1);
    gate.install_keys(key_set(&[SECOND, FIRST]));
    assert_eq!(gate.tables_built(), 1);
    gate.install_keys(key_set(&[FIRST.replaced(), SECOND]));
    assert_eq!(gate.tables_built(), 0);
}

#[test]
fn a_host_says_when_keys_get_their_tables() {
    for (tables, built) in [(Tables::Eager, 2), (Tables::Never, 0)] {
        let mut gate = Gate::new(policy()).tables(tables);
        gate.install_keys(key_set(&[FIRST, SECOND]));
        for number in 0..20 {
            let token = FIRST.token(&format!("user-{number}"), NOW, &json!({}));
            assert_eq!(told(&ask(&gate, "GET", PROFILE, &token, NOW)), None);
        }
        assert_eq!(gate.tables_built(), built);
    }
}

#[test]
fn keys_that_are_too_old_are_no_keys() {
    let mut gate = gate();
    let token = FIRST.token("ada", NOW, &json!({}));
    gate.install_keys_until(key_set(&[FIRST]), time(NOW + 10));
    for (now, verdict) in [
        (NOW, None),
        (NOW + 9, None),
        (NOW + 10, Some(("keys_unavailable", None))),
        (NOW + 9, None),
    ] {
        let decision = ask(&gate, "GET", PROFILE, &token, now);
        assert_eq!(told(&decision), verdict, "at {now}");
        assert_eq!(gate.has_keys(time(now)), verdict.is_none());
    }
    let feed = FIRST.feed(1, NOW + 10, &[], &[]);
    assert!(gate.apply_feed(&feed, time(NOW + 10)).is_err());
    assert!(gate.apply_feed(&feed, time(NOW + 9)).is_ok());
}

#[test]
fn a_remembered_token_is_revoked_with_the_next_feed() {
    let mut gate = gate();
    let token = FIRST.token("ada", NOW, &json!({ "ver": 3 }));
    let ask = |gate: &_, target: &str| told(&ask(gate, "GET", target, &token, NOW));
    for (seq, ended, least, verdict) in [
        (1, &["bob-session"][..], &[("ada", 3)][..], None),
        (2, &["ada-session"], &[], refused("revoked")),
        (3, &[], &[("ada", 4)], refused("revoked")),
        (4, &[], &[("bob", 9)], None),
    ] {
        let feed = FIRST.feed(seq, NOW, ended, least);
        gate.apply_feed(&feed, time(NOW)).unwrap();
        assert_eq!(ask(&gate, PROFILE), verdict, "feed {seq}");
        assert_eq!(ask(&gate, "/unasked"), None);
        assert_eq!(ask(&gate, "/open"), None);
    }
}

#[test]
fn a_feed_whose_key_is_gone_revokes_and_is_none_that_a_rule_may_require() {
    let mut gate = Gate::new(policy());
    gate.install_keys(key_set(&[FIRST, SECOND]));
    let more = json!({ "roles": ["admin"], "auth_time": NOW });
    let [ada, eve] = ["ada", "eve"].map(|who| SECOND.token(who, NOW, &more));
    let ask = |gate: &_, token: &[u8]| told(&ask(gate, "POST", "/keys", token, NOW));
    let forged = FIRST.feed(u64::MAX, NOW, &["eve-session"], &[]);
    gate.apply_feed(&forged, time(NOW)).unwrap();
    assert_eq!(ask(&gate, &ada), None);
    gate.install_keys(key_set(&[SECOND]));
    assert!(!gate.has_fresh_feed(time(NOW)));
    let unavailable = Some(("revocation_unavailable", None));
    assert_eq!(ask(&gate, &ada), unavailable);
    assert_eq!(ask(&gate, &eve), refused("revoked"));
    let next = SECOND.feed(1, NOW, &["ada-session"], &[]);
    gate.apply_feed(&next, time(NOW)).unwrap();
    assert!(gate.has_fresh_feed(time(NOW)));
    assert_eq!(ask(&gate, &ada), refused("revoked"));
    assert_eq!(ask(&gate, &eve), None);
}

#[test]
fn what_is_remembered_of_one_token_is_not_told_of_another() {
    let gate = gate();
    let ada = FIRST.token("ada", NOW, &json!({ "roles": ["admin"] }));
    let bob = FIRST.token("bob", NOW, &json!({}));
    for _ in 0..3 {
        for (token, subject, code) in [
            (&ada, "ada", None),
            (&bob, "bob", Some(("insufficient_scope", None))),
        ] {
            assert_eq!(told(&ask(&gate, "GET", "/users/cleo", token, NOW)), code);
            let decision = ask(&gate, "GET", PROFILE, token, NOW);
            assert_eq!(decision.token().unwrap().claims().subject(), subject);
        }
    }
}

#[test]
fn less_patience_with_clocks_counts_for_remembered_tokens_too() {
    let gate = gate();
    let token = FIRST.token("ada", NOW, &json!({}));
    assert_eq!(told(&ask(&gate, "GET", PROFILE, &token, NOW + 310)), None);
    let strict = gate.leeway(Leeway::NONE);
    let decision = ask(&strict, "GET", PROFILE, &token, NOW + 310);
    assert_eq!(told(&decision), refused("expired"));
}

#[test]
fn who_asks_is_told_without_a_rule_as_well() {
    let mut gate = gate();
    let token = FIRST.token("ada", NOW, &json!({ "roles": ["support"] }));
    let identity = gate.verify(&token, time(NOW)).unwrap();
    assert_eq!(identity.token().claims().subject(), "ada");
    assert_eq!(identity.permissions(), ["agents:read"]);
    let feed = FIRST.feed(1, NOW, &["ada-session"], &[]);
    gate.apply_feed(&feed, time(NOW)).unwrap();
    let refusal = gate.verify(&token, time(NOW)).unwrap_err();
    assert_eq!(refusal.to_string(), "invalid_token (revoked)");
}
