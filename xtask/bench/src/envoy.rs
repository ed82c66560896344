//! Signet's filter for Envoy beside Envoy's own `jwt_authn` and beside a proxy without either: one
//! Envoy with one thread and three listeners, one service, one token.
//!
//! `jwt_authn` keeps verified tokens, as the filter does; it checks issuer, audience and times, and
//! nothing else. The filter finds a rule besides, holds its condition against the token, and sets
//! seven headers.
//!
//! The target is nine tenths of `jwt_authn`'s requests, and is missed. By processor time a request
//! costs 54 µs bare, 65 with `jwt_authn` and 80 with the filter, and little of the difference is
//! the filter: `perf` finds a fifth of it in compiled WebAssembly, and the rest in Envoy, on the way
//! in and out. A filter that does nothing costs 8 µs, in eight calls; those that find nothing to do
//! are gone (`xtask/src/wasm.rs`), and decisions are counted by the tick. Each of the seven headers
//! costs about a microsecond and a half, reading the head and the clock the same again.

use std::fs;
use std::net::TcpListener as StdListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::load;
use crate::report::{Report, Target};
use crate::verify::sample::{AUDIENCE, ISSUER, Sample, jwks};

/// How often each listener has its turn, and for how long.
const TURNS: usize = 15;
const TURN: Duration = Duration::from_millis(700);
/// How many connections there are when as much is sent as goes through.
const CONNECTIONS: usize = 8;

/// What is measured.
const SUBJECTS: [&str; 3] = ["bare proxy", "jwt_authn with its cache", "signet"];

