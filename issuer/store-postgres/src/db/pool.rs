//! Connections, no more than so many, and how they are given up.
//!
//! sqlx has a pool, and this isn't it: a connection that goes back to that one is pinged while it
//! holds its permit, for as long as that takes, which is for ever where a server or a middlebox
//! has gone silent; once every permit is lost that way, only a restart helps
//! (<https://github.com/launchbadge/sqlx/issues/4349>). Here nothing is awaited without a limit,
//! and a permit goes with the value that holds it: a connection that isn't known to be sound is
//! dropped, which closes its socket and asks nobody.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{Connection as _, Error};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout};

use super::fault::timed_out;

/// How long an operation waits for its turn; nearly all the time it has.
const ACQUIRE: Duration = Duration::from_secs(4);
/// How long a connection may take to be made: address, TCP, TLS, password.
const CONNECT: Duration = Duration::from_secs(3);
/// How long a connection is kept that nobody uses.
const IDLE: Duration = Duration::from_secs(5 * 60);
/// How long a connection is used, so that a server that took another one's place gets its share.
const LIFETIME: Duration = Duration::from_secs(30 * 60);
/// How long saying goodbye may take.
const GOODBYE: Duration = Duration::from_secs(1);

/// The connections of a store.
#[derive(Clone)]
pub(super) struct Pool(Arc<Shared>);

struct Shared {
    options: PgConnectOptions,
    permits: Arc<Semaphore>,
    /// The one that was used last is the last.
    idle: Mutex<Vec<Idle>>,
}

struct Idle {
    connection: PgConnection,
    opened_at: Instant,
    since: Instant,
}

/// A connection that is somebody's. Dropped, it is closed; [`Lease::give_back`] keeps it.
pub(super) struct Lease {
    pub(super) connection: PgConnection,
    /// Whether it has been used before, and may have died since.
    pub(super) is_reused: bool,
    opened_at: Instant,
    pool: Pool,
    // Behind the connection: the permit goes when the socket is closed.
    _permit: OwnedSemaphorePermit,
}

impl Pool {
    pub(super) fn new(options: PgConnectOptions, size: u32) -> Self {
        let size = usize::try_from(size).unwrap_or(1);
        Self(Arc::new(Shared {
            options,
            permits: Arc::new(Semaphore::new(size)),
            idle: Mutex::default(),
        }))
    }

    /// A connection: one that is idle, or a new one.
    pub(super) async fn lease(&self) -> Result<Lease, Error> {
        let permit = timeout(ACQUIRE, Arc::clone(&self.0.permits).acquire_owned())
            .await
            .map_err(|_| Error::PoolTimedOut)?
            .map_err(|_| Error::PoolClosed)?;
        let now = Instant::now();
        let idle = self.idle().pop().filter(|idle| idle.is_fresh(now));
        let (connection, opened_at, is_reused) = match idle {
            Some(idle) => (idle.connection, idle.opened_at, true),
            None => (self.connect().await?, now, false),
        };
        Ok(Lease {
            connection,
            is_reused,
            opened_at,
            pool: self.clone(),
            _permit: permit,
        })
    }

    async fn connect(&self) -> Result<PgConnection, Error> {
        timeout(CONNECT, PgConnection::connect_with(&self.0.options))
            .await
            .map_err(|_| timed_out("the server didn't answer in time"))?
    }

    /// Closes the idle connections: what happened to one of them happened to most.
    pub(super) fn forget_idle(&self) {
        let forgotten = std::mem::take(&mut *self.idle());
        drop(forgotten);
    }

    /// Lets nobody in any more, and says goodbye on what is idle.
    pub(super) async fn close(&self) {
        self.0.permits.close();
        let idle = std::mem::take(&mut *self.idle());
        let goodbyes = idle.into_iter().map(|idle| idle.connection.close());
        let _the_server_may_be_gone =
            timeout(GOODBYE, futures_util::future::join_all(goodbyes)).await;
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Idle>> {
        self.0.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Idle {
    fn is_fresh(&self, now: Instant) -> bool {
        now.duration_since(self.since) < IDLE && now.duration_since(self.opened_at) < LIFETIME
    }
}

impl Lease {
    /// Keeps the connection for the next one. It must be sound, and in no transaction.
    pub(super) fn give_back(self) {
        let pool = self.pool.clone();
        if pool.0.permits.is_closed() {
            return;
        }
        let now = Instant::now();
        let mut idle = pool.idle();
        let stale = idle.iter().take_while(|idle| !idle.is_fresh(now)).count();
        let stale: Vec<Idle> = idle.drain(..stale).collect();
        idle.push(Idle {
            connection: self.connection,
            opened_at: self.opened_at,
            since: now,
        });
        drop(idle);
        drop(stale);
    }
}

impl fmt::Debug for Pool {
    /// The options hold the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").finish_non_exhaustive()
    }
}
