//! A program that is all of its image still finds servers by their names, and knows whom to trust.
//!
//! A name server of our own tells the address of one name. Behind that name is a PostgreSQL whose
//! certificate is of an authority that the image knows only once it is told.

use std::fs;
use std::net::{Ipv4Addr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use signet_testbed::{Certificates, NAME, Postgres};

use super::authorities::AUTHORITIES;
use super::container::{Container, Image};
use super::running::{expect, ready};
use crate::process::Done;

/// An address of this machine at which nobody else answers questions about names.
const SERVER: Ipv4Addr = Ipv4Addr::new(127, 87, 65, 53);

pub(super) fn check(image: &Image) -> Done {
    let certificates = Certificates::make();
    let postgres = Postgres::start_with_tls(&certificates);
    let socket = UdpSocket::bind((SERVER, 53))?;
    socket.set_read_timeout(Some(Duration::from_millis(100)))?;
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| answer_questions(&socket, &is_over));
        let found = find(image, &postgres, &certificates);
        is_over.store(true, Ordering::Release);
        found
    })
}

fn find(image: &Image, postgres: &Postgres, certificates: &Certificates) -> Done {
    let folder = certificates
        .authority()
        .with_file_name("names-of-the-container");
    fs::create_dir_all(&folder)?;
    let (resolver, hosts) = (folder.join("resolv.conf"), folder.join("hosts"));
    fs::write(&resolver, format!("nameserver {SERVER}\n"))?;
    fs::write(&hosts, "127.0.0.1 localhost\n")?;
    let status = ["db", "status"];
    let at = |name: &str, host: &str| -> Done<Container<'_>> {
        let url = postgres.url("postgres").replace("127.0.0.1", host);
        ready(image, name)?
            .with("SIGNET_DATABASE_URL", url)
            .mounting(&resolver, "/etc/resolv.conf")?
            .mounting(&hosts, "/etc/hosts")
    };
    expect(
        &at("unknown", "nowhere.signet.test")?,
        &status,
        1,
        "nowhere.signet.test",
    )?;
    // It gets there, and comes without TLS, as to any server of the same machine.
    expect(
        &at("here", "localhost")?,
        &status,
        1,
        "no pg_hba.conf entry",
    )?;
    expect(&at("untrusted", NAME)?, &status, 1, "certificate")?;
    let trusted = at("trusted", NAME)?.mounting(&certificates.authority(), AUTHORITIES)?;
    expect(&trusted, &["db", "migrate"], 0, "")?;
    expect(&trusted, &status, 0, "")
}

fn answer_questions(socket: &UdpSocket, is_over: &AtomicBool) {
    let mut question = [0; 512];
    while !is_over.load(Ordering::Acquire) {
        let Ok((length, asker)) = socket.recv_from(&mut question) else {
            continue;
        };
        let answer = question.get(..length).and_then(answer);
        if let Some(answer) = answer {
            let _asks_again = socket.send_to(&answer, asker);
        }
    }
}

/// What is known of a name (RFC 1035, section 4.1): an address, nothing of that kind, or no such name.
fn answer(message: &[u8]) -> Option<Vec<u8>> {
    const HEADER: usize = 12;
    const ADDRESS: [u8; 4] = [0, 1, 0, 1];
    let (header, rest) = message.split_at_checked(HEADER)?;
    let end = rest.iter().position(|byte| *byte == 0)?;
    let (name, rest) = rest.split_at_checked(end.checked_add(1)?)?;
    let kind = rest.get(..4)?;
    let mut wanted = Vec::new();
    for label in NAME.split('.') {
        wanted.push(u8::try_from(label.len()).ok()?);
        wanted.extend(label.bytes());
    }
    wanted.push(0);
    let is_known = name.eq_ignore_ascii_case(&wanted);
    let has_address = is_known && kind == ADDRESS;
    let mut answer = header.get(..2)?.to_vec();
    answer.extend([0x81, if is_known { 0x80 } else { 0x83 }]);
    answer.extend([0, 1, 0, u8::from(has_address), 0, 0, 0, 0]);
    answer.extend(name);
    answer.extend(kind);
    if has_address {
        // The name above, an address, for a minute, four bytes.
        answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4]);
        answer.extend(Ipv4Addr::LOCALHOST.octets());
    }
    Some(answer)
}
