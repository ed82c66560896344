//! The wording of mails: a file for each language, which says all there is to say in it.
//!
//! To add a letter, add its table to every file and its field here. To add a language, add its
//! file, and what chooses it; the tests hold every file against every letter.

use serde::Deserialize;

/// A catalogue that isn't one. The catalogues are part of the program: a test reads them all.
#[derive(Debug, thiserror::Error)]
#[error("the wording of mails can't be read: {0}")]
pub struct CatalogueError(#[from] toml::de::Error);

/// What mails say in one language.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Catalogue {
    /// The language, as in BCP 47.
    pub(super) language: String,
    /// Before what is said to somebody whose `{name}` is known.
    pub(super) greeting: String,
    /// Before what is said to anybody else.
    pub(super) greeting_without_name: String,
    /// Before the token, for whoever opens `{page}` without the link.
    pub(super) code: String,
    pub(super) verify: Wording,
    pub(super) address_taken: Wording,
    pub(super) reset: Wording,
    pub(super) address_change: Wording,
    pub(super) change_to_taken: Wording,
    pub(super) address_change_notice: Wording,
    pub(super) address_put_back_notice: Wording,
    pub(super) reset_notice: Wording,
    pub(super) password_changed_notice: Wording,
    pub(super) erased_notice: Wording,
    pub(super) replay_notice: Wording,
    pub(super) invite: Wording,
}

/// What one letter says.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wording {
    pub(super) subject: String,
    pub(super) paragraphs: Vec<String>,
    /// What the link is called, in a letter that has one.
    pub(super) action: Option<String>,
}

impl Catalogue {
    /// What mails say in English.
    pub(super) fn english() -> Result<Self, CatalogueError> {
        Ok(toml::from_str(include_str!("catalogue/en.toml"))?)
    }
}

/// A text with the words in braces replaced by what `values` has for them. What is put in is never
/// read for braces again, and a word that has no value stays as it is.
pub(super) fn fill(text: &str, values: &[(&str, &str)]) -> String {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, opened)) = rest.split_once('{') {
        filled.push_str(before);
        let value = opened.split_once('}').and_then(|(word, after)| {
            let value = values.iter().find(|(name, _)| *name == word)?;
            Some((value.1, after))
        });
        match value {
            Some((value, after)) => {
                filled.push_str(value);
                rest = after;
            }
            None => {
                filled.push('{');
                rest = opened;
            }
        }
    }
    filled.push_str(rest);
    filled
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_replaced_once() {
        let values = [("name", "{product}"), ("product", "Signet")];
        assert_eq!(
            fill("{name} of {product}, {other} {", &values),
            "{product} of Signet, {other} {"
        );
    }
}
