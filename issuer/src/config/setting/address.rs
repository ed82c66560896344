//! Settings that say where something is.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;

use ipnet::IpNet;
use signet_store_postgres::AddressError;
use url::Url;

use super::{Refusal, Setting, quoted, shown, shown_list, text, texts};
use crate::config::source::Raw;
use crate::http::cors::AllowedOrigins;

/// Where clients reach the issuer.
#[derive(Clone, Debug)]
pub(in crate::config) struct PublicUrl(pub(in crate::config) Url);

impl Setting for PublicUrl {
    fn kind() -> String {
        "scheme, host and port, such as `https://auth.example.com`".to_owned()
    }

    fn read(raw: &Raw) -> Result<Self, Refusal> {
        let written = text(raw)?;
        let url = web_url(written)?;
        let is_bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
        if !is_bare {
            return Err(Refusal::new(format!(
                "is {}, with more behind the host",
                quoted(written)
            )));
        }
        Ok(Self(url))
    }

    fn show(&self) -> String {
        shown(self.0.origin().ascii_serialization())
    }
}

/// A page of an application.
#[derive(Clone, Debug)]
pub(in crate::config) struct Page(pub(in crate::config) Url);

impl Setting for Page {
    fn kind() -> String {
        "the address of a page, such as `https://app.example.com/verify`".to_owned()
    }

    fn read(raw: &Raw) -> Result<Self, Refusal> {
        let written = text(raw)?;
        let url = web_url(written)?;
        if url.fragment().is_some() {
            let hint = "leave out what stands behind the #: the token goes there";
            return Err(Refusal::with_hint(format!("is {}", quoted(written)), hint));
        }
        Ok(Self(url))
    }

    fn show(&self) -> String {
        shown(&self.0)
    }
}

fn web_url(written: &str) -> Result<Url, Refusal> {
    let refused = || Refusal::new(format!("is {}", quoted(written)));
    let url = Url::parse(written).map_err(|_| refused())?;
    let is_web = matches!(url.scheme(), "http" | "https");
    let names_someone = !url.username().is_empty() || url.password().is_some();
    // What the parser would silently leave out or mend is a mistake here.
    let is_clean = written
        .chars()
        .all(|c| !c.is_control() && !c.is_whitespace() && c != '\\');
    if is_web && !names_someone && is_clean && url.has_host() {
        Ok(url)
    } else {
        Err(refused())
    }
}

/// Where everything is kept.
#[derive(Clone, Debug)]
pub enum Database {
    /// In a file.
    Sqlite(PathBuf),
    /// On a server.
    Postgres(Box<signet_store_postgres::Address>),
}

impl Setting for Database {
    fn kind() -> String {
        "`sqlite:` and a path, such as `sqlite:signet.db`, or \
         `postgres://USER:PASSWORD@HOST/DATABASE`"
            .to_owned()
    }

    fn read(raw: &Raw) -> Result<Self, Refusal> {
        let written = text(raw)?;
        if written.starts_with("postgres:") || written.starts_with("postgresql:") {
            // What was written holds a password, perhaps where none should be.
            let address = written.parse().map(Box::new).map(Self::Postgres);
            return address.map_err(|error: AddressError| Refusal::new(error.to_string()));
        }
        // The rest may hold a password, should it be another kind of database.
        let Some(path) = written.strip_prefix("sqlite:") else {
            return Err(Refusal::new(
                "starts with neither `sqlite:` nor `postgres:`",
            ));
        };
        let path = path.strip_prefix("//").unwrap_or(path);
        if path.is_empty() || path == ":memory:" || path.contains(['?', '#', '\0']) {
            return Err(Refusal::new(format!(
                "is {}, which names no file",
                quoted(written)
            )));
        }
        Ok(Self::Sqlite(path.into()))
    }

    fn show(&self) -> String {
        shown(self)
    }
}

impl fmt::Display for Database {
    /// The URL without a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            Self::Postgres(address) => write!(f, "{address}"),
        }
    }
}

/// The Redis server.
#[derive(Clone, Debug)]
pub(in crate::config) struct Redis(pub(in crate::config) Box<signet_store_redis::Address>);

impl Setting for Redis {
    fn kind() -> String {
        "`redis://USER:PASSWORD@HOST`, `rediss://…`, or `unix:` and the path of a socket".to_owned()
    }

