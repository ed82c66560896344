//! Where settings come from: a file, then the environment, then flags; the later one counts.
//!
//! Nothing is read twice and nothing is guessed: a name that no key has is a fault, except those
//! that Kubernetes puts into every container beside a service called `signet`.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use toml::de::{DeTable, DeValue};

use super::fault::{Faults, Origin};
use super::keys::{KEYS, Key};

/// The file that is read where it exists and no other is named.
const FILE: &str = "signet.toml";
const PREFIX: &str = "SIGNET_";

/// Everything that a configuration is read from.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// The file of `--config`.
    pub file: Option<PathBuf>,
    /// The variables of the environment.
    pub environment: Vec<(OsString, OsString)>,
    /// Keys that were set by flags.
    pub flags: Vec<(&'static Key, String)>,
}

impl Sources {
    /// The process's own environment, with what the command line says.
    #[must_use]
    pub fn of_this_process(file: Option<PathBuf>, flags: Vec<(&'static Key, String)>) -> Self {
        Self {
            file,
            environment: std::env::vars_os().collect(),
            flags,
        }
    }

    /// The value of a variable that isn't Signet's own.
    pub(super) fn variable(&self, name: &str) -> Option<&OsString> {
        let mut variables = self.environment.iter();
        variables
            .find(|(found, _)| found == name)
            .map(|(_, value)| value)
    }
}

/// A value as it was written.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Raw {
    /// A text of which only its key knows what it stands for: a variable or a flag.
    Text(String),
    /// A TOML string.
    String(String),
    /// A TOML integer.
    Integer(i128),
    /// A TOML array.
    List(Vec<Raw>),
    /// Anything else that TOML has, by its name.
    Other(&'static str),
}

/// What was set for each key, and where.
#[derive(Debug, Default)]
pub(super) struct Given(BTreeMap<&'static str, (Raw, Origin)>);

impl Given {
    pub(super) fn get(&self, key: &Key) -> Option<&(Raw, Origin)> {
        self.0.get(key.name)
    }

    fn set(&mut self, key: &'static Key, raw: Raw, origin: Origin) {
        self.0.insert(key.name, (raw, origin));
    }
}

/// Reads all sources.
pub(super) fn read(sources: &Sources, faults: &mut Faults) -> Given {
    let mut given = Given::default();
    read_file(sources.file.as_deref(), &mut given, faults);
    read_environment(&sources.environment, &mut given, faults);
    for (key, value) in &sources.flags {
        given.set(key, Raw::Text(value.clone()), Origin::Flag(key.flag()));
    }
    given
}

fn read_file(named: Option<&Path>, given: &mut Given, faults: &mut Faults) {
    let path = named.unwrap_or(Path::new(FILE));
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if named.is_none() && error.kind() == std::io::ErrorKind::NotFound => return,
        Err(error) => {
            let problem = format!("can't read {}: {error}", path.display());
            let hint = "name a file that exists and is UTF-8, or leave --config out";
            return faults.add("--config", None, problem, hint);
        }
    };
    let origin = |offset: usize| {
        let before = text.get(..offset).unwrap_or_default();
        Origin::File {
            path: path.to_owned(),
            line: before.split('\n').count(),
        }
    };
    let (document, errors) = DeTable::parse_recoverable(&text);
    for error in errors {
        let at = error.span().map_or(0, |span| span.start);
        let hint = "write it as TOML: key = value, texts in quotes";
        faults.add("not TOML", Some(&origin(at)), error.message(), hint);
    }
    let mut in_file = Vec::new();
    flatten("", document.get_ref(), &mut in_file);
    for (name, offset, raw) in in_file {
        match KEYS.iter().find(|key| key.name == name) {
            Some(key) => {
                let is_secret = key.secret || holds_a_password(&raw);
                if is_secret && super::master_key::is_open_to_others(path) {
                    let problem = format!(
                        "stands in a file that its group or others can read: {}",
                        path.display()
                    );
                    let hint = format!("chmod 600 {}", path.display());
                    faults.add(&name, Some(&origin(offset)), problem, hint);
                }
                given.set(key, raw, origin(offset));
            }
            None => {
                let names = KEYS.iter().map(|key| key.name.to_owned());
                let hint = suggest(&name, names);
                faults.add(&name, Some(&origin(offset)), NO_SUCH_KEY, hint);
            }
        }
    }
}

/// Whether a value is a URL with a password in it, which not every URL of its key has.
fn holds_a_password(raw: &Raw) -> bool {
    let (Raw::Text(text) | Raw::String(text)) = raw else {
        return false;
    };
    url::Url::parse(text).is_ok_and(|url| {
        let of_a_socket = || url.query_pairs().any(|(name, _)| name == "password");
        url.password().is_some() || of_a_socket()
    })
}

const NO_SUCH_KEY: &str = "there is no such key";

/// The keys of a table with dots between, each with its place in the text.
fn flatten(prefix: &str, table: &DeTable<'_>, into: &mut Vec<(String, usize, Raw)>) {
    for (name, value) in table {
        let path = format!("{prefix}{}", name.get_ref());
        match value.get_ref() {
            DeValue::Table(inner) if prefix.is_empty() => {
                flatten(&format!("{path}."), inner, into);
            }
            leaf => into.push((path, name.span().start, raw(leaf))),
        }
    }
}

fn raw(value: &DeValue<'_>) -> Raw {
    match value {
        DeValue::String(text) => Raw::String(text.clone().into_owned()),
        DeValue::Integer(integer) => i128::from_str_radix(integer.as_str(), integer.radix())
            .map_or(Raw::Other("a number that is too large"), Raw::Integer),
        DeValue::Float(_) => Raw::Other("a number with a fraction"),
        DeValue::Boolean(_) => Raw::Other("true or false"),
        DeValue::Datetime(_) => Raw::Other("a date"),
        DeValue::Array(values) => Raw::List(values.iter().map(|v| raw(v.get_ref())).collect()),
        DeValue::Table(_) => Raw::Other("a table"),
    }
}

fn read_environment(variables: &[(OsString, OsString)], given: &mut Given, faults: &mut Faults) {
    for (name, value) in variables {
        let Some(name) = name.to_str().filter(|name| name.starts_with(PREFIX)) else {
            continue;
        };
        if is_injected(name) {
            continue;
        }
        let origin = Origin::Variable(name.to_owned());
        let Some(key) = KEYS.iter().find(|key| key.variable() == name) else {
            let hint = suggest(name, KEYS.iter().map(Key::variable));
            faults.add(name, None, NO_SUCH_KEY, hint);
            continue;
        };
        match value.to_str() {
            Some(text) => given.set(key, Raw::Text(text.to_owned()), origin),
            None => {
                let hint = format!("give {}", (key.kind)());
                faults.add(key.name, Some(&origin), "is not UTF-8", hint);
            }
        }
    }
}

/// Whether Kubernetes sets this variable for a service called `signet`.
fn is_injected(name: &str) -> bool {
    name == "SIGNET_PORT" || name.starts_with("SIGNET_PORT_") || name.starts_with("SIGNET_SERVICE_")
}

/// The name that was probably meant. What all variables begin with makes none like another.
fn suggest(written: &str, names: impl Iterator<Item = String>) -> String {
    let fold = |name: &str| {
        name.trim_start_matches(PREFIX)
            .to_ascii_lowercase()
            .replace("__", "_")
            .replace('.', "_")
    };
    let written = fold(written);
    names
        .map(|name| (strsim::jaro_winkler(&written, &fold(&name)), name))
        .filter(|(likeness, _)| *likeness > 0.85)
        .max_by(|(one, _), (other, _)| one.total_cmp(other))
        .map_or_else(
            || "docs/CONFIGURATION.md lists them all, as does `signet config print`".to_owned(),
            |(_, name)| format!("did you mean {name}?"),
        )
}
