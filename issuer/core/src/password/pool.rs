//! A bounded pool for password hashes: as many at once as there are permits, a short queue, and a
//! deadline for who waits in it. Beyond that the answer is "overloaded", at once.
//!
//! The permit belongs to the blocking task itself. A task goes on when the client that asked has
//! left, so a permit that went with the client would let any number of hashes run.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;

use super::hasher::{Hasher, Match};
use super::{Password, PasswordHash};

/// How much hashing there may be.
#[derive(Clone, Copy, Debug)]
pub struct PoolSettings {
    /// How many hashes at once; the number of cores is right.
    pub permits: usize,
    /// How many may wait for a permit.
    pub queue: usize,
    /// How long one may wait.
    pub deadline: Duration,
}

/// There is more hashing to do than the machine can.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("too many passwords are being checked at the moment")]
pub struct Overloaded {
    /// Seconds after which it is worth trying again.
    pub retry_after: u32,
}

/// Hashes and checks passwords.
#[derive(Clone, Debug)]
pub struct HashPool {
    hasher: Hasher,
    permits: Arc<Semaphore>,
    places: Arc<Semaphore>,
    deadline: Duration,
    dummy: PasswordHash,
}

impl HashPool {
    /// A pool that makes hashes with `hasher`. `dummy` is a hash of that hasher which no password
    /// is known for; it is checked where there is nothing to check, so that both take one hash.
    #[must_use]
    pub fn new(hasher: Hasher, settings: PoolSettings, dummy: PasswordHash) -> Self {
        let permits = settings.permits.max(1);
        Self {
            hasher,
            permits: Arc::new(Semaphore::new(permits)),
            places: Arc::new(Semaphore::new(permits.saturating_add(settings.queue))),
            deadline: settings.deadline,
            dummy,
        }
    }

    /// The hasher, for its limits.
    #[must_use]
    pub fn hasher(&self) -> &Hasher {
        &self.hasher
    }

    /// Hashes a password. `Ok(None)` where it is longer than the hasher takes.
    ///
    /// # Errors
    /// When there is too much to do.
    pub async fn hash(
        &self,
        password: Password,
        salt: [u8; 16],
    ) -> Result<Option<PasswordHash>, Overloaded> {
        let hasher = self.hasher;
        self.run(move || hasher.hash(&password, salt)).await
    }

    /// Holds a password against a hash.
    ///
    /// # Errors
    /// When there is too much to do.
    pub async fn check(&self, password: Password, hash: PasswordHash) -> Result<Match, Overloaded> {
        let hasher = self.hasher;
        self.run(move || hasher.check(&password, &hash)).await
    }

    /// Takes as long as [`HashPool::check`] does, for a password there is no hash for.
    ///
    /// # Errors
    /// When there is too much to do.
    pub async fn check_nothing(&self, password: Password) -> Result<(), Overloaded> {
        self.check(password, self.dummy.clone()).await.map(|_| ())
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Overloaded> {
        let overloaded = Overloaded { retry_after: 1 };
        let place = Arc::clone(&self.places)
            .try_acquire_owned()
            .map_err(|_| overloaded)?;
        let permit = tokio::time::timeout(self.deadline, Arc::clone(&self.permits).acquire_owned())
            .await
            .map_err(|_| overloaded)?
            .map_err(|_| overloaded)?;
        tokio::task::spawn_blocking(move || {
            let answer = work();
            // The place first: whoever is let in by the permit must find the queue open.
            drop(place);
            drop(permit);
            answer
        })
        .await
        .map_err(|_| overloaded)
    }
}

#[cfg(test)]
mod tests {
    use zeroize::Zeroizing;

    use super::*;
    use crate::password::hasher::Algorithm;

    fn pool(permits: usize, queue: usize, deadline: Duration) -> HashPool {
        let algorithm = Algorithm::Argon2id {
            memory_kib: 64,
            iterations: 1,
            lanes: 1,
        };
        let hasher = Hasher::new(algorithm).unwrap();
        let settings = PoolSettings {
            permits,
            queue,
            deadline,
        };
        HashPool::new(hasher, settings, PasswordHash::from_stored(String::new()))
    }

    #[tokio::test]
    async fn a_full_queue_sheds_at_once_and_a_long_wait_after_the_deadline() {
        let pool = pool(1, 1, Duration::from_millis(50));
        let (release, blocked) = std::sync::mpsc::channel::<()>();
        let running = tokio::spawn({
            let pool = pool.clone();
            async move { pool.run(move || blocked.recv().is_ok()).await }
        });
        while pool.permits.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        let waiting = tokio::spawn({
            let pool = pool.clone();
            async move { pool.run(|| ()).await }
        });
        while pool.places.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        assert!(pool.run(|| ()).await.is_err(), "the queue is full");
        assert!(waiting.await.unwrap().is_err(), "the deadline has passed");
        release.send(()).unwrap();
        assert_eq!(running.await.unwrap(), Ok(true));
        assert_eq!(pool.run(|| 7).await, Ok(7));
    }

    #[tokio::test]
    async fn a_client_that_leaves_does_not_free_its_permit_before_the_hash_is_done() {
        let pool = pool(1, 0, Duration::from_millis(10));
        let (release, blocked) = std::sync::mpsc::channel::<()>();
        let client = tokio::spawn({
            let pool = pool.clone();
            async move { pool.run(move || blocked.recv().is_ok()).await }
        });
        while pool.permits.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        client.abort();
        assert!(client.await.unwrap_err().is_cancelled());
        assert!(pool.run(|| ()).await.is_err());
        release.send(()).unwrap();
        while pool.permits.available_permits() == 0 {
            tokio::task::yield_now().await;
        }
        assert!(pool.run(|| ()).await.is_ok());
    }

    #[tokio::test]
    async fn what_was_hashed_checks() {
        let pool = pool(2, 2, Duration::from_secs(5));
        let password = Password::new(Zeroizing::new("correct horse".to_owned())).unwrap();
        let hash = pool.hash(password.clone(), [3; 16]).await.unwrap().unwrap();
        assert_eq!(pool.check(password, hash).await, Ok(Match::Same));
    }
}
