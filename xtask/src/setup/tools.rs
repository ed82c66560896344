//! Programs that come as crates: built once into the cache, in exactly one version.

use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;

use super::{is_stamped, stamp};
use crate::components::cache;
use crate::process::{Done, cargo, run_quietly, say, with_retries};

/// What builds Wasm. `wasm-bindgen` has to be of the version of the library, which Cargo.toml pins;
/// `worker-build` goes with the library `worker` of the same minor version.
pub(crate) const WASM_TOOLS: &[(&str, &str)] = &[
    ("wasm-bindgen-cli", "0.2.130"),
    ("wasm-pack", "0.15.1"),
    ("worker-build", "0.8.7"),
];

/// They run for seconds: built quickly is better than built fast.
const PROFILE: &[(&str, &str)] = &[
    ("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16"),
    ("CARGO_PROFILE_RELEASE_DEBUG", "none"),
    ("CARGO_PROFILE_RELEASE_LTO", "off"),
    ("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1"),
];

/// The folder with the programs of a crate, which are built into the cache if they aren't there.
pub(crate) fn tool(name: &str, version: &str) -> Done<PathBuf> {
    let folder = cache()?.join("tools").join(name);
    if !is_stamped(&folder, version) {
        say(format!("installing {name} (some minutes)"));
        with_retries(&format!("cargo install {name}"), || {
            // A mirror may not have what the crate's own lock file names.
            install(name, version, &["--locked"]).or_else(|_| install(name, version, &[]))
        })?;
        stamp(&folder, version)?;
    }
    Ok(folder.join("bin"))
}

/// Removes what was left of building.
pub(super) fn clean_up() -> Done {
    match fs::remove_dir_all(building()?) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error.into()),
        _ => Ok(()),
    }
}

/// Where all are built: they have many crates in common.
fn building() -> Done<PathBuf> {
    Ok(cache()?.join("building"))
}

fn install(name: &str, version: &str, more: &[&str]) -> Done {
    let mut install = cargo(&["install", "--quiet", "--force", "--version", version, name]);
    install
        .args(more)
        .arg("--root")
        .arg(cache()?.join("tools").join(name))
        .env("CARGO_TARGET_DIR", building()?)
        .envs(PROFILE.iter().copied());
    run_quietly(&mut install).map(drop)
}
