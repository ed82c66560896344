//! Changes that share a transaction, and what becomes of them when one of them goes wrong.

use std::future::Future;
use std::path::PathBuf;

use signet_core::ports::{Store as _, StoreError};
use sqlx::AssertSqlSafe;
use tempfile::TempDir;
use tokio::task::JoinHandle;

use super::*;
use crate::db::{SqliteStore, db};

/// A store with a table of numbers.
struct Numbers {
    store: SqliteStore,
    path: PathBuf,
    _folder: TempDir,
}

impl Numbers {
    async fn new(grouping: Grouping) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("signet.db");
        let store = SqliteStore::open_grouping(&path, grouping).await.unwrap();
        let mut write = store.write().await.unwrap();
        let table = "CREATE TABLE numbers (number INTEGER NOT NULL, filling TEXT) STRICT";
        sqlx::query(table).execute(&mut *write).await.unwrap();
        write.commit().await.unwrap();
        Self {
            store,
            path,
            _folder: folder,
        }
    }

    /// A group that takes others in until its first change ends.
    async fn group_of(number: i64) -> (Self, Write) {
        let numbers = Self::new(Grouping {
            time: Duration::from_secs(60),
            ..Grouping::default()
        })
        .await;
        let mut first = numbers.store.write().await.unwrap();
        insert(&mut first, number).await.unwrap();
        (numbers, first)
    }

    /// Puts an operation into the queue, behind those that are there.
    async fn queue<T, F>(
        &self,
        operation: impl FnOnce(Write) -> F + Send + 'static,
    ) -> JoinHandle<T>
    where
        T: Send + 'static,
        F: Future<Output = T> + Send,
    {
        let store = self.store.clone();
        let queued = tokio::spawn(async move { operation(store.write().await.unwrap()).await });
        // Until it is in the queue.
        sleep(Duration::from_millis(20)).await;
        queued
    }

    async fn all(&self) -> Vec<i64> {
        sqlx::query_scalar("SELECT number FROM numbers ORDER BY number")
            .fetch_all(&self.store.readers)
            .await
            .unwrap()
    }

    fn wal_size(&self) -> u64 {
        let wal = self.path.with_extension("db-wal");
        std::fs::metadata(wal).unwrap().len()
    }
}

async fn insert(write: &mut Write, number: i64) -> StoreResult<()> {
    let insert = sqlx::query("INSERT INTO numbers (number) VALUES (?)").bind(number);
    insert.execute(&mut **write).await.map_err(db)?;
    Ok(())
}

async fn kept(mut write: Write, number: i64) -> StoreResult<()> {
    insert(&mut write, number).await?;
    write.commit().await
}

fn is_unavailable<T>(result: &StoreResult<T>) -> bool {
    matches!(result, Err(StoreError::Unavailable(_)))
}

#[tokio::test]
async fn what_is_taken_back_takes_nobody_along() {
    let (numbers, first) = Numbers::group_of(1).await;
    let dropped = numbers.queue(|mut write| async move { insert(&mut write, 2).await });
    let dropped = dropped.await;
    let second = numbers.queue(|write| kept(write, 3)).await;
    let refused = numbers.queue(|mut write| async move {
        insert(&mut write, 4).await.unwrap();
        write.leave("no").await
    });
    let refused = refused.await;
    let panicking = numbers.queue(|mut write| async move {
        insert(&mut write, 5).await.unwrap();
        panic!("on purpose");
    });
    let panicking: JoinHandle<()> = panicking.await;
    let third = numbers.queue(|write| kept(write, 6)).await;
    first.commit().await.unwrap();
    dropped.await.unwrap().unwrap();
    second.await.unwrap().unwrap();
    third.await.unwrap().unwrap();
    assert_eq!(refused.await.unwrap().unwrap(), "no");
    assert!(panicking.await.unwrap_err().is_panic());
    assert_eq!(numbers.all().await, [1, 3, 6]);
}

#[tokio::test]
async fn nothing_of_a_group_is_seen_or_answered_before_its_commit() {
    let (numbers, first) = Numbers::group_of(1).await;
    let second = numbers.queue(|mut write| async move {
        insert(&mut write, 2).await.unwrap();
        sleep(Duration::from_millis(100)).await;
        write.commit().await
    });
    let second = second.await;
    let first = tokio::spawn(first.commit());
    sleep(Duration::from_millis(50)).await;
    assert!(!first.is_finished(), "it waits for the group");
    assert_eq!(numbers.all().await, [0; 0]);
    first.await.unwrap().unwrap();
    second.await.unwrap().unwrap();
    assert_eq!(numbers.all().await, [1, 2]);
}

