//! `signet user export` and `erase`: for the operator who has to answer a letter.

use std::process::ExitCode;

use clap::Args;
use signet_core::email::EmailAddress;
use signet_core::issuer::Issuer;

use super::{account, address};
use crate::cli::arguments::ConfigurationArgs;
use crate::cli::{no, say, unusable, with_issuer};
use crate::http::personal::PersonalData;

/// `signet user export`
#[derive(Args, Debug)]
pub(in crate::cli) struct Export {
    #[command(flatten)]
    configuration: ConfigurationArgs,
    /// The account's address
    #[arg(value_parser = address)]
    email: EmailAddress,
}

/// `signet user erase`
#[derive(Args, Debug)]
pub(in crate::cli) struct Erase {
    #[command(flatten)]
    configuration: ConfigurationArgs,
    /// The account's address
    #[arg(value_parser = address)]
    email: EmailAddress,
    /// You mean it: nothing of the account can be brought back, but from a backup
    #[arg(long)]
    yes: bool,
}

impl Export {
    pub(in crate::cli) fn run(self) -> ExitCode {
        let email = self.email;
        with_issuer(self.configuration, async move |issuer: &Issuer| {
            let held = match issuer.export_by_operator(&email).await {
                Ok(Some(held)) => PersonalData::from(held),
                Ok(None) => {
                    let email = email.original();
                    return no(&format_args!("no account has the address {email}"));
                }
                Err(error) => return no(&error),
            };
            match serde_json::to_string_pretty(&held) {
                Ok(text) => say(&format!("{text}\n")),
                Err(error) => no(&error),
            }
        })
    }
}

impl Erase {
    pub(in crate::cli) fn run(self) -> ExitCode {
        let email = self.email;
        if !self.yes {
            return unusable(&format_args!(
                "add --yes to erase the account of {} and all that is held with it",
                email.original()
            ));
        }
        with_issuer(self.configuration, async move |issuer: &Issuer| {
            let found = match account(issuer, &email).await {
                Ok(found) => found,
                Err(code) => return code,
            };
            match issuer.erase_by_operator(&email).await {
                Ok(id) => say(&format!("erased {} ({id})\n", found.email.original())),
                Err(error) => no(&error),
            }
        })
    }
}
