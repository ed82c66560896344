//! Reading a policy, with all its faults as one error.

use std::fmt;

use signet_verifier::policy::Policy;
use signet_verifier::policy::document::Fault;

/// Reads a policy as people write it; `signet policy check` does the same before it is deployed.
///
/// # Errors
/// All that is wrong with it.
pub fn read_policy(toml: &str) -> Result<Policy, PolicyFaults> {
    Policy::from_toml(toml).map_err(PolicyFaults)
}

/// All that is wrong with a policy, in the order of its text.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PolicyFaults(pub Vec<Fault>);

impl fmt::Display for PolicyFaults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the policy can't be used")?;
        self.0.iter().try_for_each(|fault| write!(f, "\n{fault}"))
    }
}

impl std::error::Error for PolicyFaults {}
