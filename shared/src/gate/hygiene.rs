//! One pass over the headers: what the gate needs of them, and what may not go upstream.
//!
//! Names that only the gate may set, and names that make upstream see another method or path than
//! the gate did, are taken away on every route. Some servers hand `_` on as `-`, so here the two
//! are the same (envoyproxy/envoy#35553, CVE-2025-64484).

use alloc::boxed::Box;
use alloc::vec::Vec;

use crate::bearer::Bearer;
use crate::policy::Method;

/// How the names begin that only the gate sets.
const IDENTITY: &[u8] = b"x-signet-";

/// Names that stand for another method or another path, for some servers.
const OVERRIDES: [&[u8]; 5] = [
    b"x-http-method",
    b"x-original-url",
    b"x-rewrite-url",
    b"x-method-override",
    b"x-http-method-override",
];

/// What the headers of a request say.
#[derive(Debug, Default)]
pub(super) struct Headers<'a> {
    /// The first two values of `Authorization`; more don't matter.
    authorization: [Option<&'a [u8]>; 2],
    spoilt: bool,
    has_origin: bool,
    has_requested_method: bool,
    removed: Vec<Box<[u8]>>,
}

/// What a header is to the gate.
enum Role {
    Authorization,
    Connection,
    Origin,
    RequestedMethod,
    /// Nobody but the gate may send it upstream.
    Reserved,
    Other,
}

impl<'a> Headers<'a> {
    /// Reads the headers. Without `forward_token`, `Authorization` is taken away as well.
    pub(super) fn read(headers: &[(&'a [u8], &'a [u8])], forward_token: bool) -> Self {
        let mut read = Self::default();
        for (name, value) in headers {
            match Role::of(name) {
                Role::Authorization => {
                    let [first, second] = &mut read.authorization;
                    let free = if first.is_none() { first } else { second };
                    *free = Some(value);
                    if !forward_token {
                        read.remove(name);
                    }
                }
                Role::Connection => read.spoilt |= names_what_is_relied_on(value),
                Role::Origin => read.has_origin = true,
                Role::RequestedMethod => read.has_requested_method = true,
                Role::Reserved => read.remove(name),
                Role::Other => {}
            }
        }
        read.removed.sort_unstable();
        read.removed.dedup();
        read
    }

    fn remove(&mut self, name: &[u8]) {
        self.removed.push(name.to_ascii_lowercase().into());
    }

    /// The token. No other header is looked at for one.
    pub(super) fn bearer(&self) -> Bearer<'a> {
        Bearer::from_headers(self.authorization.into_iter().flatten())
    }

    /// Whether the next hop would take a header away that the gate or upstream relies on
    /// (RFC 9110, section 7.6.1).
    pub(super) fn spoil_the_identity(&self) -> bool {
        self.spoilt
    }

    /// Whether this is what a browser asks before it sends a request to another origin.
    pub(super) fn are_a_preflight(&self, method: Method<'_>) -> bool {
        method.as_str() == "OPTIONS" && self.has_origin && self.has_requested_method
    }

    /// The names that are there and go: in lower case, sorted, each once.
    pub(super) fn removed(self) -> Vec<Box<[u8]>> {
        self.removed
    }
}

impl Role {
    /// By the first letter, since most headers are of no interest. `mayMatter` in
    /// verifier-wasm/js/gate.js leaves out those whose first letter and length are none of these.
    fn of(name: &[u8]) -> Self {
        let is = |wanted: &[u8]| name.eq_ignore_ascii_case(wanted);
        match name.first() {
            Some(b'A' | b'a') if is(b"authorization") => Self::Authorization,
            Some(b'A' | b'a') if is(b"access-control-request-method") => Self::RequestedMethod,
            Some(b'C' | b'c') if is(b"connection") => Self::Connection,
            Some(b'O' | b'o') if is(b"origin") => Self::Origin,
            Some(b'X' | b'x') if is_reserved(name) => Self::Reserved,
            Some(_) | None => Self::Other,
        }
    }
}

/// Whether a name, read as careless servers read it, is none that clients may send.
fn is_reserved(name: &[u8]) -> bool {
    let begins = name.split_at_checked(IDENTITY.len());
    begins.is_some_and(|(beginning, _)| reads_as(beginning, IDENTITY))
        || OVERRIDES.iter().any(|wanted| reads_as(name, wanted))
}

fn reads_as(name: &[u8], wanted: &[u8]) -> bool {
    let read = name.iter().map(|byte| match byte {
        b'_' => b'-',
        byte => byte.to_ascii_lowercase(),
    });
    name.len() == wanted.len() && read.eq(wanted.iter().copied())
}

/// Whether a value of `Connection` has the next hop take away what must arrive.
fn names_what_is_relied_on(value: &[u8]) -> bool {
    let options = value.split(|byte| *byte == b',').map(trim);
    options
        .into_iter()
        .any(|option| is_reserved(option) || option.eq_ignore_ascii_case(b"authorization"))
}

/// Without the white space that lists may have (RFC 9110, section 5.6.3).
fn trim(option: &[u8]) -> &[u8] {
    let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t');
    let start = option.iter().take_while(|byte| is_blank(byte)).count();
    let (_, rest) = option.split_at_checked(start).unwrap_or_default();
    let end = rest.iter().rev().take_while(|byte| is_blank(byte)).count();
    let (trimmed, _) = rest
        .split_at_checked(rest.len().saturating_sub(end))
        .unwrap_or_default();
    trimmed
}
