//! An authority and a certificate, as a platform has them that signs its own.

use std::fs;
use std::path::PathBuf;

use crate::server::{command, installed, run};

/// The name of a server that isn't this machine, as far as anybody can tell from its name.
pub const NAME: &str = "database.signet.test";

/// An authority that nobody else knows, and a certificate of `localhost` and of [`NAME`] that it
/// signed.
#[derive(Debug)]
pub struct Certificates {
    folder: tempfile::TempDir,
}

impl Certificates {
    /// Makes them with openssl.
    #[must_use]
    pub fn make() -> Self {
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
        let names = format!("subjectAltName=DNS:localhost,DNS:{NAME}");
        let extensions = format!("{names}\nbasicConstraints=CA:FALSE\n");
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

    /// The certificate of `localhost` and of [`NAME`].
    #[must_use]
    pub fn certificate(&self) -> PathBuf {
        self.path("server.pem")
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
