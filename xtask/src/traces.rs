//! The paths of this machine, which don't get into what others run: panics would tell them.

use std::path::PathBuf;

use crate::process::{Done, Failure, root};

/// Flags of the compiler that give the same names on every machine to this repository and to the
/// registries' packages.
pub(crate) fn left_out() -> Done<Vec<String>> {
    let home = std::env::var("CARGO_HOME")
        .or_else(|_| std::env::var("HOME").map(|home| format!("{home}/.cargo")))
        .map_err(|_| Failure::new("neither CARGO_HOME nor HOME is set"))?;
    let mut flags = vec![format!("--remap-path-prefix={}=/signet", root().display())];
    let registries = PathBuf::from(home).join("registry/src");
    for registry in std::fs::read_dir(registries).into_iter().flatten() {
        let registry = registry?.path();
        flags.push(format!(
            "--remap-path-prefix={}=/crates",
            registry.display()
        ));
    }
    Ok(flags)
}

/// Flags as cargo takes them in `CARGO_ENCODED_RUSTFLAGS`.
pub(crate) fn encoded(flags: &[String]) -> String {
    flags.join("\u{1f}")
}
