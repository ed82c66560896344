//! What an error of SQLite means to who asked.

use signet_core::ports::StoreError;
use sqlx::Error;

/// Primary result codes after which the same may work later: BUSY, LOCKED, NOMEM, READONLY,
/// INTERRUPT, IOERR, FULL, CANTOPEN, PROTOCOL (<https://sqlite.org/rescode.html>).
const PASSING: [u32; 9] = [5, 6, 7, 8, 9, 10, 13, 14, 15];

/// Later it may work again, or the file is not what it should be.
pub(crate) fn db(error: Error) -> StoreError {
    let passes = match &error {
        Error::Database(database) => database.code().is_some_and(|code| is_passing(&code)),
        Error::Io(_) | Error::PoolTimedOut | Error::PoolClosed | Error::WorkerCrashed => true,
        _ => false,
    };
    if passes {
        StoreError::Unavailable(Box::new(error))
    } else {
        StoreError::Corrupt(error.to_string())
    }
}

/// The low byte of an extended result code is the primary one.
fn is_passing(code: &str) -> bool {
    code.parse::<u32>()
        .is_ok_and(|code| PASSING.contains(&(code & 0xFF)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_passes_is_told_from_what_is_broken() {
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
