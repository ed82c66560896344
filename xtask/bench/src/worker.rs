//! The Worker in workerd beside one that is written with jose, and one that checks nothing: how many
//! requests a second each lets through to one origin, over the same connections.
//!
//! The subjects take turns, and the best run of each counts: see [`crate::measure`]. What workerd's
//! process has computed for each request is printed beside it, since it says more where the machine has
//! other work.
//!
//! # Where the time goes
//!
//! Found with workerd's profiler and with Workers that do one thing more than forward, each. To forward
//! is about half of what the Worker with jose costs, so that none can be much more than twice as fast. For
//! a token that is remembered ours takes some 70 µs beyond that on a busy machine, a third of them to set the
//! seven headers that name the caller, which the other sets as well; gate and crossings are 8 µs.
//!
//! For any other token they are 70 to 80 µs more, and that is why the target of many tokens is missed. With
//! its table in the processor's cache a check is 38 µs in Wasm, which has no product of two words in two;
//! with a table and an identity that aren't, about twice that. WebCrypto, under jose, computes natively.
//! Neither `opt-level = 3` for everything (38 µs) nor SIMD (38) nor limbs of 64 bits (83) help.

use std::env;
use std::fs;
use std::net::TcpListener as Reserved;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64ct::{Base64UrlUnpadded, Encoding as _};
use ed25519_dalek::{Signer as _, SigningKey};
use serde_json::json;
use signet_verifier::policy::Policy;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::load;
use crate::report::{Report, Target};

const POLICY: &str = r#"
version = 1
issuer = "https://auth.example.com"
audience = ["agents-api"]

[[rule]]
id = "read-agent"
methods = ["GET"]
path = "/v1/agents/{agent}"
allow = { role = "admin" }
"#;

const ISSUER: &str = "https://auth.example.com";
const CONNECTIONS: usize = 16;
const RUN: Duration = Duration::from_millis(400);
const RUNS: usize = 24;
/// So many that no cache remembers one until it comes again.
const TOKENS: usize = 12_000;

/// One Worker in one workerd.
struct Subject {
    name: &'static str,
    port: u16,
    process: Child,
}

/// What was best in all runs of a subject.
#[derive(Clone, Copy)]
struct Best {
    per_second: f64,
    /// Computed by workerd for each request, in microseconds.
    computed: f64,
}

