//! A protected service as its callers meet it, with keys that are pinned, fetched, rotated and
//! withheld.
#![allow(
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test that can't go on should stop, and it may look at the clock"
)]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use base64ct::{Base64UrlUnpadded, Encoding as _};
use ed25519_dalek::{Signer as _, SigningKey};
use http::StatusCode;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, WWW_AUTHENTICATE};
use serde_json::{Value, json};
use signet_tower::{Principal, Protect, Trust};
use tower::ServiceExt as _;

const ISSUER: &str = "https://auth.example.com";

fn key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

fn jwks(seeds: &[u8]) -> String {
    let keys: Vec<Value> = seeds
        .iter()
        .map(|seed| {
            let x = Base64UrlUnpadded::encode_string(key(*seed).verifying_key().as_bytes());
            json!({ "kty": "OKP", "crv": "Ed25519", "kid": format!("key-{seed}"), "x": x })
        })
        .collect();
    json!({ "keys": keys }).to_string()
}

fn token(seed: u8, issuer: &str, roles: &[&str], permissions: &[&str]) -> String {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs();
    let header = json!({ "alg": "EdDSA", "typ": "at+jwt", "kid": format!("key-{seed}") });
    let claims = json!({
        "iss": issuer, "aud": "agents-api", "sub": "ada", "sid": "session", "jti": "token",
        "client_id": "signet", "iat": now, "exp": now + 300,
        "roles": roles, "permissions": permissions,
    });
    let encode = |part: &Value| Base64UrlUnpadded::encode_string(part.to_string().as_bytes());
    let signed = format!("{}.{}", encode(&header), encode(&claims));
    let signature = key(seed).sign(signed.as_bytes()).to_bytes();
    format!("{signed}.{}", Base64UrlUnpadded::encode_string(&signature))
}

fn service(trust: &Trust) -> Router {
    let whoami = |who: Principal| async move { who.subject().to_owned() };
    let maybe = |who: Option<Principal>| async move { format!("{}", who.is_some()) };
    let echo = |request: Request| async move {
        let names: Vec<&str> = request.headers().keys().map(|name| name.as_str()).collect();
        names.join(" ")
    };
    let support = Protect::new(trust.clone())
        .role("support")
        .permission("agents:read");
    let protected = Router::new()
        .route("/whoami", get(whoami))
        .route("/headers", get(echo))
        .route_layer(Protect::new(trust.clone()));
    Router::new()
        .route("/agents", get(whoami))
        .route_layer(support)
        .merge(protected)
        .route("/open", get(maybe))
        .route("/forgotten", get(whoami))
}

fn pinned() -> Router {
    service(&Trust::pinned(ISSUER, ["agents-api"], jwks(&[1]).as_bytes()).unwrap())
}

async fn ask(service: &Router, path: &str, headers: &[(&str, &str)]) -> Response {
    let mut request = Request::get(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Body::empty()).unwrap();
    service.clone().oneshot(request).await.unwrap()
}

async fn ask_with(service: &Router, path: &str, token: &str) -> StatusCode {
    let bearer = format!("Bearer {token}");
    let response = ask(service, path, &[("authorization", &bearer)]).await;
    response.status()
}

async fn text(response: Response) -> String {
    let body = to_bytes(response.into_body(), 65_536).await.unwrap();
    String::from_utf8(body.to_vec()).unwrap()
}

#[tokio::test]
async fn a_good_token_with_role_and_permission_gets_through() {
    let service = pinned();
    let token = token(1, ISSUER, &["support"], &["agents:read"]);
    let bearer = format!("bearer {token}");
    let response = ask(&service, "/agents", &[("authorization", &bearer)]).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(text(response).await, "ada");
}

#[tokio::test]
async fn each_refusal_has_its_status_challenge_and_problem() {
    let service = pinned();
    let lacking_role = format!("Bearer {}", token(1, ISSUER, &[], &["agents:read"]));
    let lacking_permission = format!("Bearer {}", token(1, ISSUER, &["support"], &[]));
    let foreign = format!("Bearer {}", token(1, "https://elsewhere.example", &[], &[]));
    let forged = format!(
        "Bearer {}",
        token(2, ISSUER, &["support"], &["agents:read"])
    );
    for (header, status, code) in [
        (None, 401, "missing_token"),
        (Some("Basic YTpi"), 401, "missing_token"),
        (Some("Bearer"), 400, "invalid_request"),
        (Some("Bearer a b"), 400, "invalid_request"),
        (Some("Bearer abc"), 401, "invalid_token"),
        (Some(foreign.as_str()), 401, "invalid_token"),
        (Some(forged.as_str()), 401, "invalid_token"),
        (Some(lacking_role.as_str()), 403, "insufficient_scope"),
        (Some(lacking_permission.as_str()), 403, "insufficient_scope"),
    ] {
        let headers: Vec<_> = header
            .iter()
            .map(|value| ("authorization", *value))
            .collect();
        let response = ask(&service, "/agents", &headers).await;
        assert_eq!(response.status().as_u16(), status, "{header:?}");
        let said = |name| {
            let value: Option<&http::HeaderValue> = response.headers().get(&name);
            value.map(|value| value.to_str().unwrap().to_owned())
        };
        assert_eq!(
            said(CONTENT_TYPE).as_deref(),
            Some("application/problem+json")
        );
        assert_eq!(said(CACHE_CONTROL).as_deref(), Some("no-store"));
        let expected = match code {
            "missing_token" => "Bearer realm=\"signet\"".to_owned(),
            code => format!("Bearer realm=\"signet\", error=\"{code}\""),
        };
        assert_eq!(said(WWW_AUTHENTICATE), Some(expected));
        let problem: Value = serde_json::from_str(&text(response).await).unwrap();
        assert_eq!(problem["code"], code);
        assert_eq!(problem["status"], status);
        assert_eq!(problem["type"], format!("urn:signet:problem:{code}"));
    }
}

