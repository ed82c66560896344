//! The program of the release before beside that of this one, on one database, while its schema is
//! brought up to date: a service that is updated replica by replica.
//!
//! `migrations/previous/release` names the commit; its program is built from the history of this
//! repository, and isn't kept.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use signet_testbed::Postgres;

use crate::components::{build_programs, program, target_folder};
use crate::interop::issuer::Issuer;
use crate::process::{
    Done, Failure, TemporaryFolder, cargo, command, free_port, root, run, run_quietly, say,
};

const PASSWORD: &str = "correct horse battery staple";

pub(super) fn run_together() -> Done<String> {
    let commit = fs::read_to_string(root().join("migrations/previous/release"))?;
    let commit = commit.trim();
    let old = build(commit)?;
    build_programs()?;
    let folder = TemporaryFolder::new("previous")?;
    let file = folder.path().join("signet.db");
    together(&old, folder.path(), &format!("sqlite:{}", file.display()))?;
    let folder = TemporaryFolder::new("previous-server")?;
    let server = Postgres::start();
    together(&old, folder.path(), &server.url("postgres"))?;
    Ok(format!(
        "{commit} beside this one, on a file and on a server"
    ))
}

/// The program of a commit.
fn build(commit: &str) -> Done<PathBuf> {
    let folder = target_folder().join("previous");
    let (source, built) = (folder.join("source"), folder.join("target"));
    let _there_may_be_none = fs::remove_dir_all(&source);
    fs::create_dir_all(&source)?;
    let archive = folder.join("source.tar");
    run_quietly(
        command("git")
            .args(["archive", "--output"])
            .arg(&archive)
            .arg(commit),
    )
    .map_err(|failure| {
        Failure::new(format!(
            "{failure}: this needs the history; see `git fetch --unshallow`"
        ))
    })?;
    run(command("tar")
        .arg("-xf")
        .arg(&archive)
        .arg("-C")
        .arg(&source))?;
    say(format!("building {commit}"));
    run(
        cargo(&["build", "--quiet", "-p", "signet", "--bin", "signet"])
            .current_dir(&source)
            .env("CARGO_TARGET_DIR", &built),
    )?;
    Ok(built.join("debug/signet"))
}

/// One issuer lives through the migration that the other brings, and both go on.
fn together(old: &Path, folder: &Path, database: &str) -> Done {
    let settings = [
        ("SIGNET_DATABASE_URL", database),
        ("SIGNET_LIMITS__SCALE", "1000"),
    ];
    let before = Issuer::start_program(old, free_port()?, folder, &settings)?;
    before.registered("ada@example.com", PASSWORD)?;
    let mut session = log_in(&before)?;
    run_quietly(
        command(program("signet"))
            .args(["db", "migrate"])
            .current_dir(folder)
            .env("SIGNET_DATABASE_URL", database),
    )?;
    before.registered("bob@example.com", PASSWORD)?;
    let after = Issuer::start_program(&program("signet"), free_port()?, folder, &settings)?;
    if before.get("/.well-known/jwks.json")? != after.get("/.well-known/jwks.json")? {
        return Err(Failure::new("the two publish different keys"));
    }
    for _ in 0..10 {
        for issuer in [&after, &before] {
            let body = json!({ "refresh_token": member(&session, "refresh_token")? });
            session = issuer.post("/v1/token/refresh", &body, None)?;
        }
    }
    for (opened_by, other) in [(&before, &after), (&after, &before)] {
        let session = log_in(opened_by)?;
        let body = json!({ "refresh_token": member(&session, "refresh_token")? });
        other.post("/v1/logout", &body, None)?;
        if opened_by.post("/v1/token/refresh", &body, None).is_ok() {
            return Err(Failure::new(
                "a session that one ended goes on at the other",
            ));
        }
    }
    Ok(())
}

fn log_in(issuer: &Issuer) -> Done<Value> {
    let body = json!({ "email": "ada@example.com", "password": PASSWORD });
    issuer.post("/v1/login", &body, None)
}

fn member<'a>(answer: &'a Value, name: &str) -> Done<&'a str> {
    let member = answer.get(name).and_then(Value::as_str);
    member.ok_or_else(|| Failure::new(format!("no {name} in {answer}")))
}
