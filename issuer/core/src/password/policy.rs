//! What a new password must be: long enough, and not what everyone would try first. No rules of
//! composition. The whole password is held against lists ([`super::known`]), never a part of it.

use std::sync::Arc;

use super::known::KnownPasswords;
use super::{LONGEST, Password};
use crate::email::EmailAddress;

/// The rules for new passwords.
#[derive(Clone, Debug)]
pub struct PasswordPolicy {
    /// The fewest characters: code points after NFC.
    pub minimum: usize,
    /// A list of passwords that are refused, beside the built-in one.
    pub list: Option<Arc<KnownPasswords>>,
}

impl Default for PasswordPolicy {
    fn default() -> Self {
        Self {
            minimum: 12,
            list: None,
        }
    }
}

/// What is wrong with a new password. The text says what to do.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum PasswordFault {
    /// Too few characters.
    #[error("use at least {minimum} characters; a few words in a row are easy to remember")]
    TooShort {
        /// The fewest there must be.
        minimum: usize,
    },
    /// Too many characters.
    #[error("use at most {LONGEST} characters")]
    TooLong,
    /// Too many bytes for the algorithm new hashes are made with.
    #[error("use at most {bytes} bytes; letters outside of ASCII take two to four")]
    TooManyBytes {
        /// The most there may be.
        bytes: usize,
    },
    /// A NUL in it, which no keyboard types and some systems read as the end.
    #[error("leave out the NUL character, which no keyboard types")]
    Nul,
    /// On a list of common or breached passwords, or one character over and over.
    #[error(
        "this password is common or was leaked, so it is among the first that are tried; choose \
         another one"
    )]
    Common,
    /// The account's own address, or the part of it before or behind the `@`. What its owner is
    /// called isn't looked at: they may call themselves what they like, and change it.
    #[error("don't use your own address, or a part of it, as the password")]
    OwnAddress,
    /// The name of the product or of its site.
    #[error("don't use the name of this service as the password")]
    ProductName,
}

impl PasswordFault {
    /// The code in the API's list of faults.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooShort { .. } => "too_short",
            Self::TooLong => "too_long",
            Self::TooManyBytes { .. } => "too_many_bytes",
            Self::Nul => "nul",
            Self::Common => "common",
            Self::OwnAddress => "own_address",
            Self::ProductName => "product_name",
        }
    }
}

impl PasswordPolicy {
    /// Holds a new password of the account with `email` against the rules. `service` are names
    /// of the product and its site.
    ///
    /// # Errors
    /// The first rule that it breaks.
    pub fn check(
        &self,
        password: &Password,
        email: &EmailAddress,
        service: &[&str],
    ) -> Result<(), PasswordFault> {
        let text = password.expose();
        if text.chars().count() < self.minimum {
            return Err(PasswordFault::TooShort {
                minimum: self.minimum,
            });
        }
        if text.contains('\0') {
            return Err(PasswordFault::Nul);
        }
        let lower = zeroize::Zeroizing::new(text.to_lowercase());
        let is = |other: &str| !other.is_empty() && repeats(&lower, &other.to_lowercase());
        let canonical = email.canonical();
        let (local, domain) = canonical.rsplit_once('@').unwrap_or((canonical, ""));
        let original = email.original().to_lowercase();
        if [canonical, &original, local, domain].into_iter().any(is) {
            return Err(PasswordFault::OwnAddress);
        }
        if service.iter().copied().any(is) {
            return Err(PasswordFault::ProductName);
        }
        if self.is_known(text) || is_one_character(&lower) {
            return Err(PasswordFault::Common);
        }
        Ok(())
    }

    fn is_known(&self, text: &str) -> bool {
        let more = self.list.as_ref();
        KnownPasswords::built_in().contains(text) || more.is_some_and(|list| list.contains(text))
    }
}

/// Whether `text` is `word`, once or several times in a row, with digits behind it or not.
fn repeats(text: &str, word: &str) -> bool {
    let mut rest = text;
    let mut times = 0u32;
    while let Some(shorter) = rest.strip_prefix(word) {
        rest = shorter;
        times = times.saturating_add(1);
    }
    times > 0 && rest.chars().all(|c| c.is_ascii_digit())
}

fn is_one_character(lower: &str) -> bool {
    let mut characters = lower.chars();
    let first = characters.next();
    characters.all(|c| Some(c) == first)
}

#[cfg(test)]
mod tests {
    use zeroize::Zeroizing;

    use super::*;

    fn check(minimum: usize, text: &str) -> Result<(), PasswordFault> {
        let email = EmailAddress::parse("ada.lovelace@analytical.example").unwrap();
        let password = Password::new(Zeroizing::new(text.to_owned())).unwrap();
        let policy = PasswordPolicy {
            minimum,
            ..PasswordPolicy::default()
        };
        policy.check(&password, &email, &["Signet", "auth.example.com"])
    }

    #[test]
    fn long_and_uncommon_is_enough() {
        for good in [
            "correct horse battery staple",
            "ñandú ñandú ñ",
            "            x",
            "signet is what i use",
        ] {
            assert_eq!(check(12, good), Ok(()), "{good:?}");
        }
    }

    #[test]
    fn what_everyone_tries_is_refused() {
        use PasswordFault::{Common, Nul, OwnAddress, ProductName, TooShort};
        for (bad, fault) in [
            ("short", TooShort { minimum: 8 }),
            ("correct\0horse battery", Nul),
            ("Password1", Common),
            ("QwertyUiop123", Common),
            ("QWERTYUIOP", Common),
            ("aaaaaaaaaaaaaaaa", Common),
            ("ada.lovelace@analytical.example", OwnAddress),
            ("Ada.Lovelace", OwnAddress),
            ("Ada.Lovelace2026", OwnAddress),
            ("analytical.example", OwnAddress),
            ("signetsignet", ProductName),
            ("SIGNET123456", ProductName),
            ("auth.example.com", ProductName),
        ] {
            assert_eq!(check(8, bad), Err(fault), "{bad:?}");
        }
    }

    #[test]
    fn length_counts_code_points_after_nfc() {
        let decomposed = "e\u{301}".repeat(12);
        assert_eq!(check(12, &decomposed), Err(PasswordFault::Common));
        let decomposed = format!("{}x", "e\u{301}".repeat(10));
        assert_eq!(
            check(12, &decomposed),
            Err(PasswordFault::TooShort { minimum: 12 })
        );
    }
}
