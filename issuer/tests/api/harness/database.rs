//! The database of a service, whatever keeps it, and ways to meddle with it behind its back.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use signet_core::ports;
use signet_core::schema::TABLES;
use signet_core::session::detached::DetachedSessions;
use signet_store_postgres::PostgresStore;
use signet_store_redis::{RedisClient, RedisHeads};
use signet_store_sqlite::SqliteStore;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _};

/// The stores that a service may have.
#[allow(dead_code, reason = "each binary has one")]
#[derive(Clone, Copy, Debug)]
pub(crate) enum Store {
    /// A file.
    Sqlite,
    /// A server.
    Postgres,
    /// A file, and a Redis for what refreshes write.
    SqliteAndRedis,
}

impl Store {
    /// Whether a refresh writes to the database.
    pub(crate) fn refreshes(self) -> bool {
        match self {
            Self::Sqlite | Self::Postgres => true,
            Self::SqliteAndRedis => false,
        }
    }
}

/// Where sessions are kept: on a Redis of the test's own, as an issuer does it; on the one that all
/// tests share, of which a slow answer, on a machine that does many other things, is waited for; or
/// in the database alone.
pub(crate) async fn sessions(
    store: &Arc<dyn ports::Store>,
    own_redis: Option<&str>,
) -> Arc<dyn ports::SessionStore> {
    let store = Arc::clone(store);
    let client = match own_redis {
        Some(url) => RedisClient::open(&url.parse().unwrap()).await,
        None if crate::STORE.refreshes() => return store,
        None => {
            let address = signet_testbed::redis().url().parse().unwrap();
            RedisClient::open_with_deadline(&address, Duration::from_secs(10)).await
        }
    };
    let heads = RedisHeads::open(client.unwrap()).await.unwrap();
    Arc::new(DetachedSessions::new(store, Arc::new(heads)))
}

/// A database that goes with its value.
pub(crate) enum Database {
    /// A file in a folder.
    Sqlite(tempfile::TempDir),
    /// One of the server that all tests share.
    Postgres(signet_testbed::Database<'static>),
}

/// What keeps a service from changing anything until it is dropped.
pub(crate) enum Hold {
    /// A transaction that writes.
    Sqlite(SqliteConnection),
    /// A lock of the tables.
    Postgres(sqlx::PgConnection),
}

impl Database {
    pub(crate) fn make(store: Store) -> Self {
        match store {
            Store::Sqlite | Store::SqliteAndRedis => Self::Sqlite(tempfile::tempdir().unwrap()),
            Store::Postgres => {
                let database = signet_testbed::postgres().database();
                // The store's own tests see to it that nothing is lost; here nobody waits for disks.
                let name = database.name();
                database.sql(&format!(
                    "ALTER DATABASE {name} SET synchronous_commit = off"
                ));
                Self::Postgres(database)
            }
        }
    }

    pub(crate) async fn open(&self) -> Arc<dyn ports::Store> {
        match self {
            Self::Sqlite(folder) => Arc::new(SqliteStore::open(&file(folder)).await.unwrap()),
            Self::Postgres(database) => {
                let url = format!("{}?pool_size=4", database.url());
                Arc::new(PostgresStore::open(&url.parse().unwrap()).await.unwrap())
            }
        }
    }

    /// Runs SQL that both understand.
    pub(crate) async fn run(&self, sql: &str) {
        match self {
            Self::Sqlite(folder) => {
                let mut beside = beside(folder).await;
                let run = sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut beside);
                run.await.unwrap();
            }
            Self::Postgres(database) => {
                database.sql(&format!("SET search_path = signet; {sql}"));
            }
        }
    }

    /// How many rows a table has.
    pub(crate) async fn count(&self, table: &str) -> usize {
        let count: i64 = match self {
            Self::Sqlite(folder) => {
                let count = format!("SELECT count(*) FROM {table}");
                let count = sqlx::query_scalar(AssertSqlSafe(count));
                count.fetch_one(&mut beside(folder).await).await.unwrap()
            }
            Self::Postgres(database) => {
                let count = database.sql(&format!("SELECT count(*) FROM signet.{table}"));
                count.trim().parse().unwrap()
            }
        };
        usize::try_from(count).unwrap()
    }

    /// Every column of every table, as `table.column`.
    pub(crate) async fn columns(&self) -> BTreeSet<String> {
        let columns = match self {
            Self::Sqlite(folder) => {
                let columns = "SELECT tables.name || '.' || columns.name
                     FROM sqlite_schema AS tables JOIN pragma_table_info(tables.name) AS columns
                     WHERE tables.type = 'table'";
                self::lines(folder, columns).await
            }
            Self::Postgres(database) => database
                .sql(
                    "SELECT table_name || '.' || column_name FROM information_schema.columns
                     WHERE table_schema = 'signet'",
                )
                .lines()
                .map(str::to_owned)
                .collect(),
        };
        let ours = columns.into_iter().filter(|column| {
            let (table, _) = column.split_once('.').unwrap();
            TABLES.contains(&table)
        });
        ours.collect()
    }

