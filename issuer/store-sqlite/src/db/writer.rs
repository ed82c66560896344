//! The one writer, which commits changes in groups: docs/adr/0017-sqlite-commits-in-groups.md.
//!
//! A task owns the connection and lends it to one operation after the other, each in a savepoint of
//! its own, all in one transaction. When nobody waits any more, or the group is as large or as old
//! as it may get, it commits, which is the one `fsync`, and then answers all of them. What arrives
//! meanwhile is the next group; nobody ever waits for a group to fill.
//!
//! ```text
//! operations   ──Turn──▶  queue  ──▶  BEGIN IMMEDIATE
//!    ▲  ▲                             SAVEPOINT, lent, RELEASE or ROLLBACK TO   (each)
//!    │  └──────── Write ──────────────┘
//!    └─────────── answers ────────── COMMIT, checkpoint
//! ```

use std::sync::Arc;
use std::time::Duration;

use signet_core::ports::{StoreError, StoreResult};
use sqlx::{Error, SqliteConnection};
use tokio::sync::{Mutex, OwnedMutexGuard, mpsc, oneshot};
use tokio::time::{Instant, sleep, timeout};

use super::disk::Disk;
use super::fault::{db, db_for_many, is_busy};
use super::write::{Ended, Ending, Write};

/// How many operations wait for their turn at most.
const QUEUE: usize = 1_024;
/// How long an operation waits for its turn: some hundred groups on a slow disk.
const PATIENCE: Duration = Duration::from_secs(4);
/// How long a group waits for another process to finish writing.
const BUSY_PATIENCE: Duration = Duration::from_secs(2);
/// How often it looks whether the other process has finished. SQLite's own waiting looks every
/// tenth of a second, and would never find the moment between two groups of a busy issuer.
const BUSY_PAUSE: Duration = Duration::from_millis(1);

/// How many changes share one transaction and one `fsync`.
#[derive(Clone, Copy, Debug)]
pub struct Grouping {
    /// At most so many; with 1, each change has an `fsync` of its own.
    pub operations: usize,
    /// A group takes nobody in once it is so old: the first of it waits for the last.
    pub time: Duration,
}

impl Default for Grouping {
    fn default() -> Self {
        Self {
            operations: 256,
            time: Duration::from_millis(20),
        }
    }
}

/// Why an operation can't write now.
#[derive(Clone, Copy, Debug, thiserror::Error)]
pub(super) enum WriterError {
    #[error("too many changes wait for their turn")]
    Overloaded,
    #[error("another change of the same group broke the transaction")]
    GroupLost,
    #[error("the store is closed")]
    Gone,
}

pub(super) fn unavailable(error: WriterError) -> StoreError {
    StoreError::Unavailable(Box::new(error))
}

type Turn<C> = oneshot::Sender<StoreResult<Write<C>>>;

enum Order<C> {
    Turn(Turn<C>),
    Close(oneshot::Sender<()>),
}

/// What operations and the store hold of the writer.
#[derive(Debug)]
pub(super) struct Writer<C = SqliteConnection>(mpsc::Sender<Order<C>>);

impl<C> Clone for Writer<C> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<C: Send + 'static> Writer<C> {
    /// Connects, and starts the task. It ends with [`Writer::close`], or when nobody holds a
    /// [`Writer`] any more.
    pub(super) async fn start(
        disk: impl Disk<Connection = C>,
        grouping: Grouping,
    ) -> Result<Self, Error> {
        let (writer, task) = Self::prepare(disk, grouping).await?;
        tokio::spawn(task.run());
        Ok(writer)
    }

    /// Connects; the task is still to be run.
    async fn prepare<D: Disk<Connection = C>>(
        disk: D,
        grouping: Grouping,
    ) -> Result<(Self, Task<D>), Error> {
        let connection = disk.connect().await?;
        let (orders, received) = mpsc::channel(QUEUE);
        let task = Task {
            connection: Arc::new(Mutex::new(connection)),
            disk,
            grouping,
            orders: received,
        };
        Ok((Self(orders), task))
    }

    /// Waits for a turn.
    pub(super) async fn begin(&self) -> StoreResult<Write<C>> {
        let (turn, lent) = oneshot::channel();
        let waiting = async {
            if self.0.send(Order::Turn(turn)).await.is_err() {
                return Err(unavailable(WriterError::Gone));
            }
            lent.await
                .unwrap_or_else(|_| Err(unavailable(WriterError::Gone)))
        };
        timeout(PATIENCE, waiting)
            .await
            .unwrap_or_else(|_| Err(unavailable(WriterError::Overloaded)))
    }

    /// Ends after what was asked for before; whatever is asked for later is refused.
    pub(super) async fn close(&self) {
        let (close, closed) = oneshot::channel();
        if self.0.send(Order::Close(close)).await.is_ok() {
            let _done_or_gone = closed.await;
        }
    }
}

