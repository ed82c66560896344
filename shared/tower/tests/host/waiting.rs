//! Rules that require a fresh feed, of issuers that have one soon, late or never.

use std::time::{Duration, Instant};

use serde_json::json;
use signet_tower::Trust;

use crate::issuer::{Behaviour, Issuer, policy};
use crate::upstream::Upstream;
use crate::wire::get;

async fn service(issuer: &Issuer) -> (Trust, Upstream) {
    let trust = issuer.trust().fetch().await.unwrap();
    let upstream = Upstream::with_policy(&trust, &policy(&issuer.url)).await;
    (trust, upstream)
}

#[tokio::test]
async fn a_session_that_ended_is_refused_by_every_rule() {
    let issuer = Issuer::start(&["k1"]).await;
    issuer.feed(Behaviour::Ok(issuer.revocations("k1", 1, &["eve-session"])));
    let (_trust, upstream) = service(&issuer).await;
    for (subject, status) in [("ada", 200), ("eve", 401)] {
        let token = issuer.token("k1", subject, &json!({}));
        for path in ["/profile", "/careful"] {
            assert_eq!(get(upstream.address, path, &token).await.status, status);
        }
    }
}

#[tokio::test]
async fn an_issuer_without_a_feed_serves_all_rules_but_those_that_require_one() {
    let issuer = Issuer::start(&["k1"]).await;
    let started = Instant::now();
    let (trust, upstream) = service(&issuer).await;
    let token = issuer.token("k1", "ada", &json!({}));
    for _ in 0..50 {
        assert_eq!(get(upstream.address, "/profile", &token).await.status, 200);
        let careful = get(upstream.address, "/careful", &token).await;
        assert_eq!(careful.code().as_deref(), Some("revocation_unavailable"));
        assert_eq!(careful.header("retry-after"), Some("1"));
    }
    assert!(
        started.elapsed() < Duration::from_secs(5),
        "nobody waits in vain"
    );
    let feed = trust.metrics().feed.unwrap();
    assert!(!feed.is_good);
    assert_eq!(feed.faults.len(), 1);
    assert!(feed.fetches <= 4, "{} fetches", feed.fetches);
}

#[tokio::test]
async fn a_feed_that_comes_within_a_second_is_waited_for_by_those_that_require_it_only() {
    let issuer = Issuer::start(&["k1"]).await;
    issuer.feed(Behaviour::Ok(issuer.revocations("k1", 1, &[])));
    let (_trust, upstream) = service(&issuer).await;
    issuer.advance(31);
    let token = issuer.token("k1", "ada", &json!({}));
    let newer = issuer.revocations("k1", 2, &[]);
    issuer.feed(Behaviour::After(Duration::from_millis(500), newer));
    let started = Instant::now();
    let careful = get(upstream.address, "/careful", &token);
    let others = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        for _ in 0..10 {
            assert_eq!(get(upstream.address, "/profile", &token).await.status, 200);
        }
        started.elapsed()
    };
    let (careful, others) = tokio::join!(careful, others);
    assert!(others < Duration::from_millis(500), "{others:?}");
    assert!(started.elapsed() >= Duration::from_millis(500));
    assert_eq!(careful.status, 200);
    assert_eq!(upstream.take().unwrap().subject.as_deref(), Some("ada"));
}

#[tokio::test]
async fn a_feed_that_does_not_come_is_waited_for_a_second() {
    let issuer = Issuer::start(&["k1"]).await;
    issuer.feed(Behaviour::Ok(issuer.revocations("k1", 1, &["eve-session"])));
    let (_trust, upstream) = service(&issuer).await;
    issuer.feed(Behaviour::Hang);
    issuer.advance(31);
    let ask = async |subject: &str| {
        let token = issuer.token("k1", subject, &json!({}));
        let started = Instant::now();
        let response = get(upstream.address, "/careful", &token).await;
        (response.told(), started.elapsed())
    };
    let (told, elapsed) = ask("ada").await;
    assert_eq!(told, (503, Some("revocation_unavailable".to_owned())));
    let patience = Duration::from_millis(990)..Duration::from_secs(3);
    assert!(patience.contains(&elapsed), "{elapsed:?}");
    let (told, elapsed) = ask("eve").await;
    assert_eq!(told.0, 401, "what an old feed revokes is revoked");
    assert!(elapsed < Duration::from_millis(900));
}

#[tokio::test]
async fn a_feed_that_fails_ends_the_waiting() {
    let issuer = Issuer::start(&["k1"]).await;
    issuer.feed(Behaviour::Ok(issuer.revocations("k1", 1, &[])));
    let (_trust, upstream) = service(&issuer).await;
    issuer.feed(Behaviour::Status("500 Oh"));
    issuer.advance(31);
    let token = issuer.token("k1", "ada", &json!({}));
    let started = Instant::now();
    assert_eq!(get(upstream.address, "/careful", &token).await.status, 503);
    assert!(started.elapsed() < Duration::from_millis(900));
}
