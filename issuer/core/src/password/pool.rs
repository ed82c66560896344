//! A bounded pool for password hashes: as many at once as there are permits, a short queue, and a
//! deadline for who waits in it. Beyond that the answer is "overloaded", at once.
//!
//! The permit belongs to the blocking task itself. A task goes on when the client that asked has
//! left, so a permit that went with the client would let any number of hashes run.
//!
//! Hashes are made on [`threads`] of their own, which yield to whatever else there is to do. See
//! `docs/adr/0032-hashes-yield.md`.

mod threads;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use super::hasher::memory::Memory;
use super::hasher::{Hasher, Match, StoredHash};
use super::{Password, PasswordHash};
use crate::tally::{Histogram, Observed};
use threads::Threads;

/// The classes of times that are counted: from a quick hash to more than the longest wait.
const CLASSES: &[Duration] = &[
    Duration::from_millis(5),
    Duration::from_millis(10),
    Duration::from_millis(25),
    Duration::from_millis(50),
    Duration::from_millis(100),
    Duration::from_millis(250),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_millis(2_500),
];

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

/// What a pool does at one moment, and what it has done so far.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct PoolLoad {
    /// How many hashes are being made or checked.
    pub running: usize,
    /// How many have a place and no permit: they wait for one, or are about to.
    pub waiting: usize,
    /// How many were done.
    pub done: u64,
    /// How many were turned away because the queue was full.
    pub refused: u64,
    /// How many were turned away because they had waited for too long.
    pub late: u64,
}

/// How long hashes took, and how long they were waited for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PoolTimes {
    /// From the permit to the answer.
    pub hashing: Observed,
    /// From the place in the queue to the permit, for those that got one.
    pub waiting: Observed,
}

#[derive(Debug)]
struct Counters {
    done: AtomicU64,
    refused: AtomicU64,
    late: AtomicU64,
    hashing: Histogram,
    waiting: Histogram,
}

impl Default for Counters {
    fn default() -> Self {
        Self {
            done: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            late: AtomicU64::new(0),
            hashing: Histogram::new(CLASSES),
            waiting: Histogram::new(CLASSES),
        }
    }
}

/// Hashes and checks passwords.
#[derive(Clone, Debug)]
pub struct HashPool {
    hasher: Hasher,
    most_at_once: usize,
    most_in_all: usize,
    permits: Arc<Semaphore>,
    places: Arc<Semaphore>,
    deadline: Duration,
    dummy: PasswordHash,
    counters: Arc<Counters>,
    threads: Arc<Threads>,
}

/// A place in the queue, for one hash. Whoever has one is turned away only if it is not their turn
/// before the deadline.
#[derive(Debug)]
#[must_use = "nobody else has it meanwhile"]
pub struct Place<'a> {
    pool: &'a HashPool,
    place: OwnedSemaphorePermit,
}

/// What who is turned away is told.
const OVERLOADED: Overloaded = Overloaded { retry_after: 1 };

impl HashPool {
    /// A pool that makes hashes with `hasher`. `dummy` is a hash of that hasher which no password
    /// is known for; it is checked where there is nothing to check, so that both take one hash.
    ///
    /// # Errors
    /// When the system has no threads for it.
    pub fn new(
        hasher: Hasher,
        settings: PoolSettings,
        dummy: PasswordHash,
    ) -> std::io::Result<Self> {
        let permits = settings.permits.max(1);
        let places = permits.saturating_add(settings.queue);
        Ok(Self {
            hasher,
            most_at_once: permits,
            most_in_all: places,
            permits: Arc::new(Semaphore::new(permits)),
            places: Arc::new(Semaphore::new(places)),
            deadline: settings.deadline,
            dummy,
            counters: Arc::default(),
            threads: Arc::new(Threads::new(permits)?),
        })
    }

    /// What it does, and has done.
    #[must_use]
    pub fn load(&self) -> PoolLoad {
        let counters = &self.counters;
        let running = self
            .most_at_once
            .saturating_sub(self.permits.available_permits());
        let taken = self
            .most_in_all
            .saturating_sub(self.places.available_permits());
        PoolLoad {
            running,
            waiting: taken.saturating_sub(running),
            done: counters.done.load(Ordering::Relaxed),
            refused: counters.refused.load(Ordering::Relaxed),
            late: counters.late.load(Ordering::Relaxed),
        }
    }

    /// How long it took.
    #[must_use]
    pub fn times(&self) -> PoolTimes {
        PoolTimes {
            hashing: self.counters.hashing.read(),
            waiting: self.counters.waiting.read(),
        }
    }

    /// The hasher, for its limits.
    #[must_use]
    pub fn hasher(&self) -> &Hasher {
        &self.hasher
    }

    /// Turns away who would be turned away now, before anything is looked up for them. Whoever is
    /// not may still be, when they ask for a place.
    ///
    /// # Errors
    /// When the queue is full.
    pub fn turn_away_if_full(&self) -> Result<(), Overloaded> {
        match self.places.available_permits() {
            0 => Err(self.turn_away(&self.counters.refused)),
            _ => Ok(()),
        }
    }

