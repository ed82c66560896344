//! How long it takes until a session that was ended at a real issuer is refused by every host: the
//! axum and Node.js services of `examples/`, workerd, and Envoy as it is shipped. They fetch the feed
//! as they do without any configuration.
//!
//! Then the issuer's keys change, and one of them is stolen ([`keys`]).
//!
//! To add a host: start it in [`hosts`], with a path that wants a token.

mod keys;

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::components::{build_programs, node, program};
use crate::envoy::{Origin, Proxy, policy};
use crate::interop::issuer::{Issuer, get_status};
use crate::process::{
    Background, Done, Failure, TemporaryFolder, command, free_port, listens, root, run_quietly, say,
};
use crate::{npm, wasm, worker};
use keys::StolenKey;

const EMAIL: &str = "ada@example.com";
const PASSWORD: &str = "correct horse battery staple";

/// Hosts are asked with a new session each time.
const SETTINGS: &[(&str, &str)] = &[
    ("SIGNET_LIMITS__SCALE", "100"),
    ("SIGNET_SESSIONS__MAX_PER_ACCOUNT", "1000"),
];

/// The longest time between two fetches of the feed.
const POLL: Duration = Duration::from_secs(6);
/// How much longer than that a refusal may take: the fetch, and asking.
const BEYOND: Duration = Duration::from_secs(1);
/// When it is given up.
const PATIENCE: Duration = Duration::from_secs(20);
/// For how long hosts are watched after a rotation in a test: each fetches the key set twice in it.
const WATCHED: Duration = Duration::from_secs(25);
/// The same in a proof.
const WATCHED_LONG: Duration = Duration::from_secs(120);
/// How often a host is asked.
const ASKED_EVERY: Duration = Duration::from_millis(50);

/// A host, and something that wants a token.
struct Host {
    name: &'static str,
    url: String,
}

/// What has to run for as long as hosts are asked.
struct Running {
    hosts: Vec<Host>,
    _programs: Vec<Background>,
    _proxy: Proxy,
    _origin: Origin,
}

/// A few sessions.
pub(crate) fn test() -> Done {
    measure(3, WATCHED).map(drop)
}

/// Many sessions; says how long it took.
pub(crate) fn prove() -> Done<String> {
    measure(40, WATCHED_LONG)
}

fn measure(sessions: usize, watched: Duration) -> Done<String> {
    build_programs()?;
    let folder = TemporaryFolder::new("revocation")?;
    let issuer = Issuer::start(folder.path(), SETTINGS)?;
    issuer.registered(EMAIL, PASSWORD)?;
    let keep = issuer.login(EMAIL, PASSWORD)?;
    let stolen = StolenKey::plant(folder.path(), &issuer)?;
    let running = hosts(folder.path(), &issuer)?;
    let hosts = &running.hosts;
    let mut slowest = vec![Duration::ZERO; hosts.len()];
    for _ in 0..sessions {
        let took = end_one(&issuer, &keep, hosts)?;
        for (slowest, took) in slowest.iter_mut().zip(took) {
            *slowest = took.max(*slowest);
        }
    }
    let ended = told(hosts, &slowest);
    say(format!(
        "{sessions} sessions, refused after at most: {ended}"
    ));
    let latest = POLL.saturating_add(BEYOND);
    if slowest.iter().any(|took| *took > latest) {
        return Err(Failure::new(format!("later than {latest:?}: {ended}")));
    }
    let asked = keys::rotate(&issuer, folder.path(), hosts, watched)?;
    say(format!("a rotation, with nobody refused; asked: {asked}"));
    let drilled = keys::drill(&issuer, &stolen, hosts)?;
    say(format!("a forged token, refused after: {drilled}"));
    Ok(format!(
        "{sessions} sessions refused after at most {ended}; a rotation refuses nobody, asked \
         {asked}; a forged token after {drilled}"
    ))
}

/// How long each host took, in words.
fn told(hosts: &[Host], took: &[Duration]) -> String {
    let hosts = hosts.iter().zip(took);
    let words: Vec<String> = hosts
        .map(|(host, took)| format!("{} {:.1} s", host.name, took.as_secs_f64()))
        .collect();
    words.join(", ")
}

