//! Sealing under the master key: XChaCha20-Poly1305, bound to a purpose and a name, so that no
//! sealed value can stand in for another.

use std::fmt;

use base64ct::{Base64UrlUnpadded, Encoding as _};
use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use hmac::{Hmac, Mac as _};
use sha2::{Digest as _, Sha256};
use zeroize::{Zeroize as _, Zeroizing};

use crate::secret::{Randomness, SecretBytes};

const NONCE: usize = 24;

/// What is sealed. Part of the authenticated data, so a value opens only as what it was sealed as.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Sealed {
    /// The seed of a signing key; named by its kid.
    SigningKey,
    /// A MAC key of refresh tokens; named by its number.
    MacKey,
    /// A message in the outbox; named by its id.
    Mail,
    /// A secret that values are derived from; named by what it is for.
    Secret,
}

impl Sealed {
    fn purpose(self) -> &'static str {
        match self {
            Self::SigningKey => "signing key",
            Self::MacKey => "mac key",
            Self::Mail => "mail",
            Self::Secret => "secret",
        }
    }
}

/// 32 bytes that everything secret in the store is sealed under.
#[derive(Clone)]
pub struct MasterKey {
    secret: SecretBytes<32>,
    id: String,
}

/// Text that is no master key.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum MasterKeyError {
    /// Not 43 characters of base64url without padding.
    #[error("a master key is 32 random bytes in base64url without padding, 43 characters")]
    Malformed,
    /// All bytes alike, or counting up: nothing that came from a generator.
    #[error("this master key is a sample; make one from 32 random bytes")]
    Sample,
}

impl MasterKey {
    /// Takes 32 bytes that come from a generator.
    #[must_use]
    pub fn new(secret: SecretBytes<32>) -> Self {
        let digest = Sha256::new()
            .chain_update(b"signet master key id\0")
            .chain_update(secret.expose())
            .finalize();
        let id = Base64UrlUnpadded::encode_string(digest.first_chunk::<9>().unwrap_or(&[0; 9]));
        Self { secret, id }
    }

    /// Reads a key as the operator gave it.
    ///
    /// # Errors
    /// When it isn't 32 bytes in base64url, or plainly not random.
    pub fn parse(text: &str) -> Result<Self, MasterKeyError> {
        let mut bytes = Zeroizing::new([0u8; 32]);
        let decoded = Base64UrlUnpadded::decode(text, bytes.as_mut_slice())
            .map_err(|_| MasterKeyError::Malformed)?;
        if decoded.len() != 32 {
            return Err(MasterKeyError::Malformed);
        }
        if is_made_up(&bytes) {
            return Err(MasterKeyError::Sample);
        }
        Ok(Self::new(SecretBytes::new(*bytes)))
    }

    /// The text [`MasterKey::parse`] reads.
    #[must_use]
    pub fn reveal(&self) -> Zeroizing<String> {
        Zeroizing::new(Base64UrlUnpadded::encode_string(self.secret.expose()))
    }

    /// What rows name it by. Says nothing about the key.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// A secret of its own for one use, derived from the key.
    #[must_use]
    pub fn derive(&self, purpose: &str) -> SecretBytes<32> {
        // HMAC takes keys of any length, so the fallback is never reached.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(self.secret.expose()) else {
            return self.secret.clone();
        };
        mac.update(b"signet derived secret\0");
        mac.update(purpose.as_bytes());
        SecretBytes::new(mac.finalize().into_bytes().into())
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(self.secret.expose().into())
    }
}

/// Whether bytes are all alike, few, or counting: nothing that came from a generator.
pub(super) fn is_made_up(bytes: &[u8; 32]) -> bool {
    let mut distinct = *bytes;
    distinct.sort_unstable();
    let varied = distinct
        .windows(2)
        .filter(|pair| pair.first() != pair.last())
        .count();
    distinct.zeroize();
    let steps_alike = bytes
        .windows(2)
        .filter_map(|pair| Some(pair.first()?.wrapping_sub(*pair.last()?)))
        .collect::<std::collections::BTreeSet<u8>>()
        .len();
    varied < 8 || steps_alike < 8
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey")
    }
}

/// A sealed value that doesn't open.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum OpenError {
    /// It is sealed under a key that wasn't given.
    #[error("sealed under master key {0}, which was not given")]
    UnknownMasterKey(String),
    /// It was changed, or is something else.
    #[error("does not open: changed, or not what it should be")]
    Changed,
}

/// The key that seals, and an older one that only opens.
#[derive(Clone, Debug)]
pub struct MasterKeys {
    current: MasterKey,
    previous: Option<MasterKey>,
}

impl MasterKeys {
    /// Seals under `current`, opens under both.
    #[must_use]
    pub fn new(current: MasterKey, previous: Option<MasterKey>) -> Self {
        Self { current, previous }
    }

