//! An SMTP server: aiosmtpd, in the Python that `cargo xtask setup` made ready, with certificates of
//! its own. `mail_server.py` says how it can misbehave.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::server::{Server, free_port, installed};

const SCRIPT: &str = include_str!("mail_server.py");

/// Whom it knows, percent-encoded for a URL: a user and a password.
const CREDENTIALS: &str = "signet:hidden%20p%40ss";

/// How a client gets to TLS.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Transport {
    /// By asking for it.
    StartTls,
    /// From the first byte on.
    Implicit,
}

/// A mail server that runs until it is dropped.
#[derive(Debug)]
pub struct MailServer {
    folder: tempfile::TempDir,
    port: u16,
    transport: Transport,
    running: Option<Server>,
}

impl MailServer {
    /// Starts one that takes what it gets.
    #[must_use]
    pub fn start(transport: Transport) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("mail_server.py"), SCRIPT).unwrap();
        fs::create_dir(folder.path().join("mail")).unwrap();
        let mut server = Self {
            folder,
            port: free_port(),
            transport,
            running: None,
        };
        server.misbehave("good");
        server.begin();
        server
    }

    /// Stops it; whoever connects is refused.
    pub fn stop(&mut self) {
        drop(self.running.take());
    }

    /// Starts it again, at the same port, with the mail and the authority it had.
    pub fn begin(&mut self) {
        let python = installed("aiosmtpd", [python()]);
        // What its keeper removes, so that the mail outlives it.
        let run = tempfile::tempdir().unwrap().keep();
        let transport = match self.transport {
            Transport::StartTls => "starttls",
            Transport::Implicit => "implicit",
        };
        let (script, port) = (self.path("mail_server.py"), self.port.to_string());
        let program = [
            text(&python),
            text(&script),
            &port,
            transport,
            text(self.folder.path()),
        ];
        // Python leaves a signal ignored that its keeper ignores.
        let server = Server::start_as_ourselves(&program, &run, "KILL");
        server.wait_for(self.port);
        self.running = Some(server);
    }

    /// Has it behave otherwise from now on.
    pub fn misbehave(&self, mode: &str) {
        let new = self.path("mode.new");
        fs::write(&new, mode).unwrap();
        fs::rename(new, self.path("mode")).unwrap();
    }

    /// Where it is, with the credentials it takes.
    #[must_use]
    pub fn url(&self) -> String {
        let scheme = match self.transport {
            Transport::StartTls => "smtp",
            Transport::Implicit => "smtps",
        };
        format!("{scheme}://{CREDENTIALS}@localhost:{}", self.port)
    }

    /// The authority whose certificates it shows, if it shows good ones.
    #[must_use]
    pub fn authority(&self) -> PathBuf {
        self.path("authority.pem")
    }

    /// Every message it has taken, as it came.
    #[must_use]
    pub fn mails(&self) -> Vec<String> {
        let entries = fs::read_dir(self.path("mail")).unwrap();
        let paths = entries.map(|entry| entry.unwrap().path());
        let mails = paths.filter(|path| path.extension().is_some_and(|kind| kind == "eml"));
        mails
            .map(|path| String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned())
            .collect()
    }

    /// How each connection was met, in order.
    #[must_use]
    pub fn connections(&self) -> Vec<String> {
        let lines = fs::read_to_string(self.path("connections")).unwrap_or_default();
        lines.lines().map(str::to_owned).collect()
    }

    /// Every byte that came to it outside of TLS.
    #[must_use]
    pub fn clear(&self) -> String {
        let bytes = fs::read(self.path("clear")).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Waits until somebody has connected since there were `before` connections.
    pub fn wait_for_a_connection(&self, before: usize) {
        let started = Instant::now();
        while self.connections().len() <= before {
            assert!(started.elapsed() < Duration::from_secs(60), "nobody comes");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

/// Where `cargo xtask setup` puts it.
fn python() -> PathBuf {
    let cache = std::env::var_os("XDG_CACHE_HOME").filter(|cache| !cache.is_empty());
    let cache = cache.map_or_else(
        || PathBuf::from(std::env::var_os("HOME").unwrap_or_default()).join(".cache"),
        PathBuf::from,
    );
    cache.join("signet/python/bin/python")
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}
