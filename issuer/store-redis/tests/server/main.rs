//! What only a server can get wrong.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test that can't go on should stop"
)]

mod opening;
mod outages;
mod wire;

use signet_core::secret::{OperatingSystem, Randomness, SecretBytes};
use signet_store_redis::{OpenError, RedisClient, RedisHeads, RedisLimiter};

/// The rights that `docs/REDIS.md` has operators paste.
fn documented_rights() -> String {
    let page = include_str!("../../../../docs/REDIS.md");
    let (_, line) = page.split_once("ACL SETUSER signet on >PASSWORD ").unwrap();
    line.lines().next().unwrap().to_owned()
}

fn secret() -> SecretBytes<32> {
    let randomness: &dyn Randomness = &OperatingSystem;
    randomness.secret()
}

/// What the issuer does at its start.
async fn open(url: &str) -> Result<RedisLimiter, OpenError> {
    let client = RedisClient::open(&url.parse().unwrap()).await?;
    RedisHeads::examine(&client).await?;
    RedisLimiter::open(client, secret()).await
}