    fn read(raw: &Raw) -> Result<Self, Refusal> {
        // What was written holds a password, perhaps where none should be.
        let address = text(raw)?.parse().map(Box::new).map(Self);
        address.map_err(|error: signet_store_redis::AddressError| Refusal::new(error.to_string()))
    }

    fn show(&self) -> String {
        shown(&self.0)
    }
}

/// The networks that proxies are in.
#[derive(Clone, Debug, Default)]
pub(in crate::config) struct Networks(pub(in crate::config) Vec<IpNet>);

impl Setting for Networks {
    fn kind() -> String {
        "a list of networks, such as `10.0.0.0/8` and `fd00::/8`".to_owned()
    }

    fn read(raw: &Raw) -> Result<Self, Refusal> {
        let hint = "name the networks of your proxies: whoever is in them can pretend to have any \
                    address";
        let networks = texts(raw)?.into_iter();
        let networks = networks.map(|written| network(written.parse().ok(), written, hint));
        networks.collect::<Result<_, _>>().map(Self)
    }

    fn show(&self) -> String {
        shown_list(self.0.iter())
    }
}

/// The addresses of proxies, one by one or as networks.
#[derive(Clone, Debug, Default)]
pub(in crate::config) struct Addresses(pub(in crate::config) Vec<IpNet>);

impl Setting for Addresses {
    fn kind() -> String {
        "a list of addresses and networks, such as `127.0.0.1` and `10.0.0.0/8`".to_owned()
    }

    fn read(raw: &Raw) -> Result<Self, Refusal> {
        let hint = "name the addresses of your proxies: whoever has one of them can ask about any \
                    request";
        let read = |written: &str| {
            let address = written.parse::<IpAddr>().map(IpNet::from);
            let found = address.ok().or_else(|| written.parse().ok());
            network(found, written, hint)
        };
        let addresses = texts(raw)?.into_iter().map(read);
        addresses.collect::<Result<_, _>>().map(Self)
    }

    fn show(&self) -> String {
        shown_list(self.0.iter())
    }
}

/// A network that was written, unless it is none or everyone; `hint` says why that can't be.
fn network(found: Option<IpNet>, written: &str, hint: &str) -> Result<IpNet, Refusal> {
    let network = found.ok_or_else(|| Refusal::new(format!("holds {}", quoted(written))))?;
    if network.prefix_len() == 0 {
        let problem = format!("holds {written}, which is everyone");
        return Err(Refusal::with_hint(problem, hint));
    }
    Ok(network.trunc())
}

/// The path of a policy.
#[derive(Clone, Debug)]
pub(in crate::config) struct PolicyFile(pub(in crate::config) PathBuf);

impl Setting for PolicyFile {
    fn kind() -> String {
        "the path of a policy, such as `policy.toml`".to_owned()
    }

    fn read(raw: &Raw) -> Result<Self, Refusal> {
        text(raw).map(|path| Self(path.into()))
    }

    fn show(&self) -> String {
        shown(self.0.display())
    }
}

/// The path of a list of passwords.
#[derive(Clone, Debug)]
pub(in crate::config) struct PasswordList(pub(in crate::config) PathBuf);

impl Setting for PasswordList {
    fn kind() -> String {
        "the path of a list that `signet passwords build` made".to_owned()
    }

    fn read(raw: &Raw) -> Result<Self, Refusal> {
        text(raw).map(|path| Self(path.into()))
    }

    fn show(&self) -> String {
        shown(self.0.display())
    }
}

/// The origins whose scripts may call the API.
#[derive(Clone, Debug, Default)]
pub(in crate::config) struct Origins {
    written: Vec<String>,
    pub(in crate::config) allowed: AllowedOrigins,
}

impl Setting for Origins {
    fn kind() -> String {
        "a list of origins: scheme, host, and the port unless it is the scheme's".to_owned()
    }

    fn read(raw: &Raw) -> Result<Self, Refusal> {
        let written = texts(raw)?;
        for origin in &written {
            if AllowedOrigins::parse([*origin]).is_err() {
                return Err(Refusal::new(format!("holds {}", quoted(origin))));
            }
        }
        let allowed = AllowedOrigins::parse(written.iter().copied())
            .map_err(|error| Refusal::new(error.to_string()))?;
        Ok(Self {
            written: written.into_iter().map(str::to_owned).collect(),
            allowed,
        })
    }

