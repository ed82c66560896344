//! The description of the queries of each store in SQL: sqlx checks every query against a database
//! made of the migrations, and describes it in a file. This is what sqlx's own tool does; it isn't
//! needed on every machine for that.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use signet_testbed::Postgres;

use crate::process::{Done, Failure, TemporaryFolder, cargo, command, root, run, say};

/// A database that every server has.
const DATABASE: &str = "postgres";

/// A store in SQL.
struct Store {
    /// Its package; its folder has the same name without `signet-`.
    package: &'static str,
    /// Makes a database of the migrations, in a folder if it is a file.
    make: fn(&Path) -> Done<Made>,
}

/// A database that goes with its server, or with its folder.
struct Made {
    url: String,
    _server: Option<Postgres>,
}

const STORES: [Store; 2] = [
    Store {
        package: "signet-store-sqlite",
        make: make_sqlite,
    },
    Store {
        package: "signet-store-postgres",
        make: make_postgres,
    },
];

pub(crate) fn write_queries() -> Done {
    for store in &STORES {
        let queries = store.describe()?;
        store.replace(&queries)?;
        say(format!(
            "{}: described {} queries",
            store.package,
            queries.len()
        ));
    }
    Ok(())
}

pub(crate) fn check_queries() -> Done {
    for store in &STORES {
        if store.describe()? != files(&store.committed())? {
            return Err(Failure::new(format!(
                "{} is not what the queries and migrations say; run `cargo xtask sqlx-prepare` \
                 and commit it",
                store.committed().display()
            )));
        }
    }
    Ok(())
}

impl Store {
    fn folder(&self) -> PathBuf {
        let name = self.package.trim_start_matches("signet-");
        root().join("issuer").join(name)
    }

    fn committed(&self) -> PathBuf {
        self.folder().join(".sqlx")
    }

    /// Every query as sqlx describes it, by the name of its file.
    fn describe(&self) -> Done<BTreeMap<String, String>> {
        let described = TemporaryFolder::new("sqlx")?;
        let scratch = TemporaryFolder::new("sqlx-database")?;
        let made = (self.make)(scratch.path())?;
        self.compile(&made.url, described.path())?;
        files(described.path())
    }

    /// The macros run when the crate is compiled, which cargo does for a file that has changed. The
    /// file gets its time back: other builds are as fresh as before.
    fn compile(&self, url: &str, described: &Path) -> Done {
        let source = self.folder().join("src/lib.rs");
        let changed = fs::metadata(&source)?.modified()?;
        run(command("touch").arg(&source))?;
        let done = run(cargo(&["check", "--quiet", "-p", self.package])
            .env("SQLX_OFFLINE", "false")
            .env("SQLX_OFFLINE_DIR", described)
            .env("DATABASE_URL", url));
        File::options()
            .append(true)
            .open(&source)?
            .set_modified(changed)?;
        done
    }

    /// Written beside and swapped: whoever compiles meanwhile finds the one or the other.
    fn replace(&self, queries: &BTreeMap<String, String>) -> Done {
        let committed = self.committed();
        let (next, last) = (
            committed.with_extension("next"),
            committed.with_extension("last"),
        );
        let _there_may_be_none = fs::remove_dir_all(&next);
        fs::create_dir_all(&next)?;
        for (name, text) in queries {
            fs::write(next.join(name), text)?;
        }
        if committed.exists() {
            fs::rename(&committed, &last)?;
        }
        fs::rename(&next, &committed)?;
        let _there_may_be_none = fs::remove_dir_all(&last);
        Ok(())
    }
}

fn make_sqlite(folder: &Path) -> Done<Made> {
    let database = folder.join("queries.db");
    let script = "import sqlite3, sys\n\
                  database = sqlite3.connect(sys.argv[1])\n\
                  for file in sys.argv[2:]: database.executescript(open(file).read())\n";
    run(command("python3")
        .args(["-c", script])
        .arg(&database)
        .args(migrations("sqlite")?))?;
    Ok(Made {
        url: format!("sqlite://{}", database.display()),
        _server: None,
    })
}

fn make_postgres(_: &Path) -> Done<Made> {
    let server = Postgres::start();
    server.sql(DATABASE, "CREATE SCHEMA signet");
    for migration in migrations("postgres")? {
        let migration = fs::read_to_string(migration)?;
        let migration = format!("SET search_path = signet; {migration}");
        server.sql(DATABASE, &migration);
    }
    let url = server.url(DATABASE);
    Ok(Made {
        url: format!("{url}?options=-csearch_path%3Dsignet"),
        _server: Some(server),
    })
}

/// The migrations of a store, in the order of their numbers.
fn migrations(folder: &str) -> Done<Vec<PathBuf>> {
    let mut migrations = fs::read_dir(root().join("migrations").join(folder))?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<Vec<_>, _>>()?;
    migrations.sort();
    Ok(migrations)
}

/// The described queries by the names of their files.
fn files(folder: &Path) -> Done<BTreeMap<String, String>> {
    let mut files = BTreeMap::new();
    let Ok(entries) = fs::read_dir(folder) else {
        return Ok(files);
    };
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with("query-") {
            files.insert(name, fs::read_to_string(entry.path())?);
        }
    }
    Ok(files)
}
