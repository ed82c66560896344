//! `signet user export` and `erase`: for the operator who has to answer a letter.

use std::process::ExitCode;

use clap::Args;
use signet_core::issuer::Issuer;
use signet_core::ports::AccountChangeError;

use super::{AccountName, account};
use crate::cli::arguments::ConfigurationArgs;
use crate::cli::{no, say, unusable, with_issuer};
use crate::http::personal::PersonalData;

/// `signet user export`
#[derive(Args, Debug)]
pub(in crate::cli) struct Export {
    #[command(flatten)]
    configuration: ConfigurationArgs,
    /// The account's address, or its id
    #[arg(value_name = "ACCOUNT")]
    name: AccountName,
}

/// `signet user erase`
#[derive(Args, Debug)]
pub(in crate::cli) struct Erase {
    #[command(flatten)]
    configuration: ConfigurationArgs,
    /// The account's address, or its id
    #[arg(value_name = "ACCOUNT")]
    name: AccountName,
    /// You mean it: nothing of the account can be brought back, but from a backup
    #[arg(long)]
    yes: bool,
}

impl Export {
    pub(in crate::cli) fn run(self) -> ExitCode {
        let name = self.name;
        with_issuer(self.configuration, async move |issuer: &Issuer| {
            let found = match account(issuer, &name).await {
                Ok(found) => found,
                Err(code) => return code,
            };
            let held = match issuer.export_by_operator(found.id).await {
                Ok(Some(held)) => PersonalData::from(held),
                Ok(None) => return no(&AccountChangeError::NotFound),
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
        if !self.yes {
            return unusable(&"add --yes to erase the account and all that is held with it");
        }
        let name = self.name;
        with_issuer(self.configuration, async move |issuer: &Issuer| {
            let found = match account(issuer, &name).await {
                Ok(found) => found,
                Err(code) => return code,
            };
            match issuer.erase_by_operator(found.id).await {
                Ok(()) => say(&format!(
                    "erased {} ({})\n",
                    found.email.original(),
                    found.id
                )),
                Err(error) => no(&error),
            }
        })
    }
}