#[tokio::test]
async fn two_authorization_headers_are_one_too_many() {
    let service = pinned();
    let bearer = format!("Bearer {}", token(1, ISSUER, &[], &[]));
    let twice = [
        ("authorization", bearer.as_str()),
        ("authorization", bearer.as_str()),
    ];
    assert_eq!(ask(&service, "/whoami", &twice).await.status(), 400);
}

#[tokio::test]
async fn nobody_names_themselves() {
    let service = pinned();
    let bearer = format!("Bearer {}", token(1, ISSUER, &[], &[]));
    let headers = [
        ("authorization", bearer.as_str()),
        ("x-signet-sub", "root"),
        ("X_Signet_Roles", "admin"),
        ("x-other", "stays"),
    ];
    let seen = text(ask(&service, "/headers", &headers).await).await;
    assert_eq!(seen, "authorization x-other");
}

#[tokio::test]
async fn a_route_that_was_left_unprotected_has_no_principal() {
    let service = pinned();
    let token = token(1, ISSUER, &[], &[]);
    assert_eq!(ask_with(&service, "/forgotten", &token).await, 500);
    let bearer = format!("Bearer {token}");
    let open = ask(&service, "/open", &[("authorization", &bearer)]).await;
    assert_eq!(text(open).await, "false");
}

#[test]
fn what_is_no_key_set_can_not_be_pinned() {
    let with_private = jwks(&[1]).replace("\"kty\"", "\"d\":\"AA\",\"kty\"");
    for text in [
        "",
        "{}",
        "{\"keys\":[]}",
        "<html>",
        "{\"keys\":[{}]}",
        &with_private,
    ] {
        assert!(
            Trust::pinned(ISSUER, ["a"], text.as_bytes()).is_err(),
            "{text}"
        );
    }
}

/// An issuer that publishes whatever it is told to.
#[derive(Clone)]
struct Publisher {
    url: String,
    answer: Arc<Mutex<(StatusCode, String)>>,
    asked: Arc<AtomicUsize>,
}

impl Publisher {
    async fn start(status: StatusCode, body: String) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let publisher = Self {
            url: format!("http://{}", listener.local_addr().unwrap()),
            answer: Arc::new(Mutex::new((status, body))),
            asked: Arc::default(),
        };
        let state = publisher.clone();
        let answer = move || {
            state.asked.fetch_add(1, Ordering::Relaxed);
            let answer = state.answer.lock().unwrap().clone();
            async move { answer.into_response() }
        };
        let app = Router::new().route("/.well-known/jwks.json", get(answer));
        tokio::spawn(async move { axum::serve(listener, app).await });
        publisher
    }
}

#[tokio::test]
async fn keys_come_from_the_issuer_and_a_flood_of_unknown_keys_asks_it_hardly_ever() {
    let publisher = Publisher::start(StatusCode::OK, jwks(&[1])).await;
    let trust = Trust::fetch(&publisher.url, ["agents-api"]).await.unwrap();
    let service = service(&trust);
    let old = token(1, &publisher.url, &[], &[]);
    let new = token(2, &publisher.url, &[], &[]);
    assert_eq!(ask_with(&service, "/whoami", &old).await, 200);
    *publisher.answer.lock().unwrap() = (StatusCode::OK, jwks(&[1, 2]));
    let started = std::time::Instant::now();
    let mut status = ask_with(&service, "/whoami", &new).await;
    assert_eq!(status, 401, "nothing waits for keys");
    while status != 200 && started.elapsed() < Duration::from_secs(20) {
        for _ in 0..100 {
            status = ask_with(&service, "/whoami", &new).await;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(status, 200, "the new key is fetched within the window");
    assert_eq!(publisher.asked.load(Ordering::Relaxed), 2);
    assert_eq!(ask_with(&service, "/whoami", &old).await, 200);
}

#[tokio::test]
async fn an_issuer_that_answers_rubbish_is_no_start() {
    for (status, body) in [
        (StatusCode::OK, String::new()),
        (StatusCode::OK, "<html></html>".to_owned()),
        (StatusCode::OK, "{\"keys\":[]}".to_owned()),
        (
            StatusCode::OK,
            format!("{}{}", jwks(&[1]), " ".repeat(70_000)),
        ),
        (StatusCode::NOT_FOUND, jwks(&[1])),
        (StatusCode::NO_CONTENT, String::new()),
        (StatusCode::FOUND, jwks(&[1])),
    ] {
        let publisher = Publisher::start(status, body).await;
        let trust = Trust::fetch(&publisher.url, ["agents-api"]).await;
        assert!(trust.is_err(), "{status}");
    }
    assert!(Trust::fetch("http://127.0.0.1:1", ["a"]).await.is_err());
}
