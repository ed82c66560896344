//! What only a server can get wrong, and what stands between it and its clients.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test that can't go on should stop"
)]

mod atomicity;
mod failover;
mod opening;
mod outages;
mod parity;
mod pooling;
mod previous;
mod proxy;
mod supabase;

use std::sync::Arc;

use signet_core::ports::{StoreError, StoreResult};
use signet_core::testing::World;
use signet_store_postgres::{Address, OpenError, PostgresStore};
use signet_testbed::Database;

fn address(url: &str) -> Address {
    url.parse().unwrap()
}

async fn open(url: &str) -> Result<PostgresStore, OpenError> {
    PostgresStore::open(&address(url)).await
}

/// A store of its own, as the contract sees it.
async fn world(database: &Database<'_>) -> World {
    let store = open(&database.url()).await.unwrap();
    World::new(Arc::new(store))
}

/// What becomes 503 with `Retry-After`, and nothing else.
fn is_unavailable<T: std::fmt::Debug>(answer: &StoreResult<T>) -> bool {
    match answer {
        Ok(_) => false,
        Err(StoreError::Unavailable(_)) => true,
        Err(StoreError::Corrupt(what)) => panic!("{what}"),
    }
}
