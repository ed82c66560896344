//! Opening the database: reaching the server, and what it has to be. Whatever stops the start is
//! told as what it is, with what to do about it.

use std::{fs, io};

use signet_core::ports::StoreError;
use signet_core::schema::SchemaStatus;
use sqlx::{Error, postgres::PgDatabaseError};

use super::address::Address;
use super::migrate;
use super::pool::Pool;
use super::transaction::{Access, LIMITS, Transaction};

/// The first version that is tested, as the server counts them.
const OLDEST_SERVER: i32 = 150_000;

/// Why the database can't be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Nobody answers there.
    #[error(
        "can't reach the PostgreSQL server at {address}: {source}. Start it, or set database_url \
         to where it is"
    )]
    Unreachable {
        /// The database, without the password.
        address: String,
        /// What the system says.
        source: Error,
    },
    /// It isn't who it should be, or speaks no TLS.
    #[error(
        "can't trust the PostgreSQL server at {address}: {source}. Give the certificate of who \
         signed its own as sslrootcert in database_url, and its name there as the host; \
         sslmode=disable is for networks that nobody else can listen to"
    )]
    Untrusted {
        /// The database, without the password.
        address: String,
        /// What TLS says.
        source: Error,
    },
    /// The certificate of the authority can't be read.
    #[error(
        "can't read {path}, which sslrootcert in database_url names: {source}. Put the certificate \
         of whoever signed the server's own there"
    )]
    Authority {
        /// The file.
        path: String,
        /// What the system says.
        source: io::Error,
    },
    /// The server doesn't take the user or the password.
    #[error(
        "the PostgreSQL server at {address} refuses the user: {message}. Set the user and the \
         password in database_url, percent-encoded, and see what pg_hba.conf allows"
    )]
    Refused {
        /// The database, without the password.
        address: String,
        /// What the server says.
        message: String,
    },
    /// The server has no such database.
    #[error(
        "the PostgreSQL server at {address} has no such database: {message}. Make it with CREATE \
         DATABASE, or set database_url to another one"
    )]
    NoDatabase {
        /// The database, without the password.
        address: String,
        /// What the server says.
        message: String,
    },
    /// The server is older than what Signet is tested with.
    #[error(
        "the PostgreSQL server at {address} is too old: it is version {version}, and Signet needs \
         15 or later. Upgrade it, or set database_url to another one"
    )]
    OldServer {
        /// The database, without the password.
        address: String,
        /// Its version.
        version: String,
    },
    /// The role may not do what is needed.
    #[error(
        "the role that database_url names lacks a right in {address}: {message}. As the owner of \
         the database, run: CREATE SCHEMA IF NOT EXISTS signet; ALTER SCHEMA signet OWNER TO \
         \"{role}\"; and give it the tables in there, if there are any"
    )]
    NoRight {
        /// The database, without the password.
        address: String,
        /// The role.
        role: String,
        /// What the server says.
        message: String,
    },
    /// A newer release has been here.
    #[error(
        "the schema was migrated by a newer release (to {version}); start that one, or restore a \
         backup from before"
    )]
    Newer {
        /// A migration that this release doesn't know.
        version: i64,
    },
    /// A migration isn't what it was when it was applied.
    #[error(
        "migration {version} is not the one that was applied to the schema; start an official \
         release, or restore a backup"
    )]
    Changed {
        /// The migration.
        version: i64,
    },
    /// The server says no in another way.
    #[error("the PostgreSQL server can't be used: {0}")]
    Server(#[from] Error),
    /// A change of the schema couldn't be made durable.
    #[error("can't migrate the schema: {0}")]
    Migrate(#[from] StoreError),
}

pub(super) async fn open(address: &Address) -> Result<Pool, OpenError> {
    let pool = pool(address, address.pool_size)?;
    let opened = async {
        check_server(&pool, address).await?;
        migrate::migrate(&pool).await
    };
    match opened.await {
        Ok(()) => Ok(pool),
        Err(error) => Err(explain(error, address)),
    }
}

pub(super) async fn schema(address: &Address) -> Result<SchemaStatus, OpenError> {
    let pool = pool(address, 1)?;
    let looked = async {
        check_server(&pool, address).await?;
        migrate::status(&pool).await
    };
    let status = looked.await.map_err(|error| explain(error, address));
    pool.close().await;
    status
}

fn pool(address: &Address, size: u32) -> Result<Pool, OpenError> {
    if let Some(path) = &address.authority {
        fs::read(path).map_err(|source| OpenError::Authority {
            path: path.display().to_string(),
            source,
        })?;
    }
    Ok(Pool::new(address.options.clone(), size))
}

async fn check_server(pool: &Pool, address: &Address) -> Result<(), OpenError> {
    let mut tx = Transaction::begin(pool, Access::Snapshot, LIMITS).await?;
    let server = sqlx::query!(
        r#"SELECT current_setting('server_version_num')::int AS "number!",
                  current_setting('server_version') AS "name!""#
    )
    .fetch_one(&mut tx)
    .await?;
    if server.number < OLDEST_SERVER {
        return Err(OpenError::OldServer {
            address: address.to_string(),
            version: server.name,
        });
    }
    Ok(())
}

/// Which of the things that go wrong at a start an error is.
fn explain(error: OpenError, address: &Address) -> OpenError {
    let error = match error {
        OpenError::Server(error) => error,
        OpenError::Migrate(StoreError::Unavailable(source)) => match source.downcast::<Error>() {
            Ok(error) => *error,
            Err(source) => return OpenError::Migrate(StoreError::Unavailable(source)),
        },
        told => return told,
    };
    let address_shown = address.to_string();
    match &error {
        Error::Io(source) if is_about_certificates(source) => OpenError::Untrusted {
            address: address_shown,
            source: error,
        },
        Error::Tls(_) => OpenError::Untrusted {
            address: address_shown,
            source: error,
        },
        Error::Io(_) | Error::PoolTimedOut => OpenError::Unreachable {
            address: address_shown,
            source: error,
        },
        Error::Database(database) => {
            let code = database.code().unwrap_or_default();
            let message = told(database.as_ref());
            match Complaint::of(&code, &message) {
                Complaint::Credentials => OpenError::Refused {
                    address: address_shown,
                    message,
                },
                Complaint::Database => OpenError::NoDatabase {
                    address: address_shown,
                    message,
                },
                Complaint::Rights => OpenError::NoRight {
                    address: address_shown,
                    role: address.options.get_username().to_owned(),
                    message,
                },
                Complaint::Other => OpenError::Server(error),
            }
        }
        _ => OpenError::Server(error),
    }
}

/// What a server complains about, as far as an operator can do something.
#[derive(Debug, Eq, PartialEq)]
enum Complaint {
    Credentials,
    Database,
    Rights,
    Other,
}

impl Complaint {
    /// PostgreSQL has a code for each. PgBouncer has one for all (protocol_violation), Supavisor
    /// another one (internal_error), and words.
    fn of(code: &str, message: &str) -> Self {
        match code {
            "28P01" | "28000" => Self::Credentials,
            "3D000" => Self::Database,
            "42501" => Self::Rights,
            "08P01" if message.starts_with("database ") || message.contains("such database") => {
                Self::Database
            }
            "08P01" if message.contains("auth") || message.contains("no such user") => {
                Self::Credentials
            }
            "XX000" if message.contains("user not found") => Self::Credentials,
            _ => Self::Other,
        }
    }
}

fn told(error: &(dyn sqlx::error::DatabaseError + 'static)) -> String {
    let Some(error) = error.try_downcast_ref::<PgDatabaseError>() else {
        return error.message().to_owned();
    };
    match error.hint() {
        Some(hint) => format!("{} ({hint})", error.message()),
        None => error.message().to_owned(),
    }
}

/// rustls tells through an error of the socket what it thinks of a certificate.
fn is_about_certificates(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::InvalidData
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn complaints_of_servers_and_poolers_are_told_apart() {
        for (code, message, complaint) in [
            (
                "28P01",
                "password authentication failed",
                Complaint::Credentials,
            ),
            ("28000", "no pg_hba.conf entry", Complaint::Credentials),
            (
                "08P01",
                "password authentication failed",
                Complaint::Credentials,
            ),
            (
                "08P01",
                "SASL authentication failed",
                Complaint::Credentials,
            ),
            ("08P01", "no such user: signet", Complaint::Credentials),
            (
                "3D000",
                "database \"x\" does not exist",
                Complaint::Database,
            ),
            ("08P01", "no such database: x", Complaint::Database),
            (
                "08P01",
                "database \"x\" does not exist",
                Complaint::Database,
            ),
            (
                "42501",
                "permission denied for schema signet",
                Complaint::Rights,
            ),
            ("XX000", "Tenant or user not found", Complaint::Credentials),
            ("08P01", "server conn crashed?", Complaint::Other),
            ("53300", "too many connections", Complaint::Other),
        ] {
            assert_eq!(Complaint::of(code, message), complaint, "{code} {message}");
        }
    }
}
