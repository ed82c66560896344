//! `signet mail`: mail that doesn't get through, and trying the way it goes.

mod outbox;
mod trial;

use std::process::ExitCode;

use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(super) enum MailCommand {
    /// Send one message to an address with the mail server of the configuration, and tell step by
    /// step what works, or what is wrong and what to do; exit 1 if it wasn't taken
    Test(trial::Test),
    /// List mail that waits or will never be sent, newest first
    Outbox(outbox::List),
    /// Try mail again now, as if it were new; exit 1 if any can't be
    Retry(outbox::Retry),
}

impl MailCommand {
    pub(super) fn run(self) -> ExitCode {
        match self {
            Self::Test(test) => test.run(),
            Self::Outbox(list) => list.run(),
            Self::Retry(retry) => retry.run(),
        }
    }
}
