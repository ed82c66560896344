//! How each type of setting is read and shown.
//!
//! A text may come from the file, where TOML says that it is one, or from a variable or a flag,
//! where everything is text and lists have commas. To add a type, implement [`Setting`] for it
//! here or, where it has rules worth a page, in a file of its own.

mod address;
mod mail;

use std::fmt::Display;
use std::net::SocketAddr;

use signet_core::signing::seal::MasterKey;

use super::source::Raw;

pub use address::Database;
pub(super) use address::{
    Addresses, Networks, Origins, Page, PasswordList, PolicyFile, PublicUrl, Redis,
};
pub(super) use mail::{MailFrom, SmtpUrl};

/// Something that a key can be set to.
pub(super) trait Setting: Sized {
    /// What a value looks like, for hints and for the reference: "a whole number from 0 to 60".
    fn kind() -> String;

    /// Reads one.
    fn read(raw: &Raw) -> Result<Self, Refusal>;

    /// The value as TOML.
    fn show(&self) -> String;
}

/// Why a value isn't taken.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct Refusal {
    /// What is wrong with it.
    pub(super) problem: String,
    /// What to do, where [`Setting::kind`] doesn't say it.
    pub(super) hint: Option<String>,
}

impl Refusal {
    pub(super) fn new(problem: impl Into<String>) -> Self {
        Self {
            problem: problem.into(),
            hint: None,
        }
    }

    pub(super) fn with_hint(problem: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            problem: problem.into(),
            hint: Some(hint.into()),
        }
    }

    fn wrong_type(raw: &Raw) -> Self {
        let found = match raw {
            Raw::Text(_) | Raw::String(_) => "a text",
            Raw::Integer(_) => "a number",
            Raw::List(_) => "a list",
            Raw::Other(found) => found,
        };
        Self::new(format!("is {found}"))
    }
}

/// The text that was written, which must not be empty.
pub(super) fn text(raw: &Raw) -> Result<&str, Refusal> {
    match raw {
        Raw::Text(text) | Raw::String(text) if text.is_empty() => Err(Refusal::new("is empty")),
        Raw::Text(text) | Raw::String(text) => Ok(text),
        Raw::Integer(_) | Raw::List(_) | Raw::Other(_) => Err(Refusal::wrong_type(raw)),
    }
}

/// The texts of a list, none of which is empty; the list may be.
pub(super) fn texts(raw: &Raw) -> Result<Vec<&str>, Refusal> {
    match raw {
        Raw::Text(text) if text.trim().is_empty() => Ok(Vec::new()),
        Raw::Text(text) => text.split(',').map(str::trim).map(filled).collect(),
        Raw::List(elements) => elements
            .iter()
            .map(|element| match element {
                Raw::String(text) => filled(text),
                Raw::Text(_) | Raw::Integer(_) | Raw::List(_) | Raw::Other(_) => {
                    Err(Refusal::new("holds something that is no text"))
                }
            })
            .collect(),
        Raw::String(_) | Raw::Integer(_) | Raw::Other(_) => Err(Refusal::wrong_type(raw)),
    }
}

fn filled(text: &str) -> Result<&str, Refusal> {
    if text.is_empty() {
        Err(Refusal::new("holds an empty text"))
    } else {
        Ok(text)
    }
}

/// What was written, in quotes, short enough for a line.
pub(super) fn quoted(text: &str) -> String {
    let shown: String = text.chars().take(60).flat_map(char::escape_debug).collect();
    let more = if text.chars().count() > 60 { "…" } else { "" };
    format!("\"{shown}{more}\"")
}

/// A TOML string.
pub(super) fn shown(text: impl Display) -> String {
    // What JSON escapes, TOML escapes alike.
    serde_json::Value::String(text.to_string()).to_string()
}

/// A TOML list of strings.
pub(super) fn shown_list(texts: impl Iterator<Item = impl Display>) -> String {
    let texts: Vec<String> = texts.map(shown).collect();
    format!("[{}]", texts.join(", "))
}

/// A whole number within bounds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Whole<const LEAST: u32, const MOST: u32>(pub(super) u32);

impl<const LEAST: u32, const MOST: u32> Setting for Whole<LEAST, MOST> {
    fn kind() -> String {
        format!("a whole number from {LEAST} to {MOST}")
    }

