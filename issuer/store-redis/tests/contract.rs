//! The contract of a limiter, on a real server.
#![allow(clippy::unwrap_used, reason = "a test that can't go on should stop")]

use std::sync::Arc;
use std::time::Duration;

use signet_core::limit::Limiter;
use signet_core::secret::{OperatingSystem, Randomness};
use signet_store_redis::{RedisClient, RedisLimiter};
use signet_testbed::redis;

/// Budgets of their own, under a secret of their own.
async fn open() -> (Arc<dyn Limiter>, ()) {
    let randomness: &dyn Randomness = &OperatingSystem;
    let address = redis().url().parse().unwrap();
    // What a slow answer does is not told here.
    let client = RedisClient::open_with_deadline(&address, Duration::from_secs(10)).await;
    let limiter = RedisLimiter::open(client.unwrap(), randomness.secret()).await;
    (Arc::new(limiter.unwrap()), ())
}

signet_core::limiter_contract!(open);
