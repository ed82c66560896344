//! An authority and a certificate, as a platform has them that signs its own.

use std::fs;
use std::path::PathBuf;

use crate::server::{command, installed, run};

/// The name of a server that isn't this machine, as far as anybody can tell from its name.
pub const NAME: &str = "database.signet.test";

/// An authority that nobody else knows, and a server's certificate that it signed.
#[derive(Debug)]
pub struct Certificates {
    folder: tempfile::TempDir,
}

impl Certificates {
    /// Makes them with openssl, for `localhost` and [`NAME`].
    #[must_use]
    pub fn make() -> Self {
        Self::make_for(&["localhost", NAME])
    }

    /// The same for these names.
    #[must_use]
    pub fn make_for(names: &[&str]) -> Self {
        installed("openssl", ["/usr/bin/openssl".into()]);
        let folder = tempfile::tempdir().unwrap();
        // Servers that run as somebody else read them.
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        fs::set_permissions(folder.path(), mode).unwrap();
        let made = Self { folder };
        made.openssl(
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 \
             -subj /CN=authority -keyout authority.key -out authority.pem",
        );
        made.openssl(
            "req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=localhost \
             -keyout server.key -out server.csr",
        );
        let names: Vec<String> = names.iter().map(|name| format!("DNS:{name}")).collect();
        let names = names.join(",");
        let extensions = format!("subjectAltName={names}\nbasicConstraints=CA:FALSE\n");
        fs::write(made.path("names"), extensions).unwrap();
        made.openssl(
            "x509 -req -in server.csr -CA authority.pem -CAkey authority.key -CAcreateserial \
             -days 2 -extfile names -out server.pem",
        );
        made
    }

    /// The authority's certificate.
    #[must_use]
    pub fn authority(&self) -> PathBuf {
        self.path("authority.pem")
    }

    /// The server's certificate.
    #[must_use]
    pub fn certificate(&self) -> PathBuf {
        self.path("server.pem")
    }

    /// Its public key, as it stands in it (SubjectPublicKeyInfo, DER).
    #[must_use]
    pub fn public_key(&self) -> Vec<u8> {
        self.openssl("pkey -in server.key -pubout -outform der -out server.pub");
        fs::read(self.path("server.pub")).unwrap()
    }

    /// Its key.
    #[must_use]
    pub fn key(&self) -> PathBuf {
        self.path("server.key")
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn openssl(&self, arguments: &str) {
        let mut words = vec!["openssl"];
        words.extend(arguments.split_whitespace());
        run(command(&words).current_dir(self.folder.path()));
    }
}
