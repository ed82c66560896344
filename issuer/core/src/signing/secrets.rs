//! Secrets that values are derived from: counters of guesses, tokens of devices, subjects of budgets
//! on Redis. They are random, sealed in the store like keys, and outlive the master key they are
//! sealed under: were they derived from it, a new master key would forget every failed guess and
//! every known device at once, to the benefit of whoever is guessing.
//!
//! A store that an older release made has none. There each begins as what that release derived from
//! the master key, so that both count alike while they run together.
//!
//! To add one, add a [`SecretPurpose`] and its place in [`Secrets`].

use super::keyring::KeyringError;
use super::seal::{MasterKeys, OpenError, Sealed};
use super::{SealedSecret, StoredKeys};
use crate::names::{Named as _, names};
use crate::secret::{Randomness, SecretBytes};

names! {
    /// What a secret is for; so called in the store, and where an older release derived it.
    pub enum SecretPurpose {
        /// The keys of guesses at passwords.
        Guesses = "guesses",
        /// The tokens of devices.
        Devices = "devices",
        /// The subjects of budgets that another machine keeps.
        Limits = "limits on redis",
    }
}

/// The secrets of a store, opened.
#[derive(Clone, Debug)]
pub struct Secrets {
    /// For [`SecretPurpose::Guesses`].
    pub guesses: SecretBytes<32>,
    /// For [`SecretPurpose::Devices`].
    pub devices: SecretBytes<32>,
    /// For [`SecretPurpose::Limits`].
    pub limits: SecretBytes<32>,
}

impl Secrets {
    /// Opens the stored secrets.
    ///
    /// # Errors
    /// When one of them doesn't open, or isn't there.
    pub fn open(stored: &[SealedSecret], master: &MasterKeys) -> Result<Self, KeyringError> {
        let open = |purpose| open(stored, master, purpose);
        Ok(Self {
            guesses: open(SecretPurpose::Guesses)?,
            devices: open(SecretPurpose::Devices)?,
            limits: open(SecretPurpose::Limits)?,
        })
    }
}

fn open(
    stored: &[SealedSecret],
    master: &MasterKeys,
    purpose: SecretPurpose,
) -> Result<SecretBytes<32>, KeyringError> {
    let name = purpose.as_str();
    let broken = |reason| KeyringError::Sealed {
        what: "secret for",
        name: name.to_owned(),
        reason,
    };
    let secret = stored
        .iter()
        .find(|secret| secret.name == name)
        .ok_or(KeyringError::NoSecret(name))?;
    let plain = master
        .open(Sealed::Secret, name, &secret.master_key, &secret.sealed)
        .map_err(broken)?;
    let bytes = <[u8; 32]>::try_from(plain.as_slice()).map_err(|_| broken(OpenError::Changed))?;
    Ok(SecretBytes::new(bytes))
}

/// New secrets for a new life.
///
/// # Errors
/// When one can't be sealed.
pub(super) fn random(
    master: &MasterKeys,
    randomness: &dyn Randomness,
) -> Result<Vec<SealedSecret>, KeyringError> {
    let new = |purpose| seal(purpose, &randomness.secret(), master, randomness);
    SecretPurpose::ALL.iter().copied().map(new).collect()
}

/// The secrets that a store of an older release lacks: what that release derived from the master
/// key that its keys are sealed under.
///
/// # Errors
/// When one can't be sealed, or the key that signs isn't there.
pub(super) fn missing(
    stored: &StoredKeys,
    master: &MasterKeys,
    randomness: &dyn Randomness,
) -> Result<Vec<SealedSecret>, KeyringError> {
    let active = stored.active().ok_or(KeyringError::NoActiveKey)?;
    let derived_from = master.named(&active.master_key).unwrap_or(master.current());
    let is_there = |purpose: &SecretPurpose| {
        let mut names = stored.secrets.iter().map(|secret| secret.name.as_str());
        names.any(|name| name == purpose.as_str())
    };
    let derived = |purpose: SecretPurpose| {
        let secret = derived_from.derive(purpose.as_str());
        seal(purpose, &secret, master, randomness)
    };
    let purposes = SecretPurpose::ALL.iter().copied();
    purposes
        .filter(|purpose| !is_there(purpose))
        .map(derived)
        .collect()
}

fn seal(
    purpose: SecretPurpose,
    secret: &SecretBytes<32>,
    master: &MasterKeys,
    randomness: &dyn Randomness,
) -> Result<SealedSecret, KeyringError> {
    let name = purpose.as_str();
    let sealed = master
        .seal(Sealed::Secret, name, secret.expose(), randomness)
        .ok_or(KeyringError::Generation)?;
    Ok(SealedSecret {
        name: name.to_owned(),
        sealed,
        master_key: master.current().id().to_owned(),
    })
}
