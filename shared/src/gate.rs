//! The decision about a request: the one function that every host calls.
//!
//! A host gives its [`Gate`] the policy, hands it keys and feeds as they come (or has the refresher
//! do it), and asks [`Gate::decide`] about the head of each request. It does what the [`Decision`]
//! says, and nothing else: all that upstream or the client is to see stands in it.
//!
//! # The way of a request
//!
//! 1. `hygiene`: one pass over the headers. What may not go upstream is noted, whatever becomes of
//!    the request; a `Connection` that would take an identity away spoils it.
//! 2. [`policy`](crate::policy): method and target become a rule, or none. A rule for anyone ends
//!    it here.
//! 3. [`bearer`](crate::bearer): the token of the request, if it has one in the one place there is.
//! 4. `remembered`: who had this very token before. If nobody knows, [`Verifier`] checks it.
//! 5. `identity`: what is told of whoever has the token. Revocations and the rule's condition are
//!    held against it, each time anew.
//!
//! The first that speaks against the request decides: 400, then 401 for the token, then 503, then
//! the condition.
//!
//! A gate is cheap to clone, and clones share what they remember. So a host with several threads
//! reads one behind a lock or a swap, and puts a changed clone in its place.
//!
//! To add a reason to refuse, give [`Refusal`] a variant, with its code, text and challenge, and
//! `vectors/decisions` its cases.

mod answer;
mod decision;
mod hygiene;
mod identity;
mod leeway;
mod refusal;
mod remembered;
mod request;

use alloc::sync::Arc;

pub use answer::Answer;
pub use decision::Decision;
pub use identity::Identity;
pub use leeway::{Leeway, LeewayError};
pub use refusal::{Code, Refusal};
pub use request::RequestHead;

use crate::bearer::Bearer;
use crate::keyset::KeySet;
#[cfg(feature = "tables")]
use crate::keyset::Tables;
use crate::policy::document::{Allow, Policy, Preflight, Revocation, Rule};
use crate::policy::{Condition, Facts, Method, TargetPath, Verdict};
use crate::rejection::Rejection;
use crate::revocation::{Applied, FeedFault, Revocations};
use crate::time::UnixTime;
use crate::verify::Verifier;
use hygiene::Headers;
use remembered::Remembered;

/// Decides about requests by one policy, with the keys and revocations it was given.
#[derive(Clone, Debug)]
pub struct Gate {
    policy: Arc<Policy>,
    verifier: Arc<Verifier>,
    leeway: Leeway,
    keys: KeySet,
    /// The first second at which the keys are too old, if they ever are.
    keys_expire_at: Option<UnixTime>,
    revocations: Arc<Revocations>,
    remembered: Arc<Remembered>,
}

/// A request that is no bad one: what there is to decide about.
struct Request<'a> {
    path: TargetPath<'a>,
    bearer: Bearer<'a>,
    now: UnixTime,
}

/// What becomes of a request: it goes on, perhaps as somebody, or it doesn't.
type Outcome = Result<Option<Arc<Identity>>, Refusal>;

impl Gate {
    /// A gate without keys and without a feed: until it gets some, it lets through what needs none.
    #[must_use]
    pub fn new(policy: Policy) -> Self {
        let audiences = policy.audiences().iter().map(|audience| audience.as_str());
        let leeway = Leeway::default();
        let verifier = Verifier::new(policy.issuer(), audiences).leeway(leeway.as_secs());
        Self {
            verifier: Arc::new(verifier),
            policy: Arc::new(policy),
            leeway,
            keys: KeySet::default(),
            keys_expire_at: None,
            revocations: Arc::default(),
            remembered: Arc::default(),
        }
    }

    /// Grants that much to clocks that differ, instead of 30 seconds.
    #[must_use]
    pub fn leeway(mut self, leeway: Leeway) -> Self {
        self.verifier = Arc::new((*self.verifier).clone().leeway(leeway.as_secs()));
        self.leeway = leeway;
        // What was good with more patience may not be any more.
        self.remembered = Arc::default();
        self
    }

    /// Says when keys are given a table, those that come later too.
    #[cfg(feature = "tables")]
    #[must_use]
    pub fn tables(mut self, tables: Tables) -> Self {
        self.keys = self.keys.with_tables(tables);
        self
    }

    /// Checks tokens with these keys from now on, however old they get: keys that are pinned.
    pub fn install_keys(&mut self, keys: KeySet) {
        self.replace_keys(keys, None);
    }

    /// Checks tokens with these keys from now on, and at `expire_at` with none any more.
    pub fn install_keys_until(&mut self, keys: KeySet, expire_at: UnixTime) {
        self.replace_keys(keys, Some(expire_at));
    }

