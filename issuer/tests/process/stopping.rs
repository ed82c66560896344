//! Ending well.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::json;

use super::harness::{PASSWORD, Running, Signet, read_to_end, status};

/// A login of which the last byte hasn't been sent, and that byte.
fn begin_login(server: &Running) -> (TcpStream, &'static [u8]) {
    let body = format!(r#"{{"email":"ada@example.com","password":"{PASSWORD}"}}"#);
    let (first, _) = body.split_at(body.len() - 1);
    let mut stream = server.connect();
    let head = format!(
        "POST /v1/login HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n{first}",
        server.address,
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    // Until it has been read.
    std::thread::sleep(Duration::from_millis(200));
    (stream, b"}")
}

/// A connection that had its answer and waits for the next request.
fn idle(server: &Running) -> TcpStream {
    let mut stream = server.connect();
    let request = format!("GET /healthz HTTP/1.1\r\nhost: {}\r\n\r\n", server.address);
    stream.write_all(request.as_bytes()).unwrap();
    let mut first = [0; 12];
    stream.read_exact(&mut first).unwrap();
    assert_eq!(&first, b"HTTP/1.1 200");
    stream
}

#[test]
fn what_is_being_answered_is_answered() {
    for signal in ["TERM", "INT"] {
        let server = Signet::new().serve();
        let _idle = idle(&server);
        let (mut login, rest) = begin_login(&server);
        server.signal(signal);
        std::thread::sleep(Duration::from_millis(300));
        login.write_all(rest).unwrap();
        let answer = read_to_end(&mut login);
        assert_eq!(status(&answer), 401, "{signal}: {answer}");
        let started = Instant::now();
        let ended = server.ended();
        assert_eq!(ended.code, 0, "{}", ended.err);
        assert!(started.elapsed() < Duration::from_secs(2), "{signal}");
        assert!(ended.err.contains(&format!("SIG{signal}")), "{}", ended.err);
    }
}

#[test]
fn idle_connections_hold_nothing_up() {
    let server = Signet::new().serve();
    let _idle: Vec<TcpStream> = (0..20).map(|_| idle(&server)).collect();
    let started = Instant::now();
    server.signal("TERM");
    assert_eq!(server.ended().code, 0);
    assert!(started.elapsed() < Duration::from_secs(2));
}

#[test]
fn what_takes_too_long_is_left_after_eight_seconds() {
    let server = Signet::new().serve();
    let (_unfinished, _) = begin_login(&server);
    let started = Instant::now();
    server.signal("TERM");
    let ended = server.ended();
    let waited = started.elapsed();
    assert_eq!(ended.code, 0, "{}", ended.err);
    assert!(
        waited > Duration::from_secs(6) && waited < Duration::from_secs(9),
        "{waited:?}"
    );
}

#[test]
fn a_second_signal_ends_it_there_and_then() {
    let mut server = Signet::new().serve();
    let (_unfinished, _) = begin_login(&server);
    server.signal("TERM");
    std::thread::sleep(Duration::from_millis(500));
    assert!(server.is_running());
    let started = Instant::now();
    server.signal("TERM");
    assert_eq!(server.ended().code, 0);
    assert!(started.elapsed() < Duration::from_secs(1));
}

#[test]
fn in_production_readiness_fails_while_the_door_is_still_open() {
    let key = "jzpb4ZB80kRm-x4Nk6hcd9Eu8EtqWYPC7hcPmrHE1lU";
    let server = Signet::new()
        .with("SIGNET_PUBLIC_URL", "https://auth.example.com")
        .with("SIGNET_MASTER_KEY", key)
        .with("SIGNET_SMTP_URL", "smtps://mail.invalid")
        .serve();
    assert_eq!(status(&server.get("/readyz")), 200);
    server.signal("TERM");
    std::thread::sleep(Duration::from_millis(200));
    let probe = server.get("/readyz");
    assert_eq!(status(&probe), 503, "{probe}");
    let healthy = "GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n";
    let answer = server.exchange(healthy);
    assert_eq!(status(&answer), 200, "{answer}");
    assert!(
        answer.to_ascii_lowercase().contains("connection: close"),
        "{answer}"
    );
    let started = Instant::now();
    assert_eq!(server.ended().code, 0);
    assert!(started.elapsed() < Duration::from_secs(4));
}

#[test]
fn the_database_is_left_as_one_whole_file() {
    let signet = Signet::new();
    let beside = || ["-wal", "-shm"].map(|end| signet.folder().join(format!("signet.db{end}")));
    let server = signet.serve();
    let registration = json!({ "email": "ada@example.com", "password": PASSWORD });
    assert_eq!(
        status(&server.post_json("/v1/register", &registration)),
        202
    );
    assert!(beside().iter().all(|file| file.exists()));
    server.signal("TERM");
    assert_eq!(server.ended().code, 0);
    assert!(!beside().iter().any(|file| file.exists()));
    let create = [
        "user",
        "create",
        "--email",
        "bob@example.com",
        "--password-stdin",
    ];
    assert_eq!(signet.run_with_input(&create, PASSWORD.as_bytes()).code, 0);
    assert!(!beside().iter().any(|file| file.exists()));
}
