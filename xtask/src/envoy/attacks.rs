//! What no client would send: each byte string goes to the proxy as it is, and after each the proxy
//! still decides.

use std::path::Path;

use super::origin::Origin;
use super::proxy::Proxy;
use super::stub::{AUDIENCE, Age, ISSUER, Manner, Stub, token};
use super::wire::{get, send};
use super::{all_threads_have_keys, policy};
use crate::interop::expect;
use crate::process::Done;

/// What may come of a request.
#[derive(Clone, Copy, Debug)]
enum Outcome {
    /// It is refused, by Envoy or by the gate, and the service never sees it.
    Refused,
    /// The same, if Envoy hands it on at all: by the gate, with this status.
    By(u16),
    /// The service sees it, without anything that only the gate may say.
    Clean,
}

use Outcome::{By, Clean, Refused};

pub(super) fn run(folder: &Path, filter: &Path) -> Done {
    let (stub, origin) = (Stub::start()?, Origin::start()?);
    stub.serve_keys(Manner::Good);
    stub.serve_feed(Manner::Good, Age::Fresh);
    let policy = policy(ISSUER, AUDIENCE);
    let mut proxy = Proxy::start(folder, filter, &policy, origin.port(), stub.port())?;
    let good = token("ses_1");
    all_threads_have_keys(&proxy, &good)?;
    for (name, request, outcome) in corpus(&good) {
        let before = origin.requests().len();
        let answer = send(proxy.port(), &request)?;
        let heads = origin.requests();
        let arrived = heads.get(before..).unwrap_or_default().concat();
        let is_so = match outcome {
            Refused => answer.status != 200 && arrived.is_empty(),
            By(status) => answer.status == status && arrived.is_empty(),
            Clean => answer.status == 200 && is_clean(&arrived),
        };
        let text = answer.text();
        expect(is_so, &format!("{name}: {outcome:?}\n{text}\n{arrived}"))?;
        let next = get(proxy.port(), "/known", Some(&good))?;
        expect(
            next.status == 200,
            &format!("it decides after {name}: {}", next.text()),
        )?;
    }
    expect(proxy.is_well()?, "no virtual machine has ended")
}

/// Whether nothing arrived that a client may not say. What is forged says so.
fn is_clean(arrived: &str) -> bool {
    // Some servers end a line at a CR.
    if arrived.replace("\r\n", "").contains('\r') {
        return false;
    }
    let lines = arrived.lines().filter_map(|line| line.split_once(':'));
    let mut lines = lines.map(|(name, value)| (name.to_ascii_lowercase(), value));
    !lines.any(|(name, value)| match &*name {
        "x-a" => false,
        "x-original-url" | "x-rewrite-url" | "x-http-method-override" | "connection" => true,
        _ => value.contains("forged"),
    })
}

