//! The keys of the store, opened: what signs, what is published, what derives refresh tokens.

use std::fmt::Write as _;
use std::sync::Arc;

use base64ct::{Base64UrlUnpadded, Encoding as _};
use jwt_simple::algorithms::Ed25519KeyPair;
use zeroize::Zeroizing;

use super::seal::{MasterKeys, OpenError, Sealed};
use super::{InitialKeys, KeyState, SealedMacKey, SealedSigningKey, StoredKeys};
use crate::secret::{Randomness, SecretBytes};
use crate::session::refresh_token::{MacKey, MacKeys};
use crate::time::UnixTime;

/// Why the keys of a store can't be used. Each of these stops the start: a key is never made
/// silently beside those that are there.
#[derive(Debug, thiserror::Error)]
pub enum KeyringError {
    /// A key is sealed under another master key, or was changed.
    #[error("{what} {name}: {reason}")]
    Sealed {
        /// What kind of key.
        what: &'static str,
        /// Which one.
        name: String,
        /// Why it doesn't open.
        reason: OpenError,
    },
    /// A seed that opens but isn't the published key's.
    #[error("signing key {0} is not what it says it is")]
    Mismatch(String),
    /// No key is active.
    #[error("the store holds no active signing key")]
    NoActiveKey,
    /// No MAC key.
    #[error("the store holds no key for refresh tokens")]
    NoMacKey,
    /// Keys could not be made.
    #[error("could not make keys")]
    Generation,
}

/// Everything that signs and checks what the issuer issues.
#[derive(Clone)]
pub struct Keyring {
    active: Arc<Ed25519KeyPair>,
    active_kid: Arc<str>,
    jwks: Arc<str>,
    mac: MacKeys,
}

impl std::fmt::Debug for Keyring {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keyring")
            .field("active_kid", &self.active_kid)
            .finish_non_exhaustive()
    }
}

impl Keyring {
    /// Opens the stored keys.
    ///
    /// # Errors
    /// When one of them doesn't open, isn't what it says it is, or is missing.
    pub fn open(stored: &StoredKeys, master: &MasterKeys) -> Result<Self, KeyringError> {
        let active = stored
            .signing
            .iter()
            .find(|key| key.state == KeyState::Active)
            .ok_or(KeyringError::NoActiveKey)?;
        for key in &stored.signing {
            open_signing_key(key, master)?;
        }
        let mac = stored
            .mac
            .iter()
            .map(|key| open_mac_key(key, master))
            .collect::<Result<Vec<_>, _>>()?;
        if mac.is_empty() {
            return Err(KeyringError::NoMacKey);
        }
        Ok(Self {
            active: Arc::new(open_signing_key(active, master)?),
            active_kid: active.kid.as_str().into(),
            jwks: jwks(&stored.signing).into(),
            mac: MacKeys::new(stored.incarnation, mac),
        })
    }

    /// The key that signs.
    #[must_use]
    pub fn active(&self) -> &Ed25519KeyPair {
        &self.active
    }

    /// The kid of the key that signs.
    #[must_use]
    pub fn active_kid(&self) -> &str {
        &self.active_kid
    }

    /// The published key set (RFC 7517).
    #[must_use]
    pub fn jwks(&self) -> Arc<str> {
        Arc::clone(&self.jwks)
    }

    /// The keys of refresh tokens.
    #[must_use]
    pub fn mac(&self) -> &MacKeys {
        &self.mac
    }
}

/// Makes the keys of an empty store.
///
/// # Errors
/// When a key can't be made or sealed.
pub fn initial_keys(
    now: UnixTime,
    master: &MasterKeys,
    randomness: &dyn Randomness,
) -> Result<InitialKeys, KeyringError> {
    let mac = randomness.secret::<32>();
    let mac_id = 1;
    let sealed_mac = master
        .seal(
            Sealed::MacKey,
            &mac_id.to_string(),
            mac.expose(),
            randomness,
        )
        .ok_or(KeyringError::Generation)?;
    Ok(InitialKeys {
        incarnation: randomness.array(),
        signing: new_signing_key(KeyState::Active, now, master, randomness)?,
        mac: SealedMacKey {
            id: mac_id,
            sealed: sealed_mac,
            master_key: master.current().id().to_owned(),
            created_at: now,
        },
    })
}

/// Makes a signing key.
///
/// # Errors
/// When it can't be made or sealed.
pub fn new_signing_key(
    state: KeyState,
    now: UnixTime,
    master: &MasterKeys,
    randomness: &dyn Randomness,
) -> Result<SealedSigningKey, KeyringError> {
    let seed = randomness.secret::<32>();
    let pair = key_pair(seed.expose()).ok_or(KeyringError::Generation)?;
    let public = public_bytes(&pair).ok_or(KeyringError::Generation)?;
    let kid = pair.jwk_thumbprint();
    let sealed = master
        .seal(Sealed::SigningKey, &kid, seed.expose(), randomness)
        .ok_or(KeyringError::Generation)?;
    Ok(SealedSigningKey {
        kid,
        public,
        sealed,
        master_key: master.current().id().to_owned(),
        state,
        created_at: now,
    })
}

