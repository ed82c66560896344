//! The head of a request, between the runtime's texts and the gate's bytes.
//!
//! The runtime has read values of headers as UTF-8. Written as UTF-8 again they are what came over
//! the wire, or, where it wasn't UTF-8, other bytes that aren't ASCII either. No decision depends on
//! which: what the gate reads is ASCII, or bad.
//!
//! Lines of one name come as one, joined with `", "`. Two of `Authorization` are no token then, and
//! that is 400 as well.

use crate::host::SEPARATOR;
use signet_verifier::RequestHead;

/// The head of a request, unpacked.
#[derive(Debug)]
pub(crate) struct Head<'a> {
    method: &'a str,
    pub(crate) target: &'a str,
    headers: Vec<(&'a [u8], &'a [u8])>,
}

impl<'a> Head<'a> {
    /// Reads what [`host::head`](crate::host::head) has packed.
    pub(crate) fn unpack(packed: &'a str) -> Self {
        let mut texts = packed.split(SEPARATOR);
        let method = texts.next().unwrap_or_default();
        let url = texts.next().unwrap_or_default();
        let mut headers = Vec::new();
        let mut host = None;
        while let (Some(name), Some(value)) = (texts.next(), texts.next()) {
            if name == "host" {
                host = Some(value);
            }
            headers.push((name.as_bytes(), value.as_bytes()));
        }
        let target = target(url).filter(|_| host.is_none_or(is_authority));
        Self {
            method,
            target: target.unwrap_or_default(),
            headers,
        }
    }

    /// What the gate decides about.
    pub(crate) fn request(&self) -> RequestHead<'_> {
        RequestHead {
            method: self.method.as_bytes(),
            target: self.target.as_bytes(),
            headers: &self.headers,
        }
    }
}

/// The target in a URL.
///
/// The runtime makes the URL of scheme, `Host` and target by putting them one behind the other. So
/// a `Host` with a slash in it would be the beginning of the path; where it isn't the name of a host,
/// there is no target, and that is 400.
fn target(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    let (authority, target) = rest.split_at_checked(rest.find(['/', '?', '#'])?)?;
    is_authority(authority).then_some(target)
}

/// Whether a text is a host, perhaps with a port (RFC 3986, section 3.2), as there are any.
pub(crate) fn is_authority(text: &str) -> bool {
    let is_good = |byte: u8| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b':' | b'[' | b']')
    };
    !text.is_empty() && text.bytes().all(is_good)
}
