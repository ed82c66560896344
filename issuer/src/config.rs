//! What the operator said, checked: everything that is wrong is told at once, before anything
//! starts.
//!
//! # The path of a setting
//!
//! [`source`](self) reads the file, the environment and the flags; [`keys`] knows every key, its
//! type and what is said of it; `setting` reads each type; `assemble` applies the rules between
//! keys (local mode, what production needs) and makes the values that the parts of the program
//! take. Nothing else reads a file or a variable for its settings.
//!
//! To add a key, see [`keys`].

mod assemble;
pub mod fault;
pub mod keys;
pub mod master_key;
pub mod picture;
pub mod print;
pub mod reference;
mod setting;
mod source;

use std::net::SocketAddr;

use lettre::message::Mailbox;

use crate::http::app;
use crate::mail::smtp::Server;

pub use fault::Faults;
pub use keys::{KEYS, Key, Line};
pub use master_key::MasterKeySource;
pub use setting::{Database, Level, LogFormat, SessionsIn};
pub use source::Sources;

/// Where an issuer is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Mode {
    /// On somebody's own machine, for themselves: the setup link, the mailbox and plain http are
    /// fine.
    Local,
    /// Out there.
    Production,
}

/// A configuration without faults.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where the issuer is.
    pub mode: Mode,
    /// The address that requests are taken at.
    pub listen: SocketAddr,
    /// What is served to operators, if anything is.
    pub operations: Option<OperationsSettings>,
    /// Where everything is kept.
    pub database: Database,
    /// Where limits are kept for all issuers of the database, if anywhere.
    pub redis: Option<Box<signet_store_redis::Address>>,
    /// Where sessions are kept.
    pub sessions: SessionsIn,
    /// What its secrets are sealed under.
    pub master_key: MasterKeySource,
    /// How the use cases behave.
    pub issuer: signet_core::issuer::Settings,
    /// How the HTTP side behaves.
    pub http: app::Settings,
    /// Where mail goes.
    pub mail: MailSettings,
    /// How things are logged.
    pub log: LogSettings,
}

/// The operations listener.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct OperationsSettings {
    /// Its address.
    pub listen: SocketAddr,
    /// Whether the operator named it. What nobody asked for stops no start.
    pub is_asked_for: bool,
}

/// Where mail goes.
#[derive(Clone, Debug)]
pub enum MailSettings {
    /// Into local mode's mailbox.
    Mailbox,
    /// To a mail server.
    Smtp(SmtpSettings),
}

/// How mail is sent.
#[derive(Clone, Debug)]
pub struct SmtpSettings {
    /// The server.
    pub server: Server,
    /// Whom mail is from.
    pub from: Mailbox,
    /// The name that the server is greeted with.
    pub hello: String,
}

/// How things are logged.
#[derive(Clone, Copy, Debug)]
pub struct LogSettings {
    /// How; what fits where the log goes, where nobody says so.
    pub format: Option<LogFormat>,
    /// The least important events.
    pub level: Level,
}

/// A configuration as it was read, with its faults.
#[derive(Debug)]
pub struct Loaded {
    /// Every key with the value that counts.
    pub lines: Vec<Line>,
    /// The configuration, or what is wrong with it.
    pub config: Result<Config, Faults>,
}

impl Loaded {
    /// Reads everything there is to read.
    #[must_use]
    pub fn from(sources: &Sources) -> Self {
        let mut faults = Faults::default();
        let given = source::read(sources, &mut faults);
        let values = keys::Values::read(&given, &mut faults);
        let config = assemble::assemble(&values, sources, &mut faults);
        Self {
            lines: values.lines(),
            config: config.filter(|_| faults.is_empty()).ok_or(faults),
        }
    }
}