    /// Keys that stay keep their tables; where all stay, what is remembered does as well.
    fn replace_keys(&mut self, mut keys: KeySet, expire_at: Option<UnixTime>) {
        keys.inherit(&self.keys);
        self.keys = keys;
        self.keys_expire_at = expire_at;
    }

    /// Takes a revocation feed: see [`Revocations::apply`].
    ///
    /// # Errors
    /// Why the feed is ignored. What was in force is as it was.
    pub fn apply_feed(&mut self, feed: &[u8], now: UnixTime) -> Result<Applied, FeedFault> {
        let no_keys = KeySet::default();
        let keys = self.keys_at(now).unwrap_or(&no_keys);
        let mut revocations = (*self.revocations).clone();
        let (issuer, leeway) = (self.policy.issuer(), self.leeway.as_secs());
        let applied = revocations.apply(feed, keys, issuer, leeway, now)?;
        self.revocations = Arc::new(revocations);
        Ok(applied)
    }

    /// The epoch and number of the feed in force, after which a delta is asked for.
    #[must_use]
    pub fn feed_position(&self) -> Option<(u64, u64)> {
        self.revocations.position()
    }

    /// Decides from now on with the keys and the revocations of `other`, a gate for the same issuer.
    ///
    /// So a host with several policies fetches once, for one gate, and tells the others. Those of
    /// another issuer are not taken: its feed says nothing of this one's tokens.
    pub fn adopt(&mut self, other: &Self) {
        if self.policy.issuer() == other.policy.issuer() {
            self.keys = other.keys.clone();
            self.keys_expire_at = other.keys_expire_at;
            self.revocations = Arc::clone(&other.revocations);
        }
    }

    /// Whether the feed in force is known to be all there is: its time isn't over, and the key that
    /// signed it is still one of the set.
    #[must_use]
    pub fn has_fresh_feed(&self, now: UnixTime) -> bool {
        self.revocations.is_fresh(now) && !self.has_disowned_feed()
    }

    /// Whether the key that signed the feed in force has left the set.
    pub(crate) fn has_disowned_feed(&self) -> bool {
        self.revocations.is_disowned_by(&self.keys)
    }

    /// How many of its keys have a table.
    #[cfg(feature = "tables")]
    #[must_use]
    pub fn tables_built(&self) -> usize {
        self.keys.tables_built()
    }

    /// Whether there are keys to check tokens with.
    #[must_use]
    pub fn has_keys(&self, now: UnixTime) -> bool {
        self.keys_at(now).is_some()
    }

    /// The policy it decides by.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Decides about the head of a request at the time `now`.
    pub fn decide(&self, head: &RequestHead<'_>, now: UnixTime) -> Decision {
        let headers = Headers::read(head.headers, self.policy.forwards_token());
        let (rule, outcome) = self.judge(head, &headers, now);
        Decision::new(rule, outcome, headers.removed())
    }

    /// Decides by this rule and no other, whatever method and path the request has. For hosts that
    /// know by themselves which rule is for which request, such as a router.
    pub fn decide_by(&self, rule: &Rule, headers: &[(&[u8], &[u8])], now: UnixTime) -> Decision {
        let headers = Headers::read(headers, self.policy.forwards_token());
        let outcome = match headers.spoil_the_identity() {
            true => Err(Refusal::InvalidRequest),
            false => self.apply(Some(rule), TargetPath::ROOT, &headers, now),
        };
        Decision::new(Some(rule), outcome, headers.removed())
    }

    /// Who is asking, if the token is good and as far as is known not revoked. For hosts that
    /// want the identity without a rule, such as a page that hides what wouldn't be allowed.
    ///
    /// # Errors
    /// Why the token is refused.
    pub fn verify(&self, token: &[u8], now: UnixTime) -> Result<Arc<Identity>, Refusal> {
        let identity = self.identify(token, now)?;
        self.check_revocation(&identity, Revocation::BestEffort, now)?;
        Ok(identity)
    }

    /// The rule that decides, and what comes of it.
    fn judge(
        &self,
        head: &RequestHead<'_>,
        headers: &Headers<'_>,
        now: UnixTime,
    ) -> (Option<&Rule>, Outcome) {
        let bad = (None, Err(Refusal::InvalidRequest));
        let Some(method) = Method::parse(head.method) else {
            return bad;
        };
        let Ok(path) = TargetPath::parse(head.target) else {
            return bad;
        };
        if headers.spoil_the_identity() {
            return bad;
        }
        if self.policy.preflight() == Preflight::Pass && headers.are_a_preflight(method) {
            return (None, Ok(None));
        }
        let rule = self.policy.rule(&path, method);
        let by_others = path.read_further();
        let by_others = by_others.map(|path| self.policy.rule(&path, method));
        if by_others.is_some_and(|other| other.map(|it| &it.id) != rule.map(|it| &it.id)) {
            return bad;
        }
        (rule, self.apply(rule, path, headers, now))
    }

