//! Emptying the outbox: take what is due under a lease, hand it over, mark how it went.
//!
//! A message that was handed over but not marked, because the process died in between, is handed
//! over again: at least once, with the same Message-ID. A request becomes the message it asks for,
//! which the next round takes, or nothing.

use super::request::Unsealed;
use super::{DeliveryError, MailTransport, Message, QueuedMail};
use crate::issuer::Issuer;
use crate::ports::StoreError;
use crate::secret::Randomness;
use crate::signing::seal::Sealed;
use crate::time::UnixTime;

/// How many messages one round takes: so few that even a server that takes half a minute for each
/// is done with them within the lease.
const BATCH: u32 = 8;
/// How long a round may take before its messages are due again, in seconds.
const LEASE: u64 = 300;
/// How often a message is tried before it is a dead letter.
const MOST_ATTEMPTS: u32 = 12;
/// The longest wait between two tries, in seconds.
const LONGEST_WAIT: u64 = 3_600;

/// What came of a round.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Round {
    /// How many entries of the outbox it took.
    pub(crate) taken: usize,
    /// How many messages it handed over.
    pub(crate) sent: u64,
}

/// What came of an entry.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Handled {
    /// Its message was handed over.
    Sent,
    /// It was a request, it waits for another try, or there is no use in it.
    Otherwise,
}

impl Issuer {
    /// Sends what is due. Answers how many entries of the outbox it took; where there were any, there
    /// may be more.
    ///
    /// # Errors
    /// When the store doesn't answer; what was taken is due again after its lease.
    pub async fn deliver_due_mail(
        &self,
        transport: &dyn MailTransport,
    ) -> Result<usize, StoreError> {
        let round = self.deliver_some_mail(transport, BATCH).await?;
        Ok(round.taken)
    }

    /// The same with as many entries as one wants to wait for.
    pub(crate) async fn deliver_some_mail(
        &self,
        transport: &dyn MailTransport,
        limit: u32,
    ) -> Result<Round, StoreError> {
        let queued = self.store.claim_mail(self.now(), LEASE, limit).await?;
        let mut round = Round {
            taken: queued.len(),
            sent: 0,
        };
        for mail in queued {
            if self.handle(transport, mail).await? == Handled::Sent {
                round.sent = round.sent.saturating_add(1);
            }
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
                None => {
                    let reason = "does not open under the master key";
                    self.store.mail_abandoned(mail.id, now, reason).await
                }
                Some(Unsealed::Request(request)) => self.grant(mail.id, request).await,
                Some(Unsealed::Message(message)) => {
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
        let now = self.now();
        let outcome = transport.deliver(mail.id, mail.created_at, message).await;
        let marking = match outcome {
            Ok(()) => {
                self.store.mail_delivered(mail.id).await?;
                return Ok(Handled::Sent);
            }
            Err(DeliveryError::Permanent(error)) => {
                self.store.mail_abandoned(mail.id, now, &error).await
            }
            Err(DeliveryError::Transient(error)) if mail.attempts >= MOST_ATTEMPTS => {
                self.store.mail_abandoned(mail.id, now, &error).await
            }
            Err(DeliveryError::Transient(error)) => {
                let retry_at = retry_at(now, mail.attempts, &*self.randomness);
                self.store.mail_deferred(mail.id, retry_at, &error).await
            }
        };
        marking.map(|()| Handled::Otherwise)
    }

    fn unseal(&self, mail: &QueuedMail) -> Option<Unsealed> {
        let name = mail.id.to_string();
        let plain = self
            .master_keys
            .open(Sealed::Mail, &name, &mail.master_key, &mail.sealed)
            .ok()?;
        serde_json::from_slice(&plain).ok()
    }
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