    /// A place in the queue. What is written before a hash is made is written with a place, so that
    /// nobody is turned away after it because others were faster.
    ///
    /// # Errors
    /// When the queue is full.
    pub fn place(&self) -> Result<Place<'_>, Overloaded> {
        match Arc::clone(&self.places).try_acquire_owned() {
            Ok(place) => Ok(Place { pool: self, place }),
            Err(_) => Err(self.turn_away(&self.counters.refused)),
        }
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
        self.place()?
            .run(move |memory| hasher.hash_in(memory, &password, salt))
            .await
    }

    /// Holds a password against a hash, as [`Place::check`] does.
    ///
    /// # Errors
    /// When there is too much to do.
    pub async fn check(&self, password: Password, hash: PasswordHash) -> Result<Match, Overloaded> {
        self.place()?.check(password, hash).await
    }

    fn turn_away(&self, counter: &AtomicU64) -> Overloaded {
        counter.fetch_add(1, Ordering::Relaxed);
        OVERLOADED
    }
}

impl Place<'_> {
    /// Holds a password against a hash. Where there is none, or none that can be read, it takes the
    /// time of one and matches nothing.
    ///
    /// # Errors
    /// When it isn't its turn before the deadline.
    pub async fn check(self, password: Password, hash: PasswordHash) -> Result<Match, Overloaded> {
        let (hasher, dummy) = (self.pool.hasher, self.pool.dummy.clone());
        self.run(move |memory| {
            let mut matches = |hash| match StoredHash::read(hash) {
                Ok(stored) => Some(hasher.check_stored(memory, &password, &stored)),
                Err(_) => None,
            };
            matches(&hash).unwrap_or_else(|| {
                let _takes_as_long = matches(&dummy);
                Match::Different
            })
        })
        .await
    }

    /// Takes as long as [`Place::check`] does, for a password there is no hash for.
    ///
    /// # Errors
    /// When it isn't its turn before the deadline.
    pub async fn check_nothing(self, password: Password) -> Result<(), Overloaded> {
        let dummy = self.pool.dummy.clone();
        self.check(password, dummy).await.map(|_| ())
    }

    async fn run<T: Send + 'static>(
        self,
        work: impl FnOnce(&mut Memory) -> T + Send + 'static,
    ) -> Result<T, Overloaded> {
        let Self { pool, place } = self;
        let counters = Arc::clone(&pool.counters);
        let queued = Instant::now();
        let permit = tokio::time::timeout(pool.deadline, Arc::clone(&pool.permits).acquire_owned())
            .await
            .map_err(|_| pool.turn_away(&counters.late))?
            .map_err(|_| OVERLOADED)?;
        counters.waiting.observe(queued.elapsed());
        let hashing = pool.threads.run(move |memory| {
            let begun = std::time::Instant::now();
            let answer = work(memory);
            counters.hashing.observe(begun.elapsed());
            counters.done.fetch_add(1, Ordering::Relaxed);
            // The place first: whoever is let in by the permit must find the queue open.
            drop(place);
            drop(permit);
            answer
        });
        hashing.await.map_err(|_| OVERLOADED)
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
        HashPool::new(hasher, settings, PasswordHash::from_stored(String::new())).unwrap()
    }

    #[tokio::test]
    async fn a_full_queue_sheds_at_once_and_a_long_wait_after_the_deadline() {
        let pool = pool(1, 1, Duration::from_millis(50));
        let (release, blocked) = std::sync::mpsc::channel::<()>();
        let running = tokio::spawn({
            let pool = pool.clone();
            async move { pool.place()?.run(move |_| blocked.recv().is_ok()).await }
        });
        while pool.permits.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        let waiting = tokio::spawn({
            let pool = pool.clone();
            async move { pool.place()?.run(|_| ()).await }
        });
        while pool.places.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        assert!(pool.place().is_err(), "the queue is full");
        assert!(pool.turn_away_if_full().is_err(), "and shows it");
        let load = pool.load();
        assert_eq!((load.running, load.waiting, load.refused), (1, 1, 2));
        assert!(waiting.await.unwrap().is_err(), "the deadline has passed");
        release.send(()).unwrap();
        assert_eq!(running.await.unwrap(), Ok(true));
        assert_eq!(pool.turn_away_if_full(), Ok(()));
        assert_eq!(pool.place().unwrap().run(|_| 7).await, Ok(7));
        let expected = PoolLoad {
            done: 2,
            refused: 2,
            late: 1,
            ..PoolLoad::default()
        };
        assert_eq!(pool.load(), expected);
        let times = pool.times();
        assert_eq!((times.hashing.count, times.waiting.count), (2, 2));
        assert!(times.hashing.sum >= Duration::from_millis(50), "{times:?}");
    }

    #[tokio::test]
    async fn a_client_that_leaves_does_not_free_its_permit_before_the_hash_is_done() {
        let pool = pool(1, 0, Duration::from_millis(10));
        let (release, blocked) = std::sync::mpsc::channel::<()>();
        let client = tokio::spawn({
            let pool = pool.clone();
            async move { pool.place()?.run(move |_| blocked.recv().is_ok()).await }
        });
        while pool.permits.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        client.abort();
        assert!(client.await.unwrap_err().is_cancelled());
        assert!(pool.place().is_err());
        release.send(()).unwrap();
        while pool.permits.available_permits() == 0 {
            tokio::task::yield_now().await;
        }
        assert!(pool.place().unwrap().run(|_| ()).await.is_ok());
    }

    #[tokio::test]
    async fn what_was_hashed_checks() {
        let pool = pool(2, 2, Duration::from_secs(5));
        let password = Password::new(Zeroizing::new("correct horse".to_owned())).unwrap();
        let hash = pool.hash(password.clone(), [3; 16]).await.unwrap().unwrap();
        assert_eq!(pool.check(password, hash).await, Ok(Match::Same));
    }
}
