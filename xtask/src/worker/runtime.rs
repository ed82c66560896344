//! workerd with the built Worker in it.

use std::fmt::Write as _;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use serde_json::Value;

use crate::components::{program, workerd};
use crate::process::{Background, Done, command, free_ports, listens, root, run_quietly};

/// The day whose behaviour of the runtime is asked for; the same as in `deploy/worker/wrangler.toml`.
const COMPATIBILITY_DATE: &str = "2026-04-01";

/// A Worker as it is configured.
#[derive(Clone, Debug)]
pub(crate) struct World<'a> {
    /// The policy, as `signet policy compile` prints it.
    pub(crate) policy: &'a str,
    pub(crate) leeway: u64,
    /// Where its keys and its feed are.
    pub(crate) issuer_url: &'a str,
    pub(crate) origin: Origin,
}

/// How a Worker is told of its origin.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Origin {
    /// By `SIGNET_ORIGIN`.
    Url(SocketAddr),
    /// As a service that is bound.
    Bound(SocketAddr),
}

/// Starts one workerd with all these Workers, each on a port of its own, under the clock in
/// `clock_file` (`xtask/worker/harness.mjs` says how it is written).
pub(crate) fn start(
    folder: &Path,
    built: &Path,
    worlds: &[World<'_>],
    clock_file: &Path,
) -> Done<(Background, Vec<u16>)> {
    let ports = free_ports(worlds.len())?;
    let mut parts = Parts::default();
    for (number, (world, port)) in worlds.iter().zip(&ports).enumerate() {
        let policy = folder.join(format!("policy-{number}.json"));
        fs::write(&policy, world.policy)?;
        parts.add(number, *port, &policy, world)?;
    }
    let file = folder.join("workerd.capnp");
    let clock = clock_file.parent().unwrap_or(folder);
    fs::write(&file, parts.config(built, clock))?;
    let mut serve = command(workerd()?);
    serve.args(["serve", "--import-path=/"]).arg(&file);
    let mut process = Background::start("workerd", &serve, &folder.join("workerd.log"))?;
    process.wait_until(|| ports.iter().all(|port| listens(*port)))?;
    Ok((process, ports))
}

/// The parts of a configuration that there are once for each Worker.
#[derive(Debug, Default)]
struct Parts {
    services: String,
    sockets: String,
    workers: String,
}

impl Parts {
    fn add(&mut self, number: usize, port: u16, policy: &Path, world: &World<'_>) -> Done {
        let origin = match world.origin {
            Origin::Url(address) => {
                format!("(name = \"SIGNET_ORIGIN\", text = \"http://{address}\")")
            }
            Origin::Bound(address) => {
                writeln!(
                    self.services,
                    "    (name = \"origin{number}\", external = (address = \"{address}\", http = ())),"
                )?;
                format!("(name = \"ORIGIN\", service = \"origin{number}\")")
            }
        };
        writeln!(
            self.services,
            "    (name = \"gate{number}\", worker = .gate{number}),"
        )?;
        writeln!(
            self.sockets,
            "    (name = \"gate{number}\", address = \"127.0.0.1:{port}\", http = (), service = \"gate{number}\"),"
        )?;
        writeln!(
            self.workers,
            "const gate{number} :Workerd.Worker = (
  modules = .modules,
  compatibilityDate = \"{COMPATIBILITY_DATE}\",
  bindings = [
    (name = \"SIGNET_POLICY\", text = embed {policy}),
    (name = \"SIGNET_ISSUER_URL\", text = \"{issuer}\"),
    (name = \"SIGNET_LEEWAY\", text = \"{leeway}\"),
    (name = \"CLOCK\", service = \"clock\"),
    {origin},
  ],
);",
            policy = quoted(policy),
            issuer = world.issuer_url,
            leeway = world.leeway,
        )?;
        Ok(())
    }

    fn config(&self, built: &Path, clock: &Path) -> String {
        let Self {
            services,
            sockets,
            workers,
        } = self;
        format!(
            "using Workerd = import \"/workerd/workerd.capnp\";
const config :Workerd.Config = (
  services = [
    (name = \"internet\", network = (allow = [\"public\", \"private\", \"local\"])),
    (name = \"clock\", disk = (path = {clock})),
{services}  ],
  sockets = [
{sockets}  ],
);
const modules :List(Workerd.Worker.Module) = [
  (name = \"harness.mjs\", esModule = embed {harness}),
  (name = \"gate/index.js\", esModule = embed {glue}),
  (name = \"gate/index_bg.wasm\", wasm = embed {module}),
];
{workers}",
            clock = quoted(clock),
            harness = quoted(&root().join("xtask/worker/harness.mjs")),
            glue = quoted(&built.join("index.js")),
            module = quoted(&built.join("index_bg.wasm")),
        )
    }
}

/// What `signet policy compile` makes of a policy.
pub(crate) fn compiled(folder: &Path, toml: &str) -> Done<String> {
    let file = folder.join("policy.toml");
    fs::write(&file, toml)?;
    let mut compile = command(program("signet"));
    let json = run_quietly(compile.args(["policy", "compile"]).arg(&file))?;
    Ok(json.trim_end().to_owned())
}

/// A path as capnp reads it.
fn quoted(path: &Path) -> Value {
    Value::from(path.to_string_lossy())
}
