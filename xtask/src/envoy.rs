//! The filter in a real Envoy, started from `deploy/envoy/envoy.yaml` as it is shipped: what is
//! replaced are addresses, the policy, and where the filter stands.
//!
//! Each check is a function of [`CHECKS`]. [`proxy`] starts Envoy, [`origin`] is the service behind
//! it, [`stub`] an issuer that does what it is told, and [`wire`] sends bytes that no client would.

mod attacks;
mod feeds;
mod origin;
mod outages;
mod proxy;
mod stub;
mod wire;

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::components::{build_programs, node};
use crate::interop::expect;
use crate::interop::issuer::Issuer;
use crate::process::{Done, Failure, TemporaryFolder, command, root, run_quietly, say};
use crate::wasm;
pub(crate) use origin::Origin;
pub(crate) use proxy::Proxy;
use wire::get;

type Check = (&'static str, fn(&Path, &Path) -> Done);

const CHECKS: &[Check] = &[
    ("the shipped configuration is good as it stands", shipped),
    (
        "a bad one keeps Envoy from starting, and is explained",
        misconfigured,
    ),
    ("tokens of a real issuer are decided about", real_issuer),
    ("Envoy's own jwt_authn takes them as well", jwt_authn),
    ("threads tell each other what they know", threads),
    (
        "nothing on the wire upsets it, or gets past it",
        attacks::run,
    ),
    (
        "an issuer that is away, slow or wrong changes nothing",
        outages::run,
    ),
    (
        "a session that has ended is refused by all threads",
        feeds::run,
    ),
];

const PASSWORD: &str = "correct horse battery staple";

/// How many connections are made to meet every thread of a proxy.
const CONNECTIONS: usize = 24;

/// Runs all checks, and tells of every one that failed.
pub(crate) fn test() -> Done {
    build_programs()?;
    let filter = wasm::proxy()?;
    let mut failures = Vec::new();
    for (number, (name, check)) in CHECKS.iter().enumerate() {
        let folder = TemporaryFolder::new(&format!("envoy-{number}"))?;
        match check(folder.path(), &filter) {
            Ok(()) => say(format!("ok      {name}")),
            Err(failure) => {
                say(format!("FAILED  {name}\n{failure}"));
                failures.push(*name);
            }
        }
    }
    match failures.is_empty() {
        true => Ok(()),
        false => Err(Failure::new(failures.join("; "))),
    }
}

fn shipped(folder: &Path, filter: &Path) -> Done {
    let file = folder.join("envoy.yaml");
    let text = proxy::shipped()?;
    fs::write(&file, proxy::with_filter(&text, filter)?)?;
    proxy::validate(&file).map(drop)
}

fn misconfigured(folder: &Path, filter: &Path) -> Done {
    let text = proxy::with_filter(&proxy::shipped()?, filter)?;
    let text = proxy::replaced(&text, "\"version\":1", "\"version\":2")?;
    let unknown = "\"leeway\":61,\"issuer-cluster\"";
    let text = proxy::replaced(&text, "\"issuer_cluster\"", unknown)?;
    let file = folder.join("envoy.yaml");
    fs::write(&file, text)?;
    let Err(told) = proxy::validate(&file) else {
        return Err(Failure::new("Envoy takes it"));
    };
    let told = told.to_string();
    for fault in [
        "\"issuer-cluster\" is not known",
        "\"leeway\" must be whole seconds, at most 60",
        "policy: ",
        "\"pinned_keys\"",
    ] {
        expect(told.contains(fault), &format!("{fault} is in {told}"))?;
    }
    Ok(())
}

/// The rules of the checks, for tokens of that issuer.
pub(crate) fn policy(issuer: &str, audience: &str) -> String {
    json!({
        "version": 1, "issuer": issuer, "audience": [audience],
        "rule": [
            { "id": "open", "path": "/open", "allow": "anyone" },
            { "id": "known", "path": "/known", "allow": "authenticated" },
            { "id": "admin", "path": "/admin", "allow": { "role": "admin" } },
            { "id": "files", "path": "/files/{*path}", "allow": "anyone" },
            {
                "id": "strict", "path": "/strict", "allow": "authenticated",
                "revocation": "required"
            },
        ],
    })
    .to_string()
}

fn real_issuer(folder: &Path, filter: &Path) -> Done {
    let issuer = Issuer::start(folder, &[])?;
    let anyone = issuer.registered("ada@example.com", PASSWORD)?;
    issuer.create_admin("root@example.com", PASSWORD)?;
    let admin = issuer.login("root@example.com", PASSWORD)?;
    let origin = Origin::start()?;
    let policy = policy(&issuer.url(), "signet");
    let proxy = Proxy::start(folder, filter, &policy, origin.port(), issuer.port())?;
    all_threads_have_keys(&proxy, &anyone)?;
    for (path, token, status) in [
        ("/open", None, 200),
        ("/known", None, 401),
        ("/known", Some(&anyone), 200),
        ("/admin", None, 401),
        ("/admin", Some(&anyone), 403),
        ("/admin", Some(&admin), 200),
        ("/elsewhere", None, 401),
        ("/elsewhere", Some(&admin), 403),
        ("/strict", Some(&anyone), 200),
    ] {
        for _ in 0..CONNECTIONS {
            let answer = get(proxy.port(), path, token.map(String::as_str))?;
            let what = format!("{path} answers {status}, not {}", answer.text());
            expect(answer.status == status, &what)?;
        }
    }
    let before = origin.requests().len();
    get(proxy.port(), "/admin", Some(&admin))?;
    let heads = origin.requests();
    let head = heads
        .get(before)
        .ok_or_else(|| Failure::new("nothing arrived"))?;
    for line in [
        "\r\nx-signet-rule: admin\r\n",
        "\r\nx-signet-roles: admin,user\r\n",
        "\r\nx-signet-sub: ",
        "\r\nauthorization: Bearer ",
    ] {
        expect(head.contains(line), &format!("{line:?} is in {head}"))?;
    }
    let answer = get(proxy.port(), "/known", None)?;
    for line in [
        "www-authenticate: Bearer realm=\"signet\"\r\n",
        "content-type: application/problem+json\r\n",
        "cache-control: no-store\r\n",
    ] {
        expect(
            answer.head.contains(line),
            &format!("{line:?} is in {}", answer.head),
        )?;
    }
    let log = proxy.log()?;
    expect(
        log.contains("signet:insufficient_scope::admin"),
        "the access log says why",
    )?;
    expect(!log.contains(&admin), "no token is in a log")?;
    let fetches = proxy.count("wasmcustom.signet.fetches.keys")?;
    expect(
        fetches == 1,
        &format!("keys are asked for once, not {fetches} times"),
    )?;
    expect(
        proxy.count("wasmcustom.signet.denied.no_rule")? > 0,
        "decisions are counted",
    )
}

fn jwt_authn(folder: &Path, _: &Path) -> Done {
    let issuer = Issuer::start(folder, &[])?;
    let token = issuer.registered("ada@example.com", PASSWORD)?;
    let origin = Origin::start()?;
    let proxy = Proxy::with_jwt_authn(folder, &issuer.url(), origin.port(), issuer.port())?;
    until("it takes a good token", || {
        Ok(get(proxy.port(), "/", Some(&token))?.status == 200)
    })?;
    let mut forged = token;
    forged.truncate(forged.len().saturating_sub(4));
    forged.push_str("AAAA");
    let refused = get(proxy.port(), "/", Some(&forged))?.status;
    expect(refused == 401, "it refuses a forged one")
}

/// With threads that end and clocks that are set, which a real Envoy has none of to offer.
fn threads(_: &Path, filter: &Path) -> Done {
    let mut run = command(node()?);
    run.arg(root().join("xtask/envoy/threads.mjs")).arg(filter);
    run_quietly(&mut run).map(drop)
}

/// Waits until a good token is let through on whichever thread it comes: each reads what the one
/// that asks has learnt, at a tick of its own, and a connection goes to any of them.
fn all_threads_have_keys(proxy: &Proxy, token: &str) -> Done {
    until("all threads have keys", || {
        for _ in 0..CONNECTIONS {
            if get(proxy.port(), "/known", Some(token))?.status != 200 {
                return Ok(false);
            }
        }
        Ok(true)
    })
}

/// Tries again until it is so, for a while.
fn until(what: &str, mut is_so: impl FnMut() -> Done<bool>) -> Done {
    const PATIENCE: Duration = Duration::from_secs(40);
    let started = Instant::now();
    while started.elapsed() < PATIENCE {
        if is_so()? {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    Err(Failure::new(format!("not so after {PATIENCE:?}: {what}")))
}
