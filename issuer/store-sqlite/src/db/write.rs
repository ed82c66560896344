//! A change on its way into the file.
//!
//! Operations know four things of it: it is alone with the file from the start, so that what it
//! reads stays true until it ends; it is durable once [`Write::commit`] has answered; what it
//! refuses because of what it read is answered by [`Write::leave`], once that is durable; and
//! dropped, it leaves nothing behind. That it shares a transaction and an `fsync` with others is
//! the business of [`super::writer`].

use std::ops::{Deref, DerefMut};

use signet_core::ports::StoreResult;
use sqlx::SqliteConnection;
use tokio::sync::{OwnedMutexGuard, oneshot};

use super::writer::{WriterError, unavailable};

/// A change that isn't committed yet. It waits for nothing but the database: everybody else's
/// changes wait for it.
#[must_use = "a change that is dropped is taken back"]
pub(crate) struct Write<C = SqliteConnection> {
    connection: OwnedMutexGuard<C>,
    end: oneshot::Sender<Ended>,
}

/// How a change ended, and who wants to know when that is durable.
pub(super) struct Ended {
    pub(super) how: Ending,
    pub(super) answer: oneshot::Sender<StoreResult<()>>,
}

/// What is to become of what a change wrote.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Ending {
    Kept,
    TakenBack,
}

impl<C> Write<C> {
    /// A change on the writer's connection, and how the writer hears of its end. Nothing is heard
    /// of one that is dropped.
    pub(super) fn new(connection: OwnedMutexGuard<C>) -> (Self, oneshot::Receiver<Ended>) {
        let (end, ended) = oneshot::channel();
        (Self { connection, end }, ended)
    }

    /// Answers once the change is durable. It becomes so even where nobody waits for it.
    pub(crate) async fn commit(self) -> StoreResult<()> {
        self.end(Ending::Kept).await
    }

    /// Takes back what was written, and gives the answer once everything that was read is durable:
    /// a change before this one may have been part of it, and may still fail.
    pub(crate) async fn leave<T>(self, answer: T) -> StoreResult<T> {
        self.end(Ending::TakenBack).await?;
        Ok(answer)
    }

    async fn end(self, how: Ending) -> StoreResult<()> {
        let (answer, answered) = oneshot::channel();
        let Self { connection, end } = self;
        // Nobody to tell means nobody to answer, which is seen below.
        let _told = end.send(Ended { how, answer });
        drop(connection);
        answered
            .await
            .unwrap_or_else(|_| Err(unavailable(WriterError::Gone)))
    }
}

impl<C> Deref for Write<C> {
    type Target = C;

    fn deref(&self) -> &C {
        &self.connection
    }
}

impl<C> DerefMut for Write<C> {
    fn deref_mut(&mut self) -> &mut C {
        &mut self.connection
    }
}
