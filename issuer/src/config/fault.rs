//! What is wrong with a configuration: all of it at once, each with where it came from and what
//! to do.

use std::fmt;
use std::path::PathBuf;

/// Where a setting was made.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Origin {
    /// Nowhere; it is the default.
    Default,
    /// On a line of a file.
    File {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
    },
    /// In a variable of the environment.
    Variable(String),
    /// By a flag on the command line.
    Flag(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { path, line } => write!(f, "{}:{line}", path.display()),
            Self::Variable(name) | Self::Flag(name) => f.write_str(name),
        }
    }
}

/// One thing that is wrong.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Fault {
    /// The key, as it is called or as it was written.
    pub key: String,
    /// Where it was set; `None` where that is what is wrong.
    pub origin: Option<Origin>,
    /// What is wrong with it.
    pub problem: String,
    /// What to do.
    pub hint: String,
}

/// Everything that is wrong with a configuration.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Faults(Vec<Fault>);

impl Faults {
    /// Adds one.
    pub(super) fn add(
        &mut self,
        key: &str,
        origin: Option<&Origin>,
        problem: impl Into<String>,
        hint: impl Into<String>,
    ) {
        self.0.push(Fault {
            key: key.to_owned(),
            origin: origin.cloned(),
            problem: problem.into(),
            hint: hint.into(),
        });
    }

    /// Whether there is nothing wrong.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &Fault> {
        self.0.iter()
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.len() {
            1 => writeln!(f, "the configuration has a fault:")?,
            count => writeln!(f, "the configuration has {count} faults:")?,
        }
        for Fault {
            key,
            origin,
            problem,
            hint,
        } in &self.0
        {
            write!(f, "\n  {key}")?;
            if let Some(origin) = origin {
                write!(f, " ({origin})")?;
            }
            write!(f, ": {problem}\n      {hint}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Faults {}
