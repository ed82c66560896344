//! Heads that are meant to mislead, byte by byte. Whatever becomes of one, the origin never sees what
//! the gate hasn't decided about, and the Worker goes on serving.

use std::path::Path;

use serde_json::json;

use super::gate::Gate;
use super::{expect, expect_status, wire};
use crate::process::Done;

/// What becomes of a request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Fate {
    /// It is 4xx, by the gate or before it.
    Refused,
    /// It arrives with this target.
    Arrives(&'static str),
}
use Fate::{Arrives, Refused};

/// Targets of GET requests with a token that opens everything. Where one arrives as another than was
/// sent, the runtime has rewritten it before anybody could decide.
const TARGETS: &[(&str, Fate)] = &[
    ("/files/a", Arrives("/files/a")),
    (
        "/files/a?x=//..&y=%2f%5c%00;",
        Arrives("/files/a?x=//..&y=%2f%5c%00;"),
    ),
    ("/files/a?q='b'", Arrives("/files/a?q=%27b%27")),
    ("/files/%41%2Eb", Arrives("/files/%41%2Eb")),
    ("/files/a%2fb", Refused),
    ("/files/a%2Fb", Refused),
    ("/files/a%5cb", Refused),
    ("/files/a\\b", Refused),
    ("/files//a", Refused),
    ("//files/a", Refused),
    ("/files/./a", Refused),
    ("/files/../profile", Refused),
    ("/files/%2e%2e/profile", Refused),
    ("/files/%2E./profile", Refused),
    ("/files/.%2e/profile", Refused),
    ("/files/%252e%252e/profile", Refused),
    ("/files/a;b", Refused),
    ("/files/a%3bb", Refused),
    ("/files/%00", Refused),
    ("/files/%0d%0ax", Refused),
    ("/files/%zz", Refused),
    ("/files/%", Refused),
    ("/files/a\tb", Refused),
    ("/files/a\u{1}b", Refused),
    ("/files/\u{c3}\u{a4}", Refused),
    ("/files/\u{e4}", Refused),
    ("/files/%ff", Refused),
    ("/files/{a}", Refused),
    ("/files/a|b", Refused),
    ("/files/a^b", Refused),
    ("*", Refused),
    ("files/a", Refused),
    // What the runtime rewrites.
    ("/files/a#b", Arrives("/files/a")),
    ("/files/a?b#c", Arrives("/files/a?b")),
    ("http://elsewhere.example/files/a", Arrives("/files/a")),
    ("http://elsewhere.example/files/../a", Refused),
];

/// Header lines of GET requests for a public path.
const HEADERS: &[(&[&str], Fate)] = &[
    (&["X-Signet-Sub: usr_root"], Arrives("/files/a")),
    (
        &["x-signet-roles: admin", "X-SIGNET-ROLES: admin"],
        Arrives("/files/a"),
    ),
    (&["X_Signet_Sub: usr_root"], Arrives("/files/a")),
    (&["x-signet_sub: usr_root"], Arrives("/files/a")),
    (&["X-Signet-Anything: 1"], Arrives("/files/a")),
    (&["X-Original-URL: /v1/agents/7"], Arrives("/files/a")),
    (&["X-Rewrite-Url: /v1/agents/7"], Arrives("/files/a")),
    (&["X-HTTP-Method-Override: DELETE"], Arrives("/files/a")),
    (&["Connection: x-signet-sub"], Refused),
    (&["Connection: close, X_Signet_Sub"], Refused),
    (
        &["Connection: keep-alive", "Connection: authorization"],
        Refused,
    ),
    (&["X-Bytes: \u{ff}\u{fe}\u{80}"], Arrives("/files/a")),
    (&["X-Signet-Sub: \u{ff}\u{fe}"], Arrives("/files/a")),
    (&["X-Signet-Sub : usr_root"], Refused),
    (&["X-Signet-Sub\u{e4}: usr_root"], Refused),
    (&[" X-Signet-Sub: usr_root"], Refused),
    (&["X-Nul: a\0b"], Refused),
    (&["Host: other.example"], Refused),
    (&["Content-Length: 1", "Content-Length: 2"], Refused),
];

/// Hosts that would become part of the path.
const HOSTS: &[&str] = &[
    "service.example/files/a?",
    "service.example/files",
    "service.example?",
    "service.example#",
    "service.example\\files",
    "user@service.example",
    "",
];

