//! The way to a mail server: a connection, and TLS on it, before anything is said that matters.
//!
//! TLS is ours and not lettre's, for two reasons. What was sent in the clear behind the answer to
//! STARTTLS must not pass for something that came through TLS (lettre 0.11 keeps it in its buffer,
//! and reads it next, so that somebody on the way could put answers into the server's mouth): here
//! it ends the connection. And the certificate can be told to an operator.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use lettre::transport::smtp::client::{AsyncSmtpConnection, AsyncTokioStream};
use lettre::transport::smtp::extension::ClientId;
use lettre::transport::smtp::response::Response;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use sha2::{Digest as _, Sha256};
use tokio::io::{
    AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader,
    ReadBuf,
};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::fault::{Cause, Fault, Stage};

/// The longest line and the most lines of an answer in the clear. RFC 5321 says 512 bytes; nobody
/// keeps to it.
const LONGEST_LINE: u64 = 2_048;
const MOST_LINES: usize = 64;

/// What stands where lettre waits for a greeting: after STARTTLS there is none.
const NO_GREETING: &[u8] = b"220 go on\r\n";

/// Why TLS can't be spoken from this machine.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// It has no certificate authorities.
    #[error(
        "there are no certificate authorities here: install the package ca-certificates, or name \
         a file of them in SSL_CERT_FILE"
    )]
    NoAuthorities,
    /// The server's name can't be in a certificate.
    #[error("{0:?} is no name that a certificate can have")]
    Name(String),
    /// TLS itself can't be set up.
    #[error("TLS can't be set up: {0}")]
    Setup(#[from] rustls::Error),
}

/// A certificate that was shown and held.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Certificate {
    /// The host names in it.
    pub names: Vec<String>,
    /// SHA-256 of it, in hexadecimal digits.
    pub fingerprint: String,
}

/// TLS to one server, whose certificate is always checked: by the authorities of this machine, at
/// the present time, for the server's name.
pub(super) struct Tls {
    connector: TlsConnector,
    name: ServerName<'static>,
}

impl Tls {
    pub(super) fn to(host: &str) -> Result<Self, TlsError> {
        let name = ServerName::try_from(host.to_owned());
        let name = name.map_err(|_| TlsError::Name(host.to_owned()))?;
        let mut roots = RootCertStore::empty();
        let system = rustls_native_certs::load_native_certs();
        roots.add_parsable_certificates(system.certs);
        if roots.is_empty() {
            return Err(TlsError::NoAuthorities);
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self {
            connector: TlsConnector::from(Arc::new(config)),
            name,
        })
    }

    /// Speaks TLS on a connection from here on.
    async fn begin(&self, tcp: TcpStream) -> Result<(Secured, Certificate), Fault> {
        let stream = self.connector.connect(self.name.clone(), tcp).await;
        let stream = stream.map_err(|error| Fault::new(Stage::Tls, Cause::Network(error)))?;
        let (_, session) = stream.get_ref();
        let chain = session.peer_certificates().unwrap_or_default();
        let shown = chain.first().map(describe).unwrap_or_default();
        Ok((stream, shown))
    }
}

type Secured = tokio_rustls::client::TlsStream<TcpStream>;

fn describe(certificate: &CertificateDer<'_>) -> Certificate {
    let parsed = webpki::EndEntityCert::try_from(certificate);
    let names = parsed.map(|certificate| {
        let names = certificate.valid_dns_names();
        names.map(str::to_owned).collect()
    });
    let digest = Sha256::digest(certificate);
    Certificate {
        names: names.unwrap_or_default(),
        fingerprint: digest.iter().map(|byte| format!("{byte:02x}")).collect(),
    }
}

/// Goes on in the clear: only to a server on this machine.
pub(super) async fn in_the_clear(
    tcp: TcpStream,
    hello: &ClientId,
) -> Result<AsyncSmtpConnection, Fault> {
    greet(tcp, b"", hello).await
}

/// TLS from the first byte on.
pub(super) async fn implicit_tls(
    tcp: TcpStream,
    tls: &Tls,
    hello: &ClientId,
) -> Result<(AsyncSmtpConnection, Certificate), Fault> {
    let (stream, certificate) = tls.begin(tcp).await?;
    Ok((greet(stream, b"", hello).await?, certificate))
}

