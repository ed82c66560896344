//! FastAPI with passlib, under the same load. It has no floor under its answers, no database, no
//! limits, and turns nobody away.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::json;

use super::arrivals::Target as Address;
use super::signet::{get, post};
use super::{COST, OVERLOAD, PASSWORD, PEOPLE, cores, measure, tell};
use crate::issuer::free_port;
use crate::report::{Report, Target};

/// A service whose workers end with it.
struct Service(Child);

impl Service {
    fn start(port: u16) -> Self {
        let place = |name| PathBuf::from(std::env::var_os(name).unwrap());
        let service = Command::new(place("SIGNET_BENCH_PYTHON"))
            .args(["-m", "uvicorn", "service:app", "--log-level", "warning"])
            .args(["--workers", &cores().to_string()])
            .args(["--port", &port.to_string()])
            .current_dir(place("SIGNET_BENCH_FASTAPI"))
            .env("BCRYPT_COST", COST.to_string())
            .env("PASSWORD", PASSWORD)
            .env("USERS", PEOPLE.to_string())
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
        Self(service)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // Asked to end, it ends its workers; killed, it would leave them behind.
        let asked = Command::new("kill").arg(self.0.id().to_string()).status();
        assert!(asked.unwrap().success());
        self.0.wait().unwrap();
    }
}

pub(super) async fn run(capacity: f64, time: Duration, report: &mut Report) {
    let port = free_port();
    let _service = Service::start(port);
    let logins = move || {
        Address::new(port, move |number| {
            let email = format!("user{}@example.com", number % PEOPLE);
            let body = json!({ "email": email, "password": PASSWORD });
            Some(post(port, "/login", &body))
        })
    };
    let keys = Address::new(port, move |_| Some(get(port, "/keys")));
    let mut probes = [("a constant", keys)];
    for (name, load) in [("idle", 0.0), ("1×", 1.0), ("10×", OVERLOAD)] {
        let measured = measure(logins(), load * capacity, time, &mut probes, || 0.0).await;
        tell(report, name, &measured);
        if load > 0.0 {
            report.figure(
                &format!("{name}: goodput, of cores ÷ one hash"),
                measured.goodput / capacity,
                "",
                Target::None,
            );
        }
    }
}
