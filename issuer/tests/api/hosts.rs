//! Requests for another host, and headers that pretend one. No link ever leads elsewhere.

use http::StatusCode;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::harness::{Service, Setting};

const ADA: &str = "ada@example.com";

/// Sends lines as they are; answers the status.
async fn raw(service: &Service, request: &str) -> u16 {
    let mut stream = TcpStream::connect(service.address()).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let status = answer
        .split(' ')
        .nth(1)
        .unwrap_or_else(|| panic!("no answer: {answer:?}"));
    status.parse().unwrap()
}

#[tokio::test]
async fn an_unknown_host_is_misdirected_but_for_the_probes() {
    for setting in [Setting::default(), Setting::production()] {
        let service = Service::start_with(setting).await;
        for host in [
            "evil.test",
            "localhost",
            "127.0.0.1:1",
            "auth.example.com.evil.test",
        ] {
            let client = service.client().asking_for(host);
            client
                .get("/v1/me")
                .await
                .expect_problem("misdirected_request");
            client
                .get("/docs")
                .await
                .expect_problem("misdirected_request");
            client
                .get("/nowhere")
                .await
                .expect_problem("misdirected_request");
            client.get("/healthz").await.expect(StatusCode::OK);
            client.get("/readyz").await.expect(StatusCode::OK);
        }
    }
}

#[tokio::test]
async fn a_request_says_for_whom_it_is_once() {
    let service = Service::start().await;
    let host = service.host();
    let close = "connection: close\r\n\r\n";
    let get = |target: &str, hosts: &[&str]| {
        let hosts: String = hosts
            .iter()
            .map(|host| format!("host: {host}\r\n"))
            .collect();
        format!("GET {target} HTTP/1.1\r\n{hosts}{close}")
    };
    let own = format!("http://{host}/openapi.json");
    for (request, status) in [
        (get("/openapi.json", &[host]), 200),
        (get("/openapi.json", &[]), 400),
        (get("/openapi.json", &[host, host]), 400),
        (get("/openapi.json", &[host, "evil.test"]), 400),
        (get("/openapi.json", &["evil.test", host]), 400),
        (get(&own, &[host]), 200),
        (get(&own, &["evil.test"]), 421),
        (get("http://evil.test/openapi.json", &[host]), 421),
        (get("/openapi.json", &[""]), 421),
    ] {
        assert_eq!(raw(&service, &request).await, status, "{request}");
    }
}

/// Twelve ways to say another host, and what becomes of the request.
const PRETENDED: [(&str, u16); 12] = [
    ("host: evil.test", 421),
    ("host: auth.example.com\r\nhost: evil.test", 400),
    ("host: evil.test\r\nhost: auth.example.com", 400),
    ("host: auth.example.com\r\nx-forwarded-host: evil.test", 202),
    ("host: auth.example.com\r\nx-forwarded-proto: http", 202),
    ("host: auth.example.com\r\nx-forwarded-port: 8443", 202),
    (
        "host: auth.example.com\r\nx-forwarded-prefix: //evil.test",
        202,
    ),
    (
        "host: auth.example.com\r\nforwarded: host=evil.test;proto=http",
        202,
    ),
    ("host: auth.example.com\r\nx-host: evil.test", 202),
    ("host: auth.example.com\r\nx-original-host: evil.test", 202),
    (
        "host: auth.example.com\r\nx-original-url: https://evil.test/",
        202,
    ),
    (
        "host: auth.example.com\r\nx-http-host-override: evil.test",
        202,
    ),
];

/// The target as it is, and as it is sent to a proxy.
const TARGETS: [(&str, Option<u16>); 2] = [
    ("/v1/password/forgot", None),
    ("https://evil.test/v1/password/forgot", Some(421)),
];

#[tokio::test]
async fn nothing_that_is_sent_moves_the_links_in_mails() {
    for setting in [Setting::default(), Setting::behind_a_proxy()] {
        let setting = Setting {
            public_url: Some("https://auth.example.com"),
            limits_scale: 1_000,
            ..setting
        };
        let service = Service::start_with(setting).await;
        service.create_account(ADA, &[]).await;
        for (headers, expected) in PRETENDED {
            for (target, instead) in TARGETS {
                let before = service.mails(ADA).await.len();
                let body = json!({ "email": ADA }).to_string();
                let request = format!(
                    "POST {target} HTTP/1.1\r\n{headers}\r\ncontent-type: application/json\r\n\
                     content-length: {}\r\nconnection: close\r\n\r\n{body}",
                    body.len()
                );
                let status = raw(&service, &request).await;
                let expected = match (expected, instead) {
                    (400, _) | (_, None) => expected,
                    (_, Some(instead)) => instead,
                };
                assert_eq!(status, expected, "{target} {headers}");
                let mails = service.mails(ADA).await.split_off(before);
                assert_eq!(mails.len(), usize::from(status == 202), "{headers}");
                for mail in mails {
                    let token = mail.token.unwrap();
                    let link = format!("https://auth.example.com/reset#token={token}");
                    assert_eq!(mail.link.as_deref(), Some(link.as_str()), "{headers}");
                    for part in [&mail.subject, &mail.text, &mail.html] {
                        let rest = part
                            .replace(&link, "")
                            .replace("https://auth.example.com/reset", "");
                        for trace in ["evil", "http://", "8443", "://"] {
                            assert!(!rest.contains(trace), "{trace} by {headers}: {part}");
                        }
                    }
                }
            }
        }
    }
}
