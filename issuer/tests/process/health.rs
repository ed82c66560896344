//! What a container's supervisor is told.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use super::harness::{Signet, free_address};

#[test]
fn an_issuer_that_can_serve_is_healthy_and_one_that_is_gone_is_not() {
    let signet = Signet::new();
    let server = signet.serve();
    let listen = server.address.to_string();
    let asked = ["health", "--listen", &listen];
    let healthy = signet.run(&asked);
    assert_eq!((healthy.code, healthy.out.as_str()), (0, ""));
    server.signal("TERM");
    assert_eq!(server.ended().code, 0);
    let gone = signet.run(&asked);
    assert_eq!(gone.code, 1);
    assert!(gone.err.contains("nobody answers at"), "{}", gone.err);
}

#[test]
fn an_issuer_that_can_not_serve_is_not_healthy() {
    let address = free_address();
    let listener = TcpListener::bind(address).unwrap();
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = [0; 512];
        let _some = stream.read(&mut request).unwrap();
        stream
            .write_all(b"HTTP/1.1 503 Service Unavailable\r\n\r\n")
            .unwrap();
    });
    let listen = address.to_string();
    let ended = Signet::new().run(&["health", "--listen", &listen]);
    server.join().unwrap();
    assert_eq!(ended.code, 1);
    assert!(ended.err.contains("answers HTTP/1.1 503"), "{}", ended.err);
}

#[test]
fn where_the_port_comes_from_the_platform_it_is_asked_there() {
    let ended = Signet::new()
        .with("PORT", &free_address().port().to_string())
        .run(&["health"]);
    assert_eq!(ended.code, 2, "{}", ended.err);
    assert!(ended.err.contains("public_url"), "{}", ended.err);
}