/// Requests, each with a name for failures.
fn corpus(good: &str) -> Vec<(String, Vec<u8>, Outcome)> {
    let mut corpus = Vec::new();
    let mut add = |name: &str, target: &[u8], headers: &[u8], outcome| {
        let line = [b"GET ", target, b" HTTP/1.1\r\nHost: a\r\n"].concat();
        let request = [&line, headers, b"\r\n"].concat();
        corpus.push((name.to_owned(), request, outcome));
    };
    let bearer = format!("Authorization: Bearer {good}\r\n");
    let with_token = |headers: &str| [bearer.as_bytes(), headers.as_bytes()].concat();

    // Bytes that are no text.
    add(
        "a value that isn't UTF-8",
        b"/open",
        b"X-A: caf\xe9\xff\r\n",
        Clean,
    );
    add(
        "an identity that isn't UTF-8",
        b"/open",
        b"X-Signet-Sub: forged\xff\r\n",
        Clean,
    );
    add(
        "a token that isn't UTF-8",
        b"/known",
        b"Authorization: Bearer \xff\r\n",
        By(400),
    );
    add(
        "a name that isn't UTF-8",
        b"/open",
        b"X-Signet-\xc3\x28: forged\r\n",
        Refused,
    );
    add(
        "a name with a blank",
        b"/open",
        b"X-Signet-Sub : forged\r\n",
        Refused,
    );
    add("a NUL in a value", b"/open", b"X-A: a\0b\r\n", Refused);
    add(
        "a bare CR in a value",
        b"/open",
        b"X-A: a\rX-Signet-Sub: forged\r\n",
        Clean,
    );
    add(
        "a folded line",
        b"/open",
        b"X-A: a\r\n X-Signet-Sub: forged\r\n",
        Clean,
    );

    // Identities.
    for name in ["X-Signet-Sub", "x-SIGNET-roles", "X-Signet-Anything"] {
        let header = format!("{name}: forged\r\n{name}: forged\r\n");
        add(name, b"/open", header.as_bytes(), Clean);
        add(name, b"/known", &with_token(&header), Clean);
    }
    add(
        "X_Signet_Sub",
        b"/open",
        b"X_Signet_Sub: forged\r\n",
        Refused,
    );
    for name in ["X-Original-URL", "X-Rewrite-URL", "X-HTTP-Method-Override"] {
        add(
            name,
            b"/open",
            format!("{name}: /forged\r\n").as_bytes(),
            Clean,
        );
    }
    for name in ["X-Envoy-Original-Path", "X-Envoy-Original-Url"] {
        add(
            name,
            b"/open",
            format!("{name}: /forged\r\n").as_bytes(),
            Clean,
        );
    }
    // Envoy carries `Connection` out before any filter is asked, and hands none on.
    let connection = "Connection: X-Signet-Sub, close\r\nX-Signet-Sub: forged\r\n";
    add(
        "Connection names an identity",
        b"/known",
        &with_token(connection),
        Clean,
    );
    let connection = "Connection: authorization\r\n";
    add(
        "Connection names the token",
        b"/known",
        &with_token(connection),
        By(401),
    );
    let upgrade = "Connection: upgrade, x-signet-sub\r\nUpgrade: websocket\r\n";
    add("an upgrade", b"/known", &with_token(upgrade), Refused);

    // Tokens.
    add("two tokens", b"/known", &with_token(&bearer), By(400));
    // Envoy makes one line of two, and drops an empty one.
    add(
        "a token and nothing",
        b"/known",
        &with_token("Authorization:\r\n"),
        Clean,
    );
    add(
        "a comma",
        b"/known",
        b"Authorization: Bearer a, Bearer b\r\n",
        By(400),
    );
    let long = format!("Authorization: Bearer {}\r\n", "a".repeat(40_000));
    add("a long token", b"/known", long.as_bytes(), By(401));
    let huge = format!("X-A: {}\r\n", "a".repeat(200_000));
    add("a huge header", b"/open", huge.as_bytes(), Refused);
    add(
        "many headers",
        b"/open",
        "X-A: a\r\n".repeat(500).as_bytes(),
        Refused,
    );

    // Targets.
    for target in [
        "/known%2f..%2fopen",
        "/files/a%2fb",
        "/files/a%5cb",
        "/files/a\\b",
        "/files//a",
        "//open",
        "/files/../known",
        "/files/./a",
        "/files/%2e%2e/known",
        "/files/%2E/a",
        "/files/a;b",
        "/files/a%3bb",
        "/files/a%00",
        "/files/a%0d%0ax-signet-sub:%20forged",
        "/files/%25",
        "/files/%zz",
        "http://a/open",
        "/open#/known",
        "*",
        "open",
        "/files/caf\u{e9}",
    ] {
        let bytes: Vec<u8> = target
            .chars()
            .map(|c| u32::from(c).to_le_bytes()[0])
            .collect();
        add(target, &bytes, b"", Refused);
    }
    add("a query", b"/open?a=/../b%2f", b"", Clean);
    let connect = format!("CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n{bearer}\r\n");
    let trace = format!("TRACE /known HTTP/1.1\r\nHost: a\r\n{bearer}\r\n");
    let old = format!("GET /known HTTP/1.0\r\n{bearer}\r\n");
    let strange = "G\u{1}T /open HTTP/1.1\r\nHost: a\r\n\r\n".to_owned();
    for (name, request) in [
        ("CONNECT", connect),
        ("TRACE", trace),
        ("HTTP/1.0", old),
        ("a method that is none", strange),
        ("no HTTP", "\u{16}\u{3}\u{1}\0\0".to_owned()),
    ] {
        corpus.push((name.to_owned(), request.into_bytes(), Refused));
    }
    corpus
}
