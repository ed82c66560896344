//! Backups beside a running issuer, and going back to them.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use base64ct::{Base64UrlUnpadded, Encoding as _};
use serde_json::{Value, json};
use signet_testbed::postgres;

use super::harness::{PASSWORD, Running, Signet, body, json, run_sql, status};

fn create(signet: &Signet, more: &[&str]) {
    let email = ["--email", "ada@example.com"];
    let create = ["user", "create", "--verified", "--password-stdin"];
    let create = [&create[..], &email, more].concat();
    let created = signet.run_with_input(&create, PASSWORD.as_bytes());
    assert_eq!(created.code, 0, "{}", created.err);
}

fn log_in(server: &Running) -> Value {
    let login = json!({ "email": "ada@example.com", "password": PASSWORD });
    let answer = server.post_json("/v1/login", &login);
    assert_eq!(status(&answer), 200, "{answer}");
    json(&answer)
}

fn refresh(server: &Running, session: &Value) -> u16 {
    let request = json!({ "refresh_token": session["refresh_token"] });
    status(&server.post_json("/v1/token/refresh", &request))
}

fn me(server: &Running, session: &Value) -> u16 {
    server.me(session["access_token"].as_str().unwrap())
}

fn keys(server: &Running) -> String {
    body(&server.get("/.well-known/jwks.json")).to_owned()
}

fn files(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.filter(|name| name.contains(".db")).collect();
    names.sort();
    names
}

#[test]
fn a_backup_is_made_beside_an_issuer_and_put_back_as_a_new_life() {
    let signet = Signet::new();
    create(&signet, &["--role", "admin"]);
    let server = signet.serve();
    let session = log_in(&server);
    let keys_before = keys(&server);
    let backup = ["db", "backup", "copy.db"];
    let made = signet.run(&backup);
    assert_eq!(made.code, 0, "{}", made.err);
    let copy = signet.folder().join("copy.db");
    let mode = fs::metadata(&copy).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let again = signet.run(&backup);
    assert_eq!(again.code, 1, "{}", again.out);
    assert!(again.err.contains("copy.db"), "{}", again.err);

    let restore = ["db", "restore", "copy.db", "--json"];
    let refused = signet.run(&restore);
    assert_eq!(refused.code, 1, "{}", refused.out);
    assert!(refused.err.contains("stop the issuer"), "{}", refused.err);
    let refused = signet.run(&["db", "restored"]);
    assert_eq!(refused.code, 1, "{}", refused.out);
    assert_eq!(refresh(&server, &session), 200, "nothing was done to it");
    server.signal("TERM");
    assert_eq!(server.ended().code, 0);

    let restored = signet.run(&restore);
    assert_eq!(restored.code, 0, "{}", restored.err);
    let life: Value = serde_json::from_str(&restored.out).unwrap();
    assert_eq!(life["sessions_ended"], 1, "{life}");
    assert_eq!(life["old_keys_unopened"], Value::Null, "{life}");
    assert_eq!(life["review"][0]["email"], "ada@example.com", "{life}");
    assert_eq!(life["review"][0]["roles"], json!(["admin"]), "{life}");
    let there = files(signet.folder());
    assert_eq!(there.len(), 3, "{there:?}");
    assert!(there[2].starts_with("signet.db.before-"), "{there:?}");

    let server = signet.serve();
    assert_ne!(keys(&server), keys_before);
    assert_eq!(refresh(&server, &session), 401);
    assert_eq!(me(&server, &session), 401);
    let session = log_in(&server);
    assert_eq!(me(&server, &session), 200);
}

#[test]
fn what_is_no_whole_backup_replaces_nothing() {
    let signet = Signet::new();
    create(&signet, &[]);
    assert_eq!(signet.run(&["db", "backup", "copy.db"]).code, 0);
    let database = signet.folder().join("signet.db");
    let before = fs::read(&database).unwrap();
    let copy = fs::read(signet.folder().join("copy.db")).unwrap();
    let (half, _) = copy.split_at(copy.len() / 2);
    for (name, content) in [
        (
            "letter.txt",
            &b"this is a letter to my grandmother, and no database"[..],
        ),
        ("empty.db", b""),
        ("half.db", half),
    ] {
        fs::write(signet.folder().join(name), content).unwrap();
        let ended = signet.run(&["db", "restore", name]);
        assert_eq!(ended.code, 1, "{name}: {}", ended.out);
        assert!(ended.err.contains(name), "{}", ended.err);
        fs::remove_file(signet.folder().join(name)).unwrap();
    }
    assert_eq!(signet.run(&["db", "restore", "missing.db"]).code, 2);
    let told = signet.run(&["db", "backup", "another.db"]).out;
    assert!(told.contains("the master key isn't in it"), "{told}");
    fs::remove_file(signet.folder().join("another.db")).unwrap();
    let nowhere = signet.run(&["db", "backup", "nowhere/backup.db"]);
    assert_eq!(nowhere.code, 2, "{}", nowhere.err);
    assert_eq!(fs::read(&database).unwrap(), before);
    assert_eq!(files(signet.folder()), ["copy.db", "signet.db"]);
}

