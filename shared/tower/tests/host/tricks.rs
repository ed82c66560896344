//! What is sent to slip by: bytes that a client of a library wouldn't send.

use axum::Router;
use axum::routing::{MethodRouter, any};
use serde_json::json;
use signet_tower::{SignetLayer, Trust, read_policy};
use tower::ServiceExt as _;

use crate::issuer::{START, jwks, policy, token};
use crate::upstream::{Seen, Upstream};
use crate::wire::{Response, request, send};

const ISSUER: &str = "https://auth.example.com";

fn trust() -> Trust {
    let now = signet_tower::signet_verifier::time::UnixMillis::from_millis(START * 1_000);
    let trust = Trust::of(ISSUER).clock(move || now);
    trust.pinned(jwks(&["k1"]).as_bytes()).unwrap().offline()
}

fn bearer(subject: &str) -> Vec<u8> {
    let token = token(
        ISSUER,
        "k1",
        subject,
        START,
        &json!({ "roles": ["support"] }),
    );
    format!("Bearer {token}").into_bytes()
}

async fn service() -> Upstream {
    Upstream::with_policy(&trust(), &policy(ISSUER)).await
}

async fn ask(
    upstream: &Upstream,
    target: &str,
    headers: &[(&[u8], &[u8])],
) -> (Response, Option<Seen>) {
    let bytes = request(b"GET", target.as_bytes(), headers);
    let response = send(upstream.address, &bytes).await;
    (response, upstream.take())
}

#[tokio::test]
async fn nobody_names_themselves() {
    let upstream = service().await;
    let ada = bearer("ada");
    let forged: [(&[u8], &[u8]); 9] = [
        (b"Authorization", &ada),
        (b"x-signet-sub", b"root"),
        (b"X-Signet-Sub", b"root"),
        (b"X_Signet_Sub", b"root"),
        (b"x_signet-roles", b"admin"),
        (b"X-SIGNET-anything", b"admin"),
        (b"x-http-method-override", b"DELETE"),
        (b"X_Original_Url", b"/admin"),
        (b"x-other", b"stays"),
    ];
    let (response, seen) = ask(&upstream, "/profile", &forged).await;
    assert_eq!(response.status, 200);
    let seen = seen.unwrap();
    assert_eq!(seen.values("x-signet-sub"), [b"ada"]);
    assert_eq!(seen.values("x-signet-roles"), [b"support"]);
    assert_eq!(seen.values("x-other"), [b"stays"]);
    assert_eq!(seen.values("authorization"), [&ada[..]]);
    for gone in [
        "x_signet_sub",
        "x_signet-roles",
        "x-signet-anything",
        "x_original_url",
    ] {
        assert!(seen.values(gone).is_empty(), "{gone}");
    }
    let (_, seen) = ask(&upstream, "/open", &forged[1..]).await;
    let seen = seen.unwrap();
    let names: Vec<&str> = seen.headers.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["host", "x-other"]);
    assert_eq!(seen.subject, None);
}

#[tokio::test]
async fn headers_that_can_be_read_in_two_ways_are_refused() {
    let upstream = service().await;
    let [ada, eve] = ["ada", "eve"].map(bearer);
    let twice = [&ada[..], b", ", &eve].concat();
    let not_utf8 = [&ada[..], b"\xff\xfe"].concat();
    let cases: [&[(&[u8], &[u8])]; 7] = [
        &[(b"authorization", &ada), (b"authorization", &ada)],
        &[(b"authorization", &ada), (b"AUTHORIZATION", &eve)],
        &[(b"authorization", b"Basic YTpi"), (b"authorization", &ada)],
        &[(b"authorization", &twice)],
        &[(b"authorization", &not_utf8)],
        &[(b"authorization", &ada), (b"connection", b"x-signet-sub")],
        &[
            (b"authorization", &ada),
            (b"connection", b"close, X_Signet_Roles"),
        ],
    ];
    for headers in cases {
        let (response, seen) = ask(&upstream, "/profile", headers).await;
        assert_eq!(response.told(), (400, Some("invalid_request".to_owned())));
        assert!(seen.is_none());
    }
    let spoilt: [(&[u8], &[u8]); 1] = [(b"connection", b"authorization")];
    assert_eq!(ask(&upstream, "/open", &spoilt).await.0.status, 400);
}

#[tokio::test]
async fn targets_that_can_be_read_in_two_ways_are_refused() {
    let upstream = service().await;
    let ada = bearer("ada");
    for target in [
        "http://agents.example.com/open",
        "https://agents.example.com/profile",
        "//agents.example.com/open",
        "agents.example.com:443",
        "*",
        "/open/../profile",
        "/open/%2e%2e/profile",
        "/open%2fx",
        "/open%5cx",
        "/open;x",
        "/open%00",
        "/%6fpen%252e",
        "/open//",
        "/%",
        "/%ff",
    ] {
        let (response, seen) = ask(&upstream, target, &[(b"authorization", &ada)]).await;
        assert_eq!(response.status, 400, "{target}");
        assert!(seen.is_none(), "{target}");
    }
    for target in ["/OPEN", "/open/", "/open/x", "/ope", "/"] {
        let (response, _) = ask(&upstream, target, &[(b"authorization", &ada)]).await;
        assert_eq!(
            response.told(),
            (403, Some("no_rule".to_owned())),
            "{target}"
        );
    }
    let (_, seen) = ask(&upstream, "/%6Fpen?a=%2f&b=//", &[]).await;
    assert_eq!(seen.unwrap().target, "/%6Fpen?a=%2f&b=//", "as it came");
}

