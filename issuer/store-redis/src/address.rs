//! Where Redis is: a `redis://`, `rediss://` or `unix:` URL, read strictly. A parameter that means
//! nothing here is refused, rather than passed over.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::str::FromStr;

use percent_encoding::percent_decode_str;
use url::Url;
use zeroize::Zeroizing;

/// The port of Redis.
const PORT: u16 = 6379;
/// Whom a password is for where the URL names nobody.
const DEFAULT_USER: &str = "default";

/// A Redis server.
#[derive(Clone)]
pub struct Address {
    pub(crate) place: Place,
    pub(crate) credentials: Option<Credentials>,
    pub(crate) database: u16,
    /// The certificate of an authority that is trusted beside those of the system.
    pub(crate) authority: Option<PathBuf>,
    shown: String,
}

/// How a server is reached.
#[derive(Clone)]
pub(crate) enum Place {
    /// By its name or address.
    Network {
        host: String,
        port: u16,
        encrypted: bool,
    },
    /// By its socket.
    Socket(PathBuf),
}

/// Who asks.
#[derive(Clone)]
pub(crate) struct Credentials {
    pub(crate) user: String,
    pub(crate) password: Zeroizing<String>,
}

/// Why a URL names no Redis server.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum AddressError {
    /// It is no URL, or that of something else.
    #[error("is no URL of the form redis://USER:PASSWORD@HOST, rediss://… or unix:/PATH")]
    NotAUrl,
    /// Something that is needed isn't there.
    #[error("names no {0}")]
    Missing(&'static str),
    /// A parameter that means nothing here.
    #[error("has the parameter {0}, which means nothing in a {1} URL")]
    UnknownParameter(String, &'static str),
    /// The database is none.
    #[error("has a database that is no number from 0 to 65535")]
    Database,
}

impl Address {
    /// Whether what goes to the server is encrypted, and its certificate checked.
    #[must_use]
    pub fn is_encrypted(&self) -> bool {
        match self.place {
            Place::Network { encrypted, .. } => encrypted,
            Place::Socket(_) => false,
        }
    }

    /// Whether the server is on this machine.
    #[must_use]
    pub fn is_local(&self) -> bool {
        match &self.place {
            Place::Network { host, .. } => is_loopback(host),
            Place::Socket(_) => true,
        }
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(written: &str) -> Result<Self, AddressError> {
        let url = Url::parse(written).map_err(|_| AddressError::NotAUrl)?;
        if url.fragment().is_some() {
            return Err(AddressError::NotAUrl);
        }
        match url.scheme() {
            "redis" => on_network(&url, false),
            "rediss" => on_network(&url, true),
            "unix" => at_socket(&url),
            _ => Err(AddressError::NotAUrl),
        }
    }
}

fn on_network(url: &Url, encrypted: bool) -> Result<Address, AddressError> {
    let mut authority = None;
    for (name, value) in url.query_pairs() {
        match name.as_ref() {
            "sslrootcert" if encrypted && !value.is_empty() => {
                authority = Some(PathBuf::from(value.into_owned()));
            }
            _ => {
                let scheme = if encrypted { "rediss" } else { "redis" };
                return Err(AddressError::UnknownParameter(name.into_owned(), scheme));
            }
        }
    }
    let named = url.host_str().filter(|host| !host.is_empty());
    let named = named.ok_or(AddressError::Missing("host"))?;
    let bare = named.trim_start_matches('[').trim_end_matches(']');
    let host = decoded(bare).ok_or(AddressError::NotAUrl)?;
    let database = match url.path().trim_start_matches('/') {
        "" => 0,
        number => number.parse().map_err(|_| AddressError::Database)?,
    };
    let mut shown = url.clone();
    if shown.password().is_some() {
        let _a_url_with_a_password_may_have_another = shown.set_password(Some("***"));
    }
    Ok(Address {
        place: Place::Network {
            host,
            port: url.port().unwrap_or(PORT),
            encrypted,
        },
        credentials: credentials(decoded(url.username()), url.password().and_then(decoded))?,
        database,
        authority,
        shown: shown.into(),
    })
}

fn at_socket(url: &Url) -> Result<Address, AddressError> {
    let (mut user, mut password, mut database) = (None, None, 0);
    for (name, value) in url.query_pairs() {
        match name.as_ref() {
            "user" => user = Some(value.into_owned()),
            "password" => password = Some(value.into_owned()),
            "db" => database = value.parse().map_err(|_| AddressError::Database)?,
            _ => return Err(AddressError::UnknownParameter(name.into_owned(), "unix")),
        }
    }
    let path = decoded(url.path()).filter(|path| path.starts_with('/'));
    let path = path.filter(|_| url.host_str().is_none_or(str::is_empty));
    let path = path.ok_or(AddressError::Missing("path of a socket"))?;
    let is_secret = password.is_some();
    Ok(Address {
        credentials: credentials(user, password)?,
        database,
        authority: None,
        shown: match is_secret {
            true => format!("unix:{path}?password=***"),
            false => format!("unix:{path}"),
        },
        place: Place::Socket(path.into()),
    })
}

fn credentials(
    user: Option<String>,
    password: Option<String>,
) -> Result<Option<Credentials>, AddressError> {
    match (user, password) {
        (None, None) => Ok(None),
        // A password on its own is easily put where the user belongs.
        (Some(_), None) => Err(AddressError::Missing("password beside the user")),
        (user, Some(password)) => Ok(Some(Credentials {
            user: user.unwrap_or_else(|| DEFAULT_USER.to_owned()),
            password: Zeroizing::new(password),
        })),
    }
}

fn decoded(written: &str) -> Option<String> {
    let text = percent_decode_str(written).decode_utf8().ok()?;
    let is_good = !text.is_empty() && !text.contains('\0');
    is_good.then(|| text.into_owned())
}

fn is_loopback(host: &str) -> bool {
    let is_loopback = |address: IpAddr| address.to_canonical().is_loopback();
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(is_loopback)
}

impl fmt::Display for Address {
    /// Without the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Address").field(&self.shown).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(written: &str) -> Result<Address, AddressError> {
        written.parse()
    }

    fn who(address: &Address) -> Option<(&str, &str)> {
        let credentials = address.credentials.as_ref()?;
        Some((&credentials.user, &credentials.password))
    }

    #[test]
    fn a_url_says_who_where_and_how_safely() {
        let far = read("rediss://signet:p%40ss@redis.example.com/2?sslrootcert=/ca.pem").unwrap();
        assert!(far.is_encrypted() && !far.is_local());
        assert_eq!(who(&far), Some(("signet", "p@ss")));
        assert_eq!((far.database, far.authority), (2, Some("/ca.pem".into())));
        assert!(matches!(far.place, Place::Network { port: 6379, .. }));
        for near in [
            "redis://localhost",
            "redis://127.0.0.1:7000/",
            "redis://[::1]",
        ] {
            let near = read(near).unwrap();
            assert!(near.is_local() && !near.is_encrypted(), "{near}");
            assert_eq!(who(&near), None);
        }
        assert!(!read("redis://10.0.0.1").unwrap().is_local());
        let default = read("redis://:secret@localhost").unwrap();
        assert_eq!(who(&default), Some(("default", "secret")));
        let socket = read("unix:/run/redis/redis.sock?user=signet&password=p%40ss&db=1").unwrap();
        assert_eq!(who(&socket), Some(("signet", "p@ss")));
        assert!(socket.is_local() && socket.database == 1);
        assert!(matches!(&socket.place, Place::Socket(path) if path.ends_with("redis.sock")));
        assert!(read("unix:///run/redis.sock").is_ok());
    }

    #[test]
    fn the_password_is_never_shown() {
        for (written, expected) in [
            ("redis://me:secret@host:1/0", "redis://me:***@host:1/0"),
            ("redis://:secret@host", "redis://:***@host"),
            (
                "unix:/sock?user=me&password=secret",
                "unix:/sock?password=***",
            ),
        ] {
            let address = read(written).unwrap();
            let shown = format!("{address} {address:?}");
            assert!(shown.contains(expected), "{shown}");
            assert!(!shown.contains("secret"), "{shown}");
        }
    }

    #[test]
    fn what_a_library_would_mend_is_refused() {
        let parameter =
            |name: &str, scheme| AddressError::UnknownParameter(name.to_owned(), scheme);
        for (written, problem) in [
            ("localhost:6379", AddressError::NotAUrl),
            ("http://localhost", AddressError::NotAUrl),
            ("redis://localhost#insecure", AddressError::NotAUrl),
            ("redis://", AddressError::Missing("host")),
            ("redis:6379", AddressError::Missing("host")),
            (
                "redis://secret@host",
                AddressError::Missing("password beside the user"),
            ),
            ("redis://host/zero", AddressError::Database),
            (
                "redis://host?sslrootcert=/ca",
                parameter("sslrootcert", "redis"),
            ),
            ("rediss://host?insecure=1", parameter("insecure", "rediss")),
            ("unix:redis.sock", AddressError::Missing("path of a socket")),
            (
                "unix://run/redis.sock",
                AddressError::Missing("path of a socket"),
            ),
            ("unix:/sock?pass=secret", parameter("pass", "unix")),
            ("unix:/sock?db=-1", AddressError::Database),
        ] {
            assert_eq!(read(written).unwrap_err(), problem, "{written}");
        }
    }
}
