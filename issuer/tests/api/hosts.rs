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

#[tokio::test]
async fn no_header_moves_the_links_in_mails() {
    let service = Service::start_with(Setting::production()).await;
    service.create_account(ADA, &[]).await;
    let link = "https://auth.example.com/reset#token=";
    for (name, value) in [
        ("x-forwarded-host", "evil.test"),
        ("x-forwarded-proto", "http"),
        ("forwarded", "host=evil.test;proto=http"),
    ] {
        let client = service.client().always(name, value);
        let answer = client
            .post("/v1/password/forgot", json!({ "email": ADA }))
            .await;
        answer.expect(StatusCode::ACCEPTED);
        let mail = service.mails(ADA).await.pop().unwrap();
        assert!(mail.link.unwrap().starts_with(link), "{name}");
    }
    let mails = service.mails(ADA).await;
    assert!(
        mails
            .iter()
            .all(|mail| !mail.text.contains("evil") && !mail.html.contains("evil"))
    );
    // Over the recipient's budget no mail is sent, so the rest is told by the page it would open.
    for name in [
        "x-forwarded-port",
        "x-forwarded-prefix",
        "x-forwarded-server",
        "x-host",
        "x-original-url",
        "x-rewrite-url",
        "x-http-host-override",
        "x-original-host",
        "proxy-host",
    ] {
        let client = service.client().always(name, "evil.test");
        let path = "/.well-known/oauth-authorization-server";
        let metadata = client.get(path).await.expect(StatusCode::OK).json();
        assert_eq!(metadata["issuer"], "https://auth.example.com", "{name}");
    }
}
