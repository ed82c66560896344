//! What every handler works with: the issuer, and how its HTTP side behaves.
//!
//! `serve` builds one [`App`] at start and hands it to [`super::router`]; tests build one with a
//! clock and settings of their own.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use signet_core::issuer::Issuer;
use signet_core::limit::Limiter;
use signet_core::mail::MailTransport;
use signet_core::secret::Randomness;
use signet_tower::{ForeignPolicy, Protect, Trust};
use signet_verifier::revocation::FeedFault;
use signet_verifier::time::UnixMillis;
use url::Url;

use super::client::Proxies;
use super::cors::AllowedOrigins;
use super::forward_auth::{self, ForwardAuth};
use super::host::AllowedHosts;
use super::tally::HttpTally;
use super::tick::{TickToken, Ticking};
use crate::mail::mailbox::Mailbox;

/// How old what is decided by may be where the issuer itself is the gate.
const FEED_AGE: Duration = Duration::from_secs(1);

/// How the HTTP side behaves; made by the configuration.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where the issuer is reached: scheme, host and port, no path.
    pub public_url: Url,
    /// The port of the loopback listener in local mode, nothing outside of it.
    pub local_port: Option<u16>,
    /// The proxies whose word on the client's address counts.
    pub proxies: Proxies,
    /// The origins whose scripts may call `/v1`.
    pub cors_origins: AllowedOrigins,
    /// What every quota of a route is multiplied with; 1 outside of load tests.
    pub limits_scale: u32,
    /// What is decided for proxies, if anything is.
    pub forward_auth: Option<forward_auth::Settings>,
    /// What a timer shows that calls `/internal/tick`, if there is one.
    pub tick_token: Option<TickToken>,
}

/// What an [`App`] is made of.
pub struct Parts {
    /// The use cases.
    pub issuer: Issuer,
    /// Where the budgets of routes are kept.
    pub limiter: Arc<dyn Limiter>,
    /// What request ids are made of.
    pub randomness: Arc<dyn Randomness>,
    /// How it behaves.
    pub settings: Settings,
    /// Where mail goes.
    pub transport: Arc<dyn MailTransport>,
    /// The mailbox of local mode.
    pub mailbox: Option<Arc<Mailbox>>,
}

/// The application behind the router.
pub struct App {
    /// The use cases.
    pub issuer: Issuer,
    /// The mailbox of local mode.
    pub mailbox: Option<Arc<Mailbox>>,
    /// What reads the tokens of callers.
    pub(super) protect: Protect,
    /// What decides for proxies.
    pub(super) forward_auth: Option<ForwardAuth>,
    /// Who may have it do what is due.
    pub(super) ticking: Option<Ticking>,
    pub(super) limiter: Arc<dyn Limiter>,
    pub(super) randomness: Arc<dyn Randomness>,
    pub(super) settings: Settings,
    pub(super) hosts: AllowedHosts,
    /// What is counted of requests.
    pub(crate) tally: HttpTally,
    /// What is known of its own tokens, and what counts decisions about them.
    pub(crate) trust: Trust,
    /// The tag of the feed that the trust has.
    learned_feed: Mutex<String>,
    shutting_down: AtomicBool,
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

impl App {
    /// Puts the parts together.
    ///
    /// # Errors
    /// When the policy of forward-auth is for the tokens of another issuer.
    pub fn new(parts: Parts) -> Result<Self, ForeignPolicy> {
        let Parts {
            issuer,
            limiter,
            randomness,
            settings,
            transport,
            mailbox,
        } = parts;
        let trust = trust(&issuer);
        let forward_auth = settings.forward_auth.clone();
        let forward_auth = forward_auth.map(|settings| settings.ready(trust.clone()));
        let tick_token = settings.tick_token.clone();
        Ok(Self {
            ticking: tick_token.map(|token| Ticking { token, transport }),
            hosts: AllowedHosts::new(&settings.public_url, settings.local_port),
            protect: protect(&issuer, trust.clone()),
            tally: HttpTally::default(),
            trust,
            forward_auth: forward_auth.transpose()?,
            issuer,
            mailbox,
            limiter,
            randomness,
            settings,
            learned_feed: Mutex::default(),
            shutting_down: AtomicBool::new(false),
        })
    }

    /// Makes `/readyz` fail from now on, so that balancers send nothing new.
    pub fn begin_shutdown(&self) {
        self.shutting_down.store(true, Ordering::Release);
    }

    /// Whether the process is about to end.
    #[must_use]
    pub fn is_shutting_down(&self) -> bool {
        self.shutting_down.load(Ordering::Acquire)
    }

    /// Tells the gate what is revoked, as it was at most a second ago. Where that isn't known, the
    /// gate goes on with what it has, and notices itself when that is too old.
    pub(super) async fn learn_what_is_revoked(&self) {
        let Ok(feed) = self.issuer.recent_feed(FEED_AGE).await else {
            return;
        };
        if self.is_learned(&feed.tag) {
            return;
        }
        let now = self.issuer.now();
        match self
            .trust
            .learn(|gate| gate.apply_feed(feed.text.as_bytes(), now))
        {
            Ok(_) => {
                *self
                    .learned_feed
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner) = feed.tag
            }
            // Another request may have brought a newer one meanwhile.
            Err(FeedFault::Rollback) => {}
            Err(fault) => tracing::error!(%fault, "the issuer's own revocation feed is refused"),
        }
    }

    fn is_learned(&self, tag: &str) -> bool {
        *self
            .learned_feed
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            == tag
    }

    /// Whether browsers reach the issuer by https, so that `Secure` cookies and HSTS make sense.
    pub(super) fn is_https(&self) -> bool {
        self.settings.public_url.scheme() == "https"
    }

    /// Whether this is local mode.
    pub(crate) fn is_local(&self) -> bool {
        self.settings.local_port.is_some()
    }
}

/// What the issuer knows of its own tokens: the keys at hand instead of fetched ones.
fn trust(issuer: &Issuer) -> Trust {
    let url = &issuer.settings().issuer;
    let clock = issuer.clock();
    let now = move || UnixMillis::from_millis(clock.now().as_secs().saturating_mul(1_000));
    let trust = Trust::of(url).clock(now).offline();
    let learning = trust.clone();
    issuer.tell_of_keys(move |keys| learning.learn(|gate| gate.install_keys(keys.clone())));
    trust
}

/// Reads tokens as every service does that Signet protects. What the database says of session and
/// account is asked behind it, on every call.
fn protect(issuer: &Issuer, trust: Trust) -> Protect {
    let audiences = &issuer.settings().audiences;
    Protect::new(trust, audiences.iter().map(String::as_str))
}
