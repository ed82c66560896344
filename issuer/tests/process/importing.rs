//! `signet users import`: files of other systems, what is told of them, and imports that are killed.

use std::fs;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use signet_core::audit::verification::Verification;
use signet_core::ports::{AccountStore as _, AuditStore as _};
use signet_store_sqlite::SqliteStore;

use super::harness::{Ended, PASSWORD, Signet, json as body, status};

/// bcrypt of [`PASSWORD`] with the lowest cost there is.
const HASH: &str = "$2a$04$abcdefghijklmnopqrstuu7EJV7kdjBBQxyb0HjTh9KS7.Lah/6CG";

fn import(signet: &Signet, file: &str, content: &str, more: &[&str]) -> Ended {
    fs::write(signet.folder().join(file), content).unwrap();
    let ended = signet.run(&[&["users", "import", file], more].concat());
    let said = format!("{}{}", ended.out, ended.err);
    assert!(!said.contains("$2a$"), "a hash is told: {said}");
    ended
}

fn report(ended: &Ended) -> Value {
    serde_json::from_str(&ended.out).unwrap_or_else(|_| panic!("{}{}", ended.out, ended.err))
}

fn reason(report: &Value, line: u64) -> String {
    let lines = report["lines"].as_array().unwrap();
    let found = lines.iter().find(|told| told["line"] == line).unwrap();
    found["reason"].as_str().unwrap().to_owned()
}

fn logs_in(signet: &Signet, email: &str) -> u16 {
    let login = json!({ "email": email, "password": PASSWORD });
    status(&signet.serve().post_json("/v1/login", &login))
}

