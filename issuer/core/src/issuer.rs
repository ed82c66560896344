//! The issuer: everything the use cases share. The use cases themselves are `impl Issuer` blocks
//! in the files of their areas.

mod clock_watch;
mod settings;

use std::sync::Arc;

use zeroize::Zeroizing;

use crate::account::Account;
use crate::audit::{Actor, Context, Origin};
use crate::feed::Feed;
use crate::limit::Limiter;
use crate::mail::catalogue::CatalogueError;
use crate::mail::letter::Letters;
use crate::mail::outbox::Fullness;
use crate::password::hasher::{AlgorithmError, Hasher};
use crate::password::pool::HashPool;
use crate::password::{Password, PasswordHash};
use crate::ports::{SessionStore, Store, StoreError, StoreResult};
use crate::secret::Randomness;
use crate::session::attempt::Lines;
use crate::session::{Head, LiveSession, SessionId};
use crate::signing::access_token::{Minting, SigningError, mint};
use crate::signing::in_use::{KeysInUse, OpenKeys};
use crate::signing::keyring::{Keyring, KeyringError};
use crate::signing::seal::MasterKeys;
use crate::tally::Tally;
use crate::time::{Clock, UnixTime};

use clock_watch::ClockWatch;
pub use settings::{LimitSettings, Settings};

/// What an issuer is made of.
pub struct Parts {
    /// Where everything is kept.
    pub store: Arc<dyn Store>,
    /// Where sessions are kept: the store too, or around it
    /// [`crate::session::detached::DetachedSessions`].
    pub sessions: Arc<dyn SessionStore>,
    /// Where budgets are kept.
    pub limiter: Arc<dyn Limiter>,
    /// What tells the time.
    pub clock: Arc<dyn Clock>,
    /// What secrets are made of.
    pub randomness: Arc<dyn Randomness>,
    /// What secrets are sealed under.
    pub master_keys: MasterKeys,
    /// The keys of the store, opened with them.
    pub keys: OpenKeys,
    /// How it behaves.
    pub settings: Settings,
}

/// Why an issuer can't start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The store doesn't answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The keys can't be used.
    #[error(transparent)]
    Keys(#[from] KeyringError),
    /// Passwords can't be hashed that way.
    #[error(transparent)]
    Hashing(#[from] AlgorithmError),
    /// There are no threads to hash passwords on.
    #[error("no threads can be had to hash passwords on: {0}")]
    HashingThreads(std::io::Error),
    /// Nothing can be said in a mail.
    #[error(transparent)]
    Wording(#[from] CatalogueError),
    /// The issuer can't read its own key set.
    #[error("the issuer's own key set is not valid")]
    OwnKeySet,
}

/// The issuer.
pub struct Issuer {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) sessions: Arc<dyn SessionStore>,
    pub(crate) limiter: Arc<dyn Limiter>,
    pub(crate) lines: Lines,
    clock: Arc<dyn Clock>,
    pub(crate) clock_watch: ClockWatch,
    pub(crate) randomness: Arc<dyn Randomness>,
    pub(crate) master_keys: MasterKeys,
    pub(crate) keys: KeysInUse,
    pub(crate) feed: Feed,
    pub(crate) hashing: HashPool,
    pub(crate) letters: Letters,
    pub(crate) outbox_fullness: Fullness,
    pub(crate) tally: Tally,
    pub(crate) settings: Settings,
}

impl std::fmt::Debug for Issuer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Issuer")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

/// What a client asks its tokens to be for; nothing means the first of each list.
#[derive(Clone, Debug, Default)]
pub struct TokenRequest {
    /// The audience.
    pub audience: Option<String>,
    /// The client.
    pub client: Option<String>,
}

/// A request for what isn't on the list.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum TokenRequestError {
    /// Not one of `tokens.audiences`.
    #[error("there is no such audience")]
    UnknownAudience,
    /// Not one of `tokens.clients`.
    #[error("there is no such client")]
    UnknownClient,
}

/// What a login or a refresh gives.
#[derive(Clone, Debug)]
pub struct TokenPair {
    /// The access token.
    pub access_token: Zeroizing<String>,
    /// How long the access token is good, in seconds.
    pub expires_in: u64,
    /// The refresh token, good once.
    pub refresh_token: Zeroizing<String>,
    /// How long the refresh token is good if nobody uses it, in seconds.
    pub refresh_expires_in: u64,
    /// The session.
    pub session_id: SessionId,
    /// Whose it is.
    pub account: Account,
}

impl From<SigningError> for StoreError {
    /// Signing is as much a dependency as the store: what can't be signed now may be later.
    fn from(error: SigningError) -> Self {
        Self::Unavailable(Box::new(error))
    }
}

