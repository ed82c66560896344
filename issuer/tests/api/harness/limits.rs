//! Where a service keeps budgets.

use std::sync::Arc;
use std::time::Duration;

use signet_core::limit::Limiter;
use signet_core::limit::in_process::InProcessLimiter;
use signet_core::secret::{OperatingSystem, Randomness};
use signet_store_redis::{RedisClient, RedisLimiter};

/// The limiters that a service may have.
#[allow(dead_code, reason = "most binaries have one")]
#[derive(Clone, Debug)]
pub(crate) enum Limits {
    /// In its memory.
    InProcess,
    /// On the Redis server that all tests share. A slow answer of that, on a machine that does many
    /// other things, is waited for.
    Redis,
    /// On a server of the test's own, as an issuer does it.
    OwnRedis(String),
}

impl Limits {
    /// Budgets that no other service has.
    pub(crate) async fn open(&self) -> Arc<dyn Limiter> {
        let client = match self {
            Self::InProcess => return Arc::new(InProcessLimiter::default()),
            Self::Redis => {
                let address = signet_testbed::redis().url().parse().unwrap();
                RedisClient::open_with_deadline(&address, Duration::from_secs(10)).await
            }
            Self::OwnRedis(url) => RedisClient::open(&url.parse().unwrap()).await,
        };
        let randomness: &dyn Randomness = &OperatingSystem;
        let limiter = RedisLimiter::open(client.unwrap(), randomness.secret());
        Arc::new(limiter.await.unwrap())
    }
}