/// Ends one session, and answers how long each host took to refuse it. The session that ended it is
/// let through all the while.
fn end_one(issuer: &Issuer, keep: &str, hosts: &[Host]) -> Done<Vec<Duration>> {
    let body = json!({ "email": EMAIL, "password": PASSWORD });
    let session = issuer.post("/v1/login", &body, None)?;
    let text = |name: &str| -> Done<String> {
        let text = session.get(name).and_then(Value::as_str);
        Ok(text.ok_or_else(|| Failure::new(name))?.to_owned())
    };
    let (token, id) = (text("access_token")?, text("session_id")?);
    for host in hosts {
        until(host, &token, 200, Instant::now())?;
    }
    let mut curl = command("curl");
    curl.args(["--silent", "--show-error", "--fail", "--request", "DELETE"])
        .args(["--header", &format!("authorization: Bearer {keep}")]);
    run_quietly(curl.arg(format!("{}/v1/sessions/{id}", issuer.url())))?;
    let ended = Instant::now();
    let refused = everywhere(hosts, &token, 401, ended)?;
    for host in hosts {
        let status = get_status(&host.url, Some(keep))?;
        if status != 200 {
            return Err(Failure::new(format!(
                "{} refuses another: {status}",
                host.name
            )));
        }
    }
    Ok(refused)
}

/// Asks all hosts at once until they answer with this status; how long each took since then.
fn everywhere(hosts: &[Host], token: &str, status: u16, since: Instant) -> Done<Vec<Duration>> {
    thread::scope(|scope| {
        let asking: Vec<_> = hosts
            .iter()
            .map(|host| scope.spawn(move || until(host, token, status, since)))
            .collect();
        let joined = asking.into_iter().map(|asking| asking.join());
        joined
            .map(|took| took.unwrap_or_else(|_| Err(Failure::new("asking panicked"))))
            .collect()
    })
}

/// Asks until a host answers with this status; how long that took since then.
fn until(host: &Host, token: &str, status: u16, since: Instant) -> Done<Duration> {
    loop {
        let answered = get_status(&host.url, Some(token))?;
        let took = since.elapsed();
        if answered == status {
            return Ok(took);
        }
        if took > PATIENCE {
            let name = host.name;
            return Err(Failure::new(format!("{name} still answers {answered}")));
        }
        thread::sleep(ASKED_EVERY);
    }
}

fn hosts(folder: &Path, issuer: &Issuer) -> Done<Running> {
    let origin = Origin::start()?;
    let rules = policy(&issuer.url(), "signet");

    let axum_port = free_port()?;
    let mut service = command(program("agents-api"));
    service
        .env("ISSUER", issuer.url())
        .env("LISTEN", format!("127.0.0.1:{axum_port}"));
    let mut axum = Background::start("the axum example", &service, &folder.join("axum.log"))?;
    axum.wait_until(|| listens(axum_port))?;

    let package = folder.join("npm");
    fs::create_dir(&package)?;
    npm::install(&wasm::npm_package()?, &package)?;
    npm::copy_files(&root().join("examples/node-api"), &package.join("node-api"))?;
    let node_port = free_port()?;
    let mut service = command(node()?);
    service
        .current_dir(&package)
        .arg("node-api/server.mjs")
        .env("ISSUER", issuer.url())
        .env("PORT", node_port.to_string());
    let mut node = Background::start("the Node.js example", &service, &folder.join("node.log"))?;
    node.wait_until(|| listens(node_port))?;

    let workers = folder.join("workerd");
    fs::create_dir(&workers)?;
    let clock = workers.join("clock");
    fs::write(&clock, "+0")?;
    let address = SocketAddr::from(([127, 0, 0, 1], origin.port()));
    let worlds = [(rules.clone(), 30)];
    let (workerd, ports) = worker::serve(&workers, &worlds, address, &[issuer.url()], &clock)?;
    let worker_port = ports.first().ok_or_else(|| Failure::new("no Worker"))?;

    let proxies = folder.join("envoy");
    fs::create_dir(&proxies)?;
    let filter = wasm::proxy()?;
    let proxy = Proxy::start(&proxies, &filter, &rules, origin.port(), issuer.port())?;

    let host = |name, port: u16, path| Host {
        name,
        url: format!("http://127.0.0.1:{port}{path}"),
    };
    Ok(Running {
        hosts: vec![
            host("axum", axum_port, "/whoami"),
            host("Node.js", node_port, "/whoami"),
            host("workerd", *worker_port, "/known"),
            host("Envoy", proxy.port(), "/known"),
        ],
        _programs: vec![axum, node, workerd],
        _proxy: proxy,
        _origin: origin,
    })
}
