//! Requests that no honest client sends. Each is a problem with its code; none changes anything.

use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::harness::contract::Operation;
use crate::harness::{Client, PASSWORD, Service, Setting};

const TARGET: &str = "/v1/password/forgot";
const GOOD: &str = r#"{"email":"ada@example.com"}"#;

async fn send(client: &Client, body: &[u8]) -> crate::harness::Answer {
    client
        .call(Method::POST, TARGET)
        .bytes("application/json", body)
        .send()
        .await
}

async fn service() -> Service {
    let setting = Setting {
        limits_scale: 1_000,
        ..Setting::default()
    };
    Service::start_with(setting).await
}

#[tokio::test]
async fn what_is_no_json_object_is_an_invalid_request() {
    let service = service().await;
    let client = service.client();
    let deep = format!("{{\"email\":{}1{}}}", "[".repeat(5_000), "]".repeat(5_000));
    let many: Vec<String> = (0..65).map(|number| format!("\"m{number}\":0")).collect();
    let many = format!("{{{}}}", many.join(","));
    for body in [
        "",
        " ",
        "null",
        "[]",
        "\"x\"",
        "1",
        "{",
        "{}{}",
        "\u{feff}{}",
        "{'email':'a'}",
        "{email:1}",
        "{\"email\":\"a\",}",
        "{\"email\":NaN}",
        "{\"email\":\"a\"} // c",
        r#"{"email":"ada@example.com","email":"ada@example.com"}"#,
        r#"{"email":"ada@example.com","\u0065mail":"eve@example.com"}"#,
        r#"{"email":"\ud800"}"#,
        r#"{"x":{"a":1,"a":2},"email":"ada@example.com"}"#,
        &deep,
        &many,
    ] {
        send(&client, body.as_bytes())
            .await
            .expect_problem("invalid_request");
    }
    for body in [
        &b"{\"email\":\"\xff\"}"[..],
        b"\xff\xfe{\0}\0",
        b"{\"email\":\"\0\"}",
    ] {
        send(&client, body).await.expect_problem("invalid_request");
    }
    send(&client, GOOD.as_bytes())
        .await
        .expect(StatusCode::ACCEPTED);
}

#[tokio::test]
async fn sixteen_kilobytes_are_read_and_not_one_more() {
    let service = service().await;
    let client = service.client();
    let padded = |length: usize| format!("{GOOD}{}", " ".repeat(length - GOOD.len()));
    send(&client, padded(16 * 1024).as_bytes())
        .await
        .expect(StatusCode::ACCEPTED);
    let answer = send(&client, padded(16 * 1024 + 1).as_bytes()).await;
    answer.expect_problem("payload_too_large");
    let answer = send(&client, padded(1024 * 1024).as_bytes()).await;
    answer.expect_problem("payload_too_large");
}

#[tokio::test]
async fn only_plain_json_is_taken() {
    let service = service().await;
    let client = service.client();
    let call = || client.call(Method::POST, TARGET);
    for good in [
        "application/json",
        "Application/JSON",
        "application/json; charset=utf-8",
    ] {
        call()
            .bytes(good, GOOD.as_bytes())
            .send()
            .await
            .expect(StatusCode::ACCEPTED);
    }
    for bad in [
        "",
        "text/plain",
        "text/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/problem+json",
        "application/json; charset=latin1",
        "application/json, text/plain",
        "application/json; charset=utf-8; x=y",
        "application/jsonx",
    ] {
        let answer = call().bytes(bad, GOOD.as_bytes()).send().await;
        answer.expect_problem("unsupported_media_type");
    }
    for encoding in ["gzip", "br", "identity", ""] {
        let answer = call()
            .text(GOOD)
            .header("content-encoding", encoding)
            .send()
            .await;
        answer.expect_problem("unsupported_media_type");
    }
    let twice = call()
        .text(GOOD)
        .header("content-type", "application/json")
        .send()
        .await;
    twice.expect_problem("unsupported_media_type");
}

