//! What is the same for every operation of the document.

use http::{Method, StatusCode};
use serde_json::json;

use crate::harness::contract::{DOCUMENT, Operation, all};
use crate::harness::{Client, Service, Setting};

/// An address of its own for each, behind the trusted proxy of [`Setting::behind_a_proxy`].
fn from_elsewhere(service: &Service, number: usize) -> Client {
    let address = format!("10.0.{}.{}", number / 250, number % 250);
    service.client().always("x-forwarded-for", &address)
}

fn is_local_only(operation: &Operation) -> bool {
    operation.declared["x-signet-local-only"] == true
}

#[tokio::test]
async fn every_limit_is_reached_and_refuses() {
    let service = Service::start_with(Setting::behind_a_proxy()).await;
    let limited = Operation::all().filter(|operation| operation.limit() != "public");
    for (number, operation) in limited
        .filter(|operation| !is_local_only(operation))
        .enumerate()
    {
        let client = from_elsewhere(&service, number);
        let path = operation.some_path();
        let mut asked = 0;
        loop {
            let answer = client.call(operation.method(), &path).send().await;
            let policy = answer.header("ratelimit-policy");
            let class = format!("\"{}\";q=", operation.limit());
            assert!(policy.starts_with(&class), "{policy}");
            if answer.status == StatusCode::TOO_MANY_REQUESTS {
                break;
            }
            asked += 1;
            assert!(asked < 20_000, "{path} is not limited");
        }
    }
}

#[tokio::test]
async fn every_operation_for_members_asks_for_a_token() {
    let service = Service::start_with(Setting::behind_a_proxy()).await;
    let for_members = Operation::all().filter(Operation::needs_bearer);
    for (number, operation) in for_members.enumerate() {
        let anyone = from_elsewhere(&service, number);
        let path = operation.some_path();
        let with = |values: &[&str]| {
            let mut call = anyone.call(operation.method(), &path);
            for value in values {
                call = call.header("authorization", value);
            }
            call.send()
        };
        for (values, code, challenge) in [
            (&[][..], "missing_token", ""),
            (&[""], "missing_token", ""),
            (&["Basic YTpi"], "missing_token", ""),
            (&["Bearer x"], "invalid_token", ", error=\"invalid_token\""),
            (
                &["bearer a.b.c"],
                "invalid_token",
                ", error=\"invalid_token\"",
            ),
            (
                &["Bearer"],
                "invalid_request",
                ", error=\"invalid_request\"",
            ),
            (
                &["Bearer  x"],
                "invalid_request",
                ", error=\"invalid_request\"",
            ),
            (
                &["Bearer x, Bearer y"],
                "invalid_request",
                ", error=\"invalid_request\"",
            ),
            (
                &["Bearer x", "Bearer x"],
                "invalid_request",
                ", error=\"invalid_request\"",
            ),
        ] {
            let answer = with(values).await.expect_problem(code);
            let expected = format!("Bearer realm=\"signet\"{challenge}");
            assert_eq!(
                answer.header("www-authenticate"),
                expected,
                "{path} {values:?}"
            );
        }
    }
}

#[tokio::test]
async fn every_admin_operation_asks_for_its_permission() {
    let setting = Setting {
        limits_scale: 100,
        ..Setting::default()
    };
    let service = Service::start_with(setting).await;
    let admin = service.member("admin@example.com", &["admin"]).await;
    let member = service.member("member@example.com", &[]).await;
    for operation in Operation::all().filter(|one| one.path.starts_with("/v1/admin/")) {
        let permission = operation.permission().expect("a permission");
        let role = permission.replace(':', "-only-");
        let body = json!({ "name": role, "permissions": [permission] });
        admin.post("/v1/admin/roles", body).await;
        let holder = service
            .member(&format!("{}@example.com", unique(&operation)), &[&role])
            .await;
        let ask = |client: Client| async move {
            client
                .call(operation.method(), &operation.some_path())
                .send()
                .await
        };
        let refused = ask(member.clone())
            .await
            .expect_problem("insufficient_scope");
        let challenge = "Bearer realm=\"signet\", error=\"insufficient_scope\"";
        assert_eq!(refused.header("www-authenticate"), challenge);
        let granted = ask(holder).await;
        assert_ne!(granted.status, StatusCode::FORBIDDEN, "{}", operation.path);
        let head = member
            .call(Method::HEAD, &operation.some_path())
            .send_unchecked()
            .await;
        assert!(!head.status.is_success(), "{}", operation.path);
    }
}

