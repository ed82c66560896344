//! A target that has no standard library, to prove that a crate needs none.
//!
//! rustup downloads it in a second where it can. Where it can't, `bare-target.sh` builds `core`
//! and `alloc` from the sources of Debian's rustc, once, into the cache.

use std::path::PathBuf;

use super::{is_stamped, stamp};
use crate::components::cache;
use crate::process::{Done, Failure, cargo, command, root, run, run_quietly, say};

const TARGET: &str = "thumbv7em-none-eabihf";
/// Names how the target is built here; raised when `bare-target.sh` changes, so that caches follow.
const RECIPE: &str = "recipe 1, thumbv7em-none-eabihf";
/// How many seconds rustup may take to download it.
const PATIENCE: &str = "60";

/// Which compiler has the target.
enum Compiler {
    /// The one that runs everything else.
    Rustup,
    /// Debian's, unpacked in the cache.
    Debian(PathBuf),
}

/// Makes the target available.
pub(super) fn prepare() -> Done {
    find().map(drop)
}

/// Builds a crate for the target.
pub(crate) fn build_without_std(package: &str) -> Done {
    for features in [&[][..], &["--no-default-features"]] {
        let mut build = cargo(&["build", "--quiet", "-p", package, "--target", TARGET]);
        if let Compiler::Debian(toolchain) = find()? {
            build
                .env("RUSTC", toolchain.join("bin/rustc"))
                .env_remove("RUSTUP_TOOLCHAIN");
        }
        run(build.args(features))?;
    }
    Ok(())
}

fn find() -> Done<Compiler> {
    if rustup_has_it() {
        return Ok(Compiler::Rustup);
    }
    let toolchain = cache()?.join("bare-target");
    if !is_stamped(&toolchain, RECIPE) {
        say(format!("getting {TARGET}"));
        let mut add = command("timeout");
        let _may_fail = run_quietly(add.args([PATIENCE, "rustup", "target", "add", TARGET]));
        if rustup_has_it() {
            return Ok(Compiler::Rustup);
        }
        say("rustup can't download it here; building it from Debian's sources");
        let script = root().join("xtask/bare-target.sh");
        let mut build = command("bash");
        run(build.arg(script).arg(&toolchain).arg(TARGET)).map_err(|failure| {
            Failure::new(format!(
                "{failure}\nno compiler for {TARGET}: `rustup target add {TARGET}` would be enough"
            ))
        })?;
        stamp(&toolchain, RECIPE)?;
    }
    Ok(Compiler::Debian(toolchain))
}

fn rustup_has_it() -> bool {
    let mut ask = command("rustc");
    ask.args(["--print", "target-libdir", "--target", TARGET]);
    let Ok(folder) = run_quietly(&mut ask) else {
        return false;
    };
    let Ok(entries) = std::fs::read_dir(folder.trim()) else {
        return false;
    };
    entries
        .flatten()
        .any(|entry| entry.file_name().to_string_lossy().starts_with("libcore-"))
}
