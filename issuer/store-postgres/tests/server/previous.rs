//! The release before this one works on the schema of this one, since both run together while a
//! service is updated; and this one works on what that one left: docs/adr/0022-expand-then-contract.md.
//!
//! What there is of that release is kept in `migrations/previous`: its migrations, by their
//! checksums; every statement it asks the database; and the rows of a database it lived in. At each
//! release `cargo xtask previous` writes them anew, with the tests here that are ignored otherwise.

/// The tables of the release before. `cargo xtask previous` keeps what it wrote; whoever keeps a
/// release names its tables here.
const TABLES: [&str; 14] = [
    "account_roles",
    "accounts",
    "audit",
    "guesses",
    "mac_keys",
    "mailed_tokens",
    "meta",
    "outbox",
    "registrations",
    "role_inherits",
    "role_permissions",
    "roles",
    "sessions",
    "signing_keys",
];

mod postgres;
mod sqlite;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use signet_core::audit::Actor;
use signet_core::limit::GuessPolicy;
use signet_core::ports::Credential;
use signet_core::secret::SecretBytes;
use signet_core::signing::keyring::initial_keys;
use signet_core::signing::seal::{MasterKey, MasterKeys};
use signet_core::testing::changes::Prepared;
use signet_core::testing::world::{
    NOW, POLICY, RANDOM, advanced, after, anonymous, at, email, guess_key,
};
use signet_core::testing::{World, roles};
use sqlx::migrate::{Migration, Migrator};

/// What a statement takes and answers.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Shape {
    parameters: String,
    /// Each column's name, its type, and whether it may be empty.
    columns: Vec<(String, String, bool)>,
}

impl Shape {
    fn of<D: sqlx::Database>(described: &sqlx::Describe<D>) -> Self {
        use sqlx::{Column as _, TypeInfo as _};
        let columns = described.columns().iter().enumerate();
        let columns = columns.map(|(number, column)| {
            let may_be_empty = described.nullable(number) != Some(false);
            let kind = column.type_info().name().to_owned();
            (column.name().to_owned(), kind, may_be_empty)
        });
        Self {
            parameters: format!("{:?}", described.parameters()),
            columns: columns.collect(),
        }
    }

    /// Whether who expects this is content with the other.
    fn is_kept_by(&self, other: &Self) -> bool {
        let is_kept = |(mine, theirs): (&(String, String, bool), &(String, String, bool))| {
            (&mine.0, &mine.1) == (&theirs.0, &theirs.1) && (mine.2 || !theirs.2)
        };
        self.parameters == other.parameters
            && self.columns.len() == other.columns.len()
            && self.columns.iter().zip(&other.columns).all(is_kept)
    }
}

/// What changes for who asks a statement, if it does.
fn change(sql: &str, before: &Shape, after: &Result<Shape, sqlx::Error>) -> Option<String> {
    match after {
        Ok(after) if before.is_kept_by(after) => None,
        Ok(after) => Some(format!("{sql}\nanswers {after:?}, no more {before:?}")),
        Err(error) => Some(format!("{sql}\nis refused: {error}")),
    }
}

/// The folder of a store, `postgres` or `sqlite`.
fn folder(store: &str) -> PathBuf {
    root().join("migrations/previous").join(store)
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(store: &str, name: &str) -> String {
    let file = folder(store).join(name);
    fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

/// The statements of the release before.
fn statements(store: &str) -> Vec<String> {
    serde_json::from_str(&read(store, "statements.json")).unwrap()
}

/// The statements of this release, from what the macros were compiled with.
fn described_statements(store: &str) -> BTreeSet<String> {
    let described = root().join(format!("issuer/store-{store}/.sqlx"));
    let files = fs::read_dir(described).unwrap();
    let query = |entry: std::io::Result<fs::DirEntry>| {
        let text = fs::read_to_string(entry.unwrap().path()).unwrap();
        let described: Value = serde_json::from_str(&text).unwrap();
        described["query"].as_str().unwrap().to_owned()
    };
    files.map(query).collect()
}

/// The migrations of this release.
async fn migrations(store: &str) -> Vec<Migration> {
    let folder = root().join("migrations").join(store);
    let migrator = Migrator::new(folder.as_path()).await.unwrap();
    migrator.iter().cloned().collect()
}

/// A line for each migration: its number, its name, its checksum.
fn lines(migrations: &[Migration]) -> Vec<String> {
    let line = |migration: &Migration| {
        let checksum = migration.checksum.iter();
        let checksum: String = checksum.map(|byte| format!("{byte:02x}")).collect();
        let (version, name) = (migration.version, &migration.description);
        format!("{version:04} {name}: {checksum}\n")
    };
    migrations.iter().map(line).collect()
}

/// The migrations of the release before, which are the first of this one, unchanged.
async fn previous_migrations(store: &str) -> Vec<Migration> {
    let kept = read(store, "migrations");
    let kept: Vec<&str> = kept.split_inclusive('\n').collect();
    let mut migrations = migrations(store).await;
    let lines = lines(&migrations);
    assert!(!kept.is_empty() && lines.len() >= kept.len());
    assert_eq!(lines[..kept.len()], kept, "what was released never changes");
    migrations.truncate(kept.len());
    migrations
}

/// Writes what is kept of this release.
async fn keep(store: &str, rows: &str) {
    let folder = folder(store);
    fs::create_dir_all(&folder).unwrap();
    let migrations = lines(&migrations(store).await).concat();
    fs::write(folder.join("migrations"), migrations).unwrap();
    let statements = serde_json::to_string_pretty(&described_statements(store)).unwrap();
    fs::write(folder.join("statements.json"), format!("{statements}\n")).unwrap();
    fs::write(folder.join("rows.sql"), rows).unwrap();
}

/// Leaves rows in every table.
async fn live(world: &World) {
    let _prepared = Prepared::new(world).await;
    roles::create(world, "chief", &["users:write"], &["clerk"]).await;
    world.account("root", &["admin"]).await;
    world.account("mia", &["chief"]).await;
    let master = MasterKeys::new(MasterKey::new(SecretBytes::new([9; 32])), None);
    let keys = initial_keys(NOW, &master, RANDOM).unwrap();
    let made = world.store.load_or_create_keys(&anonymous(NOW), keys).await;
    made.unwrap();
    let policy = GuessPolicy::default();
    let eve = guess_key("eve");
    world.store.begin_guess(&eve, NOW, &policy).await.unwrap();
}

/// Finds what [`live`] left, and goes on.
async fn live_on(world: &World) {
    world.check_trail().await;
    let Credential::Account { account: ada, .. } = world
        .store
        .credential(email("ada").canonical(), after(1))
        .await
        .unwrap()
    else {
        panic!("ada is gone");
    };
    let sessions = world.store.sessions(ada.id, after(1), &POLICY).await;
    assert_eq!(sessions.unwrap().len(), 8);
    let head = world.session("ada", ada.id, after(1)).await;
    advanced(world.rotate(&head, 0, after(2)).await);
    let operator = at(after(2), Actor::Operator);
    let renamed = world.store.rename(&operator, ada.id, None).await;
    assert!(renamed.unwrap().is_some());
    roles::replace(world, "chief", &["users:read"], &[]).await;
    assert!(!world.waiting_mail().await.is_empty());
    world.account("zoe", &["chief"]).await;
    world.check_trail().await;
}
