//! How a trust begins: with pinned keys or none, and with a task that fetches or without.

use std::hash::{BuildHasher as _, RandomState};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, RwLock};

use reqwest::Url;
use signet_verifier::keyset::KeySetError;
use signet_verifier::policy::Policy;
use signet_verifier::refresher::config::FEED_PATIENCE;
use signet_verifier::refresher::{Config, RefreshFault, Status};
use signet_verifier::revocation::FeedFault;
use signet_verifier::time::UnixMillis;
use signet_verifier::{Gate, KeySet, Leeway, Refresher, Rejection};
use tokio::runtime::Handle;
use tokio::sync::watch;

use super::{Learned, Shared, Trust, Wanted};
use crate::clock::Clock;
use crate::fetch::client;
use crate::metrics::Tally;
use crate::refresh;

/// A trust in the making.
#[derive(Clone, Debug)]
#[must_use = "nobody is trusted before it is built"]
pub struct TrustBuilder {
    issuer: String,
    config: Config,
    clock: Clock,
    /// A gate without rules.
    known: Gate,
    leeway: Option<Leeway>,
}

/// Why an issuer can't be trusted.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// It isn't a URL.
    #[error("{issuer:?} is not the URL of an issuer")]
    NoUrl {
        /// What was given.
        issuer: String,
    },
    /// Its keys would come without TLS, from another machine.
    #[error("{issuer} must be https: whoever changes its keys on the way can make tokens")]
    Insecure {
        /// Its URL.
        issuer: String,
    },
    /// Its keys could not be fetched.
    #[error("the keys of {issuer} can't be had: {fault}")]
    Fetch {
        /// Its URL.
        issuer: String,
        /// What went wrong.
        fault: RefreshFault,
    },
    /// The pinned keys are no key set.
    #[error("the pinned key set can't be used: {0}")]
    Pinned(#[from] KeySetError),
    /// No pinned key is one that can be used.
    #[error("no key of the pinned key set can be used")]
    NoUsableKey,
    /// The task that fetches needs tokio's runtime.
    #[error("keys are refreshed by a task, and there is no tokio runtime here")]
    NoRuntime,
    /// There is no TLS, or no certificates to check servers with.
    #[error("the HTTP client can't be set up")]
    Client(#[source] reqwest::Error),
}

impl TrustBuilder {
    pub(super) fn new(issuer: &str) -> Self {
        Self {
            issuer: issuer.to_owned(),
            config: Config::of_issuer(issuer),
            clock: Clock::default(),
            known: Gate::new(Policy::without_rules(issuer, [])),
            leeway: None,
        }
    }

    /// Fetches from elsewhere, or keeps keys for another time than a day. Without TLS nothing is
    /// fetched, unless the issuer's own URL is on this machine.
    pub fn config(self, config: Config) -> Self {
        Self { config, ..self }
    }

    /// Reads another clock than the machine's, as tests want to.
    pub fn clock(self, now: impl Fn() -> UnixMillis + Send + Sync + 'static) -> Self {
        Self {
            clock: Clock::new(now),
            ..self
        }
    }

    /// Begins with these keys, a key set as the issuer publishes it. They are good until others have
    /// been fetched.
    ///
    /// # Errors
    /// When it is no key set, or has no key that can be used.
    pub fn pinned(mut self, jwks: &[u8]) -> Result<Self, TrustError> {
        let loaded = KeySet::from_jwks(jwks)?;
        for left_out in &loaded.left_out {
            tracing::warn!(%left_out, "a pinned key can't be used");
        }
        if loaded.key_set.is_empty() {
            return Err(TrustError::NoUsableKey);
        }
        self.known.install_keys(loaded.key_set);
        Ok(self)
    }

    /// Begins with the keys and the feed that a gate for the same issuer has: for services that get
    /// both in another way.
    pub fn knowing(mut self, gate: &Gate) -> Self {
        self.known.adopt(gate);
        self
    }

    /// Grants that much to clocks that differ, instead of 30 seconds.
    pub fn leeway(self, leeway: Leeway) -> Self {
        Self {
            known: self.known.leeway(leeway),
            leeway: Some(leeway),
            ..self
        }
    }

    /// Asks nobody, ever.
    #[must_use]
    pub fn offline(self) -> Trust {
        Trust(self.share(Status::default()))
    }

    /// Begins at once with the keys there are, and fetches in the background. Until it has keys, it
    /// refuses tokens with 503.
    ///
    /// # Errors
    /// When fetching can't even be tried.
    pub fn refreshing(self) -> Result<Trust, TrustError> {
        let is_local = is_local(&self.issuer)?;
        let runtime = Handle::try_current().map_err(|_| TrustError::NoRuntime)?;
        let client = client(is_local).map_err(TrustError::Client)?;
        // Any number that other hosts don't have.
        let seed = RandomState::new().hash_one(&self.issuer);
        let refresher = Refresher::new(self.config.clone(), seed);
        let gate = self.known.clone();
        let shared = self.share(refresher.status());
        runtime.spawn(refresh::keep_up_to_date(
            Arc::downgrade(&shared),
            Arc::clone(&shared.wanted().bell),
            refresher,
            gate,
            client,
        ));
        Ok(Trust(shared))
    }

    /// Begins once keys have been fetched, and a feed if it comes within a second.
    ///
    /// # Errors
    /// When the keys can't be fetched.
    pub async fn fetch(self) -> Result<Trust, TrustError> {
        let trust = self.refreshing()?;
        trust.fetched_keys().await?;
        // What is required of a feed, each decision sees to by itself.
        let _came = tokio::time::timeout(FEED_PATIENCE, trust.asked_for_feed()).await;
        Ok(trust)
    }

    fn share(self, status: Status) -> Arc<Shared> {
        Arc::new(Shared {
            issuer: self.issuer,
            leeway: self.leeway,
            clock: self.clock,
            learned: Mutex::new(Learned {
                known: self.known,
                guards: Vec::new(),
            }),
            status: RwLock::new(status),
            faults: Mutex::default(),
            wanted: Wanted::default(),
            news: watch::Sender::default(),
            tally: Tally::default(),
        })
    }
}

impl Trust {
    async fn fetched_keys(&self) -> Result<(), TrustError> {
        let mut news = self.news();
        loop {
            let keys = self.status().keys;
            if keys.last_success.is_some() {
                return Ok(());
            }
            let fault = keys.last_fault.map(|(_, fault)| fault);
            let is_over = fault.is_none() && news.changed().await.is_err();
            if fault.is_some() || is_over {
                return Err(TrustError::Fetch {
                    issuer: self.issuer().to_owned(),
                    fault: fault.unwrap_or(RefreshFault::Lost),
                });
            }
        }
    }

    /// Returns when there is a feed, or the issuer has none.
    async fn asked_for_feed(&self) {
        // One that came before the keys is fetched again.
        let came_early = RefreshFault::Feed(FeedFault::Envelope(Rejection::UnknownKid));
        let mut news = self.news();
        while let Some(feed) = self.status().feed {
            let has_failed = feed.last_fault.is_some_and(|(_, it)| it != came_early);
            if feed.last_success.is_some() || has_failed || news.changed().await.is_err() {
                return;
            }
        }
    }
}

/// Whether the issuer runs on this machine. Elsewhere it has TLS.
fn is_local(issuer: &str) -> Result<bool, TrustError> {
    let issuer = || issuer.to_owned();
    let no_url = || TrustError::NoUrl { issuer: issuer() };
    let url = Url::parse(&issuer()).map_err(|_| no_url())?;
    let host = url.host_str().ok_or_else(no_url)?;
    let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
    let is_loopback = host == "localhost" || address.is_ok_and(|it| it.is_loopback());
    match url.scheme() {
        "https" => Ok(false),
        "http" if is_loopback => Ok(true),
        "http" => Err(TrustError::Insecure { issuer: issuer() }),
        _ => Err(no_url()),
    }
}