impl Drop for Subject {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

pub(crate) fn run(report: &mut Report) {
    report.heading("Worker, in workerd, in front of one origin");
    let built = path("SIGNET_BENCH_WORKER");
    for name in ["index_bg.wasm", "index.js"] {
        let size = fs::metadata(built.join(name)).unwrap().len();
        report.figure(
            &format!("size of {name}"),
            size as f64 / 1_024.0,
            "KiB",
            Target::None,
        );
    }
    let folder = env::temp_dir().join(format!("signet-bench-worker-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let key = SigningKey::from_bytes(&[101; 32]);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let origin = runtime.block_on(origin(jwks(&key)));
    let subjects = [
        start(&folder, "signet", &ours(&built, &folder, origin)),
        start(&folder, "jose", &theirs("SIGNET_BENCH_JOSE", &key, origin)),
        start(
            &folder,
            "forwarding only",
            &theirs("SIGNET_BENCH_FORWARD", &key, origin),
        ),
    ];
    let requests: Vec<String> = (0..TOKENS).map(|number| request(&key, number)).collect();
    // Keys are fetched, tables are built, code is compiled.
    for subject in &subjects {
        runtime.block_on(load::run(subject.port, &requests[..100], 4, RUN * 4));
    }
    for (what, requests) in [
        ("one token", &requests[..1]),
        ("many tokens", &requests[..]),
    ] {
        let mut best = [Best {
            per_second: 0.0,
            computed: f64::INFINITY,
        }; 3];
        for _ in 0..RUNS {
            for (subject, best) in subjects.iter().zip(&mut best) {
                let before = subject.computed();
                let load = runtime.block_on(load::run(subject.port, requests, CONNECTIONS, RUN));
                let computed = (subject.computed() - before) / load.requests as f64;
                best.per_second = best.per_second.max(load.per_second);
                best.computed = best.computed.min(computed);
            }
        }
        for (subject, best) in subjects.iter().zip(&best) {
            let name = format!("{what}, {}", subject.name);
            report.figure(
                &format!("{name}, per second"),
                best.per_second,
                "",
                Target::None,
            );
            report.figure(
                &format!("{name}, computed"),
                best.computed,
                "µs",
                Target::None,
            );
        }
        let [ours, jose, _] = best;
        report.figure(
            &format!("{what}, signet / jose, per second"),
            ours.per_second / jose.per_second,
            "",
            Target::AtLeast(1.5),
        );
        report.figure(
            &format!("{what}, jose / signet, computed"),
            jose.computed / ours.computed,
            "",
            Target::None,
        );
    }
    drop(subjects);
    fs::remove_dir_all(&folder).unwrap();
}

impl Subject {
    /// What the threads of its process have computed so far, in microseconds.
    fn computed(&self) -> f64 {
        let threads = fs::read_dir(format!("/proc/{}/task", self.process.id())).unwrap();
        let times = threads.flatten().map(|thread| {
            // A thread that has ended since has none.
            let times = fs::read_to_string(thread.path().join("schedstat")).unwrap_or_default();
            let nanoseconds = times.split(' ').next().and_then(|time| time.parse().ok());
            nanoseconds.unwrap_or(0.0)
        });
        times.sum::<f64>() / 1e3
    }
}

fn path(variable: &str) -> PathBuf {
    let path = env::var_os(variable);
    PathBuf::from(path.unwrap_or_else(|| panic!("{variable}, which cargo xtask bench sets")))
}

/// Our Worker, whose issuer is the origin's server.
fn ours(built: &Path, folder: &Path, origin: u16) -> String {
    let policy = folder.join("policy.json");
    fs::write(&policy, Policy::from_toml(POLICY).unwrap().to_json()).unwrap();
    format!(
        "modules = [ (name = \"index.js\", esModule = embed {:?}),
                     (name = \"index_bg.wasm\", wasm = embed {:?}) ],
         bindings = [ (name = \"SIGNET_POLICY\", text = embed {policy:?}),
                      (name = \"SIGNET_ISSUER_URL\", text = \"http://127.0.0.1:{origin}\"),
                      (name = \"SIGNET_ORIGIN\", text = \"http://127.0.0.1:{origin}\") ],",
        built.join("index.js"),
        built.join("index_bg.wasm"),
    )
}

/// A Worker of one file.
fn theirs(variable: &str, key: &SigningKey, origin: u16) -> String {
    format!(
        "modules = [ (name = \"index.js\", esModule = embed {:?}) ],
         bindings = [ (name = \"JWKS\", text = {:?}), (name = \"ISSUER\", text = {ISSUER:?}),
                      (name = \"ORIGIN\", text = \"http://127.0.0.1:{origin}\") ],",
        path(variable),
        jwks(key),
    )
}

fn start(folder: &Path, name: &'static str, worker: &str) -> Subject {
    let port = Reserved::bind("127.0.0.1:0").unwrap();
    let port = port.local_addr().unwrap().port();
    let file = folder.join(format!("{port}.capnp"));
    let config = format!(
        "using Workerd = import \"/workerd/workerd.capnp\";
         const config :Workerd.Config = (
           services = [ (name = \"internet\", network = (allow = [\"local\", \"private\"])),
                        (name = \"worker\", worker = .worker) ],
           sockets = [ (name = \"http\", address = \"127.0.0.1:{port}\", http = (), service = \"worker\") ],
         );
         const worker :Workerd.Worker = ( {worker} compatibilityDate = \"2026-04-01\" );"
    );
    fs::write(&file, config).unwrap();
    let process = Command::new(path("SIGNET_BENCH_WORKERD"))
        .args(["serve", "--import-path=/"])
        .arg(&file)
        .stdin(Stdio::null())
        .spawn()
        .unwrap();
    while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
        std::thread::sleep(Duration::from_millis(10));
    }
    Subject {
        name,
        port,
        process,
    }
}

fn jwks(key: &SigningKey) -> String {
    let x = Base64UrlUnpadded::encode_string(key.verifying_key().as_bytes());
    json!({ "keys": [{ "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "kid": "main", "x": x }] })
        .to_string()
}

/// A browser's request with the token of that number.
fn request(key: &SigningKey, number: usize) -> String {
    let encode =
        |value: serde_json::Value| Base64UrlUnpadded::encode_string(value.to_string().as_bytes());
    let now = now();
    let claims = json!({
        "iat": now, "exp": now + 600, "iss": ISSUER, "aud": "agents-api",
        "sub": "0b1e7a52-4f0e-4c62-9a0e-0d6a2f3c9b1d",
        "jti": format!("5a1c9d1e-8a7b-4c3d-9e2f-{number:012}"),
        "sid": "c2a9e0f4-1d3b-4a5c-8e7f-6b5a4d3c2b1a",
        "client_id": "signet", "auth_time": now, "ver": 3,
        "roles": ["user", "admin"], "permissions": ["agents:read", "agents:run"],
    });
    let header = json!({ "alg": "EdDSA", "typ": "at+jwt", "kid": "main" });
    let signed = format!("{}.{}", encode(header), encode(claims));
    let signature = Base64UrlUnpadded::encode_string(&key.sign(signed.as_bytes()).to_bytes());
    format!(
        "GET /v1/agents/{number} HTTP/1.1\r\nHost: api.example.com\r\n\
         User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\r\n\
         Accept: application/json\r\nAccept-Language: en-GB,en;q=0.5\r\n\
         Accept-Encoding: gzip, deflate, br, zstd\r\nOrigin: https://app.example.com\r\n\
         Authorization: Bearer {signed}.{signature}\r\n\r\n"
    )
}

#[expect(
    clippy::disallowed_methods,
    reason = "the tokens are for a program that reads the machine's clock"
)]
fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs()
}

/// Starts a server that answers everything at once, and the key set where it is asked for it.
async fn origin(jwks: String) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, jwks.clone()));
        }
    });
    port
}

async fn serve(mut stream: TcpStream, jwks: String) {
    stream.set_nodelay(true).unwrap();
    let mut received = Vec::new();
    let mut chunk = [0; 4_096];
    while let Ok(length @ 1..) = stream.read(&mut chunk).await {
        received.extend_from_slice(&chunk[..length]);
        if !received.ends_with(b"\r\n\r\n") {
            continue;
        }
        let is_for = |path: &str| received.starts_with(format!("GET {path} ").as_bytes());
        let (status, body) = if is_for("/.well-known/jwks.json") {
            ("200 OK", jwks.as_str())
        } else if is_for("/.well-known/signet-revocations") {
            ("404 Not Found", "")
        } else {
            ("200 OK", "{\"id\":\"7\",\"name\":\"scribe\"}")
        };
        received.clear();
        let length = body.len();
        let answer = format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\n\r\n{body}");
        if stream.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
}
