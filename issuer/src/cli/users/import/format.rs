//! What a file is, and its rows one by one.

use std::collections::HashSet;
use std::io::{self, BufRead};

use clap::ValueEnum;

use super::csv_file::CsvFile;
use super::dump::Dump;
use super::fields::Fields;
use super::ndjson::Ndjson;

/// The longest row, in bytes. Supabase keeps free-form JSON in some fields.
pub(super) const LONGEST_ROW: usize = 1 << 20;

/// What a file is.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(super) enum Format {
    /// What its beginning says
    Auto,
    /// One JSON object on each line
    Ndjson,
    /// CSV with the names of the fields in the first row; of Supabase's `auth.users`, too
    Csv,
    /// What `pg_dump --data-only --table=auth.users` writes
    Dump,
}

/// Why a file can't be read at all.
#[derive(Debug, thiserror::Error)]
pub(super) enum FormatError {
    #[error("there is nothing in it")]
    Empty,
    #[error("it can't be read: {0}")]
    Read(#[from] io::Error),
    #[error("the first row names no field called email")]
    NoAddress,
    #[error("the first row names the field {0:?} twice; leave one out")]
    NamedTwice(String),
    #[error("the first row names the field {0:?}, which nobody knows here; see docs/IMPORT.md")]
    UnknownField(String),
    #[error(
        "there is no `COPY auth.users (…) FROM stdin;` in it. Dump with `pg_dump --data-only \
         --table=auth.users`, without --inserts"
    )]
    NoCopy,
}

/// A row, and the line it begins on.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) line: u64,
    /// What stands in it, or why it can't be read.
    pub(super) fields: Result<Fields, String>,
}

/// A file that is being read.
pub(super) enum Source {
    Ndjson(Ndjson),
    Csv(CsvFile),
    Dump(Dump),
}

impl Source {
    pub(super) fn open(
        mut input: impl BufRead + 'static,
        format: Format,
    ) -> Result<Self, FormatError> {
        let beginning = input.fill_buf()?;
        let beginning = beginning
            .get(..beginning.len().min(4_096))
            .unwrap_or_default();
        // What a spreadsheet puts before UTF-8.
        let marked = beginning.starts_with("\u{feff}".as_bytes());
        let text = String::from_utf8_lossy(beginning).into_owned();
        let text = text.trim_start_matches('\u{feff}').trim_start();
        if text.is_empty() {
            return Err(FormatError::Empty);
        }
        if marked {
            input.consume(3);
        }
        let input: Box<dyn BufRead> = Box::new(input);
        Ok(match format {
            Format::Ndjson => Self::Ndjson(Ndjson::new(input)),
            Format::Csv => Self::Csv(CsvFile::new(input)?),
            Format::Dump => Self::Dump(Dump::new(input)?),
            Format::Auto if text.starts_with('{') => Self::Ndjson(Ndjson::new(input)),
            Format::Auto if is_dump(text) => Self::Dump(Dump::new(input)?),
            Format::Auto => Self::Csv(CsvFile::new(input)?),
        })
    }

    /// The next row; `None` at the end.
    pub(super) fn next(&mut self) -> Result<Option<Row>, FormatError> {
        match self {
            Self::Ndjson(file) => file.next(),
            Self::Csv(file) => file.next(),
            Self::Dump(file) => file.next(),
        }
    }
}

/// What every row of fields needs: an address among them, and one meaning for each.
pub(super) fn check_names(names: &[String]) -> Result<(), FormatError> {
    if !names.iter().any(|name| name == "email") {
        return Err(FormatError::NoAddress);
    }
    let mut seen = HashSet::new();
    match names.iter().find(|name| !seen.insert(*name)) {
        None => Ok(()),
        Some(twice) => Err(FormatError::NamedTwice(shown(twice))),
    }
}

/// As much of a name as is worth reading.
pub(super) fn shown(name: &str) -> String {
    name.chars().take(60).collect()
}

fn is_dump(text: &str) -> bool {
    ["--", "COPY ", "SET ", "SELECT ", "\\restrict"]
        .iter()
        .any(|beginning| text.starts_with(beginning))
}
