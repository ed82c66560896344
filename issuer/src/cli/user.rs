//! `signet user`: what an operator does with accounts. It works beside a running issuer, on the same
//! database, and is written down in the trail in the operator's name.
//!
//! To add a command: write its `Args` struct with a `run` in the file of its kin, and a variant
//! here.

mod create;
mod invite;
mod list;
mod one;
mod personal;

use std::collections::BTreeSet;
use std::process::ExitCode;
use std::str::FromStr;

use clap::Subcommand;
use serde_json::{Value, json};
use signet_core::account::{Account, AccountId};
use signet_core::email::EmailAddress;
use signet_core::issuer::Issuer;
use signet_core::role::RoleName;
use uuid::Uuid;

use super::no;
use crate::http::admin::users::User;

pub(super) use one::{Named, One};

#[derive(Debug, Subcommand)]
pub(super) enum UserCommand {
    /// Create an account
    Create(create::Create),
    /// Invite somebody by mail to an account that they give its password
    Invite(invite::Invite),
    /// List accounts, by creation
    List(list::List),
    /// Stop an account; its sessions are over
    Suspend(one::Suspend),
    /// Let a suspended account be used again
    Activate(one::Activate),
    /// Have a mail sent that lets the owner set a new password
    PasswordReset(one::PasswordReset),
    /// Print everything that is held about somebody, as JSON
    Export(personal::Export),
    /// Erase an account, and all that is held with it
    Erase(personal::Erase),
}

impl UserCommand {
    pub(super) fn run(self) -> ExitCode {
        match self {
            Self::Create(create) => create.run(),
            Self::Invite(invite) => invite.run(),
            Self::List(list) => list.run(),
            Self::Suspend(suspend) => suspend.run(),
            Self::Activate(activate) => activate.run(),
            Self::PasswordReset(reset) => reset.run(),
            Self::Export(export) => export.run(),
            Self::Erase(erase) => erase.run(),
        }
    }
}

/// How a command names an account: by its address, or by the id that logs, lists and the trail show.
#[derive(Clone, Debug)]
enum AccountName {
    Address(EmailAddress),
    Id(AccountId),
}

impl FromStr for AccountName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        // No address is a UUID: it has an `@`.
        match Uuid::try_parse(text) {
            Ok(id) => Ok(Self::Id(AccountId(id))),
            Err(_) => address(text)
                .map(Self::Address)
                .map_err(|error| format!("{error}, or be the id of an account")),
        }
    }
}

/// An address on the command line.
fn address(text: &str) -> Result<EmailAddress, String> {
    EmailAddress::parse(text).map_err(|error| error.to_string())
}

/// The account of a name, or the exit code where there is none.
async fn account(issuer: &Issuer, name: &AccountName) -> Result<Account, ExitCode> {
    let (found, whose) = match name {
        AccountName::Address(email) => (
            issuer.account_at(email).await,
            format!("the address {}", email.original()),
        ),
        AccountName::Id(id) => (issuer.account(*id).await, format!("the id {id}")),
    };
    match found {
        Ok(Some(account)) => Ok(account),
        Ok(None) => Err(no(&format_args!("no account has {whose}"))),
        Err(error) => Err(no(&error)),
    }
}

fn role_names(texts: &[String]) -> Result<BTreeSet<RoleName>, String> {
    let name =
        |text: &String| RoleName::parse(text).map_err(|error| format!("--role {text:?} {error}"));
    texts.iter().map(name).collect()
}

/// An account as JSON, as the API shows it to admins.
fn object(account: &Account) -> Value {
    json!(User::from(account.clone()))
}
