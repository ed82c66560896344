//! What an operator says to the filter, as JSON: read as strictly as a policy, and every fault told.
//!
//! To add a member, name it in [`MEMBERS`], read it in [`Settings::read`], and write it down in
//! `docs/ENVOY.md`.

use std::fmt;
use std::time::Duration;

use signet_verifier::json::{Checked, JsonError, Limits, Object};
use signet_verifier::keyset::{KeySetError, LeftOutKey};
use signet_verifier::policy::Policy;
use signet_verifier::policy::document::Fault;
use signet_verifier::refresher::Config;
use signet_verifier::refresher::config::MAX_STALE;
use signet_verifier::{Gate, KeySet, Leeway};

const MEMBERS: [&str; 7] = [
    "policy",
    "issuer_cluster",
    "issuer_url",
    "pinned_keys",
    "leeway",
    "max_stale_seconds",
    "feed",
];

/// What an operator wants.
pub(crate) struct Settings {
    /// Decides by the policy, with the pinned keys if there are any.
    pub(crate) gate: Gate,
    /// Where keys and feed come from; nowhere, where pinned keys are all there is.
    pub(crate) source: Option<Source>,
    /// The pinned keys that can't be used.
    pub(crate) left_out: Vec<LeftOutKey>,
}

/// Where keys and feed come from.
#[derive(Clone)]
pub(crate) struct Source {
    /// The cluster through which the issuer is reached.
    pub(crate) cluster: String,
    /// Its URL: authority and beginning of the path of what is asked for.
    pub(crate) url: String,
    /// Whether a feed is fetched.
    pub(crate) has_feed: bool,
    /// How long keys may be used after they were asked for.
    pub(crate) max_stale: Duration,
}

/// What is wrong with a configuration.
#[derive(Debug)]
pub(crate) enum SettingFault {
    NoObject(JsonError),
    Unknown(String),
    Missing(&'static str),
    NoKeys,
    Wrong(&'static str, &'static str),
    Policy(Fault),
    PinnedKeys(KeySetError),
    NoUsableKey,
    IssuerUrl(String),
}

impl Settings {
    /// Reads a configuration.
    pub(crate) fn read(text: &[u8]) -> Result<Self, Vec<SettingFault>> {
        let members = Object::parse(text, &Limits::DOCUMENT);
        let members = members.map_err(|error| vec![SettingFault::NoObject(error)])?;
        let mut reader = Reader {
            members: &members,
            faults: Vec::new(),
        };
        reader.refuse_unknown();
        let policy = reader.policy();
        let pinned = reader.pinned_keys();
        let leeway = reader.read("leeway", "whole seconds, at most 60", |value| {
            Leeway::from_secs(value.as_u64()?).ok()
        });
        let source = reader.source(policy.as_ref());
        match (policy, reader.faults) {
            (Some(policy), faults) if faults.is_empty() => {
                let mut gate = Gate::new(policy);
                if let Some(leeway) = leeway {
                    gate = gate.leeway(leeway);
                }
                let (keys, left_out) = pinned.unzip();
                if let Some(keys) = keys {
                    gate.install_keys(keys);
                }
                Ok(Self {
                    gate,
                    source,
                    left_out: left_out.unwrap_or_default(),
                })
            }
            (_, faults) => Err(faults),
        }
    }
}

/// Reads one member after the other, and notes what is wrong.
struct Reader<'a> {
    members: &'a Object<'a>,
    faults: Vec<SettingFault>,
}