struct Task<D: Disk> {
    connection: Arc<Mutex<D::Connection>>,
    disk: D,
    grouping: Grouping,
    orders: mpsc::Receiver<Order<D::Connection>>,
}

impl<D: Disk> Task<D> {
    async fn run(mut self) {
        let mut asked_to_close = None;
        while asked_to_close.is_none() {
            match self.orders.recv().await {
                Some(Order::Turn(turn)) => asked_to_close = self.group(turn).await,
                Some(Order::Close(close)) => asked_to_close = Some(close),
                None => break,
            }
        }
        drop(self.orders);
        // All that was lent came back, so there is nobody else who holds it.
        if let Some(connection) = Arc::into_inner(self.connection) {
            self.disk.close(connection.into_inner()).await;
        }
        if let Some(close) = asked_to_close {
            let _nobody_waits = close.send(());
        }
    }

    /// One transaction, from the first who wants a turn on. Answers who wants the writer to close
    /// after it.
    async fn group(&mut self, first: Turn<D::Connection>) -> Option<oneshot::Sender<()>> {
        if let Err(error) = self.begin().await {
            self.recover().await;
            let _nobody_waits = first.send(Err(db(error)));
            return None;
        }
        let full_at = Instant::now().checked_add(self.grouping.time);
        let mut asked_to_close = None;
        let mut members = Vec::new();
        let mut next = Some(first);
        while let Some(turn) = next.take() {
            let ended = self.lend(turn).await;
            let settled = self.settle(ended.as_ref()).await;
            members.extend(ended.map(|ended| ended.answer));
            if settled.is_err() {
                self.recover().await;
                answer(members, || Err(unavailable(WriterError::GroupLost)));
                return None;
            }
            let is_full = members.len() >= self.grouping.operations
                || full_at.is_none_or(|full_at| Instant::now() >= full_at);
            if is_full {
                break;
            }
            match self.orders.try_recv() {
                Ok(Order::Turn(turn)) => next = Some(turn),
                Ok(Order::Close(close)) => asked_to_close = Some(close),
                Err(_nobody_waits) => {}
            }
        }
        match self.execute("COMMIT").await {
            Ok(()) => answer(members, || Ok(())),
            Err(error) => {
                self.recover().await;
                let error = Arc::new(error);
                answer(members, || Err(db_for_many(&error)));
            }
        }
        self.disk.tend(&mut *self.connection.lock().await).await;
        asked_to_close
    }

    /// Takes the write lock, waiting for other processes.
    async fn begin(&self) -> Result<(), Error> {
        let until = Instant::now().checked_add(BUSY_PATIENCE);
        loop {
            match self.execute("BEGIN IMMEDIATE; SAVEPOINT operation").await {
                Err(error)
                    if is_busy(&error) && until.is_some_and(|until| Instant::now() < until) =>
                {
                    sleep(BUSY_PAUSE).await;
                }
                done => return done,
            }
        }
    }

    /// Lends the connection until the operation has ended. `None` where it was dropped, or never
    /// began because nobody waits for the turn any more.
    async fn lend(&self, turn: Turn<D::Connection>) -> Option<Ended> {
        let (write, ended) = Write::new(self.lock().await);
        // Where nobody waits any more it comes back at once.
        drop(turn.send(Ok(write)));
        ended.await.ok()
    }

    /// Keeps or takes back what one operation did, and begins the next savepoint. Fails where
    /// SQLite has rolled back the whole transaction by itself, as it may when the disk is full.
    async fn settle(&self, ended: Option<&Ended>) -> Result<(), Error> {
        let sql = match ended.map(|ended| ended.how) {
            Some(Ending::Kept) => "RELEASE operation; SAVEPOINT operation",
            Some(Ending::TakenBack) | None => "ROLLBACK TO operation",
        };
        self.execute(sql).await
    }

    /// After a failure: leaves no transaction open, whatever SQLite did about it.
    async fn recover(&self) {
        // Refused where SQLite has rolled back by itself, which is as good.
        if let Err(Error::WorkerCrashed) = self.execute("ROLLBACK").await
            && let Ok(connection) = self.disk.connect().await
        {
            *self.connection.lock().await = connection;
        }
    }

    async fn execute(&self, sql: &'static str) -> Result<(), Error> {
        let mut connection = self.connection.lock().await;
        self.disk.execute(&mut connection, sql).await
    }

    async fn lock(&self) -> OwnedMutexGuard<D::Connection> {
        Arc::clone(&self.connection).lock_owned().await
    }
}

fn answer(members: Vec<oneshot::Sender<StoreResult<()>>>, with: impl Fn() -> StoreResult<()>) {
    for member in members {
        let _nobody_waits = member.send(with());
    }
}

#[cfg(test)]
mod interleavings;
#[cfg(test)]
mod tests;
