//! A policy as a whole: read from TOML that people write or from the canonical JSON that hosts are
//! given, and written as that JSON.
//!
//! Both notations become the same tree of values with their places, and one reader goes through
//! all of it, so that every fault is told at once. To add a member, read it in `document/read.rs`,
//! write it in `document/canonical.rs`, and give its mistakes a variant of [`FaultKind`].

mod allow;
mod canonical;
mod fault;
mod read;
#[cfg(feature = "toml")]
mod toml;
mod tree;

use alloc::borrow::ToOwned as _;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::condition::Condition;
use super::method::Method;
use super::pattern::Pattern;
use super::routes::{Methods, Route, Routes};
use super::target::TargetPath;

pub use allow::duration_in_seconds;
pub use fault::{Fault, FaultKind, Place};

/// Rules, and what they are held against.
#[derive(Clone, Debug)]
pub struct Policy {
    issuer: String,
    audiences: Vec<String>,
    forward_token: bool,
    preflight: Preflight,
    known_roles: Option<Vec<String>>,
    known_permissions: Option<Vec<String>>,
    roles: BTreeMap<String, Vec<String>>,
    rules: Vec<Rule>,
    routes: Routes,
}

/// One rule.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Rule {
    /// Its name, of which there is one in the policy. Decisions name it too.
    pub id: Arc<str>,
    /// Whom it lets through.
    pub allow: Allow,
    /// What it wants of the revocation feed.
    pub revocation: Revocation,
    /// The requests it decides about.
    pub route: Route,
}

impl Rule {
    /// A rule that isn't found by a path: its host knows what it is for.
    #[must_use]
    pub fn without_path(id: &str, allow: Allow) -> Self {
        Self {
            id: id.into(),
            allow,
            revocation: Revocation::default(),
            route: Route {
                pattern: Pattern::default(),
                methods: Methods::Usual,
                rule: 0,
            },
        }
    }
}

/// Whom a rule lets through.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Allow {
    /// Everyone; no token is looked at.
    Anyone,
    /// Everyone but bad tokens.
    Optional,
    /// Good tokens of which this is true.
    When(Condition),
}

/// What a rule wants of the revocation feed.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Revocation {
    /// No decision without a fresh one.
    Required,
    /// What there is of it.
    #[default]
    BestEffort,
    /// Nothing.
    Off,
}

/// What becomes of CORS preflights.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Preflight {
    /// They are requests like others.
    #[default]
    Rule,
    /// They pass.
    Pass,
}

impl Policy {
    /// Reads a policy that people wrote.
    ///
    /// # Errors
    /// Every fault, in the order of the text.
    #[cfg(feature = "toml")]
    pub fn from_toml(text: &str) -> Result<Self, Vec<Fault>> {
        read::read(&toml::parse(text)?, text)
    }

    /// Reads a policy that [`Policy::to_json`] wrote.
    ///
    /// # Errors
    /// Every fault; none has a place, since nobody writes this by hand.
    pub fn from_json(text: &[u8]) -> Result<Self, Vec<Fault>> {
        read::read(&tree::from_json(text)?, "")
    }

    /// The policy as canonical JSON: the same text for all policies that are written alike but for
    /// notation, the order of tables and the spelling of paths. The order of rules and lists stays.
    #[must_use]
    pub fn to_json(&self) -> String {
        canonical::write(self)
    }

    /// A policy that only says whose tokens are taken, and for whom. It has no rule, so
    /// [`Gate::decide`](crate::Gate::decide) lets nothing through with it, and
    /// [`Gate::decide_by`](crate::Gate::decide_by) what it is asked.
    #[must_use]
    pub fn without_rules<'a>(issuer: &str, audiences: impl IntoIterator<Item = &'a str>) -> Self {
        Self {
            issuer: issuer.to_owned(),
            audiences: audiences.into_iter().map(str::to_owned).collect(),
            forward_token: true,
            preflight: Preflight::Rule,
            known_roles: None,
            known_permissions: None,
            roles: BTreeMap::new(),
            rules: Vec::new(),
            routes: Routes::default(),
        }
    }

    /// The same rules for the tokens of another issuer: what one file says for a service that
    /// runs in several environments.
    #[must_use]
    pub fn for_issuer(self, issuer: &str) -> Self {
        Self {
            issuer: issuer.to_owned(),
            ..self
        }
    }

    /// The rule that decides about a request, if there is one.
    #[must_use]
    pub fn rule(&self, path: &TargetPath<'_>, method: Method<'_>) -> Option<&Rule> {
        let route = self.routes.find(path, method)?;
        self.rules.get(route.rule)
    }

    /// All rules, in the order of the text.
    #[must_use]
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// Whose tokens are taken.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Whom tokens must be for: at least one of these.
    #[must_use]
    pub fn audiences(&self) -> &[String] {
        &self.audiences
    }

    /// The permissions that a role brings beside those of the token.
    #[must_use]
    pub fn permissions_of(&self, role: &str) -> &[String] {
        self.roles.get(role).map_or(&[], Vec::as_slice)
    }

    /// Whether upstream gets the `Authorization` header.
    #[must_use]
    pub fn forwards_token(&self) -> bool {
        self.forward_token
    }

    /// What becomes of CORS preflights.
    #[must_use]
    pub fn preflight(&self) -> Preflight {
        self.preflight
    }
}

#[cfg(test)]
mod tests;
