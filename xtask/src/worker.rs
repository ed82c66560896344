//! The Worker in workerd, the runtime that Cloudflare runs, between real connections: an issuer or a
//! stub of one on one side, an origin that keeps what it gets on the other.
//!
//! Each check is a function of [`CHECKS`] with a folder of its own. What is checked of decisions is
//! only that they get here; that they are right, the conformance run says, for which [`serve`] starts
//! Workers too.

mod attacks;
mod origin;
mod runtime;
mod stub;
mod wire;

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::components::build_programs;
use crate::interop::issuer::Issuer;
use crate::process::{Background, Done, Failure, TemporaryFolder, say};
use crate::wasm;
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
    ("keys are fetched once for many", one_fetch),
    (
        "an issuer that is down is waited for, then done without",
        outage,
    ),
    ("bad answers leave the last good keys", bad_answers),
    ("a fetch outlives the request that began it", abandoned),
    ("a feed is fetched before it is required", required_feed),
    ("a session that has ended is over", revoked),
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

/// A Worker between a stub of an issuer and an origin.
struct Gate {
    port: u16,
    origin: Origin,
    stub: Stub,
    _workerd: Background,
}

impl Gate {
    fn start(folder: &Path, built: &Path) -> Done<Self> {
        Self::start_beside(Stub::start(folder)?, folder, built)
    }

    fn start_beside(stub: Stub, folder: &Path, built: &Path) -> Done<Self> {
        let origin = Origin::start()?;
        let policy = runtime::compiled(folder, POLICY)?;
        let world = World {
            policy: &policy,
            leeway: 30,
            issuer_url: &stub.url(),
            origin: runtime::Origin::Url(origin.address),
        };
        let (workerd, ports) = runtime::start(folder, built, &[world], stub.clock())?;
        Ok(Self {
            port: first(&ports)?,
            origin,
            stub,
            _workerd: workerd,
        })
    }

    fn status(&self, target: &str, bearer: &str) -> Done<u16> {
        Ok(wire::get(self.port, target, &[bearer])?.status)
    }

    /// The status of a request whose rule requires a fresh feed, and the code of its refusal.
    fn rotate(&self, bearer: &str) -> Done<(u16, String)> {
        let head = wire::head("POST", "/v1/keys/rotate", &[bearer, "Content-Length: 0"]);
        let response = wire::exchange(self.port, &head)?;
        Ok((response.status, response.code()))
    }

