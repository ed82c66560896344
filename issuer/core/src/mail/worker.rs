//! Emptying the outbox: take what is due under a lease, hand it over, mark how it went.
//!
//! A message that was handed over but not marked, because the process died in between, is handed
//! over again: at least once, with the same Message-ID. A request becomes the message it asks for,
//! which the next round takes, or nothing.
//!
//! A server that can't be used is nothing of a message's: its claims are put back as they were,
//! and whoever calls waits a little. So however long a server is away, what waits for it goes out
//! as soon as it is back, and doesn't die of it; see [`pause`].
//!
//! Nothing wakes the worker when a mail is put in: docs/adr/0027-the-mail-worker-polls.md.

use std::time::Duration;

use futures_util::future::join_all;
use uuid::Uuid;

use super::reason::kept;
use super::request::Unsealed;
use super::{DeliveryError, MailTransport, Message, QueuedMail};
use crate::issuer::Issuer;
use crate::ports::StoreError;
use crate::secret::Randomness;
use crate::signing::seal::OpenError;
use crate::time::UnixTime;

/// How many messages one round takes: so few that even with a server that takes half a minute for
/// each it is done within the lease.
const BATCH: u32 = 8;
/// How many of them are handed over at the same time, so that one that takes long holds up few.
const AT_ONCE: usize = 4;
/// How long a round may take before its messages are due again, in seconds.
const LEASE: u64 = 300;
/// How often a message is tried before it is a dead letter.
const MOST_ATTEMPTS: u32 = 12;
/// The longest wait between two tries, in seconds.
const LONGEST_WAIT: u64 = 3_600;
/// The longest wait for a server that was away, in seconds.
const LONGEST_PAUSE: u64 = 30;

/// What came of a round.
#[derive(Clone, Copy, Debug)]
pub struct Round {
    /// How many entries of the outbox it took.
    pub taken: usize,
    /// How many messages it handed over.
    pub sent: u64,
    /// Whether it stopped because the mail server can't be used.
    pub is_server_away: bool,
}

/// What came of an entry.
#[derive(Clone, Debug, Eq, PartialEq)]
enum Handled {
    /// Its message was handed over.
    Sent,
    /// It was a request, it waits for another try, or there is no use in it.
    Otherwise,
    /// The server can't be used, and didn't hear of it.
    Untried(Uuid, String),
}

impl Issuer {
    /// Takes some of what is due out of the outbox, and sends it. Where there was any, there may be
    /// more.
    ///
    /// # Errors
    /// When the store doesn't answer; what was taken is due again after its lease.
    pub async fn deliver_batch(&self, transport: &dyn MailTransport) -> Result<Round, StoreError> {
        self.deliver_up_to(BATCH, transport).await
    }

    /// The same with as many entries as one wants to wait for.
    pub(crate) async fn deliver_up_to(
        &self,
        limit: u32,
        transport: &dyn MailTransport,
    ) -> Result<Round, StoreError> {
        let mut queued = self.store.claim_mail(self.now(), LEASE, limit).await?;
        let mut round = Round {
            taken: queued.len(),
            sent: 0,
            is_server_away: false,
        };
        let mut untried = Vec::new();
        let mut reason = String::new();
        while !queued.is_empty() && !round.is_server_away {
            let later = queued.split_off(queued.len().min(AT_ONCE));
            let handling = queued.into_iter().map(|mail| self.handle(transport, mail));
            for handled in join_all(handling).await {
                match handled? {
                    Handled::Sent => round.sent = round.sent.saturating_add(1),
                    Handled::Otherwise => {}
                    Handled::Untried(id, error) => {
                        round.is_server_away = true;
                        untried.push(id);
                        reason = error;
                    }
                }
            }
            queued = later;
        }
        untried.extend(queued.iter().map(|mail| mail.id));
        if !untried.is_empty() {
            let now = self.now();
            self.store.mail_postponed(&untried, now, &reason).await?;
        }
        Ok(round)
    }