pub(super) fn run(folder: &Path, built: &Path) -> Done {
    let gate = Gate::start(folder, built)?;
    let bearer = gate.stub.bearer(&json!({ "roles": ["admin"] }))?;
    for (target, fate) in TARGETS {
        suffers(&gate, &wire::head("GET", target, &[&bearer]), *fate)?;
    }
    for (headers, fate) in HEADERS {
        suffers(&gate, &wire::head("GET", "/files/a", headers), *fate)?;
    }
    for host in HOSTS {
        let head = format!("GET /profile HTTP/1.1\r\nHost: {host}\r\n{bearer}\r\n\r\n");
        suffers(&gate, head.as_bytes(), Refused)?;
    }
    let twice = |second: &str| wire::head("GET", "/profile", &[&bearer, second]);
    suffers(&gate, &twice(&bearer), Refused)?;
    suffers(&gate, &twice("authorization: Basic YTpi"), Refused)?;
    suffers(&gate, &twice("Authorization:"), Refused)?;
    let blown_up = [&bearer, "\u{ff}"].concat();
    suffers(&gate, &wire::head("GET", "/profile", &[&blown_up]), Refused)?;
    let lengths = ["Content-Length: 3", "Transfer-Encoding: chunked"];
    let mut two_lengths = wire::head("POST", "/files/a", &lengths);
    two_lengths.extend_from_slice(b"0\r\n\r\n");
    suffers(&gate, &two_lengths, Arrives("/files/a"))?;
    let mut with_a_body = wire::head("GET", "/files/echo", &["Content-Length: 4"]);
    with_a_body.extend_from_slice(b"body");
    suffers(&gate, &with_a_body, Arrives("/files/echo"))?;
    let long = format!("X-Long: {}", "a".repeat(1 << 20));
    suffers(&gate, &wire::head("GET", "/files/a", &[&long]), Refused)?;
    let many = vec!["X-Many: 1"; 20_000];
    suffers(&gate, &wire::head("GET", "/files/a", &many), Refused)?;
    let long_token = format!("Authorization: Bearer {}", "a".repeat(30_000));
    suffers(
        &gate,
        &wire::head("GET", "/profile", &[&long_token]),
        Refused,
    )?;
    // The runtime asks for a handler of `CONNECT`, and there is none.
    let connect = wire::exchange(gate.port, &wire::head("CONNECT", "/profile", &[&bearer]))?;
    expect_status(connect.status, 500, "CONNECT")?;
    for method in ["TRACE", "get", "G\u{e4}T", "PURGE"] {
        suffers(&gate, &wire::head(method, "/profile", &[&bearer]), Refused)?;
    }
    Ok(())
}

fn suffers(gate: &Gate, head: &[u8], fate: Fate) -> Done {
    gate.origin.take();
    let response = wire::exchange(gate.port, head)?;
    let shown: String = head.iter().take(120).copied().map(char::from).collect();
    let reached = gate.origin.take();
    match fate {
        Refused => {
            let is_refused = (400..=501).contains(&response.status) && response.status != 500;
            expect(
                is_refused && reached.is_empty(),
                format!("refused, not {} : {shown:?}", response.status),
            )?;
        }
        Arrives(target) => {
            expect_status(response.status, 200, &format!("{shown:?}"))?;
            let [received] = reached.as_slice() else {
                return expect(false, format!("one request for {shown:?}"));
            };
            expect(
                received.target == target,
                format!("{shown:?} arrives as {target}, not {}", received.target),
            )?;
            expect_nothing_forged(&received.head)?;
        }
    }
    expect_status(
        wire::get(gate.port, "/files/next", &[])?.status,
        200,
        "the next",
    )
}

/// The public path of these requests has no identity: whatever says so came from the client.
fn expect_nothing_forged(head: &str) -> Done {
    let lower = head.to_ascii_lowercase().replace('_', "-");
    let lengths = ["content-length:", "transfer-encoding:"].map(|name| lower.contains(name));
    expect(
        lengths != [true, true],
        format!("one length of the body in {head}"),
    )?;
    for forged in [
        "x-signet-",
        "x-original-",
        "x-rewrite-",
        "x-http-method",
        "\nconnection:",
    ] {
        expect(!lower.contains(forged), format!("no {forged} in {head}"))?;
    }
    Ok(())
}
