//! A change on its way into the file.
//!
//! Operations know three things of it: it holds the write lock from the start, so that what it
//! reads stays true until it is committed; it is durable once [`Write::commit`] has answered; and
//! dropped, it leaves nothing behind. How many changes share one transaction and one `fsync` is
//! decided here and nowhere else.

use std::ops::{Deref, DerefMut};

use signet_core::ports::StoreResult;
use sqlx::sqlite::SqlitePool;
use sqlx::{Sqlite, SqliteConnection, Transaction};

use super::fault::db;

/// A change that isn't committed yet.
pub(crate) struct Write(Transaction<'static, Sqlite>);

impl Write {
    /// Waits for its turn on the one writer, and for other processes.
    pub(super) async fn begin(writer: &SqlitePool) -> StoreResult<Self> {
        let transaction = writer.begin_with("BEGIN IMMEDIATE").await;
        transaction.map(Self).map_err(db)
    }

    /// Makes it durable.
    pub(crate) async fn commit(self) -> StoreResult<()> {
        self.0.commit().await.map_err(db)
    }
}

impl Deref for Write {
    type Target = SqliteConnection;

    fn deref(&self) -> &SqliteConnection {
        &self.0
    }
}

impl DerefMut for Write {
    fn deref_mut(&mut self) -> &mut SqliteConnection {
        &mut self.0
    }
}