impl Reader<'_> {
    fn refuse_unknown(&mut self) {
        let members = self.members;
        let unknown = members.names().filter(|name| !MEMBERS.contains(name));
        let unknown = unknown.map(|name| SettingFault::Unknown(name.to_owned()));
        self.faults.extend(unknown);
    }

    /// The value of a member, if it is there and is what it should be.
    fn read<T>(
        &mut self,
        name: &'static str,
        what: &'static str,
        read: impl FnOnce(Checked<'_>) -> Option<T>,
    ) -> Option<T> {
        let value = read(self.members.get(name)?);
        if value.is_none() {
            self.faults.push(SettingFault::Wrong(name, what));
        }
        value
    }

    fn policy(&mut self) -> Option<Policy> {
        let Some(policy) = self.members.get("policy") else {
            self.faults.push(SettingFault::Missing("policy"));
            return None;
        };
        let policy = Policy::from_json(policy.text().as_bytes());
        let faults = |faults: Vec<Fault>| faults.into_iter().map(SettingFault::Policy);
        policy.map_err(|them| self.faults.extend(faults(them))).ok()
    }

    fn pinned_keys(&mut self) -> Option<(KeySet, Vec<LeftOutKey>)> {
        let pinned = self.members.get("pinned_keys")?;
        match KeySet::from_jwks(pinned.text().as_bytes()) {
            Ok(loaded) if loaded.key_set.is_empty() => self.faults.push(SettingFault::NoUsableKey),
            Ok(loaded) => return Some((loaded.key_set, loaded.left_out)),
            Err(error) => self.faults.push(SettingFault::PinnedKeys(error)),
        }
        None
    }

    fn source(&mut self, policy: Option<&Policy>) -> Option<Source> {
        let text = |value: Checked<'_>| value.as_str().map(|text| text.into_owned());
        let is_true = |value: Checked<'_>| value.text().parse().ok();
        let cluster = self.read("issuer_cluster", "a string", text);
        let url = self.read("issuer_url", "a string", text);
        let has_feed = self.read("feed", "true or false", is_true);
        let max_stale = self.read("max_stale_seconds", "whole seconds", |value| value.as_u64());
        if cluster.is_none() && self.members.get("issuer_cluster").is_none() {
            if self.members.get("pinned_keys").is_none() {
                self.faults.push(SettingFault::NoKeys);
            }
            return None;
        }
        let url = url.or_else(|| policy.map(|policy| policy.issuer().to_owned()))?;
        if Place::of(&url).is_none() {
            self.faults.push(SettingFault::IssuerUrl(url.clone()));
        }
        Some(Source {
            cluster: cluster?,
            url,
            has_feed: has_feed.unwrap_or(true),
            max_stale: max_stale.map_or(MAX_STALE, Duration::from_secs),
        })
    }
}

impl Source {
    /// What the refresher is told. Threads hand on what one has fetched, and may have missed what a
    /// delta belongs to.
    pub(crate) fn config(&self) -> Config {
        let config = Config::of_issuer(&self.url)
            .max_stale(self.max_stale)
            .without_deltas();
        match self.has_feed {
            true => config,
            false => config.without_feed(),
        }
    }
}

/// An HTTP URL in the parts that a request has.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'a> {
    pub(crate) scheme: &'a str,
    pub(crate) authority: &'a str,
    pub(crate) path: &'a str,
}

impl<'a> Place<'a> {
    /// `None` where it is no URL that a request can be sent to. How it is reached, over TLS or not,
    /// is the cluster's affair.
    pub(crate) fn of(url: &'a str) -> Option<Self> {
        let (scheme, rest) = url.split_once("://")?;
        let end = rest.find('/').unwrap_or(rest.len());
        let (authority, path) = rest.split_at_checked(end)?;
        let are_good = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic());
        let is_host = !authority.is_empty() && !authority.contains(['@', '?', '#', '\\']);
        let is_plain = !path.contains(['?', '#']);
        (matches!(scheme, "http" | "https") && is_host && is_plain && are_good(rest)).then_some(
            Self {
                scheme,
                authority,
                path,
            },
        )
    }
}

impl fmt::Display for SettingFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoObject(JsonError::Syntax) => f.write_str("not a JSON object"),
            Self::NoObject(JsonError::Limit) => f.write_str("nested too deeply"),
            Self::NoObject(JsonError::Duplicate) => f.write_str("a member stands there twice"),
            Self::Unknown(name) => {
                write!(f, "{name:?} is not known; there are {}", MEMBERS.join(", "))
            }
            Self::Missing(name) => write!(f, "{name:?} is missing"),
            Self::NoKeys => {
                f.write_str("there must be \"issuer_cluster\", \"pinned_keys\", or both")
            }
            Self::Wrong(name, what) => write!(f, "{name:?} must be {what}"),
            Self::Policy(fault) => write!(f, "policy: {fault}"),
            Self::PinnedKeys(error) => write!(f, "pinned_keys: {error}"),
            Self::NoUsableKey => f.write_str("pinned_keys: no key that can be used"),
            Self::IssuerUrl(url) => write!(f, "{url:?} is not the URL of an issuer"),
        }
    }
}
