//! An issuer that is away, or says what it shouldn't: the last good keys stay, and end.

use std::time::Duration;

use serde_json::json;
use signet_tower::signet_verifier::keyset::KeySetError;
use signet_tower::signet_verifier::refresher::RefreshFault;
use signet_tower::{Trust, TrustError};

use crate::issuer::{Behaviour, Issuer, jwks, policy};
use crate::upstream::Upstream;
use crate::wire::get;

/// Everything that an issuer may do wrong with its keys, but for saying nothing.
fn misbehaviour() -> Vec<(Behaviour, RefreshFault)> {
    let elsewhere = "302 Found\r\nlocation: /elsewhere";
    let with_private = jwks(&["k1"]).replace("\"kty\"", "\"d\":\"AA\",\"kty\"");
    let rsa = r#"{"keys":[{"kty":"RSA","kid":"r","n":"AQAB","e":"AQAB"}]}"#;
    let twice = jwks(&["k1", "k1"]);
    let large = format!("{}{}", jwks(&["k1"]), " ".repeat(65_536));
    let partial = b"HTTP/1.1 206 Partial Content\r\ncontent-length: 2\r\n\r\n{}".to_vec();
    let cut = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"keys\":".to_vec();
    let html = "<html></html>".to_owned();
    let set = |text: &str| Behaviour::Ok(text.to_owned());
    let fault = RefreshFault::KeySet;
    vec![
        (Behaviour::Status("503 Away"), RefreshFault::Status(503)),
        (
            Behaviour::Status("204 No Content"),
            RefreshFault::Status(204),
        ),
        (
            Behaviour::Status("304 Not Modified"),
            RefreshFault::NotModified,
        ),
        (Behaviour::Status(elsewhere), RefreshFault::Redirect),
        (Behaviour::Raw(partial), RefreshFault::Status(206)),
        (Behaviour::Raw(cut), RefreshFault::NoResponse),
        (
            Behaviour::Raw(b"\0\xff rubbish".to_vec()),
            RefreshFault::NoResponse,
        ),
        (Behaviour::Raw(Vec::new()), RefreshFault::NoResponse),
        (Behaviour::Endless, RefreshFault::TooLarge),
        (Behaviour::Ok(large), RefreshFault::TooLarge),
        (Behaviour::Ok(html), fault(KeySetError::Malformed)),
        (set(""), fault(KeySetError::Malformed)),
        (set("{\"keys\":[]}"), fault(KeySetError::Empty)),
        (set(&twice), fault(KeySetError::DuplicateKid)),
        (set(&with_private), fault(KeySetError::PrivateKey)),
        (set(rsa), RefreshFault::NoUsableKey),
    ]
}

#[tokio::test]
async fn an_issuer_without_good_keys_is_no_start() {
    for (behaviour, expected) in misbehaviour() {
        let issuer = Issuer::start(&["k1"]).await;
        issuer.keys(behaviour.clone());
        match Trust::fetch(&issuer.url).await {
            Err(TrustError::Fetch { fault, .. }) => assert_eq!(fault, expected),
            other => panic!("{behaviour:?}: {other:?}"),
        }
        assert_eq!(issuer.asked()[0], 1, "no redirect is followed");
    }
}

#[tokio::test]
async fn an_issuer_that_says_nothing_or_is_not_there_is_no_start() {
    let issuer = Issuer::start(&["k1"]).await;
    issuer.keys(Behaviour::Hang);
    for url in [issuer.url.as_str(), "http://127.0.0.1:1"] {
        let trust = Trust::fetch(url).await;
        let is_away = matches!(
            trust,
            Err(TrustError::Fetch {
                fault: RefreshFault::NoResponse,
                ..
            })
        );
        assert!(is_away, "{trust:?}");
    }
}

#[tokio::test]
async fn keys_come_over_tls_or_from_this_machine() {
    for insecure in ["http://auth.example.com", "http://10.0.0.1:8080"] {
        let trust = Trust::fetch(insecure).await;
        assert!(matches!(trust, Err(TrustError::Insecure { .. })));
    }
    for no_url in [
        "",
        "auth.example.com",
        "ftp://auth.example.com",
        "file:///keys",
    ] {
        let trust = Trust::fetch(no_url).await;
        assert!(matches!(trust, Err(TrustError::NoUrl { .. })), "{no_url}");
    }
    for local in [
        "http://localhost:1",
        "http://[::1]:1",
        "https://127.0.0.1:1",
    ] {
        let trust = Trust::fetch(local).await;
        assert!(matches!(trust, Err(TrustError::Fetch { .. })), "{local}");
    }
}

#[test]
fn without_a_runtime_there_is_nobody_to_refresh() {
    let trust = Trust::of("https://auth.example.com").refreshing();
    assert!(matches!(trust, Err(TrustError::NoRuntime)));
}

#[tokio::test]
async fn the_last_good_keys_stay_for_a_day_whatever_the_issuer_says_and_then_nothing_is_let_through()
 {
    for (behaviour, expected) in misbehaviour() {
        let issuer = Issuer::start(&["k1"]).await;
        let trust = issuer.trust().fetch().await.unwrap();
        let upstream = Upstream::with_policy(&trust, &policy(&issuer.url)).await;
        let ask = async || {
            let token = issuer.token("k1", "ada", &json!({}));
            get(upstream.address, "/profile", &token).await.told()
        };
        issuer.keys(behaviour.clone());
        issuer.advance(3_600);
        // An unknown key has the task look at the clock.
        let unknown = issuer.token("k2", "ada", &json!({}));
        assert_eq!(
            get(upstream.address, "/profile", &unknown).await.status,
            401
        );
        while trust.metrics().keys.faults.is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert_eq!(trust.metrics().keys.faults, [(expected.code(), 1)]);
        assert_eq!(ask().await, (200, None), "{behaviour:?}");
        issuer.advance(24 * 3_600 - 3_601);
        assert_eq!(ask().await, (200, None));
        issuer.advance(1);
        assert_eq!(ask().await, (503, Some("keys_unavailable".to_owned())));
        assert!(!trust.has_keys());
        assert_eq!(get(upstream.address, "/open", "").await.status, 200);
        assert_eq!(get(upstream.address, "/profile", "").await.status, 401);
    }
}

#[tokio::test]
async fn when_the_issuer_is_back_so_is_everybody() {
    let issuer = Issuer::start(&["k1"]).await;
    let trust = issuer.trust().fetch().await.unwrap();
    let upstream = Upstream::with_policy(&trust, &policy(&issuer.url)).await;
    issuer.keys(Behaviour::Status("503 Away"));
    issuer.advance(24 * 3_600);
    let token = issuer.token("k1", "ada", &json!({}));
    assert_eq!(get(upstream.address, "/profile", &token).await.status, 503);
    issuer.keys(Behaviour::Ok(jwks(&["k1"])));
    // The back-off is real time: two seconds at most.
    while get(upstream.address, "/profile", &token).await.status != 200 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(trust.has_keys());
}
