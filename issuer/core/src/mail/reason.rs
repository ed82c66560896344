//! What went wrong with a message, as it is kept, shown and logged: one short line that anyone may
//! print, without whom the message is for and without anything in it that could be used.
//!
//! Most of it is what a mail server said, which may say anything: repeat the recipient, break
//! lines, paint the terminal it is shown on, or go on for a page.

use super::Message;
use crate::account::is_unprintable;

/// The longest reason that is kept, in characters.
const LONGEST: usize = 300;
/// The shortest piece of a token that is taken out, in characters. With less of it nobody can guess
/// the rest.
const SHORTEST_PIECE: usize = 8;

/// A reason as it is kept.
pub(crate) fn kept(told: &str, message: &Message) -> String {
    let mut text = without(told, &message.to, "<recipient>");
    if let Some(token) = &message.token {
        text = without_token(&text, token);
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

/// A text without any piece of a token, in whatever case that is. A mail server may quote the line
/// of a message that the token stands in, which was broken in two for its way, or as much of it as
/// there was room for.
#[must_use]
pub fn without_token(text: &str, token: &str) -> String {
    // Lower case in ASCII leaves every byte at its place.
    let (folded, token) = (text.to_ascii_lowercase(), token.to_ascii_lowercase());
    let mut kept = String::with_capacity(text.len());
    let mut at = 0_usize;
    while let Some(next) = text.get(at..).and_then(|rest| rest.chars().next()) {
        let length = folded.get(at..).map_or(0, |rest| piece(rest, &token));
        if length == 0 {
            kept.push(next);
            at = at.saturating_add(next.len_utf8());
        } else {
            kept.push_str("<token>");
            at = at.saturating_add(length);
        }
    }
    kept
}

/// How much of the beginning of a text is a piece of a token, in bytes.
fn piece(text: &str, token: &str) -> usize {
    let is_piece = |length: &usize| {
        let beginning = text.get(..*length);
        beginning.is_some_and(|beginning| token.contains(beginning))
    };
    let lengths = (SHORTEST_PIECE..=token.len()).take_while(is_piece);
    lengths.last().unwrap_or(0)
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

    #[test]
    fn no_piece_of_a_token_is_told_however_it_is_quoted() {
        let token = "q8Vw3nJ0sYl5TzK1bXc7RdEf2GhU4iOm6Pa9-_NtQyk";
        let (first, second) = token.split_at(20);
        let nearly_all = token.trim_end_matches("Qyk");
        for (told, kept) in [
            (format!("#token={token}, ü"), "#token=<token>, ü"),
            (
                format!("#token=3D{first}=\r\n{second} is bad"),
                "#token=3D<token>=\r\n<token> is bad",
            ),
            (format!("#token={nearly_all}…"), "#token=<token>…"),
            (token.to_ascii_uppercase(), "<token>"),
            ("q8Vw3nJ is no use".to_owned(), "q8Vw3nJ is no use"),
        ] {
            assert_eq!(without_token(&told, token), kept, "{told}");
        }
        assert_eq!(without_token("text", ""), "text");
    }
}
