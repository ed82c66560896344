//! What the next release is held against: docs/adr/0022-expand-then-contract.md.

use std::fs;

use crate::process::{Done, cargo, command, root, run, run_quietly, say};

/// Writes `migrations/previous` anew: to be done at a release, in the commit that is released.
pub(crate) fn keep_previous() -> Done {
    let words = [
        "test",
        "--quiet",
        "-p",
        "signet-store-postgres",
        "--test",
        "server",
        "--",
    ];
    run(cargo(&words).args(["--ignored", "keep_this_release"]))?;
    let commit = run_quietly(command("git").args(["rev-parse", "HEAD"]))?;
    fs::write(root().join("migrations/previous/release"), commit)?;
    say("wrote migrations/previous");
    Ok(())
}
