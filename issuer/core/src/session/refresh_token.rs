//! Refresh tokens, derived rather than stored: `srt_` and base64url of
//! `version ‖ MAC key id ‖ family ‖ generation ‖ HMAC-SHA-256`.
//!
//! The MAC also covers the store's incarnation, so a token of a store that was since set back is a
//! forgery to its successor. A token without a good MAC never reaches the store.

use std::fmt;

use base64ct::{Base64UrlUnpadded, Encoding as _};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::FamilyId;
use crate::secret::SecretBytes;
use crate::time::UnixTime;

const PREFIX: &str = "srt_";
const VERSION: u8 = 1;
/// Everything before the MAC: version, key id, family, generation.
const HEAD: usize = 1 + 4 + 16 + 4;
const LENGTH: usize = HEAD + 32;

/// A key that refresh tokens are derived with.
#[derive(Clone, Debug)]
pub struct MacKey {
    /// Its number in the store.
    pub id: u32,
    /// From when on it derives. Every process has to know it before one uses it.
    pub signs_from: UnixTime,
    /// The key itself.
    pub secret: SecretBytes<32>,
}

/// The MAC keys of one incarnation of the store: the newest whose time has come derives, all of
/// them check.
#[derive(Clone, Debug)]
pub struct MacKeys {
    incarnation: [u8; 16],
    keys: Vec<MacKey>,
}

/// What a refresh token with a good MAC says.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Presented {
    /// Whose family it claims to head.
    pub family: FamilyId,
    /// The generation it was issued as.
    pub generation: u32,
}

impl MacKeys {
    /// `keys` newest first.
    #[must_use]
    pub fn new(incarnation: [u8; 16], keys: Vec<MacKey>) -> Self {
        Self { incarnation, keys }
    }

    /// The key of this number.
    #[must_use]
    pub fn find(&self, id: u32) -> Option<&MacKey> {
        self.keys.iter().find(|key| key.id == id)
    }

    /// The token of one generation; the same text every time, as long as no other key's time comes.
    /// `None` without a key.
    #[must_use]
    pub fn derive(
        &self,
        family: &FamilyId,
        generation: u32,
        now: UnixTime,
    ) -> Option<Zeroizing<String>> {
        // Where a clock is behind all of them, the oldest: everybody knows it.
        let mut keys = self.keys.iter();
        let key = keys
            .find(|key| key.signs_from <= now)
            .or(self.keys.last())?;
        let mut token = Zeroizing::new(Vec::with_capacity(LENGTH));
        token.push(VERSION);
        token.extend_from_slice(&key.id.to_be_bytes());
        token.extend_from_slice(family.as_bytes());
        token.extend_from_slice(&generation.to_be_bytes());
        let mac = self.mac(key, &token)?.finalize().into_bytes();
        token.extend_from_slice(&mac);
        let encoded = Zeroizing::new(Base64UrlUnpadded::encode_string(&token));
        Some(Zeroizing::new(format!("{PREFIX}{}", *encoded)))
    }

    /// What the token says, if one of the keys made it.
    #[must_use]
    pub fn check(&self, token: &str) -> Option<Presented> {
        let encoded = token.strip_prefix(PREFIX)?;
        let mut bytes = Zeroizing::new([0; LENGTH]);
        let decoded = Base64UrlUnpadded::decode(encoded, bytes.as_mut_slice()).ok()?;
        let (head, mac) = decoded.split_at_checked(HEAD)?;
        let (&version, rest) = head.split_first()?;
        let (key_id, rest) = rest.split_first_chunk::<4>()?;
        let (family, generation) = rest.split_first_chunk::<16>()?;
        let generation = generation.first_chunk::<4>()?;
        if version != VERSION {
            return None;
        }
        let key_id = u32::from_be_bytes(*key_id);
        let key = self.find(key_id)?;
        self.mac(key, head)?.verify_slice(mac).ok()?;
        Some(Presented {
            family: FamilyId::new(*family),
            generation: u32::from_be_bytes(*generation),
        })
    }

    fn mac(&self, key: &MacKey, head: &[u8]) -> Option<Hmac<Sha256>> {
        let mut mac = Hmac::<Sha256>::new_from_slice(key.secret.expose()).ok()?;
        mac.update(b"signet refresh token\0");
        mac.update(&self.incarnation);
        mac.update(head);
        Some(mac)
    }
}

/// A refresh token as a client sent it: unchecked, and secret all the same.
#[derive(Clone)]
pub struct UntrustedRefreshToken(Zeroizing<String>);

impl UntrustedRefreshToken {
    /// Takes whatever was sent.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The only way out: what the token says, if its MAC is good.
    #[must_use]
    pub fn check(&self, keys: &MacKeys) -> Option<Presented> {
        keys.check(&self.0)
    }
}

impl fmt::Debug for UntrustedRefreshToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UntrustedRefreshToken")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixTime = UnixTime::from_secs(1_000);

    fn keys(incarnation: u8, ids: &[u32]) -> MacKeys {
        let keys = ids
            .iter()
            .map(|&id| MacKey {
                id,
                signs_from: UnixTime::from_secs(u64::from(id)),
                secret: SecretBytes::new([u8::try_from(id).unwrap(); 32]),
            })
            .collect();
        MacKeys::new([incarnation; 16], keys)
    }

    #[test]
    fn a_derived_token_says_what_it_was_derived_from() {
        let family = FamilyId::new([9; 16]);
        let token = keys(1, &[3]).derive(&family, 41, NOW).unwrap();
        assert_eq!(token.len(), 80);
        assert_eq!(keys(1, &[3]).derive(&family, 41, NOW).unwrap(), token);
        let presented = keys(1, &[5, 3]).check(&token).unwrap();
        assert_eq!(
            presented,
            Presented {
                family,
                generation: 41
            }
        );
    }

    #[test]
    fn another_key_or_incarnation_makes_it_a_forgery() {
        let token = keys(1, &[3])
            .derive(&FamilyId::new([9; 16]), 41, NOW)
            .unwrap();
        assert_eq!(keys(1, &[4]).check(&token), None);
        assert_eq!(keys(2, &[3]).check(&token), None);
    }

    #[test]
    fn a_key_derives_when_its_time_has_come_and_checks_always() {
        let family = FamilyId::new([9; 16]);
        let both = keys(1, &[200, 100]);
        let made_at = |now| both.derive(&family, 41, UnixTime::from_secs(now)).unwrap();
        for (now, id) in [(0, 100), (100, 100), (199, 100), (200, 200), (9_999, 200)] {
            let token = made_at(now);
            assert!(keys(1, &[id]).check(&token).is_some(), "{now}");
            assert!(both.check(&token).is_some(), "{now}");
        }
    }

    #[test]
    fn every_flipped_cut_or_added_byte_makes_it_a_forgery() {
        let keys = keys(1, &[3]);
        let token = keys.derive(&FamilyId::new([9; 16]), 41, NOW).unwrap();
        for position in 0..token.len() {
            assert_eq!(keys.check(token.get(..position).unwrap()), None);
            for replacement in "A_-09z=. \n".chars() {
                let mut other: Vec<char> = token.chars().collect();
                if other[position] == replacement {
                    continue;
                }
                other[position] = replacement;
                let other: String = other.into_iter().collect();
                assert_eq!(keys.check(&other), None, "{other}");
            }
        }
        for longer in [format!("{}A", *token), format!("{}AAAA", *token)] {
            assert_eq!(keys.check(&longer), None);
        }
    }
}
