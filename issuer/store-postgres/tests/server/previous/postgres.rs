//! The release before this one, on a server.

use std::sync::Arc;

use signet_core::testing::World;
use signet_testbed::{Database, postgres};
use sqlx::migrate::Migration;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Executor as _, SqlSafeStr as _};

use super::{
    Shape, TABLES, change, keep, live, live_on, migrations, previous_migrations, read, statements,
};
use crate::{open, world};

const STORE: &str = "postgres";

/// A database with these migrations, as the runner leaves it.
fn migrated(migrations: &[Migration]) -> Database<'static> {
    let database = postgres().database();
    database.sql(
        "CREATE SCHEMA signet;
         CREATE TABLE signet.schema_migrations (
             version BIGINT PRIMARY KEY, description TEXT NOT NULL, checksum BYTEA NOT NULL,
             applied_at TIMESTAMPTZ NOT NULL DEFAULT now())",
    );
    for migration in migrations {
        let checksum = migration.checksum.iter();
        let checksum: String = checksum.map(|byte| format!("{byte:02x}")).collect();
        let (version, name) = (migration.version, &migration.description);
        let sql = migration.sql.as_str();
        database.sql(&format!(
            "SET search_path = signet; {sql};
             INSERT INTO schema_migrations (version, description, checksum)
             VALUES ({version}, '{name}', '\\x{checksum}')"
        ));
    }
    database
}

/// Puts the rows of the release before in the place of those that migrations made.
fn fill(database: &Database<'_>) {
    let tables = TABLES.map(|table| format!("signet.{table}")).join(", ");
    database.sql(&format!("TRUNCATE {tables} CASCADE"));
    database.sql(&read(STORE, "rows.sql"));
}

async fn connect(database: &Database<'_>) -> PgConnection {
    let options: PgConnectOptions = database.url().parse().unwrap();
    let options = options.options([("search_path", "signet")]);
    options.connect().await.unwrap()
}

async fn describe(connection: &mut PgConnection, sql: &str) -> Result<Shape, sqlx::Error> {
    let sql = AssertSqlSafe(sql).into_sql_str();
    Ok(Shape::of(&connection.describe(sql).await?))
}

/// What the release before would find changed.
async fn changes(before: &Database<'_>, after: &Database<'_>) -> Vec<String> {
    let (mut before, mut after) = (connect(before).await, connect(after).await);
    let mut changes = Vec::new();
    for sql in statements(STORE) {
        let was = describe(&mut before, &sql).await.unwrap();
        let is = describe(&mut after, &sql).await;
        changes.extend(change(&sql, &was, &is));
    }
    changes
}

#[tokio::test]
async fn its_statements_are_answered_as_before() {
    let before = migrated(&previous_migrations(STORE).await);
    let after = migrated(&migrations(STORE).await);
    assert!(statements(STORE).len() > 50);
    assert_eq!(changes(&before, &after).await, Vec::<String>::new());
}

#[tokio::test]
async fn its_rows_are_taken() {
    fill(&migrated(&migrations(STORE).await));
}

#[tokio::test]
async fn what_it_left_is_lived_on_with() {
    let database = migrated(&previous_migrations(STORE).await);
    fill(&database);
    for table in TABLES {
        let rows = database.sql(&format!("SELECT count(*) FROM signet.{table}"));
        assert_ne!(rows.trim(), "0", "{table} is empty");
    }
    let store = open(&database.url()).await.unwrap();
    live_on(&World::new(Arc::new(store))).await;
}

#[tokio::test]
async fn a_migration_that_takes_away_too_early_is_noticed() {
    let previous = previous_migrations(STORE).await;
    let before = migrated(&previous);
    for early in [
        "ALTER TABLE signet.accounts DROP COLUMN name",
        "ALTER TABLE signet.outbox RENAME TO letters",
        "ALTER TABLE signet.outbox ALTER COLUMN kind TYPE VARCHAR(99)",
        "ALTER TABLE signet.sessions ALTER COLUMN audience DROP NOT NULL",
    ] {
        let after = migrated(&previous);
        after.sql(early);
        assert!(!changes(&before, &after).await.is_empty(), "{early}");
    }
    for early in [
        "ALTER TABLE signet.accounts ADD COLUMN born_at BIGINT NOT NULL",
        "ALTER TABLE signet.sessions ADD CHECK (client <> 'client')",
        "ALTER TABLE signet.accounts ADD UNIQUE (status)",
    ] {
        let after = migrated(&previous);
        after.sql(early);
        let rows = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| fill(&after)));
        assert!(rows.is_err(), "{early}");
    }
    let after = migrated(&previous);
    after.sql("ALTER TABLE signet.accounts ADD COLUMN born_at BIGINT");
    assert_eq!(changes(&before, &after).await, Vec::<String>::new());
    fill(&after);
}

#[tokio::test]
#[ignore = "writes migrations/previous, at a release: cargo xtask previous"]
async fn keep_this_release() {
    let database = postgres().database();
    live(&world(&database).await).await;
    keep(STORE, &database.rows("signet", "schema_migrations")).await;
}
