//! `signet doctor` says of a machine what is fine, what is worth a change, and what stops an issuer.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use serde_json::Value;
use signet_testbed::{PgBouncer, Pooling, Postgres, postgres, redis};

use super::harness::{PASSWORD, Signet};

/// What the doctor says, and its exit code.
fn asked(signet: &Signet) -> (i32, Value) {
    let ended = signet.run(&["doctor", "--json"]);
    let told = serde_json::from_str(&ended.out).unwrap_or_else(|_| panic!("{ended:?}"));
    (ended.code, told)
}

/// Whether a subject has a line of this verdict with these words.
fn says(told: &Value, subject: &str, verdict: &str, words: &str) -> bool {
    told["checks"].as_array().unwrap().iter().any(|check| {
        check["subject"] == subject
            && check["verdict"] == verdict
            && check["message"].as_str().unwrap().contains(words)
    })
}

#[track_caller]
fn must_say(told: &Value, subject: &str, verdict: &str, words: &str) {
    assert!(
        says(told, subject, verdict, words),
        "{verdict} {subject} {words}: {told:#}"
    );
}

fn create(signet: &Signet) {
    let create = [
        "user",
        "create",
        "--email",
        "ada@example.com",
        "--password-stdin",
    ];
    let created = signet.run_with_input(&create, PASSWORD.as_bytes());
    assert_eq!(created.code, 0, "{}", created.err);
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

#[test]
fn where_there_is_nothing_yet_everything_is_fine_and_stays_so() {
    let signet = Signet::new();
    let ended = signet.run(&["doctor"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    for words in [
        "ok    configuration local mode",
        "ok    schema        none yet",
        "ok    master key    none yet",
        "ok    redis         none",
        "SQLite 3.",
        "until a page is durable (fsync)",
        "password.memory_kib = ",
        "in /dev/mailbox",
    ] {
        assert!(ended.out.contains(words), "{words}: {}", ended.out);
    }
    assert!(!ended.out.contains("FAIL"), "{}", ended.out);
    assert!(names(signet.folder()).is_empty(), "it makes nothing");
}

#[test]
fn parameters_are_proposed_for_the_algorithm_that_is_configured() {
    let doctor = |algorithm| {
        let signet = Signet::new().with("SIGNET_PASSWORD__ALGORITHM", algorithm);
        signet.run(&["doctor"]).out
    };
    let (argon2id, bcrypt) = (doctor("argon2id"), doctor("bcrypt"));
    let (memory, cost) = ("password.memory_kib = ", "password.bcrypt_cost = ");
    assert!(
        argon2id.contains(memory) && !argon2id.contains(cost),
        "{argon2id}"
    );
    assert!(
        bcrypt.contains(cost) && !bcrypt.contains(memory),
        "{bcrypt}"
    );
    let proposed = bcrypt
        .split_once(cost)
        .unwrap()
        .1
        .split_once(':')
        .unwrap()
        .0;
    assert!(
        (10..=16).contains(&proposed.parse::<u32>().unwrap()),
        "{bcrypt}"
    );
}

#[test]
fn a_configuration_that_cannot_be_read_is_told_line_by_line() {
    let signet = Signet::new()
        .with("SIGNET_DATABASE_URL", "mysql://signet:hidden@db/signet")
        .with("SIGNET_LISTEN", "somewhere");
    let (code, told) = asked(&signet);
    assert_eq!(code, 1);
    must_say(&told, "configuration", "fail", "database_url");
    must_say(&told, "configuration", "fail", "listen");
    assert!(!told.to_string().contains("hidden"));
}

#[test]
fn beside_a_running_issuer_the_file_and_its_keys_are_looked_at() {
    let signet = Signet::new();
    create(&signet);
    let server = signet.serve();
    let (code, told) = asked(&signet);
    assert_eq!(code, 0, "{told:#}");
    must_say(&told, "schema", "ok", "up to date");
    must_say(&told, "master key", "ok", "opens all stored keys");
    must_say(&told, "database", "ok", "write-ahead log");
    assert_eq!(told["ok"], true);
    server.signal("TERM");
    assert_eq!(server.ended().code, 0);

    let database = signet.folder().join("signet.db");
    fs::set_permissions(&database, fs::Permissions::from_mode(0o644)).unwrap();
    let key = signet.folder().join("signet.master-key");
    let kept = fs::read(&key).unwrap();
    let other = Signet::new();
    create(&other);
    fs::copy(other.folder().join("signet.master-key"), &key).unwrap();
    let (code, told) = asked(&signet);
    assert_eq!(code, 1);
    must_say(&told, "database", "warn", "mode 644");
    must_say(&told, "master key", "fail", "doesn't open the stored keys");
    let secret = String::from_utf8(kept).unwrap();
    assert!(!told.to_string().contains(secret.trim()));
    fs::remove_file(&key).unwrap();
    let (code, told) = asked(&signet);
    assert_eq!(code, 1);
    must_say(&told, "master key", "fail", "is not there");
    assert!(!key.exists(), "it makes nothing");
    fs::write(&database, "no database").unwrap();
    let (code, told) = asked(&signet);
    assert_eq!(code, 1);
    must_say(&told, "database", "fail", "is not a SQLite database");
}

#[test]
fn a_server_is_looked_at_with_and_without_a_pooler() {
    let database = postgres().database();
    let signet = Signet::new().with("SIGNET_DATABASE_URL", &database.url());
    let (code, told) = asked(&signet);
    assert_eq!(code, 0, "{told:#}");
    must_say(&told, "schema", "ok", "none yet");
    create(&signet);
    let (code, told) = asked(&signet);
    assert_eq!(code, 0, "{told:#}");
    must_say(&told, "database", "ok", "PostgreSQL 1");
    must_say(
        &told,
        "database",
        "ok",
        "not encrypted, and on this machine",
    );
    must_say(&told, "database", "ok", "a question and its answer take");
    must_say(&told, "database", "ok", "the role has the rights");
    must_say(&told, "clock", "ok", "s apart from");
    must_say(&told, "master key", "ok", "opens all stored keys");
    assert!(!says(&told, "database", "ok", "pooler"), "{told:#}");
    assert!(!told.to_string().contains("a%20password"), "{told}");

    let pooler = PgBouncer::start(postgres(), Pooling::default());
    let url = database.url_through(pooler.port(), "postgres");
    let pooled = Signet::new().with("SIGNET_DATABASE_URL", &url);
    let (code, told) = asked(&pooled);
    assert_eq!(code, 1, "{told:#}");
    must_say(&told, "database", "ok", "a transaction pooler");
    must_say(&told, "master key", "fail", "is not there");

    database.sql(&format!(
        "ALTER DATABASE {} SET synchronous_commit = off",
        database.name()
    ));
    let role = format!("{}_guest", database.name());
    database.make_role(&role);
    database.sql(&format!(
        "GRANT USAGE ON SCHEMA signet TO {role};
         GRANT SELECT ON ALL TABLES IN SCHEMA signet TO {role}"
    ));
    let url = database.url_through(postgres().port(), &role);
    let (code, told) = asked(&Signet::new().with("SIGNET_DATABASE_URL", &url));
    assert_eq!(code, 1);
    must_say(&told, "database", "warn", "synchronous_commit = off");
    must_say(&told, "database", "fail", "INSERT on signet.accounts");
    must_say(&told, "database", "fail", "CREATE on the schema signet");
    database.sql(&format!(
        "REVOKE ALL ON ALL TABLES IN SCHEMA signet FROM {role};
         REVOKE ALL ON SCHEMA signet FROM {role}; DROP ROLE {role};
         INSERT INTO signet.schema_migrations (version, description, checksum)
         VALUES (9999, 'of tomorrow', '')"
    ));
    let (code, told) = asked(&signet);
    assert_eq!(code, 1);
    must_say(&told, "schema", "fail", "newer release");
}

#[test]
fn a_standby_and_a_server_that_is_away_are_told() {
    let mut server = Postgres::start();
    let database = server.database();
    let url = database.url();
    std::mem::forget(database);
    let signet = Signet::new().with("SIGNET_DATABASE_URL", &url);
    create(&signet);
    server.stand_by();
    let (code, told) = asked(&signet);
    assert_eq!(code, 1);
    must_say(&told, "database", "fail", "is a standby");
    server.stop();
    let (code, told) = asked(&signet);
    assert_eq!(code, 1);
    must_say(
        &told,
        "database",
        "fail",
        "can't reach the PostgreSQL server",
    );
}

#[test]
fn a_mail_server_that_cannot_be_reached_is_told_without_its_password() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = nobody.local_addr().unwrap().port();
    drop(nobody);
    let url = format!("smtp://signet:hidden@localhost:{port}");
    let (code, told) = asked(&Signet::new().with("SIGNET_SMTP_URL", &url));
    assert_eq!(code, 0, "mail waits, and all else goes on");
    must_say(&told, "mail", "warn", "can't be used");
    assert!(!told.to_string().contains("hidden"), "{told}");
}

#[test]
fn redis_is_asked_for_what_it_will_be_asked_for() {
    let on = |url: &str| Signet::new().with("SIGNET_REDIS_URL", url);
    let (code, told) = asked(&on(&redis().url()));
    assert_eq!(code, 0, "{told:#}");
    must_say(&told, "redis", "ok", "keeps the limits");
    assert!(!told.to_string().contains("a%20password"), "{told:#}");
    let (code, told) = asked(&on(&redis().make_user("doctor", "~signet:* -@all +eval")));
    assert_eq!(code, 1, "{told:#}");
    must_say(&told, "redis", "fail", "docs/REDIS.md");
}