    async fn handle(
        &self,
        transport: &dyn MailTransport,
        mail: QueuedMail,
    ) -> Result<Handled, StoreError> {
        let now = self.now();
        let is_late = mail.expires_at.is_some_and(|expiry| now >= expiry);
        let handling = if is_late {
            let reason = "expired before it could be sent";
            self.store.mail_abandoned(mail.id, now, reason).await
        } else {
            match self.unseal(&mail) {
                // A process beside this one was given a newer master key.
                Err(error @ OpenError::UnknownMasterKey(_)) if mail.attempts < MOST_ATTEMPTS => {
                    let retry_at = retry_at(now, mail.attempts, &*self.randomness);
                    let reason = error.to_string();
                    self.store.mail_deferred(mail.id, retry_at, &reason).await
                }
                Err(OpenError::UnknownMasterKey(_) | OpenError::Changed) => {
                    let reason = "does not open under the master key";
                    self.store.mail_abandoned(mail.id, now, reason).await
                }
                Ok(Unsealed::Request(request)) => self.grant(mail.id, request).await,
                Ok(Unsealed::Message(message)) => {
                    return self.deliver(transport, &mail, &message).await;
                }
            }
        };
        handling.map(|()| Handled::Otherwise)
    }

    async fn deliver(
        &self,
        transport: &dyn MailTransport,
        mail: &QueuedMail,
        message: &Message,
    ) -> Result<Handled, StoreError> {
        let outcome = transport.deliver(mail.id, mail.created_at, message).await;
        self.tally.mail(message.kind, &outcome);
        let now = self.now();
        let marking = match outcome {
            Ok(()) => {
                self.store.mail_delivered(mail.id).await?;
                return Ok(Handled::Sent);
            }
            Err(DeliveryError::Unavailable(error)) => {
                return Ok(Handled::Untried(mail.id, kept(&error, message)));
            }
            Err(DeliveryError::Permanent(error)) => {
                let error = kept(&error, message);
                self.store.mail_abandoned(mail.id, now, &error).await
            }
            Err(DeliveryError::Transient(error)) if mail.attempts >= MOST_ATTEMPTS => {
                let error = kept(&error, message);
                self.store.mail_abandoned(mail.id, now, &error).await
            }
            Err(DeliveryError::Transient(error)) => {
                let error = kept(&error, message);
                let retry_at = retry_at(now, mail.attempts, &*self.randomness);
                self.store.mail_deferred(mail.id, retry_at, &error).await
            }
        };
        marking.map(|()| Handled::Otherwise)
    }
}

/// How long to wait for a server that was away so many rounds in a row: a second, doubling up to
/// half a minute, so that a message goes out within a minute of the server's return.
#[must_use]
pub fn pause(rounds: u32) -> Duration {
    let doubled = 1u64.checked_shl(rounds.saturating_sub(1));
    Duration::from_secs(doubled.unwrap_or(LONGEST_PAUSE).min(LONGEST_PAUSE))
}

/// Ten seconds, doubling up to an hour, and up to half as much again at random.
fn retry_at(now: UnixTime, attempts: u32, randomness: &dyn Randomness) -> UnixTime {
    let doubled = 10u64.checked_shl(attempts).unwrap_or(LONGEST_WAIT);
    let wait = doubled.min(LONGEST_WAIT);
    let [random] = randomness.array::<1>();
    let jitter = wait.saturating_mul(u64::from(random)) >> 9;
    now.saturating_add(wait).saturating_add(jitter)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::OperatingSystem;

    #[test]
    fn a_server_is_looked_for_twice_a_minute_however_long_it_is_away() {
        for (rounds, seconds) in [
            (0, 1),
            (1, 1),
            (2, 2),
            (5, 16),
            (6, 30),
            (64, 30),
            (9_999, 30),
        ] {
            assert_eq!(pause(rounds), Duration::from_secs(seconds), "{rounds}");
        }
    }

    #[test]
    fn waits_double_up_to_an_hour_with_jitter() {
        let now = UnixTime::from_secs(1_000);
        for (attempts, least) in [(0, 10), (1, 20), (5, 320), (12, 3_600), (200, 3_600)] {
            let wait = retry_at(now, attempts, &OperatingSystem).as_secs() - 1_000;
            assert!(
                (least..least + least / 2).contains(&wait),
                "{attempts}: {wait}"
            );
        }
    }
}