#[tokio::test]
async fn everything_that_is_wrong_is_told_at_once() {
    let service = service().await;
    let body = json!({ "email": "ada@", "password": 5, "name": "\u{7}", "admin": true, "x": {} });
    let answer = service.client().post("/v1/register", body).await;
    let faults = answer.expect_problem("validation_failed").faults();
    let expected = [
        ("email", "invalid_email"),
        ("password", "wrong_type"),
        ("name", "invalid_name"),
        ("admin", "unknown_member"),
        ("x", "unknown_member"),
    ];
    assert_eq!(
        faults,
        expected.map(|(field, code)| (field.to_owned(), code.to_owned()))
    );

    let answer = service.client().post("/v1/register", json!({})).await;
    let faults = answer.expect_problem("validation_failed").faults();
    let expected = [("email", "missing"), ("password", "missing")];
    assert_eq!(
        faults,
        expected.map(|(field, code)| (field.to_owned(), code.to_owned()))
    );

    let long = json!({ "email": "ada@", "password": "x".repeat(257) });
    let answer = service.client().post("/v1/register", long).await;
    let faults = answer.expect_problem("validation_failed").faults();
    let expected = [("email", "invalid_email"), ("password", "too_long")];
    assert_eq!(
        faults,
        expected.map(|(field, code)| (field.to_owned(), code.to_owned()))
    );
}

#[tokio::test]
async fn elements_of_lists_are_told_by_their_place() {
    let service = service().await;
    let admin = service.member("admin@example.com", &["admin"]).await;
    let body = json!({ "name": "x", "permissions": ["a:b", " ", 5, "a:b", "ü", null] });
    let answer = admin.post("/v1/admin/roles", body).await;
    let faults = answer.expect_problem("validation_failed").faults();
    let expected = [
        ("permissions[1]", "invalid_name"),
        ("permissions[2]", "wrong_type"),
        ("permissions[3]", "duplicate"),
        ("permissions[4]", "invalid_name"),
        ("permissions[5]", "wrong_type"),
    ];
    assert_eq!(
        faults,
        expected.map(|(field, code)| (field.to_owned(), code.to_owned()))
    );
}

#[tokio::test]
async fn absurd_addresses_are_invalid() {
    let service = service().await;
    let client = service.client();
    let long = format!("{}@example.com", "a".repeat(65));
    let longer = format!("a@{}.example", "b".repeat(10_000));
    for email in [
        "",
        "@",
        "ada",
        "ada@",
        "@example.com",
        "a b@example.com",
        "ada@localhost",
        "ada@127.0.0.1",
        "ada@[::1]",
        "a@b@example.com",
        "\"a\"@example.com",
        "ada@example.com.",
        "ada@example.com\r\nBcc: eve@example.com",
        "ada\u{0}@example.com",
        "ada\u{FF20}example.com",
        "ada@xn--example-.org",
        "<ada@example.com>",
        "ada@example..com",
        &long,
        &longer,
    ] {
        for path in ["/v1/password/forgot", "/v1/email/verify/resend"] {
            let answer = client.post(path, json!({ "email": email })).await;
            let faults = answer.expect_problem("validation_failed").faults();
            assert_eq!(
                faults,
                [("email".into(), "invalid_email".into())],
                "{email:?}"
            );
        }
    }
}

#[tokio::test]
async fn absurd_passwords_end_before_they_are_hashed() {
    let service = service().await;
    service.create_account("ada@example.com", &[]).await;
    let client = service.client();
    let body = json!({ "email": "ada@example.com", "password": "x".repeat(257) });
    let answer = client
        .post("/v1/login", body)
        .await
        .expect_problem("validation_failed");
    assert_eq!(answer.faults(), [("password".into(), "too_long".into())]);
    let body = json!({ "email": "ada@example.com", "password": "x".repeat(1 << 20) });
    client
        .post("/v1/login", body)
        .await
        .expect_problem("payload_too_large");
    for password in ["", "\u{0}", "\u{10ffff}"] {
        let body = json!({ "email": "ada@example.com", "password": password });
        client
            .post("/v1/login", body)
            .await
            .expect_problem("invalid_credentials");
    }
}

