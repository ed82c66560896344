//! The trail and the changes it tells of are written together or not at all.
#![allow(clippy::unwrap_used, reason = "a test that can't go on should stop")]

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use signet_core::testing::World;
use signet_core::testing::changes::Prepared;
use signet_core::testing::heads::InMemoryHeads;
use signet_store_sqlite::SqliteStore;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions as _};

async fn beside(path: &Path) -> SqliteConnection {
    let options = SqliteConnectOptions::new().filename(path);
    options.connect().await.unwrap()
}

async fn run(connection: &mut SqliteConnection, sql: &'static str) {
    sqlx::query(sql).execute(connection).await.unwrap();
}

async fn texts(connection: &mut SqliteConnection, sql: String) -> Vec<String> {
    let rows = sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(connection);
    rows.await.unwrap()
}

/// Everything in every table, as SQL would write it.
async fn everything(connection: &mut SqliteConnection) -> Vec<String> {
    let tables = "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name".to_owned();
    let mut everything = Vec::new();
    for table in texts(connection, tables).await {
        let columns = format!("SELECT name FROM pragma_table_info('{table}')");
        let quoted: Vec<String> = texts(connection, columns)
            .await
            .iter()
            .map(|column| format!("quote({column})"))
            .collect();
        let row = quoted.join(" || ',' || ");
        let rows = format!("SELECT '{table}: ' || {row} FROM {table} ORDER BY 1");
        everything.extend(texts(connection, rows).await);
    }
    everything
}

#[tokio::test]
async fn what_cannot_be_recorded_does_not_happen() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("signet.db");
    let store = SqliteStore::open(&path).await.unwrap();
    nothing_happens_without_its_record(World::new(Arc::new(store)), &path).await;
}

#[tokio::test]
async fn what_cannot_be_recorded_does_not_happen_to_detached_sessions() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("signet.db");
    let store = SqliteStore::open(&path).await.unwrap();
    let heads = Arc::new(InMemoryHeads::default());
    nothing_happens_without_its_record(World::detached(Arc::new(store), heads), &path).await;
}

async fn nothing_happens_without_its_record(world: World, path: &Path) {
    let prepared = Prepared::new(&world).await;
    let mut beside = beside(path).await;
    let before = everything(&mut beside).await;
    let recorded = world.trail().await.len();

    run(
        &mut beside,
        "CREATE TRIGGER no_audit BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'no'); END",
    )
    .await;
    for (action, answer) in prepared.try_all(&world).await {
        assert!(answer.is_err(), "{action} happened without its record");
    }
    assert_eq!(everything(&mut beside).await, before);

    run(&mut beside, "DROP TRIGGER no_audit").await;
    let mut tried = BTreeSet::new();
    for (action, answer) in prepared.try_all(&world).await {
        assert!(answer.unwrap(), "{action} was not done");
        tried.insert(action.to_owned());
    }
    let told = world.actions().await.into_iter().skip(recorded);
    assert_eq!(told.collect::<BTreeSet<_>>(), tried);
    world.check_trail().await;
}
