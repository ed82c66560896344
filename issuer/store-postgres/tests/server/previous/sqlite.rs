//! The release before this one, on a file.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use signet_core::testing::World;
use signet_store_sqlite::SqliteStore;
use sqlx::migrate::{Migration, Migrator};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Executor as _, SqlSafeStr as _};

use super::{
    Shape, TABLES, change, keep, live, live_on, migrations, previous_migrations, read, statements,
};

const STORE: &str = "sqlite";

async fn connect(path: &Path) -> SqliteConnection {
    // Rows come in the order of the tables' names.
    let options = SqliteConnectOptions::new().filename(path);
    let options = options.create_if_missing(true).foreign_keys(false);
    options.connect().await.unwrap()
}

/// A database with these migrations, as the runner leaves it.
async fn migrated(folder: &Path, name: &str, migrations: &[Migration]) -> PathBuf {
    let path = folder.join(name);
    let migrator = Migrator::with_migrations(migrations.to_vec());
    let mut connection = connect(&path).await;
    let run = migrator.run_direct(None, &mut connection, false).await;
    run.unwrap();
    path
}

async fn execute(path: &Path, sql: &str) -> Result<(), sqlx::Error> {
    let mut connection = connect(path).await;
    let sql: Cow<'_, str> = sql.into();
    let done = sqlx::raw_sql(AssertSqlSafe(sql.into_owned())).execute(&mut connection);
    done.await.map(|_| ())
}

/// Puts the rows of the release before in the place of those that migrations made.
async fn fill(path: &Path) -> Result<(), sqlx::Error> {
    for table in TABLES {
        execute(path, &format!("DELETE FROM {table}")).await?;
    }
    execute(path, &read(STORE, "rows.sql")).await?;
    let mut connection = connect(path).await;
    let broken = sqlx::query("PRAGMA foreign_key_check").fetch_all(&mut connection);
    assert_eq!(broken.await?.len(), 0);
    Ok(())
}

async fn describe(connection: &mut SqliteConnection, sql: &str) -> Result<Shape, sqlx::Error> {
    let sql = AssertSqlSafe(sql).into_sql_str();
    Ok(Shape::of(&connection.describe(sql).await?))
}

async fn changes(before: &Path, after: &Path) -> Vec<String> {
    let (mut before, mut after) = (connect(before).await, connect(after).await);
    let mut changes = Vec::new();
    for sql in statements(STORE) {
        let was = describe(&mut before, &sql).await.unwrap();
        let is = describe(&mut after, &sql).await;
        changes.extend(change(&sql, &was, &is));
    }
    changes
}

/// The rows of every table, as SQL that writes them.
async fn rows(path: &Path) -> String {
    let mut connection = connect(path).await;
    let mut rows = String::new();
    for table in TABLES {
        let columns = format!("SELECT name FROM pragma_table_info('{table}')");
        let columns: Vec<String> = texts(&mut connection, columns).await;
        let quoted: Vec<String> = columns
            .iter()
            .map(|name| format!("quote({name})"))
            .collect();
        let (columns, quoted) = (columns.join(", "), quoted.join(" || ', ' || "));
        let select = format!("SELECT {quoted} FROM {table} ORDER BY 1");
        for row in texts(&mut connection, select).await {
            writeln!(rows, "INSERT INTO {table} ({columns}) VALUES ({row});").unwrap();
        }
    }
    rows
}

async fn texts(connection: &mut SqliteConnection, sql: String) -> Vec<String> {
    let rows = sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(connection);
    rows.await.unwrap()
}

#[tokio::test]
async fn its_statements_are_answered_as_before() {
    let folder = tempfile::tempdir().unwrap();
    let before = migrated(folder.path(), "before", &previous_migrations(STORE).await).await;
    let after = migrated(folder.path(), "after", &migrations(STORE).await).await;
    assert!(statements(STORE).len() > 50);
    assert_eq!(changes(&before, &after).await, Vec::<String>::new());
}

#[tokio::test]
async fn its_rows_are_taken() {
    let folder = tempfile::tempdir().unwrap();
    let after = migrated(folder.path(), "after", &migrations(STORE).await).await;
    fill(&after).await.unwrap();
}

#[tokio::test]
async fn what_it_left_is_lived_on_with() {
    let folder = tempfile::tempdir().unwrap();
    let path = migrated(folder.path(), "left", &previous_migrations(STORE).await).await;
    fill(&path).await.unwrap();
    let mut connection = connect(&path).await;
    for table in TABLES {
        let count = format!("SELECT CAST(count(*) AS TEXT) FROM {table}");
        assert_ne!(
            texts(&mut connection, count).await,
            ["0"],
            "{table} is empty"
        );
    }
    drop(connection);
    let store = SqliteStore::open(&path).await.unwrap();
    live_on(&World::new(Arc::new(store))).await;
}

#[tokio::test]
async fn a_migration_that_takes_away_too_early_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let previous = previous_migrations(STORE).await;
    let before = migrated(folder.path(), "before", &previous).await;
    for (number, early) in [
        "ALTER TABLE sessions DROP COLUMN user_agent",
        "ALTER TABLE outbox RENAME TO letters",
        "ALTER TABLE accounts RENAME COLUMN name TO full_name",
    ]
    .into_iter()
    .enumerate()
    {
        let after = migrated(folder.path(), &number.to_string(), &previous).await;
        execute(&after, early).await.unwrap();
        assert!(!changes(&before, &after).await.is_empty(), "{early}");
    }
    let after = migrated(folder.path(), "unique", &previous).await;
    let early = "CREATE UNIQUE INDEX early ON accounts (status)";
    execute(&after, early).await.unwrap();
    assert!(fill(&after).await.is_err(), "{early}");
    let after = migrated(folder.path(), "wider", &previous).await;
    let wider = "ALTER TABLE accounts ADD COLUMN born_at INTEGER";
    execute(&after, wider).await.unwrap();
    assert_eq!(changes(&before, &after).await, Vec::<String>::new());
    fill(&after).await.unwrap();
}

#[tokio::test]
#[ignore = "writes migrations/previous, at a release: cargo xtask previous"]
async fn keep_this_release() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("signet.db");
    let store = SqliteStore::open(&path).await.unwrap();
    live(&World::new(Arc::new(store.clone()))).await;
    store.close().await;
    keep(STORE, &rows(&path).await).await;
}
