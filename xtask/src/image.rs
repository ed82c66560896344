//! What the issuer's container image holds: one static program, the authorities that the world
//! trusts, and an empty folder for a database. `deploy/Dockerfile` takes it from here, and so does
//! [`test`], so that what is tested is what the file says.

mod authorities;
mod container;
mod contents;
mod names;
mod running;
mod stopping;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use crate::components::target_folder;
use crate::process::{Done, Failure, TemporaryFolder, cargo, command, run, run_quietly, say};
use crate::traces;

pub(crate) use authorities::AUTHORITIES;

use container::Image;

const PROFILE: &str = "dist";

/// Everything in one file. The kernel is asked for random bytes directly: the crate would look for
/// glibc's function by its name, which no static program has, and then for a device.
const STATIC: [&str; 2] = [
    "-Ctarget-feature=+crt-static",
    "--cfg=getrandom_backend=\"linux_getrandom\"",
];

/// What glibc does without this file depends on its version: some ask DNS even for `localhost`.
const NAME_SERVICE: &str = "hosts: files dns\n";

/// Builds the program, and puts all that the image holds into a folder: what belongs to root in
/// `root`, what belongs to the program's user in `volume`.
pub(crate) fn build(folder: &Path) -> Done {
    let program = program()?;
    let root = folder.join("root");
    let data = folder.join("volume/data");
    let _there_may_be_none = fs::remove_dir_all(&root);
    fs::create_dir_all(root.join("etc"))?;
    fs::create_dir_all(&data)?;
    fs::set_permissions(&data, fs::Permissions::from_mode(0o700))?;
    fs::copy(program, root.join("signet"))?;
    fs::write(root.join("etc/nsswitch.conf"), NAME_SERVICE)?;
    authorities::copy_to(&root)?;
    let mut change = command("chmod");
    run(change.args(["--recursive", "u=rwX,go=rX"]).arg(&root))?;
    say(format!("the image's content: {}", folder.display()));
    Ok(())
}

/// Builds the program for this machine's architecture, without anything that it would need beside
/// it: see docs/adr/0021.
fn program() -> Done<PathBuf> {
    let target = target()?;
    let mut flags = traces::left_out()?;
    flags.extend(STATIC.map(str::to_owned));
    let mut build = cargo(&["build", "--quiet", "--package", "signet", "--bin", "signet"]);
    build
        .args(["--profile", PROFILE, "--target", &target])
        .env("CARGO_ENCODED_RUSTFLAGS", traces::encoded(&flags));
    run(&mut build)?;
    Ok(target_folder().join(target).join(PROFILE).join("signet"))
}

/// Named although it is this machine's: flags for a named target don't reach what runs while
/// building, which can't be static.
fn target() -> Done<String> {
    let said = run_quietly(command("rustc").arg("--version").arg("--verbose"))?;
    let host = said.lines().find_map(|line| line.strip_prefix("host: "));
    match host {
        Some(host) if host.ends_with("-linux-gnu") => Ok(host.to_owned()),
        Some(host) => Err(Failure::new(format!(
            "the image is built on Linux with glibc, and this is {host}"
        ))),
        None => Err(Failure::new("rustc doesn't say what it runs on")),
    }
}

/// Builds the image as the Dockerfile says, without the network, and holds it to what
/// docs/DEPLOY.md promises.
pub(crate) fn test() -> Done {
    let folder = TemporaryFolder::new("image")?;
    build(&folder.path().join("image"))?;
    let image = Image::build(folder.path())?;
    contents::check(&image)?;
    running::check(&image)?;
    names::check(&image)?;
    stopping::check(&image)
}
