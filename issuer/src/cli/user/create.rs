//! `signet user create`: an account that an operator vouches for, the first admin among them. It
//! works beside a running issuer, on the same database.

use std::io::Read as _;
use std::process::ExitCode;

use clap::Args;
use signet_core::account::Account;
use signet_core::account::setup::{AccountOrder, CreateError};
use signet_core::email::{EmailAddress, EmailAddressError};
use signet_core::issuer::Issuer;
use signet_core::password::Password;
use signet_core::password::new::NewPasswordError;
use zeroize::Zeroizing;

use super::{object, role_names};
use crate::cli::arguments::ConfigurationArgs;
use crate::cli::{no, say, unusable, with_issuer_for};
use crate::serve::opening::Purpose;

/// The most that is read of a password, in bytes: more than the longest one.
const LARGEST_PASSWORD: u64 = 4_096;

/// `signet user create`
#[derive(Args, Debug)]
pub(in crate::cli) struct Create {
    #[command(flatten)]
    configuration: ConfigurationArgs,
    /// Where the account's mail goes
    #[arg(long)]
    email: String,
    /// A role it gets; may be given several times
    #[arg(long = "role", value_name = "ROLE")]
    roles: Vec<String>,
    /// You know that the address is its owner's. Without this flag nobody can log in before it was
    /// proven, by a resent mail or a reset (unless registration.email_verification is optional); no
    /// mail is sent now
    #[arg(long)]
    verified: bool,
    /// Read the password from standard input, where no other process can see it. One line end
    /// behind it (LF or CRLF) is not part of it
    #[arg(long, required = true)]
    password_stdin: bool,
    /// Answer as JSON
    #[arg(long)]
    json: bool,
}

impl Create {
    pub(in crate::cli) fn run(self) -> ExitCode {
        let json = self.json;
        let (email, roles) = match (self.address(), role_names(&self.roles)) {
            (Ok(email), Ok(roles)) => (email, roles),
            (Err(error), _) => return unusable(&format_args!("--email {error}")),
            (_, Err(error)) => return unusable(&error),
        };
        let password = match read_password() {
            Ok(password) => password,
            Err(error) => return unusable(&error),
        };
        let order = AccountOrder {
            email,
            password,
            roles,
            verified: self.verified,
        };
        with_issuer_for(
            Purpose::FirstCommand,
            self.configuration,
            async move |issuer: &Issuer| create(issuer, order, json).await,
        )
    }

    fn address(&self) -> Result<EmailAddress, EmailAddressError> {
        EmailAddress::parse(&self.email)
    }
}

fn read_password() -> Result<Password, String> {
    let mut text = Zeroizing::new(String::new());
    std::io::stdin()
        .take(LARGEST_PASSWORD)
        .read_to_string(&mut text)
        .map_err(|error| format!("can't read the password from standard input: {error}"))?;
    // `echo` ends a line with LF, a file from Windows with CRLF.
    let line = text
        .strip_suffix("\r\n")
        .or_else(|| text.strip_suffix('\n'))
        .unwrap_or(&text);
    if line.is_empty() {
        return Err("there is no password on standard input".to_owned());
    }
    // No form and no terminal lets anyone type these, so nobody could log in.
    if line.contains(['\r', '\n', '\0']) {
        return Err(
            "the password on standard input must be one line, with at most one line end behind \
             it and no NUL in it"
                .to_owned(),
        );
    }
    let line = Zeroizing::new(line.to_owned());
    Password::new(line).map_err(|error| format!("the password {error}"))
}

async fn create(issuer: &Issuer, order: AccountOrder, as_json: bool) -> ExitCode {
    match issuer.create_account_as_operator(order).await {
        Ok(account) if as_json => say(&format!("{}\n", object(&account))),
        Ok(account) => say(&told(&account)),
        Err(error @ CreateError::NewPassword(NewPasswordError::Weak(_))) => {
            no(&format_args!("the password can't be taken: {error}"))
        }
        Err(error) => no(&error),
    }
}

fn told(account: &Account) -> String {
    let email = account.email.original();
    let line = format!("created {email} ({})\n", account.id);
    if account.email_verified {
        return line;
    }
    format!(
        "{line}the address is not verified: unless registration.email_verification is optional, \
         nobody can log in until {email} has been proven, with this password (POST \
         /v1/email/verify/resend) or by resetting it (POST /v1/password/forgot). No mail was sent\n"
    )
}
