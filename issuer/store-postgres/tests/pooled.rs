//! The contract of a store, and more clients than a pooler has connections.
#![allow(clippy::unwrap_used, reason = "a test that can't go on should stop")]

use std::sync::{Arc, OnceLock};

use signet_core::testing::World;
use signet_store_postgres::PostgresStore;
use signet_testbed::{Database, PgBouncer, Pooling, postgres};

/// Three connections for each database.
fn pooler() -> &'static PgBouncer {
    static SHARED: OnceLock<PgBouncer> = OnceLock::new();
    SHARED.get_or_init(|| PgBouncer::start(postgres(), Pooling::default()))
}

async fn open() -> (World, Database<'static>) {
    let database = postgres().database();
    let url = database.url_through(pooler().port(), "postgres");
    let store = PostgresStore::open(&url.parse().unwrap()).await;
    (World::new(Arc::new(store.unwrap())), database)
}

signet_core::store_contract!(open);