fn unique(operation: &Operation) -> String {
    operation.declared["operationId"]
        .as_str()
        .unwrap()
        .to_lowercase()
}

#[tokio::test]
async fn a_path_has_one_spelling() {
    let service = Service::start().await;
    let admin = service.member("admin@example.com", &["admin"]).await;
    for path in [
        "/v1/admin/users/",
        "//v1/admin/users",
        "/v1//admin/users",
        "/v1/admin/%75sers",
        "/v1/%61dmin/users",
        "/V1/admin/users",
        "/v1/admin/Users",
        "/v1/admin/users;x",
        "/v1/admin/users%20",
        "/v1/admin/./users",
        "/v1/x/../admin/users",
        "/v1/admin%2fusers",
        "/v1/admin/users%00",
        "/v1/admin/users/x/y/z",
        "/v1",
        "/metrics",
        "/.git/config",
    ] {
        admin.get(path).await.expect_problem("not_found");
    }
}

#[tokio::test]
async fn other_methods_are_not_allowed_and_the_right_ones_are_listed() {
    let service = Service::start().await;
    let client = service.client();
    let paths = DOCUMENT["paths"].as_object().unwrap();
    for (path, operations) in paths {
        let mut allowed: Vec<String> = operations
            .as_object()
            .unwrap()
            .keys()
            .map(|method| method.to_uppercase())
            .collect();
        if allowed.contains(&"GET".to_owned()) {
            allowed.push("HEAD".to_owned());
        }
        allowed.sort();
        let path = path.replace("{id}", "x").replace("{name}", "x");
        for method in [
            "GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW",
        ] {
            if !allowed.contains(&method.to_owned()) {
                let call = client.call(method.parse().unwrap(), &path);
                let answer = call
                    .header("x-http-method-override", &allowed[0])
                    .send()
                    .await;
                let answer = answer.expect_problem("method_not_allowed");
                assert_eq!(
                    answer.header("allow"),
                    allowed.join(", "),
                    "{method} {path}"
                );
            }
        }
    }
}

#[tokio::test]
async fn answers_are_not_kept_unless_they_are_public() {
    let service = Service::start().await;
    for operation in Operation::all() {
        let client = service.client();
        let answer = client
            .call(operation.method(), &operation.some_path())
            .send()
            .await;
        if operation.is_api() {
            assert_eq!(
                answer.header("cache-control"),
                "no-store",
                "{}",
                operation.path
            );
            assert_eq!(all(&answer.headers, "access-control-allow-origin").len(), 0);
        }
    }
}

#[tokio::test]
async fn https_is_remembered_and_http_is_not() {
    for (setting, expected) in [
        (Setting::production(), "max-age=31536000"),
        (Setting::default(), ""),
    ] {
        let service = Service::start_with(setting).await;
        for path in ["/healthz", "/v1/me", "/docs", "/nowhere"] {
            let answer = service.client().get(path).await;
            assert_eq!(
                answer.header("strict-transport-security"),
                expected,
                "{path}"
            );
        }
    }
}

#[tokio::test]
async fn request_ids_are_our_own_and_all_different() {
    let service = Service::start().await;
    let client = service.client().always("x-request-id", "injected");
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..50 {
        let answer = client.get("/healthz").await;
        let id = answer.header("x-request-id").to_owned();
        assert_eq!(id.len(), 36);
        assert!(seen.insert(id));
    }
}
