//! Opening the database: reaching the server, and what it has to be. Whatever stops the start is
//! told as what it is, with what to do about it.

mod complaint;

use std::{fs, io};

use signet_core::ports::StoreError;
use signet_core::schema::SchemaStatus;
use sqlx::Error;

use super::address::Address;
use super::migrate;
use super::pool::Pool;
use super::transaction::{Access, LIMITS, Transaction};
pub(super) use complaint::explain;

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
    /// It is a standby, or was told to write nothing.
    #[error(
        "the PostgreSQL server at {address} only reads: it is a standby. Set database_url to its \
         primary, or promote it"
    )]
    ReadOnly {
        /// The database, without the password.
        address: String,
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
    /// Somebody else's tables are where ours should be.
    #[error(
        "the schema signet in {address} is not Signet's: it holds {table}, and nothing says that \
         Signet made it. Move it away with ALTER SCHEMA signet RENAME, or set database_url to \
         another database"
    )]
    Foreign {
        /// The database, without the password.
        address: String,
        /// A table that is there.
        table: String,
    },
    /// A part of the schema was left out, or taken away.
    #[error(
        "the schema signet in {address} is not whole: {missing} is missing, though what came after \
         it is there. Restore a whole backup; nothing is made anew beside what may be lost"
    )]
    NotWhole {
        /// The database, without the password.
        address: String,
        /// What should be there.
        missing: String,
    },
    /// The server says no in another way.
    #[error("the PostgreSQL server can't be used: {0}")]
    Server(#[from] Error),
    /// The keys can't be read.
    #[error("can't read the keys in the database: {0}")]
    Keys(#[source] StoreError),
    /// A change of the schema couldn't be made durable.
    #[error("can't migrate the schema: {0}")]
    Migrate(#[from] StoreError),
}

pub(super) async fn open(address: &Address) -> Result<Pool, OpenError> {
    let pool = pool(address, address.pool_size)?;
    let opened = async {
        check_server(&pool, address).await?;
        migrate::migrate(&pool, address).await
    };
    match opened.await {
        Ok(()) => Ok(pool),
        Err(error) => Err(explain(error, address)),
    }
}

pub(super) async fn schema(address: &Address) -> Result<SchemaStatus, OpenError> {
    let pool = pool(address, 1)?;
    let status = status(&pool, address).await;
    pool.close().await;
    status.map_err(|error| explain(error, address))
}

pub(super) async fn holds_keys(address: &Address) -> Result<bool, OpenError> {
    let pool = pool(address, 1)?;
    let looked = async {
        let status = status(&pool, address).await?;
        match (status.unknown.last(), status.applied.first()) {
            (Some(newer), _) => Err(OpenError::Newer {
                version: newer.version,
            }),
            (None, Some(_)) => Ok(has_incarnation(&pool).await?),
            (None, None) => Ok(false),
        }
    };
    let holds = looked.await;
    pool.close().await;
    holds.map_err(|error| explain(error, address))
}

async fn status(pool: &Pool, address: &Address) -> Result<SchemaStatus, OpenError> {
    check_server(pool, address).await?;
    migrate::status(pool, address).await
}

/// The first start gives it one, together with the keys.
async fn has_incarnation(pool: &Pool) -> Result<bool, Error> {
    let mut tx = Transaction::begin(pool, Access::Snapshot, LIMITS).await?;
    sqlx::query_scalar!(r#"SELECT incarnation IS NOT NULL AS "has!" FROM meta"#)
        .fetch_one(&mut tx)
        .await
}

pub(super) fn pool(address: &Address, size: u32) -> Result<Pool, OpenError> {
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
    check_version(server.number, server.name, address)
}

fn check_version(number: i32, name: String, address: &Address) -> Result<(), OpenError> {
    match number < OLDEST_SERVER {
        true => Err(OpenError::OldServer {
            address: address.to_string(),
            version: name,
        }),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_is_too_old_is_told_with_its_version() {
        let address: Address = "postgres://signet:hidden@db.example.com/signet"
            .parse()
            .unwrap();
        for (number, name) in [(140_019, "14.19 (Debian)"), (90_624, "9.6.24")] {
            let error = check_version(number, name.to_owned(), &address).unwrap_err();
            let said = error.to_string();
            for words in ["db.example.com", name, "needs 15 or later", "Upgrade it"] {
                assert!(said.contains(words), "{words}: {said}");
            }
            assert!(!said.contains("hidden"), "{said}");
        }
        for number in [150_000, 170_005] {
            check_version(number, "new".to_owned(), &address).unwrap();
        }
    }
}
