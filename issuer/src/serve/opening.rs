//! Opening what every command that touches accounts works with: the master key, the store, the
//! issuer's keys, in that order. Whoever opened it closes it.

use std::fmt;
use std::sync::Arc;

use signet_core::issuer::{Issuer, Parts, StartError};
use signet_core::limit::Limiter;
use signet_core::limit::in_process::InProcessLimiter;
use signet_core::secret::{OperatingSystem, Randomness};

use super::database::{OpenDatabase, StoreOpenError};
use super::database_file::{self, DatabaseFileError};
use crate::clock::SystemClock;
use crate::config::master_key::MasterKeyFileError;
use crate::config::{Config, Database};

/// An issuer, and what it shares with the HTTP side.
pub struct Opened {
    /// The use cases.
    pub issuer: Issuer,
    /// Where budgets are kept.
    pub limiter: Arc<dyn Limiter>,
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

/// Why nothing can be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The database can't be where it should.
    #[error(transparent)]
    DatabaseFile(#[from] DatabaseFileError),
    /// There is no master key.
    #[error(transparent)]
    MasterKey(#[from] MasterKeyFileError),
    /// The database can't be used.
    #[error(transparent)]
    Store(#[from] StoreOpenError),
    /// The keys in the database can't be used.
    #[error("{0}. Is the master key the one that this database was made with?")]
    Keys(StartError),
    /// The issuer can't start.
    #[error(transparent)]
    Issuer(StartError),
}

impl From<StartError> for OpenError {
    fn from(error: StartError) -> Self {
        match error {
            StartError::Keys(_) => Self::Keys(error),
            StartError::Store(_) | StartError::Hashing(_) | StartError::OwnKeySet => {
                Self::Issuer(error)
            }
        }
    }
}

/// Opens everything.
///
/// # Errors
/// See [`OpenError`].
pub async fn open(config: &Config) -> Result<Opened, OpenError> {
    let randomness: Arc<dyn Randomness> = Arc::new(OperatingSystem);
    let limiter: Arc<dyn Limiter> = Arc::new(InProcessLimiter::default());
    if let Database::Sqlite(file) = &config.database {
        database_file::examine(file, &*randomness)?;
    }
    // Before the database is made, since a database without a key is one whose key was lost.
    let master_keys = config
        .master_key
        .clone()
        .open(&config.database, &*randomness)?;
    let database = OpenDatabase::open(&config.database).await?;
    let issuer = Issuer::start(Parts {
        store: database.store(),
        limiter: Arc::clone(&limiter),
        clock: Arc::new(SystemClock),
        randomness: Arc::clone(&randomness),
        master_keys,
        settings: config.issuer.clone(),
    })
    .await?;
    Ok(Opened {
        issuer,
        limiter,
        randomness,
        database,
    })
}
