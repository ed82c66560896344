//! Where the components are that tests and proofs use. [`crate::setup`] puts them there.

use std::path::PathBuf;
use std::process::Command;

use crate::process::{Done, Failure, cargo, root, run};

/// The cache that outlives a checkout.
pub(crate) fn cache() -> Done<PathBuf> {
    let base = match (std::env::var_os("XDG_CACHE_HOME"), std::env::var_os("HOME")) {
        (Some(cache), _) if !cache.is_empty() => PathBuf::from(cache),
        (_, Some(home)) => PathBuf::from(home).join(".cache"),
        (_, None) => return Err(Failure::new("neither XDG_CACHE_HOME nor HOME is set")),
    };
    Ok(base.join("signet"))
}

/// The folder whose `node_modules` holds the packages of `interop/package.json`.
pub(crate) fn npm() -> Done<PathBuf> {
    Ok(cache()?.join("npm"))
}

/// The Python with the packages of `interop/requirements.txt`.
pub(crate) fn python() -> Done<PathBuf> {
    Ok(cache()?.join("python/bin/python"))
}

/// The Node.js that comes with the Python packages.
pub(crate) fn node() -> Done<PathBuf> {
    Ok(cache()?.join("python/bin/node"))
}

/// What cargo does to all crates, but those that only `bench` needs, or that only run as WebAssembly.
pub(crate) fn for_workspace(verb: &str) -> Command {
    let mut command = cargo(&[verb, "--quiet", "--workspace"]);
    for package in ["bench", "proxy", "wasm", "worker"] {
        command.arg("--exclude").arg(format!("signet-{package}"));
    }
    command
}

/// Builds every program of the workspace, the way the tests build them.
pub(crate) fn build_programs() -> Done {
    run(for_workspace("build").arg("--bins"))
}

/// A program that [`build_programs`] has built.
pub(crate) fn program(name: &str) -> PathBuf {
    target_folder().join("debug").join(name)
}

/// Where cargo puts what it builds.
pub(crate) fn target_folder() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR");
    target.map_or_else(|| root().join("target"), PathBuf::from)
}

/// The Envoy that comes with the Python packages.
pub(crate) fn envoy() -> Done<PathBuf> {
    Ok(cache()?.join("python/bin/envoy"))
}

/// The workerd that comes with the npm packages.
pub(crate) fn workerd() -> Done<PathBuf> {
    let packages = npm()?.join("node_modules/@cloudflare");
    let name = match std::env::consts::ARCH {
        "aarch64" => "workerd-linux-arm64",
        _ => "workerd-linux-64",
    };
    Ok(packages.join(name).join("bin/workerd"))
}

/// The server of Debian's package `nginx-light`.
pub(crate) const NGINX: &str = "/usr/sbin/nginx";

/// Where Debian keeps the programs of each version of its package `postgresql`.
pub(crate) const POSTGRES: &str = "/usr/lib/postgresql";

/// The pooler of Debian's package `pgbouncer`.
pub(crate) const PGBOUNCER: &str = "/usr/sbin/pgbouncer";

/// The browser of Debian's package `chromium`.
pub(crate) const CHROMIUM: &str = "/usr/bin/chromium";
