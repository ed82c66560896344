//! How often a client may call each route. Every operation declares one of these classes, and a
//! unit of it is taken before anything else of the request is looked at.
//!
//! | class | a client may | for |
//! |---|---|---|
//! | `public` | without limit | what is served from memory: keys, the feed, metadata, health, the document and `/docs`, what pages are made of, decisions for known proxies |
//! | `probe` | 600 in a minute | asking whether the store answers |
//! | `page` | 300 in a minute | pages for people |
//! | `register` | 30 in a minute | asking for an account; what is taken has a limit of its own beside it |
//! | `mail` | 30 in an hour | what sends mail; each recipient has a limit of its own beside it |
//! | `mailed_token` | 30 in a minute | trying a token from a mail |
//! | `login` | 120 in a minute | logging in; failures have limits of their own beside it |
//! | `password` | 30 in a minute | proving the password within a session |
//! | `refresh` | 600 in a minute | refreshing and ending sessions; each session has a limit beside it |
//! | `read` | 600 in a minute | reading one's own things |
//! | `write` | 120 in a minute | changing one's own things |
//! | `admin` | 300 in a minute | administration |
//! | `tick` | 60 in a minute | doing what is due; trying the token of it |
//!
//! A client is an IPv4 address or an IPv6 /64. The limits beside these (failed logins, registrations,
//! mail per recipient, refreshes per session, guesses) belong to the use cases: a unit of those is
//! only taken, or given back, by what came of the call. A 429 of theirs tells when to come again and
//! nothing of the budget here.
//!
//! To add a class: add a constant and its line above.

use http::header::RETRY_AFTER;
use http::{HeaderMap, HeaderName, HeaderValue};
use signet_core::limit::{Budget, Exceeded, LimitKey, LimitSubject, Limiter, Quota};

/// What is limited together.
#[derive(Clone, Copy, Debug)]
pub struct LimitClass {
    name: &'static str,
    quota: Option<Quota>,
}

const MINUTE: u32 = 60;
const HOUR: u32 = 3_600;

/// What is served from memory.
pub const PUBLIC: LimitClass = LimitClass {
    name: "public",
    quota: None,
};
/// Asking whether the store answers.
pub const PROBE: LimitClass = LimitClass::new("probe", 600, MINUTE);
/// Pages for people.
pub const PAGE: LimitClass = LimitClass::new("page", 300, MINUTE);
/// Asking for an account.
pub const REGISTER: LimitClass = LimitClass::new("register", 30, MINUTE);
/// What sends mail.
pub const MAIL: LimitClass = LimitClass::new("mail", 30, HOUR);
/// Trying a token from a mail.
pub const MAILED_TOKEN: LimitClass = LimitClass::new("mailed_token", 30, MINUTE);
/// Logging in.
pub const LOGIN: LimitClass = LimitClass::new("login", 120, MINUTE);
/// Proving the password within a session.
pub const PASSWORD: LimitClass = LimitClass::new("password", 30, MINUTE);
/// Refreshing and ending sessions.
pub const REFRESH: LimitClass = LimitClass::new("refresh", 600, MINUTE);
/// Reading one's own things.
pub const READ: LimitClass = LimitClass::new("read", 600, MINUTE);
/// Changing one's own things.
pub const WRITE: LimitClass = LimitClass::new("write", 120, MINUTE);
/// Administration.
pub const ADMIN: LimitClass = LimitClass::new("admin", 300, MINUTE);
/// Doing what is due.
pub const TICK: LimitClass = LimitClass::new("tick", 60, MINUTE);

const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

impl LimitClass {
    const fn new(name: &'static str, burst: u32, period: u32) -> Self {
        Self {
            name,
            quota: Some(Quota::new(burst, period)),
        }
    }

    /// The name in `x-signet-limit` and in the `RateLimit` headers.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Whether there is a limit at all.
    pub(super) fn is_limited(&self) -> bool {
        self.quota.is_some()
    }

    /// The class with `scale` times the quota, ready to be enforced.
    pub(super) fn gate(self, scale: u32) -> Gate {
        Gate {
            name: self.name,
            quota: self.quota.map(|quota| quota.scaled(scale.max(1))),
        }
    }
}

/// A class as one application enforces it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Gate {
    name: &'static str,
    quota: Option<Quota>,
}

/// What the client is told of its budget.
#[derive(Clone, Copy, Debug)]
pub(super) struct Standing {
    name: &'static str,
    quota: Quota,
    remaining: u32,
    reset_after: u32,
    retry_after: Option<u32>,
}

impl Gate {
    /// Takes a unit of the client's budget. `None` where there is no limit.
    pub(super) async fn take(
        &self,
        limiter: &dyn Limiter,
        client: std::net::IpAddr,
    ) -> Option<Standing> {
        let quota = self.quota?;
        let key = LimitKey {
            class: self.name,
            subject: LimitSubject::client(client),
        };
        Some(match limiter.take(&key, quota).await {
            Ok(budget) => self.within(budget),
            Err(exceeded) => self.beyond(exceeded),
        })
    }

    fn within(&self, budget: Budget) -> Standing {
        Standing {
            name: self.name,
            quota: budget.quota,
            remaining: budget.remaining,
            reset_after: budget.reset_after,
            retry_after: None,
        }
    }

    fn beyond(&self, exceeded: Exceeded) -> Standing {
        Standing {
            name: self.name,
            quota: exceeded.quota,
            remaining: 0,
            reset_after: exceeded.retry_after,
            retry_after: Some(exceeded.retry_after),
        }
    }
}

impl Standing {
    /// When the client may come back, if it must wait.
    pub(super) fn retry_after(&self) -> Option<u32> {
        self.retry_after
    }

    /// Tells the client (draft-ietf-httpapi-ratelimit-headers).
    pub(super) fn announce(&self, headers: &mut HeaderMap) {
        let Self {
            name,
            quota,
            remaining,
            reset_after,
            retry_after,
        } = self;
        let policy = format!("\"{name}\";q={};w={}", quota.burst, quota.period);
        let standing = format!("\"{name}\";r={remaining};t={reset_after}");
        for (header, text) in [(RATE_LIMIT_POLICY, policy), (RATE_LIMIT, standing)] {
            if let Ok(value) = HeaderValue::try_from(text) {
                headers.insert(header, value);
            }
        }
        if let Some(seconds) = retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from(*seconds));
        }
    }
}
