//! The database: how it is reached, read and written.

mod address;
mod condition;
mod fault;
mod lock;
mod migrate;
mod open;
mod pool;
mod transaction;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use signet_core::ports::{Store, StoreResult, Swept};
use signet_core::schema::SchemaStatus;
use signet_core::session::RefreshPolicy;
use signet_core::time::UnixTime;

use crate::roles::KnownRoles;

pub use address::{Address, AddressError};
pub use condition::Condition;
pub(crate) use fault::db;
pub(crate) use lock::Lock;
pub use open::OpenError;
use pool::Pool;
pub(crate) use transaction::Transaction;
use transaction::{Access, LIMITS, PATIENT_LIMITS};

/// How long an operation may take, whatever happens to it: its turns, its waits and its retries.
const OPERATION: Duration = Duration::from_millis(4_500);

/// How long an operation waits before it is tried again after it lost against another one: a few
/// times, for a conflict that lasts is an overload.
const PAUSES: [Duration; 3] = [
    Duration::from_millis(5),
    Duration::from_millis(25),
    Duration::from_millis(125),
];

/// Everything Signet keeps, on a server.
#[derive(Clone, Debug)]
pub struct PostgresStore {
    pool: Pool,
    pub(crate) known_roles: Arc<KnownRoles>,
}

impl PostgresStore {
    /// Connects, and brings the schema `signet` up to date, making it where there is none.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub async fn open(address: &Address) -> Result<Self, OpenError> {
        Ok(Self {
            pool: open::open(address).await?,
            known_roles: Arc::default(),
        })
    }

    /// What [`Self::open`] would do to the schema; changes nothing.
    ///
    /// # Errors
    /// See [`OpenError`]. A schema of a newer release is none here, but an answer.
    pub async fn schema(address: &Address) -> Result<SchemaStatus, OpenError> {
        open::schema(address).await
    }

    /// Whether a database has keys, which somebody's master key sealed; changes nothing.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub async fn holds_keys(address: &Address) -> Result<bool, OpenError> {
        open::holds_keys(address).await
    }

    /// Ends the connections. Whoever still asks is told that the store is unavailable.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    /// Runs an operation to its end or its deadline. Where it lost against another one, which
    /// PostgreSQL says after it undid all of it, it runs again. Any other error is final: after
    /// some, a failed commit among them, nobody knows what was done.
    pub(crate) async fn attempt<T, F>(&self, operation: impl Fn() -> F) -> StoreResult<T>
    where
        F: Future<Output = StoreResult<T>>,
    {
        let tried = async {
            for pause in PAUSES {
                match operation().await {
                    Err(error) if fault::is_conflict(&error) => tokio::time::sleep(pause).await,
                    answer => return answer,
                }
            }
            operation().await
        };
        match tokio::time::timeout(OPERATION, tried).await {
            Ok(answer) => answer,
            Err(_) => Err(db(fault::timed_out("the operation took too long"))),
        }
    }

    /// Begins a change. Each of its statements sees what was committed when the statement began:
    /// an operation that decides by what it reads takes a lock first, and reads next.
    pub(crate) async fn write(&self) -> StoreResult<Transaction> {
        let begun = Transaction::begin(&self.pool, Access::Change, LIMITS).await;
        begun.map_err(db)
    }

    /// Begins a change of everything, which nobody waits for but who asked. It may take minutes,
    /// has no deadline, and isn't tried again.
    pub(crate) async fn write_everything(&self) -> StoreResult<Transaction> {
        let begun = Transaction::begin(&self.pool, Access::Change, PATIENT_LIMITS).await;
        begun.map_err(db)
    }

    /// Several reads of one moment.
    pub(crate) async fn snapshot(&self) -> StoreResult<Transaction> {
        let begun = Transaction::begin(&self.pool, Access::Snapshot, LIMITS).await;
        begun.map_err(db)
    }
}

#[async_trait]
impl Store for PostgresStore {
    /// Takes a row lock, which needs a server that writes, and gives it back.
    async fn ping(&self) -> StoreResult<()> {
        self.attempt(|| async {
            let mut tx = self.write().await?;
            sqlx::query_scalar!("SELECT id FROM meta FOR NO KEY UPDATE")
                .fetch_one(&mut tx)
                .await
                .map_err(db)?;
            tx.commit().await
        })
        .await
    }

    async fn sweep(&self, now: UnixTime, policy: &RefreshPolicy) -> StoreResult<Swept> {
        self.attempt(|| self.remove_some_of_what_is_over(now, policy))
            .await
    }
}
