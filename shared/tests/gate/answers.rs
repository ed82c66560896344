//! What a refused client is sent.

use serde_json::{Value, json};
use signet_verifier::gate::{Answer, Code};
use signet_verifier::refresher::Document;
use signet_verifier::{Gate, Refusal, Rejection};

use crate::world::{FIRST, NOW, SECOND, ask, gate, policy};

const EVERY: [Refusal; 8] = [
    Refusal::InvalidRequest,
    Refusal::MissingToken,
    Refusal::InvalidToken(Rejection::Expired),
    Refusal::ReauthenticationRequired { max_age: 300 },
    Refusal::InsufficientScope,
    Refusal::NoRule,
    Refusal::KeysUnavailable,
    Refusal::RevocationUnavailable,
];

fn header<'a>(answer: &'a Answer, name: &str) -> Option<&'a str> {
    let found = answer.headers.iter().find(|(found, _)| *found == name);
    found.map(|(_, value)| value.as_ref())
}

#[test]
fn every_refusal_is_a_problem_document_that_nobody_stores() {
    assert_eq!(EVERY.map(Refusal::code), Code::ALL);
    for refusal in EVERY {
        let answer = refusal.answer();
        let body: Value = serde_json::from_str(&answer.body).unwrap();
        let code = refusal.code();
        assert_eq!(
            body,
            json!({
                "type": format!("urn:signet:problem:{}", code.as_str()),
                "title": code.title(),
                "status": answer.status,
                "code": code.as_str(),
                "detail": code.detail(),
            })
        );
        let kind = header(&answer, "content-type");
        assert_eq!(kind, Some("application/problem+json"));
        assert_eq!(header(&answer, "cache-control"), Some("no-store"));
        let is_over_soon = answer.status == 503;
        assert_eq!(header(&answer, "retry-after").is_some(), is_over_soon);
        let challenge = refusal.challenge();
        assert_eq!(header(&answer, "www-authenticate"), challenge.as_deref());
        assert!(answer.status != 401 || challenge.is_some());
    }
}

#[test]
fn a_client_is_not_told_why_its_token_is_bad() {
    let answers = Rejection::ALL
        .iter()
        .map(|rejection| Refusal::InvalidToken(*rejection).answer());
    let answers: Vec<Answer> = answers.collect();
    assert!(answers.windows(2).all(|pair| pair[0] == pair[1]));
}

#[test]
fn what_a_decision_lacks_is_what_a_fetch_could_bring() {
    let good = FIRST.token("ada", NOW, &json!({ "roles": ["admin"], "auth_time": NOW }));
    let unknown = SECOND.token("ada", NOW, &json!({}));
    let without_keys = Gate::new(policy());
    for (gate, method, target, token, lacks) in [
        (&gate(), "GET", "/profile", &good, None),
        (&gate(), "GET", "/profile", &unknown, Some(Document::Keys)),
        (&gate(), "GET", "/open", &unknown, None),
        (
            &without_keys,
            "GET",
            "/profile",
            &good,
            Some(Document::Keys),
        ),
        (&without_keys, "GET", "/profile", &b"abc".to_vec(), None),
        (&gate(), "POST", "/keys", &good, Some(Document::Feed)),
        (&gate(), "GET", "/nowhere", &good, None),
    ] {
        assert_eq!(
            ask(gate, method, target, token, NOW).lacks(),
            lacks,
            "{target}"
        );
    }
}

#[test]
fn a_decision_rests_on_what_it_lets_somebody_through_by() {
    let token = FIRST.token("ada", NOW, &json!({}));
    for (target, by_keys, by_feed) in [
        ("/profile", true, true),
        ("/greeting", true, true),
        ("/unasked", true, false),
        ("/open", false, false),
        ("/agents/7", false, false),
        ("/nowhere", false, false),
        ("/../profile", false, false),
    ] {
        let decision = ask(&gate(), "GET", target, &token, NOW);
        assert_eq!(decision.rests_on(Document::Keys), by_keys, "{target}");
        assert_eq!(decision.rests_on(Document::Feed), by_feed, "{target}");
    }
}

#[test]
fn a_decision_says_the_same_in_every_way() {
    let token = FIRST.token("ada", NOW, &json!({}));
    let without_keys = Gate::new(policy());
    for decision in [
        ask(&gate(), "GET", "/profile", &token, NOW),
        ask(&gate(), "GET", "/agents/7", &token, NOW),
        ask(&gate(), "POST", "/keys", &token, NOW),
        ask(&gate(), "GET", "/nowhere", &token, NOW),
        ask(&gate(), "GET", "/../profile", &token, NOW),
        ask(&gate(), "GET", "/profile", b"abc", NOW),
        ask(&without_keys, "GET", "/profile", &token, NOW),
    ] {
        let json: Value = serde_json::from_str(&decision.to_json()).unwrap();
        let answer = decision.answer();
        assert_eq!(decision.is_allowed(), answer.is_none());
        assert_eq!(json["outcome"] == "allow", answer.is_none());
        assert_eq!(json["status"], answer.as_ref().map_or(200, |it| it.status));
        assert_eq!(json["code"].as_str(), decision.code().map(Code::as_str));
        assert_eq!(json["rule"].as_str(), decision.rule());
        let challenge = answer
            .as_ref()
            .and_then(|it| header(it, "www-authenticate"));
        assert_eq!(json["challenge"].as_str(), challenge);
        let set: Vec<_> = decision.set().collect();
        assert_eq!(json["set"], json!(set));
        assert_eq!(decision.token().is_some(), !set.is_empty());
    }
}
