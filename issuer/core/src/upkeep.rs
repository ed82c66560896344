//! What works without being asked: mail that is due goes out, what is past its time is removed, keys
//! take each other's place.
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
    /// Does what is to be done, once. Nothing is begun after `time`; what was begun before takes as
    /// long as the transport grants a message, and as a batch of rows takes. Whatever mail there is,
    /// one batch is swept.
    ///
    /// # Errors
    /// When the store doesn't answer; what was done until then stays done.
    pub async fn tick(&self, transport: &dyn MailTransport, time: Duration) -> StoreResult<Tick> {
        let began = Instant::now();
        let is_over = || began.elapsed() >= time;
        let mut done = Tick::default();
        while !is_over() {
            // One at a time: a message that is taken and not tried waits until its lease ends.
            let round = self.deliver_some_mail(transport, 1).await?;
            done.mails = done.mails.saturating_add(round.sent);
            if round.taken == 0 || round.is_server_away {
                break;
            }
        }
        done.swept = self.settle_feed().await?.left;
        loop {
            let Swept { rows, more } = self.sweep_some().await?;
            done.swept = done.swept.saturating_add(rows);
            if !more || is_over() {
                break;
            }
        }
        self.measure_outbox().await?;
        done.rotated = self.keep_keys().await?;
        done.remaining = self.store.due_mail(self.now()).await?;
        Ok(done)
    }

    /// Removes all that is past its time, and looks whether the outbox is full. Answers how many
    /// rows went.
    ///
    /// # Errors
    /// When the store doesn't answer; what went until then is gone.
    pub async fn sweep(&self) -> StoreResult<u64> {
        let mut all = self.settle_feed().await?.left;
        loop {
            let Swept { rows, more } = self.sweep_some().await?;
            all = all.saturating_add(rows);
            if !more {
                self.measure_outbox().await?;
                return Ok(all);
            }
        }
    }

    async fn sweep_some(&self) -> StoreResult<Swept> {
        self.store.sweep(self.now(), &self.settings.refresh).await
    }
}