pub(crate) fn run(report: &mut Report) {
    report.heading("Envoy, one thread, one token that was seen before");
    let [Some(program), Some(filter)] =
        ["SIGNET_BENCH_ENVOY", "SIGNET_BENCH_FILTER"].map(std::env::var_os)
    else {
        report.fact("left out", "there is no Envoy here: `cargo xtask bench`");
        return;
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let service = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
    let service_port = service.local_addr().unwrap().port();
    runtime.spawn(serve(service));
    let envoy = Envoy::start(Path::new(&program), Path::new(&filter), service_port);

    let sample = Sample::make(1, unix_time());
    let requests = [format!(
        "GET /v1/agents/0b1e7a52-4f0e-4c62-9a0e-0d6a2f3c9b1d?page=2 HTTP/1.1\r\n\
         host: api.example.com\r\naccept: application/json\r\naccept-language: en-GB,en;q=0.5\r\n\
         accept-encoding: gzip, deflate, br, zstd\r\norigin: https://app.example.com\r\n\
         user-agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\r\n\
         authorization: Bearer {}\r\n\r\n",
        sample.token
    )];
    let turn = |port: u16, connections: usize| {
        let before = envoy.processor_time();
        let load = runtime.block_on(load::run(port, &requests, connections, TURN));
        let answered = load.per_second * TURN.as_secs_f64();
        let spent = (envoy.processor_time() - before).as_secs_f64() * 1e6 / answered;
        (load.per_second, load.p50 * 1e3, spent)
    };
    let mut most = [0.0_f64; 3];
    let mut least = [[f64::INFINITY; 2]; 3];
    for _ in 0..TURNS {
        for (subject, port) in envoy.ports.into_iter().enumerate() {
            let (per_second, _, spent) = turn(port, CONNECTIONS);
            most[subject] = most[subject].max(per_second);
            let (_, p50, _) = turn(port, 1);
            least[subject][0] = least[subject][0].min(p50);
            least[subject][1] = least[subject][1].min(spent);
        }
    }
    for (subject, name) in SUBJECTS.into_iter().enumerate() {
        let [p50, spent] = least[subject];
        report.figure(
            &format!("{name}, per second"),
            most[subject],
            "",
            Target::None,
        );
        report.figure(
            &format!("{name}, processor time"),
            spent,
            "µs",
            Target::None,
        );
        report.figure(
            &format!("{name}, p50, one connection"),
            p50,
            "µs",
            Target::None,
        );
    }
    let [[bare, _], [native, _], [ours, _]] = least;
    report.figure("jwt_authn, added p50", native - bare, "µs", Target::None);
    report.figure("signet, added p50", ours - bare, "µs", Target::None);
    let ratio = most[1] / most[2];
    // Nine tenths of what goes through jwt_authn.
    report.figure(
        "jwt_authn / signet, per second",
        ratio,
        "",
        Target::AtMost(1.11),
    );
}

/// An Envoy in a folder of its own; it ends with this value, and the folder goes.
struct Envoy {
    process: Child,
    ports: [u16; 3],
    folder: PathBuf,
}

impl Envoy {
    fn start(program: &Path, filter: &Path, service: u16) -> Self {
        let folder =
            std::env::temp_dir().join(format!("signet-bench-{}-envoy", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let ports = [(); 3].map(|()| {
            let listener = StdListener::bind("127.0.0.1:0").unwrap();
            listener.local_addr().unwrap().port()
        });
        let file = folder.join("envoy.json");
        fs::write(&file, configuration(ports, filter, service).to_string()).unwrap();
        let process = Command::new(program)
            .arg("--config-path")
            .arg(&file)
            .args(["--use-dynamic-base-id", "--concurrency", "1"])
            .args(["--log-level", "error"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let envoy = Self {
            process,
            ports,
            folder,
        };
        for port in ports {
            while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
                std::thread::sleep(Duration::from_millis(10));
            }
        }
        envoy
    }

    /// What it has had of the processors so far.
    fn processor_time(&self) -> Duration {
        let tasks = fs::read_dir(format!("/proc/{}/task", self.process.id())).unwrap();
        let of_task = |path: PathBuf| -> u64 {
            let stat = fs::read_to_string(path.join("schedstat")).unwrap_or_default();
            stat.split(' ')
                .next()
                .unwrap_or_default()
                .parse()
                .unwrap_or(0)
        };
        Duration::from_nanos(tasks.flatten().map(|task| of_task(task.path())).sum())
    }
}

impl Drop for Envoy {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        fs::remove_dir_all(&self.folder).unwrap();
    }
}

fn configuration(ports: [u16; 3], filter: &Path, service: u16) -> Value {
    let jwks = jwks([&Sample::make(1, 0)]);
    let native = json!({
        "name": "envoy.filters.http.jwt_authn",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication",
            "providers": { "signet": {
                "issuer": ISSUER, "audiences": [AUDIENCE], "forward": true,
                "local_jwks": { "inline_string": jwks },
                "jwt_cache_config": { "jwt_cache_size": 1_024 },
            } },
            "rules": [{ "match": { "prefix": "/" }, "requires": { "provider_name": "signet" } }],
        },
    });
    let settings = json!({
        "policy": {
            "version": 1, "issuer": ISSUER, "audience": [AUDIENCE],
            "rule": [{
                "id": "read-agent", "methods": ["GET"], "path": "/v1/agents/{agent}",
                "allow": { "permission": "agents:read" },
            }],
        },
        "pinned_keys": serde_json::from_str::<Value>(&jwks).unwrap(),
    });
    let ours = json!({
        "name": "signet",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm",
            "config": {
                "name": "signet", "failure_policy": "FAIL_RELOAD",
                "vm_config": {
                    "vm_id": "signet", "runtime": "envoy.wasm.runtime.v8",
                    "code": { "local": { "filename": filter } },
                },
                "configuration": {
                    "@type": "type.googleapis.com/google.protobuf.StringValue",
                    "value": settings.to_string(),
                },
            },
        },
    });
    let listeners = ports.into_iter().zip([None, Some(native), Some(ours)]);
    let listeners = listeners.map(|(port, filter)| listener(port, filter));
    json!({ "static_resources": {
        "listeners": listeners.collect::<Vec<_>>(),
        "clusters": [{
            "name": "service",
            "load_assignment": { "cluster_name": "service", "endpoints": [{ "lb_endpoints": [
                { "endpoint": { "address": address(service) } }
            ] }] },
        }],
    } })
}

fn listener(port: u16, filter: Option<Value>) -> Value {
    let router = json!({
        "name": "envoy.filters.http.router",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router",
        },
    });
    let route = json!({ "match": { "prefix": "/" }, "route": { "cluster": "service" } });
    let filters: Vec<Value> = filter.into_iter().chain([router]).collect();
    json!({
        "address": address(port),
        "filter_chains": [{ "filters": [{
            "name": "envoy.filters.network.http_connection_manager",
            "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
                "stat_prefix": "gate",
                "route_config": { "virtual_hosts": [
                    { "name": "service", "domains": ["*"], "routes": [route] }
                ] },
                "http_filters": filters,
            },
        }] }],
    })
}

fn address(port: u16) -> Value {
    json!({ "socket_address": { "address": "127.0.0.1", "port_value": port } })
}

/// The service: it answers whatever comes, at once.
async fn serve(listener: TcpListener) {
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(answer(stream));
    }
}

async fn answer(mut stream: TcpStream) -> Option<()> {
    let mut request = Vec::new();
    loop {
        if stream.read_buf(&mut request).await.ok()? == 0 {
            return None;
        }
        if request.ends_with(b"\r\n\r\n") {
            request.clear();
            let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
            stream.write_all(answer).await.ok()?;
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "Envoy's clock is the machine's, and the token's has to be the same"
)]
fn unix_time() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.unwrap().as_secs()
}