impl Issuer {
    /// Puts an issuer together.
    ///
    /// # Errors
    /// When passwords can't be hashed as the settings say, or not at all, or mails can't be worded.
    pub fn start(parts: Parts) -> Result<Self, StartError> {
        let Parts {
            store,
            sessions,
            limiter,
            clock,
            randomness,
            master_keys,
            keys,
            settings,
        } = parts;
        let hasher = Hasher::new(settings.hashing)?;
        let dummy = dummy_hash(&hasher, &*randomness);
        let hashing = HashPool::new(hasher, settings.hash_pool, dummy);
        Ok(Self {
            hashing: hashing.map_err(StartError::HashingThreads)?,
            letters: Letters::new(settings.product.clone(), settings.links.clone())?,
            outbox_fullness: Fullness::default(),
            tally: Tally::default(),
            store,
            sessions,
            limiter,
            lines: Lines::default(),
            clock_watch: ClockWatch::new(Arc::clone(&clock), keys.recorded_at()),
            clock,
            randomness,
            master_keys,
            keys: KeysInUse::new(keys),
            feed: Feed::new(),
            settings,
        })
    }

    /// The present.
    #[must_use]
    pub fn now(&self) -> UnixTime {
        self.clock.now()
    }

    /// What tells the time.
    #[must_use]
    pub fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.clock)
    }

    /// How it behaves.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// What its use cases have counted.
    #[must_use]
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// What hashes passwords.
    #[must_use]
    pub fn hashing(&self) -> &HashPool {
        &self.hashing
    }

    /// Whether the store can read and write, tokens can be signed, and sessions can be refreshed.
    ///
    /// # Errors
    /// When it can't.
    pub async fn ping(&self) -> StoreResult<()> {
        self.store.ping().await?;
        self.signing_keyring().await?;
        self.sessions.ping_heads().await
    }

    /// The context of a change that `actor` asks for.
    pub(crate) fn context(&self, origin: &Origin, actor: Actor) -> Context {
        Context {
            now: self.now(),
            actor,
            origin: origin.clone(),
        }
    }

    /// The context of a change that a session asks for.
    pub(crate) fn context_of(&self, origin: &Origin, session: &LiveSession) -> Context {
        self.context(origin, Actor::Account(session.account.id))
    }

    /// The context of a change that whoever runs the command line asks for.
    pub(crate) fn as_operator(&self) -> Context {
        Context::internal(self.now(), Actor::Operator)
    }

    /// The audience and client that a request means.
    pub(crate) fn resolve(
        &self,
        request: &TokenRequest,
    ) -> Result<(String, String), TokenRequestError> {
        let audience = choose(&self.settings.audiences, request.audience.as_deref())
            .ok_or(TokenRequestError::UnknownAudience)?;
        let client = choose(&self.settings.clients, request.client.as_deref())
            .ok_or(TokenRequestError::UnknownClient)?;
        Ok((audience.to_owned(), client.to_owned()))
    }

    /// The tokens of a session's head.
    pub(crate) fn token_pair(
        &self,
        keyring: &Keyring,
        head: Head,
        audience: &str,
        client: &str,
    ) -> StoreResult<TokenPair> {
        let now = self.now();
        let minting = Minting {
            issuer: &self.settings.issuer,
            audience,
            client,
            lifetime: self.settings.access_seconds,
            now,
        };
        let access = mint(&head.session, minting, keyring, &*self.randomness)?;
        let refresh_token = keyring
            .mac()
            .derive(&head.family, head.generation, now)
            .ok_or(SigningError)?;
        let expires_at = head.expires_at.as_secs();
        Ok(TokenPair {
            access_token: access.token,
            expires_in: access.expires_in,
            refresh_token,
            refresh_expires_in: expires_at.saturating_sub(now.as_secs()),
            session_id: head.session.id,
            account: head.session.account,
        })
    }
}

fn choose<'a>(list: &'a [String], wanted: Option<&str>) -> Option<&'a str> {
    match wanted {
        None => list.first().map(String::as_str),
        Some(wanted) => list.iter().map(String::as_str).find(|one| *one == wanted),
    }
}

/// A hash of a random password, which nobody knows.
fn dummy_hash(hasher: &Hasher, randomness: &dyn Randomness) -> PasswordHash {
    let random = Zeroizing::new(randomness.uuid().to_string());
    Password::new(random)
        .ok()
        .and_then(|password| hasher.hash(&password, randomness.array()))
        .unwrap_or_else(|| PasswordHash::from_stored(String::new()))
}
