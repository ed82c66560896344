//! The picture of a token's life in a browser: whatever is configured, every word of it has its
//! place. How it looks, light and dark, is for people to see.

use std::fs;
use std::path::Path;

use crate::artefacts::picture_with;
use crate::components::{CHROMIUM, node, npm};
use crate::process::{Done, command, root, run_quietly, say};

const ACCESS: &str = "SIGNET_TOKENS__ACCESS_SECONDS";
const GRACE: &str = "SIGNET_REFRESH__GRACE_SECONDS";
const IDLE: &str = "SIGNET_REFRESH__IDLE_DAYS";
const ABSOLUTE: &str = "SIGNET_REFRESH__ABSOLUTE_DAYS";

/// Configurations, by the longest and the shortest words that they have the picture say.
const SETTINGS: [(&str, &[(&str, &str)]); 3] = [
    ("as-it-comes", &[]),
    (
        "long",
        &[
            (ACCESS, "3599"),
            (GRACE, "59"),
            (IDLE, "364"),
            (ABSOLUTE, "365"),
        ],
    ),
    (
        "short",
        &[(ACCESS, "60"), (GRACE, "0"), (IDLE, "1"), (ABSOLUTE, "1")],
    ),
];

pub(super) fn run(folder: &Path) -> Done {
    let screenshots = std::env::temp_dir().join("signet-screenshots");
    fs::create_dir_all(&screenshots)?;
    let mut look = command(node()?);
    look.current_dir(npm()?)
        .arg(root().join("xtask/interop/picture.mjs"))
        .arg(CHROMIUM)
        .arg(&screenshots)
        .env("TMPDIR", folder);
    for (name, settings) in SETTINGS {
        let file = folder.join(format!("token-life-{name}.svg"));
        fs::write(&file, picture_with(folder, settings)?)?;
        look.arg(file);
    }
    run_quietly(&mut look)?;
    say(format!("        screenshots in {}", screenshots.display()));
    Ok(())
}