/// TLS once the server agreed to it. In the clear it hears our name and that we want TLS, and
/// nothing else whatever it says.
pub(super) async fn start_tls(
    mut tcp: TcpStream,
    tls: &Tls,
    hello: &ClientId,
) -> Result<(AsyncSmtpConnection, Certificate), Fault> {
    let mut clear = BufReader::new(&mut tcp);
    expect(
        answer(&mut clear, Stage::Greeting).await?,
        220,
        Stage::Greeting,
    )?;
    say(&mut clear, &format!("EHLO {hello}\r\n"), Stage::Greeting).await?;
    let extensions = answer(&mut clear, Stage::Greeting).await?;
    expect(extensions.clone(), 250, Stage::Greeting)?;
    let mut offered = extensions.message().skip(1);
    if !offered.any(|line| line.trim().eq_ignore_ascii_case("STARTTLS")) {
        return Err(Fault::new(Stage::StartTls, Cause::NotOffered));
    }
    say(&mut clear, "STARTTLS\r\n", Stage::StartTls).await?;
    expect(
        answer(&mut clear, Stage::StartTls).await?,
        220,
        Stage::StartTls,
    )?;
    if !clear.buffer().is_empty() {
        return Err(Fault::new(Stage::StartTls, Cause::SaidTooMuch));
    }
    let (stream, certificate) = tls.begin(tcp).await?;
    Ok((greet(stream, NO_GREETING, hello).await?, certificate))
}

/// Says hello, and hears what the server can do.
async fn greet<S>(
    stream: S,
    said: &'static [u8],
    hello: &ClientId,
) -> Result<AsyncSmtpConnection, Fault>
where
    S: AsyncRead + AsyncWrite + PeerAddress + Send + Sync + Unpin + std::fmt::Debug + 'static,
{
    let stream = Box::new(Greeted { said, stream });
    AsyncSmtpConnection::connect_with_transport(stream, hello)
        .await
        .map_err(|error| Fault::smtp(Stage::Greeting, error))
}

async fn say(
    stream: &mut BufReader<&mut TcpStream>,
    line: &str,
    stage: Stage,
) -> Result<(), Fault> {
    let written = stream.write_all(line.as_bytes()).await;
    written.map_err(|error| Fault::new(stage, Cause::Network(error)))
}

/// One answer, of however many lines.
async fn answer(stream: &mut BufReader<&mut TcpStream>, stage: Stage) -> Result<Response, Fault> {
    let mut text = String::new();
    for _ in 0..MOST_LINES {
        let mut line = Vec::new();
        let mut bounded = (&mut *stream).take(LONGEST_LINE);
        let read = bounded.read_until(b'\n', &mut line).await;
        read.map_err(|error| Fault::new(stage, Cause::Network(error)))?;
        if line.is_empty() {
            return Err(Fault::new(stage, Cause::Closed));
        }
        text.push_str(&String::from_utf8_lossy(&line));
        if line.last() != Some(&b'\n') {
            break;
        }
        if line.get(3) != Some(&b'-') {
            let answer = text.parse();
            return answer.map_err(|error| Fault::smtp(stage, error));
        }
    }
    Err(Fault::new(stage, Cause::NoSmtp))
}

fn expect(answer: Response, code: u16, stage: Stage) -> Result<(), Fault> {
    match answer.has_code(code) {
        true => Ok(()),
        false => Err(Fault::new(stage, Cause::of(&answer))),
    }
}

/// What has another end.
trait PeerAddress {
    fn peer(&self) -> io::Result<SocketAddr>;
}

impl PeerAddress for TcpStream {
    fn peer(&self) -> io::Result<SocketAddr> {
        self.peer_addr()
    }
}

impl PeerAddress for Secured {
    fn peer(&self) -> io::Result<SocketAddr> {
        self.get_ref().0.peer_addr()
    }
}

/// A stream on which something was said already.
#[derive(Debug)]
struct Greeted<S> {
    said: &'static [u8],
    stream: S,
}

impl<S> AsyncTokioStream for Greeted<S>
where
    S: AsyncRead + AsyncWrite + PeerAddress + Send + Sync + Unpin + std::fmt::Debug,
{
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.stream.peer()
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Greeted<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.said.is_empty() {
            return Pin::new(&mut self.stream).poll_read(context, buffer);
        }
        let (now, later) = self.said.split_at(self.said.len().min(buffer.remaining()));
        buffer.put_slice(now);
        self.said = later;
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Greeted<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
