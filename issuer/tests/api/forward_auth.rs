//! What proxies are told of the requests they ask about.

use http::{Method, StatusCode};

use crate::harness::{Answer, Client, Service, Setting};

const VERIFY: &str = "/v1/auth/verify";
const ADA: &str = "ada@example.com";

const RULES: &str = r#"
[roles]
reader = ["reports:read"]

[[rule]]
id = "health"
methods = ["GET"]
path = "/health"
allow = "anyone"

[[rule]]
id = "greeting"
path = "/greeting"
allow = "optional"

[[rule]]
id = "own"
path = "/users/{user}"
allow = { any = [{ subject = "{user}" }, { role = "admin" }] }

[[rule]]
id = "agents"
methods = ["GET", "POST"]
path = "/agents"
allow = "authenticated"

[[rule]]
id = "change"
methods = ["DELETE"]
path = "/agents"
allow = { fresh_within = "1m" }

[[rule]]
id = "admins"
path = "/admin/{*page}"
allow = { role = "admin" }

[[rule]]
id = "strict"
path = "/strict"
allow = "authenticated"
revocation = "required"
"#;

const IDENTITY: [&str; 7] = [
    "x-signet-sub",
    "x-signet-sid",
    "x-signet-client",
    "x-signet-roles",
    "x-signet-permissions",
    "x-signet-exp",
    "x-signet-rule",
];

/// A service for which this machine is a proxy.
async fn service() -> Service {
    Service::start_with(Setting {
        forward_auth: Some((RULES, "127.0.0.1/32")),
        ..Setting::default()
    })
    .await
}

/// Asks as Traefik and Caddy do.
async fn ask(client: &Client, method: &str, uri: &str, more: &[(&str, &str)]) -> Answer {
    let line = [("x-forwarded-method", method), ("x-forwarded-uri", uri)];
    ask_with(client, &[&line[..], more].concat()).await
}

async fn ask_with(client: &Client, headers: &[(&str, &str)]) -> Answer {
    let mut call = client.call(Method::GET, VERIFY);
    for (name, value) in headers {
        call = call.header(name, value);
    }
    call.send().await
}

/// The identity headers, each of which must be there once.
fn identity(answer: &Answer) -> [String; 7] {
    IDENTITY.map(|name| {
        assert!(answer.headers.contains_key(name), "no {name}");
        answer.header(name).to_owned()
    })
}

#[track_caller]
fn expect_refusal(answer: Answer, status: StatusCode, code: &str) -> Answer {
    let answer = answer.expect(status).expect_problem(code);
    assert_eq!(answer.header("x-signet-code"), code);
    assert_eq!(answer.header("cache-control"), "no-store");
    for name in IDENTITY {
        assert!(!answer.headers.contains_key(name), "{name}");
    }
    answer
}

#[tokio::test]
async fn without_a_policy_there_is_nothing() {
    let service = Service::start().await;
    let client = service.client();
    let answer = ask(&client, "GET", "/health", &[]).await;
    expect_refusal(answer, StatusCode::NOT_FOUND, "not_found");
    let answer = client.call(Method::POST, VERIFY).send().await;
    expect_refusal(answer, StatusCode::NOT_FOUND, "not_found");
}

#[tokio::test]
async fn only_proxies_are_told_anything_whatever_headers_say() {
    let setting = Setting {
        forward_auth: Some((RULES, "192.0.2.0/24")),
        ..Setting::behind_a_proxy()
    };
    let service = Service::start_with(setting).await;
    let ada = service.member(ADA, &[]).await;
    for client in [service.client(), ada] {
        for (name, value) in [
            ("accept", "*/*"),
            ("x-forwarded-for", "192.0.2.1"),
            ("forwarded", "for=192.0.2.1"),
            ("x-real-ip", "192.0.2.1"),
        ] {
            let answer = ask(&client, "GET", "/health", &[(name, value)]).await;
            expect_refusal(answer, StatusCode::FORBIDDEN, "unknown_proxy");
        }
    }
}

#[tokio::test]
async fn a_request_that_may_go_on_goes_as_whoever_has_the_token() {
    let service = service().await;
    let ada = service.member(ADA, &["admin"]).await;
    let me = ada.get("/v1/me").await.json();
    for method in [Method::GET, Method::POST, Method::HEAD] {
        let call = ada
            .call(method, VERIFY)
            .header("x-original-method", "POST")
            .header("x-original-uri", "/agents?page=2");
        let answer = call.send().await.expect(StatusCode::OK);
        assert!(answer.body.is_empty());
        assert_eq!(answer.header("cache-control"), "no-store");
        let [sub, sid, client, roles, permissions, exp, rule] = identity(&answer);
        assert_eq!(sub, me["id"].as_str().unwrap());
        assert_eq!((sid.len(), client.as_str()), (36, "web"));
        assert_eq!((roles.as_str(), rule.as_str()), ("admin,user", "agents"));
        assert!(permissions.contains("users:write"), "{permissions}");
        assert!(exp.parse::<u64>().unwrap() > 1_800_000_000, "{exp}");
    }
}

