//! Keys that come, change, are pinned and go; and the task that fetches them.

use std::time::Duration;

use serde_json::json;
use signet_tower::{ForeignPolicy, SignetLayer, Trust, TrustError, read_policy};

use crate::issuer::{Behaviour, Issuer, jwks, policy};
use crate::upstream::Upstream;
use crate::wire::get;

#[tokio::test]
async fn a_new_key_is_fetched_within_the_window_and_a_flood_asks_hardly_ever() {
    let issuer = Issuer::start(&["k1"]).await;
    let trust = issuer.trust().fetch().await.unwrap();
    let upstream = Upstream::with_policy(&trust, &policy(&issuer.url)).await;
    let [old, new] = ["k1", "k2"].map(|kid| issuer.token(kid, "ada", &json!({})));
    let ask = async |token: &str| get(upstream.address, "/profile", token).await.status;
    assert_eq!(ask(&old).await, 200);
    issuer.keys(Behaviour::Ok(jwks(&["k1", "k2"])));
    issuer.advance(10);
    assert_eq!(ask(&new).await, 401, "nothing waits for keys");
    while ask(&new).await != 200 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(issuer.asked()[0], 2);
    for number in 0..300 {
        let unknown = issuer.token(&format!("unknown-{number}"), "ada", &json!({}));
        assert_eq!(ask(&unknown).await, 401);
    }
    assert_eq!(issuer.asked()[0], 2, "ten seconds aren't over");
    assert_eq!(ask(&old).await, 200);
}

#[tokio::test]
async fn a_key_that_was_withdrawn_is_refused() {
    let issuer = Issuer::start(&["k1", "k2"]).await;
    let trust = issuer.trust().fetch().await.unwrap();
    let upstream = Upstream::with_policy(&trust, &policy(&issuer.url)).await;
    let token = issuer.token("k1", "ada", &json!({}));
    let ask = async |token: &str| get(upstream.address, "/profile", token).await.status;
    assert_eq!(ask(&token).await, 200);
    issuer.keys(Behaviour::Ok(jwks(&["k2"])));
    issuer.advance(300);
    let unknown = issuer.token("k3", "ada", &json!({}));
    assert_eq!(ask(&unknown).await, 401);
    while ask(&issuer.token("k1", "ada", &json!({}))).await != 401 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn what_a_thief_has_signed_counts_no_more_when_the_key_was_withdrawn() {
    let issuer = Issuer::start(&["k1", "k2"]).await;
    let forged = issuer.revocations("k1", 1_000_000, &["ada-session"]);
    issuer.feed(Behaviour::Ok(forged));
    let trust = issuer.trust().fetch().await.unwrap();
    let upstream = Upstream::with_policy(&trust, &policy(&issuer.url)).await;
    let ask = async |subject: &str| {
        let token = issuer.token("k2", subject, &json!({}));
        get(upstream.address, "/careful", &token).await.status
    };
    assert_eq!((ask("ada").await, ask("eve").await), (401, 200));
    issuer.keys(Behaviour::Ok(jwks(&["k2"])));
    let honest = issuer.revocations("k2", 1, &["eve-session"]);
    issuer.feed(Behaviour::Ok(honest));
    issuer.advance(10);
    while ask("ada").await != 200 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(ask("eve").await, 401);
    let [keys, _] = issuer.asked();
    assert_eq!(keys, 2, "a feed that is outdone wants keys");
}

#[tokio::test]
async fn pinned_keys_ask_nobody() {
    let issuer = Issuer::start(&["k1"]).await;
    let trust = issuer.trust().pinned(jwks(&["k1"]).as_bytes()).unwrap();
    let trust = trust.offline();
    let upstream = Upstream::with_policy(&trust, &policy(&issuer.url)).await;
    let ask = async |kid: &str, path: &str| {
        let token = issuer.token(kid, "ada", &json!({}));
        get(upstream.address, path, &token).await.told()
    };
    issuer.advance(100 * 24 * 3_600);
    assert_eq!(ask("k1", "/profile").await, (200, None));
    assert_eq!(ask("k2", "/profile").await.0, 401);
    let unavailable = Some("revocation_unavailable".to_owned());
    assert_eq!(ask("k1", "/careful").await, (503, unavailable));
    assert_eq!(issuer.asked(), [0, 0]);
}

#[tokio::test]
async fn a_service_may_start_with_pinned_keys_while_the_issuer_is_away() {
    let issuer = Issuer::start(&[]).await;
    issuer.keys(Behaviour::Status("503 Away"));
    let trust = issuer.trust().pinned(jwks(&["k1"]).as_bytes()).unwrap();
    let trust = trust.refreshing().unwrap();
    let upstream = Upstream::with_policy(&trust, &policy(&issuer.url)).await;
    let ask = async |kid: &str| {
        let token = issuer.token(kid, "ada", &json!({}));
        get(upstream.address, "/profile", &token).await.status
    };
    assert_eq!(ask("k1").await, 200);
    issuer.keys(Behaviour::Ok(jwks(&["k2"])));
    while ask("k2").await != 200 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(
        ask("k1").await,
        401,
        "fetched keys take the place of pinned ones"
    );
}

#[test]
fn what_is_no_key_set_can_not_be_pinned() {
    let with_private = jwks(&["k1"]).replace("\"kty\"", "\"d\":\"AA\",\"kty\"");
    for text in ["", "{}", "{\"keys\":[]}", "<html>", &with_private] {
        let trust = Trust::pinned("https://auth.example.com", text.as_bytes());
        assert!(matches!(trust, Err(TrustError::Pinned(_))), "{text}");
    }
    let trust = Trust::pinned("https://auth.example.com", b"{\"keys\":[{}]}");
    assert!(matches!(trust, Err(TrustError::NoUsableKey)));
}

#[test]
fn a_policy_of_another_issuer_is_no_policy_of_this_trust() {
    let keys = jwks(&["k1"]);
    let trust = Trust::pinned("https://auth.example.com", keys.as_bytes()).unwrap();
    let policy = read_policy(&policy("https://elsewhere.example")).unwrap();
    let refused = SignetLayer::new(trust.clone(), policy.clone()).err();
    assert_eq!(
        refused,
        Some(ForeignPolicy {
            policy: "https://elsewhere.example".to_owned(),
            trust: "https://auth.example.com".to_owned(),
        })
    );
    let policy = policy.for_issuer("https://auth.example.com");
    assert!(SignetLayer::new(trust, policy).is_ok());
}

#[test]
fn all_faults_of_a_policy_are_told_at_once() {
    let faults = read_policy("version = 2\naudience = []\n").unwrap_err();
    assert!(faults.0.len() > 1);
    assert_eq!(faults.to_string().lines().count(), faults.0.len() + 1);
}

#[tokio::test]
async fn the_task_ends_with_the_last_clone_of_the_trust() {
    let issuer = Issuer::start(&["k1"]).await;
    let runtime = tokio::runtime::Handle::current();
    let trust = issuer.trust().fetch().await.unwrap();
    let policy = read_policy(&policy(&issuer.url)).unwrap();
    let layer = SignetLayer::new(trust.clone(), policy).unwrap();
    drop(trust);
    let settle = async || tokio::time::sleep(Duration::from_millis(200)).await;
    settle().await;
    let running = runtime.metrics().num_alive_tasks();
    settle().await;
    assert_eq!(
        runtime.metrics().num_alive_tasks(),
        running,
        "the layer has one"
    );
    drop(layer);
    settle().await;
    assert!(runtime.metrics().num_alive_tasks() < running);
}