    fn read(raw: &Raw) -> Result<Self, Refusal> {
        let (number, written) = match raw {
            Raw::Integer(number) => (Some(*number), number.to_string()),
            Raw::Text(text) => {
                let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
                let number = digits.then(|| text.parse().ok()).flatten();
                (number, quoted(text))
            }
            Raw::String(_) | Raw::List(_) | Raw::Other(_) => return Err(Refusal::wrong_type(raw)),
        };
        number
            .and_then(|number| u32::try_from(number).ok())
            .filter(|number| (LEAST..=MOST).contains(number))
            .map(Self)
            .ok_or_else(|| Refusal::new(format!("is {written}")))
    }

    fn show(&self) -> String {
        self.0.to_string()
    }
}

/// Declares a type that is one of a few words.
macro_rules! words {
    ($(#[doc = $about:literal])* $visibility:vis $type:ident { $($(#[doc = $meaning:literal])* $variant:ident = $word:literal,)+ }) => {
        $(#[doc = $about])*
        #[derive(Clone, Copy, Debug, Eq, PartialEq)]
        $visibility enum $type {
            $($(#[doc = $meaning])* $variant,)+
        }

        impl $type {
            const WORDS: &[(&str, Self)] = &[$(($word, Self::$variant),)+];
        }

        impl Setting for $type {
            fn kind() -> String {
                let words: Vec<String> = Self::WORDS.iter().map(|(word, _)| format!("`{word}`")).collect();
                words.join(" or ")
            }

            fn read(raw: &Raw) -> Result<Self, Refusal> {
                let written = text(raw)?;
                let mut words = Self::WORDS.iter();
                words
                    .find(|(word, _)| *word == written)
                    .map(|(_, value)| *value)
                    .ok_or_else(|| Refusal::new(format!("is {}", quoted(written))))
            }

            fn show(&self) -> String {
                let mut words = Self::WORDS.iter();
                shown(words.find(|(_, value)| value == self).map_or("", |(word, _)| word))
            }
        }
    };
}

words! {
    /// What new passwords are hashed with.
    pub(in crate::config) Algorithm {
        /// Argon2id.
        Argon2id = "argon2id",
        /// bcrypt.
        Bcrypt = "bcrypt",
    }
}

words! {
    /// Whether who registers must prove the mailbox first.
    pub(in crate::config) EmailVerification {
        /// They must.
        Required = "required",
        /// The account may be used at once.
        Optional = "optional",
    }
}

words! {
    /// Where sessions are kept.
    pub SessionsIn {
        /// In the database.
        Database = "database",
        /// In the database, but for what a refresh writes, which is on Redis.
        Redis = "redis",
    }
}

words! {
    /// How the log is written.
    pub LogFormat {
        /// A JSON object on each line.
        Json = "json",
        /// Text on each line.
        Text = "text",
    }
}

words! {
    /// How important an event must be to be logged.
    pub Level {
        /// Something is broken.
        Error = "error",
        /// Something should be looked at.
        Warn = "warn",
        /// What happens.
        Info = "info",
        /// Why it happens.
        Debug = "debug",
        /// Everything.
        Trace = "trace",
    }
}

impl Setting for SocketAddr {
    fn kind() -> String {
        "an IP address and a port, such as `127.0.0.1:8080`".to_owned()
    }

    fn read(raw: &Raw) -> Result<Self, Refusal> {
        let written = text(raw)?;
        let address: Self = written
            .parse()
            .map_err(|_| Refusal::new(format!("is {}", quoted(written))))?;
        if address.port() == 0 {
            let hint = "give the port a number, so that links keep leading here";
            return Err(Refusal::with_hint("has port 0", hint));
        }
        Ok(address)
    }

    fn show(&self) -> String {
        shown(self)
    }
}

/// Where the operations listener is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum OperationsListen {
    /// Nowhere.
    Off,
    /// At an address.
    At(SocketAddr),
}

impl Setting for OperationsListen {
    fn kind() -> String {
        "an IP address and a port, such as `127.0.0.1:9090`, or `off`".to_owned()
    }

    fn read(raw: &Raw) -> Result<Self, Refusal> {
        match text(raw)? {
            "off" => Ok(Self::Off),
            _ => SocketAddr::read(raw).map(Self::At),
        }
    }

    fn show(&self) -> String {
        match self {
            Self::Off => shown("off"),
            Self::At(address) => address.show(),
        }
    }
}

/// The audiences or clients of tokens: at least one, each only once.
#[derive(Clone, Debug)]
pub(super) struct Names(pub(super) Vec<String>);

impl Names {
    pub(super) fn one(name: &str) -> Self {
        Self(vec![name.to_owned()])
    }
}

impl Setting for Names {
    fn kind() -> String {
        "a list of different names, at least one, each of 1 to 255 printable ASCII characters \
         without spaces or commas"
            .to_owned()
    }

    fn read(raw: &Raw) -> Result<Self, Refusal> {
        let names = texts(raw)?;
        if names.is_empty() {
            return Err(Refusal::new("is empty"));
        }
        for (position, name) in names.iter().enumerate() {
            if name.len() > 255 || !name.bytes().all(|b| b.is_ascii_graphic() && b != b',') {
                return Err(Refusal::new(format!("holds {}", quoted(name))));
            }
            if names.iter().take(position).any(|earlier| earlier == name) {
                return Err(Refusal::new(format!("holds {} twice", quoted(name))));
            }
        }
        Ok(Self(names.into_iter().map(str::to_owned).collect()))
    }

    fn show(&self) -> String {
        shown_list(self.0.iter())
    }
}

/// A master key.
#[derive(Clone, Debug)]
pub(super) struct MasterKeyText(pub(super) MasterKey);

impl Setting for MasterKeyText {
    fn kind() -> String {
        "32 random bytes in base64url without padding (43 characters)".to_owned()
    }

    fn read(raw: &Raw) -> Result<Self, Refusal> {
        super::master_key::parse(text(raw)?).map(Self)
    }

    fn show(&self) -> String {
        shown("***")
    }
}

/// The path of a file with a secret in it.
#[derive(Clone, Debug)]
pub(super) struct SecretFile(pub(super) std::path::PathBuf);

impl Setting for SecretFile {
    fn kind() -> String {
        "the path of a file".to_owned()
    }

    fn read(raw: &Raw) -> Result<Self, Refusal> {
        text(raw).map(|path| Self(path.into()))
    }

    fn show(&self) -> String {
        shown(self.0.display())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(raw: Raw) -> Result<u32, String> {
        Whole::<1, 60>::read(&raw)
            .map(|Whole(n)| n)
            .map_err(|refusal| refusal.problem)
    }

    #[test]
    fn numbers_are_whole_and_within_bounds() {
        assert_eq!(whole(Raw::Integer(60)), Ok(60));
        assert_eq!(whole(Raw::Text("1".to_owned())), Ok(1));
        for wrong in [
            "",
            "0",
            "61",
            "-1",
            "+1",
            "1.0",
            "1e1",
            " 1",
            "١",
            "99999999999999999999",
        ] {
            let problem = whole(Raw::Text(wrong.to_owned())).unwrap_err();
            assert!(problem.contains(wrong), "{problem}");
        }
        assert_eq!(
            whole(Raw::Integer(i128::MAX)).unwrap_err(),
            format!("is {}", i128::MAX)
        );
        assert_eq!(whole(Raw::String("5".to_owned())).unwrap_err(), "is a text");
        assert_eq!(whole(Raw::Other("a table")).unwrap_err(), "is a table");
    }

    #[test]
    fn lists_are_arrays_in_the_file_and_have_commas_elsewhere() {
        let names = |raw: Raw| Names::read(&raw).map(|Names(names)| names);
        let array = Raw::List(vec![
            Raw::String("a".to_owned()),
            Raw::String("b".to_owned()),
        ]);
        assert_eq!(names(array).unwrap(), ["a", "b"]);
        assert_eq!(names(Raw::Text("a, b".to_owned())).unwrap(), ["a", "b"]);
        for wrong in ["", " ", "a,,b", "a,a", "a b", "é"] {
            assert!(names(Raw::Text(wrong.to_owned())).is_err(), "{wrong:?}");
        }
        assert!(names(Raw::String("a".to_owned())).is_err());
        assert!(names(Raw::List(vec![Raw::Integer(1)])).is_err());
    }

    #[test]
    fn what_was_written_is_quoted_on_one_line() {
        assert_eq!(quoted("a\n\"b\"\u{1b}[31m"), r#""a\n\"b\"\u{1b}[31m""#);
        assert_eq!(quoted(&"x".repeat(100)).chars().count(), 63);
    }
}
