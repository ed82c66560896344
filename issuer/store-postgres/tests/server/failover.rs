//! Servers that another one took the place of: one that lags behind, or that only reads.

use std::sync::Arc;

use signet_core::ports::{AccountStore as _, GuessStore as _, Store as _};
use signet_core::testing::World;
use signet_core::testing::roles::create;
use signet_core::testing::world::guess_key;
use signet_store_postgres::OpenError;
use signet_testbed::{Database, Postgres, postgres};

use crate::{is_unavailable, open, world};

/// Copies a database, or puts another one in its place. Its connections are cut.
fn as_the_server_does(database: &Database<'_>, sql: &[&str]) {
    let name = database.name();
    let cut =
        format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'");
    postgres().sql("postgres", &cut);
    for sql in sql {
        postgres().sql("postgres", &sql.replace("{}", name));
    }
}

async fn knows(world: &World, role: &str) -> bool {
    let catalogue = world.store.role_catalogue().await.unwrap();
    catalogue.iter().any(|known| known.name.as_str() == role)
}

#[tokio::test]
async fn roles_in_memory_are_never_those_of_a_time_that_was_lost() {
    let database = postgres().database();
    let running = world(&database).await;
    create(&running, "kept", &["users:read"], &[]).await;
    as_the_server_does(&database, &["CREATE DATABASE {}_before TEMPLATE {}"]);
    create(&running, "lost", &["users:read"], &[]).await;
    assert!(knows(&running, "lost").await);
    let back = [
        "DROP DATABASE {} WITH (FORCE)",
        "ALTER DATABASE {}_before RENAME TO {}",
    ];
    as_the_server_does(&database, &back);
    // As many changes as were lost, by another process.
    let other = world(&database).await;
    create(&other, "other", &["users:read"], &[]).await;
    assert!(knows(&running, "kept").await);
    assert!(knows(&running, "other").await, "its memory is of this time");
    assert!(!knows(&running, "lost").await, "its memory is of this time");
}

#[tokio::test]
async fn a_server_that_only_reads_answers_reads_and_is_unavailable_for_changes() {
    let mut server = Postgres::start();
    let database = server.database();
    let url = database.url();
    std::mem::forget(database);
    let store = open(&url).await.unwrap();
    let ada = World::new(Arc::new(store.clone()))
        .account("ada", &[])
        .await;
    server.stand_by();
    assert_eq!(store.account(ada.id).await.unwrap(), Some(ada.clone()));
    assert!(is_unavailable(
        &store.clear_guesses(&guess_key("ada")).await
    ));
    assert!(is_unavailable(&store.ping().await));
    let error = open(&url).await.expect_err("it can't be migrated");
    assert!(matches!(error, OpenError::ReadOnly { .. }), "{error}");
    server.promote();
    store.clear_guesses(&guess_key("ada")).await.unwrap();
    store.ping().await.unwrap();
    assert_eq!(store.account(ada.id).await.unwrap(), Some(ada));
}
