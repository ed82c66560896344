//! The command line. `signet` alone is `signet serve`.
//!
//! Exit codes: 0 done, 1 the answer is no, 2 unusable input, arguments or configuration, said on
//! standard error. A database that can't be used is a no as well, but to `signet audit verify`,
//! whose no says that somebody changed the trail.
//!
//! To add a command: give it a file with an `Args` struct and a `run`, and a variant here.

mod arguments;
mod audit;
mod beginning;
mod config;
mod db;
mod decide;
mod doctor;
mod health;
mod key_set;
mod keys;
mod lines;
mod mail;
mod passwords;
mod policy;
mod serve;
mod session;
mod token;
mod user;
mod users;

use std::fmt::Display;
use std::future::Future;
use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use signet_core::issuer::Issuer;

use self::arguments::ConfigurationArgs;
use crate::config::{Config, Loaded};
use crate::serve::opening::{self, OpenError, Purpose};

/// The issuer of tokens that anyone can check.
#[derive(Debug, Parser)]
#[command(name = "signet", version, args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(flatten)]
    configuration: ConfigurationArgs,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the API and the pages; what `signet` alone does
    Serve(ConfigurationArgs),
    /// Ask the issuer that runs here whether it can serve; exit 1 if it can't
    Health(ConfigurationArgs),
    /// Accounts
    #[command(subcommand)]
    User(user::UserCommand),
    /// Sessions of accounts
    #[command(subcommand)]
    Session(session::SessionCommand),
    /// The audit trail
    #[command(subcommand)]
    Audit(audit::AuditCommand),
    /// Accounts by the file
    #[command(subcommand)]
    Users(users::UsersCommand),
    /// Mail: what doesn't get through, and why
    #[command(subcommand)]
    Mail(mail::MailCommand),
    /// Signing keys
    #[command(subcommand)]
    Keys(keys::KeysCommand),
    /// The database
    #[command(subcommand)]
    Db(db::DbCommand),
    /// Lists of passwords that attackers know
    #[command(subcommand)]
    Passwords(passwords::PasswordsCommand),
    /// The configuration
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Look at the configuration and at all it leads to, and tell what is wrong and what to do;
    /// exit 1 if the issuer can't run like this. Changes nothing, and an issuer may run meanwhile
    Doctor(doctor::Doctor),
    /// Print the OpenAPI document of the API
    Openapi,
    /// Policies: who may do what, as every host decides it
    #[command(subcommand)]
    Policy(policy::PolicyCommand),
    /// Decide about the request heads on standard input, as every host does
    Decide(decide::Decide),
    /// Tokens
    #[command(subcommand)]
    Token(TokenCommand),
}

#[derive(Debug, Subcommand)]
enum ConfigCommand {
    /// Tell everything that is wrong with the configuration; exit 1 if anything is
    Check(config::Check),
    /// Print the configuration that counts, without its secrets
    Print(config::Print),
    /// Print the reference of all keys, as in docs/CONFIGURATION.md
    Reference,
    /// Print the life of a token as an SVG with the numbers that count here, as in docs/TOKEN-LIFE.md
    Picture(config::Picture),
}

#[derive(Debug, Subcommand)]
enum TokenCommand {
    /// Check the access token on standard input; exit 1 if it isn't good
    Verify(token::Verify),
}

/// Does what the command line of this process says.
#[must_use]
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    match cli.command.unwrap_or(Command::Serve(cli.configuration)) {
        Command::Serve(arguments) => serve::run(arguments),
        Command::Health(arguments) => health::run(arguments),
        Command::User(user) => user.run(),
        Command::Session(session) => session.run(),
        Command::Audit(audit) => audit.run(),
        Command::Users(users) => users.run(),
        Command::Mail(mail) => mail.run(),
        Command::Keys(keys) => keys.run(),
        Command::Db(db) => db.run(),
        Command::Passwords(passwords) => passwords.run(),
        Command::Config(ConfigCommand::Check(check)) => check.run(),
        Command::Config(ConfigCommand::Print(print)) => print.run(),
        Command::Config(ConfigCommand::Reference) => say(&crate::config::reference::markdown()),
        Command::Config(ConfigCommand::Picture(picture)) => picture.run(),
        Command::Doctor(doctor) => doctor.run(),
        Command::Openapi => say(&crate::http::openapi::text()),
        Command::Policy(policy) => policy.run(),
        Command::Decide(decide) => decide.run(),
        Command::Token(TokenCommand::Verify(verify)) => block_on(verify.run()),
    }
}

/// Prints an answer that ends with a line feed.
fn say(text: &str) -> ExitCode {
    match io::stdout().write_all(text.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever closed the pipe has read enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => unusable(&format_args!("can't write the answer: {error}")),
    }
}

/// The answer is no.
fn no(reason: &impl Display) -> ExitCode {
    complain(reason);
    ExitCode::from(1)
}

/// There is nothing to answer: what was given can't be used.
fn unusable(reason: &impl Display) -> ExitCode {
    complain(reason);
    ExitCode::from(2)
}

/// A file can't be made or read: a name that leads nowhere can't be used.
fn file_fault(error: &impl Display, source: &io::Error) -> ExitCode {
    match source.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => unusable(error),
        _ => no(error),
    }
}

fn complain(reason: &impl Display) {
    let _nobody_reads_it = writeln!(io::stderr(), "signet: {reason}");
}

/// The configuration of a command, or its exit code once the faults were told.
fn configuration(arguments: ConfigurationArgs) -> Result<Config, ExitCode> {
    Loaded::from(&arguments.into_sources())
        .config
        .map_err(|faults| unusable(&faults))
}

/// Runs a command that works with an issuer whose database is in use, beside one that serves
/// perhaps.
fn with_issuer(
    arguments: ConfigurationArgs,
    command: impl AsyncFnOnce(&Issuer) -> ExitCode,
) -> ExitCode {
    with_issuer_for(Purpose::Command, arguments, command)
}

/// Runs a command that works with an issuer.
fn with_issuer_for(
    purpose: Purpose,
    arguments: ConfigurationArgs,
    command: impl AsyncFnOnce(&Issuer) -> ExitCode,
) -> ExitCode {
    with_issuer_or(no, purpose, arguments, command)
}

/// The same, and `unopened` tells why there is no issuer: to a command whose "no" says something
/// else.
fn with_issuer_or(
    unopened: fn(&OpenError) -> ExitCode,
    purpose: Purpose,
    arguments: ConfigurationArgs,
    command: impl AsyncFnOnce(&Issuer) -> ExitCode,
) -> ExitCode {
    let config = match configuration(arguments) {
        Ok(config) => config,
        Err(code) => return code,
    };
    block_on(async {
        let opened = match opening::open(&config, purpose).await {
            Ok(opened) => opened,
            Err(error) => return unopened(&error),
        };
        let code = command(&opened.issuer).await;
        opened.database.close().await;
        code
    })
}

/// Runs a command that has little to do, on this thread.
fn block_on(command: impl Future<Output = ExitCode>) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    match runtime {
        Ok(runtime) => {
            let code = runtime.block_on(command);
            runtime.shutdown_background();
            code
        }
        Err(error) => unusable(&format_args!("can't start: {error}")),
    }
}
