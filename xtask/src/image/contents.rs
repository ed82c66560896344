//! What is in the image: as little as can be, and nothing that the program's user could change but
//! the volume.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::container::Image;
use crate::process::{Done, Failure, command, root, run_quietly, say};

/// The most that all of it may take, in KB.
const LARGEST: u64 = 40_000;

pub(super) fn check(image: &Image) -> Done {
    let program = image.root().join("signet");
    must_be_static(&program)?;
    must_tell_nothing_of_this_machine(&program)?;
    let (user, _) = image.text("/User").split_once(':').unwrap_or_default();
    let user: u32 = user.parse().unwrap_or(0);
    if user == 0 {
        return Err(Failure::new("the image's user has no number, or is root"));
    }
    let mut size: u64 = 0;
    for path in everything(image.root())? {
        let found = fs::symlink_metadata(&path)?;
        if found.is_file() {
            size = size.saturating_add(found.len());
        }
        let is_volume = path == image.root().join("data");
        let is_right = match is_volume {
            true => found.uid() == user && found.mode() & 0o777 == 0o700,
            false => found.uid() == 0 && found.mode() & 0o022 == 0,
        };
        if !is_right {
            let (path, mode, owner) = (path.display(), found.mode(), found.uid());
            return Err(Failure::new(format!("{path}: mode {mode:o}, user {owner}")));
        }
    }
    let kilobytes = size.div_ceil(1_000);
    say(format!("the image: {kilobytes} KB of at most {LARGEST}"));
    match kilobytes <= LARGEST {
        true => Ok(()),
        false => Err(Failure::new("the image is too large")),
    }
}

fn must_be_static(program: &Path) -> Done {
    let mut read = command("readelf");
    let said = run_quietly(
        read.args(["--wide", "--program-headers", "--dynamic"])
            .arg(program),
    )?;
    match said.contains("INTERP") || said.contains("(NEEDED)") {
        true => Err(Failure::new(format!("the program is not static\n{said}"))),
        false => Ok(()),
    }
}

/// Panics would tell it, and no two machines would build the same.
fn must_tell_nothing_of_this_machine(program: &Path) -> Done {
    let content = fs::read(program)?;
    let here = root().display().to_string();
    for trace in ["registry/src/", &format!("{here}/issuer/")] {
        let mut places = content.windows(trace.len());
        if places.any(|place| place == trace.as_bytes()) {
            return Err(Failure::new(format!("the program holds the path {trace}")));
        }
    }
    Ok(())
}

fn everything(folder: &Path) -> Done<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(everything(&path)?);
        }
        found.push(path);
    }
    Ok(found)
}
