//! Names of keys (`kid`): 1 to 64 of the characters that RFC 3986 calls unreserved. Nothing that
//! could be a path, a query or a URL is one.

use alloc::string::String;
use core::fmt;

use sha2::{Digest as _, Sha256};

use crate::base64url;

/// The longest name, in characters.
const LONGEST: usize = 64;

/// The name of a key.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct KeyId(String);

impl KeyId {
    /// Reads a name. `None` where it can't be one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let is_unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"._~-".contains(&byte);
        let is_name = (1..=LONGEST).contains(&text.len()) && text.bytes().all(is_unreserved);
        is_name.then(|| Self(text.into()))
    }

    /// The name that an Ed25519 public key has of itself: its JWK thumbprint (RFC 7638; RFC 8037,
    /// appendix A.3).
    #[must_use]
    pub fn thumbprint(public_key: &[u8; 32]) -> Self {
        let hash = Sha256::new()
            .chain_update(br#"{"crv":"Ed25519","kty":"OKP","x":""#)
            .chain_update(base64url::encode(public_key))
            .chain_update(br#""}"#)
            .finalize();
        Self(base64url::encode(&hash))
    }

    /// The name as it stands in headers and key sets.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_thumbprint_of_rfc_8037_is_what_it_says() {
        let x = base64url::decode(b"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo").unwrap();
        let kid = KeyId::thumbprint(&x.try_into().unwrap());
        assert_eq!(kid.as_str(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
        assert_eq!(alloc::format!("{kid}"), kid.as_str());
    }
}
