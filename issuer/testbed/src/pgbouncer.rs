//! PgBouncer: between two transactions, a connection of a client holds none of the server.

use std::fs;
use std::path::PathBuf;

use crate::server::{Server, folder, free_port, give, installed};
use crate::{Certificates, Postgres};

/// A transaction pooler.
#[derive(Debug)]
pub struct PgBouncer {
    server: Option<Server>,
    folder: PathBuf,
    port: u16,
}

/// How a pooler differs from a plain one.
#[derive(Clone, Copy, Debug)]
pub struct Pooling<'a> {
    /// How many connections it has to the server, for each database and role.
    pub connections: u32,
    /// The role that comes through it.
    pub role: &'a str,
    /// What it shows its clients; without, it speaks no TLS.
    pub certificates: Option<&'a Certificates>,
}

impl Default for Pooling<'_> {
    fn default() -> Self {
        Self {
            connections: 3,
            role: "postgres",
            certificates: None,
        }
    }
}

impl PgBouncer {
    /// Starts one before a server.
    #[must_use]
    pub fn start(postgres: &Postgres, pooling: Pooling<'_>) -> Self {
        let folder = folder("pgbouncer");
        let port = free_port();
        let users = folder.join("users");
        let (role, password) = (pooling.role, postgres.password());
        fs::write(&users, format!("\"{role}\" \"{password}\"\n")).unwrap();
        let tls = pooling.certificates.map_or_else(String::new, |made| {
            give(&made.key());
            format!(
                "client_tls_sslmode = require\nclient_tls_cert_file = {}\n\
                 client_tls_key_file = {}\nserver_tls_sslmode = require\n",
                made.certificate().display(),
                made.key().display()
            )
        });
        let settings = format!(
            "[databases]\n* = host=127.0.0.1 port={}\n\n[pgbouncer]\n\
             listen_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n\
             auth_type = scram-sha-256\nauth_file = {}\npool_mode = transaction\n\
             default_pool_size = {}\nmax_client_conn = 1000\nserver_login_retry = 1\n{tls}",
            postgres.port(),
            users.display(),
            pooling.connections
        );
        fs::write(folder.join("settings.ini"), settings).unwrap();
        let mut pooler = Self {
            server: None,
            folder,
            port,
        };
        pooler.resume();
        pooler
    }

    /// Starts it again where it was stopped.
    pub fn resume(&mut self) {
        let program = installed("PgBouncer", ["/usr/sbin/pgbouncer".into()]);
        let settings = self.folder.join("settings.ini");
        let words = [program.to_str().unwrap(), settings.to_str().unwrap()];
        let server = Server::start(&words, &self.folder, "TERM");
        server.wait_for(self.port);
        self.server = Some(server);
    }

    /// Stops it at once.
    pub fn stop(&mut self) {
        if let Some(server) = self.server.take() {
            server.stop("TERM");
        }
    }

    /// The port it listens on.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }
}
