//! PostgreSQL, as durable as it is out of the box.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use crate::Certificates;
use crate::server::{Server, as_user, command, folder, free_port, give, installed, run};

/// The role that may do everything.
const SUPERUSER: &str = "postgres";
/// The password of every role.
const PASSWORD: &str = "a password";

/// A server.
#[derive(Debug)]
pub struct Postgres {
    server: Option<Server>,
    folder: PathBuf,
    programs: PathBuf,
    port: u16,
    settings: String,
}

/// A database of its own, which goes with the value.
#[derive(Debug)]
pub struct Database<'a> {
    server: &'a Postgres,
    name: String,
}

/// The server that all tests of a process share.
#[must_use]
pub fn postgres() -> &'static Postgres {
    static SHARED: OnceLock<Postgres> = OnceLock::new();
    SHARED.get_or_init(Postgres::start)
}

impl Postgres {
    /// Starts a server of one's own.
    #[must_use]
    pub fn start() -> Self {
        Self::start_with("")
    }

    /// Starts a server that speaks TLS, and refuses those who don't.
    #[must_use]
    pub fn start_with_tls(certificates: &Certificates) -> Self {
        let settings = format!(
            "ssl = on\nssl_cert_file = '{}'\nssl_key_file = '{}'\n",
            certificates.certificate().display(),
            certificates.key().display()
        );
        give(&certificates.key());
        let server = Self::start_with(&settings);
        let rules = "local all all scram-sha-256\nhostssl all all 127.0.0.1/32 scram-sha-256\n";
        fs::write(server.data().join("pg_hba.conf"), rules).unwrap();
        server.sql(SUPERUSER, "SELECT pg_reload_conf()");
        server
    }

    fn start_with(settings: &str) -> Self {
        let programs = programs();
        let folder = folder("postgres");
        let mut server = Self {
            server: None,
            programs,
            port: free_port(),
            settings: format!(
                "listen_addresses = '127.0.0.1'\nunix_socket_directories = '{}'\n\
                 max_connections = 300\nshared_buffers = 64MB\nlog_timezone = UTC\n{settings}",
                folder.display()
            ),
            folder,
        };
        server.make();
        server.resume();
        server
    }

    fn make(&self) {
        let password = self.folder.join("password");
        fs::write(&password, PASSWORD).unwrap();
        let (initdb, data) = (self.program("initdb"), self.data());
        let (initdb, data) = (initdb.to_str().unwrap(), data.to_str().unwrap());
        let password = format!("--pwfile={}", password.display());
        let words = [
            initdb,
            "--no-sync",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
            "--username=postgres",
            &password,
            "-D",
            data,
        ];
        run(command(&as_user(&words)).current_dir(&self.folder));
    }

    /// Starts it again where it was stopped.
    pub fn resume(&mut self) {
        let settings = format!("port = {}\n{}", self.port, self.settings);
        let file = self.data().join("postgresql.auto.conf");
        fs::write(file, settings).unwrap();
        let (postgres, data) = (self.program("postgres"), self.data());
        let words = [postgres.to_str().unwrap(), "-D", data.to_str().unwrap()];
        let server = Server::start(&words, &self.folder, "QUIT");
        server.wait_for(self.port);
        self.server = Some(server);
        let started = Instant::now();
        while !self.is_ready() {
            assert!(started.elapsed() < Duration::from_secs(60), "not ready");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Stops it as an operator does: connections are cut, and everything is written.
    pub fn stop(&mut self) {
        if let Some(server) = self.server.take() {
            server.stop("INT");
        }
    }

    /// Stops it as a crash does.
    pub fn crash(&mut self) {
        if let Some(server) = self.server.take() {
            server.stop("QUIT");
        }
    }

    /// Starts it again as a standby: it answers, and writes nothing.
    pub fn stand_by(&mut self) {
        self.stop();
        let signal = self.data().join("standby.signal");
        fs::write(&signal, "").unwrap();
        give(&signal);
        self.resume();
    }

    /// Has a standby take its primary's place.
    pub fn promote(&self) {
        self.sql(SUPERUSER, "SELECT pg_promote()");
    }

    fn is_ready(&self) -> bool {
        let ready = self.program("pg_isready");
        let port = self.port.to_string();
        let mut ready = command(&[
            ready.to_str().unwrap(),
            "-q",
            "-h",
            "127.0.0.1",
            "-p",
            &port,
        ]);
        ready.status().is_ok_and(|status| status.success())
    }

    /// The port it listens on.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The password of its roles.
    #[must_use]
    pub fn password(&self) -> &'static str {
        PASSWORD
    }

    /// An empty database.
    #[must_use]
    pub fn database(&self) -> Database<'_> {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let name = format!("test_{}", NEXT.fetch_add(1, Ordering::Relaxed));
        self.sql(SUPERUSER, &format!("CREATE DATABASE {name}"));
        Database { server: self, name }
    }

