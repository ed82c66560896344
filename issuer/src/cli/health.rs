//! `signet health`: what a container's supervisor runs, where there is no other program that could
//! ask. It finds the issuer by the configuration that `signet serve` has.

use std::io::{self, Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::process::ExitCode;
use std::time::Duration;

use super::arguments::ConfigurationArgs;
use super::{configuration, no};

/// How long each step may take. Supervisors wait longer.
const PATIENCE: Duration = Duration::from_secs(3);

pub(super) fn run(arguments: ConfigurationArgs) -> ExitCode {
    let config = match configuration(arguments) {
        Ok(config) => config,
        Err(code) => return code,
    };
    let address = reachable(config.listen);
    match ask(address) {
        Ok(answer) if answer == "HTTP/1.1 200" => ExitCode::SUCCESS,
        Ok(answer) => no(&format_args!("{address}/readyz answers {answer}")),
        Err(error) => no(&format_args!("nobody answers at {address}: {error}")),
    }
}

/// An address of this machine where a listener of `listen` is reached.
fn reachable(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listen.port())
}

/// The beginning of the answer, which says whether it is well.
fn ask(address: SocketAddr) -> io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.write_all(b"GET /readyz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")?;
    let mut status = [0; 12];
    stream.read_exact(&mut status)?;
    Ok(String::from_utf8_lossy(&status).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listener_on_all_addresses_is_reached_by_loopback() {
        for (listen, reached) in [
            ("0.0.0.0:80", "127.0.0.1:80"),
            ("[::]:80", "[::1]:80"),
            ("192.0.2.1:80", "192.0.2.1:80"),
        ] {
            assert_eq!(reachable(listen.parse().unwrap()), reached.parse().unwrap());
        }
    }
}
