//! What an operator does with accounts and their sessions, beside a running server.

use std::time::Duration;

use serde_json::{Value, json};

use super::harness::{
    Ended, PASSWORD, REVOKE_TOO_MUCH, Running, Signet, json, run_sql, soon, status,
};

const ADA: &str = "ada@example.com";
const EVE: &str = "eve@example.com";

fn create(signet: &Signet, email: &str, more: &[&str]) {
    let create = ["user", "create", "--email", email, "--verified"];
    let arguments = [&create[..], more, &["--password-stdin"]].concat();
    let created = signet.run_with_input(&arguments, PASSWORD.as_bytes());
    assert_eq!(created.code, 0, "{}", created.err);
}

fn log_in(server: &Running, email: &str) -> (u16, String) {
    let body = json!({ "email": email, "password": PASSWORD });
    let answer = server.post_json("/v1/login", &body);
    let status = status(&answer);
    let token = match status {
        200 => json(&answer)["refresh_token"].as_str().unwrap().to_owned(),
        _ => String::new(),
    };
    (status, token)
}

fn refresh(server: &Running, token: &str) -> u16 {
    let body = json!({ "refresh_token": token });
    status(&server.post_json("/v1/token/refresh", &body))
}

/// What a command that worked says as JSON.
fn told(signet: &Signet, arguments: &[&str]) -> Value {
    let ended = signet.run(&[arguments, &["--json"]].concat());
    assert_eq!(ended.code, 0, "{arguments:?}: {}", ended.err);
    serde_json::from_str(&ended.out).unwrap()
}

fn refused(ended: &Ended, what: &str) {
    assert_eq!(ended.code, 1, "{ended:?}");
    assert!(
        ended.out.is_empty() && ended.err.contains(what),
        "{ended:?}"
    );
}

fn addresses(list: &Value) -> Vec<&str> {
    let users = list["users"].as_array().unwrap();
    users
        .iter()
        .map(|user| user["email"].as_str().unwrap())
        .collect()
}

#[test]
fn accounts_are_listed_stopped_and_let_in_again() {
    let signet = Signet::new();
    create(&signet, ADA, &["--role", "admin"]);
    create(&signet, EVE, &[]);
    let server = signet.serve();
    let (_, token) = log_in(&server, EVE);

    let all = told(&signet, &["user", "list"]);
    let mut everybody = addresses(&all);
    everybody.sort_unstable();
    assert_eq!(everybody, [ADA, EVE]);
    let admins = told(&signet, &["user", "list", "--role", "admin"]);
    assert_eq!(addresses(&admins), [ADA]);
    let named = told(&signet, &["user", "list", "--with", "EVE@"]);
    assert_eq!(addresses(&named), [EVE]);

    let stopped = told(&signet, &["user", "suspend", "Eve@Example.com"]);
    assert_eq!(stopped["status"], "suspended");
    assert_eq!(log_in(&server, EVE).0, 403);
    assert_eq!(refresh(&server, &token), 401);
    let suspended = told(&signet, &["user", "list", "--status", "suspended"]);
    assert_eq!(addresses(&suspended), [EVE]);
    let reset = signet.run(&["user", "password-reset", EVE]);
    refused(&reset, "suspended");
    let last = signet.run(&["user", "suspend", ADA]);
    refused(&last, "last admin");
    let ghost = signet.run(&["user", "suspend", "ghost@example.com"]);
    refused(&ghost, "ghost@example.com");
    let unusable = signet.run(&["user", "suspend", "nobody"]);
    assert_eq!(unusable.code, 2, "{unusable:?}");

    let id = stopped["id"].as_str().unwrap();
    let active = signet.run(&["user", "activate", id]);
    assert_eq!(active.code, 0, "{}", active.err);
    assert!(active.out.contains("is active"), "{}", active.out);
    assert_eq!(log_in(&server, EVE).0, 200);
    assert_eq!(refresh(&server, &token), 401, "what is over stays over");
    let sent = signet.run(&["user", "password-reset", EVE]);
    assert_eq!(sent.code, 0, "{}", sent.err);
    server.mailed_token("reset");
}

