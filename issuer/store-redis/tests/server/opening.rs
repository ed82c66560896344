//! A start that can't be says which of the things it is that go wrong, and what to do.

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use signet_core::limit::{LimitKey, LimitSubject, Limiter as _, Quota};
use signet_store_redis::Fault;
use signet_testbed::{Certificates, Redis, redis};

use crate::{documented_rights, open};

/// The fault of a start, whose words must lead to the way out and hold no password.
async fn refused(url: &str, told: &[&str]) -> Fault {
    let error = open(url).await.expect_err(url);
    let said = error.to_string();
    for words in told {
        assert!(said.contains(words), "{words}: {said}");
    }
    assert!(!said.contains("a%20password"), "{said}");
    eprintln!("{said}");
    error.fault().clone()
}

/// Somebody at a port who takes connections and says this.
fn somebody(says: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for client in listener.incoming() {
            let mut client = client.unwrap();
            std::thread::spawn(move || {
                let mut bytes = [0; 1024];
                while client.read(&mut bytes).is_ok_and(|count| count > 0) {
                    let _it_may_be_gone = client.write_all(says.as_bytes());
                }
            });
        }
    });
    format!("redis://127.0.0.1:{port}")
}

#[tokio::test]
async fn a_server_that_is_not_there_is_told_as_such() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = nobody.local_addr().unwrap().port();
    drop(nobody);
    let url = format!("redis://127.0.0.1:{port}");
    let fault = refused(
        &url,
        &["can't be reached", "Connection refused", "redis_url"],
    )
    .await;
    assert!(matches!(fault, Fault::Unreachable(_)));
    let fault = refused(
        "redis://nobody.invalid",
        &["can't be reached", "nobody.invalid"],
    )
    .await;
    assert!(matches!(fault, Fault::Unreachable(_)));
    let fault = refused("unix:/no/such/socket", &["/no/such/socket", "No such file"]).await;
    assert!(matches!(fault, Fault::Unreachable(_)));
    let fault = refused(&somebody(""), &["doesn't answer within", "redis_url"]).await;
    assert!(matches!(fault, Fault::TooSlow(_)));
    let fault = refused(
        &somebody("HTTP/1.1 400 Bad Request\r\n\r\n"),
        &["rediss://"],
    )
    .await;
    assert!(matches!(fault, Fault::Lost(_)), "{fault}");
}

#[tokio::test]
async fn wrong_users_and_passwords_are_told_as_such() {
    let url = redis().url();
    let wrong = url.replace("a%20password", "wrong");
    let fault = refused(
        &wrong,
        &["refuses the user", "percent-encoded", "WRONGPASS"],
    )
    .await;
    assert!(matches!(fault, Fault::Credentials(_)));
    let (_, place) = url.split_once('@').unwrap();
    let fault = refused(&format!("redis://{place}"), &["NOAUTH"]).await;
    assert!(matches!(fault, Fault::Credentials(_)));
    open(&redis().socket_url()).await.unwrap();
    open(&format!("{url}/3")).await.unwrap();
}

#[tokio::test]
async fn a_user_without_a_right_is_told_where_the_rights_are() {
    let rights = documented_rights();
    open(&redis().make_user("documented", &rights))
        .await
        .unwrap();
    for right in rights
        .split_whitespace()
        .filter(|word| word.starts_with('+'))
    {
        let less = format!("{rights} {}", right.replace('+', "-"));
        let url = redis().make_user("less", &less);
        let fault = refused(&url, &["too few rights", "docs/REDIS.md"]).await;
        assert!(matches!(fault, Fault::NoRight(_)), "{right}: {fault}");
    }
    let elsewhere = rights.replace("~signet:*", "~other:*");
    let fault = refused(
        &redis().make_user("elsewhere", &elsewhere),
        &["too few rights"],
    )
    .await;
    assert!(matches!(fault, Fault::NoRight(_)), "{fault}");
}

