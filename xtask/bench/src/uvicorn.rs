//! A service in Python beside Signet: FastAPI in as many workers as there are cores.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::issuer::free_port;
use crate::machine::cores;

/// A service whose workers end with it.
pub(crate) struct Uvicorn {
    process: Child,
    pub(crate) port: u16,
}

impl Uvicorn {
    /// Starts the `service.py` of an area.
    pub(crate) fn start(area: &str, environment: Vec<(&str, String)>) -> Self {
        let place = |name| PathBuf::from(std::env::var_os(name).unwrap());
        let port = free_port();
        let process = Command::new(place("SIGNET_BENCH_PYTHON"))
            .args(["-m", "uvicorn", "service:app", "--log-level", "warning"])
            .args(["--loop", "uvloop", "--http", "httptools"])
            .args(["--workers", &cores().to_string()])
            .args(["--port", &port.to_string()])
            .current_dir(place("SIGNET_BENCH_SERVICES").join(area))
            .envs(environment)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            std::thread::sleep(Duration::from_millis(50));
        }
        // The socket is there before the workers are.
        std::thread::sleep(Duration::from_secs(4));
        Self { process, port }
    }

    /// The number of the process whose children the workers are.
    pub(crate) fn process(&self) -> u32 {
        self.process.id()
    }
}

impl Drop for Uvicorn {
    fn drop(&mut self) {
        // Asked to end, it ends its workers; killed, it would leave them behind.
        let id = self.process.id().to_string();
        let asked = Command::new("kill").arg(id).status();
        assert!(asked.unwrap().success());
        self.process.wait().unwrap();
    }
}
