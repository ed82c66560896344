//! The npm package as others get it: packed, installed into an empty folder, and used from there in
//! Node.js, by TypeScript, in Chromium, and in workerd. What is tried stands in `conformance/npm`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::components::{CHROMIUM, node, npm, workerd};
use crate::process::{Done, Failure, TemporaryFolder, command, root, run_quietly};
use crate::wasm;

/// What would tell where a package was built.
const TRACES: &[&str] = &[
    "/root/",
    "/home/",
    ".cargo",
    "registry/src",
    "index.crates.io",
];

/// Packs, installs and tries the package.
pub(crate) fn test() -> Done {
    let built = wasm::npm_package()?;
    let folder = TemporaryFolder::new("npm")?;
    let installed = install(&built, folder.path())?;
    check_files(&installed)?;
    let scripts = root().join("xtask/conformance");
    copy_files(&scripts.join("npm"), folder.path())?;
    let example = folder.path().join("node-api");
    copy_files(&root().join("examples/node-api"), &example)?;
    let script = |name: &str| folder.path().join(name);
    run_quietly(in_folder(node()?, folder.path()).args(["--test", "gate.test.mjs"]))?;
    run_quietly(in_folder(node()?, folder.path()).arg("cjs.cjs"))?;
    run_quietly(in_folder(node()?, folder.path()).arg("example.mjs"))?;
    let compiler = npm()?.join("node_modules/typescript/bin/tsc");
    run_quietly(in_folder(node()?, folder.path()).arg(compiler))?;
    let mut browser = beside_packages(&script("browser.mjs"))?;
    browser.arg(folder.path()).arg(CHROMIUM);
    run_quietly(browser.arg(scripts.join("browser.mjs")))?;
    let mut worker = beside_packages(&script("workerd.mjs"))?;
    run_quietly(worker.arg(folder.path()).arg(workerd()?))?;
    Ok(())
}

/// Installs a package into a folder, as npm would from a registry; answers where it is then.
pub(crate) fn install(package: &Path, folder: &Path) -> Done<PathBuf> {
    fs::write(folder.join("package.json"), r#"{"private":true}"#)?;
    let program = node()?.with_file_name("npm");
    let mut pack = in_folder(&program, folder);
    let packed = run_quietly(pack.args(["pack", "--silent"]).arg(package))?;
    let mut install = in_folder(&program, folder);
    install.args([
        "install",
        "--silent",
        "--offline",
        "--no-audit",
        "--no-fund",
    ]);
    run_quietly(install.arg(format!("./{}", packed.trim())))?;
    Ok(folder.join("node_modules/@signet/verifier"))
}

pub(crate) fn copy_files(from: &Path, to: &Path) -> Done {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            fs::copy(entry.path(), to.join(entry.file_name()))?;
        }
    }
    Ok(())
}

/// One module of WebAssembly, and no trace of the machine in anything.
fn check_files(installed: &Path) -> Done {
    let mut modules = 0_usize;
    for entry in fs::read_dir(installed)? {
        let path = entry?.path();
        modules = modules.saturating_add(usize::from(path.extension() == Some("wasm".as_ref())));
        let bytes = fs::read(&path)?;
        let text = String::from_utf8_lossy(&bytes);
        if let Some(trace) = TRACES.iter().find(|trace| text.contains(**trace)) {
            let shown = path.display();
            return Err(Failure::new(format!(
                "{shown} tells where it was built: {trace}"
            )));
        }
    }
    match modules {
        1 => Ok(()),
        _ => Err(Failure::new(format!("the package has {modules} modules"))),
    }
}

/// A program of Node.js, which finds its own neighbours.
fn in_folder(program: impl AsRef<Path>, folder: &Path) -> Command {
    let program = program.as_ref();
    let mut folders: Vec<PathBuf> = program
        .parent()
        .map(Path::to_path_buf)
        .into_iter()
        .collect();
    let path = std::env::var_os("PATH").unwrap_or_default();
    folders.extend(std::env::split_paths(&path));
    let mut command = command(program);
    command.current_dir(folder);
    if let Ok(path) = std::env::join_paths(folders) {
        command.env("PATH", path);
    }
    command
}

/// A script beside the packages of `interop/package.json`.
fn beside_packages(script: &Path) -> Done<Command> {
    let mut command = in_folder(node()?, &npm()?);
    command.arg(script);
    Ok(command)
}
