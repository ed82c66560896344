//! A wire that can go silent: it takes connections and bytes, and nothing comes out, as behind a
//! firewall that forgot a flow, or before a machine that lost its power.

use std::future::pending;
use std::net::{Ipv4Addr, SocketAddr};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// A wire to a port of this machine.
pub(crate) struct Proxy {
    pub(crate) port: u16,
    silent: watch::Sender<bool>,
}

impl Proxy {
    pub(crate) async fn to(port: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let own = listener.local_addr().unwrap().port();
        let (silent, heard) = watch::channel(false);
        let server = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        tokio::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                tokio::spawn(carry(client, server, heard.clone()));
            }
        });
        Self { port: own, silent }
    }

    /// From now on nothing comes through. Connections of this time stay silent for ever.
    pub(crate) fn go_silent(&self) {
        self.silent.send_replace(true);
    }

    /// New connections come through again.
    pub(crate) fn heal(&self) {
        self.silent.send_replace(false);
    }
}

async fn carry(client: TcpStream, server: SocketAddr, mut silent: watch::Receiver<bool>) {
    let (mut from_client, mut to_client) = client.into_split();
    if *silent.borrow() {
        return swallow(&mut from_client).await;
    }
    let server = TcpStream::connect(server).await.unwrap();
    let (mut from_server, mut to_server) = server.into_split();
    tokio::select! {
        biased;
        () = turns_silent(&mut silent) => {}
        () = pass(&mut from_client, &mut to_server) => return,
        () = pass(&mut from_server, &mut to_client) => return,
    }
    // Neither side hears of the other's end; both sockets stay open.
    swallow(&mut from_client).await;
    pending::<()>().await;
}

async fn turns_silent(silent: &mut watch::Receiver<bool>) {
    if silent.wait_for(|silent| *silent).await.is_err() {
        pending::<()>().await;
    }
}

async fn pass(from: &mut OwnedReadHalf, to: &mut OwnedWriteHalf) {
    let mut bytes = vec![0; 16_384];
    while let Ok(count) = from.read(&mut bytes).await {
        if count == 0 || to.write_all(&bytes[..count]).await.is_err() {
            return;
        }
    }
}

async fn swallow(from: &mut OwnedReadHalf) {
    let mut bytes = vec![0; 16_384];
    while from.read(&mut bytes).await.is_ok_and(|count| count > 0) {}
}
