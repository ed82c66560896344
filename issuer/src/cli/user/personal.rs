//! `signet user export` and `erase`: for the operator who has to answer a letter.

use std::process::ExitCode;

use clap::Args;
use signet_core::account::Account;
use signet_core::issuer::Issuer;
use signet_core::ports::AdminRefusal;

use super::Named;
use crate::cli::{no, say, unusable};
use crate::http::personal::PersonalData;

/// `signet user export`
#[derive(Args, Debug)]
pub(in crate::cli) struct Export {
    #[command(flatten)]
    named: Named,
}

/// `signet user erase`
#[derive(Args, Debug)]
pub(in crate::cli) struct Erase {
    #[command(flatten)]
    named: Named,
    /// You mean it: nothing of the account can be brought back, but from a backup
    #[arg(long)]
    yes: bool,
}

impl Export {
    pub(in crate::cli) fn run(self) -> ExitCode {
        let export = async move |issuer: &Issuer, found: Account| {
            let held = match issuer.export_as_operator(found.id).await {
                Ok(Some(held)) => PersonalData::from(held),
                Ok(None) => return no(&AdminRefusal::NotFound),
                Err(error) => return no(&error),
            };
            match serde_json::to_string_pretty(&held) {
                Ok(text) => say(&format!("{text}\n")),
                Err(error) => no(&error),
            }
        };
        self.named.with_account(export)
    }
}

impl Erase {
    pub(in crate::cli) fn run(self) -> ExitCode {
        if !self.yes {
            return unusable(&"add --yes to erase the account and all that is held with it");
        }
        let erase = async move |issuer: &Issuer, found: Account| match issuer
            .erase_account_as_operator(found.id)
            .await
        {
            Ok(()) => say(&format!(
                "erased {} ({})\n",
                found.email.original(),
                found.id
            )),
            Err(error) => no(&error),
        };
        self.named.with_account(erase)
    }
}
