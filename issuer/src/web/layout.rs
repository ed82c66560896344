//! What all pages share: head, frame, style sheet, and the policy that lets them load nothing but
//! their own two files.

use bytes::Bytes;
use maud::{DOCTYPE, Markup, html};

use crate::http::answer::Page;

/// Where the style sheet is.
pub(super) const STYLE: &str = "/pages/style.css";
/// Where the script is.
pub(super) const SCRIPT: &str = "/pages/token.js";

/// Own style and script, forms to ourselves, nothing else from anywhere.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
                      form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// Lays out a page.
pub(super) fn page(title: &str, content: &Markup) -> Page {
    let document = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " · Signet" }
                link rel="stylesheet" href=(STYLE);
                script src=(SCRIPT) defer {}
            }
            body {
                header { p.brand { span.seal aria-hidden="true" {} "Signet" } }
                main { (content) }
            }
        }
    };
    Page {
        html: Bytes::from(document.into_string()),
        policy: POLICY,
    }
}

/// A number of seconds in words.
pub(super) fn duration(seconds: u32) -> String {
    let (count, unit) = match seconds {
        0..=119 => (seconds, "second"),
        120..=7_199 => (seconds.div_ceil(60), "minute"),
        _ => (seconds.div_ceil(3_600), "hour"),
    };
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {unit}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_is_text_wherever_it_stands() {
        for hostile in [
            "<script>alert(1)</script>",
            "\"><img src=x onerror=alert(1)>",
            "\" autofocus onfocus=alert(1) x=\"",
            "</title><svg/onload=alert(1)>",
            "&lt;b&gt;",
        ] {
            let page = page(hostile, &html! { p title=(hostile) { (hostile) } });
            let text = String::from_utf8(page.html.to_vec()).unwrap();
            assert!(!text.contains(hostile), "{hostile} in {text}");
            let scripts = text.matches("<script").count();
            assert_eq!(scripts, 1, "more than our own of {hostile} in {text}");
        }
    }

    #[test]
    fn waits_are_told_in_whole_units() {
        let told = [1, 60, 119, 120, 121, 7_200].map(duration);
        let words = [
            "1 second",
            "60 seconds",
            "119 seconds",
            "2 minutes",
            "3 minutes",
            "2 hours",
        ];
        assert_eq!(told, words);
    }
}
