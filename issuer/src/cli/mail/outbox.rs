//! `signet mail outbox` and `signet mail retry`: both work beside a running issuer, whose worker
//! sends what is due.

use std::process::ExitCode;

use clap::Args;
use serde_json::json;
use signet_core::issuer::Issuer;
use signet_core::mail::MailKind;
use signet_core::mail::outbox::{OutboxEntry, OutboxFilter, OutboxState, RetryError};
use signet_core::ports::StoreResult;
use uuid::Uuid;

use crate::cli::arguments::{ConfigurationArgs, id};
use crate::cli::beginning::Beginning;
use crate::cli::{complain, no, say, with_issuer};
use crate::http::admin::outbox::OutboxMail;
use crate::http::wire::Timestamp;

/// How many entries are read at a time.
const PAGE: u32 = 200;

/// `signet mail outbox`
#[derive(Args, Debug)]
pub(in crate::cli) struct List {
    #[command(flatten)]
    configuration: ConfigurationArgs,
    /// Only mail of this state: waiting or dead
    #[arg(long, value_parser = state)]
    state: Option<OutboxState>,
    /// Only mail of this kind
    #[arg(long, value_parser = kind)]
    kind: Option<MailKind>,
    /// How many at most
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    limit: u32,
    /// Answer as JSON
    #[arg(long)]
    json: bool,
}

/// `signet mail retry`
#[derive(Args, Debug)]
pub(in crate::cli) struct Retry {
    #[command(flatten)]
    configuration: ConfigurationArgs,
    #[command(flatten)]
    which: Which,
}

/// Which mail is tried again.
#[derive(Args, Debug)]
#[group(required = true, multiple = false)]
struct Which {
    /// The ids of the mail, as `signet mail outbox` lists them
    #[arg(value_name = "ID", value_parser = id)]
    ids: Vec<Uuid>,
    /// Everything that is dead and still of use: what has expired, or whose link is void, is passed
    /// over
    #[arg(long)]
    dead: bool,
}

fn state(text: &str) -> Result<OutboxState, String> {
    OutboxState::parse(text).ok_or_else(|| "there are waiting and dead".to_owned())
}

fn kind(text: &str) -> Result<MailKind, String> {
    MailKind::parse(text).ok_or_else(|| "there is no such kind of mail".to_owned())
}

impl List {
    pub(in crate::cli) fn run(self) -> ExitCode {
        let filter = OutboxFilter {
            state: self.state,
            kind: self.kind,
        };
        let (limit, as_json) = (self.limit, self.json);
        with_issuer(
            self.configuration,
            async move |issuer: &Issuer| match entries(issuer, filter, limit).await {
                Ok(listed) if as_json => {
                    let more = listed.more;
                    let mails: Vec<_> = listed.items.into_iter().map(OutboxMail::from).collect();
                    say(&format!("{}\n", json!({ "mails": mails, "more": more })))
                }
                Ok(listed) => say(&format!("{}{}", text(&listed.items), listed.end())),
                Err(error) => no(&error),
            },
        )
    }
}

impl Retry {
    pub(in crate::cli) fn run(self) -> ExitCode {
        let Which { ids, dead } = self.which;
        with_issuer(
            self.configuration,
            async move |issuer: &Issuer| match dead {
                true => retry_dead(issuer).await,
                false => retry_these(issuer, &ids).await,
            },
        )
    }
}

async fn retry_these(issuer: &Issuer, ids: &[Uuid]) -> ExitCode {
    let mut retried = 0_usize;
    for id in ids {
        match issuer.retry_mail_as_operator(*id).await {
            Ok(()) => retried = retried.saturating_add(1),
            Err(RetryError::Store(error)) => return no(&error),
            Err(error @ (RetryError::Refused(_) | RetryError::Unreadable)) => {
                complain(&format_args!("{id}: {error}"));
            }
        }
    }
    let said = say(&told(retried, ids.len()));
    match retried == ids.len() {
        true => said,
        false => ExitCode::from(1),
    }
}

fn told(retried: usize, of: usize) -> String {
    format!("{retried} of {of} are tried again\n")
}

async fn retry_dead(issuer: &Issuer) -> ExitCode {
    let dead = OutboxFilter {
        state: Some(OutboxState::Dead),
        kind: None,
    };
    let found = match entries(issuer, dead, u32::MAX).await {
        Ok(found) => found.items,
        Err(error) => return no(&error),
    };
    let mut retried = 0_usize;
    for entry in &found {
        match issuer.retry_mail_as_operator(entry.id).await {
            Ok(()) => retried = retried.saturating_add(1),
            Err(RetryError::Store(error)) => return no(&error),
            Err(RetryError::Refused(_) | RetryError::Unreadable) => {}
        }
    }
    say(&told(retried, found.len()))
}

/// The newest entries.
async fn entries(
    issuer: &Issuer,
    filter: OutboxFilter,
    limit: u32,
) -> StoreResult<Beginning<OutboxEntry>> {
    Beginning::read(limit, async |last: Option<&OutboxEntry>| {
        let after = last.map(OutboxEntry::place);
        issuer.outbox(&filter, after, PAGE).await
    })
    .await
}

fn text(entries: &[OutboxEntry]) -> String {
    let mut text = String::new();
    for entry in entries {
        let (id, kind, state) = (entry.id, &entry.kind, entry.state.as_str());
        let created_at = Timestamp::from(entry.created_at);
        let error = entry.last_error.as_deref().unwrap_or("not tried yet");
        let tries = entry.attempts;
        text.push_str(&format!(
            "{id}  {state:<7}  {kind:<24}  {created_at}  {tries} tries  {error}\n"
        ));
    }
    match text.is_empty() {
        true => "nothing waits, and nothing is dead\n".to_owned(),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_one_line() {
        let entry = OutboxEntry {
            id: Uuid::from_u128(7),
            account: None,
            kind: "verify".to_owned(),
            state: OutboxState::Dead,
            created_at: signet_core::time::UnixTime::from_secs(1_800_000_000),
            due_at: signet_core::time::UnixTime::from_secs(1_800_000_000),
            expires_at: None,
            attempts: 3,
            last_error: Some("recipient: the mail server answered 550 no".to_owned()),
        };
        let said = text(std::slice::from_ref(&entry));
        assert!(said.ends_with("550 no\n") && said.matches('\n').count() == 1);
        assert!(said.contains("dead     verify "), "{said}");
        assert_eq!(text(&[]), "nothing waits, and nothing is dead\n");
    }
}