/// Members that an attacker would like to set, in the spellings of several frameworks.
const COVETED: [&str; 40] = [
    "id",
    "_id",
    "uuid",
    "sub",
    "role",
    "roles",
    "role_ids",
    "roleIds",
    "permissions",
    "scope",
    "scopes",
    "is_admin",
    "isAdmin",
    "admin",
    "superuser",
    "is_staff",
    "status",
    "active",
    "suspended",
    "enabled",
    "verified",
    "email_verified",
    "emailVerified",
    "created_at",
    "createdAt",
    "updated_at",
    "last_login_at",
    "ver",
    "version",
    "token_version",
    "password_hash",
    "passwordHash",
    "device_epoch",
    "user",
    "account",
    "account[role]",
    "user.roles",
    "roles[0]",
    "__proto__",
    "constructor",
];

#[tokio::test]
async fn nothing_can_be_set_that_is_not_asked_for() {
    let service = service().await;
    let mut admin = service.member("admin@example.com", &["admin"]).await;
    let before = admin.get("/v1/me").await.json();
    for operation in Operation::all() {
        let Some(known) = operation.body_members() else {
            continue;
        };
        for member in COVETED
            .iter()
            .filter(|member| !known.contains_key(**member))
        {
            for value in [
                json!(true),
                json!("admin"),
                json!(["admin"]),
                json!({ "$ne": null }),
            ] {
                let mut body = json!({});
                body[*member] = value;
                let call = admin.call(operation.method(), &operation.some_path());
                let answer = call.json(&body).send().await;
                let faults = answer.expect_problem("validation_failed").faults();
                let refused = ((*member).to_owned(), "unknown_member".to_owned());
                assert!(faults.contains(&refused), "{member} at {}", operation.path);
            }
        }
    }
    admin.refresh().await.expect(StatusCode::OK);
    assert_eq!(admin.get("/v1/me").await.json(), before);
}

#[tokio::test]
async fn every_member_of_every_body_has_its_type() {
    let service = service().await;
    let admin = service.member("admin@example.com", &["admin"]).await;
    for operation in Operation::all() {
        let Some(known) = operation.body_members() else {
            continue;
        };
        for (member, schema) in known {
            for value in wrong_values(schema) {
                let mut body = json!({});
                body[member] = value;
                let call = admin.call(operation.method(), &operation.some_path());
                let answer = call.json(&body).send().await;
                let faults = answer.expect_problem("validation_failed").faults();
                let refused = (member.clone(), "wrong_type".to_owned());
                assert!(
                    faults.contains(&refused),
                    "{body} at {}: {faults:?}",
                    operation.path
                );
            }
        }
    }
}

fn wrong_values(schema: &Value) -> Vec<Value> {
    let mut values = vec![json!(5), json!(true), json!({}), json!(1e300)];
    if schema["type"] == "array" {
        values.push(json!("admin"));
    } else {
        values.push(json!(["x"]));
    }
    if schema["anyOf"].is_null() {
        values.push(Value::Null);
    }
    values
}

#[tokio::test]
async fn the_api_takes_no_parameters_it_does_not_know() {
    let service = service().await;
    let ada = service.member("ada@example.com", &[]).await;
    let token = ada.access_token.clone().unwrap();
    let anyone = service.client();
    let answer = anyone.get(&format!("/v1/me?access_token={token}")).await;
    answer.expect_problem("missing_token");
    let answer = ada
        .get("/v1/me?fields=email")
        .await
        .expect_problem("validation_failed");
    assert_eq!(
        answer.faults(),
        [("fields".into(), "unknown_member".into())]
    );
    let body = json!({ "email": "ada@example.com", "password": PASSWORD });
    anyone
        .post("/v1/login?debug=1", body)
        .await
        .expect_problem("validation_failed");
}

#[tokio::test]
async fn a_body_that_never_ends_is_not_waited_for_in_vain() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let service = service().await;
    let mut stream = tokio::net::TcpStream::connect(service.address())
        .await
        .unwrap();
    let head = format!(
        "POST {TARGET} HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\n\
         content-length: 100\r\n\r\n{{",
        service.host()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = vec![0; 4_096];
    let read = tokio::time::timeout(std::time::Duration::from_secs(12), stream.read(&mut answer));
    let length = read
        .await
        .expect("an answer within twelve seconds")
        .unwrap();
    let answer = String::from_utf8_lossy(&answer[..length]).into_owned();
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
}