#[tokio::test]
async fn what_is_kept_names_nobody_and_goes_by_itself() {
    let server = Redis::start();
    let limiter = open(&server.url()).await.unwrap();
    for (class, address) in [
        ("login", "192.0.2.7"),
        ("login", "2001:db8::7"),
        ("read", "192.0.2.7"),
    ] {
        let key = LimitKey {
            class,
            subject: LimitSubject::client(address.parse().unwrap()),
        };
        limiter.take(&key, Quota::new(2, 600)).await.unwrap();
    }
    let keys = server.cli(&["KEYS", "*"]);
    let keys: Vec<&str> = keys
        .lines()
        .filter(|key| !key.contains(":check:"))
        .collect();
    let mut tags = BTreeSet::new();
    for key in &keys {
        let (_, tag) = key.split_once(":{").expect(key);
        assert!(key.starts_with("signet:limit:") && tag.len() == 23, "{key}");
        // Whose budget of another class it is can't be told either.
        assert!(tags.insert(tag), "{keys:?}");
        let left: u64 = server.cli(&["PTTL", key]).trim().parse().unwrap();
        assert!((299_000..=301_000).contains(&left), "{left}");
    }
    assert_eq!(tags.len(), 3, "{keys:?}");
}

#[tokio::test]
async fn old_servers_replicas_clusters_and_full_ones_are_told_as_such() {
    let old = somebody("*4\r\n$7\r\nversion\r\n$5\r\n6.2.7\r\n$4\r\nmode\r\n$10\r\nstandalone\r\n");
    let fault = refused(&old, &["too old", "6.2.7", "7.0"]).await;
    assert!(matches!(fault, Fault::Old(_)));
    let ancient = somebody("-ERR unknown command `HELLO`, with args\r\n");
    let fault = refused(&ancient, &["too old", "7.0"]).await;
    assert!(matches!(fault, Fault::Old(_)));
    let loading = somebody("-LOADING Redis is loading the dataset in memory\r\n");
    let fault = refused(&loading, &["has just started", "Wait"]).await;
    assert!(matches!(fault, Fault::Loading(_)));
    let primary = Redis::start();
    let fault = refused(&primary.replica().url(), &["read-only replica", "primary"]).await;
    assert!(matches!(fault, Fault::ReadOnly(_)), "{fault}");
    let cluster = Redis::start_with("cluster-enabled yes");
    let fault = refused(&cluster.url(), &["Redis Cluster"]).await;
    assert!(matches!(fault, Fault::Cluster(_)), "{fault}");
    let full = Redis::start_with("maxmemory 1mb\nmaxmemory-policy noeviction");
    let fault = refused(&full.url(), &["takes nothing more", "maxmemory", "OOM"]).await;
    assert!(matches!(fault, Fault::Full(_)), "{fault}");
}

#[tokio::test]
async fn a_server_that_cannot_be_trusted_is_told_as_such() {
    let certificates = Certificates::make();
    let server = Redis::start_with_tls(&certificates);
    let ca = certificates.authority();
    let ca = ca.display();
    let url = server.url();
    open(&format!("{url}?sslrootcert={ca}")).await.unwrap();
    let missing = format!("{url}?sslrootcert=/no/such.pem");
    let fault = refused(&missing, &["/no/such.pem", "sslrootcert"]).await;
    assert!(matches!(fault, Fault::Authority { .. }), "{fault}");
    let empty = format!("{url}?sslrootcert=/dev/null");
    let fault = refused(&empty, &["/dev/null", "no certificate"]).await;
    assert!(matches!(fault, Fault::Authority { .. }), "{fault}");
    // Nobody on this machine knows the authority.
    let fault = refused(&url, &["can't be trusted", "sslrootcert"]).await;
    assert!(matches!(fault, Fault::Untrusted(_)), "{fault}");
    // The certificate is of another name.
    let other = url.replace("localhost", "127.0.0.1");
    let fault = refused(&format!("{other}?sslrootcert={ca}"), &["can't be trusted"]).await;
    assert!(matches!(fault, Fault::Untrusted(_)), "{fault}");
    // The server insists on TLS.
    let fault = refused(&url.replace("rediss:", "redis:"), &["rediss://"]).await;
    assert!(matches!(fault, Fault::Lost(_)), "{fault}");
    // And one that speaks none.
    let plain = redis().url().replace("redis:", "rediss:");
    let plain = plain.replace("127.0.0.1", "localhost");
    let fault = refused(&format!("{plain}?sslrootcert={ca}"), &["speaks TLS"]).await;
    // It waits for the rest of what it takes for a command.
    assert!(matches!(fault, Fault::TooSlow(_)), "{fault}");
}
