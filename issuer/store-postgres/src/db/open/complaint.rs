//! What a start stumbled over, told from what the server, a pooler or TLS said.

use std::io;

use signet_core::ports::StoreError;
use sqlx::{Error, postgres::PgDatabaseError};

use super::{Address, OpenError};

/// Which of the things that go wrong at a start an error is.
pub(in crate::db) fn explain(error: OpenError, address: &Address) -> OpenError {
    let error = match error {
        OpenError::Server(error) => error,
        OpenError::Migrate(StoreError::Unavailable(source))
        | OpenError::Keys(StoreError::Unavailable(source)) => match source.downcast::<Error>() {
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
                Complaint::ReadOnly => OpenError::ReadOnly {
                    address: address_shown,
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
    ReadOnly,
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
            "25006" => Self::ReadOnly,
            // feature_not_supported is what a standby says of a transaction that may write.
            "0A000" if message.contains("recovery") => Self::ReadOnly,
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
            (
                "0A000",
                "cannot set transaction read-write mode during recovery",
                Complaint::ReadOnly,
            ),
            ("0A000", "cached plan must not change", Complaint::Other),
            ("53300", "too many connections", Complaint::Other),
        ] {
            assert_eq!(Complaint::of(code, message), complaint, "{code} {message}");
        }
    }
}
