//! `signet user list`

use std::process::ExitCode;

use clap::Args;
use serde_json::{Value, json};
use signet_core::account::{Account, AccountStatus};
use signet_core::issuer::Issuer;
use signet_core::ports::{AccountFilter, StoreResult};
use signet_core::role::RoleName;

use super::object;
use crate::cli::arguments::ConfigurationArgs;
use crate::cli::beginning::Beginning;
use crate::cli::{no, say, with_issuer};
use crate::http::wire::Timestamp;

/// How many accounts are read at a time.
const PAGE: u32 = 200;

/// `signet user list`
#[derive(Args, Debug)]
pub(in crate::cli) struct List {
    #[command(flatten)]
    configuration: ConfigurationArgs,
    /// Only accounts with this in their address or name
    #[arg(long, value_name = "TEXT")]
    with: Option<String>,
    /// Only accounts of this status: active, suspended or invited
    #[arg(long, value_parser = status)]
    status: Option<AccountStatus>,
    /// Only accounts that were given this role
    #[arg(long, value_parser = role)]
    role: Option<RoleName>,
    /// How many at most
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
    /// Answer as JSON
    #[arg(long)]
    json: bool,
}

fn status(text: &str) -> Result<AccountStatus, String> {
    AccountStatus::parse(text).ok_or_else(|| "there are active, suspended and invited".to_owned())
}

fn role(text: &str) -> Result<RoleName, String> {
    RoleName::parse(text).map_err(|error| error.to_string())
}

impl List {
    pub(in crate::cli) fn run(self) -> ExitCode {
        let filter = AccountFilter {
            text: self.with,
            status: self.status,
            role: self.role,
        };
        let (limit, as_json) = (self.limit, self.json);
        with_issuer(
            self.configuration,
            async move |issuer: &Issuer| match accounts(issuer, &filter, limit).await {
                Ok(listed) if as_json => {
                    let users: Vec<Value> = listed.items.iter().map(object).collect();
                    let more = listed.more;
                    say(&format!("{}\n", json!({ "users": users, "more": more })))
                }
                Ok(listed) => say(&format!("{}{}", text(&listed.items), listed.end())),
                Err(error) => no(&error),
            },
        )
    }
}

async fn accounts(
    issuer: &Issuer,
    filter: &AccountFilter,
    limit: u32,
) -> StoreResult<Beginning<Account>> {
    Beginning::read(limit, async |last: Option<&Account>| {
        let after = last.map(|account| account.id);
        issuer.accounts(filter, after, PAGE).await
    })
    .await
}

fn text(accounts: &[Account]) -> String {
    let mut text = String::new();
    for account in accounts {
        let roles: Vec<&str> = account.roles.iter().map(RoleName::as_str).collect();
        let created_at = Timestamp::from(account.created_at);
        let verified = match account.email_verified {
            true => "verified",
            false => "not verified",
        };
        text.push_str(&format!(
            "{}  {:<9}  {created_at}  {}  {verified}  {}\n",
            account.id,
            account.status.as_str(),
            account.email.original(),
            roles.join(",")
        ));
    }
    match text.is_empty() {
        true => "there is no such account\n".to_owned(),
        false => text,
    }
}
