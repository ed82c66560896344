//! What a host with routes, policies and environments of its own asks of its gates.

use serde_json::json;
use signet_verifier::policy::document::{Allow, Rule};
use signet_verifier::policy::{Condition, Policy};
use signet_verifier::time::UnixTime;
use signet_verifier::{Decision, Gate};

use crate::world::{FIRST, ISSUER, NOW, SECOND, ask, gate, key_set, policy, told};

fn ask_by(gate: &Gate, rule: &Rule, headers: &[(&[u8], &[u8])]) -> Decision {
    gate.decide_by(rule, headers, UnixTime::from_secs(NOW))
}

fn bearer(token: &[u8]) -> Vec<u8> {
    [b"Bearer ", token].concat()
}

#[test]
fn a_rule_decides_by_itself_whatever_the_policy_says() {
    let mut gate = Gate::new(Policy::without_rules(ISSUER, ["agents-api"]));
    gate.install_keys(key_set(&[FIRST]));
    let admins = Allow::When(Condition::Role("admin".into()));
    let admins = Rule::without_path("admins", admins);
    let admin = bearer(&FIRST.token("root", NOW, &json!({ "roles": ["admin"] })));
    let user = bearer(&FIRST.token("ada", NOW, &json!({ "roles": ["user"] })));
    let foreign = bearer(&FIRST.token("ada", NOW, &json!({ "aud": "elsewhere" })));
    let authorization = &b"Authorization"[..];
    for (headers, outcome) in [
        (vec![(authorization, &admin[..])], None),
        (vec![(authorization, &user)], Some("insufficient_scope")),
        (vec![(authorization, &foreign)], Some("invalid_token")),
        (vec![], Some("missing_token")),
        (
            vec![(authorization, &admin), (authorization, &admin)],
            Some("invalid_request"),
        ),
        (
            vec![(authorization, &admin), (b"Connection", b"X-Signet-Sub")],
            Some("invalid_request"),
        ),
    ] {
        let decision = ask_by(&gate, &admins, &headers);
        assert_eq!(decision.code().map(|code| code.as_str()), outcome);
        let rule = (outcome != Some("invalid_request")).then_some("admins");
        assert_eq!(decision.rule(), rule);
        assert_eq!(decision.is_allowed(), decision.identity().is_some());
    }
    let forged = [(authorization, &admin[..]), (b"X_Signet_Sub", b"root")];
    let decision = ask_by(&gate, &admins, &forged);
    assert_eq!(decision.removed().collect::<Vec<_>>(), [b"x_signet_sub"]);
}

#[test]
fn a_rule_without_a_path_may_be_for_anyone_and_has_no_segment_to_compare() {
    let gate = gate();
    let ada = bearer(&FIRST.token("ada", NOW, &json!({})));
    let with_token = [(&b"authorization"[..], &ada[..])];
    let anyone = Rule::without_path("anyone", Allow::Anyone);
    assert!(ask_by(&gate, &anyone, &with_token).identity().is_none());
    let optional = Rule::without_path("optional", Allow::Optional);
    assert!(ask_by(&gate, &optional, &with_token).identity().is_some());
    assert!(ask_by(&gate, &optional, &[]).is_allowed());
    let own = Allow::When(Condition::Subject("user".into()));
    let own = Rule::without_path("own", own);
    assert!(!ask_by(&gate, &own, &with_token).is_allowed());
}

#[test]
fn a_policy_without_rules_lets_nothing_through_by_itself() {
    let mut gate = Gate::new(Policy::without_rules(ISSUER, ["agents-api"]));
    gate.install_keys(key_set(&[FIRST]));
    let token = FIRST.token("ada", NOW, &json!({}));
    for path in ["/", "/open", "/profile"] {
        let told = told(&ask(&gate, "GET", path, &token, NOW));
        assert_eq!(told, Some(("no_rule", None)));
    }
}

#[test]
fn a_gate_adopts_keys_with_their_end_and_revocations() {
    let mut source = Gate::new(Policy::without_rules(ISSUER, []));
    source.install_keys_until(key_set(&[SECOND]), UnixTime::from_secs(NOW + 10));
    let feed = SECOND.feed(1, NOW, &["eve-session"], &[]);
    source.apply_feed(&feed, UnixTime::from_secs(NOW)).unwrap();
    let mut gate = gate();
    gate.adopt(&source);
    let [ada, eve] = ["ada", "eve"].map(|who| SECOND.token(who, NOW, &json!({})));
    assert_eq!(told(&ask(&gate, "GET", "/profile", &ada, NOW)), None);
    let revoked = Some(("invalid_token", Some("revoked")));
    assert_eq!(told(&ask(&gate, "GET", "/profile", &eve, NOW)), revoked);
    let late = ask(&gate, "GET", "/profile", &ada, NOW + 10);
    assert_eq!(told(&late), Some(("keys_unavailable", None)));
}

#[test]
fn a_gate_adopts_nothing_of_another_issuer() {
    let mut foreign = Gate::new(policy().for_issuer("https://elsewhere.example"));
    foreign.install_keys(key_set(&[SECOND]));
    let mut gate = gate();
    gate.adopt(&foreign);
    let token = FIRST.token("ada", NOW, &json!({}));
    assert_eq!(told(&ask(&gate, "GET", "/profile", &token, NOW)), None);
}

#[test]
fn one_policy_serves_the_issuers_of_several_environments() {
    let staging = "https://staging.example.com";
    let mut gate = Gate::new(policy().for_issuer(staging));
    gate.install_keys(key_set(&[FIRST]));
    let here = FIRST.token("ada", NOW, &json!({ "iss": staging }));
    let there = FIRST.token("ada", NOW, &json!({}));
    assert_eq!(told(&ask(&gate, "GET", "/profile", &here, NOW)), None);
    assert!(!ask(&gate, "GET", "/profile", &there, NOW).is_allowed());
}
