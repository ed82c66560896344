//! PocketBase, whose `auth-refresh` answers the account and a new token for one that is good, and writes
//! nothing. The token says when it ends, to the second, and is otherwise the same: two of one second
//! are equal.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::clients::{Dialect, log_in};
use super::{CONNECTIONS, Service};
use crate::issuer::{PASSWORD, email, free_port};
use crate::request::{ask, post, send};

/// What it is told beyond its defaults, which log every request into a database.
pub(super) const SETTINGS: &str = "keep no log of requests; limit nobody (its default)";

/// Who may do everything.
const ADMIN: &str = "root@example.com";

const DIALECT: Dialect = Dialect {
    login: |port, number| log_in_to(port, "users", &email(number)),
    refresh: |port, token| {
        let path = "/api/collections/users/auth-refresh";
        send(port, "POST", path, token, &json!({}))
    },
    rotates: false,
};

/// The program in a folder of its own.
struct PocketBase {
    process: Child,
    port: u16,
    _folder: TempDir,
}

impl PocketBase {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let python = PathBuf::from(std::env::var_os("SIGNET_BENCH_PYTHON").unwrap());
        let command = || {
            let mut command = Command::new(python.with_file_name("pocketbase"));
            command
                .current_dir(folder.path())
                .arg("--dir")
                .arg(folder.path().join("data"))
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null());
            command
        };
        let mut admin = command();
        let admin = admin.args(["superuser", "upsert", ADMIN, PASSWORD]);
        assert!(admin.status().unwrap().success());
        let port = free_port();
        let process = command()
            .args(["serve", "--http", &format!("127.0.0.1:{port}")])
            .spawn()
            .unwrap();
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            std::thread::sleep(Duration::from_millis(20));
        }
        Self {
            process,
            port,
            _folder: folder,
        }
    }

    /// Settings, and people with passwords.
    async fn prepare(&self) {
        let port = self.port;
        let answer = ask(port, &log_in_to(port, "_superusers", ADMIN)).await;
        let answer: Value = serde_json::from_str(&answer).unwrap();
        let admin = answer["token"].as_str().unwrap();
        let settings = json!({ "logs": { "maxDays": 0 }, "rateLimits": { "enabled": false } });
        ask(
            port,
            &send(port, "PATCH", "/api/settings", admin, &settings),
        )
        .await;
        for number in 0..CONNECTIONS {
            let person = json!({
                "email": email(number),
                "verified": true,
                "password": PASSWORD,
                "passwordConfirm": PASSWORD,
            });
            let path = "/api/collections/users/records";
            ask(port, &send(port, "POST", path, admin, &person)).await;
        }
    }
}

impl Drop for PocketBase {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

pub(super) async fn start() -> Service {
    let pocketbase = PocketBase::start();
    pocketbase.prepare().await;
    Service {
        name: "PocketBase",
        port: pocketbase.port,
        processes: vec![pocketbase.process.id()],
        dialect: DIALECT,
        tokens: log_in(pocketbase.port, &DIALECT).await,
        _running: Box::new(pocketbase),
    }
}

fn log_in_to(port: u16, collection: &str, email: &str) -> String {
    let body = json!({ "identity": email, "password": PASSWORD });
    let path = format!("/api/collections/{collection}/auth-with-password");
    post(port, &path, &body)
}