#[test]
fn a_file_of_json_lines_is_rehearsed_imported_and_imported_again() {
    let signet = Signet::new();
    let costly = HASH.replace("$04$", "$31$");
    let lines = [
        format!(
            r#"{{"email":"Ada@Example.com","password_hash":"{HASH}","email_verified":true,"name":"Ada"}}"#
        ),
        String::new(),
        r#"{"email":"bob@example.com","status":"suspended","password_hash":null}"#.to_owned(),
        format!(r#"{{"email":"ADA@example.com","password_hash":"{HASH}"}}"#),
        format!(r#"{{"email":"eve@example.com","password_hash":"{costly}"}}"#),
        format!(r#"{{"email":"mallory@example.com","password_hash":"{HASH}","roles":["ghost"]}}"#),
        format!(r#"{{"email":"trent@example.com","password_hash":"{HASH}","roles":["admin"]}}"#),
        r#"{"email":"x@example.com","name":"a\r\nb"}"#.to_owned(),
        format!("no JSON {HASH}"),
        r#"{"email":"ivan@example.com","email_verified":"true"}"#.to_owned(),
    ];
    let file = lines.join("\n");
    for again in [true, false] {
        let more: &[&str] = if again {
            &["--dry-run", "--json"]
        } else {
            &["--json"]
        };
        let ended = import(&signet, "accounts.ndjson", &file, more);
        assert_eq!(ended.code, 1, "{}", ended.err);
        let report = report(&ended);
        assert_eq!(report["dry_run"], again);
        for (count, expected) in [
            ("imported", 2),
            ("without_password", 1),
            ("unverified", 1),
            ("suspended", 1),
            ("already_there", 0),
            ("duplicates", 1),
            ("refused", 6),
        ] {
            assert_eq!(report[count], expected, "{count}: {report}");
        }
        assert_eq!(reason(&report, 4), "has the address of line 1");
        assert!(reason(&report, 5).contains("more work"));
        assert!(reason(&report, 6).contains("there is no role called ghost"));
        assert!(reason(&report, 7).contains("--role-map admin=admin"));
        assert!(reason(&report, 8).contains("name must be"));
        assert_eq!(reason(&report, 9), "is no JSON");
        assert!(reason(&report, 10).starts_with("email_verified is a text"));
    }
    let mapped = ["--role-map", "ghost=", "--role-map", "admin=admin"];
    let ended = import(&signet, "accounts.ndjson", &file, &mapped);
    assert_eq!(ended.code, 1);
    assert!(
        ended.out.starts_with("2 imported: 0 without a password"),
        "{}",
        ended.out
    );
    assert!(
        ended
            .out
            .contains("\n2 already there, 0 deleted there, 1 duplicates, 4 refused\n"),
        "{}",
        ended.out
    );
    assert!(
        ended
            .out
            .contains("\nline 5: refused: the password's hash asks"),
        "{}",
        ended.out
    );
    assert_eq!(logs_in(&signet, "ada@example.com"), 200);
}

#[test]
fn a_clean_file_from_standard_input_is_exit_0() {
    let signet = Signet::new();
    let csv = format!(
        "email,password_hash,email_verified,roles,created_at\r\n\
         ada@example.com,{HASH},true,,2024-01-02T03:04:05Z\r\n\
         \"bob@example.com\",\"\",f,\"\",\r\n"
    );
    let ended = signet.run_with_input(&["users", "import", "-"], csv.as_bytes());
    assert_eq!(ended.code, 0, "{}", ended.err);
    assert!(
        ended
            .out
            .starts_with("2 imported: 1 without a password, 1 unverified"),
        "{}",
        ended.out
    );
    assert_eq!(ended.err, "", "no bar where there is no terminal");
    assert_eq!(logs_in(&signet, "ada@example.com"), 200);
}

#[test]
fn hashes_that_take_longer_than_a_login_are_told_and_a_floor_hides_them() {
    let signet = Signet::new();
    let slow = HASH.replace("$04$", "$14$");
    let of = |name: &str, hash: &str| {
        format!(r#"{{"email":"{name}@example.com","password_hash":"{hash}"}}"#)
    };
    let quick = import(
        &signet,
        "a.ndjson",
        &of("ada", HASH),
        &["--dry-run", "--json"],
    );
    assert_eq!(report(&quick)["proposed_floor_ms"], Value::Null);
    let both = format!("{}\n{}", of("bob", &slow), of("ada", HASH));
    let ended = import(&signet, "a.ndjson", &both, &["--json"]);
    let floor = report(&ended)["proposed_floor_ms"].as_u64().unwrap();
    assert!(floor > 350, "{floor}");
    let again = import(&signet, "a.ndjson", &both, &["--json"]);
    assert_eq!(
        report(&again)["proposed_floor_ms"],
        Value::Null,
        "told already"
    );
    let told = import(&signet, "a.ndjson", &of("eve", &slow), &[]).out;
    assert!(told.contains("Set password.floor_ms = "), "{told}");
    let server = signet
        .with("SIGNET_PASSWORD__FLOOR_MS", &floor.to_string())
        .serve();
    let login = json!({ "email": "nobody@example.com", "password": PASSWORD });
    let begun = Instant::now();
    assert_eq!(status(&server.post_json("/v1/login", &login)), 401);
    assert!(begun.elapsed() >= Duration::from_millis(floor));
}

#[test]
fn accounts_of_supabase_come_as_csv_and_as_a_dump() {
    let columns = "instance_id,id,aud,role,email,encrypted_password,email_confirmed_at,\
                   raw_app_meta_data,raw_user_meta_data,created_at,banned_until,deleted_at";
    let id = |number: u32| format!("00000000-0000-4000-8000-{number:012}");
    let nil = id(0);
    let meta = r#"{"provider": "email"}"#;
    let row = |number, email: &str, hash: &str, confirmed: &str, banned: &str, deleted: &str| {
        [
            nil.clone(),
            id(number),
            "authenticated".to_owned(),
            "authenticated".to_owned(),
            email.to_owned(),
            hash.to_owned(),
            confirmed.to_owned(),
            meta.to_owned(),
            r#"{"full_name": "Ada \"Countess\" Lovelace"}"#.to_owned(),
            "2024-01-02 03:04:05.678901+00".to_owned(),
            banned.to_owned(),
            deleted.to_owned(),
        ]
    };
    let then = "2024-01-02 03:05:00+00";
    let rows = [
        row(1, "ada@example.com", HASH, then, "", ""),
        row(2, "bob@example.com", HASH, "", "", ""),
        row(3, "carol@example.com", "", then, "", ""),
        row(4, "dan@example.com", HASH, then, "infinity", ""),
        row(5, "", "", then, "", ""),
        row(6, "erin@example.com", HASH, then, "", then),
    ];
    let csv_row = |row: &[String; 12]| {
        let quoted = row
            .each_ref()
            .map(|value| format!("\"{}\"", value.replace('"', "\"\"")));
        quoted.join(",")
    };
    let csv = format!("{columns}\n{}\n", rows.each_ref().map(csv_row).join("\n"));
    let copy_row = |row: &[String; 12]| {
        let escaped = row.each_ref().map(|value| match value.as_str() {
            "" => "\\N".to_owned(),
            value => value.replace('\\', "\\\\"),
        });
        escaped.join("\t")
    };
    let dump = format!(
        "--\n-- PostgreSQL database dump\n--\n\n\\restrict abc\n\nSET statement_timeout = 0;\n\n\
         COPY auth.users ({}) FROM stdin;\n{}\n\\.\n\n\n\\unrestrict abc\n",
        columns.replace(',', ", "),
        rows.each_ref().map(copy_row).join("\n")
    );
    for (file, content) in [("users.csv", csv), ("users.sql", dump)] {
        let signet = Signet::new();
        let ended = import(&signet, file, &content, &["--json"]);
        let told = report(&ended);
        for (count, expected) in [
            ("imported", 4),
            ("without_password", 1),
            ("unverified", 1),
            ("suspended", 1),
            ("deleted", 1),
            ("refused", 1),
        ] {
            assert_eq!(told[count], expected, "{file}: {count}: {told}");
        }
        assert_eq!(ended.code, 1);
        assert_eq!(told["lines"][0]["reason"], "has no email");
        let server = signet.serve();
        let login = json!({ "email": "ada@example.com", "password": PASSWORD });
        let session = body(&server.post_json("/v1/login", &login));
        let bearer = session["access_token"].as_str().unwrap();
        let me = body(&server.get_with_token("/v1/me", bearer));
        assert_eq!(me["id"], id(1));
        assert_eq!(me["name"], "Ada \"Countess\" Lovelace");
        assert_eq!(me["created_at"], "2024-01-02T03:04:05Z");
    }
}

#[test]
fn an_id_that_stands_in_a_file_twice_is_refused_however_far_apart() {
    let signet = Signet::new();
    let id = "00000000-0000-4000-8000-000000000001";
    let row = |number: usize, id: &str| format!("person{number}@example.com,{id}\n");
    let between: String = (1..200).map(|number| row(number, "")).collect();
    let file = format!("email,id\n{}{between}{}", row(0, id), row(200, id));
    for more in [&["--json", "--dry-run"][..], &["--json"]] {
        let told = report(&import(&signet, "accounts.csv", &file, more));
        assert_eq!(
            (&told["imported"], &told["refused"]),
            (&json!(200), &json!(1))
        );
        assert_eq!(reason(&told, 202), "another account has this id");
    }
}

#[test]
fn a_row_that_stands_in_a_file_twice_is_a_duplicate_with_its_id_as_well() {
    let signet = Signet::new();
    let row = "ada@example.com,00000000-0000-4000-8000-000000000001\n";
    let file = format!("email,id\n{row}{row}");
    let told = report(&import(&signet, "accounts.csv", &file, &["--json"]));
    assert_eq!(
        (&told["imported"], &told["duplicates"], &told["refused"]),
        (&json!(1), &json!(1), &json!(0))
    );
    assert_eq!(reason(&told, 3), "has the address of line 2");
}

#[test]
fn what_is_no_file_of_accounts_is_exit_2_and_says_what_to_do() {
    let signet = Signet::new();
    for (content, more, told) in [
        ("", &[][..], "there is nothing in it"),
        ("name,age\nAda,36\n", &[], "no field called email"),
        (
            "email,password\nada@example.com,secret\n",
            &[],
            "the field \"password\"",
        ),
        (
            "email,name,email\nada@example.com,Ada,eve@example.com\n",
            &[],
            "the field \"email\" twice",
        ),
        (
            "COPY auth.users (email, id, email) FROM stdin;\n\\.\n",
            &[],
            "the field \"email\" twice",
        ),
        (
            "-- a dump\nINSERT INTO auth.users VALUES (1);\n",
            &[],
            "without --inserts",
        ),
        (
            "email\nada@example.com\n",
            &["--role-map", "editor"],
            "must look like THEIRS=OURS",
        ),
        (
            "email\nada@example.com\n",
            &["--format", "dump"],
            "COPY auth.users",
        ),
    ] {
        let ended = import(&signet, "accounts", content, more);
        assert_eq!(ended.code, 2, "{content:?}: {}{}", ended.out, ended.err);
        assert!(ended.err.contains(told), "{content:?}: {}", ended.err);
    }
    let ended = signet.run(&["users", "import", "nowhere.csv"]);
    assert_eq!(ended.code, 2);
    let there: Vec<_> = fs::read_dir(signet.folder()).unwrap().collect();
    assert_eq!(there.len(), 1, "no database was made: {there:?}");
}

/// How many accounts and rows of the trail there are, once the chain was checked.
fn counted(signet: &Signet) -> (usize, usize) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let store = SqliteStore::open(&signet.folder().join("signet.db"))
            .await
            .unwrap();
        let mut verification = Verification::default();
        let (mut sequence, mut imported) = (0, 0);
        loop {
            let page = store.recorded(sequence, 1_000).await.unwrap();
            if page.is_empty() {
                break;
            }
            for row in page {
                sequence += 1;
                verification.take(&row).unwrap();
                imported += usize::from(row.event.action == "account.imported");
            }
        }
        let filter = signet_core::ports::AccountFilter::default();
        let accounts = store.accounts(&filter, None, u32::MAX).await.unwrap().len();
        store.close().await;
        (accounts, imported)
    })
}

#[test]
fn an_import_that_is_killed_loses_nothing_and_doubles_nothing() {
    const ACCOUNTS: usize = 3_000;
    let signet = Signet::new();
    let lines = (0..ACCOUNTS).map(|number| {
        format!("{{\"email\":\"person{number}@example.com\",\"password_hash\":\"{HASH}\"}}\n")
    });
    fs::write(
        signet.folder().join("accounts.ndjson"),
        lines.collect::<String>(),
    )
    .unwrap();
    // Makes the database and its key.
    drop(signet.serve());
    let command = ["users", "import", "accounts.ndjson", "--json"];
    let mut before = 0;
    for _ in 0..4 {
        let mut child = signet
            .command(&command)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let started = Instant::now();
        let wal = signet.folder().join("signet.db-wal");
        let size = || fs::metadata(&wal).map_or(0, |metadata| metadata.len());
        let (first, enough) = (size(), 100_000);
        while size() < first + enough && started.elapsed() < Duration::from_secs(10) {
            if child.try_wait().unwrap().is_some() {
                break;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        let _it_may_have_ended = child.kill();
        child.wait().unwrap();
        let (accounts, imported) = counted(&signet);
        assert_eq!(accounts, imported, "each account with its row of the trail");
        assert!(accounts >= before && accounts % 100 == 0, "{accounts}");
        before = accounts;
    }
    let ended = signet.run(&command);
    assert_eq!(ended.code, 0, "{}", ended.err);
    let report = report(&ended);
    assert_eq!(report["already_there"], before);
    assert_eq!(report["imported"], ACCOUNTS - before);
    assert_eq!(counted(&signet), (ACCOUNTS, ACCOUNTS));
}
