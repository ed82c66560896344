//! What works without being asked: keys take each other's place, mail that is due goes out, what is
//! past its time is removed.
//!
//! A process that always runs does each step again and again by itself. Where a platform freezes
//! the process between requests, somebody outside calls [`Issuer::tick`], which takes the same
//! steps. Nothing is done twice, whoever else is at it: a message has a lease, and what was removed
//! is gone.
//!
//! To add a step: write it so that two at once do no harm and each call of it ends soon, run it in
//! `serve::background`, and take it in [`Issuer::tick`].

use std::time::Duration;

use tokio::time::Instant;

use crate::issuer::Issuer;
use crate::mail::MailTransport;
use crate::ports::{StoreResult, Swept};

/// What was done.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Tick {
    /// How many messages were handed over.
    pub mails: u64,
    /// How many rows were removed.
    pub swept: u64,
    /// How many signing keys took another's place.
    pub rotated: u64,
    /// How many messages are due that nobody is sending.
    pub remaining: u64,
}

impl Issuer {
    /// Does what is to be done, once: first to keys, without which nothing is signed. No message and
    /// no batch of rows is begun after `time`, but one batch; what was begun before takes as long as
    /// the transport grants a message, and as a batch takes. Every step is taken, whatever became of
    /// those before it.
    ///
    /// # Errors
    /// When the store doesn't answer, or no key can sign: what the first step that failed says. The
    /// log has all of them, and what was done stays done.
    pub async fn tick(&self, transport: &dyn MailTransport, time: Duration) -> StoreResult<Tick> {
        let began = Instant::now();
        let is_over = || began.elapsed() >= time;
        let steps = [
            ("keys", self.keep_keys_that_sign().await),
            ("mail", self.send_until(is_over, transport).await),
            ("sweeping", self.sweep_until(is_over).await),
            ("counting mail", self.store.due_mail(self.now()).await),
        ];
        let [rotated, mails, swept, remaining] = all_done(steps)?;
        Ok(Tick {
            mails,
            swept,
            rotated,
            remaining,
        })
    }

    /// Removes all that is past its time, and looks whether the outbox is full. Answers how many
    /// rows went.
    ///
    /// # Errors
    /// When the store doesn't answer; what went until then is gone.
    pub async fn sweep(&self) -> StoreResult<u64> {
        self.sweep_until(|| false).await
    }

    async fn keep_keys_that_sign(&self) -> StoreResult<u64> {
        let rotated = self.keep_keys().await?;
        self.signing_keyring().await?;
        Ok(rotated)
    }

    async fn send_until(
        &self,
        is_over: impl Fn() -> bool,
        transport: &dyn MailTransport,
    ) -> StoreResult<u64> {
        let mut all: u64 = 0;
        while !is_over() {
            // One at a time: a message that is taken and not tried waits until its lease ends.
            let round = self.deliver_up_to(1, transport).await?;
            all = all.saturating_add(round.sent);
            if round.taken == 0 || round.is_server_away {
                break;
            }
        }
        Ok(all)
    }

    async fn sweep_until(&self, is_over: impl Fn() -> bool) -> StoreResult<u64> {
        let mut all = self.settle_feed().await?.left;
        // By a clock that was set nobody knows what is past its time.
        while !self.clock_watch.was_set() {
            let swept = self.store.sweep(self.now(), &self.settings.refresh);
            let Swept { rows, more } = swept.await?;
            all = all.saturating_add(rows);
            if !more || is_over() {
                break;
            }
        }
        self.measure_outbox().await?;
        Ok(all)
    }
}

/// What each step did, or why the first of those failed that did. The log says it of every one.
fn all_done<const N: usize>(steps: [(&str, StoreResult<u64>); N]) -> StoreResult<[u64; N]> {
    let mut counts = [0; N];
    let mut failed = None;
    for (count, (step, done)) in counts.iter_mut().zip(steps) {
        match done {
            Ok(done) => *count = done,
            Err(error) => {
                tracing::warn!(step, %error, "a step of a tick failed");
                failed = failed.or(Some(error));
            }
        }
    }
    failed.map_or(Ok(counts), Err)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ports::StoreError;

    #[test]
    fn the_first_failure_is_answered_and_hides_no_other_step() {
        assert_eq!(all_done([("a", Ok(3)), ("b", Ok(5))]).unwrap(), [3, 5]);
        let failed = |name: &str| Err(StoreError::Corrupt(name.to_owned()));
        for (steps, first) in [
            ([("a", failed("a")), ("b", Ok(5))], "a"),
            ([("a", Ok(3)), ("b", failed("b"))], "b"),
            ([("a", failed("a")), ("b", failed("b"))], "a"),
        ] {
            let error = all_done(steps).unwrap_err();
            assert!(matches!(error, StoreError::Corrupt(name) if name == first));
        }
    }
}