    /// The key that seals.
    #[must_use]
    pub fn current(&self) -> &MasterKey {
        &self.current
    }

    /// The key that only opens, where there is one.
    #[must_use]
    pub fn previous(&self) -> Option<&MasterKey> {
        self.previous.as_ref()
    }

    /// The key that rows call `id`.
    #[must_use]
    pub fn named(&self, id: &str) -> Option<&MasterKey> {
        std::iter::once(&self.current)
            .chain(&self.previous)
            .find(|key| key.id == id)
    }

    /// Seals `plain` as `what` under the name `name`. `None` only for lengths no cipher takes.
    #[must_use]
    pub fn seal(
        &self,
        what: Sealed,
        name: &str,
        plain: &[u8],
        randomness: &dyn Randomness,
    ) -> Option<Vec<u8>> {
        let nonce: [u8; NONCE] = randomness.array();
        let associated = associated_data(what, name);
        let payload = Payload {
            msg: plain,
            aad: &associated,
        };
        let cipher = self.current.cipher();
        let sealed = cipher.encrypt(&XNonce::from(nonce), payload).ok()?;
        Some([nonce.as_slice(), &sealed].concat())
    }

    /// Opens what was sealed under the master key called `master_key`.
    ///
    /// # Errors
    /// When that key isn't there or the value doesn't open under it.
    pub fn open(
        &self,
        what: Sealed,
        name: &str,
        master_key: &str,
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, OpenError> {
        let key = self
            .named(master_key)
            .ok_or_else(|| OpenError::UnknownMasterKey(master_key.to_owned()))?;
        let (nonce, sealed) = sealed
            .split_first_chunk::<NONCE>()
            .ok_or(OpenError::Changed)?;
        let associated = associated_data(what, name);
        let payload = Payload {
            msg: sealed,
            aad: &associated,
        };
        key.cipher()
            .decrypt(&XNonce::from(*nonce), payload)
            .map(Zeroizing::new)
            .map_err(|_| OpenError::Changed)
    }
}

fn associated_data(what: Sealed, name: &str) -> Vec<u8> {
    [what.purpose().as_bytes(), b"\0", name.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::OperatingSystem;

    fn master_key(seed: u8) -> MasterKey {
        MasterKey::new(SecretBytes::new([seed; 32]))
    }

    #[test]
    fn a_sealed_value_opens_only_as_what_it_was_sealed_as() {
        let keys = MasterKeys::new(master_key(1), None);
        let id = keys.current().id().to_owned();
        let sealed = keys
            .seal(Sealed::MacKey, "7", b"secret", &OperatingSystem)
            .unwrap();
        let open = |what, name: &str, value: &[u8]| {
            keys.open(what, name, &id, value)
                .map(|plain| plain.to_vec())
        };
        assert_eq!(open(Sealed::MacKey, "7", &sealed).unwrap(), b"secret");
        assert_eq!(open(Sealed::MacKey, "8", &sealed), Err(OpenError::Changed));
        assert_eq!(
            open(Sealed::SigningKey, "7", &sealed),
            Err(OpenError::Changed)
        );
        for position in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[position] ^= 1;
            assert_eq!(open(Sealed::MacKey, "7", &changed), Err(OpenError::Changed));
        }
        assert_eq!(open(Sealed::MacKey, "7", &[]), Err(OpenError::Changed));
    }

    #[test]
    fn the_previous_master_key_still_opens() {
        let old = MasterKeys::new(master_key(1), None);
        let sealed = old
            .seal(Sealed::Mail, "m", b"hello", &OperatingSystem)
            .unwrap();
        let new = MasterKeys::new(master_key(2), Some(master_key(1)));
        let opened = new.open(Sealed::Mail, "m", master_key(1).id(), &sealed);
        assert_eq!(*opened.unwrap(), b"hello");
        let without = MasterKeys::new(master_key(2), None);
        assert!(matches!(
            without.open(Sealed::Mail, "m", master_key(1).id(), &sealed),
            Err(OpenError::UnknownMasterKey(_))
        ));
    }

    #[test]
    fn samples_and_broken_texts_are_no_master_keys() {
        let counting: Vec<u8> = (0..32).collect();
        for (bytes, error) in [
            (vec![0; 32], MasterKeyError::Sample),
            (counting, MasterKeyError::Sample),
            (vec![7; 31], MasterKeyError::Malformed),
            (vec![7; 33], MasterKeyError::Malformed),
        ] {
            let text = Base64UrlUnpadded::encode_string(&bytes);
            assert_eq!(MasterKey::parse(&text).unwrap_err(), error);
        }
        let randomness: &dyn Randomness = &OperatingSystem;
        let key = MasterKey::new(randomness.secret());
        assert_eq!(MasterKey::parse(&key.reveal()).unwrap().id(), key.id());
    }
}