#[test]
fn a_database_that_was_taken_back_by_other_means_begins_a_new_life() {
    let signet = Signet::new();
    create(&signet, &[]);
    let server = signet.serve();
    let session = log_in(&server);
    server.signal("TERM");
    assert_eq!(server.ended().code, 0);
    let restored = signet.run(&["db", "restored"]);
    assert_eq!(restored.code, 0, "{}", restored.err);
    assert!(
        restored.out.contains("a new life began"),
        "{}",
        restored.out
    );
    let server = signet.serve();
    assert_eq!(refresh(&server, &session), 401);
    assert_eq!(me(&server, &session), 401);
    log_in(&server);
}

#[test]
fn no_new_life_begins_where_there_was_none() {
    let signet = Signet::new();
    let nowhere = signet.run(&["db", "restored"]);
    assert_eq!(nowhere.code, 1, "{}", nowhere.out);
    assert!(nowhere.err.contains("signet.db"), "{}", nowhere.err);
    assert!(nowhere.err.contains("set database_url"), "{}", nowhere.err);
    let left = fs::read_dir(signet.folder()).unwrap().count();
    assert_eq!(left, 0, "neither a database nor a key is made");
    let database = postgres().database();
    let empty = Signet::new().with("SIGNET_DATABASE_URL", &database.url());
    let ended = empty.run(&["db", "restored"]);
    assert_eq!(ended.code, 1, "{}", ended.out);
    assert!(ended.err.contains(database.name()), "{}", ended.err);
}

#[test]
fn what_was_there_before_each_restore_is_kept() {
    let signet = Signet::new();
    create(&signet, &[]);
    assert_eq!(signet.run(&["db", "backup", "copy.db"]).code, 0);
    let itself = signet.run(&["db", "restore", "signet.db"]);
    assert_eq!(itself.code, 1, "{}", itself.out);
    assert!(itself.err.contains("the database itself"), "{}", itself.err);
    for _ in 0..3 {
        let restored = signet.run(&["db", "restore", "copy.db"]);
        assert_eq!(restored.code, 0, "{}", restored.err);
    }
    let kept = files(signet.folder()).into_iter();
    let kept = kept.filter(|name| name.starts_with("signet.db.before-"));
    assert_eq!(kept.count(), 3);
    let key = fs::read_dir(signet.folder())
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let key = key
        .into_iter()
        .find(|path| path.extension().is_some_and(|it| it == "master-key"));
    fs::rename(key.unwrap(), signet.folder().join("elsewhere")).unwrap();
    let locked = signet.run(&["db", "restore", "copy.db"]);
    assert_eq!(locked.code, 1, "{}", locked.out);
    assert!(locked.err.contains("its master key"), "{}", locked.err);
}

#[test]
fn a_backup_of_another_master_key_begins_a_new_life_and_the_operator_is_told() {
    let elsewhere = Signet::new();
    create(&elsewhere, &["--role", "admin"]);
    assert_eq!(elsewhere.run(&["db", "backup", "copy.db"]).code, 0);
    let signet = Signet::new();
    let nobody_else = ["user", "create", "--email", "root@example.com"];
    let nobody_else = [&nobody_else[..], &["--password-stdin"]].concat();
    let created = signet.run_with_input(&nobody_else, PASSWORD.as_bytes());
    assert_eq!(created.code, 0, "{}", created.err);
    let copy = signet.folder().join("copy.db");
    fs::copy(elsewhere.folder().join("copy.db"), &copy).unwrap();

    let restored = signet.run(&["db", "restore", "copy.db"]);
    assert_eq!(restored.code, 0, "{}", restored.err);
    for said in [
        "look twice",
        "sealed under another master key",
        "the database you meant",
        "give every issuer",
        "signet.db.before-",
    ] {
        assert!(restored.out.contains(said), "{said}: {}", restored.out);
    }
    log_in(&signet.serve());
    // By now the keys are this one's own.
    let again = signet.run(&["db", "restored", "--json"]);
    let life: Value = serde_json::from_str(&again.out).unwrap();
    assert_eq!(life["old_keys_unopened"], Value::Null, "{life}");
}

