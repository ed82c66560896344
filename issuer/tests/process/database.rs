//! One URL says where everything is kept; the rest of the program is the same.

use std::fs;

use serde_json::{Value, json};
use signet_testbed::{Database, postgres};

use super::harness::{PASSWORD, Signet, json, run_sql, status};

const CREATE: [&str; 6] = [
    "user",
    "create",
    "--email",
    "ada@example.com",
    "--verified",
    "--password-stdin",
];

fn on(database: &Database<'_>) -> Signet {
    Signet::new().with("SIGNET_DATABASE_URL", &database.url())
}

fn schema(signet: &Signet) -> (i32, Value) {
    let ended = signet.run(&["db", "status", "--json"]);
    let told = serde_json::from_str(&ended.out).unwrap_or_else(|_| panic!("{}", ended.err));
    (ended.code, told)
}

/// What `signet db` says and does, on any store.
fn comes_up_to_date(signet: &Signet) {
    let (code, told) = schema(signet);
    assert_eq!(code, 1, "{told}");
    assert_eq!(told["up_to_date"], false);
    assert_eq!(told["applied"], json!([]));
    let pending = told["pending"].clone();
    assert_eq!(pending[0], json!({ "version": 1, "name": "meta" }));

    for _ in 0..2 {
        let ended = signet.run(&["db", "migrate"]);
        assert_eq!(ended.code, 0, "{}", ended.err);
        assert!(ended.out.ends_with("up to date\n"), "{}", ended.out);
        assert!(ended.out.contains("0001 applied  meta\n"), "{}", ended.out);
    }
    let (code, told) = schema(signet);
    assert_eq!(code, 0, "{told}");
    assert_eq!(told["applied"], pending);
    assert_eq!(told["pending"], json!([]));
}

#[test]
fn a_file_is_looked_at_before_it_is_made_and_brought_up_to_date() {
    let signet = Signet::new();
    schema(&signet);
    let nothing = fs::read_dir(signet.folder()).unwrap().count();
    assert_eq!(nothing, 0, "looking makes nothing");
    comes_up_to_date(&signet);
}

/// What a command about a database that isn't there says.
fn finds_nothing(signet: &Signet, command: &[&str]) {
    let ended = signet.run(command);
    let code = match command {
        ["audit", "verify"] => 2,
        _ => 1,
    };
    assert_eq!(ended.code, code, "{command:?}: {ended:?}");
    let told = "there is no database of an issuer at";
    assert!(ended.err.contains(told), "{command:?}: {}", ended.err);
    assert!(ended.out.is_empty(), "{command:?}: {}", ended.out);
}

#[test]
fn a_command_about_what_is_there_makes_no_database_and_no_key() {
    let signet = Signet::new();
    for command in [
        &["audit", "verify"][..],
        &["audit", "export"],
        &["user", "list"],
        &["user", "suspend", "ada@example.com"],
        &["user", "export", "ada@example.com"],
        &["session", "list", "ada@example.com"],
        &["keys", "list"],
        &["keys", "reseal"],
        &["mail", "outbox"],
        &["mail", "retry", "--dead"],
    ] {
        finds_nothing(&signet, command);
        let made = fs::read_dir(signet.folder()).unwrap().count();
        assert_eq!(made, 0, "{command:?}");
    }
    assert_eq!(signet.run(&["db", "migrate"]).code, 0);
    finds_nothing(&signet, &["user", "list"]);
    let key = signet.folder().join("signet.master-key");
    assert!(!key.exists(), "no issuer has begun here");
    assert_eq!(signet.run_with_input(&CREATE, PASSWORD.as_bytes()).code, 0);
    assert_eq!(signet.run(&["user", "list"]).code, 0);
}

#[test]
fn a_trail_that_can_not_be_looked_at_is_told_from_a_broken_one() {
    let signet = Signet::new();
    let verify = ["audit", "verify"];
    let notes = signet.folder().join("notes.txt");
    fs::write(notes, "this is no database").unwrap();
    for url in [
        "sqlite:misspelled.db",
        "sqlite:no/such/folder/signet.db",
        "sqlite:notes.txt",
        "sqlite:.",
    ] {
        let elsewhere = signet.beside().with("SIGNET_DATABASE_URL", url);
        for command in [&verify[..], &["audit", "verify", "--json"]] {
            let ended = elsewhere.run(command);
            assert_eq!(ended.code, 2, "{url}: {ended:?}");
            assert!(ended.out.is_empty() && !ended.err.is_empty(), "{ended:?}");
        }
    }
    assert_eq!(signet.run_with_input(&CREATE, PASSWORD.as_bytes()).code, 0);
    assert_eq!(signet.run(&verify).code, 0);
    let database = signet.folder().join("signet.db");
    run_sql(&database, "UPDATE audit SET at = 0 WHERE sequence = 1");
    let broken = signet.run(&verify);
    assert_eq!(broken.code, 1, "{broken:?}");
    assert!(broken.err.contains("row 1 doesn't follow"), "{broken:?}");
}