    fn show(&self) -> String {
        shown_list(self.written.iter())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(text: &str) -> Raw {
        Raw::Text(text.to_owned())
    }

    #[test]
    fn a_public_url_is_an_origin() {
        let read = |text: &str| PublicUrl::read(&raw(text)).map(|url| url.show());
        assert_eq!(
            read("https://Auth.Example.com:443/").unwrap(),
            "\"https://auth.example.com\""
        );
        assert_eq!(read("http://[::1]:8080").unwrap(), "\"http://[::1]:8080\"");
        for wrong in [
            "",
            "auth.example.com",
            "ftp://auth.example.com",
            "https://",
            "https://me@auth.example.com",
            "https://auth.example.com/path",
            "https://auth.example.com/?",
            "https://auth.example.com/#",
            "https://auth.example.com\n",
            " https://auth.example.com",
            "https:\\\\auth.example.com",
            "https://auth example.com",
            "javascript:alert(1)",
        ] {
            assert!(read(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_database_is_a_file() {
        for (written, path) in [
            ("sqlite:signet.db", "signet.db"),
            ("sqlite:/var/lib/signet.db", "/var/lib/signet.db"),
            ("sqlite://signet.db", "signet.db"),
            ("sqlite:///var/lib/signet.db", "/var/lib/signet.db"),
        ] {
            let Database::Sqlite(read) = Database::read(&raw(written)).unwrap() else {
                panic!("{written} is a file");
            };
            assert_eq!(read, PathBuf::from(path));
        }
        for wrong in [
            "sqlite:",
            "sqlite::memory:",
            "signet.db",
            "sqlite:x?mode=ro",
            "mysql://x",
        ] {
            assert!(Database::read(&raw(wrong)).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_database_is_on_a_server() {
        let read = Database::read(&raw("postgres://me:secret@host/db")).unwrap();
        assert_eq!(read.show(), "\"postgres://me:***@host/db\"");
        assert!(!format!("{read:?}").contains("secret"), "{read:?}");
        let refused = Database::read(&raw("postgres://me:secret@host")).unwrap_err();
        assert!(refused.problem.contains("no database"), "{refused:?}");
        assert!(!format!("{refused:?}").contains("secret"), "{refused:?}");
    }

    #[test]
    fn a_redis_server_is_shown_without_its_password() {
        let read = Redis::read(&raw("rediss://me:secret@host")).unwrap();
        assert_eq!(read.show(), "\"rediss://me:***@host\"");
        assert!(!format!("{read:?}").contains("secret"), "{read:?}");
        for wrong in [
            "redis://secret@host",
            "redis://me:secret@host?x=secret",
            "secret",
        ] {
            let refused = Redis::read(&raw(wrong)).unwrap_err();
            assert!(!format!("{refused:?}").contains("secret"), "{refused:?}");
        }
    }

    #[test]
    fn nobody_trusts_everyone() {
        let read = |text: &str| Networks::read(&raw(text)).map(|networks| networks.show());
        assert_eq!(
            read("10.1.2.3/8, fd00::/8").unwrap(),
            r#"["10.0.0.0/8", "fd00::/8"]"#
        );
        assert_eq!(read("").unwrap(), "[]");
        for wrong in ["0.0.0.0/0", "::/0", "10.0.0.0/33", "10.0.0.1", "everyone"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_address_is_the_smallest_network() {
        let read = |text: &str| Addresses::read(&raw(text)).map(|addresses| addresses.show());
        assert_eq!(
            read("127.0.0.1, ::1, 10.1.2.3/8").unwrap(),
            r#"["127.0.0.1/32", "::1/128", "10.0.0.0/8"]"#
        );
        assert_eq!(read("").unwrap(), "[]");
        for wrong in [
            "0.0.0.0/0",
            "::/0",
            "10.0.0.0/33",
            "127.0.0.1:80",
            "localhost",
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_page_leaves_the_fragment_to_the_token() {
        let read = |text: &str| Page::read(&raw(text)).map(|page| page.show());
        assert_eq!(
            read("https://app.example.com/v?x=1").unwrap(),
            "\"https://app.example.com/v?x=1\""
        );
        for wrong in [
            "https://app.example.com/#verify",
            "/verify",
            "data:text/html,x",
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
