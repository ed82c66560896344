//! `POST /internal/tick`: what works without being asked, done because somebody asks.
//!
//! Where a platform freezes the process between requests, its timer calls this, with the token of
//! `tick.token_file`. It is the work of `serve::background` through the same use cases, so it does
//! no harm that both, or many of them, are at it. Without the setting there is no such route.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;
use http::header::AUTHORIZATION;
use schemars::JsonSchema;
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use signet_core::mail::MailTransport;
use signet_core::secret::SecretBytes;
use signet_core::upkeep::Tick;
use signet_verifier::bearer::Bearer;

use super::answer::Json;
use super::app::App;
use super::limit;
use super::problem::{Code, Problem};
use super::route::access::Access;
use super::route::call::Call;
use super::route::{Declaration, Route, post};

/// How long a call goes on to the next thing to do. Platforms grant requests a minute and more, and
/// what was begun before may take as long as a mail server does.
const TIME: Duration = Duration::from_secs(25);

pub(super) fn routes() -> Vec<Route> {
    vec![
        post("/internal/tick", limit::TICK)
            .ticker()
            .named(
                "tick",
                "Send the mail that is due, remove what is past its time, and keep the keys up",
            )
            .refuses(&[Code::NotFound, Code::Unavailable])
            .handled_by(tick),
    ]
}

/// What was done.
#[derive(JsonSchema, Serialize)]
pub(super) struct TickAnswer {
    /// How many messages were handed to the mail server.
    mails: u64,
    /// How many rows that were past their time were removed.
    swept: u64,
    /// How many keys took another's place.
    rotated: u64,
    /// How many messages are due still: call again at once where this isn't 0.
    remaining: u64,
}

async fn tick(call: Call<Ticker>) -> Result<Json<TickAnswer>, Problem> {
    let Ticker { transport } = call.caller;
    let done = call.app.issuer.tick(&*transport, TIME).await?;
    let Tick {
        mails,
        swept,
        rotated,
        remaining,
    } = done;
    tracing::info!(mails, swept, rotated, remaining, "ticked");
    Ok(Json(TickAnswer {
        mails,
        swept,
        rotated,
        remaining,
    }))
}

/// Who may ask, and what their work needs.
pub(super) struct Ticking {
    /// What they show.
    pub(super) token: TickToken,
    /// Where the mail goes.
    pub(super) transport: Arc<dyn MailTransport>,
}

/// Somebody who showed the token.
pub struct Ticker {
    transport: Arc<dyn MailTransport>,
}

impl fmt::Debug for Ticker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ticker")
    }
}

impl Access for Ticker {
    async fn admit(app: &App, _: &Declaration, headers: &HeaderMap) -> Result<Self, Problem> {
        let ticking = app.ticking.as_ref().ok_or(Code::NotFound)?;
        let values = headers.get_all(AUTHORIZATION).iter();
        match Bearer::from_headers(values.map(http::HeaderValue::as_bytes)) {
            Bearer::Absent => Err(Code::MissingToken.into()),
            Bearer::Malformed => Err(Problem::unreadable_authorization()),
            Bearer::Token(token) if ticking.token.is(token) => Ok(Self {
                transport: Arc::clone(&ticking.transport),
            }),
            Bearer::Token(_) => {
                let detail = "Send the content of the file that tick.token_file names.";
                Err(Problem::from(Code::InvalidToken).because(detail))
            }
        }
    }
}

/// What a timer shows, as its hash: comparing takes the same time whatever differs.
#[derive(Clone, Debug)]
pub struct TickToken(SecretBytes<32>);

impl TickToken {
    /// The fewest characters of one.
    pub const SHORTEST: usize = 32;
    /// The most characters of one.
    pub const LONGEST: usize = 512;

    /// Takes what may stand behind `Bearer`, if it is long enough to be a secret.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let header = format!("Bearer {text}");
        let is_token = Bearer::from_headers([header.as_bytes()]) == Bearer::Token(text.as_bytes());
        let fits = (Self::SHORTEST..=Self::LONGEST).contains(&text.len());
        (is_token && fits).then(|| Self(hash(text.as_bytes())))
    }

    fn is(&self, presented: &[u8]) -> bool {
        self.0 == hash(presented)
    }
}

fn hash(token: &[u8]) -> SecretBytes<32> {
    SecretBytes::new(Sha256::digest(token).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_what_a_header_can_carry_and_nobody_guesses() {
        for good in ["x".repeat(32), "x".repeat(512), "+/".repeat(22) + "=="] {
            let token = TickToken::new(&good).unwrap();
            assert!(token.is(good.as_bytes()), "{good}");
            assert!(!token.is(&good.as_bytes()[1..]), "{good}");
            assert!(!token.is(b""));
        }
        for bad in [
            String::new(),
            "x".repeat(31),
            "x".repeat(513),
            "two words that are long enough to be one".to_owned(),
            "x".repeat(40) + "\n",
            "é".repeat(40),
        ] {
            assert!(TickToken::new(&bad).is_none(), "{bad}");
        }
    }
}
