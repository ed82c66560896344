//! The targets that aren't this machine: one without a standard library, to prove that a crate needs
//! none, and WebAssembly.
//!
//! rustup downloads them in a second where it can. Where it can't, `targets.sh` builds their
//! libraries from the sources of Debian's rustc, once, into the cache.

use std::path::PathBuf;

use super::{is_stamped, stamp};
use crate::components::cache;
use crate::process::{Done, Failure, cargo, command, root, run, run_quietly, say};

const WITHOUT_STD: &str = "thumbv7em-none-eabihf";
const WASM: &str = "wasm32-unknown-unknown";
/// Names how they are built here; raised when `targets.sh` changes, so that caches follow.
const RECIPE: &str = "recipe 2, thumbv7em-none-eabihf, wasm32-unknown-unknown";
/// How many seconds rustup may take to download them.
const PATIENCE: &str = "120";

/// Which compiler has the targets.
enum Compiler {
    /// The one that runs everything else.
    Rustup,
    /// Debian's, unpacked in the cache.
    Debian(PathBuf),
}

/// Makes the targets available.
pub(super) fn prepare() -> Done {
    find().map(drop)
}

/// Builds a crate for the target without a standard library.
pub(crate) fn build_without_std(package: &str) -> Done {
    for features in [&[][..], &["--no-default-features"]] {
        let mut build = cargo(&["build", "--quiet", "-p", package, "--target", WITHOUT_STD]);
        if let Compiler::Debian(toolchain) = find()? {
            build
                .env("RUSTC", toolchain.join("bin/rustc"))
                .env_remove("RUSTUP_TOOLCHAIN");
        }
        run(build.args(features))?;
    }
    Ok(())
}

/// The compiler for WebAssembly, if it isn't the one that runs everything else.
pub(crate) fn wasm_compiler() -> Done<Option<PathBuf>> {
    Ok(match find()? {
        Compiler::Rustup => None,
        Compiler::Debian(toolchain) => Some(toolchain.join("bin/rustc")),
    })
}

fn find() -> Done<Compiler> {
    if rustup_has_them() {
        return Ok(Compiler::Rustup);
    }
    let toolchain = cache()?.join("targets");
    if !is_stamped(&toolchain, RECIPE) {
        say(format!("getting {WITHOUT_STD} and {WASM}"));
        let mut add = command("timeout");
        let _may_fail =
            run_quietly(add.args([PATIENCE, "rustup", "target", "add", WITHOUT_STD, WASM]));
        if rustup_has_them() {
            return Ok(Compiler::Rustup);
        }
        say("rustup can't download them here; building them from Debian's sources");
        let script = root().join("xtask/targets.sh");
        let mut build = command("bash");
        run(build.arg(script).arg(&toolchain).args([WITHOUT_STD, WASM])).map_err(|failure| {
            Failure::new(format!(
                "{failure}\nno compiler for {WITHOUT_STD} and {WASM}: \
                 `rustup target add {WITHOUT_STD} {WASM}` would be enough"
            ))
        })?;
        stamp(&toolchain, RECIPE)?;
    }
    Ok(Compiler::Debian(toolchain))
}

fn rustup_has_them() -> bool {
    has(WITHOUT_STD, "libcore-") && has(WASM, "libstd-")
}

fn has(target: &str, library: &str) -> bool {
    let mut ask = command("rustc");
    ask.args(["--print", "target-libdir", "--target", target]);
    let Ok(folder) = run_quietly(&mut ask) else {
        return false;
    };
    let Ok(entries) = std::fs::read_dir(folder.trim()) else {
        return false;
    };
    entries
        .flatten()
        .any(|entry| entry.file_name().to_string_lossy().starts_with(library))
}
