//! Where the operations listener is: what the operator says, or a port of loopback if it is free.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use crate::config::OperationsSettings;
use crate::config::fault::Faults;
use crate::config::keys::{Optional, Values};
use crate::config::setting::OperationsListen;

/// Where it is if nobody says otherwise.
const LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 9090);

/// What is served to operators, if anything is. `None` too where what was said can't be read.
pub(super) fn settings(
    values: &Values,
    listen: Option<SocketAddr>,
    faults: &mut Faults,
) -> Option<OperationsSettings> {
    let is_taken = |address| listen.is_some_and(|listen| overlap(listen, address));
    match &values.operations_listen {
        Optional::Unset if is_taken(LISTEN) => None,
        Optional::Unset => Some(OperationsSettings {
            listen: LISTEN,
            is_asked_for: false,
        }),
        Optional::Unreadable => None,
        Optional::Set(found) => match found.value {
            OperationsListen::Off => None,
            OperationsListen::At(address) if is_taken(address) => {
                let problem = format!("is {address}, which is where `listen` takes requests");
                let hint = "give another port: what is told there isn't for clients";
                faults.add("operations_listen", Some(&found.origin), problem, hint);
                None
            }
            OperationsListen::At(listen) => Some(OperationsSettings {
                listen,
                is_asked_for: true,
            }),
        },
    }
}

/// Whether a connection could be for either. An unspecified address is every one, of both families.
fn overlap(one: SocketAddr, other: SocketAddr) -> bool {
    let is_every = |address: SocketAddr| address.ip().is_unspecified();
    one.port() == other.port()
        && (one.ip().to_canonical() == other.ip().to_canonical()
            || is_every(one)
            || is_every(other))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_overlap_where_one_holds_the_other() {
        let overlap = |one: &str, other: &str| {
            let (one, other) = (one.parse().unwrap(), other.parse().unwrap());
            overlap(one, other) && super::overlap(other, one)
        };
        assert!(overlap("127.0.0.1:9090", "127.0.0.1:9090"));
        assert!(overlap("0.0.0.0:9090", "127.0.0.1:9090"));
        assert!(overlap("[::]:9090", "127.0.0.1:9090"));
        assert!(overlap("[::ffff:127.0.0.1]:9090", "127.0.0.1:9090"));
        assert!(!overlap("127.0.0.1:9090", "127.0.0.1:9091"));
        assert!(!overlap("127.0.0.1:9090", "10.0.0.1:9090"));
        assert!(!overlap("0.0.0.0:8080", "127.0.0.1:9090"));
    }
}
