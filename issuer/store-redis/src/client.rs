//! Calls: a script, its keys and its arguments, and an answer within a deadline or none.

mod breaker;
mod connection;
mod fault;
mod script;

use std::fmt;
use std::mem::{Discriminant, discriminant};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared};
use redis::{ErrorKind, FromRedisValue, ServerErrorKind, ToRedisArgs, Value};
use signet_core::ports::{StoreError, StoreResult};
use tokio::sync::watch;
use tokio::time::{Instant, timeout};

use crate::address::Address;
use crate::key::Key;
use crate::open::{self, OpenError};
use breaker::{Breaker, Turn};
use connection::{Connection, Connector};

pub use fault::Fault;
pub use script::Script;

/// How long a call may take in all: for a connection, for the answer.
const DEADLINE: Duration = Duration::from_millis(100);
/// How long making a connection may take. It goes on when the call that asked for it has given up,
/// and serves the next one.
const CONNECT: Duration = Duration::from_secs(1);
/// How long a server has at the start to be what it should.
const START: Duration = Duration::from_secs(3);

/// A Redis server. Clones share one connection.
#[derive(Clone)]
pub struct RedisClient(Arc<Inner>);

/// How it stands with a server.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Standing {
    /// Whether it is left alone, since it failed.
    pub is_away: bool,
    /// How often that began.
    pub outages: u64,
}

struct Inner {
    connector: Arc<Connector>,
    deadline: Duration,
    breaker: Breaker,
    /// The connection, there or being made.
    attempt: Mutex<Option<Attempt>>,
    /// The kind of fault that the log has heard of last, while Redis is away.
    told: Mutex<Option<Discriminant<Fault>>>,
    /// Whether it is asked, for whoever wants to know.
    standing: watch::Sender<Standing>,
}

/// A connection that is being made, for everyone who waits for it.
type Attempt = Shared<BoxFuture<'static, Result<Arc<Connection>, Fault>>>;

impl RedisClient {
    /// Connects, and sees that the server is one that Signet can use. What it has to do is tried
    /// with [`Self::check`].
    ///
    /// # Errors
    /// See [`OpenError`].
    pub async fn open(address: &Address) -> Result<Self, OpenError> {
        Self::open_with_deadline(address, DEADLINE).await
    }

