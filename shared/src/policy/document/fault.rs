//! What is wrong with a policy, and where.

use alloc::string::String;
use core::fmt;
use core::ops::Range;

use crate::policy::method::MethodFault;
use crate::policy::pattern::PatternFault;

/// One fault of a policy.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Fault {
    /// Where it is.
    pub place: Place,
    /// What it is.
    pub kind: FaultKind,
}

/// A place in a text; line and column from 1, columns in characters. Both are 0 where nobody knows.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub struct Place {
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
}

/// What can be wrong with a policy.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum FaultKind {
    /// The notation itself.
    Syntax(String),
    /// A member that must be there isn't.
    Missing(&'static str),
    /// A member that nobody knows, which may be a misspelt one.
    Unknown(String),
    /// A value that can't be this; the text says what could.
    Expected(&'static str),
    /// The path.
    Path(PatternFault),
    /// The methods.
    Methods(MethodFault),
    /// Two rules have this id.
    DuplicateId(String),
    /// This stands in a list twice.
    Duplicate(String),
    /// A rule decides about requests that the one of this id decides about already.
    Conflict {
        /// The other rule.
        with: String,
        /// The method of both; none where neither names any.
        method: Option<String>,
    },
    /// A condition names a parameter that isn't one segment of the rule's path.
    UnknownParameter(String),
    /// A rule names a role that isn't among `known_roles`.
    UnknownRole(String),
    /// A rule names a permission that isn't among `known_permissions`.
    UnknownPermission(String),
}

impl Place {
    /// Where `span` begins.
    pub(super) fn of(span: Option<&Range<usize>>, text: &str) -> Self {
        let Some(before) = span.and_then(|span| text.get(..span.start)) else {
            return Self::default();
        };
        let line = before.rsplit('\n').next().unwrap_or_default();
        Self {
            line: before.matches('\n').count().saturating_add(1),
            column: line.chars().count().saturating_add(1),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.place != Place::default() {
            write!(f, "{}:{}: ", self.place.line, self.place.column)?;
        }
        self.kind.fmt(f)
    }
}

impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax(message) => f.write_str(message),
            Self::Missing(name) => write!(f, "{name} is missing"),
            Self::Unknown(name) => write!(f, "nothing is called {name:?} here"),
            Self::Expected(what) => write!(f, "must be {what}"),
            Self::Path(fault) => fault.fmt(f),
            Self::Methods(fault) => fault.fmt(f),
            Self::DuplicateId(id) => write!(f, "another rule has the id {id:?}"),
            Self::Duplicate(text) => write!(f, "{text:?} stands here twice"),
            Self::Conflict { with, method } => {
                let method = method.as_deref().unwrap_or("no method");
                write!(f, "rule {with:?} has the same path and names {method} too")
            }
            Self::UnknownParameter(name) => {
                write!(f, "the path has no segment {{{name}}}")
            }
            Self::UnknownRole(role) => write!(f, "{role:?} is not among known_roles"),
            Self::UnknownPermission(permission) => {
                write!(f, "{permission:?} is not among known_permissions")
            }
        }
    }
}

impl core::error::Error for Fault {}
