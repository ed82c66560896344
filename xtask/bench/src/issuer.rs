//! The issuer as a process: how fast it starts, how much memory it holds, how many it serves.

use std::fmt::Write as _;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use signet_core::password::Password;
use signet_core::password::hasher::{Algorithm, Hasher};

use crate::load;
use crate::machine::resident;
use crate::measure::median;
use crate::report::{Report, Target};

const STARTS: usize = 9;
/// What everybody's password is.
pub(crate) const PASSWORD: &str = "correct horse battery staple";
const CONNECTIONS: [usize; 2] = [8, 64];

/// The issuer in a folder of its own; it ends with this value, and the folder goes.
pub(crate) struct Issuer {
    process: Child,
    pub(crate) port: u16,
    pub(crate) folder: PathBuf,
    environment: Vec<(&'static str, String)>,
}

impl Issuer {
    pub(crate) fn start(name: &str) -> Self {
        Self::start_with(name, Vec::new())
    }

    /// With more in its environment. It has answered once.
    pub(crate) fn start_with(name: &str, environment: Vec<(&'static str, String)>) -> Self {
        let folder =
            std::env::temp_dir().join(format!("signet-bench-{}-{name}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let port = free_port();
        let process = command(&folder, port)
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .arg("serve")
            .spawn()
            .unwrap();
        let mut issuer = Self {
            process,
            port,
            folder,
            environment,
        };
        issuer.wait();
        issuer
    }

    /// A command beside it.
    pub(crate) fn command(&self) -> Command {
        let mut command = command(&self.folder, self.port);
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Ends it and starts it anew, with what it has kept.
    pub(crate) fn restart(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        self.process = self.command().arg("serve").spawn().unwrap();
        self.wait();
    }

    /// Waits for the first answer.
    fn wait(&mut self) {
        while get(self.port, "/healthz", None).is_none() {
            let ended = self.process.try_wait().unwrap();
            assert_eq!(ended, None, "it doesn't start");
            std::thread::sleep(Duration::from_micros(500));
        }
    }

    /// An access token of a new admin.
    fn access_token(&self) -> String {
        let mut create = command(&self.folder, self.port)
            .args([
                "user",
                "create",
                "--email",
                "root@example.com",
                "--role",
                "admin",
            ])
            .args(["--verified", "--password-stdin"])
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = create.stdin.take().unwrap();
        writeln!(stdin, "{PASSWORD}").unwrap();
        drop(stdin);
        assert!(create.wait().unwrap().success());
        let body = json!({ "email": "root@example.com", "password": PASSWORD }).to_string();
        let answer = exchange(
            self.port,
            &format!(
                "POST /v1/login HTTP/1.1\r\nhost: 127.0.0.1:{}\r\nconnection: close\r\n\
                 content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
                self.port,
                body.len()
            ),
        )
        .unwrap();
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        let session: Value = serde_json::from_str(body).unwrap();
        session
            .get("access_token")
            .and_then(Value::as_str)
            .unwrap()
            .to_owned()
    }

    /// Imports people whose hashes are as cheap as an import takes: the first login of each makes
    /// another.
    pub(crate) fn import(&self, people: usize) {
        let cheap = Hasher::new(Algorithm::Argon2id {
            memory_kib: 7_168,
            iterations: 1,
            lanes: 1,
        });
        let password = Password::new(PASSWORD.to_owned().into()).unwrap();
        let hash = cheap.unwrap().hash(&password, [7; 16]).unwrap();
        let mut lines = String::new();
        for number in 0..people {
            let person = json!({
                "email": email(number),
                "email_verified": true,
                "password_hash": hash.expose(),
            });
            writeln!(lines, "{person}").unwrap();
        }
        let file = self.folder.join("people.ndjson");
        fs::write(&file, lines).unwrap();
        let mut import = self.command();
        let status = import.args(["users", "import"]).arg(file).status();
        assert!(status.unwrap().success());
    }

    /// Its number.
    pub(crate) fn process(&self) -> u32 {
        self.process.id()
    }

    /// What the process holds in memory, in MiB.
    pub(crate) fn resident(&self) -> f64 {
        resident(&self.process.id().to_string())
    }
}

impl Drop for Issuer {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        fs::remove_dir_all(&self.folder).unwrap();
    }
}

pub(crate) fn run(report: &mut Report) {
    report.heading("Issuer, embedded default, release build");
    let starts = (0..STARTS).map(|number| {
        let started = Instant::now();
        let _issuer = Issuer::start(&format!("start-{number}"));
        started.elapsed().as_secs_f64() * 1e3
    });
    let start = median(starts.collect());
    report.figure(
        "start to first answer, empty database",
        start,
        "ms",
        Target::AtMost(100.0),
    );

    let issuer = Issuer::start("load");
    std::thread::sleep(Duration::from_secs(2));
    report.figure(
        "resident memory, idle",
        issuer.resident(),
        "MiB",
        Target::AtMost(30.0),
    );

    let token = issuer.access_token();
    let request = request(issuer.port, "/v1/me", Some(&token));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    for connections in CONNECTIONS {
        let load = runtime.block_on(load::run(
            issuer.port,
            std::slice::from_ref(&request),
            connections,
            Duration::from_secs(4),
        ));
        let name = |what: &str| format!("GET /v1/me, {connections} connections, {what}");
        report.figure(&name("per second"), load.per_second, "", Target::None);
        report.figure(&name("p50"), load.p50, "ms", Target::None);
        report.figure(&name("p99"), load.p99, "ms", Target::None);
    }
    report.figure(
        "resident memory, after the load",
        issuer.resident(),
        "MiB",
        Target::None,
    );
}

/// The address of one of those who are imported.
pub(crate) fn email(number: usize) -> String {
    format!("user{number}@example.com")
}

/// A port that nobody has.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// The release build beside this program.
fn program() -> PathBuf {
    let here = std::env::current_exe().unwrap();
    here.parent().unwrap_or(Path::new(".")).join("signet")
}

fn command(folder: &Path, port: u16) -> Command {
    let mut command = Command::new(program());
    // What this program is told isn't for the issuer, which knows every key of its own.
    let told = std::env::vars_os().map(|(name, _)| name);
    for name in told.filter(|name| name.to_string_lossy().starts_with("SIGNET_")) {
        command.env_remove(name);
    }
    command
        .current_dir(folder)
        .env("SIGNET_LISTEN", format!("127.0.0.1:{port}"))
        .env("SIGNET_PUBLIC_URL", format!("http://127.0.0.1:{port}"))
        .env("SIGNET_DATABASE_URL", "sqlite:signet.db")
        .env("SIGNET_LIMITS__SCALE", "1000000")
        .env("SIGNET_LOG__LEVEL", "error")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}

fn request(port: u16, path: &str, token: Option<&str>) -> String {
    let authorization = token.map_or(String::new(), |t| format!("authorization: Bearer {t}\r\n"));
    format!("GET {path} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\n{authorization}\r\n")
}

fn get(port: u16, path: &str, token: Option<&str>) -> Option<String> {
    let request = request(port, path, token);
    exchange(
        port,
        &request.replacen("\r\n", "\r\nconnection: close\r\n", 1),
    )
}

/// One request on a connection of its own; `None` where nobody listens yet.
fn exchange(port: u16, request: &str) -> Option<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    answer.starts_with("HTTP/1.1 200").then_some(answer)
}
