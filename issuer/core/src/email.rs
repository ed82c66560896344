//! Mail addresses: one canonical form that accounts are unique on, and the original for display.
//!
//! The canonical form is the local part in lower case and the domain by IDNA (UTS 46, with STD3
//! rules), so that every spelling a mailbox owner may type finds the same account. Local parts are
//! ASCII without quotes: two visually equal addresses can't be two accounts.

use std::fmt;

use unicode_normalization::UnicodeNormalization as _;

/// A mail address that a message can be sent to.
#[derive(Clone, Eq, Hash, PartialEq)]
pub struct EmailAddress {
    canonical: String,
    original: String,
}

/// Why a text is no mail address.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum EmailAddressError {
    /// Longer than RFC 5321 allows: 64 bytes before the `@`, 254 in all.
    #[error("is longer than 254 characters, or has more than 64 before the @")]
    TooLong,
    /// No single `@` with something on both sides.
    #[error("must look like name@example.com")]
    NoAtSign,
    /// A character before the `@` that isn't a letter, a digit or one of `.!#$%&'*+/=?^_{|}~-`, or
    /// a dot at a wrong place.
    #[error("has a character before the @ that is not supported")]
    LocalPart,
    /// Not a domain name with at least two labels.
    #[error("has no valid domain after the @")]
    Domain,
}

impl EmailAddress {
    /// Reads an address as a person typed it.
    ///
    /// # Errors
    /// Says which part is at fault.
    pub fn parse(text: &str) -> Result<Self, EmailAddressError> {
        if text.len() > 254 {
            return Err(EmailAddressError::TooLong);
        }
        let (local, domain) = text.rsplit_once('@').ok_or(EmailAddressError::NoAtSign)?;
        if local.is_empty() || domain.is_empty() {
            return Err(EmailAddressError::NoAtSign);
        }
        if local.len() > 64 {
            return Err(EmailAddressError::TooLong);
        }
        if !is_dot_atom(local) {
            return Err(EmailAddressError::LocalPart);
        }
        let ascii_domain = canonical_domain(domain).ok_or(EmailAddressError::Domain)?;
        let canonical = format!("{}@{ascii_domain}", local.to_ascii_lowercase());
        if canonical.len() > 254 {
            return Err(EmailAddressError::TooLong);
        }
        Ok(Self {
            canonical,
            original: format!("{local}@{}", domain.nfc().collect::<String>()),
        })
    }

    /// Puts together what a store kept of an address that [`EmailAddress::parse`] once accepted.
    #[must_use]
    pub fn from_stored(canonical: String, original: String) -> Self {
        Self {
            canonical,
            original,
        }
    }

    /// The form that identifies the account: ASCII, lower case.
    #[must_use]
    pub fn canonical(&self) -> &str {
        &self.canonical
    }

    /// The form its owner typed, in NFC.
    #[must_use]
    pub fn original(&self) -> &str {
        &self.original
    }

    /// What a mail server understands without SMTPUTF8: the local part as typed, the domain in ASCII.
    #[must_use]
    pub fn mailbox(&self) -> String {
        let local = self
            .original
            .rsplit_once('@')
            .map_or("", |(local, _)| local);
        let domain = self
            .canonical
            .rsplit_once('@')
            .map_or("", |(_, domain)| domain);
        format!("{local}@{domain}")
    }
}

impl fmt::Debug for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EmailAddress")
    }
}