#[tokio::test]
async fn methods_that_no_rule_has_are_refused() {
    let upstream = service().await;
    let ada = bearer("ada");
    for (method, status) in [
        ("TRACE", 403),
        ("PROPFIND", 403),
        ("get", 403),
        ("PATCH", 200),
    ] {
        let bytes = request(method.as_bytes(), b"/open", &[(b"authorization", &ada)]);
        assert_eq!(
            send(upstream.address, &bytes).await.status,
            status,
            "{method}"
        );
    }
    let tunnel = request(b"CONNECT", b"agents.example.com:443", &[]);
    assert_eq!(send(upstream.address, &tunnel).await.status, 400);
}

#[tokio::test]
async fn other_headers_arrive_byte_by_byte() {
    let upstream = service().await;
    let large = vec![b'x'; 200_000];
    let headers: [(&[u8], &[u8]); 3] = [
        (b"x-latin", b"caf\xe9"),
        (b"cookie", b"authorization=Bearer abc"),
        (b"x-large", &large),
    ];
    let (response, seen) = ask(&upstream, "/open", &headers).await;
    assert_eq!(response.status, 200);
    let seen = seen.unwrap();
    for (name, value) in headers {
        let name = std::str::from_utf8(name).unwrap();
        assert_eq!(seen.values(name), [value]);
    }
}

#[tokio::test]
async fn what_the_server_can_not_read_never_arrives() {
    let upstream = service().await;
    let folded = b"GET /open HTTP/1.1\r\nhost: x\r\nx-a: b\r\n c\r\n\r\n";
    let spaced = b"GET /open HTTP/1.1\r\nhost: x\r\nx-signet-sub : root\r\n\r\n";
    let mut many = b"GET /open HTTP/1.1\r\nhost: x\r\n".to_vec();
    for number in 0..200 {
        many.extend_from_slice(format!("x-{number}: y\r\n").as_bytes());
    }
    many.extend_from_slice(b"\r\n");
    let mut huge = b"GET /open HTTP/1.1\r\nhost: x\r\nx-huge: ".to_vec();
    huge.resize(2_000_000, b'x');
    for bytes in [&folded[..], spaced, &many, &huge] {
        let response = send(upstream.address, bytes).await;
        assert!(!(200..300).contains(&response.status), "{response:?}");
        assert!(upstream.take().is_none());
    }
}

#[tokio::test]
async fn routers_within_routers_change_nothing() {
    let layer = SignetLayer::new(trust(), read_policy(&policy(ISSUER)).unwrap()).unwrap();
    let nest = |service: MethodRouter| {
        let inside = Router::new()
            .route("/agents/{agent}", service.clone())
            .route("/open", service)
            .layer(layer);
        Router::new().nest("/api", Router::new().nest("/v1", inside))
    };
    let upstream = Upstream::serve(nest).await;
    let ada = bearer("ada");
    let authorization: [(&[u8], &[u8]); 1] = [(b"authorization", &ada)];
    let (response, seen) = ask(&upstream, "/api/v1/agents/7", &authorization).await;
    assert_eq!(response.status, 200);
    assert_eq!(seen.unwrap().values("x-signet-rule"), [b"nested"]);
    // To the inner router this is /open, which is open.
    let (response, seen) = ask(&upstream, "/api/v1/open", &[]).await;
    assert_eq!(response.status, 401);
    assert!(seen.is_none());
}

#[tokio::test]
async fn a_target_of_http_2_is_its_path() {
    let layer = SignetLayer::new(trust(), read_policy(&policy(ISSUER)).unwrap()).unwrap();
    let app: Router = Router::new().route("/open", any("open")).layer(layer);
    for (version, status) in [(http::Version::HTTP_2, 200), (http::Version::HTTP_11, 400)] {
        let request = http::Request::get("https://agents.example.com/open");
        let request = request.version(version);
        let request = request.body(axum::body::Body::empty()).unwrap();
        assert_eq!(app.clone().oneshot(request).await.unwrap().status(), status);
    }
}

#[tokio::test]
async fn what_has_no_route_is_decided_about_as_well() {
    let layer = SignetLayer::new(trust(), read_policy(&policy(ISSUER)).unwrap()).unwrap();
    let route = |_| Router::new().route("/open", any("open")).layer(layer);
    let upstream = Upstream::serve(route).await;
    assert_eq!(ask(&upstream, "/nowhere", &[]).await.0.status, 401);
    assert_eq!(ask(&upstream, "/profile", &[]).await.0.status, 401);
    let ada = bearer("ada");
    let profile = ask(&upstream, "/profile", &[(b"authorization", &ada)]).await;
    assert_eq!(profile.0.status, 404, "allowed, and not there");
}
