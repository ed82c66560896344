//! What is decided for proxies: a policy that this issuer's tokens can satisfy, and the proxies.

use std::path::Path;

use ipnet::IpNet;
use signet_verifier::policy::Policy;
use url::Url;

use crate::config::fault::{Faults, Origin};
use crate::config::keys::{Optional, Values};
use crate::config::setting::Addresses;
use crate::http::forward_auth::Settings;
use crate::policy_file::{self, PolicyFileError};

const POLICY: &str = "forward_auth.policy";
const PROXIES: &str = "forward_auth.proxies";

/// `None` where there is no policy, or one with a fault.
pub(super) fn settings(
    values: &Values,
    public_url: Option<&Url>,
    faults: &mut Faults,
) -> Option<Settings> {
    let (policy, proxies) = match (&values.forward_auth_policy, &values.forward_auth_proxies) {
        (Optional::Unset, Optional::Unset) => return None,
        (Optional::Unset, Optional::Set(proxies)) => {
            let problem = "is set, and forward_auth.policy is not";
            let hint = "set forward_auth.policy to the policy that decides, or unset both";
            faults.add(PROXIES, Some(&proxies.origin), problem, hint);
            return None;
        }
        (Optional::Set(policy), proxies) => (policy, proxies),
        (Optional::Unreadable, _) | (Optional::Unset, Optional::Unreadable) => return None,
    };
    let proxies = proxies_of(proxies, faults);
    let origin = &policy.origin;
    let policy = read(&policy.value.0, origin, faults)?;
    check_parties(&policy, values, public_url, origin, faults);
    Some(Settings {
        policy,
        proxies: proxies?,
    })
}

/// A policy that nobody may ask about decides nothing, and isn't what somebody wants who sets it.
fn proxies_of(given: &Optional<Addresses>, faults: &mut Faults) -> Option<Vec<IpNet>> {
    let (origin, problem) = match given {
        Optional::Set(found) if !found.value.0.is_empty() => return Some(found.value.0.clone()),
        Optional::Set(found) => (
            Some(&found.origin),
            "is empty, and forward_auth.policy is set",
        ),
        Optional::Unset => (None, "must be set, since forward_auth.policy is"),
        Optional::Unreadable => return None,
    };
    let hint = "give the addresses that your proxies connect from, such as 127.0.0.1: everyone \
                else is refused";
    faults.add(PROXIES, origin, problem, hint);
    None
}

fn read(path: &Path, origin: &Origin, faults: &mut Faults) -> Option<Policy> {
    match policy_file::read(path) {
        Ok(policy) => Some(policy),
        Err(PolicyFileError::Unreadable { path, source }) => {
            let problem = format!("can't read {}: {source}", path.display());
            let hint = "name a file that exists and is UTF-8";
            faults.add(POLICY, Some(origin), problem, hint);
            None
        }
        Err(PolicyFileError::Faulty(found)) => {
            let hint = format!("`signet policy check {}` says the same", path.display());
            for line in found.lines() {
                faults.add(POLICY, Some(origin), line, &hint);
            }
            None
        }
    }
}

/// A policy for other tokens than this issuer's would refuse them all.
fn check_parties(
    policy: &Policy,
    values: &Values,
    public_url: Option<&Url>,
    origin: &Origin,
    faults: &mut Faults,
) {
    let ours = public_url.map(|url| url.origin().ascii_serialization());
    if let Some(ours) = ours.filter(|ours| ours != policy.issuer()) {
        let problem = format!(
            "is for the tokens of {:?}, and this issuer is {ours:?}",
            policy.issuer()
        );
        let hint = format!("write issuer = {ours:?} in it, or set public_url to what it says");
        faults.add(POLICY, Some(origin), problem, hint);
    }
    let audiences = &values.tokens_audiences.value.0;
    let mut wanted = policy.audiences().iter();
    if !wanted.any(|audience| audiences.contains(audience)) {
        let problem = format!(
            "wants tokens for {:?}, and tokens.audiences is {audiences:?}",
            policy.audiences()
        );
        let hint = "name one of them in both: no token is ever for what isn't in tokens.audiences";
        faults.add(POLICY, Some(origin), problem, hint);
    }
}
