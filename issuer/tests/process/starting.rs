//! What can't be started is told in words that lead to the way out, and leaves nothing behind.

use std::collections::BTreeSet;
use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use signet_testbed::postgres;

use super::harness::{PASSWORD, Signet, body, status};

/// A user of no rights.
const NOBODY: u32 = 65_534;

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// A folder whose database can't be there, what is said of it, and what must be in the folder
/// before and after.
fn refused(database: &str, prepare: impl FnOnce(&Path), told: &[&str]) {
    let signet = Signet::new().with("SIGNET_DATABASE_URL", &format!("sqlite:{database}"));
    prepare(signet.folder());
    let before = names(signet.folder());
    let create = [
        "user",
        "create",
        "--email",
        "a@example.com",
        "--password-stdin",
    ];
    let commands = [
        &["serve"][..],
        &create,
        &["db", "migrate"],
        &["db", "status"],
        &["db", "restored"],
    ];
    for arguments in commands {
        let ended = signet.run_with_input(arguments, PASSWORD.as_bytes());
        assert_eq!(ended.code, 1, "{database}: {}", ended.err);
        let said = ended.err.lines().last().unwrap();
        for words in told {
            assert!(said.contains(words), "{database}: {words}: {said}");
        }
        assert_eq!(names(signet.folder()), before, "{database}");
    }
}

#[test]
fn a_database_that_cannot_be_there_is_told_with_the_way_out() {
    refused(
        "no/such/signet.db",
        |_| (),
        &[
            "no/such of the database does not exist. Make it, or set database_url",
            "the folder /",
        ],
    );
    refused(
        "file/signet.db",
        |folder| fs::write(folder.join("file"), "").unwrap(),
        &["/file of the database does not exist"],
    );
    refused(
        "data",
        |folder| fs::create_dir(folder.join("data")).unwrap(),
        &["the database data is a folder", "sqlite:data/signet.db"],
    );
    refused(
        "notes.txt",
        |folder| fs::write(folder.join("notes.txt"), "SQLite, some day").unwrap(),
        &[
            "notes.txt is not a SQLite database",
            "Set database_url to another file",
        ],
    );
    refused(
        "short.db",
        |folder| fs::write(folder.join("short.db"), "SQL").unwrap(),
        &["short.db is not a SQLite database"],
    );
    // Not even root makes files there.
    refused(
        "/proc/signet.db",
        |_| (),
        &[
            "can't make files in /proc, the folder of the database: ",
            "the right to write there",
        ],
    );
}

#[test]
fn a_database_of_somebody_else_is_told_as_such() {
    let signet = Signet::new();
    let folder = signet.folder();
    // Nobody has to be able to run it, whatever the folders above the one it was built in allow.
    let program = folder.join("signet");
    fs::copy(env!("CARGO_BIN_EXE_signet"), &program).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(folder, fs::Permissions::from_mode(0o777)).unwrap();
    let database = folder.join("signet.db");
    fs::write(&database, "").unwrap();
    // Nothing, or only reading.
    for (mode, arguments) in [(0o000, "serve"), (0o444, "serve"), (0o444, "db migrate")] {
        fs::set_permissions(&database, fs::Permissions::from_mode(mode)).unwrap();
        let mut command = Command::new(&program);
        command.args(arguments.split(' '));
        command.current_dir(folder).env_clear();
        command.stdin(Stdio::null());
        // Root may read everything.
        if fs::metadata(&database).unwrap().uid() == 0 {
            command.uid(NOBODY).gid(NOBODY);
        }
        let ended = command.output().unwrap();
        let said = String::from_utf8(ended.stderr).unwrap();
        assert_eq!(ended.status.code(), Some(1), "{said}");
        let told = "can't read and write the database signet.db: Permission denied";
        assert!(said.contains(told), "{said}");
    }
    assert_eq!(names(folder), ["signet", "signet.db"]);
}

#[test]
fn what_is_no_database_is_not_backed_up() {
    for (database, told) in [
        ("data", "the database data is a folder"),
        ("notes.txt", "notes.txt is not a SQLite database"),
        ("missing.db", "there is no database missing.db. Set"),
    ] {
        let signet = Signet::new().with("SIGNET_DATABASE_URL", &format!("sqlite:{database}"));
        fs::create_dir(signet.folder().join("data")).unwrap();
        fs::write(signet.folder().join("notes.txt"), "SQLite, some day").unwrap();
        let ended = signet.run(&["db", "backup", "copy.db"]);
        assert_eq!(ended.code, 1, "{}", ended.err);
        assert!(ended.err.contains(told), "{}", ended.err);
        assert_eq!(names(signet.folder()), ["data", "notes.txt"]);
    }
}

