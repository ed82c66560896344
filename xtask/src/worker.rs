//! The Worker in workerd, the runtime that Cloudflare runs, between real connections: an issuer or a
//! stub of one on one side, an origin that keeps what it gets on the other.
//!
//! Each check is a function of [`CHECKS`] with a folder of its own. What is checked of decisions is
//! only that they get here; that they are right, the conformance run says, for which [`serve`] starts
//! Workers too.

mod attacks;
mod feeds;
mod gate;
mod origin;
mod outages;
mod runtime;
mod stub;
mod wire;

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::components::build_programs;
use crate::interop::issuer::Issuer;
use crate::process::{Background, Done, Failure, TemporaryFolder, say};
use crate::wasm;
use gate::Gate;
use origin::{GZIP, Origin};
use runtime::World;
use stub::Stub;

type Check = (&'static str, fn(&Path, &Path) -> Done);

const CHECKS: &[Check] = &[
    ("the issuer's tokens open the origin", real_issuer),
    (
        "the origin sees the request, the client its response",
        passage,
    ),
    ("a WebSocket goes through to a bound service", websocket),
    ("keys are fetched once for many", outages::one_fetch),
    (
        "an issuer that is down is waited for, then done without",
        outages::outage,
    ),
    ("bad answers leave the last good keys", outages::bad_answers),
    (
        "a fetch outlives the request that began it",
        outages::abandoned,
    ),
    (
        "a feed is fetched before it is required",
        feeds::required_feed,
    ),
    ("a session that has ended is over", feeds::revoked),
    (
        "after a pause nobody is let through by an old feed",
        feeds::after_a_pause,
    ),
    (
        "after a pause nobody is let through by old keys",
        outages::withdrawn,
    ),
    ("a bad configuration lets nothing through", misconfigured),
    ("a panic is one 500", panic),
    ("attacks on a head", attacks::run),
];

const POLICY: &str = r#"
version = 1
issuer = "https://auth.example.com"
audience = ["agents-api"]

[[rule]]
id = "files"
path = "/files/{*rest}"
allow = "anyone"

[[rule]]
id = "profile"
path = "/profile"
allow = "authenticated"

[[rule]]
id = "agents"
path = "/v1/agents/{agent}"
allow = { role = "admin" }

[[rule]]
id = "rotate"
methods = ["POST"]
path = "/v1/keys/rotate"
allow = "authenticated"
revocation = "required"
"#;

const PASSWORD: &str = "correct horse battery staple";

/// Builds the Worker, and runs all checks.
pub(crate) fn test() -> Done {
    build_programs()?;
    let built = wasm::worker()?;
    tell_size(&built)?;
    no_trace_of_this_machine(&built)?;
    let mut failures = Vec::new();
    for (number, (name, check)) in CHECKS.iter().enumerate() {
        let folder = TemporaryFolder::new(&format!("worker-{number}"))?;
        match check(folder.path(), &built) {
            Ok(()) => say(format!("ok      {name}")),
            Err(failure) => {
                let log = fs::read_to_string(folder.path().join("workerd.log"));
                say(format!(
                    "FAILED  {name}\n{failure}\n{}",
                    log.unwrap_or_default()
                ));
                failures.push(*name);
            }
        }
    }
    if failures.is_empty() {
        Ok(())
    } else {
        Err(Failure::new(failures.join("; ")))
    }
}

/// Starts one workerd with a Worker for each of `worlds`, a policy and its leeway, each on a port of
/// its own, in front of this origin. The issuer of a world is the one at the same place, and the time
/// is that of `clock_file`: "2036-07-18 13:20:00", which stands still, or "+400", seconds ahead.
///
/// `xtask/worker/harness.mjs` reads it, since workerd takes no other clock.
pub(crate) fn serve(
    folder: &Path,
    worlds: &[(String, u64)],
    origin: SocketAddr,
    issuer_urls: &[String],
    clock_file: &Path,
) -> Done<(Background, Vec<u16>)> {
    let built = wasm::worker()?;
    let worlds = worlds.iter().zip(issuer_urls);
    let worlds: Vec<World<'_>> = worlds
        .map(|((policy, leeway), issuer_url)| World {
            policy,
            leeway: *leeway,
            issuer_url,
            origin: runtime::Origin::Url(origin),
        })
        .collect();
    runtime::start(folder, &built, &worlds, clock_file)
}

fn first(ports: &[u16]) -> Done<u16> {
    let port = ports.first().copied();
    port.ok_or_else(|| Failure::new("no Worker was started"))
}

fn expect(holds: bool, what: impl Into<String>) -> Done {
    if holds {
        Ok(())
    } else {
        Err(Failure::new(format!("not so: {}", what.into())))
    }
}

fn expect_status(actual: u16, expected: u16, what: &str) -> Done {
    expect(
        actual == expected,
        format!("{what} is {expected}, not {actual}"),
    )
}

fn real_issuer(folder: &Path, built: &Path) -> Done {
    let issuer = Issuer::start(folder, &[])?;
    let anyone = issuer.registered("ada@example.com", PASSWORD)?;
    issuer.create_admin("root@example.com", PASSWORD)?;
    let admin = issuer.login("root@example.com", PASSWORD)?;
    let origin = Origin::start()?;
    let policy = POLICY
        .replace("https://auth.example.com", &issuer.url())
        .replace("agents-api", "signet");
    let policy = runtime::compiled(folder, &policy)?;
    let clock = folder.join("clock");
    fs::write(&clock, "+0")?;
    let world = World {
        policy: &policy,
        leeway: 30,
        issuer_url: &issuer.url(),
        origin: runtime::Origin::Url(origin.address),
    };
    let (_workerd, ports) = runtime::start(folder, built, &[world], &clock)?;
    let port = first(&ports)?;
    for (target, token, expected) in [
        ("/files/a", None, 200),
        ("/profile", None, 401),
        ("/profile", Some(&anyone), 200),
        ("/v1/agents/7", Some(&anyone), 403),
        ("/v1/agents/7", Some(&admin), 200),
        ("/nowhere", Some(&admin), 403),
        ("/nowhere", None, 401),
    ] {
        origin.take();
        let bearer = token.map(|token| format!("Authorization: Bearer {token}"));
        let headers: Vec<&str> = bearer.as_deref().into_iter().collect();
        let response = wire::get(port, target, &headers)?;
        expect_status(response.status, expected, target)?;
        let reached = origin.take().pop();
        expect(
            reached.is_some() == (expected == 200),
            "only what is let through arrives",
        )?;
        let head = reached.map(|it| it.head).unwrap_or_default();
        expect(
            head.contains("x-signet-sub: ") == (token.is_some() && expected == 200),
            format!("the origin is told who asks for {target}:\n{head}"),
        )?;
    }
    let refused = wire::get(port, "/profile", &[])?;
    expect(
        refused.has("www-authenticate: bearer realm=\"signet\"")
            && refused.has("cache-control: no-store")
            && refused.has("content-type: application/problem+json")
            && refused.code() == "missing_token",
        format!("a refusal is the gate's own: {}", refused.head),
    )
}

fn passage(folder: &Path, built: &Path) -> Done {
    let gate = Gate::start(folder, built)?;
    let mut post = wire::head(
        "POST",
        "/files/echo?a=%2F&b=c+d",
        &[
            "Content-Length: 11",
            "X-Latin: \u{e4}\u{ff}",
            "X-Two: 1",
            "X-Two: 2",
        ],
    );
    post.extend_from_slice(b"\x00\xffbody\r\n\r\n!");
    let echoed = wire::exchange(gate.port, &post)?;
    expect(
        echoed.body == b"\x00\xffbody\r\n\r\n!",
        "a body goes through, both ways",
    )?;
    let received = gate.origin.take().pop();
    let received = received.ok_or_else(|| Failure::new("it didn't arrive"))?;
    expect(
        received.target == "/files/echo?a=%2F&b=c+d",
        format!("the target stays as it came, not {}", received.target),
    )?;
    expect(
        received.head.contains("X-Latin: \u{e4}\u{ff}\r\n"),
        format!("bytes of headers stay: {}", received.head),
    )?;
    let redirect = wire::get(gate.port, "/files/redirect", &[])?;
    expect_status(redirect.status, 302, "a redirect of the origin's")?;
    expect(
        redirect.has("location: /files/elsewhere"),
        "it goes to the client",
    )?;
    let packed = wire::get(gate.port, "/files/gzip", &["Accept-Encoding: gzip"])?;
    expect(packed.body == GZIP, "what is packed stays as it was packed")?;
    let cookies = wire::get(gate.port, "/files/cookies", &[])?;
    expect(
        cookies.has("set-cookie: a=1") && cookies.has("set-cookie: b=2"),
        "cookies stay apart",
    )?;
    let head = wire::exchange(gate.port, &wire::head("HEAD", "/profile", &[]))?;
    expect_status(head.status, 401, "HEAD without a token")
}

fn websocket(folder: &Path, built: &Path) -> Done {
    let stub = Stub::start(folder)?;
    let policy = runtime::compiled(folder, POLICY)?;
    let world = World {
        policy: &policy,
        leeway: 30,
        issuer_url: &stub.url(),
        origin: runtime::Origin::Bound(stub.address()),
    };
    let (_workerd, ports) = runtime::start(folder, built, &[world], stub.clock())?;
    let port = first(&ports)?;
    let upgrade = [
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    ];
    let socket = wire::get(port, "/profile", &upgrade)?;
    expect_status(socket.status, 401, "an upgrade without a token")?;
    let bearer = stub.bearer(&json!({}))?;
    let [connection, upgrade, version, key] = upgrade;
    let socket = wire::get(
        port,
        "/profile",
        &[connection, upgrade, version, key, &bearer],
    )?;
    expect_status(socket.status, 101, "an upgrade")?;
    expect(
        socket.body.ends_with(b"usr_1"),
        "what the service says comes through",
    )
}

fn misconfigured(folder: &Path, built: &Path) -> Done {
    let origin = Origin::start()?;
    let clock = folder.join("clock");
    fs::write(&clock, "+0")?;
    let world = |policy, issuer_url| World {
        policy,
        leeway: 30,
        issuer_url,
        origin: runtime::Origin::Url(origin.address),
    };
    let good = runtime::compiled(folder, POLICY)?;
    let worlds = [
        world("{}", ""),
        world("", ""),
        world(good.as_str(), "http://auth.example.com"),
        World {
            leeway: 61,
            ..world(good.as_str(), "https://auth.example.com")
        },
    ];
    let (_workerd, ports) = runtime::start(folder, built, &worlds, &clock)?;
    for port in ports {
        for _ in 0..2 {
            let response = wire::get(port, "/files/a", &[])?;
            expect_status(response.status, 500, "everything")?;
            expect(response.code() == "internal_error", "it says no more")?;
        }
    }
    expect(origin.take().is_empty(), "nothing is let through")?;
    let log = fs::read_to_string(folder.join("workerd.log"))?;
    for told in [
        "nothing is let through: SIGNET_POLICY",
        "nothing is let through: SIGNET_ISSUER_URL",
        "nothing is let through: SIGNET_LEEWAY: must be whole seconds, at most 60",
    ] {
        expect(log.contains(told), format!("the log says {told:?}"))?;
    }
    Ok(())
}

fn panic(folder: &Path, built: &Path) -> Done {
    let gate = Gate::start(folder, built)?;
    let bearer = gate.stub.bearer(&json!({}))?;
    for _ in 0..3 {
        expect_status(gate.status("/profile", &bearer)?, 200, "before a panic")?;
        let response = wire::get(gate.port, "/files/a", &["X-Trap: 1"])?;
        expect_status(response.status, 500, "a panic")?;
    }
    expect_status(gate.status("/profile", &bearer)?, 200, "after a panic")?;
    let reached = gate.origin.take().len();
    expect(reached == 4, "what panicked never reached the origin")
}

fn tell_size(built: &Path) -> Done {
    let size = |name| Ok::<u64, Failure>(fs::metadata(built.join(name))?.len());
    say(format!(
        "        index_bg.wasm {} bytes, index.js {} bytes",
        size("index_bg.wasm")?,
        size("index.js")?
    ));
    Ok(())
}

fn no_trace_of_this_machine(built: &Path) -> Done {
    let home = std::env::var("HOME").unwrap_or_default();
    let root = crate::process::root();
    let traces = [PathBuf::from(home), root];
    for name in ["index_bg.wasm", "index.js"] {
        let bytes = fs::read(built.join(name))?;
        for trace in traces
            .iter()
            .map(|path| path.as_os_str().as_encoded_bytes())
        {
            let found = bytes
                .windows(trace.len().max(2))
                .any(|window| window == trace);
            expect(!found, format!("{name} has no path of this machine"))?;
        }
    }
    Ok(())
}
