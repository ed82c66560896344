//! The head of a request as bytes.

use std::fmt;

use serde_json::Value;
use signet_verifier::RequestHead;

/// Method, target and headers, in their order.
#[derive(Clone, Eq, PartialEq)]
pub(crate) struct Head {
    pub(crate) method: Vec<u8>,
    pub(crate) target: Vec<u8>,
    pub(crate) headers: Vec<(Vec<u8>, Vec<u8>)>,
}

impl fmt::Debug for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (method, target) = (self.method.escape_ascii(), self.target.escape_ascii());
        write!(f, "{method} {target}")?;
        let mut headers = self.headers.iter();
        headers.try_for_each(|(name, value)| {
            write!(f, " | {}: {}", name.escape_ascii(), value.escape_ascii())
        })
    }
}

impl Head {
    /// A request of the vectors, if its strings are Latin-1.
    pub(super) fn of(request: &Value) -> Option<Self> {
        let headers = request.get("headers")?.as_array()?.iter();
        Some(Self {
            method: latin_1(request.get("method")?)?,
            target: latin_1(request.get("path")?)?,
            headers: headers
                .map(|pair| Some((latin_1(pair.get(0)?)?, latin_1(pair.get(1)?)?)))
                .collect::<Option<_>>()?,
        })
    }

    /// The head that a server reads from these bytes, if they are one.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let mut lines = bytes.split(|byte| *byte == b'\n');
        let mut line = || {
            let line = lines.next()?;
            Some(line.strip_suffix(b"\r").unwrap_or(line))
        };
        let mut words = line()?.splitn(3, |byte| *byte == b' ');
        let (method, target) = (words.next()?.to_vec(), words.next()?.to_vec());
        let mut headers = Vec::new();
        while let Some(line) = line().filter(|line| !line.is_empty()) {
            let colon = line.iter().position(|byte| *byte == b':')?;
            let (name, value) = line.split_at_checked(colon)?;
            headers.push((name.to_vec(), trim(value.get(1..)?).to_vec()));
        }
        Some(Self {
            method,
            target,
            headers,
        })
    }

    /// Whether its bytes are those of one head, and not of the beginning of another.
    pub(super) fn is_one_head(&self) -> bool {
        let parts = self.headers.iter().flat_map(|(name, value)| [name, value]);
        let mut parts = parts.chain([&self.method, &self.target]);
        parts.all(|part| !part.iter().any(|byte| b"\r\n".contains(byte)))
    }

    /// What HTTP/1.1 makes of it: white space around a value isn't part of it (RFC 9112, section 5.1).
    pub(super) fn trimmed(mut self) -> Self {
        for (_, value) in &mut self.headers {
            *value = trim(value).to_vec();
        }
        self
    }

    /// With the lines of a name as one, where `is_joined` says so. Nothing is left of an empty first one.
    pub(super) fn joined(mut self, by: &[u8], is_joined: impl Fn(&[u8]) -> bool) -> Self {
        let mut joined: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
        for (name, value) in self.headers {
            let same = joined
                .iter_mut()
                .find(|(own, _)| own.eq_ignore_ascii_case(&name) && is_joined(&name));
            match same {
                Some((_, all)) if all.is_empty() => *all = value,
                Some((_, all)) => all.extend_from_slice(&[by, &value].concat()),
                None => joined.push((name, value)),
            }
        }
        self.headers = joined;
        self
    }

    /// Asks something about it.
    pub(super) fn with<T>(&self, ask: impl FnOnce(&RequestHead<'_>) -> T) -> T {
        let headers: Vec<(&[u8], &[u8])> = self
            .headers
            .iter()
            .map(|(name, value)| (name.as_slice(), value.as_slice()))
            .collect();
        ask(&RequestHead {
            method: &self.method,
            target: &self.target,
            headers: &headers,
        })
    }

    /// The values of a header.
    pub(super) fn values<'a>(&'a self, name: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
        let headers = self.headers.iter();
        headers
            .filter(move |(own, _)| own.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_slice())
    }

    /// The bytes of a request without a body.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = [&self.method, &b" "[..], &self.target, b" HTTP/1.1\r\n"].concat();
        if self.values(b"host").next().is_none() {
            bytes.extend_from_slice(b"host: agents.example.com\r\n");
        }
        for (name, value) in &self.headers {
            bytes.extend_from_slice(&[name, &b": "[..], value, b"\r\n"].concat());
        }
        bytes.extend_from_slice(b"\r\n");
        bytes
    }
}

/// Without white space around it.
pub(super) fn trim(value: &[u8]) -> &[u8] {
    let is_ink = |byte: &u8| !b" \t".contains(byte);
    let start = value.iter().position(is_ink).unwrap_or(value.len());
    let end = value
        .iter()
        .rposition(is_ink)
        .map_or(start, |at| at.saturating_add(1));
    value.get(start..end).unwrap_or_default()
}

/// Each character is a byte.
fn latin_1(value: &Value) -> Option<Vec<u8>> {
    let characters = value.as_str()?.chars();
    characters
        .map(|character| u8::try_from(u32::from(character)).ok())
        .collect()
}
