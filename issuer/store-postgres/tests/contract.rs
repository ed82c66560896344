//! The contract of a store, on a real server.
#![allow(clippy::unwrap_used, reason = "a test that can't go on should stop")]

use std::sync::Arc;

use signet_core::testing::World;
use signet_store_postgres::PostgresStore;
use signet_testbed::{Database, postgres};

async fn open() -> (World, Database<'static>) {
    let database = postgres().database();
    let store = PostgresStore::open(&database.url().parse().unwrap()).await;
    (World::new(Arc::new(store.unwrap())), database)
}

signet_core::store_contract!(open);
signet_core::detached_contract!(open);
