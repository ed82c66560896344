//! The binary, run in a folder of its own with nothing in its environment.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

/// A password that is good enough.
pub(crate) const PASSWORD: &str = "correct horse battery staple";

/// Raises the versions of more accounts, which never were, than a revocation feed can say.
pub(crate) const REVOKE_TOO_MUCH: &str = "
    INSERT INTO raised_versions (account_id, version, seq)
    WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 13000)
    SELECT randomblob(16), 1, 1 FROM numbers;
    UPDATE feed SET seq = seq + 1 WHERE id = 1";

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// A folder to run in, and what the environment says there.
pub(crate) struct Signet {
    folder: Arc<tempfile::TempDir>,
    environment: Vec<(String, String)>,
}

/// What a run said and how it ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// A server that runs until it is dropped.
pub(crate) struct Running {
    child: Child,
    pub(crate) address: SocketAddr,
    log: PathBuf,
    _folder: Arc<tempfile::TempDir>,
}

impl Signet {
    pub(crate) fn new() -> Self {
        Self {
            folder: Arc::new(tempfile::tempdir().unwrap()),
            environment: Vec::new(),
        }
    }

    /// The environment with a variable more.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The same folder and environment, for one more process.
    pub(crate) fn beside(&self) -> Self {
        Self {
            folder: Arc::clone(&self.folder),
            environment: self.environment.clone(),
        }
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The command, ready for more.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_signet"));
        command
            .args(arguments)
            .current_dir(self.folder())
            .env_clear()
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Runs it to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ended {
        self.run_with_input(arguments, b"")
    }

    /// Runs it to its end with something on standard input.
    pub(crate) fn run_with_input(&self, arguments: &[&str], input: &[u8]) -> Ended {
        let mut child = self
            .command(arguments)
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        // It may end without reading.
        let _unread = child.stdin.take().unwrap().write_all(input);
        ended(child.wait_with_output().unwrap())
    }

    /// Starts a server on a free port.
    pub(crate) fn serve(&self) -> Running {
        let address = free_address();
        let listen = address.to_string();
        // A pipe that nobody reads would fill up.
        let log = self.folder().join(format!("{}.log", address.port()));
        let child = self
            .command(&["serve", "--listen", &listen])
            .stdout(File::create(log.with_extension("out")).unwrap())
            .stderr(File::create(&log).unwrap())
            .spawn()
            .unwrap();
        let mut running = Running {
            child,
            address,
            log,
            _folder: Arc::clone(&self.folder),
        };
        let started = Instant::now();
        // Its own word: a connection may be taken by a copy of what looked for a free port, which
        // another test's child holds until it has become its program.
        while !fs::read_to_string(&running.log)
            .unwrap()
            .contains("the issuer is up")
        {
            assert!(running.is_running(), "it ended instead of serving");
            assert!(started.elapsed() < PATIENCE, "it doesn't start");
            std::thread::sleep(Duration::from_millis(5));
        }
        running
    }
}

impl Running {
    /// Sends a signal by its name.
    pub(crate) fn signal(&self, name: &str) {
        let kill = Command::new("kill")
            .args(["-s", name, &self.child.id().to_string()])
            .status();
        assert!(kill.unwrap().success());
    }

    /// Whether it still runs.
    pub(crate) fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Waits for it to end by itself.
    pub(crate) fn ended(mut self) -> Ended {
        let started = Instant::now();
        while self.is_running() {
            assert!(started.elapsed() < PATIENCE, "it doesn't end");
            std::thread::sleep(Duration::from_millis(5));
        }
        Ended {
            code: self.child.wait().unwrap().code().unwrap_or(-1),
            out: fs::read_to_string(self.log.with_extension("out")).unwrap(),
            err: fs::read_to_string(&self.log).unwrap(),
        }
    }

    /// Sends a request as it stands and reads everything that comes back.
    pub(crate) fn exchange(&self, request: &str) -> String {
        let mut stream = self.connect();
        stream.write_all(request.as_bytes()).unwrap();
        read_to_end(&mut stream)
    }

    /// Gets a path, and what comes back with its head.
    pub(crate) fn get(&self, path: &str) -> String {
        get_at(self.address, path)
    }

    /// The status of what an access token opens.
    pub(crate) fn me(&self, access_token: &str) -> u16 {
        status(&self.get_with_token("/v1/me", access_token))
    }