#[tokio::test]
async fn where_the_commit_fails_nobody_is_told_otherwise() {
    let (numbers, first) = Numbers::group_of(1).await;
    let second = numbers.queue(|write| kept(write, 2)).await;
    // What SQLite finds wrong no sooner than when it commits.
    let broken = numbers.queue(|mut write| async move {
        for sql in [
            "PRAGMA defer_foreign_keys = ON",
            "INSERT INTO account_roles (account_id, role) VALUES (x'00', 'admin')",
        ] {
            sqlx::query(sql).execute(&mut *write).await.unwrap();
        }
        write.commit().await
    });
    let broken = broken.await;
    let refused = numbers.queue(|write| write.leave("no")).await;
    assert!(first.commit().await.is_err());
    assert!(second.await.unwrap().is_err());
    assert!(broken.await.unwrap().is_err());
    assert!(
        refused.await.unwrap().is_err(),
        "it may have read the others"
    );
    assert_eq!(numbers.all().await, [0; 0]);
    kept(numbers.store.write().await.unwrap(), 3).await.unwrap();
    assert_eq!(numbers.all().await, [3]);
}

#[tokio::test]
async fn a_transaction_that_sqlite_rolls_back_by_itself_is_lost_for_all() {
    let (numbers, first) = Numbers::group_of(1).await;
    let second = numbers.queue(|write| kept(write, 2)).await;
    let full = numbers.queue(|mut write| async move {
        let rollback = sqlx::query("ROLLBACK").execute(&mut *write).await;
        rollback.unwrap();
    });
    let full = full.await;
    let behind = numbers.queue(|write| kept(write, 3)).await;
    assert!(is_unavailable(&first.commit().await));
    assert!(is_unavailable(&second.await.unwrap()));
    full.await.unwrap();
    behind.await.unwrap().unwrap();
    assert_eq!(numbers.all().await, [3]);
}

#[tokio::test]
async fn who_goes_away_undoes_nothing_that_was_committed() {
    let (numbers, first) = Numbers::group_of(1).await;
    let second = numbers.queue(|write| async move {
        tokio::spawn(kept(write, 2));
        std::future::pending::<()>().await;
    });
    let second = second.await;
    let gone = numbers.queue(|mut write| async move {
        insert(&mut write, 3).await.unwrap();
        std::future::pending::<()>().await;
    });
    let gone = gone.await;
    let last = numbers.queue(|write| kept(write, 4)).await;
    let first = tokio::spawn(first.commit());
    sleep(Duration::from_millis(50)).await;
    first.abort();
    gone.abort();
    last.await.unwrap().unwrap();
    second.abort();
    assert_eq!(numbers.all().await, [1, 2, 4]);
}

#[tokio::test]
async fn a_group_is_no_larger_and_no_older_than_it_may_be() {
    for (operations, time) in [(1, Duration::MAX), (256, Duration::ZERO)] {
        let numbers = Numbers::new(Grouping { operations, time }).await;
        let mut first = numbers.store.write().await.unwrap();
        insert(&mut first, 1).await.unwrap();
        let second = numbers.queue(|write| async move {
            std::future::pending::<()>().await;
            drop(write);
        });
        let second = second.await;
        first.commit().await.unwrap();
        assert_eq!(numbers.all().await, [1]);
        second.abort();
    }
}

#[tokio::test]
async fn who_waits_for_too_long_is_turned_away_and_the_next_one_is_not() {
    let (numbers, first) = Numbers::group_of(1).await;
    let started = Instant::now();
    assert!(is_unavailable(&numbers.store.ping().await));
    let waited = started.elapsed();
    assert!(waited < Duration::from_secs(5), "{waited:?}");
    first.commit().await.unwrap();
    numbers.store.ping().await.unwrap();
    assert_eq!(numbers.all().await, [1]);
}

#[tokio::test]
async fn a_closed_store_has_done_what_it_was_asked_for_and_refuses_the_rest() {
    let (numbers, first) = Numbers::group_of(1).await;
    let second = numbers.queue(|write| kept(write, 2)).await;
    let store = numbers.store.clone();
    let closing = tokio::spawn(async move { store.close().await });
    sleep(Duration::from_millis(20)).await;
    first.commit().await.unwrap();
    second.await.unwrap().unwrap();
    closing.await.unwrap();
    assert!(is_unavailable(&numbers.store.ping().await));
    assert!(!numbers.path.with_extension("db-wal").exists());
    assert!(!numbers.path.with_extension("db-shm").exists());
    numbers.store.close().await;
}

