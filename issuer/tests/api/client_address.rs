//! Whose budget a request counts against.

use http::Method;
use serde_json::json;
use signet::http::client::Proxies;

use crate::harness::{Answer, Client, Service, Setting};

async fn register(client: &Client) -> Answer {
    // Refused for its body, but counted all the same.
    client
        .call(Method::POST, "/v1/register")
        .json(&json!({}))
        .send()
        .await
}

#[tokio::test]
async fn a_client_that_invents_headers_keeps_its_one_budget() {
    let service = Service::start().await;
    for number in 0..14 {
        let mut client = service.client();
        for name in [
            "x-forwarded-for",
            "forwarded",
            "x-real-ip",
            "cf-connecting-ip",
            "true-client-ip",
            "x-client-ip",
            "x-forwarded",
        ] {
            let address = format!("192.0.2.{number}");
            let value = if name == "forwarded" {
                format!("for={address}")
            } else {
                address
            };
            client = client.always(name, &value);
        }
        let code = if number < 30 {
            "validation_failed"
        } else {
            "rate_limited"
        };
        register(&client).await.expect_problem(code);
    }
}

#[tokio::test]
async fn behind_a_trusted_proxy_each_client_has_its_own() {
    let service = Service::start_with(Setting::behind_a_proxy()).await;
    let of = |forwarded: &str| service.client().always("x-forwarded-for", forwarded);
    let first = of("6.6.6.6, 192.0.2.1");
    for _ in 0..30 {
        register(&first).await.expect_problem("validation_failed");
    }
    register(&of("7.7.7.7, 192.0.2.1"))
        .await
        .expect_problem("rate_limited");
    register(&of("6.6.6.6, 192.0.2.2"))
        .await
        .expect_problem("validation_failed");
}

#[tokio::test]
async fn a_whole_ipv6_network_is_one_client() {
    let setting = Setting {
        proxies: Proxies {
            trusted_hops: 0,
            networks: vec!["127.0.0.0/8".parse().unwrap()],
        },
        ..Setting::default()
    };
    let service = Service::start_with(setting).await;
    let of = |forwarded: String| service.client().always("forwarded", &forwarded);
    for host in 0..30 {
        let client = of(format!("for=\"[2001:db8:1:2::{host}]:4711\""));
        register(&client).await.expect_problem("validation_failed");
    }
    let same = of("for=\"[2001:db8:1:2:ffff::]\"".to_owned());
    register(&same).await.expect_problem("rate_limited");
    let next = of("for=\"[2001:db8:1:3::1]\"".to_owned());
    register(&next).await.expect_problem("validation_failed");
}