#[test]
fn a_database_without_its_key_gets_no_other_one() {
    let signet = Signet::new();
    // Without keys there is nothing to lose.
    assert_eq!(signet.run(&["db", "migrate"]).code, 0);
    let server = signet.serve();
    server.signal("TERM");
    assert_eq!(server.ended().code, 0);
    let key = signet.folder().join("signet.master-key");
    fs::remove_file(&key).unwrap();
    for arguments in [&["serve"][..], &["db", "restored"]] {
        let ended = signet.run(arguments);
        assert_eq!(ended.code, 1, "{}", ended.err);
        assert!(ended.err.contains("is not there"), "{}", ended.err);
        assert!(!key.exists());
    }
}

#[test]
fn a_file_of_another_program_is_left_as_it_is() {
    let signet = Signet::new();
    let database = signet.folder().join("signet.db");
    let made = Command::new("python3")
        .args([
            "-c",
            "import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute('CREATE TABLE stamps (id)')",
        ])
        .arg(&database)
        .status();
    assert!(made.unwrap().success());
    let before = fs::read(&database).unwrap();
    for arguments in [&["serve"][..], &["db", "migrate"], &["db", "status"]] {
        let ended = signet.run(arguments);
        assert_eq!(ended.code, 1, "{}", ended.err);
        let told = "is not Signet's: it holds stamps";
        assert!(ended.err.contains(told), "{}", ended.err);
        assert_eq!(fs::read(&database).unwrap(), before);
        assert_eq!(names(signet.folder()), ["signet.db"]);
    }
}

#[test]
fn an_empty_file_becomes_the_database() {
    let signet = Signet::new();
    fs::write(signet.folder().join("signet.db"), "").unwrap();
    let server = signet.serve();
    server.signal("TERM");
    assert_eq!(server.ended().code, 0);
}

/// All of them migrate, make keys and end well.
fn start_together(signets: &[Signet], applied: impl Fn() -> usize) {
    let servers: Vec<_> = std::thread::scope(|scope| {
        let starts = signets.iter().map(|signet| scope.spawn(|| signet.serve()));
        let starts: Vec<_> = starts.collect();
        starts
            .into_iter()
            .map(|start| start.join().unwrap())
            .collect()
    });
    // The second key is published once all are up, and each hears of it within a second.
    let started = Instant::now();
    loop {
        let keys: BTreeSet<String> = servers
            .iter()
            .map(|server| body(&server.get("/.well-known/jwks.json")).to_owned())
            .collect();
        let first = keys.first().unwrap();
        if keys.len() == 1 && first.matches("\"kid\"").count() == 2 {
            break;
        }
        assert!(started.elapsed() < Duration::from_secs(20), "{keys:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
    for server in servers {
        assert_eq!(status(&server.get("/readyz")), 200);
        server.signal("TERM");
        assert_eq!(server.ended().code, 0);
    }
    let migrations =
        fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../migrations/sqlite"));
    assert_eq!(applied(), migrations.unwrap().count());
}

#[test]
fn eight_first_starts_migrate_once() {
    let signet = Signet::new();
    start_together(&[(); 8].map(|()| signet.beside()), || {
        schema(&signet)["applied"].as_array().unwrap().len()
    });
    let database = postgres().database();
    let signet = Signet::new().with("SIGNET_DATABASE_URL", &database.url());
    start_together(&[(); 8].map(|()| signet.beside()), || {
        let applied = database.sql("SELECT count(*) FROM signet.schema_migrations");
        applied.trim().parse().unwrap()
    });
    println!("proved: 8 first starts at once migrated once, on a file and on a server");
}

fn schema(signet: &Signet) -> Value {
    serde_json::from_str(&signet.run(&["db", "status", "--json"]).out).unwrap()
}

#[test]
fn a_taken_port_is_told_before_any_file_is_made() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let signet = Signet::new();
    let ended = signet.run(&["--listen", &address]);
    assert_eq!(ended.code, 1, "{}", ended.err);
    let told = format!("can't listen on {address}: ");
    assert!(ended.err.contains(&told), "{}", ended.err);
    assert!(ended.err.contains("Another program listens there"));
    assert!(names(signet.folder()).is_empty());
}

#[test]
fn an_address_of_another_machine_is_told_as_such() {
    // RFC 5737 keeps it for documentation.
    let signet = Signet::new()
        .with("SIGNET_PUBLIC_URL", "https://auth.example.com")
        .with(
            "SIGNET_MASTER_KEY",
            "jzpb4ZB80kRm-x4Nk6hcd9Eu8EtqWYPC7hcPmrHE1lU",
        )
        .with("SIGNET_SMTP_URL", "smtps://mail.invalid");
    let ended = signet.run(&["--listen", "192.0.2.1:8080"]);
    assert_eq!(ended.code, 1, "{}", ended.err);
    assert!(
        ended.err.contains("This machine doesn't have the address"),
        "{}",
        ended.err
    );
    assert!(names(signet.folder()).is_empty());
}
