//! The keys that this process works with: opened once, looked at every second, exchanged whole.
//!
//! Whoever signs takes them by [`Issuer::signing_keyring`], which says no once they were read more
//! than ten seconds ago: another process may have revoked one. Whoever signs access tokens takes them
//! by `issuing_keyring`, which wants to know more. What is public is served from memory however old it
//! is. Who keeps a copy of the key set is told of each new one ([`Issuer::tell_of_keys`]).

use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use signet_verifier::KeySet;
use tokio::time::Instant;

use super::keyring::{Keyring, KeyringError, initial_keys};
use super::life::{KeyChange, KeyTimes, Wish};
use super::seal::MasterKeys;
use super::secrets::{self, Secrets};
use super::{KeysVersion, StoredKeys};
use crate::audit::{Actor, Context};
use crate::issuer::{Issuer, StartError};
use crate::limit::GuessKeys;
use crate::ports::{Store, StoreError, StoreResult};
use crate::secret::{Randomness, SecretBytes};
use crate::time::UnixTime;

/// For how long keys that were read may sign.
const GOOD_FOR: Duration = Duration::from_secs(10);
/// How long a store that could not be asked is not asked again on behalf of a request.
const BETWEEN_TRIES: Duration = Duration::from_secs(1);

/// The keys of a store, opened.
pub struct OpenKeys {
    stored: StoredKeys,
    keyring: Arc<Keyring>,
    key_set: KeySet,
    secrets: Secrets,
    guess_keys: GuessKeys,
    /// The latest time in the last rows of the trail, known at the start only.
    recorded_at: Option<UnixTime>,
}

impl OpenKeys {
    /// Opens the keys of a store. An empty one is given its first, and one of an older release the
    /// secrets it lacks.
    ///
    /// # Errors
    /// When the store doesn't answer, or its keys can't be used with these master keys.
    pub async fn unlock(
        store: &dyn Store,
        now: UnixTime,
        master_keys: &MasterKeys,
        randomness: &dyn Randomness,
    ) -> Result<Self, StartError> {
        let context = Context::internal(now, Actor::System);
        let initial = initial_keys(now, master_keys, randomness)?;
        let mut stored = store.load_or_create_keys(&context, initial).await?;
        let keyring = Keyring::open(&stored, master_keys)?;
        let missing = secrets::missing(&stored, master_keys, randomness)?;
        if !missing.is_empty() {
            stored.secrets = store.keep_secrets(missing).await?;
        }
        let secrets = Secrets::open(&stored.secrets, master_keys)?;
        let mut opened = Self::new(stored, keyring, secrets).ok_or(StartError::OwnKeySet)?;
        opened.recorded_at = store.latest_recorded().await?;
        Ok(opened)
    }

    fn reopen(&self, stored: StoredKeys, master_keys: &MasterKeys) -> Result<Self, Unread> {
        let keyring = self.keyring.reopen(&stored, master_keys)?;
        // Sealed anew under a master key that isn't here yet, they are what they were.
        let secrets = match Secrets::open(&stored.secrets, master_keys) {
            Err(KeyringError::Sealed { .. }) if stored.incarnation == self.stored.incarnation => {
                self.secrets.clone()
            }
            opened => opened?,
        };
        Self::new(stored, keyring, secrets).ok_or(Unread::OwnKeySet)
    }

    fn new(stored: StoredKeys, keyring: Keyring, secrets: Secrets) -> Option<Self> {
        let key_set = KeySet::from_jwks(keyring.jwks().as_bytes()).ok()?.key_set;
        Some(Self {
            stored,
            keyring: Arc::new(keyring),
            key_set,
            guess_keys: GuessKeys::new(secrets.guesses.clone()),
            secrets,
            recorded_at: None,
        })
    }

    /// What values are derived from.
    #[must_use]
    pub fn secrets(&self) -> &Secrets {
        &self.secrets
    }

    pub(crate) fn recorded_at(&self) -> Option<UnixTime> {
        self.recorded_at
    }

    fn version(&self) -> KeysVersion {
        self.stored.version()
    }
}

impl std::fmt::Debug for OpenKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.keyring.fmt(f)
    }
}

