//! The keys of the store, opened: what signs, what is published, what derives refresh tokens.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use base64ct::{Base64UrlUnpadded, Encoding as _};
use jwt_simple::algorithms::{Ed25519KeyPair, EdDSAKeyPairLike as _};
use jwt_simple::claims::JWTClaims;
use jwt_simple::common::HeaderOptions;
use serde::Serialize;
use zeroize::Zeroizing;

use super::access_token::SigningError;
use super::seal::{MasterKeys, OpenError, Sealed};
use super::{InitialKeys, KeyState, SealedMacKey, SealedSigningKey, StoredKeys, secrets};
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
    /// A secret that values are derived from isn't there.
    #[error("the store holds no secret for {0}")]
    NoSecret(&'static str),
    /// Keys could not be made.
    #[error("could not make keys")]
    Generation,
}

/// Everything that signs and checks what the issuer issues.
#[derive(Clone)]
pub struct Keyring {
    active: Arc<Ed25519KeyPair>,
    active_kid: Arc<str>,
    opened: BTreeMap<String, Opened>,
    jwks: Arc<str>,
    incarnation: [u8; 16],
    mac: MacKeys,
}

/// A signing key that was opened once.
#[derive(Clone)]
struct Opened {
    pair: Arc<Ed25519KeyPair>,
    public: [u8; 32],
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
        Self::open_beside(stored, master, None)
    }

    /// Opens the stored keys after a change. A key that `before` has is the same however it is
    /// sealed by now: so a process that wasn't given a new master key yet goes on while others seal
    /// under it, until there is a key that it has never seen.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn reopen(&self, stored: &StoredKeys, master: &MasterKeys) -> Result<Self, KeyringError> {
        Self::open_beside(stored, master, Some(self))
    }

    fn open_beside(
        stored: &StoredKeys,
        master: &MasterKeys,
        before: Option<&Self>,
    ) -> Result<Self, KeyringError> {
        let active = stored.active().ok_or(KeyringError::NoActiveKey)?;
        let before = before.filter(|before| before.incarnation == stored.incarnation);
        let mut opened = BTreeMap::new();
        for key in &stored.signing {
            let known = before.and_then(|before| before.known_signing_key(key, master));
            let one = match known {
                Some(known) => known.clone(),
                None => Opened {
                    pair: Arc::new(open_signing_key(key, master)?),
                    public: key.public,
                },
            };
            opened.insert(key.kid.clone(), one);
        }
        let open_mac = |key: &SealedMacKey| {
            let known = before.and_then(|before| before.known_mac_key(key, master));
            known.map_or_else(|| open_mac_key(key, master), |known| Ok(known.clone()))
        };
        let mac = stored.mac.iter().map(open_mac);
        let mac = mac.collect::<Result<Vec<_>, _>>()?;
        if mac.is_empty() {
            return Err(KeyringError::NoMacKey);
        }
        let signing = opened.get(&active.kid).ok_or(KeyringError::NoActiveKey)?;
        Ok(Self {
            active: Arc::clone(&signing.pair),
            active_kid: active.kid.as_str().into(),
            opened,
            jwks: jwks(&stored.signing).into(),
            incarnation: stored.incarnation,
            mac: MacKeys::new(stored.incarnation, mac),
        })
    }

    fn known_signing_key(&self, key: &SealedSigningKey, master: &MasterKeys) -> Option<&Opened> {
        let known = self.opened.get(&key.kid)?;
        let is_foreign = master.named(&key.master_key).is_none();
        (is_foreign && known.public == key.public).then_some(known)
    }

    fn known_mac_key(&self, key: &SealedMacKey, master: &MasterKeys) -> Option<&MacKey> {
        let is_foreign = master.named(&key.master_key).is_none();
        self.mac.find(key.id).filter(|_| is_foreign)
    }

    /// Signs claims as a token of this `typ`: access tokens, the revocation feed. Each kind has a
    /// type of its own, so that none passes for another.
    ///
    /// # Errors
    /// When signing fails.
    pub fn sign<C: Serialize>(
        &self,
        typ: &'static str,
        claims: JWTClaims<C>,
    ) -> Result<Zeroizing<String>, SigningError> {
        let header = HeaderOptions {
            content_type: None,
            signature_type: Some(typ.to_owned()),
        };
        self.active
            .sign_with_options(claims, &header)
            .map(Zeroizing::new)
            .map_err(|_| SigningError)
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
    Ok(InitialKeys {
        incarnation: randomness.array(),
        signing: new_signing_key(KeyState::Active, now, master, randomness)?,
        mac: new_mac_key(1, now, now, master, randomness)?,
        secrets: secrets::random(master, randomness)?,
    })
}

