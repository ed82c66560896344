//! The operations listener: what it shows, to whom, and where it is.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::net::TcpStream;

use serde_json::json;

use super::harness::{
    PASSWORD, REVOKE_TOO_MUCH, Signet, body, free_address, get_at, read_to_end, run_sql, status,
};

/// The names of the metrics in a text of Prometheus.
fn names(text: &str) -> BTreeSet<String> {
    let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    types
        .map(|line| line.split(' ').next().unwrap().to_owned())
        .collect()
}

#[test]
fn every_metric_is_documented_and_every_row_is_shown() {
    let redis = signet_testbed::redis();
    let operations = free_address();
    let server = Signet::new()
        .with("SIGNET_OPERATIONS_LISTEN", &operations.to_string())
        .with("SIGNET_REDIS_URL", &redis.url())
        .serve();
    let body_of = |path: &str| body(&get_at(operations, path)).to_owned();
    let login = json!({ "email": "ada@example.com", "password": PASSWORD });
    assert_eq!(status(&server.post_json("/v1/login", &login)), 401);
    assert_eq!(status(&server.get("/v1/sessions?who=ada@example.com")), 401);
    let shown = body_of("/metrics");
    let documented = include_str!("../../../docs/OPERATIONS.md")
        .lines()
        .filter_map(|line| line.strip_prefix("| `"))
        .filter_map(|line| line.split_once("` | "))
        .filter(|(_, rest)| {
            let kinds = ["counter", "gauge", "histogram"];
            kinds.iter().any(|kind| rest.starts_with(kind))
        })
        .map(|(name, _)| name.to_owned());
    assert_eq!(names(&shown), documented.collect());
    let line = "signet_logins_total{outcome=\"failed\"} 1\n";
    assert!(shown.contains(line), "{shown}");
    assert!(
        shown.contains("route=\"/v1/login\",method=\"POST\",status=\"4xx\"} 1\n"),
        "{shown}"
    );
    assert!(!shown.contains("ada"), "nothing is about a person");
    assert_eq!(status(&get_at(operations, "/healthz")), 200);
    assert_eq!(status(&get_at(operations, "/readyz")), 200);
    assert_eq!(status(&get_at(operations, "/v1/login")), 404);
    assert_eq!(status(&server.get("/metrics")), 404);
}

#[test]
fn a_feed_that_can_not_be_signed_is_shown() {
    let operations = free_address();
    let signet = Signet::new().with("SIGNET_OPERATIONS_LISTEN", &operations.to_string());
    let shows = |line: &str| {
        let answer = get_at(operations, "/metrics");
        body(&answer).lines().any(|one| one == line)
    };
    let server = signet.serve();
    assert!(shows("signet_feed_signed 1") && shows("signet_store_up 1"));
    drop(server);
    run_sql(&signet.folder().join("signet.db"), REVOKE_TOO_MUCH);
    let _server = signet.serve();
    assert!(shows("signet_feed_signed 0") && shows("signet_store_up 1"));
}

#[test]
fn a_second_issuer_does_without_and_one_that_was_asked_for_is_there_or_nothing_is() {
    let operations = free_address();
    let address = operations.to_string();
    let first = Signet::new().with("SIGNET_OPERATIONS_LISTEN", &address);
    let _running = first.serve();
    let second = Signet::new().with("SIGNET_OPERATIONS_LISTEN", &address);
    let ended = second.run(&["serve", "--listen", &free_address().to_string()]);
    assert_ne!(ended.code, 0);
    assert!(
        ended.err.contains("operations_listen") && ended.err.contains(&address),
        "{}",
        ended.err
    );
    // Nobody asked for these: wherever 9090 is taken, an issuer starts without.
    let _one = Signet::new().serve();
    let _other = Signet::new().serve();
    let off = Signet::new()
        .with("SIGNET_OPERATIONS_LISTEN", "off")
        .serve();
    assert_eq!(status(&off.get("/healthz")), 200);
}

#[test]
fn a_page_cannot_have_a_browser_ask_it_by_another_name() {
    let operations = free_address();
    let _server = Signet::new()
        .with("SIGNET_OPERATIONS_LISTEN", &operations.to_string())
        .serve();
    let mut stream = TcpStream::connect(operations).unwrap();
    let request = "GET /metrics HTTP/1.1\r\nhost: evil.test\r\nconnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).unwrap();
    let answer = read_to_end(&mut stream);
    assert_ne!(status(&answer), 200);
    assert!(!answer.contains("signet_"), "{answer}");
}

#[test]
fn what_a_platform_opens_to_clients_shows_operators_nothing() {
    // Whatever `PORT` is, clients are everywhere on it.
    let ended = Signet::new()
        .with("PORT", "9090")
        .with("SIGNET_OPERATIONS_LISTEN", "127.0.0.1:9090")
        .run(&["config", "check"]);
    assert_eq!(ended.code, 1);
    let told = "operations_listen (SIGNET_OPERATIONS_LISTEN): is 127.0.0.1:9090, which is where";
    assert!(ended.out.contains(told), "{}", ended.out);
    // Nobody asked for it: there is none, and nothing to complain of.
    let ended = Signet::new().with("PORT", "9090").run(&["config", "check"]);
    assert!(!ended.out.contains("operations_listen"), "{}", ended.out);
}

#[test]
fn it_ends_with_the_process() {
    let operations = free_address();
    let server = Signet::new()
        .with("SIGNET_OPERATIONS_LISTEN", &operations.to_string())
        .serve();
    // A scraper that keeps its connection open.
    let _idle = TcpStream::connect(operations).unwrap();
    server.signal("TERM");
    assert_eq!(server.ended().code, 0);
    assert!(TcpStream::connect(operations).is_err());
}
