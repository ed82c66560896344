//! The file of a policy, for whoever is given one: TOML that people write, or the canonical JSON
//! that `signet policy compile` prints. No TOML begins with a brace, so the first character tells
//! which.

use std::fmt;
use std::path::{Path, PathBuf};

use signet_verifier::policy::document::{Fault, Place, Policy};

/// Why there is no policy.
#[derive(Debug)]
pub(crate) enum PolicyFileError {
    /// The file can't be read.
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// It holds no good policy.
    Faulty(PolicyFaults),
}

/// All faults of a file. Shown, each has a line of its own that editors jump to.
#[derive(Debug)]
pub(crate) struct PolicyFaults {
    path: PathBuf,
    pub(crate) faults: Vec<Fault>,
}

impl PolicyFaults {
    /// Each fault as a line: the file, the place in it where there is one, and what it is.
    pub(crate) fn lines(&self) -> impl Iterator<Item = String> {
        let path = self.path.display();
        self.faults.iter().map(move |fault| {
            let Place { line, column } = fault.place;
            if fault.place == Place::default() {
                format!("{path}: {}", fault.kind)
            } else {
                format!("{path}:{line}:{column}: {}", fault.kind)
            }
        })
    }
}

/// Reads a policy.
pub(crate) fn read(path: &Path) -> Result<Policy, PolicyFileError> {
    let text = std::fs::read_to_string(path).map_err(|source| PolicyFileError::Unreadable {
        path: path.to_owned(),
        source,
    })?;
    let policy = if text.trim_start().starts_with('{') {
        Policy::from_json(text.as_bytes())
    } else {
        Policy::from_toml(&text)
    };
    policy.map_err(|faults| {
        PolicyFileError::Faulty(PolicyFaults {
            path: path.to_owned(),
            faults,
        })
    })
}

impl fmt::Display for PolicyFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable { path, source } => {
                write!(f, "can't read the policy {}: {source}", path.display())
            }
            Self::Faulty(faults) => {
                write!(f, "{} is no good policy:\n{faults}", faults.path.display())
            }
        }
    }
}

impl fmt::Display for PolicyFaults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, line) in self.lines().enumerate() {
            if position > 0 {
                f.write_str("\n")?;
            }
            f.write_str(&line)?;
        }
        Ok(())
    }
}
