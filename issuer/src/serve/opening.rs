//! Opening what every command that touches accounts works with: the store, its master key, the
//! issuer's keys; before them, for who serves, Redis. Whoever opened it closes it.

use std::fmt;
use std::sync::Arc;

use signet_core::issuer::{Issuer, Parts, StartError};
use signet_core::limit::Limiter;
use signet_core::limit::counted::CountedLimiter;
use signet_core::limit::in_process::InProcessLimiter;
use signet_core::ports::{SessionStore, Store};
use signet_core::secret::{OperatingSystem, Randomness};
use signet_core::session::detached::DetachedSessions;
use signet_core::signing::in_use::OpenKeys;
use signet_core::signing::seal::MasterKeys;
use signet_core::signing::secrets::Secrets;
use signet_core::time::Clock as _;
use signet_store_redis::{RedisClient, RedisHeads, RedisLimiter};

use super::database::{OpenDatabase, StoreOpenError};
use crate::clock::SystemClock;
use crate::config::master_key::{GIVE_THE_RIGHT_ONE, MasterKeyFileError};
use crate::config::{Config, Database, MasterKeySource, SessionsIn};

/// An issuer, and what it shares with the HTTP side.
pub struct Opened {
    /// The use cases.
    pub issuer: Issuer,
    /// Where budgets are kept.
    pub limiter: Arc<CountedLimiter>,
    /// The Redis that is asked, if one is.
    pub redis: Option<RedisClient>,
    /// What secrets are made of.
    pub randomness: Arc<dyn Randomness>,
    /// The database, to be closed in the end.
    pub database: OpenDatabase,
}

impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opened").finish_non_exhaustive()
    }
}

/// What it is opened for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Purpose {
    /// Serving, beside other issuers perhaps.
    Serving,
    /// One command of an operator, whom no limit holds up, on a database that is in use: one that
    /// isn't there was misspelled, and isn't made.
    Command,
    /// A command that may be the first thing that is done to a database.
    FirstCommand,
}

/// Why nothing can be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// There is no master key.
    #[error(transparent)]
    MasterKey(#[from] MasterKeyFileError),
    /// Redis can't be used.
    #[error(transparent)]
    Redis(#[from] signet_store_redis::OpenError),
    /// The database can't be used.
    #[error(transparent)]
    Store(#[from] StoreOpenError),
    /// Nobody has made the database that a command is about.
    #[error(
        "there is no database of an issuer at {database}. Set database_url to where it is; the \
         first start of signet makes one"
    )]
    NotThere {
        /// The database.
        database: String,
    },
    /// A command leaves the schema to the start of the release that is to serve.
    #[error(
        "the schema of {database} is not up to date: `signet db migrate`, or the next start, does \
         it"
    )]
    Outdated {
        /// The database.
        database: String,
    },
    /// The keys in the database can't be used.
    #[error("the master key doesn't open the stored keys: {0}; {hint}", hint = GIVE_THE_RIGHT_ONE)]
    Keys(StartError),
    /// The issuer can't start.
    #[error(transparent)]
    Issuer(StartError),
}

impl From<StartError> for OpenError {
    fn from(error: StartError) -> Self {
        match error {
            StartError::Keys(_) => Self::Keys(error),
            StartError::Store(_)
            | StartError::Hashing(_)
            | StartError::HashingThreads(_)
            | StartError::Wording(_)
            | StartError::OwnKeySet => Self::Issuer(error),
        }
    }
}