#[test]
fn an_account_is_found_by_the_id_that_everything_shows() {
    let signet = Signet::new();
    create(&signet, ADA, &[]);
    let id = &told(&signet, &["user", "list"])["users"][0]["id"];
    let id = id.as_str().unwrap();
    let exported = signet.run(&["user", "export", id]);
    assert_eq!(exported.code, 0, "{exported:?}");
    let exported: Value = serde_json::from_str(&exported.out).unwrap();
    assert_eq!(exported["account"]["email"], ADA, "{exported}");
    told(&signet, &["session", "list", id]);
    assert_eq!(
        told(&signet, &["session", "end", id, "--all"]),
        json!({ "ended": 0 })
    );
    let nobody = "00000000-0000-4000-8000-000000000001";
    for command in [&["user", "suspend"][..], &["user", "export"]] {
        let ended = signet.run(&[command, &[nobody]].concat());
        refused(&ended, &format!("no account has the id {nobody}"));
    }
    let erased = signet.run(&["user", "erase", id, "--yes"]);
    assert_eq!(erased.code, 0, "{erased:?}");
    assert_eq!(erased.out, format!("erased {ADA} ({id})\n"));
    refused(&signet.run(&["user", "suspend", ADA]), ADA);
}

#[test]
fn a_list_that_was_cut_says_so() {
    let signet = Signet::new();
    for name in ["ada", "eve", "bob"] {
        told(&signet, &["user", "invite", &format!("{name}@example.com")]);
    }
    for (list, items) in [(["user", "list"], "users"), (["mail", "outbox"], "mails")] {
        for (limit, shown, more) in [("2", 2, true), ("3", 3, false), ("4", 3, false)] {
            let command = [&list[..], &["--limit", limit]].concat();
            let listed = told(&signet, &command);
            assert_eq!(listed[items].as_array().unwrap().len(), shown, "{listed}");
            assert_eq!(listed["more"], more, "{command:?}");
            let text = signet.run(&command).out;
            let lines = shown + usize::from(more);
            assert_eq!(text.lines().count(), lines, "{command:?}: {text}");
            assert_eq!(text.contains("there are more: --limit"), more, "{text}");
        }
    }
}

#[test]
fn what_is_to_be_named_is_asked_for_in_words() {
    let signet = Signet::new();
    for (arguments, told) in [
        (&["session", "end", ADA][..], "<ID|--all>"),
        (&["session", "end", ADA, "x"], "an id looks like 0"),
        (&["mail", "retry"], "--dead"),
        (&["mail", "retry", "xyz"], "an id looks like 0"),
    ] {
        let ended = signet.run(arguments);
        assert_eq!(ended.code, 2, "{arguments:?}: {ended:?}");
        assert!(ended.err.contains(told), "{arguments:?}: {}", ended.err);
    }
    let usage = "Usage: signet session end [OPTIONS] <ACCOUNT> <ID|--all>\n";
    for arguments in [
        &["session", "end", "--help"][..],
        &["session", "end"],
        &["session", "end", ADA],
    ] {
        let ended = signet.run(arguments);
        let said = format!("{}{}", ended.out, ended.err);
        assert!(said.contains(usage), "{arguments:?}: {said}");
    }
    told(&signet, &["user", "invite", ADA]);
    let mail = &told(&signet, &["mail", "outbox"])["mails"][0]["id"];
    let retried = signet.run(&["mail", "retry", mail.as_str().unwrap()]);
    assert_eq!(retried.code, 0, "{retried:?}");
    assert_eq!(retried.out, "1 of 1 are tried again\n");
}

#[test]
fn an_account_has_as_many_sessions_as_the_configuration_says() {
    let signet = Signet::new().with("SIGNET_SESSIONS__MAX_PER_ACCOUNT", "2");
    create(&signet, ADA, &[]);
    create(&signet, EVE, &[]);
    let server = signet.serve();
    let (_, others) = log_in(&server, EVE);
    let tokens = [(); 3].map(|()| {
        // Which was used longest ago is told by the second.
        std::thread::sleep(Duration::from_millis(1_100));
        log_in(&server, ADA).1
    });
    let listed = told(&signet, &["session", "list", ADA]);
    assert_eq!(listed["sessions"].as_array().unwrap().len(), 2);
    let refreshed = tokens.map(|token| refresh(&server, &token));
    assert_eq!(refreshed, [401, 200, 200], "the oldest one has ended");
    assert_eq!(refresh(&server, &others), 200);
}

