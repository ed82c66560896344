//! The database file: how it is opened, read and written.

mod backup;
mod condition;
mod disk;
mod fault;
mod file;
mod migrate;
mod open;
mod wal;
mod write;
mod writer;

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use signet_core::ports::{Store, StoreResult, Swept};
use signet_core::session::RefreshPolicy;
use signet_core::time::UnixTime;
use sqlx::sqlite::SqlitePool;
use sqlx::{Sqlite, Transaction};

use crate::roles::KnownRoles;

pub use backup::{BackupError, RestoreError, Staged, back_up};
pub use condition::{Condition, FileCondition};
pub(crate) use fault::db;
pub use open::OpenError;
use wal::Erasures;
pub(crate) use write::Write;
pub use writer::Grouping;
use writer::Writer;

/// Everything Signet keeps, in one file.
#[derive(Clone, Debug)]
pub struct SqliteStore {
    writer: Writer,
    erasures: Erasures,
    pub(crate) readers: SqlitePool,
    pub(crate) known_roles: Arc<KnownRoles>,
}

impl SqliteStore {
    /// Opens the file, creates it where there is none (readable by its owner only), and brings
    /// its schema up to date. The folder must be there.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub async fn open(path: &Path) -> Result<Self, OpenError> {
        Self::open_grouping(path, Grouping::default()).await
    }

    /// The same, with other groups than the usual ones.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub async fn open_grouping(path: &Path, grouping: Grouping) -> Result<Self, OpenError> {
        let (writer, readers, erasures) = open::open(path, grouping).await?;
        Ok(Self {
            writer,
            erasures,
            readers,
            known_roles: Arc::default(),
        })
    }

    /// Whether no other process has the file open.
    ///
    /// # Errors
    /// [`RestoreError::InUse`] where one has.
    pub async fn is_alone(path: &Path) -> Result<(), RestoreError> {
        backup::release(backup::alone(path).await?).await;
        Ok(())
    }

    /// Has the write-ahead log cut to nothing after the group of changes that this is called in: it
    /// holds what they erase.
    pub(crate) fn note_erasure(&self) {
        self.erasures.note();
    }

    /// Ends what is being done, and leaves the file without a write-ahead log beside it. What is
    /// asked of the store later is refused as unavailable.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }

    /// Begins a change.
    pub(crate) async fn write(&self) -> StoreResult<Write> {
        self.writer.begin().await
    }

    /// Several reads of one moment.
    pub(crate) async fn snapshot(&self) -> StoreResult<Transaction<'static, Sqlite>> {
        self.readers.begin().await.map_err(db)
    }
}

#[async_trait]
impl Store for SqliteStore {
    /// A change that changes nothing still needs the disk, the lock and a file that isn't
    /// read-only.
    async fn ping(&self) -> StoreResult<()> {
        self.write().await?.commit().await
    }

    async fn sweep(&self, now: UnixTime, policy: &RefreshPolicy) -> StoreResult<Swept> {
        self.remove_some_of_what_is_over(now, policy).await
    }
}

#[cfg(test)]
mod tests {
    use signet_core::ports::{AccountStore as _, StoreError};
    use signet_core::testing::World;
    use signet_core::testing::world::{NOW, anonymous, registration, registration_mail};

    use super::*;

    async fn limit_pages(store: &SqliteStore, most: u32) {
        let pragma = sqlx::AssertSqlSafe(format!("PRAGMA max_page_count = {most}"));
        let mut write = store.write().await.unwrap();
        sqlx::query(pragma).execute(&mut *write).await.unwrap();
        write.commit().await.unwrap();
    }

    async fn register(store: &SqliteStore, number: u32) -> StoreResult<()> {
        let (_, registration) = registration(&format!("person{number}"), NOW);
        let mail = registration_mail();
        store.register(&anonymous(NOW), registration, mail).await
    }

    #[tokio::test]
    async fn a_full_disk_refuses_changes_answers_reads_and_recovers() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("signet.db");
        let store = SqliteStore::open(&path).await.unwrap();
        limit_pages(&store, 1).await;
        let mut refusals = 0;
        for number in 0..200 {
            match register(&store, number).await {
                Ok(()) => {}
                Err(StoreError::Unavailable(_)) => refusals += 1,
                Err(other) => panic!("{other:?}"),
            }
            assert!(!store.admin_exists().await.unwrap(), "reads go on");
        }
        assert!(refusals > 0);
        limit_pages(&store, 1_000_000).await;
        register(&store, 1_000).await.unwrap();
        World::new(Arc::new(store)).check_trail().await;
    }
}