    /// The URL of a database, for the superuser.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        url(self.port, SUPERUSER, database)
    }

    /// Runs SQL in a database as the superuser; answers the values, a row on each line.
    pub fn sql(&self, database: &str, sql: &str) -> String {
        let psql = self.program("psql");
        let (port, socket) = (self.port.to_string(), self.folder.to_str().unwrap());
        let mut psql = command(&[
            psql.to_str().unwrap(),
            "--no-psqlrc",
            "--quiet",
            "--tuples-only",
            "--no-align",
            "--set=ON_ERROR_STOP=1",
            "--host",
            socket,
            "--port",
            &port,
            "--username",
            SUPERUSER,
            "--dbname",
            database,
            "--command",
            sql,
        ]);
        run(psql.env("PGPASSWORD", PASSWORD))
    }

    fn program(&self, name: &str) -> PathBuf {
        self.programs.join(name)
    }

    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }
}

impl Database<'_> {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its URL, for the superuser.
    #[must_use]
    pub fn url(&self) -> String {
        self.server.url(&self.name)
    }

    /// Its URL, for a role, through whoever listens on a port.
    #[must_use]
    pub fn url_through(&self, port: u16, role: &str) -> String {
        url(port, role, &self.name)
    }

    /// Runs SQL in it as the superuser; answers the values, a row on each line.
    pub fn sql(&self, sql: &str) -> String {
        self.server.sql(&self.name, sql)
    }

    /// The rows of a schema but for one table, as SQL that writes them.
    #[must_use]
    pub fn rows(&self, schema: &str, but: &str) -> String {
        let dump = self.server.program("pg_dump");
        let dumped = run(&mut command(&[
            dump.to_str().unwrap(),
            "--data-only",
            "--column-inserts",
            &format!("--schema={schema}"),
            &format!("--exclude-table={schema}.{but}"),
            &self.url(),
        ]));
        // What is left is the same for each version of the program.
        let is_kept = |line: &&str| {
            line.starts_with("INSERT") || line.starts_with("SELECT pg_catalog.setval")
        };
        let lines: Vec<&str> = dumped.lines().filter(is_kept).collect();
        lines.join("\n") + "\n"
    }

    /// Makes a role that may log in, and nothing else.
    pub fn make_role(&self, name: &str) {
        self.sql(&format!("CREATE ROLE {name} LOGIN PASSWORD '{PASSWORD}'"));
    }
}

impl Drop for Database<'_> {
    fn drop(&mut self) {
        // A test may have stopped its server, and a server goes with its databases.
        if self.server.server.is_some() && !std::thread::panicking() {
            let drop = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
            self.server.sql(SUPERUSER, &drop);
        }
    }
}

fn url(port: u16, role: &str, database: &str) -> String {
    let password = PASSWORD.replace(' ', "%20");
    format!("postgres://{role}:{password}@127.0.0.1:{port}/{database}")
}

/// Debian keeps the programs of each version in a folder of its own; the newest counts.
fn programs() -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let mut folders: Vec<PathBuf> = versions
        .filter_map(Result::ok)
        .map(|version| version.path().join("bin"))
        .filter(|folder| folder.join("initdb").exists())
        .collect();
    folders.sort_by_key(|folder| version(folder));
    installed("PostgreSQL", folders.pop())
}

fn version(folder: &Path) -> u32 {
    let version = folder.parent().and_then(Path::file_name);
    let version = version.and_then(|name| name.to_str()?.parse().ok());
    version.unwrap_or(0)
}
