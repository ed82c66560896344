//! The head of a request as a proxy describes it: the method and the target in two headers, and the
//! request's own headers beside them.
//!
//! Traefik and Caddy write `X-Forwarded-Method` and `X-Forwarded-Uri`, nginx `X-Original-Method` and
//! `X-Original-URI`. A proxy writes one pair; the other one may have come from the client, so two
//! pairs that differ are no description, and neither is half a pair or one with a header twice.

use http::{HeaderMap, HeaderName};
use signet_verifier::RequestHead;

use crate::http::problem::{Code, Problem};

const X_FORWARDED_METHOD: HeaderName = HeaderName::from_static("x-forwarded-method");
const X_FORWARDED_URI: HeaderName = HeaderName::from_static("x-forwarded-uri");
const X_ORIGINAL_METHOD: HeaderName = HeaderName::from_static("x-original-method");
const X_ORIGINAL_URI: HeaderName = HeaderName::from_static("x-original-uri");

const CARRIERS: [HeaderName; 4] = [
    X_FORWARDED_METHOD,
    X_FORWARDED_URI,
    X_ORIGINAL_METHOD,
    X_ORIGINAL_URI,
];

/// A request that a proxy asks about.
#[derive(Debug)]
pub(super) struct Forwarded<'a> {
    line: Line<'a>,
    headers: Vec<(&'a [u8], &'a [u8])>,
}

/// Its method and target.
#[derive(Debug, Eq, PartialEq)]
struct Line<'a> {
    method: &'a [u8],
    target: &'a [u8],
}

/// What is wrong with a description.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub(super) enum Unclear {
    /// Neither pair is there.
    #[error(
        "The proxy must say what it was asked for: X-Forwarded-Method and X-Forwarded-Uri, or \
         X-Original-Method and X-Original-URI."
    )]
    Missing,
    /// A pair lacks one of its headers, or has one twice.
    #[error(
        "The method and the target must each be forwarded once, and by the same kind of header."
    )]
    Broken,
    /// Both pairs are there, and say different things.
    #[error("X-Forwarded-… and X-Original-… say different things; the proxy must remove one kind.")]
    Contradictory,
}

impl From<Unclear> for Problem {
    fn from(unclear: Unclear) -> Self {
        Self::from(Code::InvalidRequest).because(unclear.to_string())
    }
}

impl<'a> Forwarded<'a> {
    /// Reads the description.
    pub(super) fn read(headers: &'a HeaderMap) -> Result<Self, Unclear> {
        let forwarded = pair(headers, &X_FORWARDED_METHOD, &X_FORWARDED_URI)?;
        let original = pair(headers, &X_ORIGINAL_METHOD, &X_ORIGINAL_URI)?;
        let line = match (forwarded, original) {
            (Some(line), None) | (None, Some(line)) => line,
            (Some(one), Some(other)) if one == other => one,
            (Some(_), Some(_)) => return Err(Unclear::Contradictory),
            (None, None) => return Err(Unclear::Missing),
        };
        let headers = headers.iter();
        let own = headers.filter(|(name, _)| !CARRIERS.contains(name));
        Ok(Self {
            line,
            headers: own
                .map(|(name, value)| (name.as_str().as_bytes(), value.as_bytes()))
                .collect(),
        })
    }

    /// What there is to decide about.
    pub(super) fn head(&self) -> RequestHead<'_> {
        RequestHead {
            method: self.line.method,
            target: self.line.target,
            headers: &self.headers,
        }
    }
}

fn pair<'a>(
    headers: &'a HeaderMap,
    method: &HeaderName,
    target: &HeaderName,
) -> Result<Option<Line<'a>>, Unclear> {
    match (once(headers, method)?, once(headers, target)?) {
        (None, None) => Ok(None),
        (Some(method), Some(target)) => Ok(Some(Line { method, target })),
        (Some(_), None) | (None, Some(_)) => Err(Unclear::Broken),
    }
}

fn once<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a [u8]>, Unclear> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (value, None) => Ok(value.map(|value| value.as_bytes())),
        (_, Some(_)) => Err(Unclear::Broken),
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn read(lines: &[(&'static str, &str)]) -> Result<(String, String, usize), Unclear> {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        let forwarded = Forwarded::read(&headers)?;
        let head = forwarded.head();
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        Ok((text(head.method), text(head.target), head.headers.len()))
    }

    #[test]
    fn either_pair_describes_a_request_and_both_if_they_agree() {
        let described = Ok(("POST".to_owned(), "/a%2Fb?c".to_owned(), 1));
        let forwarded = [
            ("x-forwarded-method", "POST"),
            ("x-forwarded-uri", "/a%2Fb?c"),
        ];
        let original = [
            ("x-original-method", "POST"),
            ("x-original-uri", "/a%2Fb?c"),
        ];
        let own = [("accept", "*/*")];
        assert_eq!(read(&[&forwarded[..], &own].concat()), described);
        assert_eq!(read(&[&own[..], &original].concat()), described);
        assert_eq!(read(&[&forwarded[..], &original, &own].concat()), described);
    }

    #[test]
    fn what_the_client_may_have_added_makes_it_unclear() {
        let [method, target] = [("x-forwarded-method", "GET"), ("x-forwarded-uri", "/a")];
        let [other_method, other_target] = [("x-original-method", "GET"), ("x-original-uri", "/a")];
        for (lines, unclear) in [
            (&[][..], Unclear::Missing),
            (&[("x-original-url", "/a")], Unclear::Missing),
            (&[method], Unclear::Broken),
            (&[target], Unclear::Broken),
            (&[method, other_target], Unclear::Broken),
            (&[other_method, other_target, target], Unclear::Broken),
            (&[method, target, target], Unclear::Broken),
            (&[method, method, target], Unclear::Broken),
            (&[method, target, ("x-forwarded-uri", "")], Unclear::Broken),
            (
                &[method, target, other_method, ("x-original-uri", "/b")],
                Unclear::Contradictory,
            ),
            (
                &[method, target, ("x-original-method", "get"), other_target],
                Unclear::Contradictory,
            ),
        ] {
            assert_eq!(read(lines), Err(unclear), "{lines:?}");
        }
    }

    #[test]
    fn a_target_is_bytes_as_they_came() {
        let lines = [
            ("x-original-method", "GET"),
            ("x-original-uri", "/\u{e9}#x"),
        ];
        assert_eq!(read(&lines).unwrap().1, "/\u{e9}#x");
    }
}
