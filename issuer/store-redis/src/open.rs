//! What Redis has to be before an issuer starts. Later it may go away; at the start it must be
//! right, or nobody would notice that it never was.

use crate::address::Address;
use crate::client::Fault;

/// The first version that is tested.
const OLDEST: u32 = 7;

/// Why Redis can't be used.
#[derive(Debug, thiserror::Error)]
#[error("the Redis server at {address} {fault}")]
pub struct OpenError {
    address: String,
    fault: Fault,
}

impl OpenError {
    pub(crate) fn new(address: &Address, fault: Fault) -> Self {
        Self {
            address: address.to_string(),
            fault,
        }
    }

    /// What is wrong.
    #[must_use]
    pub fn fault(&self) -> &Fault {
        &self.fault
    }
}

/// Looks at what a server says of itself.
pub(crate) fn examine(version: &str, mode: &str) -> Result<(), Fault> {
    let major = version
        .split('.')
        .next()
        .and_then(|major| major.parse().ok());
    if major.is_none_or(|major: u32| major < OLDEST) {
        return Err(Fault::Old(version.to_owned()));
    }
    match mode {
        "standalone" => Ok(()),
        "cluster" => Err(Fault::Cluster(format!("its mode is {mode}"))),
        _ => Err(Fault::Other(format!("its mode is {mode}"))),
    }
}