#[test]
fn a_lost_master_key_costs_everybody_a_login() {
    let database = postgres().database();
    let key = |seed: u8| {
        let bytes = (0..32_u8).map(|place| place.wrapping_mul(place).wrapping_add(seed));
        Base64UrlUnpadded::encode_string(&bytes.collect::<Vec<_>>())
    };
    let signet = Signet::new().with("SIGNET_DATABASE_URL", &database.url());
    let lost = signet.beside().with("SIGNET_MASTER_KEY", &key(1));
    create(&lost, &["--role", "admin"]);
    let signet = signet.with("SIGNET_MASTER_KEY", &key(77));
    let locked = signet.run(&["keys", "list"]);
    assert_eq!(locked.code, 1, "{}", locked.out);
    let restored = signet.run(&["db", "restored", "--json"]);
    assert_eq!(restored.code, 0, "{}", restored.err);
    let life: Value = serde_json::from_str(&restored.out).unwrap();
    let told = life["old_keys_unopened"].as_str().unwrap();
    assert!(told.contains("another master key"), "{told}");
    let server = signet.serve();
    let session = log_in(&server);
    assert_eq!(me(&server, &session), 200);
}

/// What a new life replaces, and writes.
const KEYS_AND_TRAIL: &str = "SELECT (SELECT group_concat(kid) FROM signing_keys) || ' ' || \
     (SELECT count(*) FROM mac_keys) || ' ' || (SELECT count(*) FROM audit)";

#[test]
fn keys_that_were_changed_are_told_and_what_can_not_be_read_stops_a_new_life() {
    let signet = Signet::new();
    create(&signet, &[]);
    let database = signet.folder().join("signet.db");
    let whole = fs::read(&database).unwrap();
    for (sql, told) in [
        (
            "UPDATE signing_keys SET sealed = zeroblob(72)",
            "does not open",
        ),
        (
            "DELETE FROM mac_keys",
            "the store holds no key for refresh tokens",
        ),
    ] {
        run_sql(&database, sql);
        let restored = signet.run(&["db", "restored"]);
        assert_eq!(restored.code, 0, "{}", restored.err);
        assert!(restored.out.contains("look twice"), "{}", restored.out);
        assert!(restored.out.contains(told), "{}", restored.out);
        assert!(restored.out.contains("audit verify"), "{}", restored.out);
    }
    fs::write(&database, &whole).unwrap();
    let nonsense = "PRAGMA ignore_check_constraints = ON; UPDATE meta SET incarnation = x'00'";
    run_sql(&database, nonsense);
    let before = run_sql(&database, KEYS_AND_TRAIL);
    let refused = signet.run(&["db", "restored"]);
    assert_eq!(refused.code, 1, "{}", refused.out);
    assert_eq!(refused.out, "");
    assert!(refused.err.contains("signet.db"), "{}", refused.err);
    let after = run_sql(&database, KEYS_AND_TRAIL);
    assert!(before.is_some() && after == before, "{before:?} {after:?}");
}

#[test]
fn a_backup_can_be_restored_where_there_is_nothing() {
    let signet = Signet::new();
    create(&signet, &[]);
    assert_eq!(signet.run(&["db", "backup", "copy.db"]).code, 0);
    fs::remove_file(signet.folder().join("signet.db")).unwrap();
    let restored = signet.run(&["db", "restore", "copy.db"]);
    assert_eq!(restored.code, 0, "{}", restored.err);
    log_in(&signet.serve());
}

#[test]
fn a_server_makes_its_own_copies_and_begins_a_new_life_after_them() {
    let database = postgres().database();
    let signet = Signet::new().with("SIGNET_DATABASE_URL", &database.url());
    create(&signet, &["--role", "admin"]);
    for refused in [["db", "backup", "copy.db"], ["db", "restore", "copy.db"]] {
        let ended = signet.run(&refused);
        assert_eq!(ended.code, 1, "{}", ended.out);
        assert!(ended.err.contains("pg_dump"), "{}", ended.err);
        assert!(ended.err.contains("signet db restored"), "{}", ended.err);
        assert!(!ended.err.contains("a%20password"), "{}", ended.err);
    }
    assert!(files(signet.folder()).is_empty(), "nothing was made");

    let server = signet.serve();
    let session = log_in(&server);
    let keys_before = keys(&server);
    server.signal("TERM");
    assert_eq!(server.ended().code, 0);
    let restored = signet.run(&["db", "restored"]);
    assert_eq!(restored.code, 0, "{}", restored.err);
    for said in ["a new life began", "1 sessions ended", "still runs", "ada@"] {
        assert!(restored.out.contains(said), "{said}: {}", restored.out);
    }
    let again = signet.run(&["db", "restored", "--json"]);
    let life: Value = serde_json::from_str(&again.out).unwrap();
    assert_eq!(life["sessions_ended"], 0, "{life}");
    assert_eq!(life["review"][0]["roles"], json!(["admin"]), "{life}");

    let server = signet.serve();
    assert_ne!(keys(&server), keys_before);
    assert_eq!(refresh(&server, &session), 401);
    assert_eq!(me(&server, &session), 401);
    let session = log_in(&server);
    assert_eq!(me(&server, &session), 200);
}