/// RFC 5321's `Dot-string`.
fn is_dot_atom(local: &str) -> bool {
    local.split('.').all(|atom| {
        !atom.is_empty()
            && atom
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+/=?^_`{|}~-".contains(&b))
    })
}

fn canonical_domain(domain: &str) -> Option<String> {
    let ascii = idna::domain_to_ascii_strict(domain).ok()?;
    let labels = ascii.split('.').count();
    let last_is_alphabetic = ascii
        .rsplit('.')
        .next()
        .is_some_and(|label| label.bytes().any(|b| b.is_ascii_alphabetic()));
    let labels_are_filled = ascii.split('.').all(|label| !label.is_empty());
    (labels >= 2 && labels_are_filled && last_is_alphabetic).then_some(ascii)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canonical(text: &str) -> Result<String, EmailAddressError> {
        EmailAddress::parse(text).map(|address| address.canonical().to_owned())
    }

    #[test]
    fn case_and_unicode_domains_meet_in_one_canonical_form() {
        assert_eq!(canonical("Ada@Example.COM").unwrap(), "ada@example.com");
        assert_eq!(
            canonical("ada@bücher.example").unwrap(),
            "ada@xn--bcher-kva.example"
        );
        assert_eq!(
            canonical("ada@BU\u{308}CHER.example").unwrap(),
            canonical("ada@bücher.example").unwrap()
        );
    }

    #[test]
    fn a_mail_server_gets_the_local_part_as_typed() {
        let address = EmailAddress::parse("Ada.L@Bücher.example").unwrap();
        assert_eq!(address.mailbox(), "Ada.L@xn--bcher-kva.example");
        assert_eq!(address.original(), "Ada.L@Bücher.example");
    }

    #[test]
    fn what_is_no_mailbox_is_refused() {
        use EmailAddressError::{Domain, LocalPart, NoAtSign, TooLong};
        let long_local = format!("{}@example.com", "a".repeat(65));
        let long = format!("a@{}.example", "b".repeat(250));
        for (text, error) in [
            ("", NoAtSign),
            ("ada", NoAtSign),
            ("@example.com", NoAtSign),
            ("ada@", NoAtSign),
            ("a@b@example.com", LocalPart),
            ("\"a b\"@example.com", LocalPart),
            ("a b@example.com", LocalPart),
            (".ada@example.com", LocalPart),
            ("ada..l@example.com", LocalPart),
            ("\u{212A}elvin@example.com", LocalPart),
            ("ada\u{FF20}example.com", NoAtSign),
            ("ada\r\nbcc:x@example.com", LocalPart),
            ("ada\0@example.com", LocalPart),
            ("ada@localhost", Domain),
            ("ada@example.com.", Domain),
            ("ada@127.0.0.1", Domain),
            ("ada@[127.0.0.1]", Domain),
            ("ada@exa mple.com", Domain),
            ("ada@-example.com", Domain),
            ("ada@xn--example-.org", Domain),
            (long_local.as_str(), TooLong),
            (long.as_str(), TooLong),
        ] {
            assert_eq!(canonical(text), Err(error), "{text:?}");
        }
    }

    /// A cell between backticks, with its escapes read; spaces at its ends are part of it.
    fn cell(text: &str) -> String {
        let text = text.trim().trim_matches('`');
        let mut parts = text.split('\\');
        let mut read = parts.next().unwrap().to_owned();
        for part in parts {
            let (character, rest) = match part.split_at(1) {
                ("u", rest) => {
                    let rest = rest.strip_prefix('{').unwrap();
                    let (code, rest) = rest.split_once('}').unwrap();
                    let code = u32::from_str_radix(code, 16).unwrap();
                    (char::from_u32(code).unwrap(), rest)
                }
                ("r", rest) => ('\r', rest),
                ("n", rest) => ('\n', rest),
                ("t", rest) => ('\t', rest),
                ("0", rest) => ('\0', rest),
                (other, _) => panic!("{other}"),
            };
            read.push(character);
            read.push_str(rest);
        }
        read
    }

    #[test]
    fn the_table_in_the_documentation_holds() {
        let page = include_str!("../../../docs/ADDRESSES.md");
        let (_, table) = page.split_once("|---|---|---|\n").unwrap();
        let mut rows = 0;
        for row in table.lines() {
            let cells: Vec<&str> = row.split('|').collect();
            let [_, typed, expected, _, _] = cells[..] else {
                panic!("{row}");
            };
            let expected = match expected.trim() {
                "refused" => None,
                expected => Some(cell(expected)),
            };
            assert_eq!(canonical(&cell(typed)).ok(), expected, "{row}");
            if let Some(expected) = expected {
                assert_eq!(
                    canonical(&expected),
                    Ok(expected),
                    "one canonical form: {row}"
                );
            }
            rows += 1;
        }
        assert!(rows > 50, "{rows}");
    }

    #[test]
    fn an_address_does_not_reach_a_log_by_debug() {
        let address = EmailAddress::parse("ada@example.com").unwrap();
        assert_eq!(format!("{address:?}"), "EmailAddress");
    }
}
