//! `signet policy …`: what can be asked of a policy before a host gets it.
//!
//! Each command reads the policy by [`policy_file`](crate::policy_file). [`check`] holds it against
//! the operations that [`openapi`] finds in a description of an API, by [`coverage`]. [`test`] and
//! [`explain`] have the gate itself decide, on a [`stage`].
//!
//! To add a command: give it a file with an `Args` struct and a `run`, and a variant here.

mod absence;
mod cases;
mod check;
mod compile;
mod coverage;
mod doubts;
mod explain;
mod openapi;
mod rule;
mod stage;
mod template;
mod test;

use std::process::ExitCode;

use clap::Subcommand;

/// `signet policy`
#[derive(Debug, Subcommand)]
pub(super) enum PolicyCommand {
    /// Tell everything that is wrong with a policy; exit 1 if anything is
    Check(check::Check),
    /// Print the canonical JSON that hosts are given
    Compile(compile::Compile),
    /// Decide about a file of cases; exit 1 where a decision isn't the wanted one
    Test(test::Test),
    /// Say why a request is decided as it is, and what is missing
    Explain(explain::Explain),
}

impl PolicyCommand {
    pub(super) fn run(self) -> ExitCode {
        match self {
            Self::Check(check) => check.run(),
            Self::Compile(compile) => compile.run(),
            Self::Test(test) => test.run(),
            Self::Explain(explain) => explain.run(),
        }
    }
}
