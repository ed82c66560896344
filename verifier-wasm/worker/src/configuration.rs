//! What stands in the Worker's bindings: `deploy/worker/wrangler.toml` tells of each.

use std::fmt;

use signet_verifier::policy::Policy;
use signet_verifier::refresher::Config;
use signet_verifier::{Gate, KeySet, Leeway};
use worker::{Env, console_warn};

use crate::head::is_authority;

const POLICY: &str = "SIGNET_POLICY";
const ORIGIN: &str = "SIGNET_ORIGIN";
const ISSUER_URL: &str = "SIGNET_ISSUER_URL";
const KEYS: &str = "SIGNET_KEYS";
const LEEWAY: &str = "SIGNET_LEEWAY";
/// A service that is bound in the origin's place.
const SERVICE: &str = "ORIGIN";

/// What the Worker works with.
#[derive(Debug)]
pub(crate) struct Configuration {
    /// Has the policy, and the pinned keys if there are any.
    pub(crate) gate: Gate,
    pub(crate) refresh: Config,
    pub(crate) origin: Origin,
}

/// Where requests go that are let through.
#[derive(Clone, Debug)]
pub(crate) enum Origin {
    /// To this scheme and authority.
    At(String),
    /// To the service that is bound as `ORIGIN`.
    Bound,
}

/// Why nothing can be decided.
#[derive(Clone, Debug)]
pub(crate) struct Misconfigured {
    binding: &'static str,
    reason: String,
}

impl Configuration {
    pub(crate) fn read(env: &Env) -> Result<Self, Misconfigured> {
        let policy = policy(env)?;
        let issuer = policy.issuer().to_owned();
        let url = text(env, ISSUER_URL).unwrap_or_else(|| issuer.clone());
        if !is_safe(&url) {
            let reason = format!("{url} must be https: whoever changes keys can make tokens");
            return Err(fault(ISSUER_URL, reason));
        }
        let mut gate = Gate::new(policy);
        if let Some(seconds) = text(env, LEEWAY) {
            let leeway = seconds.parse::<Leeway>();
            gate = gate.leeway(leeway.map_err(|error| fault(LEEWAY, error.to_string()))?);
        }
        if let Some(jwks) = text(env, KEYS) {
            gate.install_keys(pinned(&jwks)?);
        }
        Ok(Self {
            gate,
            refresh: Config::of_issuer(&url),
            origin: origin(env)?,
        })
    }
}

impl Origin {
    /// Where a request for this target goes, unless to the service.
    pub(crate) fn url(&self, target: &str) -> Option<String> {
        match self {
            Self::At(base) => Some([base, target].concat()),
            Self::Bound => None,
        }
    }
}

/// A variable holds 5 kB, so the policy may go on in `SIGNET_POLICY_2` and so on.
fn policy(env: &Env) -> Result<Policy, Misconfigured> {
    let mut json = text(env, POLICY).ok_or_else(|| fault(POLICY, "is missing"))?;
    for more in (2..).map_while(|number: u32| text(env, &format!("{POLICY}_{number}"))) {
        json.push_str(&more);
    }
    Policy::from_json(json.as_bytes()).map_err(|faults| {
        let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
        fault(POLICY, faults.join("; "))
    })
}

fn pinned(jwks: &str) -> Result<KeySet, Misconfigured> {
    let loaded = KeySet::from_jwks(jwks.as_bytes());
    let loaded = loaded.map_err(|error| fault(KEYS, error.to_string()))?;
    for left_out in &loaded.left_out {
        console_warn!("signet: a key of {KEYS} can't be used: {left_out}");
    }
    match loaded.key_set.is_empty() {
        true => Err(fault(KEYS, "has no key that can be used")),
        false => Ok(loaded.key_set),
    }
}

fn origin(env: &Env) -> Result<Origin, Misconfigured> {
    match (text(env, ORIGIN), env.service(SERVICE).is_ok()) {
        (Some(_), true) => Err(fault(ORIGIN, "is set beside a service bound as ORIGIN")),
        (None, true) => Ok(Origin::Bound),
        (None, false) => Err(fault(ORIGIN, "is missing, and so is a service as ORIGIN")),
        (Some(url), false) => {
            let base = url.strip_suffix('/').unwrap_or(&url);
            match is_authority(parts(base).1) && base != parts(base).1 {
                true => Ok(Origin::At(base.to_owned())),
                false => Err(fault(ORIGIN, "isn't http:// or https:// and a host")),
            }
        }
    }
}

/// Whether nobody on the way can change what comes from there: it comes over TLS, or never leaves
/// this machine.
fn is_safe(url: &str) -> bool {
    let (scheme, rest) = parts(url);
    let authority = rest.split('/').next().unwrap_or_default();
    let host = match authority.strip_prefix('[') {
        Some(address) => address.split(']').next(),
        None => authority.split(':').next(),
    };
    let is_local = matches!(host, Some("localhost" | "127.0.0.1" | "::1"));
    is_authority(authority) && (scheme == "https" || scheme == "http" && is_local)
}

/// A URL's scheme, empty if it isn't one of HTTP, and what is behind it.
fn parts(url: &str) -> (&str, &str) {
    match url.split_once("://") {
        Some((scheme @ ("http" | "https"), rest)) => (scheme, rest),
        Some(_) | None => ("", url),
    }
}

/// A variable or a secret, unless it is empty.
fn text(env: &Env, name: &str) -> Option<String> {
    let text = env.var(name).ok()?.to_string();
    (!text.is_empty()).then_some(text)
}

fn fault(binding: &'static str, reason: impl Into<String>) -> Misconfigured {
    let reason = reason.into();
    Misconfigured { binding, reason }
}

impl fmt::Display for Misconfigured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.binding, self.reason)
    }
}
