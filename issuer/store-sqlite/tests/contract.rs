//! The contract of a store, on a real file, and what only a file can get wrong.
#![allow(
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    reason = "a test that can't go on should stop"
)]

use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;

use signet_core::mail::MailKind;
use signet_core::ports::{AccountStore as _, AuditStore as _, MailStore as _};
use signet_core::testing::world::{NOW, all_at_once};
use signet_core::testing::{World, roles as stories};
use signet_store_sqlite::{OpenError, SqliteStore};
use tempfile::TempDir;

async fn open() -> (World, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&folder.path().join("signet.db")).await;
    (World::new(Arc::new(store.unwrap())), folder)
}

signet_core::store_contract!(open);
signet_core::detached_contract!(open);

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
async fn a_request_for_mail_that_was_acknowledged_is_there_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("signet.db");
    let request = {
        let store = SqliteStore::open(&path).await.unwrap();
        let world = World::new(Arc::new(store));
        world.request(MailKind::ResetRequest, NOW).await
    };
    let store = SqliteStore::open(&path).await.unwrap();
    let claimed = store.claim_mail(NOW, 60, 10).await.unwrap();
    let waiting: Vec<_> = claimed.iter().map(|mail| mail.id).collect();
    assert_eq!(waiting, [request]);
}

#[tokio::test]
async fn nobody_else_may_read_the_files() {
    let (world, folder) = open().await;
    world.account("ada", &[]).await;
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

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_second_process_gets_its_turn_beside_a_busy_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("signet.db");
    let busy = World::new(Arc::new(SqliteStore::open(&path).await.unwrap()));
    let beside = World::new(Arc::new(SqliteStore::open(&path).await.unwrap()));
    let clients: Vec<_> = (0..16)
        .map(|_| {
            let busy = busy.clone();
            tokio::spawn(async move {
                loop {
                    busy.request(MailKind::ResetRequest, NOW).await;
                }
            })
        })
        .collect();
    for number in 0..5 {
        beside.account(&format!("person{number}"), &[]).await;
    }
    for client in clients {
        client.abort();
        assert!(
            client.await.unwrap_err().is_cancelled(),
            "nobody was refused"
        );
    }
    beside.check_trail().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_first_starts_make_one_database() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("signet.db");
    let stores = all_at_once(8, |_| {
        let path = path.clone();
        async move { SqliteStore::open(&path).await.unwrap() }
    })
    .await;
    for (number, store) in stores.into_iter().enumerate() {
        let world = World::new(Arc::new(store));
        world.account(&format!("person{number}"), &["admin"]).await;
        assert_eq!(world.trail().await.len(), number + 1);
    }
}

#[tokio::test]
async fn what_others_could_read_is_taken_from_them() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("signet.db");
    drop(SqliteStore::open(&path).await.unwrap());
    let mode = |mode| std::fs::Permissions::from_mode(mode);
    std::fs::set_permissions(&path, mode(0o666)).unwrap();
    drop(SqliteStore::open(&path).await.unwrap());
    let left = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(left & 0o777, 0o660);
}

#[tokio::test]
async fn another_process_sees_a_change_of_roles_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("signet.db");
    let here = World::new(Arc::new(SqliteStore::open(&path).await.unwrap()));
    let there = World::new(Arc::new(SqliteStore::open(&path).await.unwrap()));
    for permission in ["agents:read", "agents:list", "agents:read"] {
        let known = there.store.role_catalogue().await.unwrap();
        match known.iter().any(|role| role.name.as_str() == "reader") {
            true => stories::replace(&there, "reader", &[permission], &[]).await,
            false => stories::create(&there, "reader", &[permission], &[]).await,
        }
        let catalogue = here.store.role_catalogue().await.unwrap();
        let reader = catalogue.iter().find(|role| role.name.as_str() == "reader");
        let permissions = &reader.unwrap().permissions;
        assert!(permissions.iter().all(|held| held.as_str() == permission));
    }
}

#[tokio::test]
async fn a_file_of_a_newer_release_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("signet.db");
    SqliteStore::open(&path).await.unwrap().close().await;
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&path);
    let mut beside = sqlx::ConnectOptions::connect(&options).await.unwrap();
    sqlx::query(
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
         VALUES (9999, 'of tomorrow', 1, x'00', 0)",
    )
    .execute(&mut beside)
    .await
    .unwrap();
    let refused = SqliteStore::open(&path).await.unwrap_err();
    assert!(matches!(refused, OpenError::Newer { .. }), "{refused}");
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("signet.db");
    std::fs::write(&path, "this is a letter to my grandmother, and no database").unwrap();
    let refused = SqliteStore::open(&path).await.unwrap_err();
    assert!(matches!(refused, OpenError::Open { .. }), "{refused}");
    let missing = folder.path().join("no/such/folder/signet.db");
    let refused = SqliteStore::open(&missing).await.unwrap_err();
    assert!(matches!(refused, OpenError::File { .. }), "{refused}");
}
