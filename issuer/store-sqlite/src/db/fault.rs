//! What an error of SQLite means to who asked.

use std::sync::Arc;

use signet_core::ports::StoreError;
use sqlx::Error;

/// Primary result codes after which the same may work later: BUSY, LOCKED, NOMEM, READONLY,
/// INTERRUPT, IOERR, FULL, CANTOPEN, PROTOCOL (<https://sqlite.org/rescode.html>).
const PASSING: [u32; 9] = [5, 6, 7, 8, 9, 10, 13, 14, 15];

/// The primary result code of a file that another process writes to.
const BUSY: u32 = 5;

/// Later it may work again, or the file is not what it should be.
pub(crate) fn db(error: Error) -> StoreError {
    if passes(&error) {
        StoreError::Unavailable(Box::new(error))
    } else {
        StoreError::Corrupt(error.to_string())
    }
}

/// The same for each of those whom one error hit.
pub(super) fn db_for_many(error: &Arc<Error>) -> StoreError {
    if passes(error) {
        StoreError::Unavailable(Box::new(Arc::clone(error)))
    } else {
        StoreError::Corrupt(error.to_string())
    }
}

/// Whether another process is writing.
pub(super) fn is_busy(error: &Error) -> bool {
    primary_code(error) == Some(BUSY)
}

fn passes(error: &Error) -> bool {
    match error {
        Error::Database(_) => primary_code(error).is_some_and(|code| PASSING.contains(&code)),
        Error::Io(_) | Error::PoolTimedOut | Error::PoolClosed | Error::WorkerCrashed => true,
        _ => false,
    }
}

fn primary_code(error: &Error) -> Option<u32> {
    primary(&error.as_database_error()?.code()?)
}

/// The low byte of an extended result code is the primary one.
fn primary(code: &str) -> Option<u32> {
    Some(code.parse::<u32>().ok()? & 0xFF)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_passes_is_told_from_what_is_broken() {
        let is_passing = |code| primary(code).is_some_and(|code| PASSING.contains(&code));
        // BUSY, BUSY_SNAPSHOT, IOERR_WRITE, FULL, READONLY_DBMOVED
        for code in ["5", "517", "778", "13", "1032"] {
            assert!(is_passing(code), "{code}");
        }
        // ERROR, CORRUPT, CONSTRAINT_UNIQUE, NOTADB, and what is no code
        for code in ["1", "11", "2067", "26", "", "-5"] {
            assert!(!is_passing(code), "{code}");
        }
        let timed_out = db(Error::PoolTimedOut);
        assert!(matches!(timed_out, StoreError::Unavailable(_)));
        let missing = db(Error::RowNotFound);
        assert!(matches!(missing, StoreError::Corrupt(_)));
    }
}
