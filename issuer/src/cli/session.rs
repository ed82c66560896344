//! `signet session`: the sessions of an account, or of all, seen and ended by an operator.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use signet_core::account::Account;
use signet_core::feed::{FeedError, entry_life};
use signet_core::issuer::Issuer;
use signet_core::session::{Session, SessionId};
use uuid::Uuid;

use super::arguments::{ConfigurationArgs, id};
use super::user::One;
use super::{complain, no, say, unusable, with_issuer};
use crate::http::wire::Timestamp;

#[derive(Debug, Subcommand)]
pub(super) enum SessionCommand {
    /// List the live sessions of an account, newest first
    List(List),
    /// End sessions of an account; access tokens of theirs are good elsewhere until they expire, or
    /// until the revocation feed has come
    End(End),
    /// End all sessions of all accounts: everybody has to log in again
    EndAll(EndAll),
}

/// `signet session list`
#[derive(Args, Debug)]
pub(super) struct List {
    #[command(flatten)]
    one: One,
}

/// `signet session end`
// clap would put the group before the account, where nothing takes it.
#[derive(Args, Debug)]
#[command(override_usage = "signet session end [OPTIONS] <ACCOUNT> <ID|--all>")]
pub(super) struct End {
    #[command(flatten)]
    one: One,
    #[command(flatten)]
    which: Which,
}

/// `signet session end-all`
#[derive(Args, Debug)]
pub(super) struct EndAll {
    #[command(flatten)]
    configuration: ConfigurationArgs,
    /// You mean it
    #[arg(long)]
    yes: bool,
    /// Answer as JSON
    #[arg(long)]
    json: bool,
}

/// Which sessions end.
#[derive(Args, Debug)]
#[group(required = true, multiple = false)]
struct Which {
    /// The session, as `signet session list` shows it
    #[arg(value_parser = id)]
    id: Option<Uuid>,
    /// All of them
    #[arg(long)]
    all: bool,
}

impl SessionCommand {
    pub(super) fn run(self) -> ExitCode {
        match self {
            Self::List(list) => list.run(),
            Self::End(end) => end.run(),
            Self::EndAll(end) => end.run(),
        }
    }
}

impl List {
    fn run(self) -> ExitCode {
        let as_json = self.one.json;
        self.one
            .named
            .with_account(async move |issuer: &Issuer, found: Account| {
                match issuer.sessions_of(found.id).await {
                    Ok(sessions) if as_json => {
                        let sessions: Vec<Value> = sessions.iter().map(object).collect();
                        say(&format!("{}\n", json!({ "sessions": sessions })))
                    }
                    Ok(sessions) => say(&text(&sessions)),
                    Err(error) => no(&error),
                }
            })
    }
}

impl End {
    fn run(self) -> ExitCode {
        let (id, as_json) = (self.which.id, self.one.json);
        let end = async move |issuer: &Issuer, found: Account| {
            let Some(id) = id else {
                return match issuer.end_sessions_as_operator(found.id).await {
                    Ok(count) => ended(count, as_json),
                    Err(error) => no(&error),
                };
            };
            match issuer
                .end_session_as_operator(found.id, SessionId(id))
                .await
            {
                Ok(true) => ended(1, as_json),
                Ok(false) => no(&format_args!("the account has no live session {id}")),
                Err(error) => no(&error),
            }
        };
        self.one.named.with_account(end)
    }
}

impl EndAll {
    fn run(self) -> ExitCode {
        if !self.yes {
            return unusable(&"add --yes to end all sessions of all accounts");
        }
        let as_json = self.json;
        let end =
            async move |issuer: &Issuer| match issuer.end_everyones_sessions_as_operator().await {
                Ok(count) => {
                    tell_if_it_is_too_much_for_a_feed(issuer).await;
                    ended(count, as_json)
                }
                Err(error) => no(&format_args!(
                    "{error}; some sessions may be over already: run this again"
                )),
            };
        with_issuer(self.configuration, end)
    }
}

/// Nobody else tells who has just ended all sessions that edges learn of nothing until the feed is
/// back, and least of all of a key that was revoked in the same breath.
async fn tell_if_it_is_too_much_for_a_feed(issuer: &Issuer) {
    if let Err(FeedError::TooLarge) = issuer.settled_feed().await {
        let minutes = entry_life(issuer.settings().access_seconds).div_ceil(60);
        complain(&format_args!(
            "the sessions are over, and they are more than the revocation feed can say: there is \
             none for about {minutes} minutes. Until then their access tokens are good elsewhere \
             until they expire, rules that require a fresh feed refuse, and a key that was revoked \
             in the last ten seconds is refused within five minutes. There is nothing to do but to \
             wait (docs/REVOCATION.md)"
        ));
    }
}

fn ended(count: u64, as_json: bool) -> ExitCode {
    match (as_json, count) {
        (true, _) => say(&format!("{}\n", json!({ "ended": count }))),
        (false, 1) => say("ended 1 session\n"),
        (false, _) => say(&format!("ended {count} sessions\n")),
    }
}

fn object(session: &Session) -> Value {
    json!({
        "id": session.id.0.to_string(),
        "created_at": Timestamp::from(session.created_at).to_string(),
        "last_seen_at": Timestamp::from(session.last_seen_at).to_string(),
        "repeats": session.repeats,
        "repeated_at": session.repeated_at.map(|at| Timestamp::from(at).to_string()),
        "user_agent": session.user_agent,
        "ip": session.ip,
    })
}

fn text(sessions: &[Session]) -> String {
    let mut text = String::new();
    for session in sessions {
        let (created_at, seen_at) = (
            Timestamp::from(session.created_at),
            Timestamp::from(session.last_seen_at),
        );
        let ip = session.ip.map(|ip| ip.to_string()).unwrap_or_default();
        let agent = session.user_agent.as_deref().unwrap_or_default();
        let (id, repeated) = (session.id.0, repeated(session));
        text.push_str(&format!(
            "{id}  opened {created_at}  seen {seen_at}  {repeated}{ip}  {agent}\n"
        ));
    }
    match text.is_empty() {
        true => "there is no live session\n".to_owned(),
        false => text,
    }
}

/// What may be a thief's: tokens that came once more and were answered, within their grace.
fn repeated(session: &Session) -> String {
    match session.repeated_at {
        None => String::new(),
        Some(at) => format!(
            "answered again {} times, last {}  ",
            session.repeats,
            Timestamp::from(at)
        ),
    }
}

#[cfg(test)]
mod tests {
    use signet_core::time::UnixTime;

    use super::*;

    #[test]
    fn a_session_shows_that_its_tokens_came_twice() {
        let at = UnixTime::from_secs(1_800_000_000);
        let mut session = Session {
            id: SessionId(Uuid::from_u128(7)),
            created_at: at,
            last_seen_at: at,
            user_agent: None,
            ip: None,
            repeats: 0,
            repeated_at: None,
        };
        assert!(!text(std::slice::from_ref(&session)).contains("again"));
        assert!(object(&session)["repeated_at"].is_null());
        session.repeats = 3;
        session.repeated_at = Some(at);
        let said = text(std::slice::from_ref(&session));
        assert!(
            said.contains("  answered again 3 times, last 2027-01-15T08:00:00Z  "),
            "{said}"
        );
        assert_eq!(object(&session)["repeated_at"], "2027-01-15T08:00:00Z");
    }
}
