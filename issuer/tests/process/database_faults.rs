//! A database that can't be used stops every command with what is wrong and what to do, on a real
//! server, and nothing is left behind.

use std::fs;
use std::net::TcpListener;

use signet_testbed::{Database, PgBouncer, Pooling, Postgres, postgres};

use super::harness::{Ended, PASSWORD, Signet};

const CREATE: [&str; 5] = [
    "user",
    "create",
    "--email",
    "ada@example.com",
    "--password-stdin",
];

/// All that opens a database.
const COMMANDS: [&[&str]; 5] = [
    &["serve"],
    &CREATE,
    &["db", "migrate"],
    &["db", "status"],
    &["db", "restored"],
];

/// Runs what opens a database; each must end with these words, without the password.
fn refused(url: &str, told: &[&str]) {
    refused_by(url, &COMMANDS, told);
}

fn refused_by(url: &str, commands: &[&[&str]], told: &[&str]) {
    for arguments in commands {
        let signet = Signet::new().with("SIGNET_DATABASE_URL", url);
        let Ended { code, err, .. } = signet.run_with_input(arguments, PASSWORD.as_bytes());
        assert_eq!(code, 1, "{url} {arguments:?}: {err}");
        for words in told {
            assert!(err.contains(words), "{arguments:?}: {words}: {err}");
        }
        assert!(!err.contains("a%20password"), "{err}");
        let left = fs::read_dir(signet.folder()).unwrap().count();
        assert_eq!(left, 0, "{arguments:?} left something behind");
    }
}

fn migrated(database: &Database<'_>) {
    let signet = Signet::new().with("SIGNET_DATABASE_URL", &database.url());
    let ended = signet.run(&["db", "migrate"]);
    assert_eq!(ended.code, 0, "{}", ended.err);
}

#[test]
fn a_url_that_is_none_is_a_fault_of_the_configuration() {
    for (url, told) in [
        ("mysql://signet@localhost/signet", "neither `sqlite:` nor"),
        ("postgres://signet@localhost", "names no database"),
        ("postgres://localhost/signet", "names no user"),
        ("postgres://a@b/c?sslmode=prefer", "sslmode=prefer"),
    ] {
        for arguments in COMMANDS {
            let signet = Signet::new().with("SIGNET_DATABASE_URL", url);
            let ended = signet.run_with_input(arguments, PASSWORD.as_bytes());
            assert_eq!(ended.code, 2, "{url}: {}", ended.err);
            assert!(ended.err.contains(told), "{url}: {}", ended.err);
        }
    }
}

#[test]
fn a_server_that_is_not_there_stops_every_command() {
    let url = "postgres://signet:a%20password@nobody.invalid/signet";
    let told = ["can't reach the PostgreSQL server", "nobody.invalid"];
    refused_by(url, &COMMANDS[..2], &told);
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = nobody.local_addr().unwrap().port();
    drop(nobody);
    let url = format!("postgres://signet:a%20password@127.0.0.1:{port}/signet");
    refused(
        &url,
        &["Connection refused", "Start it, or set database_url"],
    );
}

#[test]
fn a_user_a_password_or_a_database_that_is_wrong_stops_every_command() {
    let database = postgres().database();
    let url = database.url();
    refused(&url.replace("a%20password", "wrong"), &["refuses the user"]);
    let stranger = database.url_through(postgres().port(), "stranger");
    refused(&stranger, &["refuses the user", "pg_hba.conf"]);
    let none = url.replace(database.name(), "no_such_database");
    refused(&none, &["no_such_database", "CREATE DATABASE"]);
}

#[test]
fn rights_that_are_missing_stop_every_command() {
    let database = postgres().database();
    let role = format!("{}_guest", database.name());
    database.make_role(&role);
    let url = database.url_through(postgres().port(), &role);
    let told = ["lacks a right", "CREATE SCHEMA IF NOT EXISTS signet"];
    // Looking needs no right where there is nothing.
    refused_by(&url, &[&["db", "migrate"]], &told);
    refused_by(
        &url,
        &[&["db", "restored"]],
        &["nothing can have been restored"],
    );
    migrated(&database);
    refused(&url, &["lacks a right", "permission denied for schema"]);
    database.sql(&format!("GRANT USAGE ON SCHEMA signet TO {role}"));
    refused(&url, &["lacks a right", "permission denied for table"]);
    database.sql(&format!(
        "REVOKE ALL ON SCHEMA signet FROM {role}; DROP ROLE {role}"
    ));
}

#[test]
fn a_standby_stops_every_command_that_writes() {
    let mut server = Postgres::start();
    let database = server.database();
    let url = database.url();
    migrated(&database);
    std::mem::forget(database);
    server.stand_by();
    let writing = [&["serve"][..], &CREATE, &["db", "migrate"]];
    for arguments in writing {
        let signet = Signet::new().with("SIGNET_DATABASE_URL", &url);
        let ended = signet.run_with_input(arguments, PASSWORD.as_bytes());
        assert_eq!(ended.code, 1, "{}", ended.err);
        assert!(ended.err.contains("is a standby"), "{}", ended.err);
        assert!(ended.err.contains("promote it"), "{}", ended.err);
    }
}

#[test]
fn a_schema_that_is_not_ours_or_not_whole_stops_every_command() {
    let database = postgres().database();
    database.sql("CREATE SCHEMA signet; CREATE TABLE signet.stamps (id BIGINT)");
    refused(
        &database.url(),
        &["is not Signet's: it holds stamps", "RENAME"],
    );

    let database = postgres().database();
    migrated(&database);
    database.sql("DROP TABLE signet.guesses");
    refused(
        &database.url(),
        &["is not whole: the table guesses", "backup"],
    );

    let database = postgres().database();
    migrated(&database);
    database.sql("DELETE FROM signet.schema_migrations WHERE version = 4");
    refused(&database.url(), &["is not whole: migration 4 (sessions)"]);
    database.sql("DELETE FROM signet.schema_migrations WHERE version > 3");
    // Its tables are there, and nothing says so.
    refused_by(&database.url(), &[&["serve"]], &["already exists"]);
}

#[test]
fn a_pooler_whose_server_is_away_stops_every_command() {
    let mut server = Postgres::start();
    let pooler = PgBouncer::start(&server, Pooling::default());
    let database = server.database();
    let url = database.url_through(pooler.port(), "postgres");
    std::mem::forget(database);
    server.stop();
    refused_by(&url, &COMMANDS[..2], &["PostgreSQL server"]);
}