/// Why the keys weren't read.
#[derive(Debug, thiserror::Error)]
enum Unread {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Keys(#[from] KeyringError),
    #[error("the issuer's own key set is not valid")]
    OwnKeySet,
}

/// Nothing is signed with keys that may have been revoked.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the keys could not be read for ten seconds, so nothing is signed")]
struct TooOld;

type Listener = Box<dyn Fn(&KeySet) + Send + Sync>;

/// The keys at hand, and how old they are.
pub(crate) struct KeysInUse {
    known: RwLock<Arc<OpenKeys>>,
    reads: Mutex<Reads>,
    /// Held by the one who reads.
    reading: tokio::sync::Mutex<()>,
    listeners: Mutex<Vec<Listener>>,
}

/// When the store was asked for keys.
#[derive(Clone, Copy, Debug)]
struct Reads {
    /// The last time that it answered.
    answered: Instant,
    /// The last time that it didn't, if that was after it.
    failed: Option<Instant>,
}

impl Reads {
    fn are_good(self, now: Instant) -> bool {
        now.saturating_duration_since(self.answered) < GOOD_FOR
    }

    fn may_try_again(self, now: Instant) -> bool {
        self.failed
            .is_none_or(|failed| now.saturating_duration_since(failed) >= BETWEEN_TRIES)
    }
}

impl KeysInUse {
    pub(crate) fn new(keys: OpenKeys) -> Self {
        Self {
            known: RwLock::new(Arc::new(keys)),
            reads: Mutex::new(Reads {
                answered: Instant::now(),
                failed: None,
            }),
            reading: tokio::sync::Mutex::default(),
            listeners: Mutex::default(),
        }
    }

    fn known(&self) -> Arc<OpenKeys> {
        Arc::clone(&self.known.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn reads(&self) -> Reads {
        *self.reads.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, began: Instant, is_answered: bool) {
        let mut reads = self.reads.lock().unwrap_or_else(PoisonError::into_inner);
        match is_answered {
            true => {
                *reads = Reads {
                    answered: began,
                    failed: None,
                }
            }
            false => reads.failed = Some(Instant::now()),
        }
    }

    fn exchange(&self, keys: OpenKeys) {
        let keys = Arc::new(keys);
        // Nobody is told of an older key set after a newer one.
        let listeners = self.listeners.lock();
        let listeners = listeners.unwrap_or_else(PoisonError::into_inner);
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&keys);
        for tell in listeners.iter() {
            tell(&keys.key_set);
        }
    }
}

impl Issuer {
    /// What signs, and what refresh tokens are made and checked with.
    ///
    /// # Errors
    /// When the keys were read too long ago, and can't be read now.
    pub async fn signing_keyring(&self) -> StoreResult<Arc<Keyring>> {
        if !self.keys_are_good() {
            self.reread_keys().await;
        }
        match self.keys_are_good() {
            true => Ok(Arc::clone(&self.keys.known().keyring)),
            false => Err(StoreError::Unavailable(Box::new(TooOld))),
        }
    }

    /// The keys that tokens are checked with, where it matters that none is missing: with old ones
    /// at hand, a token may look forged that isn't.
    ///
    /// # Errors
    /// As [`Self::signing_keyring`].
    pub(crate) async fn checking_keys(&self) -> StoreResult<KeySet> {
        self.signing_keyring().await?;
        Ok(self.keys.known().key_set.clone())
    }

    /// What signs access tokens. The store notes with its key for how long these live, before the first
    /// is made: entries of the feed and the key itself stay until they are over, also where issuers
    /// beside this one, or after it, are set to shorter ones.
    ///
    /// # Errors
    /// As [`Self::signing_keyring`], when the store can't be told, and when the clock can't be right.
    pub(crate) async fn issuing_keyring(&self) -> StoreResult<Arc<Keyring>> {
        let keyring = self.signing_keyring().await?;
        self.clock_watch.check()?;
        let (kid, life) = (keyring.active_kid(), self.settings.access_seconds);
        if self.keys.known().stored.token_life(kid) < life {
            self.store.note_token_life(kid, life).await?;
            self.reread_keys().await;
        }
        Ok(keyring)
    }

    /// Whether the keys are young enough to sign.
    #[must_use]
    pub fn keys_are_good(&self) -> bool {
        self.keys.reads().are_good(Instant::now())
    }

    /// The published key set, from memory.
    #[must_use]
    pub fn jwks(&self) -> Arc<str> {
        self.keys.known().keyring.jwks()
    }

