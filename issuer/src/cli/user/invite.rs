//! `signet user invite`

use std::process::ExitCode;

use clap::Args;
use signet_core::account::DisplayName;
use signet_core::account::invite::Invitation;
use signet_core::email::EmailAddress;
use signet_core::issuer::Issuer;

use super::{address, object, role_names};
use crate::cli::arguments::ConfigurationArgs;
use crate::cli::{no, say, unusable, with_issuer_for};
use crate::serve::opening::Purpose;

/// `signet user invite`
#[derive(Args, Debug)]
pub(in crate::cli) struct Invite {
    #[command(flatten)]
    configuration: ConfigurationArgs,
    /// Where the mail goes; somebody who was invited already is sent another one, and the earlier
    /// one is void
    #[arg(value_parser = address)]
    email: EmailAddress,
    /// What they are called, until they say otherwise
    #[arg(long, value_parser = name)]
    name: Option<DisplayName>,
    /// A role they will have; may be given several times
    #[arg(long = "role", value_name = "ROLE")]
    roles: Vec<String>,
    /// Answer as JSON
    #[arg(long)]
    json: bool,
}

fn name(text: &str) -> Result<DisplayName, String> {
    DisplayName::parse(text).map_err(|error| error.to_string())
}

impl Invite {
    pub(in crate::cli) fn run(self) -> ExitCode {
        let roles = match role_names(&self.roles) {
            Ok(roles) => roles,
            Err(error) => return unusable(&error),
        };
        let invitation = Invitation {
            email: self.email,
            name: self.name,
            roles,
        };
        let as_json = self.json;
        with_issuer_for(
            Purpose::FirstCommand,
            self.configuration,
            async move |issuer: &Issuer| match issuer.invite_as_operator(invitation).await {
                Ok(account) if as_json => say(&format!("{}\n", object(&account))),
                Ok(account) => say(&format!(
                    "invited {} ({}); the mail waits in the outbox, the issuer that runs sends it\n",
                    account.email.original(),
                    account.id
                )),
                Err(error) => no(&error),
            },
        )
    }
}