#[tokio::test]
async fn a_request_without_an_identity_has_every_header_empty() {
    let service = service().await;
    let client = service.client();
    let ada = service.member(ADA, &[]).await;
    let spoofed = IDENTITY.map(|name| (name, "root"));
    for (client, uri) in [
        (&client, "/health"),
        (&client, "/greeting"),
        (&ada, "/health"),
    ] {
        let answer = ask(client, "GET", uri, &spoofed).await;
        let answer = answer.expect(StatusCode::OK);
        assert_eq!(identity(&answer), [""; 7].map(str::to_owned), "{uri}");
    }
}

#[tokio::test]
async fn every_refusal_is_401_or_403_and_says_its_code() {
    let service = service().await;
    let ada = service.member(ADA, &[]).await;
    let nobody = service.client();
    let forged = service.client().always("authorization", "Bearer a.b.c");
    let twice = ada.clone().always("authorization", "Bearer x");
    for (client, line, status, code, challenge) in [
        (&nobody, "GET /agents", 401, "missing_token", Some("")),
        (&nobody, "GET /nowhere", 401, "missing_token", Some("")),
        (
            &forged,
            "GET /agents",
            401,
            "invalid_token",
            Some("invalid_token"),
        ),
        (
            &forged,
            "GET /greeting",
            401,
            "invalid_token",
            Some("invalid_token"),
        ),
        (
            &ada,
            "GET /admin/x",
            403,
            "insufficient_scope",
            Some("insufficient_scope"),
        ),
        (
            &ada,
            "GET /users/bob",
            403,
            "insufficient_scope",
            Some("insufficient_scope"),
        ),
        (&ada, "GET /nowhere", 403, "no_rule", None),
        (&ada, "PUT /agents", 403, "no_rule", None),
        (&ada, "get /agents", 403, "no_rule", None),
        (&ada, "GET /agents/", 403, "no_rule", None),
        (
            &twice,
            "GET /agents",
            403,
            "invalid_request",
            Some("invalid_request"),
        ),
        (
            &ada,
            "G/T /agents",
            403,
            "invalid_request",
            Some("invalid_request"),
        ),
        (
            &ada,
            "GET //agents",
            403,
            "invalid_request",
            Some("invalid_request"),
        ),
        (
            &ada,
            "GET /admin/..%2fagents",
            403,
            "invalid_request",
            Some("invalid_request"),
        ),
        (
            &ada,
            "GET /x/../agents",
            403,
            "invalid_request",
            Some("invalid_request"),
        ),
        (
            &ada,
            "GET /agents#x",
            403,
            "invalid_request",
            Some("invalid_request"),
        ),
        (
            &ada,
            "GET /\u{e9}",
            403,
            "invalid_request",
            Some("invalid_request"),
        ),
        (
            &ada,
            "GET http://app.example/agents",
            403,
            "invalid_request",
            Some("invalid_request"),
        ),
        (
            &ada,
            "GET ",
            403,
            "invalid_request",
            Some("invalid_request"),
        ),
    ] {
        let (method, uri) = line.split_once(' ').unwrap();
        let answer = ask(client, method, uri, &[]).await;
        let status = StatusCode::from_u16(status).unwrap();
        let answer = expect_refusal(answer, status, code);
        let challenge = challenge.map_or_else(String::new, |error| match error {
            "" => "Bearer realm=\"signet\"".to_owned(),
            error => format!("Bearer realm=\"signet\", error=\"{error}\""),
        });
        assert_eq!(answer.header("www-authenticate"), challenge, "{line}");
    }
}

#[tokio::test]
async fn an_old_login_is_told_how_fresh_it_must_be() {
    let service = service().await;
    let ada = service.member(ADA, &[]).await;
    ask(&ada, "DELETE", "/agents", &[])
        .await
        .expect(StatusCode::OK);
    service.wait(61);
    let answer = ask(&ada, "DELETE", "/agents", &[]).await;
    let answer = expect_refusal(
        answer,
        StatusCode::UNAUTHORIZED,
        "reauthentication_required",
    );
    let challenge = answer.header("www-authenticate");
    assert!(challenge.ends_with("max_age=60"), "{challenge}");
}