    /// [`Self::open`] for who has another deadline for calls: tests on a machine that is busy with
    /// other things, whose subject isn't time.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub async fn open_with_deadline(
        address: &Address,
        deadline: Duration,
    ) -> Result<Self, OpenError> {
        let opened = async {
            let connector = Connector::new(address.clone())?;
            let connection = within(START, connector.connect()).await?;
            open::examine(&connection.greeting.version, &connection.greeting.mode)?;
            let ready = Ok(Arc::new(connection));
            Ok(Self(Arc::new(Inner {
                connector: Arc::new(connector),
                deadline,
                breaker: Breaker::default(),
                told: Mutex::default(),
                standing: watch::Sender::default(),
                attempt: Mutex::new(Some(begun(async { ready }.boxed()))),
            })))
        };
        opened.await.map_err(|fault| OpenError::new(address, fault))
    }

    /// Tries a script at the start, by its text and by its hash: whether the server takes it, and
    /// whether the user has the rights for it.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub async fn check(
        &self,
        script: &Script,
        keys: &[Key],
        arguments: impl ToRedisArgs,
    ) -> Result<(), OpenError> {
        let tried = within(START, async {
            let connection = self.connection().await?;
            connection.ask(&script.by_text(keys, &arguments)).await?;
            connection.ask(&script.by_hash(keys, &arguments)).await?;
            Ok(())
        });
        let explained = |fault| OpenError::new(self.address(), fault);
        tried.await.map_err(explained)
    }

    /// Runs a script. One that failed may have run nevertheless.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] around a [`Fault`] where Redis fails or takes too long, and
    /// [`StoreError::Corrupt`] where the answer isn't of the form `T`.
    pub async fn call<T: FromRedisValue>(
        &self,
        script: &Script,
        keys: &[Key],
        arguments: impl ToRedisArgs,
    ) -> StoreResult<T> {
        if !self.0.breaker.admits(Instant::now()) {
            return Err(unavailable(Fault::Resting));
        }
        let answer = within(self.0.deadline, self.run(script, keys, &arguments)).await;
        self.note(answer.as_ref().err());
        let value = answer.map_err(unavailable)?;
        redis::from_redis_value(value).map_err(|error| StoreError::Corrupt(error.to_string()))
    }

    /// Whether the server is asked, and changes of that.
    #[must_use]
    pub fn standing(&self) -> watch::Receiver<Standing> {
        self.0.standing.subscribe()
    }

    /// Where the server is.
    #[must_use]
    pub fn address(&self) -> &Address {
        self.0.connector.address()
    }

    async fn run(
        &self,
        script: &Script,
        keys: &[Key],
        arguments: &impl ToRedisArgs,
    ) -> Result<Value, Fault> {
        let connection = self.connection().await?;
        match connection.try_ask(&script.by_hash(keys, arguments)).await {
            Ok(value) => Ok(value),
            Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => {
                connection.ask(&script.by_text(keys, arguments)).await
            }
            Err(error) => Err(Fault::of(&error)),
        }
    }

    /// The connection, as soon as there is one.
    async fn connection(&self) -> Result<Arc<Connection>, Fault> {
        let attempt = {
            let mut current = self.attempt();
            match &*current {
                Some(attempt) if is_promising(attempt) => attempt.clone(),
                Some(_) | None => current.insert(self.connect()).clone(),
            }
        };
        attempt.await
    }

    fn connect(&self) -> Attempt {
        let connector = Arc::clone(&self.0.connector);
        let made = tokio::spawn(async move {
            let connection = within(CONNECT, connector.connect()).await?;
            Ok(Arc::new(connection))
        });
        let told =
            made.map(|made| made.unwrap_or_else(|error| Err(Fault::Lost(error.to_string()))));
        begun(told.boxed())
    }

    /// Counts what came of a call, and tells the log when Redis goes, when something else is wrong
    /// with it, and when it is back.
    fn note(&self, fault: Option<&Fault>) {
        let turn = match fault {
            None => self.0.breaker.succeeded(),
            Some(_) => self.0.breaker.failed(Instant::now()),
        };
        self.tell_standing(turn);
        let redis = self.address();
        match (turn, fault) {
            (Turn::Opened | Turn::StillOpen, Some(fault)) if self.is_news(fault) => {
                tracing::warn!(
                    %redis,
                    "the Redis server {fault}. Until it is back, each process keeps limits itself, \
                     and sessions whose heads are there answer 503"
                );
            }
            (Turn::Closed, _) => {
                *self.told() = None;
                tracing::info!(%redis, "the Redis server is back");
            }
            _ => {}
        }
        // Whoever answers at that name next may be another one.
        let is_away = matches!(turn, Turn::Opened | Turn::StillOpen);
        if is_away || fault.is_some_and(Fault::ends_connection) {
            let mut current = self.attempt();
            if current
                .as_ref()
                .is_some_and(|attempt| attempt.peek().is_some())
            {
                *current = None;
            }
        }
    }

    fn tell_standing(&self, turn: Turn) {
        let standing = &self.0.standing;
        match turn {
            Turn::Opened => standing.send_modify(|standing| {
                standing.is_away = true;
                standing.outages = standing.outages.saturating_add(1);
            }),
            Turn::Closed => standing.send_modify(|standing| standing.is_away = false),
            Turn::None | Turn::StillOpen => {}
        }
    }

    /// Whether the log has last heard of another fault, or of none; from now on it has of this one.
    fn is_news(&self, fault: &Fault) -> bool {
        let kind = discriminant(fault);
        self.told().replace(kind) != Some(kind)
    }

    fn told(&self) -> MutexGuard<'_, Option<Discriminant<Fault>>> {
        self.0.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn attempt(&self) -> MutexGuard<'_, Option<Attempt>> {
        self.0
            .attempt
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a connection is being made, or is there.
fn is_promising(attempt: &Attempt) -> bool {
    match attempt.peek() {
        None => true,
        Some(Ok(connection)) => !connection.is_over(),
        Some(Err(_)) => false,
    }
}

fn begun(attempt: BoxFuture<'static, Result<Arc<Connection>, Fault>>) -> Attempt {
    attempt.shared()
}

async fn within<T>(
    limit: Duration,
    work: impl Future<Output = Result<T, Fault>>,
) -> Result<T, Fault> {
    let done = timeout(limit, work).await;
    done.unwrap_or(Err(Fault::TooSlow(limit)))
}

fn unavailable(fault: Fault) -> StoreError {
    StoreError::Unavailable(Box::new(OfRedis(fault)))
}

/// A fault, said of whom it is.
#[derive(Debug, thiserror::Error)]
#[error("the Redis server {0}")]
struct OfRedis(Fault);

impl fmt::Debug for RedisClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RedisClient").field(self.address()).finish()
    }
}
