//! `signet user suspend`, `activate` and `password-reset`

use std::process::ExitCode;

use clap::Args;
use signet_core::account::AccountStatus;
use signet_core::email::EmailAddress;
use signet_core::issuer::Issuer;

use super::{account, address, object};
use crate::cli::arguments::ConfigurationArgs;
use crate::cli::{no, say, with_issuer};

/// An account, by its address.
#[derive(Args, Debug)]
struct One {
    #[command(flatten)]
    configuration: ConfigurationArgs,
    /// The account's address
    #[arg(value_parser = address)]
    email: EmailAddress,
    /// Answer as JSON
    #[arg(long)]
    json: bool,
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
    let (email, as_json) = (one.email, one.json);
    with_issuer(one.configuration, async move |issuer: &Issuer| {
        let found = match account(issuer, &email).await {
            Ok(found) => found,
            Err(code) => return code,
        };
        match issuer.operator_sets_status(found.id, status).await {
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
        let (email, as_json) = (self.one.email, self.one.json);
        with_issuer(self.one.configuration, async move |issuer: &Issuer| {
            let found = match account(issuer, &email).await {
                Ok(found) => found,
                Err(code) => return code,
            };
            match issuer.operator_sends_reset(found.id).await {
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
