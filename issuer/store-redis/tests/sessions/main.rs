//! Sessions whose heads are on Redis, and everything else in SQL: the contract of a store, on both,
//! and what becomes of sessions when Redis stops, hangs, forgets or fills.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test that can't go on should stop"
)]

mod heads;
mod outages;
mod sharing;

use std::sync::Arc;
use std::time::Duration;

use signet_core::ports::Store;
use signet_core::ports::heads::HeadStore;
use signet_store_redis::{RedisClient, RedisHeads};
use signet_store_sqlite::SqliteStore;
use signet_testbed::redis;
use tempfile::TempDir;

/// The server that all tests share. What a slow answer does is told of servers of their own.
async fn client() -> RedisClient {
    let address = redis().url().parse().unwrap();
    let client = RedisClient::open_with_deadline(&address, Duration::from_secs(10)).await;
    client.unwrap()
}

async fn heads() -> Arc<dyn HeadStore> {
    Arc::new(RedisHeads::open(client().await).await.unwrap())
}

async fn file() -> (Arc<dyn Store>, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&folder.path().join("signet.db")).await;
    (Arc::new(store.unwrap()), folder)
}

mod on_sqlite {
    use signet_core::testing::World;

    use super::{TempDir, file, heads};

    async fn open() -> (World, TempDir) {
        let (store, folder) = file().await;
        (World::detached(store, heads().await), folder)
    }

    signet_core::store_contract!(open);
}

mod on_postgres {
    use std::sync::Arc;

    use signet_core::testing::World;
    use signet_store_postgres::PostgresStore;
    use signet_testbed::{Database, postgres};

    use super::heads;

    async fn open() -> (World, Database<'static>) {
        let database = postgres().database();
        let store = PostgresStore::open(&database.url().parse().unwrap()).await;
        let world = World::detached(Arc::new(store.unwrap()), heads().await);
        (world, database)
    }

    signet_core::store_contract!(open);
}
