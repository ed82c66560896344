//! What went wrong with a message, as it is kept, shown and logged: one short line that anyone may
//! print, without whom the message is for and without anything in it that could be used.
//!
//! Most of it is what a mail server said, which may say anything: repeat the recipient, break
//! lines, paint the terminal it is shown on, or go on for a page.

use super::Message;
use crate::account::is_unprintable;

/// The longest reason that is kept, in characters.
const LONGEST: usize = 300;

/// A reason as it is kept.
pub(crate) fn kept(told: &str, message: &Message) -> String {
    let mut text = without(told, &message.to, "<recipient>");
    if let Some(token) = &message.token {
        text = without(&text, token, "<token>");
    }
    line(&text)
}

/// One printable line.
#[must_use]
pub fn line(text: &str) -> String {
    let printable: String = text
        .chars()
        .map(|c| if is_unprintable(c) { ' ' } else { c })
        .collect();
    let words: Vec<&str> = printable.split_whitespace().collect();
    words.join(" ").chars().take(LONGEST).collect()
}

/// A text with something else for every `part` of it, in whatever case that is.
#[must_use]
pub fn without(text: &str, part: &str, instead: &str) -> String {
    if part.is_empty() {
        return text.to_owned();
    }
    // Lower case in ASCII leaves every byte at its place.
    let (folded, part) = (text.to_ascii_lowercase(), part.to_ascii_lowercase());
    let mut kept = String::with_capacity(text.len());
    let mut end = 0;
    for (start, found) in folded.match_indices(&part) {
        kept.push_str(text.get(end..start).unwrap_or_default());
        kept.push_str(instead);
        end = start.saturating_add(found.len());
    }
    kept.push_str(text.get(end..).unwrap_or_default());
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::MailKind;

    fn message() -> Message {
        Message {
            to: "Ada@example.com".to_owned(),
            kind: MailKind::Verify,
            subject: String::new(),
            text: String::new(),
            html: String::new(),
            link: None,
            token: Some("x".repeat(43)),
        }
    }

    #[test]
    fn a_reason_is_one_short_line_without_recipient_and_token() {
        let told = format!(
            "550-5.1.1 <ADA@EXAMPLE.COM>:\r\n\u{1b}[31munknown\u{202e}\u{0} \t {} {}",
            "x".repeat(43),
            "ü".repeat(400)
        );
        let kept = kept(&told, &message());
        assert!(
            kept.starts_with("550-5.1.1 <<recipient>>: [31munknown <token> ü"),
            "{kept}"
        );
        assert_eq!(kept.chars().count(), 300);
        assert!(!kept.chars().any(is_unprintable), "{kept:?}");
    }

    #[test]
    fn what_is_taken_out_is_gone_wherever_it_stood() {
        assert_eq!(without("aAa", "a", "-"), "---");
        assert_eq!(without("ü a@b ü", "A@B", "-"), "ü - ü");
        assert_eq!(without("text", "", "-"), "text");
    }
}
