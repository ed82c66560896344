//! The picture of a token's life, as it is where nothing is configured.

use std::fs;
use std::path::Path;

use crate::components::{build_programs, program};
use crate::process::{Done, Failure, TemporaryFolder, command, root, run_quietly, say};

const COMMITTED: &str = "docs/token-life.svg";

pub(crate) fn write_picture() -> Done {
    fs::write(root().join(COMMITTED), picture()?)?;
    say(format!("wrote {COMMITTED}"));
    Ok(())
}

pub(crate) fn check_picture() -> Done {
    let committed = fs::read_to_string(root().join(COMMITTED)).unwrap_or_default();
    if committed == picture()? {
        Ok(())
    } else {
        Err(Failure::new(format!(
            "{COMMITTED} is not what the program draws; run `cargo xtask picture`, look at it, and \
             commit it"
        )))
    }
}

fn picture() -> Done<String> {
    build_programs()?;
    let nothing_configured = TemporaryFolder::new("picture")?;
    picture_with(nothing_configured.path(), &[])
}

/// The picture for a configuration of these variables, and the settings of the folder if it has any.
pub(crate) fn picture_with(folder: &Path, settings: &[(&str, &str)]) -> Done<String> {
    let mut draw = command(program("signet"));
    draw.args(["config", "picture"])
        .current_dir(folder)
        .env_clear()
        .envs(settings.iter().copied());
    run_quietly(&mut draw)
}
