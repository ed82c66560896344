//! Budgets on Redis, which all issuers of a database share.
//!
//! A budget is one key that holds when it will be full again, on the clock of Redis, and that goes
//! when it is. Taking a unit is one script with the arithmetic of [`signet_core::limit::gcra`].
//!
//! Limits slow attackers down, and must neither vanish with Redis nor take the issuer along: while
//! Redis fails, each process keeps budgets of its own that are half as large. Nobody gets an error,
//! and who was within the limits by far still is. What was taken on one side isn't known on the
//! other, so a change of sides gives an attacker at most half a quota for each process.

use std::net::IpAddr;

use async_trait::async_trait;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use signet_core::limit::in_process::InProcessLimiter;
use signet_core::limit::{Budget, Exceeded, LimitKey, LimitSubject, Limiter, Quota};
use signet_core::secret::SecretBytes;

use crate::client::{RedisClient, Script};
use crate::key::Key;
use crate::open::OpenError;

/// How much smaller budgets are while Redis is away.
const STRICTER: u32 = 2;

/// Keeps budgets on Redis; in this process while Redis is away.
#[derive(Debug)]
pub struct RedisLimiter {
    client: RedisClient,
    secret: SecretBytes<32>,
    take: Script,
    give_back: Script,
    meanwhile: InProcessLimiter,
}

impl RedisLimiter {
    /// [`Self::examine`] and [`Self::new`].
    ///
    /// # Errors
    /// See [`OpenError`].
    pub async fn open(client: RedisClient, secret: SecretBytes<32>) -> Result<Self, OpenError> {
        Self::examine(&client).await?;
        Ok(Self::new(client, secret))
    }

    /// Budgets on a server that was examined. `secret` keeps whoever reads Redis from finding out
    /// whose budgets they are, and apart from those of other issuers; all that share their budgets
    /// have the same.
    #[must_use]
    pub fn new(client: RedisClient, secret: SecretBytes<32>) -> Self {
        let [take, give_back] = scripts();
        Self {
            client,
            secret,
            take,
            give_back,
            meanwhile: InProcessLimiter::default(),
        }
    }

    /// Tries at the start whether a server does what is needed.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub async fn examine(client: &RedisClient) -> Result<(), OpenError> {
        let nobody = [Key::new(format_args!("limit:check"), &[])];
        let quota = arguments(Quota::new(u32::MAX, 1));
        for script in scripts() {
            client.check(&script, &nobody, &quota).await?;
        }
        Ok(())
    }

    fn key(&self, key: &LimitKey) -> Key {
        let LimitKey { class, subject } = key;
        let mut tag = [0; 16];
        // HMAC takes keys of any length, so there is always one.
        if let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(self.secret.expose()) {
            mac.update(class.as_bytes());
            match subject {
                LimitSubject::Client(IpAddr::V4(address)) => {
                    mac.update(b"\0v4\0");
                    mac.update(&address.octets());
                }
                LimitSubject::Client(IpAddr::V6(address)) => {
                    mac.update(b"\0v6\0");
                    mac.update(&address.octets());
                }
                LimitSubject::Person(person) => {
                    mac.update(b"\0person\0");
                    mac.update(person.as_bytes());
                }
                LimitSubject::Family(family) => {
                    mac.update(b"\0family\0");
                    mac.update(family);
                }
            }
            for (to, from) in tag.iter_mut().zip(mac.finalize().into_bytes()) {
                *to = from;
            }
        }
        Key::new(format_args!("limit:{class}"), &tag)
    }
}

#[async_trait]
impl Limiter for RedisLimiter {
    async fn take(&self, key: &LimitKey, quota: Quota) -> Result<Budget, Exceeded> {
        let keys = [self.key(key)];
        let taken = self.client.call(&self.take, &keys, &arguments(quota)).await;
        match taken {
            Ok(answer) => read(answer, quota),
            Err(_told_by_the_client) => self.meanwhile.take(key, stricter(quota)).await,
        }
    }

    async fn give_back(&self, key: &LimitKey, quota: Quota) {
        let keys = [self.key(key)];
        let arguments = arguments(quota);
        let given = self.client.call::<u64>(&self.give_back, &keys, &arguments);
        if given.await.is_err() {
            self.meanwhile.give_back(key, stricter(quota)).await;
        }
    }
}

/// To take, and to give back.
fn scripts() -> [Script; 2] {
    [
        Script::new(concat!(
            include_str!("limits/clock.lua"),
            include_str!("limits/take.lua")
        )),
        Script::new(concat!(
            include_str!("limits/clock.lua"),
            include_str!("limits/give_back.lua")
        )),
    ]
}

/// The arguments of both scripts.
fn arguments(quota: Quota) -> [u64; 2] {
    [quota.emission_interval(), quota.capacity()]
}

