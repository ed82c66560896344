//! What can be counted.

use serde_json::json;
use signet_tower::signet_verifier::Rejection;
use signet_tower::signet_verifier::gate::Code;

use crate::issuer::{Behaviour, Issuer, policy};
use crate::upstream::Upstream;
use crate::wire::get;

#[tokio::test]
async fn every_decision_is_counted_once_and_written_as_prometheus_reads_it() {
    let issuer = Issuer::start(&["k1"]).await;
    issuer.feed(Behaviour::Ok(issuer.revocations("k1", 1, &["eve-session"])));
    let trust = issuer.trust().fetch().await.unwrap();
    let upstream = Upstream::with_policy(&trust, &policy(&issuer.url)).await;
    let [ada, eve] = ["ada", "eve"].map(|who| issuer.token("k1", who, &json!({})));
    for (path, token) in [
        ("/open", ""),
        ("/profile", &ada),
        ("/careful", &ada),
        ("/profile", &eve),
        ("/profile", "abc"),
        ("/profile", ""),
        ("/nowhere", &ada),
        ("/../profile", &ada),
    ] {
        get(upstream.address, path, token).await;
    }
    issuer.advance(7);
    let metrics = trust.metrics();
    assert_eq!(metrics.decisions.allowed, 3);
    assert_eq!(
        metrics.decisions.denied,
        [
            (Code::InvalidRequest, None, 1),
            (Code::MissingToken, None, 1),
            (Code::NoRule, None, 1),
            (Code::InvalidToken, Some(Rejection::Malformed), 1),
            (Code::InvalidToken, Some(Rejection::Revoked), 1),
        ]
    );
    let text = metrics.to_string();
    for line in [
        "# TYPE signet_decisions_total counter",
        "signet_decisions_total{outcome=\"allow\"} 3",
        "signet_decisions_total{outcome=\"deny\",code=\"no_rule\"} 1",
        "signet_decisions_total{outcome=\"deny\",code=\"invalid_token\",reason=\"revoked\"} 1",
        "signet_fetches_total{document=\"keys\"} 1",
        "# TYPE signet_document_age_seconds gauge",
        "signet_document_age_seconds{document=\"keys\"} 7",
        "signet_document_good{document=\"keys\"} 1",
        "signet_document_good{document=\"feed\"} 1",
    ] {
        assert!(text.lines().any(|it| it == line), "{line} in\n{text}");
    }
}
