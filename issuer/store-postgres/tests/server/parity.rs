//! Both SQL stores have one schema: the same migrations by number and name, and after them the same
//! tables, columns, nullability and keys.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use signet_core::schema::TABLES;
use signet_store_sqlite::SqliteStore;
use signet_testbed::{Database, postgres};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions as _};

use crate::open;

/// What a store says of a table.
#[derive(Debug, Default, Eq, PartialEq)]
struct Table {
    /// Each with its kind, and whether it may be empty.
    columns: BTreeMap<String, (String, bool)>,
    primary_key: Vec<String>,
    unique: BTreeSet<String>,
    /// `column → table.column, what happens to the row`.
    references: BTreeSet<String>,
}

type Schema = BTreeMap<String, Table>;

/// Kinds that hold the same, by their name in each.
fn kind(name: &str) -> &'static str {
    match name.to_ascii_lowercase().as_str() {
        "bigint" | "boolean" | "integer" => "number",
        "uuid" | "bytea" | "blob" => "bytes",
        "text" => "text",
        other => panic!("no column is of the kind {other}"),
    }
}

fn names(folder: &str) -> BTreeSet<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../migrations");
    let entries = std::fs::read_dir(root.join(folder)).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.collect()
}

#[test]
fn migrations_have_the_same_numbers_and_names() {
    assert_eq!(names("postgres"), names("sqlite"));
}

#[tokio::test]
async fn both_stores_have_one_schema() {
    let database = postgres().database();
    open(&database.url()).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("signet.db");
    SqliteStore::open(&path).await.unwrap().close().await;
    let sqlite = of_sqlite(&path).await;
    assert!(sqlite.keys().eq(TABLES), "a start asks for every table");
    assert_eq!(of_postgres(&database), sqlite);
}

/// Rows of texts, `|` between their columns.
fn rows(database: &Database<'_>, sql: &str) -> Vec<Vec<String>> {
    let answer = database.sql(sql);
    let lines = answer.lines().filter(|line| !line.is_empty());
    lines
        .map(|line| line.split('|').map(str::to_owned).collect())
        .collect()
}

fn of_postgres(database: &Database<'_>) -> Schema {
    let mut schema = Schema::new();
    let columns = "SELECT table_name, column_name, data_type, is_nullable
                   FROM information_schema.columns
                   WHERE table_schema = 'signet' AND table_name <> 'schema_migrations'";
    for row in rows(database, columns) {
        let table = schema.entry(row[0].clone()).or_default();
        let column = (kind(&row[2]).to_owned(), row[3] == "YES");
        table.columns.insert(row[1].clone(), column);
    }
    let keys = "SELECT conrelid::regclass::text, contype,
                       (SELECT string_agg(attname, ',' ORDER BY place)
                        FROM unnest(conkey) WITH ORDINALITY AS keys (number, place)
                        JOIN pg_attribute ON attrelid = conrelid AND attnum = number),
                       coalesce(confrelid::regclass::text, ''), confdeltype,
                       (SELECT string_agg(attname, ',') FROM pg_attribute
                        WHERE attrelid = confrelid AND attnum = ANY (confkey))
                FROM pg_constraint WHERE connamespace = 'signet'::regnamespace
                  AND contype IN ('p', 'u', 'f')
                  AND conrelid <> 'signet.schema_migrations'::regclass";
    for row in rows(database, keys) {
        let bare = |name: &str| name.trim_start_matches("signet.").to_owned();
        let table = schema.get_mut(&bare(&row[0])).unwrap();
        match row[1].as_str() {
            "p" => table.primary_key = row[2].split(',').map(str::to_owned).collect(),
            "u" => {
                table.unique.insert(row[2].clone());
            }
            _ => {
                let then = match row[4].as_str() {
                    "c" => "CASCADE",
                    "r" => "RESTRICT",
                    other => panic!("{other}"),
                };
                let (other, column) = (bare(&row[3]), &row[5]);
                let reference = format!("{} → {other}.{column}, {then}", row[2]);
                table.references.insert(reference);
            }
        }
    }
    schema
}

async fn texts(connection: &mut SqliteConnection, sql: String) -> Vec<Vec<String>> {
    let rows: Vec<String> = sqlx::query_scalar(AssertSqlSafe(sql))
        .fetch_all(connection)
        .await
        .unwrap();
    rows.iter()
        .map(|row| row.split('|').map(str::to_owned).collect())
        .collect()
}

async fn of_sqlite(path: &Path) -> Schema {
    let options = SqliteConnectOptions::new().filename(path);
    let mut connection = options.connect().await.unwrap();
    let mut schema = Schema::new();
    let tables = "SELECT name FROM sqlite_schema WHERE type = 'table'
                  AND name NOT LIKE 'sqlite%' AND name NOT LIKE '_sqlx%'";
    for name in texts(&mut connection, tables.to_owned()).await {
        let name = &name[0];
        let mut table = Table::default();
        let columns = format!(
            "SELECT concat_ws('|', name, type, \"notnull\", pk)
             FROM pragma_table_info('{name}') ORDER BY pk"
        );
        for row in texts(&mut connection, columns).await {
            let column = (kind(&row[1]).to_owned(), row[2] == "0");
            table.columns.insert(row[0].clone(), column);
            if row[3] != "0" {
                table.primary_key.push(row[0].clone());
            }
        }
        let unique = format!(
            "SELECT (SELECT group_concat(name) FROM pragma_index_info(list.name))
             FROM pragma_index_list('{name}') AS list WHERE origin = 'u'"
        );
        for row in texts(&mut connection, unique).await {
            table.unique.insert(row[0].clone());
        }
        let references = format!(
            "SELECT concat_ws('|', \"from\", \"table\", \"to\", on_delete)
             FROM pragma_foreign_key_list('{name}')"
        );
        for row in texts(&mut connection, references).await {
            let reference = format!("{} → {}.{}, {}", row[0], row[1], row[2], row[3]);
            table.references.insert(reference);
        }
        schema.insert(name.clone(), table);
    }
    schema
}