    /// What a rule, or that there is none, makes of a request whose head is good.
    fn apply(
        &self,
        rule: Option<&Rule>,
        path: TargetPath<'_>,
        headers: &Headers<'_>,
        now: UnixTime,
    ) -> Outcome {
        if rule.is_some_and(|rule| rule.allow == Allow::Anyone) {
            return Ok(None);
        }
        let bearer = headers.bearer();
        if bearer == Bearer::Malformed {
            return Err(Refusal::InvalidRequest);
        }
        let request = Request { path, bearer, now };
        match rule {
            Some(rule) => self.hold(rule, &request),
            None => self.without_rule(&request),
        }
    }

    /// Holds a rule that isn't for anyone against a request.
    fn hold(&self, rule: &Rule, request: &Request<'_>) -> Outcome {
        let condition = match &rule.allow {
            Allow::When(condition) => Some(condition),
            Allow::Anyone | Allow::Optional => None,
        };
        let Bearer::Token(token) = request.bearer else {
            return match condition {
                Some(_) => Err(Refusal::MissingToken),
                None => Ok(None),
            };
        };
        let identity = self.identify(token, request.now)?;
        self.check_revocation(&identity, rule.revocation, request.now)?;
        if let Some(condition) = condition {
            check_condition(condition, rule, &identity, request)?;
        }
        Ok(Some(identity))
    }

    /// No rule lets this through; who has no good token isn't told that.
    fn without_rule(&self, request: &Request<'_>) -> Outcome {
        let Bearer::Token(token) = request.bearer else {
            return Err(Refusal::MissingToken);
        };
        self.verify(token, request.now)?;
        Err(Refusal::NoRule)
    }

    /// Whose token this is. Revocations are not looked at.
    fn identify(&self, token: &[u8], now: UnixTime) -> Result<Arc<Identity>, Refusal> {
        let Some(keys) = self.keys_at(now) else {
            return Err(match self.verifier.verify(token, &KeySet::default(), now) {
                // Here the key would have been needed.
                Err(Rejection::UnknownKid) | Ok(_) => Refusal::KeysUnavailable,
                Err(rejection) => Refusal::InvalidToken(rejection),
            });
        };
        let stamp = keys.fingerprint();
        if let Some(identity) = self.remembered.find(token, stamp) {
            let verified = identity.token();
            self.verifier.verify_again(verified, now)?;
            return Ok(identity);
        }
        let verified = self.verifier.verify(token, keys, now)?;
        let identity = Arc::new(Identity::new(verified, &self.policy));
        self.remembered.keep(token, stamp, &identity);
        Ok(identity)
    }

    /// The keys that tokens are checked with, if there are any and they aren't too old.
    fn keys_at(&self, now: UnixTime) -> Option<&KeySet> {
        let are_good = self.keys_expire_at.is_none_or(|expire_at| now < expire_at);
        (are_good && !self.keys.is_empty()).then_some(&self.keys)
    }

    /// What the feed says of a token, as far as the rule wants to know.
    fn check_revocation(
        &self,
        identity: &Identity,
        wanted: Revocation,
        now: UnixTime,
    ) -> Result<(), Refusal> {
        if wanted == Revocation::Off {
            return Ok(());
        }
        if identity.is_revoked_by(&self.revocations) {
            return Err(Refusal::InvalidToken(Rejection::Revoked));
        }
        if wanted == Revocation::Required && !self.has_fresh_feed(now) {
            return Err(Refusal::RevocationUnavailable);
        }
        Ok(())
    }
}

fn check_condition(
    condition: &Condition,
    rule: &Rule,
    identity: &Identity,
    request: &Request<'_>,
) -> Result<(), Refusal> {
    let claims = identity.token().claims();
    let verdict = condition.verdict(&Facts {
        subject: claims.subject(),
        roles: claims.roles(),
        permissions: identity.permissions(),
        authenticated_at: claims.authenticated_at(),
        now: request.now,
        pattern: &rule.route.pattern,
        path: &request.path,
    });
    match verdict {
        Verdict::Allow => Ok(()),
        Verdict::Reauthenticate { max_age } => Err(Refusal::ReauthenticationRequired { max_age }),
        Verdict::Deny => Err(Refusal::InsufficientScope),
    }
}