    /// All that stands in the tables, as text; of a file, all that stands in it at all.
    pub(crate) async fn text(&self) -> String {
        let mut text = String::new();
        for table in TABLES {
            match self {
                Self::Sqlite(folder) => {
                    let columns = self.columns().await;
                    let prefix = format!("{table}.");
                    let columns = columns.iter().filter_map(|name| name.strip_prefix(&prefix));
                    let quoted: Vec<String> =
                        columns.map(|name| format!("quote({name})")).collect();
                    let rows = format!("SELECT {} FROM {table}", quoted.join(" || ' ' || "));
                    text.extend(self::lines(folder, &rows).await);
                }
                Self::Postgres(database) => {
                    let rows =
                        format!("SELECT row_to_json(held)::text FROM signet.{table} AS held");
                    text.push_str(&database.sql(&rows));
                }
            }
        }
        if let Self::Sqlite(folder) = self {
            let checkpoint = sqlx::raw_sql("PRAGMA wal_checkpoint(TRUNCATE)");
            checkpoint.execute(&mut beside(folder).await).await.unwrap();
            let bytes = std::fs::read(file(folder)).unwrap();
            text.push_str(&String::from_utf8_lossy(&bytes));
        }
        text
    }

    /// What SQLite's write-ahead log holds.
    pub(crate) fn log(&self) -> String {
        match self {
            Self::Sqlite(folder) => {
                let bytes = std::fs::read(file(folder).with_extension("db-wal")).unwrap();
                String::from_utf8_lossy(&bytes).into_owned()
            }
            Self::Postgres(_) => String::new(),
        }
    }

    /// Lets no session be opened, as if the disk were gone.
    pub(crate) async fn refuse_sessions(&self) {
        self.run(match self {
            Self::Sqlite(_) => {
                "CREATE TRIGGER no_sessions BEFORE INSERT ON sessions
                 BEGIN SELECT RAISE(ABORT, 'the disk is gone'); END"
            }
            Self::Postgres(_) => {
                "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql
                     AS $$ BEGIN RAISE EXCEPTION 'the disk is gone'; END $$;
                 CREATE TRIGGER no_sessions BEFORE INSERT ON sessions EXECUTE FUNCTION refuse()"
            }
        })
        .await;
    }

    /// Takes [`Self::refuse_sessions`] back.
    pub(crate) async fn take_sessions(&self) {
        self.run(match self {
            Self::Sqlite(_) => "DROP TRIGGER no_sessions",
            Self::Postgres(_) => "DROP TRIGGER no_sessions ON sessions",
        })
        .await;
    }

    /// Lets nobody change anything; reads go on.
    pub(crate) async fn hold(&self) -> Hold {
        match self {
            Self::Sqlite(folder) => {
                let mut beside = beside(folder).await;
                let begin = sqlx::raw_sql("BEGIN IMMEDIATE").execute(&mut beside);
                begin.await.unwrap();
                Hold::Sqlite(beside)
            }
            Self::Postgres(database) => {
                let mut beside = sqlx::PgConnection::connect(&database.url()).await.unwrap();
                let lock = "BEGIN; SET LOCAL search_path = signet;
                            LOCK meta, accounts, sessions, audit IN EXCLUSIVE MODE";
                sqlx::raw_sql(lock).execute(&mut beside).await.unwrap();
                Hold::Postgres(beside)
            }
        }
    }
}

impl Hold {
    pub(crate) async fn release(self) {
        match self {
            Self::Sqlite(mut beside) => {
                let rollback = sqlx::raw_sql("ROLLBACK").execute(&mut beside);
                rollback.await.unwrap();
            }
            Self::Postgres(mut beside) => {
                let rollback = sqlx::raw_sql("ROLLBACK").execute(&mut beside);
                rollback.await.unwrap();
            }
        }
    }
}

fn file(folder: &tempfile::TempDir) -> PathBuf {
    folder.path().join("signet.db")
}

/// The lines that a query answers.
async fn lines(folder: &tempfile::TempDir, query: &str) -> Vec<String> {
    let lines = sqlx::query_scalar(AssertSqlSafe(query.to_owned()));
    lines.fetch_all(&mut beside(folder).await).await.unwrap()
}

async fn beside(folder: &tempfile::TempDir) -> SqliteConnection {
    let options = SqliteConnectOptions::new().filename(file(folder));
    options.connect().await.unwrap()
}