#[test]
fn sessions_are_listed_and_ended() {
    let signet = Signet::new();
    create(&signet, ADA, &[]);
    create(&signet, EVE, &[]);
    let server = signet.serve();
    let none = signet.run(&["session", "list", ADA]);
    assert_eq!((none.code, none.out.contains("no live session")), (0, true));
    let tokens = [(); 3].map(|()| log_in(&server, ADA).1);
    let (_, others) = log_in(&server, EVE);

    let listed = told(&signet, &["session", "list", ADA]);
    let sessions = listed["sessions"].as_array().unwrap();
    assert_eq!(sessions.len(), 3);
    let id = sessions[0]["id"].as_str().unwrap();
    refused(&signet.run(&["session", "end", EVE, id]), id);
    let one = told(&signet, &["session", "end", ADA, id]);
    assert_eq!(one, json!({ "ended": 1 }));
    refused(&signet.run(&["session", "end", ADA, id]), id);
    let left = told(&signet, &["session", "list", ADA]);
    assert_eq!(left["sessions"].as_array().unwrap().len(), 2);

    for arguments in [
        &["session", "end", ADA][..],
        &["session", "end", ADA, id, "--all"],
        &["session", "end", ADA, "nothing"],
        &["session", "list"],
    ] {
        let unusable = signet.run(arguments);
        assert_eq!(unusable.code, 2, "{arguments:?}: {unusable:?}");
    }
    let all = told(&signet, &["session", "end", ADA, "--all"]);
    assert_eq!(all, json!({ "ended": 2 }));
    for token in &tokens {
        assert_eq!(refresh(&server, token), 401);
    }
    assert_eq!(refresh(&server, &others), 200);
}

#[test]
fn everybodys_sessions_end_at_once_for_who_means_it() {
    let signet = Signet::new();
    create(&signet, ADA, &[]);
    create(&signet, EVE, &[]);
    let server = signet.serve();
    let tokens = [ADA, EVE, EVE].map(|email| {
        let body = json!({ "email": email, "password": PASSWORD });
        let session = json(&server.post_json("/v1/login", &body));
        ["access_token", "refresh_token"].map(|name| session[name].as_str().unwrap().to_owned())
    });
    let asked = signet.run(&["session", "end-all"]);
    assert_eq!(asked.code, 2, "{asked:?}");
    assert!(asked.err.contains("--yes"), "{}", asked.err);
    for [access, _] in &tokens {
        assert_eq!(server.me(access), 200);
    }
    let all = told(&signet, &["session", "end-all", "--yes"]);
    assert_eq!(all, json!({ "ended": 3 }));
    for [access, token] in &tokens {
        assert_eq!(refresh(&server, token), 401);
        soon("the issuer's own gate has read the feed", || {
            server.me(access) == 401
        });
    }
    let none = told(&signet, &["session", "end-all", "--yes"]);
    assert_eq!(none, json!({ "ended": 0 }));
    let (_, again) = log_in(&server, EVE);
    assert_eq!(refresh(&server, &again), 200);
}

#[test]
fn who_ends_more_than_a_feed_can_say_is_told() {
    let signet = Signet::new();
    create(&signet, ADA, &[]);
    let server = signet.serve();
    for is_too_much in [false, true] {
        if is_too_much {
            run_sql(&signet.folder().join("signet.db"), REVOKE_TOO_MUCH);
        }
        assert_eq!(log_in(&server, ADA).0, 200);
        let ended = signet.run(&["session", "end-all", "--yes"]);
        assert_eq!((ended.code, ended.out.as_str()), (0, "ended 1 session\n"));
        let says_so = ended.err.contains("more than the revocation feed can say");
        assert_eq!(says_so, is_too_much, "{}", ended.err);
    }
}
