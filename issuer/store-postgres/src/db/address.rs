//! Where the database is: a `postgres://` URL, read strictly. What sqlx would pass over or mend (an
//! unknown parameter, a mode that encrypts without looking at whom it talks to) is refused.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::str::FromStr;

use percent_encoding::percent_decode_str;
use sqlx::ConnectOptions as _;
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use url::Url;

/// How many connections there are where the URL doesn't say.
const POOL_SIZE: u32 = 10;
/// The most connections one process may have.
const LARGEST_POOL: u32 = 200;

/// A database on a server.
#[derive(Clone)]
pub struct Address {
    pub(super) options: PgConnectOptions,
    pub(super) pool_size: u32,
    /// The certificate of an authority that is trusted beside those of the system.
    pub(super) authority: Option<PathBuf>,
    shown: String,
    is_encrypted: bool,
    is_local: bool,
}

/// Why a URL names no database.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum AddressError {
    /// It is no URL, or that of something else.
    #[error("is no URL of the form postgres://USER:PASSWORD@HOST/DATABASE")]
    NotAUrl,
    /// What ends a password early, or stands for nothing: a part of it would be taken for the host.
    #[error(
        "has an @, a / or a % where there can be none: write them as %40, %2F and %25 in the user \
         and the password"
    )]
    Unencoded,
    /// Something is left out that a library would fill in from who runs the process.
    #[error("names no {0}")]
    Missing(&'static str),
    /// A parameter that means nothing here.
    #[error("has the parameter {0}, which is none of sslmode, sslrootcert and pool_size")]
    UnknownParameter(String),
    /// A mode that looks safer than it is.
    #[error("has sslmode={0}, which is neither verify-full nor disable")]
    SslMode(String),
    /// A certificate is given where none is looked at.
    #[error("has sslrootcert beside sslmode=disable, which looks at no certificate")]
    UnusedCertificate,
    /// A number that is none, or out of bounds.
    #[error("has a pool_size that is no whole number from 1 to 200")]
    PoolSize,
}

impl Address {
    /// Whether what goes to the server is encrypted, and its certificate checked.
    #[must_use]
    pub fn is_encrypted(&self) -> bool {
        self.is_encrypted
    }

    /// Whether the server is on this machine.
    #[must_use]
    pub fn is_local(&self) -> bool {
        self.is_local
    }
}

/// What the parameters of a URL say.
#[derive(Default)]
struct Parameters {
    ssl_mode: Option<PgSslMode>,
    ssl_root_cert: Option<String>,
    pool_size: Option<u32>,
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(written: &str) -> Result<Self, AddressError> {
        let url = Url::parse(written).map_err(|_| AddressError::NotAUrl)?;
        if !matches!(url.scheme(), "postgres" | "postgresql") || url.fragment().is_some() {
            return Err(AddressError::NotAUrl);
        }
        if !is_encoded(&url) {
            return Err(AddressError::Unencoded);
        }
        let parameters = Parameters::read(&url)?;
        let host = host(&url)?;
        let user = decoded(url.username()).ok_or(AddressError::Missing("user"))?;
        let database = url.path().strip_prefix('/').and_then(decoded);
        let database = database.ok_or(AddressError::Missing("database"))?;
        let is_local = is_local(&host);
        let ssl_mode = parameters.ssl_mode.unwrap_or(match is_local {
            true => PgSslMode::Disable,
            false => PgSslMode::VerifyFull,
        });
        let is_encrypted = matches!(ssl_mode, PgSslMode::VerifyFull);
        let mut options = PgConnectOptions::new_without_pgpass()
            .port(url.port().unwrap_or(5432))
            .username(&user)
            .database(&database)
            .ssl_mode(ssl_mode)
            .application_name("signet")
            // A pooler knows no such setting, and there are no floats.
            .extra_float_digits(None)
            .statement_cache_capacity(0)
            .disable_statement_logging();
        options = match host.starts_with('/') {
            true => options.socket(&host),
            false => options.host(&host),
        };
        if let Some(password) = url.password() {
            let password = percent_decode_str(password).decode_utf8_lossy();
            options = options.password(&password);
        }
        let authority = parameters.ssl_root_cert.map(PathBuf::from);
        if let Some(path) = &authority {
            if !is_encrypted {
                return Err(AddressError::UnusedCertificate);
            }
            options = options.ssl_root_cert(path);
        }
        Ok(Self {
            options,
            pool_size: parameters.pool_size.unwrap_or(POOL_SIZE),
            authority,
            shown: shown(&url),
            is_encrypted,
            is_local,
        })
    }
}

impl Parameters {
    fn read(url: &Url) -> Result<Self, AddressError> {
        let mut read = Self::default();
        for (name, value) in url.query_pairs() {
            match name.as_ref() {
                "sslrootcert" if !value.is_empty() => {
                    read.ssl_root_cert = Some(value.into_owned());
                }
                "sslmode" => {
                    read.ssl_mode = Some(match value.as_ref() {
                        "verify-full" => PgSslMode::VerifyFull,
                        "disable" => PgSslMode::Disable,
                        _ => return Err(AddressError::SslMode(value.into_owned())),
                    });
                }
                "pool_size" => {
                    let size = value.parse().ok();
                    let size = size.filter(|size| (1..=LARGEST_POOL).contains(size));
                    read.pool_size = Some(size.ok_or(AddressError::PoolSize)?);
                }
                _ => return Err(AddressError::UnknownParameter(name.into_owned())),
            }
        }
        Ok(read)
    }
}

