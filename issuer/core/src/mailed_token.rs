//! Tokens that travel by mail: 256 random bits, kept only as a hash, good for one use.
//!
//! The hash covers the purpose, so a token of one kind is unknown to every other kind. To add a
//! purpose, add a variant with its name and lifetime; the stores need no change.

use std::fmt;

use base64ct::{Base64UrlUnpadded, Encoding as _};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::secret::{Randomness, SecretBytes};
use crate::time::UnixTime;

/// What a mailed token allows.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Purpose {
    /// Proves the mailbox of a registration.
    Verify,
    /// Sets a new password.
    Reset,
    /// Gives an account the address it came to.
    EmailChange,
    /// Gives an account back the address it came to.
    EmailUndo,
    /// Gives the owner of an invited account a password.
    Invite,
    /// Creates the first admin; shown on the terminal instead of mailed.
    Setup,
}

impl Purpose {
    /// The name in the store and in the hash.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Verify => "verify",
            Self::Reset => "reset",
            Self::EmailChange => "email_change",
            Self::EmailUndo => "email_undo",
            Self::Invite => "invite",
            Self::Setup => "setup",
        }
    }

    /// How long a token of this purpose is good, in seconds.
    #[must_use]
    pub fn lifetime(self) -> u64 {
        match self {
            Self::Verify => 24 * 3600,
            Self::Reset | Self::EmailChange | Self::Setup => 3600,
            Self::EmailUndo => 72 * 3600,
            Self::Invite => 7 * 24 * 3600,
        }
    }
}

/// A token as its holder sees it.
#[derive(Clone, Eq, PartialEq)]
pub struct MailedToken(SecretBytes<32>);

/// What a store keeps of a [`MailedToken`].
#[derive(Clone, Copy, Eq, Hash, PartialEq)]
pub struct MailedTokenHash([u8; 32]);

impl MailedToken {
    /// A new token.
    #[must_use]
    pub fn generate(randomness: &dyn Randomness) -> Self {
        Self(randomness.secret())
    }

    /// Reads the one spelling of a token; `None` for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut bytes = Zeroizing::new([0; 32]);
        let decoded = Base64UrlUnpadded::decode(text, bytes.as_mut_slice()).ok()?;
        (decoded.len() == 32).then(|| Self(SecretBytes::new(*bytes)))
    }

    /// The 43 characters that go into the mail.
    #[must_use]
    pub fn reveal(&self) -> Zeroizing<String> {
        Zeroizing::new(Base64UrlUnpadded::encode_string(self.0.expose()))
    }

    /// What the store keeps.
    #[must_use]
    pub fn hash(&self, purpose: Purpose) -> MailedTokenHash {
        let digest = Sha256::new()
            .chain_update(b"signet mailed token\0")
            .chain_update(purpose.as_str())
            .chain_update(b"\0")
            .chain_update(self.0.expose())
            .finalize();
        MailedTokenHash(digest.into())
    }
}

impl fmt::Debug for MailedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MailedToken")
    }
}

impl MailedTokenHash {
    /// The 32 bytes a store keeps.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for MailedTokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MailedTokenHash")
    }
}

/// A token on its way into the store, beside the mail that carries it.
#[derive(Clone, Debug)]
pub struct NewMailedToken {
    /// What it allows.
    pub purpose: Purpose,
    /// What the store keeps of it.
    pub hash: MailedTokenHash,
    /// The first second at which it is no longer good.
    pub expires_at: UnixTime,
}

impl NewMailedToken {
    /// Makes a token and what the store keeps of it.
    #[must_use]
    pub fn issue(
        purpose: Purpose,
        now: UnixTime,
        randomness: &dyn Randomness,
    ) -> (MailedToken, Self) {
        let token = MailedToken::generate(randomness);
        let kept = Self {
            purpose,
            hash: token.hash(purpose),
            expires_at: now.saturating_add(purpose.lifetime()),
        };
        (token, kept)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::OperatingSystem;

    #[test]
    fn a_token_has_one_spelling() {
        let token = MailedToken::generate(&OperatingSystem);
        let text = token.reveal();
        assert_eq!(MailedToken::parse(&text), Some(token));
        assert_eq!(text.len(), 43);
        let shorter: String = text.chars().take(42).collect();
        for wrong in [format!("{}=", *text), format!("{} ", *text), shorter] {
            assert_eq!(MailedToken::parse(&wrong), None, "{wrong}");
        }
    }

    #[test]
    fn one_purpose_does_not_know_the_others_tokens() {
        let token = MailedToken::generate(&OperatingSystem);
        assert_ne!(token.hash(Purpose::Verify), token.hash(Purpose::Reset));
    }
}
