//! A wire that can go silent: what goes over it then is lost, and its ends hear nothing of each
//! other for ever, as behind a firewall that forgot a flow.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// A wire to a port of this machine.
pub(crate) struct Wire {
    pub(crate) port: u16,
    /// Grows with each silence; connections from before it stay silent.
    silences: Arc<AtomicU32>,
}

impl Wire {
    pub(crate) fn to(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let silences = Arc::new(AtomicU32::new(0));
        let heard = Arc::clone(&silences);
        std::thread::spawn(move || {
            for client in listener.incoming() {
                let client = client.unwrap();
                let server = TcpStream::connect(("127.0.0.1", server)).unwrap();
                for (from, to) in [(&client, &server), (&server, &client)] {
                    let (from, to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                    let heard = Arc::clone(&heard);
                    std::thread::spawn(move || carry(from, to, &heard));
                }
            }
        });
        Self { port, silences }
    }

    /// Connections of this time say nothing any more; new ones do.
    pub(crate) fn forget(&self) {
        self.silences.fetch_add(1, Ordering::SeqCst);
    }
}

fn carry(mut from: TcpStream, mut to: TcpStream, silences: &AtomicU32) {
    let begun = silences.load(Ordering::SeqCst);
    let mut bytes = vec![0; 16_384];
    while let Ok(count) = from.read(&mut bytes) {
        let is_silent = silences.load(Ordering::SeqCst) != begun;
        if count == 0 || (!is_silent && to.write_all(&bytes[..count]).is_err()) {
            break;
        }
    }
    std::mem::forget((from, to));
}
