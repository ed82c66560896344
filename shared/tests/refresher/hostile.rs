//! Answers that are no key set and no feed. Each has its code, and what was good stays.

use serde_json::json;
use signet_verifier::keyset::KeyFault;
use signet_verifier::refresher::{Document, RefreshFault, Refreshed, Reply};

use crate::host::{Host, SECOND};
use crate::issuer::{Feed, jwk, jwks, ok, with_status};

/// A settled host, and what it makes of an answer to its next fetch of a document.
fn answered(document: Document, reply: &Reply) -> (Host, Result<Refreshed, RefreshFault>) {
    let mut host = Host::settled();
    host.loses = true;
    while host.times(document).is_empty() {
        host.run(SECOND);
        host.want(document);
    }
    let (_, fetch) = host
        .fetches
        .iter()
        .rfind(|(_, fetch)| fetch.ticket.document == document)
        .unwrap();
    let ticket = fetch.ticket;
    let outcome = host.deliver(ticket, reply.answer());
    (host, outcome)
}

#[track_caller]
fn assert_refused(document: Document, reply: &Reply, code: &str) {
    let (mut host, outcome) = answered(document, reply);
    let fault = outcome.expect_err(code);
    assert_eq!(fault.code(), code);
    assert_eq!(fault.is_alarm(), code == "private_key");
    assert!(host.trusts("k1"), "the keys were good");
    assert!(!host.trusts("k2"));
    assert_eq!(host.seq(), Some(0), "the feed was good");
}

/// Answers that have no document in them, whatever was asked for.
fn without_document() -> Vec<(Reply, &'static str)> {
    let redirects = [300, 301, 302, 303, 307, 308].map(|status| (status, "redirect"));
    let others = [
        100, 201, 203, 204, 205, 206, 400, 401, 403, 404, 429, 500, 503, 0, 65_535,
    ]
    .map(|status| (status, "status"));
    let statuses = redirects.into_iter().chain(others);
    // Any of them with a body that would be good.
    let replies = statuses.map(|(status, code)| (with_status(status, jwks(&["k2"])), code));
    replies
        .chain([
            (Reply::Failed, "no_response"),
            (Reply::TooLarge, "too_large"),
        ])
        .collect()
}

#[test]
fn what_has_no_document_is_refused() {
    for document in [Document::Keys, Document::Feed] {
        for (reply, code) in without_document() {
            assert_refused(document, &reply, code);
        }
    }
}

#[test]
fn what_is_no_key_set_is_refused() {
    let with = |name: &str, value| {
        let mut key = jwk("k2");
        key[name] = value;
        json!({ "keys": [key] }).to_string()
    };
    let many: Vec<String> = (0..33).map(|number| format!("many-{number}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let padded = |length: usize| {
        let keys = jwks(&["k2"]);
        let spaces = " ".repeat(length - keys.len());
        keys + &spaces
    };
    for (body, code) in [
        (String::new(), "malformed"),
        ("<!doctype html><title>Sign in</title>".into(), "malformed"),
        ("[]".into(), "malformed"),
        ("{}".into(), "malformed"),
        (r#"{"keys":{}}"#.into(), "malformed"),
        (r#"{"keys":[],"keys":[]}"#.into(), "malformed"),
        (format!("\u{feff}{}", jwks(&["k2"])), "malformed"),
        (format!("{}x", jwks(&["k2"])), "malformed"),
        ("[".repeat(60_000), "malformed"),
        (r#"{"keys":[]}"#.into(), "empty"),
        (jwks(&["k2", "k2"]), "dup_kid"),
        (jwks(&many), "too_many_keys"),
        (padded(65_537), "too_large"),
        (with("d", json!("AAAA")), "private_key"),
        (with("kty", json!("RSA")), "no_usable_key"),
        (with("use", json!("enc")), "no_usable_key"),
        (with("x", json!("AAAA")), "no_usable_key"),
        (with("x", json!("A".repeat(43))), "no_usable_key"),
        (r#"{"keys":[null,1]}"#.into(), "no_usable_key"),
    ] {
        assert_refused(Document::Keys, &ok(body), code);
    }
    let (mut host, outcome) = answered(Document::Keys, &ok(padded(65_536)));
    assert!(outcome.is_ok() && host.trusts("k2"));
}

#[test]
fn what_is_no_feed_is_refused() {
    let (host, _) = answered(Document::Feed, &Reply::Failed);
    let now = host.now / SECOND;
    let next = Feed::snapshot(1, now);
    for (body, code) in [
        (vec![], "malformed"),
        (b"<!doctype html>".to_vec(), "malformed"),
        (jwks(&["k2"]).into_bytes(), "malformed"),
        (next.signed_by("k2"), "unknown_kid"),
        ([next.signed_by("k1"), b"\n".to_vec()].concat(), "malformed"),
        (
            Feed::snapshot(1, now + 60).signed_by("k1"),
            "issued_in_future",
        ),
        (vec![b'A'; 262_145], "too_large"),
    ] {
        assert_refused(Document::Feed, &ok(body), code);
    }
    let (host, outcome) = answered(Document::Feed, &ok(next.signed_by("k1")));
    assert!(outcome.is_ok());
    assert_eq!(host.seq(), Some(1));
}

#[test]
fn a_set_with_keys_that_cant_be_used_serves_the_others_and_tells() {
    let mut rsa = jwk("k3");
    rsa["kty"] = json!("RSA");
    let set = json!({ "keys": [jwk("k1"), rsa, jwk("k2")] });
    let (mut host, outcome) = answered(Document::Keys, &ok(set.to_string()));
    let Ok(Refreshed::Keys { left_out }) = outcome else {
        panic!("a good set: {outcome:?}");
    };
    let left_out: Vec<_> = left_out
        .iter()
        .map(|key| (key.position, key.fault))
        .collect();
    assert_eq!(left_out, [(1, KeyFault::OtherType)]);
    assert!(host.trusts("k1") && host.trusts("k2") && !host.trusts("k3"));
}

#[test]
fn without_a_good_set_there_are_no_keys() {
    let mut host = Host::new();
    host.issuer.instead = Some(|_| ok(r#"{"keys":[{"kty":"RSA"}]}"#));
    host.run(SECOND);
    assert!(!host.trusts("k1"));
    assert_eq!(host.faults(Document::Keys), [RefreshFault::NoUsableKey]);
    host.issuer.instead = None;
    host.run(5 * SECOND);
    assert!(host.trusts("k1") && host.has_fresh_feed());
}
