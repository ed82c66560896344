//! What an error of PostgreSQL means to who asked.

use std::io;

use signet_core::ports::StoreError;
use sqlx::Error;
use sqlx::postgres::{PgDatabaseError, PgSeverity};

/// Beginnings of SQLSTATE codes after which the same may work later: connections (and all that
/// PgBouncer says), credentials or rights that were changed or a database that is gone, a standby (for which
/// a transaction that writes is a feature not supported), lost races, resources, locks, operators,
/// the system, and what Supavisor says
/// (<https://www.postgresql.org/docs/current/errcodes-appendix.html>).
const PASSING: [&str; 12] = [
    "08", "0A000", "28", "3D", "25006", "40", "42501", "53", "55P03", "57", "58", "XX000",
];

/// An operation lost against another one: could not serialize, or a deadlock. All of it is undone.
const CONFLICTS: [&str; 2] = ["40001", "40P01"];

/// Later it may work again, or the database is not what it should be.
pub(crate) fn db(error: Error) -> StoreError {
    let passes = match &error {
        Error::Database(database) => database.code().is_some_and(|code| is_passing(&code)),
        // An answer that makes no sense comes from a connection that broke in the middle; it is
        // not used again.
        Error::Io(_)
        | Error::Tls(_)
        | Error::Protocol(_)
        | Error::PoolTimedOut
        | Error::PoolClosed => true,
        _ => false,
    };
    if passes {
        StoreError::Unavailable(Box::new(error))
    } else {
        StoreError::Corrupt(error.to_string())
    }
}

/// Whether PostgreSQL undid the operation because another one was first.
pub(super) fn is_conflict(error: &StoreError) -> bool {
    let StoreError::Unavailable(source) = error else {
        return false;
    };
    source
        .downcast_ref::<Error>()
        .and_then(Error::as_database_error)
        .and_then(|database| database.code())
        .is_some_and(|code| CONFLICTS.contains(&code.as_ref()))
}

/// Whether a connection is as good as before once the transaction is rolled back: the server
/// refused a statement, and no more than that.
pub(super) fn leaves_connection_sound(error: &Error) -> bool {
    error
        .as_database_error()
        .and_then(|database| database.try_downcast_ref::<PgDatabaseError>())
        .is_some_and(|error| error.severity() == PgSeverity::Error)
}

pub(super) fn timed_out(what: &'static str) -> Error {
    Error::Io(io::Error::new(io::ErrorKind::TimedOut, what))
}

fn is_passing(code: &str) -> bool {
    PASSING.iter().any(|beginning| code.starts_with(beginning))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_passes_is_told_from_what_is_broken() {
        // connection_failure, PgBouncer's, feature_not_supported, invalid_password, read_only_sql_transaction,
        // deadlock_detected, insufficient_privilege, disk_full, too_many_connections, lock_not_available, query_canceled,
        // admin_shutdown, cannot_connect_now, io_error
        for code in [
            "08006", "08P01", "0A000", "28P01", "25006", "40P01", "42501", "53100", "53300",
            "55P03", "57014", "57P01", "57P03", "58030",
        ] {
            assert!(is_passing(code), "{code}");
        }
        // not_null_violation, unique_violation, undefined_table, raise_exception, data_corrupted, in_failed_sql_transaction, and what is no code
        for code in ["23502", "23505", "42P01", "P0001", "XX001", "25P02", ""] {
            assert!(!is_passing(code), "{code}");
        }
        let timed_out = db(timed_out("a statement"));
        assert!(matches!(timed_out, StoreError::Unavailable(_)));
        assert!(!is_conflict(&timed_out));
        let missing = db(Error::RowNotFound);
        assert!(matches!(missing, StoreError::Corrupt(_)));
    }
}
