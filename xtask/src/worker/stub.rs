//! The issuer of `xtask/worker/stub-issuer.mjs`, and the clock that it has in common with the Worker.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::wire;
use crate::components::node;
use crate::process::{Background, Done, Failure, command, free_port, listens, root};

/// An issuer that does what it is told. It ends with this value.
pub(crate) struct Stub {
    port: u16,
    clock: PathBuf,
    _process: Background,
}

impl Stub {
    /// Starts it, with a clock that shows the machine's time.
    pub(crate) fn start(folder: &Path) -> Done<Self> {
        let port = free_port()?;
        let mut serve = command(node()?);
        serve
            .arg(root().join("xtask/worker/stub-issuer.mjs"))
            .arg(port.to_string());
        let log = folder.join("stub.log");
        let mut process = Background::start("the stub issuer", &serve, &log)?;
        process.wait_until(|| listens(port))?;
        let clock_folder = folder.join("clock");
        fs::create_dir_all(&clock_folder)?;
        let stub = Self {
            port,
            clock: clock_folder.join("clock"),
            _process: process,
        };
        stub.go_ahead(0)?;
        Ok(stub)
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Where it listens, as an origin too: it tells whoever opens a WebSocket who that is.
    pub(crate) fn address(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.port))
    }

    /// The file with the time.
    pub(crate) fn clock(&self) -> &Path {
        &self.clock
    }

    /// Sets both clocks so many seconds ahead of the machine's.
    pub(crate) fn go_ahead(&self, seconds: u64) -> Done {
        fs::write(&self.clock, format!("+{seconds}"))?;
        self.control(&json!({ "ahead": seconds }))
    }

    /// Changes how it behaves.
    pub(crate) fn control(&self, change: &Value) -> Done {
        self.post("/control", change).map(drop)
    }

    /// A token with these claims beside the usual ones, as the value of `Authorization`.
    pub(crate) fn bearer(&self, claims: &Value) -> Done<String> {
        let answer = self.post("/sign", claims)?;
        let token = answer.get("token").and_then(Value::as_str);
        let token = token.ok_or_else(|| Failure::new("the stub signs nothing"))?;
        Ok(format!("Authorization: Bearer {token}"))
    }

    /// How often keys and feed were asked for.
    pub(crate) fn counts(&self) -> Done<(u64, u64)> {
        let answer = wire::get(self.port, "/counts", &[])?;
        let answer: Value = serde_json::from_slice(&answer.body)?;
        let count = |name| answer.get(name).and_then(Value::as_u64).unwrap_or(0);
        Ok((count("keys"), count("feed")))
    }

    fn post(&self, path: &str, body: &Value) -> Done<Value> {
        let body = body.to_string();
        let length = format!("Content-Length: {}", body.len());
        let mut request = wire::head("POST", path, &[&length]);
        request.extend_from_slice(body.as_bytes());
        Ok(serde_json::from_slice(
            &wire::exchange(self.port, &request)?.body,
        )?)
    }
}
