//! Envoy in a process of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::components::envoy;
use crate::process::{Background, Done, Failure, command, free_port, listens, root, run_quietly};

/// How many threads it has.
const THREADS: &str = "3";

/// An Envoy. It ends with this value.
pub(crate) struct Proxy {
    port: u16,
    admin: u16,
    log: PathBuf,
    process: Background,
}

impl Proxy {
    /// Starts one from the shipped configuration.
    pub(crate) fn start(
        folder: &Path,
        filter: &Path,
        policy: &str,
        service: u16,
        issuer: u16,
    ) -> Done<Self> {
        let (port, admin) = (free_port()?, free_port()?);
        let text = with_filter(&shipped()?, filter)?;
        let text = text.split_once("      transport_socket: # issuer over TLS");
        let (text, _) = text.ok_or_else(|| Failure::new("the issuer has no TLS"))?;
        let (before, rest) = text
            .split_once("\"policy\": ")
            .ok_or_else(|| Failure::new("there is no policy"))?;
        let (_, after) = rest.split_once('\n').unwrap_or_default();
        let mut text = format!("{before}\"policy\": {policy}\n{after}");
        for (shipped, here) in [
            ("127.0.0.1, port_value: 9901", admin),
            ("0.0.0.0, port_value: 8080", port),
            ("service.internal, port_value: 8081", service),
            ("auth.example.com, port_value: 443", issuer),
        ] {
            text = replaced(&text, shipped, &format!("127.0.0.1, port_value: {here}"))?;
        }
        Self::run(folder, &text, port, admin)
    }

    /// Starts one with Envoy's own filter for tokens.
    pub(super) fn with_jwt_authn(
        folder: &Path,
        issuer_url: &str,
        service: u16,
        issuer: u16,
    ) -> Done<Self> {
        let (port, admin) = (free_port()?, free_port()?);
        let text = fs::read_to_string(root().join("xtask/envoy/jwt_authn.yaml"))?
            .replace("ISSUER_URL", issuer_url)
            .replace("ISSUER_PORT", &issuer.to_string())
            .replace("SERVICE_PORT", &service.to_string())
            .replace("ADMIN_PORT", &admin.to_string())
            .replace("PORT", &port.to_string());
        Self::run(folder, &text, port, admin)
    }

    fn run(folder: &Path, configuration: &str, port: u16, admin: u16) -> Done<Self> {
        let file = folder.join("envoy.yaml");
        fs::write(&file, configuration)?;
        let mut serve = command(envoy()?);
        serve
            .arg("--config-path")
            .arg(&file)
            .args(["--use-dynamic-base-id", "--concurrency", THREADS])
            .args(["--log-level", "warning"])
            .args(["--file-flush-interval-msec", "100"]);
        let log = folder.join("envoy.log");
        let mut process = Background::start("Envoy", &serve, &log)?;
        process.wait_until(|| listens(port))?;
        Ok(Self {
            port,
            admin,
            log,
            process,
        })
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// All that it has written so far.
    pub(super) fn log(&self) -> Done<String> {
        // What is buffered is written after a tenth of a second.
        std::thread::sleep(Duration::from_millis(500));
        Ok(String::from_utf8_lossy(&fs::read(&self.log)?).into_owned())
    }

    /// One of its counters; 0 before it has counted.
    pub(super) fn count(&self, name: &str) -> Done<u64> {
        let url = format!("http://127.0.0.1:{}/stats", self.admin);
        let mut curl = command("curl");
        let stats = run_quietly(curl.args(["--silent", "--fail", &url]))?;
        let lines = stats.lines().filter_map(|line| line.split_once(": "));
        let count = lines.filter(|(counter, _)| *counter == name);
        Ok(count
            .map(|(_, count)| count.parse())
            .next()
            .unwrap_or(Ok(0))?)
    }

    /// Whether it still runs, and no virtual machine of it has ended.
    pub(super) fn is_well(&mut self) -> Done<bool> {
        self.process.wait_until(|| true)?;
        Ok(self.count("wasm.signet.vm_reload")? == 0)
    }
}

/// The configuration that is shipped.
pub(super) fn shipped() -> Done<String> {
    Ok(fs::read_to_string(root().join("deploy/envoy/envoy.yaml"))?)
}

/// The same with the filter where it has been built.
pub(super) fn with_filter(text: &str, filter: &Path) -> Done<String> {
    let here = filter.display().to_string();
    replaced(text, "/etc/envoy/signet_proxy.wasm", &here)
}

/// The text with something else in one place, which must be there.
pub(super) fn replaced(text: &str, what: &str, with: &str) -> Done<String> {
    match text.matches(what).count() {
        1 => Ok(text.replace(what, with)),
        count => Err(Failure::new(format!("{what:?} stands there {count} times"))),
    }
}

/// Has Envoy read a configuration, the filter's with it, and end.
pub(super) fn validate(file: &Path) -> Done<String> {
    let mut validate = command(envoy()?);
    validate
        .args(["--mode", "validate", "--use-dynamic-base-id"])
        .args(["--log-level", "warning", "--config-path"]);
    run_quietly(validate.arg(file))
}
