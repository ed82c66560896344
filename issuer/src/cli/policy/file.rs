//! The file of a policy: TOML that people write, or the canonical JSON that `signet policy compile`
//! prints. No TOML begins with a brace, so the first character tells which.

use std::fmt;
use std::path::{Path, PathBuf};

use signet_verifier::policy::Methods;
use signet_verifier::policy::document::{Fault, Place, Policy, Rule};

/// Why there is no policy.
#[derive(Debug)]
pub(in crate::cli) enum PolicyFileError {
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
pub(in crate::cli) struct PolicyFaults {
    path: PathBuf,
    pub(in crate::cli) faults: Vec<Fault>,
}

/// Reads a policy.
pub(in crate::cli) fn read(path: &Path) -> Result<Policy, PolicyFileError> {
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

/// A rule as people look for it in the file.
pub(super) fn described(rule: &Rule) -> String {
    let methods = match &rule.route.methods {
        Methods::Usual => String::new(),
        Methods::Named(names) => format!("{} ", names.join(", ")),
    };
    format!("{:?} ({methods}{})", rule.id, rule.route.pattern)
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
        for (position, fault) in self.faults.iter().enumerate() {
            if position > 0 {
                f.write_str("\n")?;
            }
            let Place { line, column } = fault.place;
            let path = self.path.display();
            if fault.place == Place::default() {
                write!(f, "{path}: {}", fault.kind)?;
            } else {
                write!(f, "{path}:{line}:{column}: {}", fault.kind)?;
            }
        }
        Ok(())
    }
}