    /// Tells somebody the keys that tokens are checked with: now, and whenever there are others.
    pub fn tell_of_keys(&self, tell: impl Fn(&KeySet) + Send + Sync + 'static) {
        let listeners = self.keys.listeners.lock();
        let mut listeners = listeners.unwrap_or_else(PoisonError::into_inner);
        tell(&self.keys.known().key_set);
        listeners.push(Box::new(tell));
    }

    /// What guesses are counted under.
    pub(crate) fn guess_keys(&self) -> GuessKeys {
        self.keys.known().guess_keys.clone()
    }

    /// What the tokens of devices are made with.
    pub(crate) fn device_key(&self) -> SecretBytes<32> {
        self.keys.known().secrets.devices.clone()
    }

    /// How long a key is what.
    pub(crate) fn key_times(&self) -> KeyTimes {
        KeyTimes::new(self.settings.access_seconds, &self.settings.refresh)
    }

    /// Looks whether there are other keys, and takes them. Where that fails, the log says why, and
    /// what is at hand grows old.
    pub async fn reread_keys(&self) {
        let asked = Instant::now();
        let _one_at_a_time = self.keys.reading.lock().await;
        let began = Instant::now();
        // Somebody read them, or tried to, while this waited.
        let reads = self.keys.reads();
        if reads.answered >= asked || !reads.may_try_again(began) {
            return;
        }
        let read = self.read_keys().await;
        self.keys.note(began, read.is_ok());
        match read {
            Ok(()) if reads.failed.is_some() => tracing::info!("the keys can be read again"),
            Ok(()) => {}
            Err(error) if self.keys_are_good() => tracing::warn!(%error, "can't read the keys"),
            Err(error) => {
                tracing::error!(%error, "can't read the keys: nothing is signed until then");
            }
        }
    }

    async fn read_keys(&self) -> Result<(), Unread> {
        let recorded_at = self.store.latest_recorded().await?;
        self.clock_watch.note_recorded(recorded_at);
        let known = self.keys.known();
        if self.store.keys_version().await? == known.version() {
            return Ok(());
        }
        let stock = self.store.key_stock().await?;
        let keys = known.reopen(stock.keys, &self.master_keys)?;
        tracing::info!(kid = keys.keyring.active_kid(), "there are other keys");
        self.keys.exchange(keys);
        Ok(())
    }

    /// Looks whether there are other keys, and does to keys what time asks for. Answers how many
    /// took another's place here.
    ///
    /// # Errors
    /// When the store doesn't answer; keys are as they were then.
    pub async fn keep_keys(&self) -> StoreResult<u64> {
        self.reread_keys().await;
        // A key that goes too early takes good tokens along.
        let was_set = self.clock_watch.was_set();
        let keys = self.keys.known();
        let is_asked = || self.key_times().asks(&keys.stored, self.now());
        if was_set || !self.keys_are_good() || !is_asked() {
            return Ok(0);
        }
        let context = Context::internal(self.now(), Actor::System);
        let changed = self.change_keys(&context, Wish::Upkeep).await?;
        match changed {
            Ok(plan) => Ok(u64::from(plan.promoted().is_some())),
            Err(error) => {
                // Upkeep asks for nothing that the rules refuse.
                tracing::error!(%error, "keys can't be kept up");
                Ok(0)
            }
        }
    }

    /// Has the store fulfil a wish, and takes the keys there are then.
    pub(crate) async fn change_keys(
        &self,
        context: &Context,
        wish: Wish<'_>,
    ) -> crate::ports::Ruled<super::life::Plan, super::life::KeyChangeError> {
        let change = KeyChange {
            wish,
            times: self.key_times(),
            master_keys: &self.master_keys,
            randomness: &*self.randomness,
        };
        let changed = self.store.change_keys(context, &change).await?;
        if changed.as_ref().is_ok_and(|plan| !plan.is_empty()) {
            self.reread_keys().await;
        }
        Ok(changed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_read_is_good_for_ten_seconds() {
        let began = Instant::now();
        let reads = |failed| Reads {
            answered: began,
            failed,
        };
        let after = |millis| began + Duration::from_millis(millis);
        assert!(reads(None).are_good(began));
        assert!(reads(None).are_good(after(9_999)));
        assert!(!reads(None).are_good(after(10_000)));
        assert!(reads(Some(after(1))).are_good(after(9_999)));
        assert!(reads(None).may_try_again(began));
        let failed = reads(Some(after(10_000)));
        assert!(!failed.may_try_again(after(10_999)));
        assert!(failed.may_try_again(after(11_000)));
    }
}