/// Makes a MAC key, with which tokens are made from `signs_from` on.
///
/// # Errors
/// When it can't be sealed.
pub fn new_mac_key(
    id: u32,
    now: UnixTime,
    signs_from: UnixTime,
    master: &MasterKeys,
    randomness: &dyn Randomness,
) -> Result<SealedMacKey, KeyringError> {
    let secret = randomness.secret::<32>();
    let sealed = master
        .seal(Sealed::MacKey, &id.to_string(), secret.expose(), randomness)
        .ok_or(KeyringError::Generation)?;
    Ok(SealedMacKey {
        id,
        sealed,
        master_key: master.current().id().to_owned(),
        created_at: now,
        signs_from,
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
    seal_signing_key(&randomness.secret(), state, now, master, randomness)
}

/// Seals the key of a seed.
///
/// # Errors
/// When it is none, or can't be sealed.
pub fn seal_signing_key(
    seed: &SecretBytes<32>,
    state: KeyState,
    now: UnixTime,
    master: &MasterKeys,
    randomness: &dyn Randomness,
) -> Result<SealedSigningKey, KeyringError> {
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
        activated_at: (state == KeyState::Active).then_some(now),
        retired_at: None,
        token_life: 0,
    })
}

/// The kid and the public key of a seed.
#[must_use]
pub fn identify(seed: &SecretBytes<32>) -> Option<(String, [u8; 32])> {
    let pair = key_pair(seed.expose())?;
    Some((pair.jwk_thumbprint(), public_bytes(&pair)?))
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
        signs_from: key.signs_from,
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
            version: 1,
            signing: vec![initial.signing],
            mac: vec![initial.mac],
            secrets: initial.secrets,
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

    #[test]
    fn what_was_opened_before_stays_open_under_a_master_key_that_is_not_there_yet() {
        let keys = stored(&master(1));
        let ring = Keyring::open(&keys, &master(1)).unwrap();
        let both = MasterKeys::new(
            MasterKey::new(SecretBytes::new([2; 32])),
            Some(MasterKey::new(SecretBytes::new([1; 32]))),
        );
        let mut resealed = keys.clone();
        for key in &mut resealed.signing {
            let seed = both.open(Sealed::SigningKey, &key.kid, &key.master_key, &key.sealed);
            let seed = SecretBytes::new(seed.unwrap().as_slice().try_into().unwrap());
            let now = UnixTime::from_secs(1);
            *key = seal_signing_key(&seed, key.state, now, &both, &OperatingSystem).unwrap();
        }
        let reopened = ring.reopen(&resealed, &master(1)).unwrap();
        assert_eq!(reopened.active_kid(), ring.active_kid());
        assert!(Keyring::open(&resealed, &master(1)).is_err());
        // A key that was never seen is nobody's word alone.
        let now = UnixTime::from_secs(1);
        let new = new_signing_key(KeyState::Next, now, &both, &OperatingSystem).unwrap();
        resealed.signing.push(new);
        assert!(matches!(
            ring.reopen(&resealed, &master(1)),
            Err(KeyringError::Sealed { .. })
        ));
        // And one that claims to be known, with another public key, is looked at again.
        resealed.signing.pop();
        resealed.signing[0].public = [3; 32];
        assert!(ring.reopen(&resealed, &master(1)).is_err());
    }
}
