//! Device tokens: proof that somebody logged in from here before.
//!
//! A known device has a budget of guesses of its own, so that an attacker who uses up an address's
//! budget doesn't shut its owner out. The token grants nothing else. It names the account and its
//! device epoch, which rises at reset, change of password and suspension, and where an address is
//! put back.

use base64ct::{Base64UrlUnpadded, Encoding as _};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::account::{Account, AccountId};
use crate::secret::SecretBytes;

const PREFIX: &str = "sdv_";
const HEAD: usize = 1 + 16 + 16 + 8;
const LENGTH: usize = HEAD + 32;
const VERSION: u8 = 1;

/// A device that once logged in to an account.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Device {
    /// Its own random name.
    pub id: [u8; 16],
    account: AccountId,
    epoch: u64,
}

impl Device {
    /// A device that has just logged in.
    #[must_use]
    pub fn new(id: [u8; 16], account: &Account) -> Self {
        Self {
            id,
            account: account.id,
            epoch: account.device_epoch,
        }
    }

    /// Whether the account still knows the device.
    #[must_use]
    pub fn is_known_to(&self, account: &Account) -> bool {
        self.account == account.id && self.epoch == account.device_epoch
    }

    /// The token of the device. `None` only where HMAC takes no key.
    #[must_use]
    pub fn token(&self, key: &SecretBytes<32>) -> Option<Zeroizing<String>> {
        let mut token = Zeroizing::new(Vec::with_capacity(LENGTH));
        token.push(VERSION);
        token.extend_from_slice(&self.id);
        token.extend_from_slice(self.account.0.as_bytes());
        token.extend_from_slice(&self.epoch.to_be_bytes());
        let mac = mac(key, &token)?.finalize().into_bytes();
        token.extend_from_slice(&mac);
        let encoded = Zeroizing::new(Base64UrlUnpadded::encode_string(&token));
        Some(Zeroizing::new(format!("{PREFIX}{}", *encoded)))
    }

    /// The device a token names, if its MAC is good.
    #[must_use]
    pub fn check(token: &str, key: &SecretBytes<32>) -> Option<Self> {
        let mut bytes = Zeroizing::new([0; LENGTH]);
        let encoded = token.strip_prefix(PREFIX)?;
        let decoded = Base64UrlUnpadded::decode(encoded, bytes.as_mut_slice()).ok()?;
        let (head, given) = decoded.split_at_checked(HEAD)?;
        let (&version, rest) = head.split_first()?;
        let (id, rest) = rest.split_first_chunk::<16>()?;
        let (account, epoch) = rest.split_first_chunk::<16>()?;
        let epoch = epoch.first_chunk::<8>()?;
        mac(key, head)?.verify_slice(given).ok()?;
        (version == VERSION).then(|| Self {
            id: *id,
            account: AccountId(Uuid::from_bytes(*account)),
            epoch: u64::from_be_bytes(*epoch),
        })
    }
}

fn mac(key: &SecretBytes<32>, head: &[u8]) -> Option<Hmac<Sha256>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.expose()).ok()?;
    mac.update(b"signet device\0");
    mac.update(head);
    Some(mac)
}
