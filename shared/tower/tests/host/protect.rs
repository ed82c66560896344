//! Routes that are protected one by one, without a policy.

use axum::Router;
use axum::routing::get;
use serde_json::{Value, json};
use signet_tower::signet_verifier::policy::Condition;
use signet_tower::signet_verifier::policy::document::Revocation;
use signet_tower::signet_verifier::time::UnixMillis;
use signet_tower::{Principal, Protect, Trust};

use crate::issuer::{START, jwks, token};
use crate::upstream::Upstream;
use crate::wire::{self, Response, request, send};

const ISSUER: &str = "https://auth.example.com";

fn routes() -> Router {
    let now = UnixMillis::from_millis(START * 1_000);
    let trust = Trust::of(ISSUER).clock(move || now);
    let trust = trust.pinned(jwks(&["k1"]).as_bytes()).unwrap().offline();
    let protect = Protect::new(trust, ["agents-api"]);
    let whoami = |who: Principal| async move { who.subject().to_owned() };
    let maybe = |who: Option<Principal>| async move { format!("{}", who.is_some()) };
    let route = |path, protect: Protect| {
        let router = Router::new().route(path, get(whoami));
        router.route_layer(protect)
    };
    let support = protect.clone().role("support").permission("agents:read");
    let fresh = protect.clone().require(Condition::FreshWithin(300));
    let careful = protect.clone().revocation(Revocation::Required);
    Router::new()
        .merge(route("/whoami", protect))
        .merge(route("/agents", support))
        .merge(route("/fresh", fresh))
        .merge(route("/careful", careful))
        .route("/open", get(maybe))
        .route("/forgotten", get(whoami))
}

async fn service() -> Upstream {
    Upstream::serve(|_| routes()).await
}

fn bearer(claims: &Value) -> String {
    token(ISSUER, "k1", "ada", START, claims)
}

async fn ask(service: &Upstream, path: &str, header: &str) -> Response {
    let headers = [(&b"authorization"[..], header.as_bytes())];
    send(service.address, &request(b"GET", path.as_bytes(), &headers)).await
}

#[tokio::test]
async fn a_good_token_with_role_and_permission_gets_through() {
    let service = service().await;
    let claims = json!({ "roles": ["support"], "permissions": ["agents:read"] });
    let response = ask(&service, "/agents", &format!("bearer {}", bearer(&claims))).await;
    assert_eq!((response.status, response.text()), (200, "ada"));
}

#[tokio::test]
async fn each_refusal_has_its_status_challenge_and_problem() {
    let service = service().await;
    let of = |claims: Value| format!("Bearer {}", bearer(&claims));
    let forged = token(ISSUER, "stranger", "ada", START, &json!({}));
    for (header, status, code) in [
        (String::new(), 401, "missing_token"),
        ("Basic YTpi".to_owned(), 401, "missing_token"),
        ("Bearer".to_owned(), 400, "invalid_request"),
        ("Bearer a b".to_owned(), 400, "invalid_request"),
        ("Bearer abc".to_owned(), 401, "invalid_token"),
        (format!("Bearer {forged}"), 401, "invalid_token"),
        (of(json!({ "aud": "other" })), 401, "invalid_token"),
        (
            of(json!({ "iss": "https://elsewhere.example" })),
            401,
            "invalid_token",
        ),
        (
            of(json!({ "permissions": ["agents:read"] })),
            403,
            "insufficient_scope",
        ),
        (
            of(json!({ "roles": ["support"] })),
            403,
            "insufficient_scope",
        ),
    ] {
        let response = ask(&service, "/agents", &header).await;
        assert_eq!(response.told(), (status, Some(code.to_owned())), "{header}");
        let content_type = response.header("content-type");
        assert_eq!(content_type, Some("application/problem+json"));
        assert_eq!(response.header("cache-control"), Some("no-store"));
        let challenge = match code {
            "missing_token" => "Bearer realm=\"signet\"".to_owned(),
            code => format!("Bearer realm=\"signet\", error=\"{code}\""),
        };
        assert_eq!(response.header("www-authenticate"), Some(&*challenge));
    }
}

#[tokio::test]
async fn a_login_may_have_to_be_fresh_and_a_feed_there() {
    let service = service().await;
    let ask = async |path, claims: Value| wire::get(service.address, path, &bearer(&claims)).await;
    let fresh = ask("/fresh", json!({ "auth_time": START - 300 })).await;
    assert_eq!(fresh.status, 200);
    let stale = ask("/fresh", json!({ "auth_time": START - 301 })).await;
    assert_eq!(stale.code().as_deref(), Some("reauthentication_required"));
    let careful = ask("/careful", json!({})).await;
    assert_eq!(careful.code().as_deref(), Some("revocation_unavailable"));
}

#[tokio::test]
async fn a_route_that_was_left_unprotected_has_no_principal() {
    let service = service().await;
    let token = bearer(&json!({}));
    assert_eq!(
        wire::get(service.address, "/forgotten", &token)
            .await
            .status,
        500
    );
    assert_eq!(
        wire::get(service.address, "/open", &token).await.text(),
        "false"
    );
}

#[tokio::test]
async fn what_the_path_looks_like_is_the_routers_business() {
    let service = service().await;
    let token = bearer(&json!({}));
    assert_eq!(
        wire::get(service.address, "/whoami?a=%25", &token)
            .await
            .text(),
        "ada"
    );
    assert_eq!(
        wire::get(service.address, "/nowhere;x", &token)
            .await
            .status,
        404
    );
}

#[tokio::test]
async fn services_are_told_who_asks_as_behind_a_policy() {
    let now = UnixMillis::from_millis(START * 1_000);
    let trust = Trust::of(ISSUER).clock(move || now);
    let trust = trust.pinned(jwks(&["k1"]).as_bytes()).unwrap().offline();
    let protect = Protect::new(trust, ["agents-api"]);
    let service = Upstream::serve(|service| Router::new().fallback(service).layer(protect)).await;
    let bearer = format!("Bearer {}", bearer(&json!({})));
    let headers: [(&[u8], &[u8]); 2] = [
        (b"authorization", bearer.as_bytes()),
        (b"X_Signet_Sub", b"root"),
    ];
    let bytes = request(b"GET", b"/anything", &headers);
    assert_eq!(send(service.address, &bytes).await.status, 200);
    let seen = service.take().unwrap();
    assert_eq!(seen.values("x-signet-sub"), [b"ada"]);
    assert_eq!(seen.values("x-signet-rule"), [b"protect"]);
    assert!(seen.values("x_signet_sub").is_empty());
}