    /// Asks until the answer is that, for a while.
    fn becomes(&self, expected: u16, what: &str, ask: impl Fn() -> Done<u16>) -> Done {
        let started = Instant::now();
        loop {
            let status = ask()?;
            if status == expected {
                return Ok(());
            }
            if started.elapsed() > Duration::from_secs(8) {
                return Err(Failure::new(format!("{what}: still {status}")));
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }
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

fn one_fetch(folder: &Path, built: &Path) -> Done {
    let gate = Gate::start(folder, built)?;
    gate.stub.control(&json!({ "keys": "slow" }))?;
    let bearer = gate.stub.bearer(&json!({}))?;
    let statuses = std::thread::scope(|scope| {
        let ask = || gate.status("/profile", &bearer).unwrap_or(0);
        let asked: Vec<_> = (0..20).map(|_| scope.spawn(ask)).collect();
        let statuses = asked.into_iter().map(|it| it.join().unwrap_or(0));
        statuses.collect::<Vec<u16>>()
    });
    expect(
        statuses.iter().all(|status| *status == 200),
        format!("whoever comes while keys are fetched gets its turn: {statuses:?}"),
    )?;
    for _ in 0..50 {
        expect_status(gate.status("/profile", &bearer)?, 200, "the next")?;
    }
    let (keys, feed) = gate.stub.counts()?;
    expect(
        keys == 1,
        format!("keys are fetched once, not {keys} times"),
    )?;
    // A feed that came before the keys is fetched once more.
    expect(
        feed <= 2,
        format!("and the feed once or twice, not {feed} times"),
    )
}

fn outage(folder: &Path, built: &Path) -> Done {
    let stub = Stub::start(folder)?;
    stub.control(&json!({ "keys": "down", "feed": "down" }))?;
    let gate = Gate::start_beside(stub, folder, built)?;
    let bearer = gate.stub.bearer(&json!({}))?;
    let without = wire::get(gate.port, "/profile", &[&bearer])?;
    expect_status(without.status, 503, "a token without keys")?;
    expect(
        without.code() == "keys_unavailable" && without.has("retry-after: 1"),
        "it says why",
    )?;
    expect_status(gate.status("/files/a", &bearer)?, 200, "what needs no keys")?;
    gate.stub
        .control(&json!({ "keys": "good", "feed": "good" }))?;
    gate.becomes(200, "with keys", || gate.status("/profile", &bearer))?;
    for (mode, ahead) in [("down", 400), ("slow", 1_000), ("hanging", 1_600)] {
        gate.stub.control(&json!({ "keys": mode, "feed": mode }))?;
        gate.stub.go_ahead(ahead)?;
        let bearer = gate.stub.bearer(&json!({}))?;
        let started = Instant::now();
        let status = gate.status("/profile", &bearer)?;
        expect_status(status, 200, &format!("with keys from before, {mode}"))?;
        let took = started.elapsed();
        expect(
            took < Duration::from_millis(400),
            format!("nobody waits while the issuer is {mode}, not even {took:?}"),
        )?;
        // What was begun ends before the next.
        std::thread::sleep(Duration::from_millis(800));
    }
    gate.stub.go_ahead(100_000)?;
    let bearer = gate.stub.bearer(&json!({}))?;
    expect_status(gate.status("/profile", &bearer)?, 503, "keys a day old")
}

fn bad_answers(folder: &Path, built: &Path) -> Done {
    let gate = Gate::start(folder, built)?;
    let bearer = gate.stub.bearer(&json!({}))?;
    expect_status(gate.status("/profile", &bearer)?, 200, "at first")?;
    let mut ahead = 0_u64;
    for mode in [
        "rubbish", "huge", "endless", "redirect", "error", "absent", "down",
    ] {
        ahead = ahead.saturating_add(400);
        gate.stub.control(&json!({ "keys": mode, "feed": mode }))?;
        gate.stub.go_ahead(ahead)?;
        let (before, _) = gate.stub.counts()?;
        let bearer = gate.stub.bearer(&json!({}))?;
        expect_status(gate.status("/profile", &bearer)?, 200, mode)?;
        std::thread::sleep(Duration::from_millis(300));
        expect_status(
            gate.status("/profile", &bearer)?,
            200,
            &format!("after {mode}"),
        )?;
        let (after, _) = gate.stub.counts()?;
        expect(after > before, format!("keys were asked for while {mode}"))?;
    }
    Ok(())
}

fn abandoned(folder: &Path, built: &Path) -> Done {
    let gate = Gate::start(folder, built)?;
    gate.stub.control(&json!({ "keys": "slow" }))?;
    let bearer = gate.stub.bearer(&json!({}))?;
    wire::abandon(gate.port, &wire::head("GET", "/profile", &[&bearer]))?;
    gate.becomes(200, "after the first has hung up", || {
        gate.status("/profile", &bearer)
    })?;
    let (keys, _) = gate.stub.counts()?;
    expect(keys == 1, format!("by its fetch, not by {keys}"))
}

fn required_feed(folder: &Path, built: &Path) -> Done {
    let gate = Gate::start(folder, built)?;
    let bearer = gate.stub.bearer(&json!({}))?;
    let (status, code) = gate.rotate(&bearer)?;
    expect_status(status, 200, &format!("the first request, with {code:?},"))?;
    gate.stub.go_ahead(60)?;
    let (status, _) = gate.rotate(&bearer)?;
    expect_status(status, 200, "one after an idle minute")?;
    gate.stub.control(&json!({ "feed": "hanging" }))?;
    gate.stub.go_ahead(120)?;
    let started = Instant::now();
    let (status, code) = gate.rotate(&bearer)?;
    let took = started.elapsed();
    expect(
        status == 503 && code == "revocation_unavailable",
        format!("a stale feed is 503, not {status} {code}"),
    )?;
    expect(
        (Duration::from_millis(900)..Duration::from_secs(3)).contains(&took),
        format!("after a second, not {took:?}"),
    )?;
    expect_status(gate.status("/profile", &bearer)?, 200, "what requires none")?;
    gate.stub.control(&json!({ "feed": "good" }))?;
    gate.stub.go_ahead(180)?;
    gate.becomes(200, "with a feed again", || Ok(gate.rotate(&bearer)?.0))
}

fn revoked(folder: &Path, built: &Path) -> Done {
    let gate = Gate::start(folder, built)?;
    let bearer = gate.stub.bearer(&json!({ "sid": "ses_over" }))?;
    let other = gate.stub.bearer(&json!({ "sid": "ses_other" }))?;
    expect_status(gate.rotate(&bearer)?.0, 200, "before it ends")?;
    gate.stub.control(&json!({ "revoked": ["ses_over"] }))?;
    gate.stub.go_ahead(7)?;
    gate.becomes(401, "seconds after", || gate.status("/profile", &bearer))?;
    expect_status(gate.status("/profile", &other)?, 200, "another session")?;
    gate.stub.control(&json!({ "feed": "down" }))?;
    gate.stub.go_ahead(100)?;
    expect_status(gate.status("/profile", &bearer)?, 401, "without the issuer")?;
    expect_status(
        gate.rotate(&bearer)?.0,
        401,
        "even where a fresh feed is missing",
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