/// Whether all parts are where they seem to be.
fn is_encoded(url: &Url) -> bool {
    let path = url.path().trim_start_matches('/');
    let parts = [url.username(), url.password().unwrap_or_default(), path];
    !path.contains(['@', '/']) && parts.into_iter().all(has_whole_escapes)
}

/// Whether two hexadecimal digits follow each percent sign.
fn has_whole_escapes(text: &str) -> bool {
    text.split('%').skip(1).all(|rest| {
        let digits = rest.as_bytes().first_chunk::<2>();
        digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    })
}

/// The host's name, its address, or the folder of its socket.
fn host(url: &Url) -> Result<String, AddressError> {
    let named = url.host_str().filter(|host| !host.is_empty());
    let named = named.ok_or(AddressError::Missing("host"))?;
    let bare = named.trim_start_matches('[').trim_end_matches(']');
    decoded(bare).ok_or(AddressError::NotAUrl)
}

fn decoded(written: &str) -> Option<String> {
    let text = percent_decode_str(written).decode_utf8().ok()?;
    let is_good = !text.is_empty() && !text.contains('\0');
    is_good.then(|| text.into_owned())
}

fn is_local(host: &str) -> bool {
    let is_loopback = |address: IpAddr| address.to_canonical().is_loopback();
    host.starts_with('/') || host == "localhost" || host.parse::<IpAddr>().is_ok_and(is_loopback)
}

/// The URL without its password.
fn shown(url: &Url) -> String {
    let mut shown = url.clone();
    if shown.password().is_some() {
        let _a_url_with_a_password_may_have_another = shown.set_password(Some("***"));
    }
    shown.into()
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

    #[test]
    fn a_url_says_who_where_and_how_safely() {
        let far = read("postgres://signet:p%40ss@db.example.com:6543/postgres").unwrap();
        assert!(far.is_encrypted() && !far.is_local());
        assert_eq!(far.options.get_host(), "db.example.com");
        assert_eq!(far.options.get_port(), 6543);
        assert_eq!(far.options.get_username(), "signet");
        assert_eq!(far.options.get_database(), Some("postgres"));
        assert_eq!(far.pool_size, POOL_SIZE);
        for near in [
            "postgresql://signet@localhost/signet",
            "postgres://signet@127.0.0.1/signet",
            "postgres://signet@[::1]/signet",
            "postgres://signet@%2Frun%2Fpostgresql/signet",
        ] {
            let near = read(near).unwrap();
            assert!(near.is_local() && !near.is_encrypted(), "{near}");
        }
        let socket = read("postgres://signet@%2Frun%2Fpostgresql/signet").unwrap();
        let folder = socket.options.get_socket().unwrap();
        assert_eq!(folder.to_str(), Some("/run/postgresql"));
        let chosen = read("postgres://a@db/b?sslmode=disable&pool_size=3").unwrap();
        assert!(!chosen.is_encrypted() && !chosen.is_local());
        assert_eq!(chosen.pool_size, 3);
        let checked = "postgres://a@localhost/b?sslmode=verify-full&sslrootcert=/etc/ca.pem";
        assert!(read(checked).unwrap().is_encrypted());
    }

    #[test]
    fn the_password_is_never_shown() {
        let address = read("postgres://signet:secret@db.example.com/signet").unwrap();
        let shown = format!("{address} {address:?}");
        assert!(
            shown.contains("signet:***@db.example.com/signet"),
            "{shown}"
        );
        assert!(!shown.contains("secret"), "{shown}");
    }

    #[test]
    fn what_a_library_would_mend_is_refused() {
        let parameter = |name: &str| AddressError::UnknownParameter(name.to_owned());
        let mode = |mode: &str| AddressError::SslMode(mode.to_owned());
        for (written, problem) in [
            ("postgres:signet", AddressError::Missing("host")),
            ("postgres://", AddressError::Missing("host")),
            ("mysql://a@b/c", AddressError::NotAUrl),
            ("postgres://a:p@ss/w@b/c", AddressError::Unencoded),
            ("postgres://a:p/w@b/c", AddressError::NotAUrl),
            ("postgres://a:%ZZ@b/c", AddressError::Unencoded),
            ("postgres://a:p%4@b/c", AddressError::Unencoded),
            ("postgres://a@b/c#d", AddressError::NotAUrl),
            ("postgres://b/c", AddressError::Missing("user")),
            ("postgres://a@b", AddressError::Missing("database")),
            ("postgres://a@b/", AddressError::Missing("database")),
            ("postgres://a@b/c?sslmod=disable", parameter("sslmod")),
            ("postgres://a@b/c?options=-cx=y", parameter("options")),
            ("postgres://a@b/c?host=other", parameter("host")),
            ("postgres://a@b/c?sslmode=require", mode("require")),
            ("postgres://a@b/c?sslmode=prefer", mode("prefer")),
            ("postgres://a@b/c?pool_size=0", AddressError::PoolSize),
            ("postgres://a@b/c?pool_size=x", AddressError::PoolSize),
            (
                "postgres://a@b/c?sslmode=disable&sslrootcert=/ca",
                AddressError::UnusedCertificate,
            ),
        ] {
            assert_eq!(read(written).unwrap_err(), problem, "{written}");
        }
    }
}