/// What `take.lua` answers.
fn read((taken, microseconds): (u8, u64), quota: Quota) -> Result<Budget, Exceeded> {
    match taken {
        0 => Err(Exceeded::free_in(quota, microseconds)),
        _ => Ok(Budget::full_in(quota, microseconds)),
    }
}

/// The quota of one process that knows nothing of the others.
fn stricter(quota: Quota) -> Quota {
    Quota {
        burst: quota.burst.checked_div(STRICTER).unwrap_or(0).max(1),
        ..quota
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::collection::vec;
    use proptest::prelude::*;
    use signet_core::limit::{gcra, given_back};
    use signet_testbed::redis;

    use super::*;

    /// The scripts with the time as their last argument.
    fn timeless() -> [Script; 2] {
        [
            Script::new(concat!(
                "local now = tonumber(ARGV[3])\n",
                include_str!("limits/take.lua")
            )),
            Script::new(concat!(
                "local now = tonumber(ARGV[3])\n",
                include_str!("limits/give_back.lua")
            )),
        ]
    }

    /// What somebody does after so many microseconds.
    #[derive(Clone, Copy, Debug)]
    enum Step {
        Take(i64),
        GiveBack(i64),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let pause = prop_oneof![
            4 => 0..50_000_i64,
            4 => 0..20_000_000_i64,
            1 => 0..100_000_000_000_i64,
            // The clock of Redis goes back.
            1 => -4_000_000_000..0_i64,
        ];
        let step = (pause, 0..4_u8).prop_map(|(pause, what)| match what {
            0 => Step::GiveBack(pause),
            _ => Step::Take(pause),
        });
        vec(step, 1..40)
    }

    fn quotas() -> impl Strategy<Value = Quota> {
        let burst = prop_oneof![1..10_u32, 1..1_000_u32, 1..1_000_000_000_u32];
        let period = prop_oneof![1..60_u32, 1..86_400_u32, 1..500_000_000_u32];
        (burst, period).prop_map(|(burst, period)| Quota::new(burst, period))
    }

    #[expect(
        clippy::arithmetic_side_effects,
        reason = "a test that overflows should stop"
    )]
    /// What is kept, in the words of `gcra`; `None` is a budget that nobody touched.
    fn expect(kept: &mut Option<u64>, step: Step, now: u64, quota: Quota) -> (u8, u64) {
        match step {
            Step::Take(_) => match gcra(kept.unwrap_or(0), now, quota) {
                Ok((full_at, budget)) => {
                    *kept = Some(full_at);
                    let ahead = full_at - now;
                    assert_eq!(budget, Budget::full_in(quota, ahead));
                    (1, ahead)
                }
                Err(exceeded) => {
                    let full_at = kept.unwrap().min(now + quota.capacity());
                    let wait = full_at + quota.emission_interval() - quota.capacity() - now;
                    assert_eq!(exceeded, Exceeded::free_in(quota, wait));
                    (0, wait)
                }
            },
            Step::GiveBack(_) => {
                *kept = kept.map(|full_at| given_back(full_at, now, quota));
                (2, kept.unwrap_or(0).saturating_sub(now))
            }
        }
    }

    async fn play(client: &RedisClient, scripts: &[Script; 2], steps: &[Step], quota: Quota) {
        let [take, give_back] = scripts;
        let mut tag = [0; 16];
        getrandom(&mut tag);
        let keys = [Key::new(format_args!("test"), &tag)];
        let [interval, capacity] = arguments(quota);
        let (mut kept, mut now) = (None, 1_800_000_000_000_000_u64);
        for step in steps {
            let (Step::Take(pause) | Step::GiveBack(pause)) = *step;
            now = now.checked_add_signed(pause).unwrap();
            let arguments = [interval, capacity, now];
            let told = match step {
                Step::Take(_) => client.call(take, &keys, &arguments).await.unwrap(),
                Step::GiveBack(_) => (2, client.call(give_back, &keys, &arguments).await.unwrap()),
            };
            assert_eq!(
                told,
                expect(&mut kept, *step, now, quota),
                "{step:?} at {now}"
            );
        }
    }

    fn getrandom(bytes: &mut [u8]) {
        use signet_core::secret::{OperatingSystem, Randomness as _};
        OperatingSystem.fill(bytes);
    }

    #[test]
    fn lua_and_rust_agree_to_the_microsecond() {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .unwrap();
        let address = redis().url().parse().unwrap();
        let client = RedisClient::open_with_deadline(&address, Duration::from_secs(10));
        let client = runtime.block_on(client).unwrap();
        let scripts = timeless();
        proptest!(ProptestConfig::with_cases(200), |(steps in steps(), quota in quotas())| {
            runtime.block_on(play(&client, &scripts, &steps, quota));
        });
    }

    #[test]
    fn a_stricter_quota_is_never_none() {
        let burst = |burst| stricter(Quota::new(burst, 60)).burst;
        assert_eq!([burst(1), burst(2), burst(3), burst(120)], [1, 1, 1, 60]);
    }
}
