//! Redis, which keeps nothing on disk.

use std::fs;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use crate::Certificates;
use crate::server::{Server, command, folder, free_port, give, installed, run};

/// Who may do everything.
const ADMIN: &str = "admin";
/// The password of every user.
const PASSWORD: &str = "a password";

/// A server.
#[derive(Debug)]
pub struct Redis {
    server: Option<Server>,
    folder: PathBuf,
    port: u16,
    settings: String,
    is_encrypted: bool,
}

/// The server that all tests of a process share.
#[must_use]
pub fn redis() -> &'static Redis {
    static SHARED: OnceLock<Redis> = OnceLock::new();
    SHARED.get_or_init(Redis::start)
}

impl Redis {
    /// Starts a server of one's own.
    #[must_use]
    pub fn start() -> Self {
        Self::start_with("")
    }

    /// Starts a server with more settings, in the words of `redis.conf`.
    #[must_use]
    pub fn start_with(settings: &str) -> Self {
        Self::start_at(free_port(), settings, false)
    }

    /// Starts a server that speaks TLS and nothing else.
    #[must_use]
    pub fn start_with_tls(certificates: &Certificates) -> Self {
        give(&certificates.key());
        let port = free_port();
        let settings = format!(
            "port 0\ntls-port {port}\ntls-auth-clients no\ntls-cert-file {}\ntls-key-file {}\n\
             tls-ca-cert-file {}\n",
            certificates.certificate().display(),
            certificates.key().display(),
            certificates.authority().display()
        );
        Self::start_at(port, &settings, true)
    }

    /// Starts a replica of this server, which only reads.
    #[must_use]
    pub fn replica(&self) -> Self {
        let replica = Self::start_with(&format!(
            "replicaof 127.0.0.1 {}\nmasteruser {ADMIN}\nmasterauth \"{PASSWORD}\"\n",
            self.port
        ));
        replica.wait_until("it follows", || {
            replica.cli(&["ROLE"]).contains("connected")
        });
        replica
    }

    fn start_at(port: u16, settings: &str, is_encrypted: bool) -> Self {
        let folder = folder("redis");
        let mut server = Self {
            server: None,
            port,
            settings: format!(
                "bind 127.0.0.1\nport {port}\nunixsocket {}\nunixsocketperm 777\nsave \"\"\n\
                 appendonly no\ndir {}\npidfile {}\nuser default off\n\
                 user {ADMIN} on \">{PASSWORD}\" ~* &* +@all\n{settings}",
                folder.join("socket").display(),
                folder.display(),
                folder.join("pid").display()
            ),
            folder,
            is_encrypted,
        };
        server.resume();
        server
    }

    /// Starts it again where it was stopped, as empty as it was at first.
    pub fn resume(&mut self) {
        let program = installed("Redis", ["/usr/bin/redis-server".into()]);
        let file = self.folder.join("settings");
        fs::write(&file, &self.settings).unwrap();
        let words = [program.to_str().unwrap(), file.to_str().unwrap()];
        // One that is frozen hears nothing else, and nothing is lost.
        let server = Server::start(&words, &self.folder, "KILL");
        server.wait_for(self.port);
        self.server = Some(server);
        self.wait_until("it answers", || self.try_cli(&["PING"]));
    }

    /// Stops it as an operator does.
    pub fn stop(&mut self) {
        if let Some(server) = self.server.take() {
            server.stop("TERM");
        }
    }

    /// Stops it as a crash does.
    pub fn crash(&mut self) {
        if let Some(server) = self.server.take() {
            server.stop("KILL");
        }
    }

    /// Has it do nothing, with its connections open, until [`Self::wake`].
    pub fn freeze(&self) {
        self.signal("STOP");
    }

    /// Has it go on.
    pub fn wake(&self) {
        self.signal("CONT");
    }

    fn signal(&self, signal: &str) {
        let process = self.process().to_string();
        run(&mut command(&["kill", "-s", signal, &process]));
    }

    /// The number of its process.
    #[must_use]
    pub fn process(&self) -> u32 {
        let pid = fs::read_to_string(self.folder.join("pid")).unwrap();
        pid.trim().parse().unwrap()
    }

    /// Makes a user with these rights, in the words of `ACL SETUSER`; answers its URL.
    pub fn make_user(&self, name: &str, rights: &str) -> String {
        let password = format!(">{PASSWORD}");
        let mut words = vec!["ACL", "SETUSER", name, "reset", "on", &password];
        words.extend(rights.split_whitespace());
        self.cli(&words);
        self.url_of(name)
    }

    /// The port it listens on.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The URL of the user who may do everything.
    #[must_use]
    pub fn url(&self) -> String {
        self.url_of(ADMIN)
    }

    /// The same, through its socket.
    #[must_use]
    pub fn socket_url(&self) -> String {
        let socket = self.folder.join("socket");
        let password = PASSWORD.replace(' ', "%20");
        format!("unix:{}?user={ADMIN}&password={password}", socket.display())
    }

    /// The URL of the user who may do everything, at the port of whoever stands between.
    #[must_use]
    pub fn url_through(&self, port: u16) -> String {
        url(self.is_encrypted, ADMIN, port)
    }

    fn url_of(&self, user: &str) -> String {
        url(self.is_encrypted, user, self.port)
    }

    /// Runs a command; answers what it printed, an element on each line.
    pub fn cli(&self, words: &[&str]) -> String {
        run(self.client().args(words))
    }

    fn try_cli(&self, words: &[&str]) -> bool {
        let output = self.client().args(words).output();
        output.is_ok_and(|output| output.status.success())
    }

    /// A client at the socket, where nobody looks at certificates.
    fn client(&self) -> std::process::Command {
        let program = installed("Redis", ["/usr/bin/redis-cli".into()]);
        let socket = self.folder.join("socket");
        let words = [program.to_str().unwrap(), "-s", socket.to_str().unwrap()];
        let mut client = command(&words);
        client.args(["-e", "--no-auth-warning", "--user", ADMIN]);
        client.args(["--pass", PASSWORD]);
        client
    }

    fn wait_until(&self, what: &str, holds: impl Fn() -> bool) {
        let started = Instant::now();
        while !holds() {
            let log = || fs::read_to_string(self.folder.join("log")).unwrap_or_default();
            assert!(
                started.elapsed() < Duration::from_secs(60),
                "{what}: {}",
                log()
            );
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

fn url(is_encrypted: bool, user: &str, port: u16) -> String {
    let password = PASSWORD.replace(' ', "%20");
    match is_encrypted {
        // Certificates are of names.
        true => format!("rediss://{user}:{password}@localhost:{port}"),
        false => format!("redis://{user}:{password}@127.0.0.1:{port}"),
    }
}
