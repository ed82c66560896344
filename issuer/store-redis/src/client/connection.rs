//! The connection: made, greeted, and given up. Calls of all tasks go over one, each as soon as it
//! is there, and Redis answers in their order.

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Cmd, ProtocolVersion, RedisConnectionInfo, Value};
use rustls::pki_types::{CertificateDer, ServerName, pem::PemObject as _};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;

use super::Fault;
use crate::address::{Address, Place};

/// Makes connections to one address.
pub(super) struct Connector {
    address: Address,
    tls: Option<TlsConnector>,
}

/// A connection that works, or did. What drives it ends with it.
pub(super) struct Connection {
    multiplexed: MultiplexedConnection,
    driver: JoinHandle<()>,
    /// What the server said of itself.
    pub(super) greeting: Greeting,
}

/// The answer to HELLO.
#[derive(Clone, Debug)]
pub(super) struct Greeting {
    pub(super) version: String,
    pub(super) mode: String,
}

impl Connector {
    pub(super) fn new(address: Address) -> Result<Self, Fault> {
        let tls = match address.is_encrypted() {
            true => Some(tls(address.authority.as_deref())?),
            false => None,
        };
        Ok(Self { address, tls })
    }

    pub(super) fn address(&self) -> &Address {
        &self.address
    }

    /// Makes a connection; takes as long as it takes.
    pub(super) async fn connect(&self) -> Result<Connection, Fault> {
        let unreachable = |error| Fault::Unreachable(Arc::new(error));
        match &self.address.place {
            Place::Socket(path) => {
                let stream = UnixStream::connect(path).await.map_err(unreachable)?;
                self.greet(stream).await
            }
            Place::Network { host, port, .. } => {
                let stream = TcpStream::connect((host.as_str(), *port)).await;
                let stream = stream.map_err(unreachable)?;
                stream.set_nodelay(true).map_err(unreachable)?;
                let Some(tls) = &self.tls else {
                    return self.greet(stream).await;
                };
                let untrusted = |error| Fault::Untrusted(Arc::new(error));
                let name = ServerName::try_from(host.clone());
                let name = name.map_err(|error| untrusted(io::Error::other(error)))?;
                let stream = tls.connect(name, stream).await.map_err(untrusted)?;
                self.greet(stream).await
            }
        }
    }

    async fn greet<S>(&self, stream: S) -> Result<Connection, Fault>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        // The greeting is ours, for what its answer tells; nothing else is sent before it.
        let silent = RedisConnectionInfo::default()
            .set_protocol(ProtocolVersion::RESP2)
            .set_skip_set_lib_name();
        // Whoever waits knows how long.
        let patient = AsyncConnectionConfig::new().set_response_timeout(None);
        let made = MultiplexedConnection::new_with_config(&silent, stream, patient).await;
        let (multiplexed, driver) = made.map_err(|error| Fault::of(&error))?;
        let mut connection = Connection {
            multiplexed,
            driver: tokio::spawn(driver),
            greeting: Greeting {
                version: String::new(),
                mode: String::new(),
            },
        };
        connection.greeting = connection.hello(&self.address).await?;
        if self.address.database != 0 {
            let mut select = redis::cmd("SELECT");
            select.arg(self.address.database);
            connection.ask(&select).await?;
        }
        Ok(connection)
    }
}

impl Connection {
    /// Sends a command and waits for its answer, for as long as that takes.
    pub(super) async fn ask(&self, command: &Cmd) -> Result<Value, Fault> {
        self.try_ask(command)
            .await
            .map_err(|error| Fault::of(&error))
    }

    /// [`Self::ask`], with the error as it came.
    pub(super) async fn try_ask(&self, command: &Cmd) -> Result<Value, redis::RedisError> {
        command.query_async(&mut self.multiplexed.clone()).await
    }

    /// Whether the server has closed it.
    pub(super) fn is_over(&self) -> bool {
        self.driver.is_finished()
    }

    async fn hello(&self, address: &Address) -> Result<Greeting, Fault> {
        let mut hello = redis::cmd("HELLO");
        hello.arg(2);
        if let Some(credentials) = &address.credentials {
            hello.arg("AUTH").arg(&credentials.user);
            hello.arg(credentials.password.as_str());
        }
        let told = match self.ask(&hello).await {
            // It came with Redis 6.
            Err(Fault::Other(told)) if told.contains("unknown command") => {
                return Err(Fault::Old("5 or before".to_owned()));
            }
            told => told?,
        };
        let told: Result<HashMap<String, Value>, _> = redis::from_redis_value(told);
        let told = told.map_err(|error| Fault::Lost(error.to_string()))?;
        let text = |name: &str| {
            let value = told.get(name).cloned().unwrap_or_default();
            redis::from_redis_value(value).unwrap_or_default()
        };
        Ok(Greeting {
            version: text("version"),
            mode: text("mode"),
        })
    }
}

impl Drop for Connection {
    /// Closes the socket, whatever is still on its way.
    fn drop(&mut self) {
        self.driver.abort();
    }
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Connector").field(&self.address).finish()
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Connection").field(&self.greeting).finish()
    }
}

/// TLS that trusts the authorities of the system, and one more where one is given.
fn tls(authority: Option<&Path>) -> Result<TlsConnector, Fault> {
    let mut roots = RootCertStore::empty();
    // A machine without authorities of its own may do with the one that is given.
    let system = rustls_native_certs::load_native_certs();
    roots.add_parsable_certificates(system.certs);
    if let Some(path) = authority {
        let unusable = |problem: &dyn fmt::Display| Fault::Authority {
            path: path.to_owned(),
            problem: problem.to_string(),
        };
        let certificates = CertificateDer::pem_file_iter(path).map_err(|error| unusable(&error))?;
        let mut count = 0_u32;
        for certificate in certificates {
            let certificate = certificate.map_err(|error| unusable(&error))?;
            roots.add(certificate).map_err(|error| unusable(&error))?;
            count = count.saturating_add(1);
        }
        if count == 0 {
            return Err(unusable(&"there is no certificate in it"));
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Fault::Untrusted(Arc::new(io::Error::other(error))))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}
