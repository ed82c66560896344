//! `signet user suspend`, `activate` and `password-reset`

use std::process::ExitCode;

use clap::Args;
use signet_core::account::{Account, AccountStatus};
use signet_core::issuer::Issuer;

use super::{AccountName, account, object};
use crate::cli::arguments::ConfigurationArgs;
use crate::cli::{no, say, with_issuer};

/// An account, by its name.
#[derive(Args, Debug)]
pub(in crate::cli) struct Named {
    #[command(flatten)]
    configuration: ConfigurationArgs,
    /// The account's address, or its id
    #[arg(value_name = "ACCOUNT")]
    name: AccountName,
}

/// An account, and how to answer of it.
#[derive(Args, Debug)]
pub(in crate::cli) struct One {
    #[command(flatten)]
    pub(in crate::cli) named: Named,
    /// Answer as JSON
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

impl Named {
    /// Does something with the account, if it is there.
    pub(in crate::cli) fn with_account(
        self,
        command: impl AsyncFnOnce(&Issuer, Account) -> ExitCode,
    ) -> ExitCode {
        with_issuer(
            self.configuration,
            async move |issuer: &Issuer| match account(issuer, &self.name).await {
                Ok(found) => command(issuer, found).await,
                Err(code) => code,
            },
        )
    }
}

/// `signet user suspend`
#[derive(Args, Debug)]
pub(in crate::cli) struct Suspend {
    #[command(flatten)]
    one: One,
}

/// `signet user activate`
#[derive(Args, Debug)]
pub(in crate::cli) struct Activate {
    #[command(flatten)]
    one: One,
}

/// `signet user password-reset`
#[derive(Args, Debug)]
pub(in crate::cli) struct PasswordReset {
    #[command(flatten)]
    one: One,
}

impl Suspend {
    pub(in crate::cli) fn run(self) -> ExitCode {
        set(self.one, AccountStatus::Suspended)
    }
}

impl Activate {
    pub(in crate::cli) fn run(self) -> ExitCode {
        set(self.one, AccountStatus::Active)
    }
}

fn set(one: One, status: AccountStatus) -> ExitCode {
    let as_json = one.json;
    one.named
        .with_account(async move |issuer: &Issuer, found: Account| {
            match issuer.set_status_as_operator(found.id, status).await {
                Ok(account) if as_json => say(&format!("{}\n", object(&account))),
                Ok(account) => say(&format!(
                    "{} ({}) is {}\n",
                    account.email.original(),
                    account.id,
                    account.status.as_str()
                )),
                Err(error) => no(&error),
            }
        })
}

impl PasswordReset {
    pub(in crate::cli) fn run(self) -> ExitCode {
        let as_json = self.one.json;
        self.one
            .named
            .with_account(async move |issuer: &Issuer, found: Account| {
                match issuer.send_reset_as_operator(found.id).await {
                    Ok(()) if as_json => say(&format!("{}\n", object(&found))),
                    Ok(()) => say(&format!(
                        "a mail to {} waits in the outbox; the issuer that runs sends it\n",
                        found.email.original()
                    )),
                    Err(error) => no(&error),
                }
            })
    }
}
