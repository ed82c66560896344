//! What is built for WebAssembly: the npm package, the Worker, the filter.
//!
//! The paths of this machine don't get into what is built: panics would tell them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::components::{node, npm, target_folder};
use crate::process::{Done, cargo, command, root, run, run_quietly, say};
use crate::setup::{WASM_TOOLS, tool, wasm_compiler};
use crate::traces;

const TARGET: &str = "wasm32-unknown-unknown";
const PROFILE: &str = "wasm";

/// What modules use beyond the first version of WebAssembly, by Rust's defaults for the target. They
/// are stripped of the section that would say so.
const WASM_FEATURES: &[&str] = &[
    "--enable-bulk-memory",
    "--enable-bulk-memory-opt",
    "--enable-multivalue",
    "--enable-mutable-globals",
    "--enable-nontrapping-float-to-int",
    "--enable-reference-types",
    "--enable-sign-ext",
];

/// Builds all of it, and says where it is.
pub(crate) fn build() -> Done {
    say(format!("the npm package: {}", npm_package()?.display()));
    say(format!("the Worker: {}", worker()?.display()));
    say(format!("the filter for Envoy: {}", proxy()?.display()));
    Ok(())
}

/// Builds the npm package `@signet/verifier`; answers its folder.
///
/// wasm-pack builds the module. Its JavaScript is for one instance, and a gate is one instance, so
/// what is around the module is ours.
pub(crate) fn npm_package() -> Done<PathBuf> {
    let built = target_folder().join("wasm/pack");
    let mut build = command("wasm-pack");
    build
        .args(["--log-level", "warn", "build", "--no-opt", "--no-pack"])
        .args(["--no-typescript", "--target", "web"])
        .args(["--profile", PROFILE, "--out-dir"])
        .arg(&built)
        .arg("verifier-wasm");
    run_quietly(prepared(&mut build)?)?;
    let folder = target_folder().join("wasm/npm");
    let _there_may_be_none = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder)?;
    for entry in fs::read_dir(root().join("verifier-wasm/js"))? {
        let entry = entry?;
        fs::copy(entry.path(), folder.join(entry.file_name()))?;
    }
    let mut optimize = command("wasm-opt");
    optimize
        .args(["-O3", "--strip-debug", "--strip-producers"])
        .args(WASM_FEATURES)
        .arg(built.join("signet_wasm_bg.wasm"))
        .arg("--output")
        .arg(folder.join("verifier.wasm"));
    run(prepared(&mut optimize)?)?;
    write_manifest(&folder.join("package.json"))?;
    Ok(folder)
}

/// Gives the package the version of the workspace.
fn write_manifest(file: &Path) -> Done {
    let mut manifest: Value = serde_json::from_str(&fs::read_to_string(file)?)?;
    if let Some(version) = manifest.get_mut("version") {
        *version = env!("CARGO_PKG_VERSION").into();
    }
    Ok(fs::write(file, format!("{manifest:#}\n"))?)
}

/// Builds the Worker; answers the folder with `index.js` and `index_bg.wasm`.
pub(crate) fn worker() -> Done<PathBuf> {
    let crate_folder = root().join("verifier-wasm/worker");
    let mut build = command("worker-build");
    build
        .current_dir(&crate_folder)
        .args(["--profile", PROFILE]);
    run_quietly(prepared(&mut build)?)?;
    Ok(crate_folder.join("build"))
}

/// Callbacks that the library exports and in which the filter has nothing to do. Envoy calls those that
/// are there, four of them for each request, and a call costs it a microsecond.
const IDLE_CALLBACKS: &[&str] = &["proxy_on_done", "proxy_on_log", "proxy_on_response_*"];

/// Builds the filter for Envoy; answers its file.
///
/// Its size matters to nobody, its speed to every request.
pub(crate) fn proxy() -> Done<PathBuf> {
    let arguments = ["build", "--quiet", "-p", "signet-proxy", "--target", TARGET];
    let mut build = cargo(&arguments);
    build.args(["--profile", PROFILE, "--config"]);
    build.arg(format!("profile.{PROFILE}.opt-level=3"));
    run(prepared(&mut build)?)?;
    let built = target_folder().join(TARGET).join(PROFILE);
    let filter = target_folder().join("wasm/signet_proxy.wasm");
    fs::create_dir_all(target_folder().join("wasm"))?;
    fs::copy(built.join("signet_proxy.wasm"), &filter)?;
    for callback in IDLE_CALLBACKS {
        let mut remove = command("wasm-opt");
        remove
            .arg(format!("--remove-exports={callback}"))
            .args(WASM_FEATURES)
            .arg(&filter)
            .arg("--output")
            .arg(&filter);
        run(prepared(&mut remove)?)?;
    }
    Ok(filter)
}

/// The lints of the crates that are built for nothing else.
pub(crate) fn lints() -> Done {
    let mut clippy = cargo(&["clippy", "--quiet"]);
    for package in ["signet-wasm", "signet-worker", "signet-proxy"] {
        clippy.args(["-p", package]);
    }
    // Debian's compiler comes without clippy; they can be read for this machine as well.
    if wasm_compiler()?.is_none() {
        clippy.args(["--target", TARGET]);
    }
    run(clippy.args(["--", "--deny", "warnings"]))
}

/// A command that finds compiler and tools, and leaves no trace of this machine in what it builds.
fn prepared(build: &mut Command) -> Done<&mut Command> {
    let modules = npm()?.join("node_modules/.bin");
    let mut folders = vec![modules.clone()];
    if let Some(compiler) = wasm_compiler()? {
        // wasm-pack looks for the target beside the compiler of the PATH.
        folders.extend(compiler.parent().map(Path::to_path_buf));
        build.env("RUSTC", &compiler).env_remove("RUSTUP_TOOLCHAIN");
    }
    folders.extend(node()?.parent().map(Path::to_path_buf));
    for (name, version) in WASM_TOOLS {
        folders.push(tool(name, version)?);
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    folders.extend(std::env::split_paths(&path));
    build
        .env("PATH", std::env::join_paths(folders)?)
        .env("WASM_BINDGEN_BIN", "wasm-bindgen")
        .env("WASM_OPT_BIN", modules.join("wasm-opt"))
        .env("ESBUILD_BIN", modules.join("esbuild"))
        .env(
            "CARGO_ENCODED_RUSTFLAGS",
            traces::encoded(&traces::left_out()?),
        );
    Ok(build)
}