/// Opens everything.
///
/// # Errors
/// See [`OpenError`].
pub async fn open(config: &Config, purpose: Purpose) -> Result<Opened, OpenError> {
    let randomness: Arc<dyn Randomness> = Arc::new(OperatingSystem);
    if purpose == Purpose::Command {
        expect_in_use(&config.database).await?;
    }
    // A server that isn't right is told before the database is touched.
    let redis = match &config.redis {
        Some(address) if purpose == Purpose::Serving => {
            Some(open_redis(address, config.sessions).await?)
        }
        Some(_) | None => None,
    };
    let (database, master_keys) =
        open_with_master_keys(&config.master_key, &config.database, &*randomness).await?;
    let store = database.store();
    let clock = SystemClock;
    let opened = OpenKeys::unlock(&*store, clock.now(), &master_keys, &*randomness).await;
    let keys = match opened {
        Ok(keys) => keys,
        Err(error) => {
            database.close().await;
            return Err(error.into());
        }
    };
    let limiter = limiter(redis.as_ref(), keys.secrets());
    let limiter = Arc::new(CountedLimiter::new(limiter));
    let issuer = Issuer::start(Parts {
        sessions: sessions(config, &store, redis.clone()),
        store,
        limiter: limiter.clone(),
        clock: Arc::new(clock),
        randomness: Arc::clone(&randomness),
        master_keys,
        keys,
        settings: config.issuer.clone(),
    })?;
    Ok(Opened {
        issuer,
        limiter,
        redis,
        randomness,
        database,
    })
}

/// Refuses a database that opening it would make, or bring up to date. Changes nothing.
async fn expect_in_use(database: &Database) -> Result<(), OpenError> {
    let schema = OpenDatabase::schema(database).await?;
    let shown = || database.to_string();
    match (schema.applied.is_empty(), schema.pending.is_empty()) {
        (true, _) => Err(OpenError::NotThere { database: shown() }),
        (false, false) => Err(OpenError::Outdated { database: shown() }),
        (false, true) => match OpenDatabase::holds_keys(database).await? {
            true => Ok(()),
            false => Err(OpenError::NotThere { database: shown() }),
        },
    }
}

/// Opens a database and finds its master keys. Local mode makes one where the database has no keys
/// yet, and never beside keys that another one sealed: those stop it before anything is done.
///
/// # Errors
/// See [`OpenError`].
pub async fn open_with_master_keys(
    source: &MasterKeySource,
    database: &Database,
    randomness: &dyn Randomness,
) -> Result<(OpenDatabase, MasterKeys), OpenError> {
    if let Some(keys) = source.find()? {
        return Ok((OpenDatabase::open(database).await?, keys));
    }
    // A process beside this one may make the file and the keys in the meantime.
    let holds_keys = OpenDatabase::holds_keys(database).await?;
    if holds_keys && source.find()?.is_none() {
        return Err(source.lost(database).into());
    }
    let opened = OpenDatabase::open(database).await?;
    let made = match holds_keys {
        true => Ok(()),
        false => source.make(randomness),
    };
    let found = made.and_then(|()| source.find());
    match found.and_then(|found| found.ok_or_else(|| source.lost(database))) {
        Ok(keys) => Ok((opened, keys)),
        Err(error) => {
            opened.close().await;
            Err(error.into())
        }
    }
}

/// Reaches Redis, and tries what it will be asked for.
///
/// # Errors
/// See [`signet_store_redis::OpenError`].
pub async fn open_redis(
    address: &signet_store_redis::Address,
    sessions: SessionsIn,
) -> Result<RedisClient, signet_store_redis::OpenError> {
    let client = RedisClient::open(address).await?;
    RedisLimiter::examine(&client).await?;
    if sessions == SessionsIn::Redis {
        RedisHeads::examine(&client).await?;
    }
    Ok(client)
}

/// Where budgets are kept.
fn limiter(redis: Option<&RedisClient>, secrets: &Secrets) -> Arc<dyn Limiter> {
    match redis {
        None => Arc::new(InProcessLimiter::default()),
        Some(client) => {
            // All issuers of a database have the same.
            let secret = secrets.limits.clone();
            Arc::new(RedisLimiter::new(client.clone(), secret))
        }
    }
}

/// Where sessions are kept. A command, which has no Redis, opens and refreshes none.
fn sessions(
    config: &Config,
    store: &Arc<dyn Store>,
    redis: Option<RedisClient>,
) -> Arc<dyn SessionStore> {
    let store = Arc::clone(store);
    match (config.sessions, redis) {
        (SessionsIn::Redis, Some(client)) => {
            let heads = Arc::new(RedisHeads::new(client));
            Arc::new(DetachedSessions::new(store, heads))
        }
        (SessionsIn::Redis, None) | (SessionsIn::Database, _) => store,
    }
}
