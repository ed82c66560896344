//! The flags of the configuration: one for each key that isn't secret, from the table of keys.

use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{Arg, ArgAction, ArgMatches, Args, Command, Error, FromArgMatches};
use uuid::Uuid;

use crate::config::{KEYS, Key, Sources};

const FILE: &str = "config";

/// What the command line says of the configuration.
#[derive(Clone, Debug, Default)]
pub(super) struct ConfigurationArgs {
    file: Option<PathBuf>,
    flags: Vec<(&'static Key, String)>,
}

impl ConfigurationArgs {
    /// Everything there is to read: these flags, and the process's environment.
    pub(super) fn into_sources(self) -> Sources {
        Sources::of_this_process(self.file, self.flags)
    }
}

/// An id, as lists and logs show it.
pub(super) fn id(text: &str) -> Result<Uuid, String> {
    Uuid::try_parse(text)
        .map_err(|_| "an id looks like 01998f3e-5c1a-7c3e-9d55-3f2f6b6f9a01".to_owned())
}

fn flagged() -> impl Iterator<Item = &'static Key> {
    KEYS.iter().filter(|key| !key.secret)
}

impl Args for ConfigurationArgs {
    fn augment_args(command: Command) -> Command {
        let file = Arg::new(FILE)
            .long(FILE)
            .value_name("FILE")
            .value_parser(clap::value_parser!(PathBuf))
            .help("The file with the configuration, instead of ./signet.toml");
        flagged().fold(command.arg(file), |command, key| {
            let flag = Arg::new(key.flag_name())
                .long(key.flag_name())
                .value_name("VALUE")
                .action(ArgAction::Set)
                .hide_short_help(true)
                .help_heading("Configuration (docs/CONFIGURATION.md)")
                .help(key.about());
            command.arg(flag)
        })
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for ConfigurationArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        let mut arguments = Self::default();
        arguments.update_from_arg_matches(matches)?;
        Ok(arguments)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        let unreadable = |error| Error::raw(ErrorKind::InvalidValue, error);
        self.file = matches.try_get_one(FILE).map_err(unreadable)?.cloned();
        for key in flagged() {
            let value = matches
                .try_get_one::<String>(&key.flag_name())
                .map_err(unreadable)?;
            self.flags.extend(value.map(|value| (key, value.clone())));
        }
        Ok(())
    }
}
