//! Whom the service trusts: one issuer, its audiences, and the keys it publishes.
//!
//! Keys are read in the background: every four minutes, sooner when a token names a key that isn't
//! there (at most every ten seconds), and never while a request waits. When the issuer is away,
//! the last keys stay good for a day; then nothing is let through.

use std::sync::{Arc, PoisonError, RwLock, Weak};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use signet_verifier::time::UnixTime;
use signet_verifier::{KeySet, Refusal, Rejection, VerifiedToken, Verifier};
use tokio::sync::Notify;

const REFRESH_AFTER: Duration = Duration::from_secs(240);
const RETRY_AFTER: Duration = Duration::from_secs(10);
const MAX_STALE: Duration = Duration::from_secs(24 * 3_600);
const FETCH_TIMEOUT: Duration = Duration::from_secs(5);
/// The largest key set that is read, in bytes.
const LARGEST_KEY_SET: usize = 64 * 1_024;

/// Checks tokens of one issuer. Clones share their keys.
#[derive(Clone, Debug)]
pub struct Trust(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    verifier: Verifier,
    keys: RwLock<Keys>,
    wanted: Notify,
}

#[derive(Debug)]
struct Keys {
    set: Arc<KeySet>,
    /// When they are too old to be used; never for keys that were given.
    stale_at: Option<Instant>,
}

/// Why an issuer's keys could not be had.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// The issuer didn't answer as it should.
    #[error("could not read {url}: {reason}")]
    Fetch {
        /// What was asked for.
        url: String,
        /// What went wrong.
        reason: String,
    },
    /// The answer is no key set, or one without a key that can be used.
    #[error("{url} holds no usable key set: {reason}")]
    KeySet {
        /// Where it came from.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl Trust {
    /// Trusts the issuer at `issuer` (its public URL, which is also the `iss` of its tokens) and
    /// reads its keys. Tokens must be for one of `audiences`.
    ///
    /// # Errors
    /// When the keys can't be read now; a service that can't check tokens shouldn't start.
    pub async fn fetch<'a>(
        issuer: &str,
        audiences: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self, TrustError> {
        let source = Source::new(issuer)?;
        let keys = source.fetch().await?;
        let trust = Self::new(issuer, audiences, keys, Some(MAX_STALE));
        tokio::spawn(refresh(Arc::downgrade(&trust.0), source));
        Ok(trust)
    }

    /// Trusts exactly these keys, a key set as the issuer publishes it, and asks nobody.
    ///
    /// # Errors
    /// When it is no key set, or has no key that can be used.
    pub fn pinned<'a>(
        issuer: &str,
        audiences: impl IntoIterator<Item = &'a str>,
        key_set: &[u8],
    ) -> Result<Self, TrustError> {
        let keys = read_key_set("the pinned key set", key_set)?;
        Ok(Self::new(issuer, audiences, keys, None))
    }

    fn new<'a>(
        issuer: &str,
        audiences: impl IntoIterator<Item = &'a str>,
        set: KeySet,
        max_stale: Option<Duration>,
    ) -> Self {
        let keys = Keys {
            set: Arc::new(set),
            stale_at: max_stale.and_then(|age| Instant::now().checked_add(age)),
        };
        Self(Arc::new(Inner {
            verifier: Verifier::new(issuer, audiences),
            keys: RwLock::new(keys),
            wanted: Notify::new(),
        }))
    }

    /// Checks a token at the present time.
    pub(crate) fn check(&self, token: &[u8]) -> Result<VerifiedToken, Refusal> {
        let keys = self.0.keys().ok_or(Refusal::KeysUnavailable)?;
        let checked = self.0.verifier.verify(token, &keys, now());
        checked.map_err(|rejection| {
            if rejection == Rejection::UnknownKid {
                self.0.wanted.notify_one();
            }
            tracing::debug!(code = rejection.code(), "access token refused");
            Refusal::InvalidToken(rejection)
        })
    }
}

impl Inner {
    fn keys(&self) -> Option<Arc<KeySet>> {
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        let is_good = keys
            .stale_at
            .is_none_or(|stale_at| Instant::now() < stale_at);
        is_good.then(|| Arc::clone(&keys.set))
    }

    fn replace(&self, set: KeySet) {
        let mut keys = self.keys.write().unwrap_or_else(PoisonError::into_inner);
        keys.set = Arc::new(set);
        keys.stale_at = Instant::now().checked_add(MAX_STALE);
    }
}

/// Reads the keys again for as long as somebody uses them.
async fn refresh(inner: Weak<Inner>, source: Source) {
    let mut wait = REFRESH_AFTER;
    while let Some(trust) = inner.upgrade() {
        tokio::time::sleep(RETRY_AFTER).await;
        let rest = wait.saturating_sub(RETRY_AFTER);
        let _either = tokio::time::timeout(rest, trust.wanted.notified()).await;
        wait = match source.fetch().await {
            Ok(set) => {
                trust.replace(set);
                REFRESH_AFTER
            }
            Err(error) => {
                tracing::warn!(%error, "the keys could not be read again; the last ones stay");
                RETRY_AFTER
            }
        };
    }
}

#[derive(Debug)]
struct Source {
    client: reqwest::Client,
    url: String,
}

impl Source {
    fn new(issuer: &str) -> Result<Self, TrustError> {
        // Whoever installed a provider before has chosen; otherwise it is ring.
        let _chosen = rustls::crypto::ring::default_provider().install_default();
        let url = format!("{}/.well-known/jwks.json", issuer.trim_end_matches('/'));
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(FETCH_TIMEOUT)
            .build();
        match client {
            Ok(client) => Ok(Self { client, url }),
            Err(error) => Err(TrustError::Fetch {
                url,
                reason: error.to_string(),
            }),
        }
    }

    async fn fetch(&self) -> Result<KeySet, TrustError> {
        let body = self.body().await.map_err(|reason| TrustError::Fetch {
            url: self.url.clone(),
            reason,
        })?;
        read_key_set(&self.url, &body)
    }

    async fn body(&self) -> Result<Vec<u8>, String> {
        let request = self
            .client
            .get(&self.url)
            .header("cache-control", "no-cache");
        let mut response = request.send().await.map_err(|error| error.to_string())?;
        if response.status() != http::StatusCode::OK {
            return Err(format!("the answer was {}", response.status()));
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| error.to_string())? {
            body.extend_from_slice(&chunk);
            if body.len() > LARGEST_KEY_SET {
                return Err(format!("the answer is over {LARGEST_KEY_SET} bytes"));
            }
        }
        Ok(body)
    }
}

fn read_key_set(from: &str, body: &[u8]) -> Result<KeySet, TrustError> {
    let unusable = |reason: String| TrustError::KeySet {
        url: from.to_owned(),
        reason,
    };
    let loaded = KeySet::from_jwks(body).map_err(|error| unusable(error.to_string()))?;
    for left_out in &loaded.left_out {
        tracing::warn!(%left_out, from, "a key was left out");
    }
    if loaded.key_set.is_empty() {
        return Err(unusable("every key in it was left out".to_owned()));
    }
    Ok(loaded.key_set)
}

/// The edge where this crate reads the machine's clock.
#[expect(
    clippy::disallowed_methods,
    reason = "the verifier takes the time as an argument; this is who tells it"
)]
fn now() -> UnixTime {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    UnixTime::from_secs(since.map_or(0, |elapsed| elapsed.as_secs()))
}