fn open_signing_key(
    key: &SealedSigningKey,
    master: &MasterKeys,
) -> Result<Ed25519KeyPair, KeyringError> {
    let seed = master
        .open(Sealed::SigningKey, &key.kid, &key.master_key, &key.sealed)
        .map_err(|reason| KeyringError::Sealed {
            what: "signing key",
            name: key.kid.clone(),
            reason,
        })?;
    let mismatch = || KeyringError::Mismatch(key.kid.clone());
    let pair = key_pair(&seed).ok_or_else(mismatch)?;
    let is_published = public_bytes(&pair) == Some(key.public) && pair.jwk_thumbprint() == key.kid;
    if is_published {
        Ok(pair.with_key_id(&key.kid))
    } else {
        Err(mismatch())
    }
}

fn open_mac_key(key: &SealedMacKey, master: &MasterKeys) -> Result<MacKey, KeyringError> {
    let name = key.id.to_string();
    let broken = |reason| KeyringError::Sealed {
        what: "refresh token key",
        name: name.clone(),
        reason,
    };
    let plain = master
        .open(Sealed::MacKey, &name, &key.master_key, &key.sealed)
        .map_err(broken)?;
    let secret = <[u8; 32]>::try_from(plain.as_slice()).map_err(|_| broken(OpenError::Changed))?;
    Ok(MacKey {
        id: key.id,
        secret: SecretBytes::new(secret),
    })
}

/// jwt-simple takes the seed followed by the public key, as ed25519-compact lays it out.
fn key_pair(seed: &[u8]) -> Option<Ed25519KeyPair> {
    let seed = ed25519_compact::Seed::from_slice(seed).ok()?;
    let pair = ed25519_compact::KeyPair::try_from_seed(seed).ok()?;
    let bytes = Zeroizing::new(pair.to_vec());
    Ed25519KeyPair::from_bytes(&bytes).ok()
}

fn public_bytes(pair: &Ed25519KeyPair) -> Option<[u8; 32]> {
    pair.public_key().to_bytes().try_into().ok()
}

fn jwks(keys: &[SealedSigningKey]) -> String {
    let mut json = String::from("{\"keys\":[");
    for (position, key) in keys.iter().enumerate() {
        let separator = if position == 0 { "" } else { "," };
        let x = Base64UrlUnpadded::encode_string(&key.public);
        // Writing to a String can't fail; both values are base64url, which JSON takes as it is.
        let _infallible = write!(
            json,
            "{separator}{{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"use\":\"sig\",\"alg\":\"EdDSA\",\
             \"kid\":\"{}\",\"x\":\"{x}\"}}",
            key.kid
        );
    }
    json.push_str("]}");
    json
}

#[cfg(test)]
mod tests {
    use super::super::seal::MasterKey;
    use super::*;
    use crate::secret::OperatingSystem;

    fn master(seed: u8) -> MasterKeys {
        MasterKeys::new(MasterKey::new(SecretBytes::new([seed; 32])), None)
    }

    fn stored(master: &MasterKeys) -> StoredKeys {
        let initial = initial_keys(UnixTime::from_secs(1), master, &OperatingSystem).unwrap();
        StoredKeys {
            incarnation: initial.incarnation,
            signing: vec![initial.signing],
            mac: vec![initial.mac],
        }
    }

    #[test]
    fn keys_open_under_their_master_key_only() {
        let keys = stored(&master(1));
        let ring = Keyring::open(&keys, &master(1)).unwrap();
        assert_eq!(ring.active_kid(), keys.signing[0].kid);
        assert!(ring.jwks().contains(ring.active_kid()));
        assert!(matches!(
            Keyring::open(&keys, &master(2)),
            Err(KeyringError::Sealed { .. })
        ));
    }

    #[test]
    fn a_swapped_public_key_is_noticed() {
        let mut keys = stored(&master(1));
        keys.signing[0].public = stored(&master(1)).signing[0].public;
        assert!(matches!(
            Keyring::open(&keys, &master(1)),
            Err(KeyringError::Mismatch(_))
        ));
    }

    #[test]
    fn a_store_without_an_active_key_does_not_start() {
        let mut keys = stored(&master(1));
        keys.signing[0].state = KeyState::Retired;
        assert!(matches!(
            Keyring::open(&keys, &master(1)),
            Err(KeyringError::NoActiveKey)
        ));
    }
}