#[tokio::test]
async fn a_question_describes_one_request_in_one_way() {
    let service = service().await;
    let ada = service.member(ADA, &[]).await;
    let [method, uri] = [
        ("x-forwarded-method", "GET"),
        ("x-forwarded-uri", "/agents"),
    ];
    let [other_method, other_uri] = [("x-original-method", "GET"), ("x-original-uri", "/agents")];
    for agreed in [
        &[method, uri][..],
        &[other_method, other_uri],
        &[method, uri, other_method, other_uri],
    ] {
        ask_with(&ada, agreed).await.expect(StatusCode::OK);
    }
    for unclear in [
        &[][..],
        &[method],
        &[uri],
        &[method, other_uri],
        &[method, uri, uri],
        &[method, method, uri],
        &[method, uri, other_uri],
        &[method, uri, other_method, ("x-original-uri", "/health")],
        &[method, uri, ("x-original-method", "POST"), other_uri],
        &[method, ("x-original-url", "/agents")],
    ] {
        let answer = ask_with(&ada, unclear).await;
        expect_refusal(answer, StatusCode::FORBIDDEN, "invalid_request");
    }
}

#[tokio::test]
async fn headers_that_pretend_another_request_change_nothing() {
    let service = service().await;
    let ada = service.member(ADA, &[]).await;
    for header in [
        ("x-original-url", "/health"),
        ("x-rewrite-url", "/health"),
        ("x-http-method-override", "OPTIONS"),
        ("x-http-method", "OPTIONS"),
        ("x-method-override", "OPTIONS"),
        ("x-forwarded-path", "/health"),
        ("cookie", "authorization=x"),
    ] {
        let answer = ask(&ada, "GET", "/admin/x", &[header]).await;
        expect_refusal(answer, StatusCode::FORBIDDEN, "insufficient_scope");
        let allowed = ask(&ada, "GET", "/agents", &[header]).await;
        assert_eq!(identity(&allowed.expect(StatusCode::OK))[6], "agents");
    }
}

#[tokio::test]
async fn a_token_that_stays_behind_is_no_reason_to_refuse() {
    let keeping = "forward_token = false\n[[rule]]\nid = \"agents\"\npath = \"/agents\"\n\
                   allow = \"authenticated\"\n";
    let setting = Setting {
        forward_auth: Some((keeping, "127.0.0.1/32")),
        ..Setting::default()
    };
    let service = Service::start_with(setting).await;
    let ada = service.member(ADA, &[]).await;
    let answer = ask(&ada, "GET", "/agents", &[]).await;
    assert_eq!(identity(&answer.expect(StatusCode::OK))[6], "agents");
}

#[tokio::test]
async fn what_no_proxy_takes_away_is_refused() {
    let service = service().await;
    let ada = service.member(ADA, &[]).await;
    for (name, value) in [
        ("x_signet_sub", "root"),
        ("x-signet_roles", "admin"),
        ("x-signet-tenant", "1"),
        ("x_original_url", "/health"),
        ("x-http_method-override", "DELETE"),
        ("connection", "x-signet-sub"),
        ("connection", "close, Authorization"),
    ] {
        for uri in ["/agents", "/health"] {
            let answer = ask(&ada, "GET", uri, &[(name, value)]).await;
            expect_refusal(answer, StatusCode::FORBIDDEN, "invalid_request");
        }
    }
}

#[tokio::test]
async fn proxies_ask_under_whatever_name_they_know() {
    let service = service().await;
    for host in ["app.example.com", "signet", "10.0.0.1:8080"] {
        let proxy = service.client().asking_for(host);
        let answer = ask(&proxy, "GET", "/health", &[]).await;
        answer.expect(StatusCode::OK);
    }
}

#[tokio::test]
async fn a_query_and_a_body_of_the_question_mean_nothing() {
    let service = service().await;
    let client = service.client();
    let call = client
        .call(Method::POST, "/v1/auth/verify?uri=/health&;%")
        .header("x-forwarded-method", "GET")
        .header("x-forwarded-uri", "/agents")
        .text("{\"uri\":\"/health\"}");
    expect_refusal(call.send().await, StatusCode::UNAUTHORIZED, "missing_token");
}

#[tokio::test]
async fn however_much_is_asked_there_is_no_limit() {
    let service = service().await;
    let client = service.client();
    for _ in 0..700 {
        ask(&client, "GET", "/health", &[])
            .await
            .expect(StatusCode::OK);
    }
}
