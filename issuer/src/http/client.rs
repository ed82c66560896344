//! Whose request it is: the client's address, through the proxies that are trusted and no others.
//!
//! Every proxy appends the address it saw to `X-Forwarded-For` or `Forwarded` (RFC 7239), so the
//! last entry is the word of the proxy that connected to us. The entries are walked from the right
//! as long as the one who wrote them is trusted; the first address that isn't is the client.
//! Without a trusted proxy, the headers aren't looked at.

use std::net::{IpAddr, SocketAddr};

use http::{HeaderMap, HeaderName};
use ipnet::IpNet;

/// Who is at the other end of the connection. `serve` puts it into the extensions of every request.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub SocketAddr);

/// The proxies whose word counts.
#[derive(Clone, Debug, Default)]
pub struct Proxies {
    /// How many proxies stand before the issuer, whatever their addresses.
    pub trusted_hops: usize,
    /// Where trusted proxies stand.
    pub networks: Vec<IpNet>,
}

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

impl Proxies {
    /// The address of the client. `peer` where nobody trusted says otherwise, or where what they
    /// say can't be read.
    #[must_use]
    pub fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let peer = peer.to_canonical();
        if !self.trusts(0, peer) {
            return peer;
        }
        let listed = headers
            .contains_key(X_FORWARDED_FOR)
            .then(|| self.walk(peer, x_forwarded_for(headers)));
        let described = headers
            .contains_key(http::header::FORWARDED)
            .then(|| self.walk(peer, forwarded(headers)));
        match (listed, described) {
            (Some(client), None) | (None, Some(client)) => client,
            // A proxy writes one of them; the other one may be the client's own invention.
            (Some(one), Some(other)) if one == other => one,
            (Some(_), Some(_)) | (None, None) => peer,
        }
    }

    /// Goes from hop to hop, away from us. `entries` come last first; `None` is unreadable.
    fn walk(&self, peer: IpAddr, entries: Vec<Option<IpAddr>>) -> IpAddr {
        let mut address = peer;
        for (hop, entry) in entries.into_iter().enumerate() {
            if !self.trusts(hop, address) {
                break;
            }
            match entry {
                Some(next) => address = next,
                None => break,
            }
        }
        address
    }

    fn trusts(&self, hop: usize, address: IpAddr) -> bool {
        hop < self.trusted_hops
            || self
                .networks
                .iter()
                .any(|network| network.contains(&address))
    }
}

/// The addresses of all `X-Forwarded-For` headers, last first.
fn x_forwarded_for(headers: &HeaderMap) -> Vec<Option<IpAddr>> {
    let mut addresses: Vec<_> = headers
        .get_all(X_FORWARDED_FOR)
        .iter()
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b','))
        .map(|entry| node(std::str::from_utf8(entry).ok()?.trim_matches([' ', '\t'])))
        .collect();
    addresses.reverse();
    addresses
}

/// The `for=` addresses of all `Forwarded` headers, last first.
fn forwarded(headers: &HeaderMap) -> Vec<Option<IpAddr>> {
    let mut addresses = Vec::new();
    for value in headers.get_all(http::header::FORWARDED) {
        let text = value.to_str().unwrap_or_default();
        addresses.extend(text.split(',').map(forwarded_for));
    }
    addresses.reverse();
    addresses
}

/// The address in the one `for` parameter of an element. Quoted strings that hold a comma or a
/// semicolon name no address, so splitting at these loses nothing but what is unreadable anyway.
fn forwarded_for(element: &str) -> Option<IpAddr> {
    let mut found = None;
    for pair in element.split(';') {
        let (name, value) = pair.split_once('=')?;
        if name.trim_matches([' ', '\t']).eq_ignore_ascii_case("for") {
            if found.is_some() {
                return None;
            }
            let value = value.trim_matches([' ', '\t']);
            let unquoted = value
                .strip_prefix('"')
                .map_or(Some(value), |rest| rest.strip_suffix('"'))?;
            found = Some(node(unquoted)?);
        }
    }
    found
}

/// An address, with a port or not, IPv6 in brackets or (as many proxies write it) bare.
fn node(text: &str) -> Option<IpAddr> {
    let address = text
        .parse::<IpAddr>()
        .or_else(|_| text.parse::<SocketAddr>().map(|socket| socket.ip()))
        .ok()
        .or_else(|| {
            let inner = text.strip_prefix('[')?.strip_suffix(']')?;
            inner.parse().ok().map(IpAddr::V6)
        })?;
    Some(address.to_canonical())
}