#[test]
fn a_command_about_what_is_there_leaves_a_server_as_it_is() {
    let database = postgres().database();
    let signet = on(&database);
    finds_nothing(&signet, &["user", "list"]);
    let (_, told) = schema(&signet);
    assert_eq!(told["applied"], json!([]));
    let newest = told["pending"].as_array().unwrap().len();
    assert_eq!(signet.run_with_input(&CREATE, PASSWORD.as_bytes()).code, 0);
    assert_eq!(signet.run(&["user", "list"]).code, 0);
    database.sql(
        "DELETE FROM signet.schema_migrations
         WHERE version = (SELECT max(version) FROM signet.schema_migrations)",
    );
    let behind = signet.run(&["user", "list"]);
    assert_eq!(behind.code, 1, "{}", behind.out);
    assert!(behind.err.contains("`signet db migrate`"), "{}", behind.err);
    let (_, told) = schema(&signet);
    assert_eq!(told["applied"].as_array().unwrap().len(), newest - 1);
}

#[test]
fn a_server_is_looked_at_and_brought_up_to_date() {
    let database = postgres().database();
    let signet = on(&database);
    comes_up_to_date(&signet);
    database.sql(
        "INSERT INTO signet.schema_migrations (version, description, checksum)
         VALUES (9999, 'of tomorrow', '')",
    );
    let (code, told) = schema(&signet);
    assert_eq!(code, 1, "{told}");
    assert_eq!(told["unknown"][0]["version"], 9999);
    for arguments in [&["db", "migrate"][..], &["serve"]] {
        let ended = signet.run(arguments);
        assert_eq!(ended.code, 1, "{}", ended.err);
        assert!(
            ended.err.contains("newer release (to 9999)"),
            "{}",
            ended.err
        );
    }
}

#[test]
fn an_account_made_on_a_server_logs_in_there() {
    let database = postgres().database();
    let signet = on(&database);
    let created = signet.run_with_input(&CREATE, PASSWORD.as_bytes());
    assert_eq!(created.code, 0, "{}", created.err);
    let first = signet.serve();
    let credentials = json!({ "email": "ada@example.com", "password": PASSWORD });
    let answer = first.post_json("/v1/login", &credentials);
    assert_eq!(status(&answer), 200, "{answer}");
    let refresh = json!({ "refresh_token": json(&answer)["refresh_token"] });
    // A second process on the same server, with the same keys.
    let second = signet.serve();
    let answer = second.post_json("/v1/token/refresh", &refresh);
    assert_eq!(status(&answer), 200, "{answer}");
    assert_eq!(status(&second.get("/readyz")), 200);
    for server in [first, second] {
        server.signal("TERM");
        let ended = server.ended();
        assert_eq!(ended.code, 0, "{}", ended.err);
        assert!(!ended.err.contains("a%20password"), "{}", ended.err);
    }
    assert!(signet.folder().join("signet.master-key").exists());
    assert!(!signet.folder().join("signet.db").exists());
}

#[test]
fn another_master_key_than_the_servers_is_told_as_such() {
    let database = postgres().database();
    let created = on(&database).run_with_input(&CREATE, PASSWORD.as_bytes());
    assert_eq!(created.code, 0, "{}", created.err);
    // Another folder, and so no key.
    for arguments in [&["serve"][..], &CREATE, &["db", "restored"]] {
        let elsewhere = on(&database);
        let ended = elsewhere.run_with_input(arguments, PASSWORD.as_bytes());
        assert_eq!(ended.code, 1, "{}", ended.err);
        let told = "signet.master-key is not there. Start signet where that file is";
        assert!(ended.err.contains(told), "{}", ended.err);
        let made = fs::read_dir(elsewhere.folder()).unwrap().count();
        assert_eq!(made, 0, "no other key is made");
    }
    let elsewhere = on(&database);
    let others = postgres().database();
    let other = on(&others);
    assert_eq!(other.run_with_input(&CREATE, PASSWORD.as_bytes()).code, 0);
    let key = "signet.master-key";
    fs::copy(other.folder().join(key), elsewhere.folder().join(key)).unwrap();
    let ended = elsewhere.run(&["serve"]);
    assert_eq!(ended.code, 1, "{}", ended.err);
    assert!(
        ended
            .err
            .contains("give the one that this database was made with"),
        "{}",
        ended.err
    );
}

#[test]
fn a_wrong_password_stops_every_command_with_what_to_do() {
    let database = postgres().database();
    let url = database.url().replace("a%20password", "hunter2");
    let signet = Signet::new().with("SIGNET_DATABASE_URL", &url);
    for arguments in [
        &["serve"][..],
        &CREATE,
        &["db", "migrate"],
        &["db", "status"],
    ] {
        let ended = signet.run_with_input(arguments, PASSWORD.as_bytes());
        assert_eq!(ended.code, 1, "{}", ended.err);
        assert!(ended.err.contains("refuses the user"), "{}", ended.err);
        assert!(ended.err.contains("percent-encoded"), "{}", ended.err);
        assert!(!ended.err.contains("hunter2"), "{}", ended.err);
    }
    let printed = signet.run(&["config", "print"]);
    assert!(printed.out.contains("postgres:***@"), "{}", printed.out);
}