#[tokio::test]
async fn the_writer_is_as_durable_as_it_can_be_and_the_readers_only_read() {
    let numbers = Numbers::new(Grouping::default()).await;
    let mut write = numbers.store.write().await.unwrap();
    let mut pragmas = Vec::new();
    for name in ["synchronous", "foreign_keys", "secure_delete"] {
        let pragma = AssertSqlSafe(format!("PRAGMA {name}"));
        let value: i64 = sqlx::query_scalar(pragma)
            .fetch_one(&mut *write)
            .await
            .unwrap();
        pragmas.push(value);
    }
    assert_eq!(pragmas, [2, 1, 1]);
    write.leave(()).await.unwrap();
    let refused = sqlx::query("DELETE FROM numbers")
        .execute(&numbers.store.readers)
        .await;
    assert!(refused.is_err());
}

/// Writes some MiB in many changes.
async fn write_much(numbers: &Numbers, changes: i64) {
    for number in 0..changes {
        let mut write = numbers.store.write().await.unwrap();
        sqlx::query("INSERT INTO numbers (number, filling) VALUES (?, hex(zeroblob(32768)))")
            .bind(number)
            .execute(&mut *write)
            .await
            .unwrap();
        write.commit().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_stays_small_under_readers_who_come_and_go() {
    let numbers = Numbers::new(Grouping::default()).await;
    let readers: Vec<_> = (0..3)
        .map(|_| {
            let readers = numbers.store.readers.clone();
            tokio::spawn(async move {
                loop {
                    let count = sqlx::query_scalar("SELECT count(*) FROM numbers");
                    let _: i64 = count.fetch_one(&readers).await.unwrap();
                }
            })
        })
        .collect();
    let mut largest = 0;
    for _ in 0..8 {
        write_much(&numbers, 40).await;
        largest = largest.max(numbers.wal_size());
    }
    readers.iter().for_each(JoinHandle::abort);
    assert!(largest < 16 << 20, "{largest} bytes of 20 MiB");
}

#[tokio::test]
async fn a_reader_who_stays_lets_the_log_grow_no_longer_than_it_stays() {
    let numbers = Numbers::new(Grouping::default()).await;
    let mut reader = numbers.store.snapshot().await.unwrap();
    let count = "SELECT count(*) FROM numbers";
    let before: i64 = sqlx::query_scalar(count)
        .fetch_one(&mut *reader)
        .await
        .unwrap();
    write_much(&numbers, 200).await;
    assert!(numbers.wal_size() > 10 << 20);
    let after: i64 = sqlx::query_scalar(count)
        .fetch_one(&mut *reader)
        .await
        .unwrap();
    assert_eq!((before, after), (0, 0), "it sees what it saw");
    drop(reader);
    write_much(&numbers, 200).await;
    // What was written last may be being copied.
    let started = Instant::now();
    while numbers.wal_size() > 4 << 20 {
        let waited = started.elapsed();
        assert!(waited < Duration::from_secs(10), "{}", numbers.wal_size());
        write_much(&numbers, 1).await;
    }
}

#[tokio::test]
async fn after_an_erasure_the_log_is_cut_once_no_reader_is_in_the_way() {
    let numbers = Numbers::new(Grouping::default()).await;
    let mut reader = numbers.store.snapshot().await.unwrap();
    let count = sqlx::query_scalar("SELECT count(*) FROM numbers");
    let _: i64 = count.fetch_one(&mut *reader).await.unwrap();
    write_much(&numbers, 1).await;
    numbers.store.note_erasure();
    write_much(&numbers, 1).await;
    assert!(numbers.wal_size() > 0, "the reader needs it");
    drop(reader);
    let started = Instant::now();
    while numbers.wal_size() > 0 {
        assert!(started.elapsed() < Duration::from_secs(10), "it stays");
        sleep(Duration::from_millis(100)).await;
        if started.elapsed() > Duration::from_secs(1) {
            write_much(&numbers, 1).await;
            // It is cut behind the answer.
            sleep(Duration::from_millis(200)).await;
        }
    }
}