/// Whether the request went through something that forwards, or pretends so.
pub(super) fn is_forwarded(headers: &HeaderMap) -> bool {
    const FORWARDING: [&str; 6] = [
        "forwarded",
        "via",
        "x-real-ip",
        "x-client-ip",
        "cf-connecting-ip",
        "true-client-ip",
    ];
    headers.keys().any(|name| {
        let name = name.as_str();
        name.starts_with("x-forwarded") || FORWARDING.contains(&name)
    })
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn client(proxies: &Proxies, peer: &str, headers: &[(&'static str, &'static str)]) -> String {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, HeaderValue::from_static(value));
        }
        proxies.client(peer.parse().unwrap(), &map).to_string()
    }

    fn hops(trusted_hops: usize) -> Proxies {
        Proxies {
            trusted_hops,
            networks: Vec::new(),
        }
    }

    fn networks(networks: &[&str]) -> Proxies {
        Proxies {
            trusted_hops: 0,
            networks: networks.iter().map(|net| net.parse().unwrap()).collect(),
        }
    }

    #[test]
    fn without_a_trusted_proxy_the_headers_say_nothing() {
        let headers = [
            ("x-forwarded-for", "192.0.2.1"),
            ("forwarded", "for=192.0.2.1"),
        ];
        assert_eq!(client(&hops(0), "198.51.100.7", &headers), "198.51.100.7");
        let elsewhere = networks(&["10.0.0.0/8"]);
        assert_eq!(client(&elsewhere, "198.51.100.7", &headers), "198.51.100.7");
    }

    #[test]
    fn hops_are_counted_from_the_right() {
        let headers = [("x-forwarded-for", "6.6.6.6, 192.0.2.1,10.0.0.9")];
        assert_eq!(client(&hops(1), "10.0.0.1", &headers), "10.0.0.9");
        assert_eq!(client(&hops(2), "10.0.0.1", &headers), "192.0.2.1");
        assert_eq!(client(&hops(9), "10.0.0.1", &headers), "6.6.6.6");
    }

    #[test]
    fn networks_are_walked_until_somebody_is_outside_of_them() {
        let proxies = networks(&["10.0.0.0/8", "fd00::/8"]);
        let headers = [
            ("x-forwarded-for", "6.6.6.6, 192.0.2.1"),
            ("x-forwarded-for", "fd00::9"),
        ];
        assert_eq!(client(&proxies, "::ffff:10.0.0.1", &headers), "192.0.2.1");
    }

    #[test]
    fn what_cannot_be_read_ends_the_walk_at_the_one_who_said_it() {
        for entry in ["unknown", "", "192.0.2.1 6.6.6.6", "192.0.2", "_hidden"] {
            let value: &'static str = format!("192.0.2.1,{entry}").leak();
            let headers = [("x-forwarded-for", value)];
            assert_eq!(
                client(&hops(2), "10.0.0.1", &headers),
                "10.0.0.1",
                "{entry}"
            );
        }
    }

    #[test]
    fn forwarded_is_read_in_all_its_spellings() {
        for (value, expected) in [
            ("for=192.0.2.43", "192.0.2.43"),
            ("For=\"192.0.2.43:47011\";proto=https", "192.0.2.43"),
            ("proto=http; for=\"[2001:db8::1]:4711\"", "2001:db8::1"),
            ("for=6.6.6.6, for=\"[2001:db8::1]\"", "2001:db8::1"),
            ("for=192.0.2.43;for=6.6.6.6", "10.0.0.1"),
            ("for=\"192.0.2.43", "10.0.0.1"),
            ("for", "10.0.0.1"),
        ] {
            let headers = [("forwarded", value)];
            assert_eq!(client(&hops(1), "10.0.0.1", &headers), expected, "{value}");
        }
    }

    #[test]
    fn two_headers_that_contradict_each_other_are_not_believed() {
        let same = [
            ("x-forwarded-for", "192.0.2.1"),
            ("forwarded", "for=192.0.2.1"),
        ];
        assert_eq!(client(&hops(1), "10.0.0.1", &same), "192.0.2.1");
        let different = [
            ("x-forwarded-for", "192.0.2.1"),
            ("forwarded", "for=6.6.6.6"),
        ];
        assert_eq!(client(&hops(1), "10.0.0.1", &different), "10.0.0.1");
    }
}
