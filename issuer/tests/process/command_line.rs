//! Arguments and exit codes.

use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};

use super::harness::{PASSWORD, Signet, json, status};

const CREATE: [&str; 5] = [
    "user",
    "create",
    "--email",
    "ada@example.com",
    "--password-stdin",
];

#[test]
fn unusable_arguments_are_exit_2_on_standard_error() {
    for arguments in [
        &["nonsense"][..],
        &["--nonsense"],
        &["--master-key", "x"],
        &["--smtp-url", "x"],
        &["user", "create", "--email", "ada@example.com"],
        &["user", "create", "--password-stdin"],
        &["user", "create", "--email", "ada", "--password-stdin"],
        &[
            "user",
            "create",
            "--email",
            "a@example.com",
            "--role",
            "a b",
            "--password-stdin",
        ],
        &["user", "invite"],
        &["user", "invite", "ada"],
        &["user", "invite", "ada@example.com", "--role", "a b"],
        &["user", "invite", "ada@example.com", "--name", ""],
        &["user", "invite", "ada@example.com", "--name", "A\nB"],
        &["token", "verify"],
        &["passwords", "build", "missing.txt", "-o", "known.bin"],
    ] {
        let ended = Signet::new().run_with_input(arguments, PASSWORD.as_bytes());
        assert_eq!(ended.code, 2, "{arguments:?}: {}{}", ended.out, ended.err);
        assert!(
            ended.out.is_empty() && !ended.err.is_empty(),
            "{arguments:?}"
        );
    }
}

#[test]
fn help_and_version_say_what_there_is() {
    let signet = Signet::new();
    let help = signet.run(&["--help"]);
    assert_eq!(help.code, 0);
    for what in [
        "serve",
        "user",
        "db",
        "config",
        "policy",
        "openapi",
        "token",
        "--public-url",
    ] {
        assert!(help.out.contains(what), "{what}: {}", help.out);
    }
    assert!(!help.out.contains("--master-key "), "{}", help.out);
    assert!(!signet.run(&["-h"]).out.contains("--public-url"));
    assert!(signet.run(&["--version"]).out.starts_with("signet "));
}

#[test]
fn an_operator_creates_an_admin_beside_a_running_server() {
    let signet = Signet::new();
    let server = signet.serve();
    let arguments = [&CREATE[..], &["--role", "admin", "--verified", "--json"]].concat();
    let created = signet.run_with_input(&arguments, format!("{PASSWORD}\n").as_bytes());
    assert_eq!(created.code, 0, "{}", created.err);
    let created: Value = serde_json::from_str(&created.out).unwrap();
    assert_eq!(created["email"], "ada@example.com");
    assert_eq!(created["roles"], json!(["admin", "user"]));
    let login = json!({ "email": "ada@example.com", "password": PASSWORD });
    let session = server.post_json("/v1/login", &login);
    assert_eq!(status(&session), 200, "{session}");
    assert!(json(&session)["access_token"].is_string());
    let again = signet.run_with_input(&CREATE, PASSWORD.as_bytes());
    assert_eq!(again.code, 1);
    assert_eq!(again.err, "signet: an account with that address exists\n");
}

#[test]
fn what_cannot_be_created_is_exit_1_and_says_why() {
    let signet = Signet::new();
    for (password, more, reason) in [
        ("short", &[][..], "at least 12 characters"),
        ("passwordpassword", &[], "password"),
        (
            PASSWORD,
            &["--role", "no-such-role"],
            "there is no role called no-such-role",
        ),
    ] {
        let arguments = [&CREATE[..], more].concat();
        let ended = signet.run_with_input(&arguments, password.as_bytes());
        assert_eq!(ended.code, 1, "{password}: {}{}", ended.out, ended.err);
        assert!(ended.err.contains(reason), "{}", ended.err);
        assert!(ended.out.is_empty());
    }
    for nothing in ["", "\n"] {
        let ended = signet.run_with_input(&CREATE, nothing.as_bytes());
        assert_eq!(
            (ended.code, ended.err.contains("no password")),
            (2, true),
            "{}",
            ended.err
        );
    }
}

#[test]
fn one_line_end_behind_a_password_is_dropped_and_no_other() {
    for end in ["", "\n", "\r\n"] {
        let signet = Signet::new();
        let server = signet.serve();
        let arguments = [&CREATE[..], &["--verified"]].concat();
        let created = signet.run_with_input(&arguments, format!("{PASSWORD}{end}").as_bytes());
        assert_eq!(created.code, 0, "{end:?}: {}", created.err);
        let login = json!({ "email": "ada@example.com", "password": PASSWORD });
        let session = server.post_json("/v1/login", &login);
        assert_eq!(status(&session), 200, "{end:?}: {session}");
    }
    let signet = Signet::new();
    for (before, behind) in [
        ("", "\n\n"),
        ("", "\r\r\n"),
        ("", "\r"),
        ("", "\n\r"),
        ("", "\0"),
        ("", "\0\n"),
        ("\n", ""),
        ("first line\n", "\n"),
        ("first\rline ", "\n"),
    ] {
        let input = format!("{before}{PASSWORD}{behind}");
        let ended = signet.run_with_input(&CREATE, input.as_bytes());
        assert_eq!(ended.code, 2, "{input:?}: {}{}", ended.out, ended.err);
        assert!(ended.err.contains("must be one line"), "{}", ended.err);
        assert!(!ended.err.contains(PASSWORD), "{}", ended.err);
    }
    assert_eq!(std::fs::read_dir(signet.folder()).unwrap().count(), 0);
}