    /// Gets a path with an access token, and what comes back with its head.
    pub(crate) fn get_with_token(&self, path: &str, access_token: &str) -> String {
        let host = self.address;
        self.exchange(&format!(
            "GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\
             authorization: Bearer {access_token}\r\n\r\n"
        ))
    }

    /// Posts a body of a type, with more header lines.
    pub(crate) fn post(&self, path: &str, media_type: &str, more: &str, body: &str) -> String {
        let (host, length) = (self.address, body.len());
        self.exchange(&format!(
            "POST {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\
             content-type: {media_type}\r\ncontent-length: {length}\r\n{more}\r\n{body}"
        ))
    }

    /// Posts JSON.
    pub(crate) fn post_json(&self, path: &str, body: &serde_json::Value) -> String {
        self.post(path, "application/json", "", &body.to_string())
    }

    /// The token of the latest mail of a kind, once it has come.
    pub(crate) fn mailed_token(&self, kind: &str) -> String {
        let started = Instant::now();
        loop {
            let mailbox = json(&self.get("/dev/mailbox.json"));
            let mails = mailbox["messages"].as_array().unwrap();
            if let Some(mail) = mails.iter().find(|mail| mail["kind"] == kind) {
                return mail["token"].as_str().unwrap().to_owned();
            }
            assert!(started.elapsed() < PATIENCE, "no {kind} mail comes");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    pub(crate) fn connect(&self) -> TcpStream {
        connect_to(self.address)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _it_may_have_ended = self.child.kill();
        let _it_may_have_ended = self.child.wait();
        if std::thread::panicking() {
            eprintln!("{}", fs::read_to_string(&self.log).unwrap_or_default());
        }
    }
}

/// An address that nobody has: another one each time, below those that the system hands out to
/// whoever asks for any.
pub(crate) fn free_address() -> SocketAddr {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = 10_000 + u16::try_from(std::process::id() % 200).unwrap() * 100;
    loop {
        let port = first + NEXT.fetch_add(1, Ordering::Relaxed) % 100;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        if TcpListener::bind(address).is_ok() {
            return address;
        }
    }
}

/// What `openssl` makes.
pub(crate) fn openssl(arguments: &[&str], input: &str) -> String {
    let mut child = Command::new("openssl")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(input.as_bytes())
        .unwrap();
    let made = child.wait_with_output().unwrap();
    assert!(made.status.success(), "{arguments:?}");
    String::from_utf8(made.stdout).unwrap()
}

/// Runs SQL on a database; answers the text of the first row, if there is one.
pub(crate) fn run_sql(database: &Path, sql: &'static str) -> Option<String> {
    use sqlx::{ConnectOptions as _, Connection as _, Row as _};
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(database);
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_all().build().unwrap().block_on(async {
        let mut connection = options.connect().await.unwrap();
        let run = sqlx::raw_sql(sql).fetch_optional(&mut connection);
        let first = run.await.unwrap();
        connection.close().await.unwrap();
        first.map(|row| row.get(0))
    })
}

/// Gets a path at an address, and what comes back with its head.
pub(crate) fn get_at(address: SocketAddr, path: &str) -> String {
    let mut stream = connect_to(address);
    let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    read_to_end(&mut stream)
}

fn connect_to(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// Waits until something is so: processes look for other keys once a second.
pub(crate) fn soon(what: &str, mut is_so: impl FnMut() -> bool) {
    let started = Instant::now();
    while !is_so() {
        assert!(started.elapsed() < PATIENCE, "never: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// The body of an answer.
pub(crate) fn body(answer: &str) -> &str {
    answer.split_once("\r\n\r\n").map_or("", |(_, body)| body)
}

/// The JSON in an answer.
pub(crate) fn json(answer: &str) -> serde_json::Value {
    serde_json::from_str(body(answer)).unwrap_or_else(|_| panic!("no JSON: {answer}"))
}

/// The status of an answer.
pub(crate) fn status(answer: &str) -> u16 {
    answer
        .split(' ')
        .nth(1)
        .and_then(|code| code.parse().ok())
        .unwrap_or(0)
}

/// Everything until the other side closes.
pub(crate) fn read_to_end(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    let _reset = stream.read_to_end(&mut answer);
    String::from_utf8(answer).unwrap()
}

fn ended(output: Output) -> Ended {
    Ended {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}
