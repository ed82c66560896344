//! What is generated and committed: the API's description, and that of the queries.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use crate::components::{build_programs, program};
use crate::process::{Done, Failure, TemporaryFolder, cargo, command, root, run, run_quietly, say};

/// The store whose queries are described, below the root.
const STORE: &str = "issuer/store-sqlite";

pub(crate) fn write_openapi() -> Done {
    fs::write(root().join("openapi.json"), openapi()?)?;
    say("wrote openapi.json");
    Ok(())
}

pub(crate) fn check_openapi() -> Done {
    let committed = fs::read_to_string(root().join("openapi.json")).unwrap_or_default();
    if committed == openapi()? {
        Ok(())
    } else {
        Err(Failure::new(
            "openapi.json is not what the routes declare; run `cargo xtask openapi` and commit it",
        ))
    }
}

fn openapi() -> Done<String> {
    build_programs()?;
    run_quietly(command(program("signet")).arg("openapi"))
}

pub(crate) fn write_queries() -> Done {
    let described = TemporaryFolder::new("sqlx")?;
    describe_queries(described.path())?;
    let queries = files(described.path())?;
    // Written beside and swapped: whoever compiles meanwhile finds the one or the other.
    let store = root().join(STORE);
    let (committed, next, last) = (
        store.join(".sqlx"),
        store.join(".sqlx.next"),
        store.join(".sqlx.last"),
    );
    let _there_may_be_none = fs::remove_dir_all(&next);
    fs::create_dir_all(&next)?;
    for (name, text) in &queries {
        fs::write(next.join(name), text)?;
    }
    if committed.exists() {
        fs::rename(&committed, &last)?;
    }
    fs::rename(&next, &committed)?;
    let _there_may_be_none = fs::remove_dir_all(&last);
    say(format!("described {} queries", queries.len()));
    Ok(())
}

pub(crate) fn check_queries() -> Done {
    let described = TemporaryFolder::new("sqlx")?;
    describe_queries(described.path())?;
    if files(described.path())? == files(&root().join(STORE).join(".sqlx"))? {
        Ok(())
    } else {
        Err(Failure::new(format!(
            "{STORE}/.sqlx is not what the queries and migrations say; run `cargo xtask \
             sqlx-prepare` and commit it"
        )))
    }
}

/// Has sqlx check every query against a database made of the migrations, and describe it in a
/// file of `folder`. This is what sqlx's own tool does; it isn't needed on every machine for that.
fn describe_queries(folder: &Path) -> Done {
    let scratch = TemporaryFolder::new("sqlx-database")?;
    let database = scratch.path().join("queries.db");
    apply_migrations(&database)?;
    // The macros run when the crate is compiled, which cargo does for a file that has changed. The
    // file gets its time back: other builds are as fresh as before.
    let source = root().join(STORE).join("src/lib.rs");
    let changed = fs::metadata(&source)?.modified()?;
    run(command("touch").arg(&source))?;
    let done = run(cargo(&["check", "--quiet", "-p", "signet-store-sqlite"])
        .env("SQLX_OFFLINE", "false")
        .env("SQLX_OFFLINE_DIR", folder)
        .env("DATABASE_URL", format!("sqlite://{}", database.display())));
    File::options()
        .append(true)
        .open(&source)?
        .set_modified(changed)?;
    done
}

/// Makes a database of the migrations, in the order of their numbers.
fn apply_migrations(database: &Path) -> Done {
    let mut migrations: Vec<PathBuf> = fs::read_dir(root().join("migrations/sqlite"))?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;
    migrations.sort();
    let script = "import sqlite3, sys\n\
                  database = sqlite3.connect(sys.argv[1])\n\
                  for file in sys.argv[2:]: database.executescript(open(file).read())\n";
    run(command("python3")
        .args(["-c", script])
        .arg(database)
        .args(migrations))
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