#[test]
fn an_unverified_account_is_told_how_its_owner_gets_in() {
    let signet = Signet::new();
    let server = signet.serve();
    let created = signet.run_with_input(&CREATE, PASSWORD.as_bytes());
    assert_eq!(created.code, 0, "{}", created.err);
    assert!(
        created.out.contains("POST /v1/password/forgot")
            && created.out.contains("No mail was sent"),
        "{}",
        created.out
    );
    let login = |password: &str| {
        let login = json!({ "email": "ada@example.com", "password": password });
        server.post_json("/v1/login", &login)
    };
    let refused = json(&login(PASSWORD));
    assert_eq!(refused["code"], "email_not_verified");
    let detail = refused["detail"].as_str().unwrap();
    assert!(detail.contains("ask for another one"), "{detail}");
    let forgot = json!({ "email": "ada@example.com" });
    assert_eq!(
        status(&server.post_json("/v1/password/forgot", &forgot)),
        202
    );
    let token = server.mailed_token("reset");
    let reset = json!({ "token": token, "new_password": "staple battery horse" });
    assert_eq!(status(&server.post_json("/v1/password/reset", &reset)), 204);
    assert_eq!(status(&login("staple battery horse")), 200);
}

#[test]
fn whom_an_operator_invites_gets_a_mail_from_the_issuer_that_runs() {
    let signet = Signet::new();
    let invite = |more: &[&str]| {
        let arguments = [&["user", "invite", "ada@example.com"][..], more].concat();
        signet.run(&arguments)
    };
    let server = signet.serve();
    let first = invite(&["--json"]);
    assert_eq!(first.code, 0, "{}", first.err);
    let first: Value = serde_json::from_str(&first.out).unwrap();
    assert_eq!(first["status"], "invited");
    let old = server.mailed_token("invite");
    let unknown = invite(&["--role", "nobody"]);
    assert_eq!(unknown.code, 1, "{}", unknown.out);
    assert!(
        unknown.err.contains("there is no role called nobody"),
        "{}",
        unknown.err
    );
    let again = invite(&["--role", "admin", "--name", "Ada"]);
    assert_eq!(again.code, 0, "{}", again.err);
    let id = first["id"].as_str().unwrap();
    assert!(again.out.contains(id), "{}", again.out);
    let activated = signet.run(&["user", "activate", "ada@example.com"]);
    assert_eq!(activated.code, 1, "{}", activated.out);
    assert!(activated.err.contains("is invited"), "{}", activated.err);
    let mut newest = std::iter::repeat_with(|| {
        std::thread::sleep(Duration::from_millis(50));
        server.mailed_token("invite")
    });
    let new = newest.by_ref().take(200).find(|token| *token != old);
    let new = new.expect("another mail");
    let accept = |token: &str| {
        let body = json!({ "token": token, "password": PASSWORD });
        server.post_json("/v1/invite/accept", &body)
    };
    assert_eq!(status(&accept(&old)), 422);
    let session = accept(&new);
    assert_eq!(status(&session), 200, "{session}");
    let taken = invite(&[]);
    assert_eq!(
        (taken.code, taken.err.as_str()),
        (1, "signet: an account with that address exists\n")
    );
}

#[test]
fn a_wrong_or_lost_master_key_is_told_as_such() {
    let signet = Signet::new();
    assert_eq!(signet.run_with_input(&CREATE, PASSWORD.as_bytes()).code, 0);
    let other = "jzpb4ZB80kRm-x4Nk6hcd9Eu8EtqWYPC7hcPmrHE1lU";
    let mut wrong = signet.command(&["serve"]);
    let wrong = wrong
        .env("SIGNET_MASTER_KEY", other)
        .stdout(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8(wrong.stderr).unwrap();
    assert_eq!(wrong.status.code(), Some(1), "{said}");
    assert!(
        said.contains("give the one that this database was made with"),
        "{said}"
    );
    std::fs::remove_file(signet.folder().join("signet.master-key")).unwrap();
    let lost = signet.run(&["serve"]);
    assert_eq!(lost.code, 1);
    assert!(
        lost.err.contains("signet.master-key is not there"),
        "{}",
        lost.err
    );
}

#[test]
fn the_openapi_document_is_the_committed_one() {
    let committed = include_str!("../../../openapi.json");
    let said = Signet::new().run(&["openapi"]);
    assert!(
        said.out == committed,
        "openapi.json is out of date: cargo xtask openapi"
    );
}
