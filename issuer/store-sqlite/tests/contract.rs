//! The contract of a store, on a real file, and what only a file can get wrong.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that can't go on should stop"
)]

use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;

use signet_core::ports::{AccountStore as _, AuditStore as _, Store};
use signet_core::testing::World;
use signet_core::testing::world::{NOW, all_at_once};
use signet_store_sqlite::SqliteStore;
use tempfile::TempDir;

async fn open() -> (Arc<dyn Store>, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&folder.path().join("signet.db")).await;
    (Arc::new(store.unwrap()), folder)
}

signet_core::store_contract!(open);

#[tokio::test]
async fn what_was_written_is_there_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("signet.db");
    let ada = {
        let store = SqliteStore::open(&path).await.unwrap();
        World::new(Arc::new(store)).account("ada", &["admin"]).await
    };
    let store = SqliteStore::open(&path).await.unwrap();
    assert_eq!(store.account(ada.id).await.unwrap(), Some(ada));
}

#[tokio::test]
async fn nobody_else_may_read_the_files() {
    let (store, folder) = open().await;
    World::new(store).account("ada", &[]).await;
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{:?}", entry.file_name());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_processes_may_write_the_same_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("signet.db");
    let stores = [
        SqliteStore::open(&path).await.unwrap(),
        SqliteStore::open(&path).await.unwrap(),
    ];
    all_at_once(40, |number| {
        let store = stores[number % 2].clone();
        async move {
            let world = World::new(Arc::new(store));
            world.account(&format!("person{number}"), &[]).await;
        }
    })
    .await;
    let trail = stores[0].recorded(0, 100).await.unwrap();
    assert_eq!(trail.len(), 40);
    World::new(Arc::new(stores[1].clone())).check_trail().await;
    let first = trail.first().unwrap();
    assert_eq!(first.event.at, NOW);
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("signet.db");
    std::fs::write(&path, "this is a letter to my grandmother, and no database").unwrap();
    assert!(SqliteStore::open(&path).await.is_err());
    let missing = folder.path().join("no/such/folder/signet.db");
    assert!(SqliteStore::open(&missing).await.is_err());
}
