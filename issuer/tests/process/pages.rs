//! The pages as a browser without script uses them.

use serde_json::json;

use super::harness::{PASSWORD, Running, Signet, body, json, status};

const FORM: &str = "application/x-www-form-urlencoded";

fn encoded(text: &str) -> String {
    text.replace(' ', "+")
}

fn register(server: &Running, email: &str) {
    let body = json!({ "email": email, "password": PASSWORD });
    assert_eq!(status(&server.post_json("/v1/register", &body)), 202);
}

/// The token in the newest mail.
fn token(server: &Running) -> String {
    let mailbox = json(&server.get("/dev/mailbox.json"));
    mailbox["messages"][0]["token"].as_str().unwrap().to_owned()
}

fn log_in(server: &Running, email: &str, password: &str) -> u16 {
    let body = json!({ "email": email, "password": password });
    status(&server.post_json("/v1/login", &body))
}

fn submit(server: &Running, path: &str, fields: &[(&str, &str)]) -> String {
    let fields: Vec<String> = fields
        .iter()
        .map(|(name, value)| format!("{name}={}", encoded(value)))
        .collect();
    server.post(
        path,
        FORM,
        "sec-fetch-site: same-origin\r\n",
        &fields.join("&"),
    )
}

#[test]
fn opening_a_page_changes_nothing_and_the_button_does() {
    let server = Signet::new().serve();
    register(&server, "ada@example.com");
    let token = token(&server);
    for _ in 0..20 {
        let page = server.get("/verify");
        assert_eq!(status(&page), 200);
        assert!(!page.to_ascii_lowercase().contains("set-cookie"), "{page}");
    }
    for method in ["HEAD", "OPTIONS"] {
        server.exchange(&format!(
            "{method} /verify HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\r\n",
            server.address
        ));
    }
    assert_eq!(log_in(&server, "ada@example.com", PASSWORD), 403);
    let wrong = submit(
        &server,
        "/verify",
        &[("token", &token), ("password", "not this one")],
    );
    assert_eq!(status(&wrong), 422, "{wrong}");
    assert!(
        body(&wrong).contains(&format!("value=\"{token}\"")),
        "{wrong}"
    );
    assert!(body(&wrong).contains("role=\"alert\""), "{wrong}");
    assert!(!wrong.contains("not this one"), "{wrong}");
    // As pasted from a mail, with what was around it.
    let pasted = format!(" {token} ");
    let done = submit(
        &server,
        "/verify",
        &[("token", &pasted), ("password", PASSWORD)],
    );
    assert_eq!(status(&done), 200, "{done}");
    assert!(
        !done.contains(&token) && !done.to_ascii_lowercase().contains("set-cookie"),
        "{done}"
    );
    assert_eq!(log_in(&server, "ada@example.com", PASSWORD), 200);
    let again = submit(
        &server,
        "/verify",
        &[("token", &token), ("password", PASSWORD)],
    );
    assert_eq!(status(&again), 422, "{again}");
}

#[test]
fn a_reset_tells_what_is_wrong_with_the_password_and_keeps_the_code() {
    let server = Signet::new().serve();
    register(&server, "ada@example.com");
    let code = token(&server);
    submit(
        &server,
        "/verify",
        &[("token", &code), ("password", PASSWORD)],
    );
    server.post_json(
        "/v1/password/forgot",
        &json!({ "email": "ada@example.com" }),
    );
    let code = token(&server);
    let long = "x".repeat(300);
    for (weak, reason) in [
        ("short", "at least 12"),
        ("passwordpassword", "."),
        (&long, "256"),
    ] {
        let again = submit(
            &server,
            "/reset",
            &[("token", &code), ("new_password", weak)],
        );
        assert_eq!(status(&again), 422, "{again}");
        assert!(
            body(&again).contains(reason) && body(&again).contains(&code),
            "{again}"
        );
    }
    let new = "staple battery horse correct";
    let done = submit(
        &server,
        "/reset",
        &[("token", &code), ("new_password", new)],
    );
    assert_eq!(status(&done), 200, "{done}");
    assert_eq!(log_in(&server, "ada@example.com", PASSWORD), 401);
    assert_eq!(log_in(&server, "ada@example.com", new), 200);
}

#[test]
fn a_change_of_address_is_confirmed_and_taken_back_by_the_code_alone() {
    let (old, new) = ("ada@example.com", "countess@example.com");
    let server = Signet::new().serve();
    register(&server, old);
    let code = token(&server);
    submit(
        &server,
        "/verify",
        &[("token", &code), ("password", PASSWORD)],
    );
    let login = json!({ "email": old, "password": PASSWORD });
    let session = json(&server.post_json("/v1/login", &login));
    let bearer = session["access_token"].as_str().unwrap();
    let asked = server.post(
        "/v1/me/email",
        "application/json",
        &format!("authorization: Bearer {bearer}\r\n"),
        &json!({ "new_email": new, "password": PASSWORD }).to_string(),
    );
    assert_eq!(status(&asked), 202, "{asked}");
    let (change, undo) = (
        server.mailed_token("address_change"),
        server.mailed_token("address_change_notice"),
    );
    for code in [&change, &undo] {
        for _ in 0..20 {
            let page = server.get("/email-change");
            assert_eq!(status(&page), 200);
            assert!(!page.to_ascii_lowercase().contains("set-cookie"), "{page}");
        }
        // Neither do those who put the code where no page puts it.
        assert_eq!(
            status(&server.get(&format!("/email-change?token={code}"))),
            200
        );
    }
    assert_eq!(log_in(&server, new, PASSWORD), 401);
    assert_eq!(log_in(&server, old, PASSWORD), 200);
    let nothing = submit(&server, "/email-change", &[("token", "nothing")]);
    assert_eq!(status(&nothing), 422, "{nothing}");
    assert!(body(&nothing).contains("role=\"alert\""), "{nothing}");

    // As pasted from a mail, with what was around it.
    let pasted = format!(" {change} ");
    for (code, now, before) in [(&pasted, new, old), (&undo, old, new)] {
        let done = submit(&server, "/email-change", &[("token", code)]);
        assert_eq!(status(&done), 200, "{done}");
        assert!(
            !done.contains(code.trim()) && !done.to_ascii_lowercase().contains("set-cookie"),
            "{done}"
        );
        assert_eq!(log_in(&server, now, PASSWORD), 200);
        assert_eq!(log_in(&server, before, PASSWORD), 401);
        let again = submit(&server, "/email-change", &[("token", code)]);
        assert_eq!(status(&again), 422, "{again}");
    }
    let refreshed = json!({ "refresh_token": session["refresh_token"] });
    let over = server.post_json("/v1/token/refresh", &refreshed);
    assert_eq!(status(&over), 401, "an undo ends every session");
}

#[test]
fn forms_of_other_sites_and_broken_ones_are_refused_as_pages() {
    let server = Signet::new().serve();
    register(&server, "ada@example.com");
    let token = token(&server);
    let fields = format!("token={token}&password={}", encoded(PASSWORD));
    for header in [
        "sec-fetch-site: cross-site",
        "sec-fetch-site: same-site",
        "origin: https://evil.example",
        "origin: null",
    ] {
        let answer = server.post("/verify", FORM, &format!("{header}\r\n"), &fields);
        assert_eq!(status(&answer), 403, "{header}: {answer}");
        assert!(answer.contains("text/html"), "{answer}");
        // Nothing brought a cookie along, and nothing says that it did.
        assert!(answer.contains("may send no form here"), "{answer}");
    }
    for (media_type, fields, expected) in [
        ("text/plain", fields.as_str(), 415),
        ("application/json", "{}", 415),
        (FORM, "token=x", 422),
        (FORM, "token=x&password=y&more=z", 422),
        (FORM, "token=x&token=y&password=z", 400),
        (FORM, "token=%ff&password=z", 400),
        (FORM, &"x".repeat(20_000), 413),
    ] {
        let answer = server.post("/verify", media_type, "", fields);
        assert_eq!(
            status(&answer),
            expected,
            "{media_type} {fields:.40}: {answer}"
        );
        assert!(answer.contains("text/html"), "{answer}");
    }
    // A browser that says nothing of where it comes from, or that the page is our own.
    let own = format!("origin: http://{}\r\n", server.address);
    let answer = server.post("/verify", FORM, &own, &fields);
    assert_eq!(status(&answer), 200, "{answer}");
}

#[test]
fn pages_load_nothing_from_anywhere_and_stand_in_no_frame() {
    let server = Signet::new().serve();
    for path in [
        "/verify",
        "/reset",
        "/invite",
        "/email-change",
        "/setup",
        "/dev/mailbox",
    ] {
        let page = server.get(path);
        assert_eq!(status(&page), 200, "{path}");
        for header in [
            "content-security-policy: default-src 'none'; script-src 'self'; style-src 'self'; \
             form-action 'self'; frame-ancestors 'none'; base-uri 'none'\r\n",
            "cache-control: no-store\r\n",
            "referrer-policy: no-referrer\r\n",
        ] {
            assert!(page.contains(header), "{path}: {header}\n{page}");
        }
        let html = body(&page);
        assert!(
            !html.contains("style=") && !html.contains("onload"),
            "{html}"
        );
        assert!(
            !html.contains("src=\"http") && !html.contains("<style"),
            "{html}"
        );
    }
}

#[test]
fn setup_needs_a_loopback_peer_without_a_proxy_and_ends_with_the_first_admin() {
    let signet = Signet::new();
    let server = signet.serve();
    let host = server.address;
    for header in [
        "x-forwarded-for: 192.0.2.1",
        "forwarded: for=192.0.2.1",
        "via: 1.1 proxy",
    ] {
        for path in ["/setup", "/dev/mailbox", "/dev/mailbox.json"] {
            let answer = server.exchange(&format!(
                "GET {path} HTTP/1.1\r\nhost: {host}\r\n{header}\r\nconnection: close\r\n\r\n"
            ));
            assert_eq!(status(&answer), 404, "{path} {header}: {answer}");
        }
    }
    let fields = [
        ("token", "nothing"),
        ("email", "root@example.com"),
        ("password", PASSWORD),
    ];
    let refused = submit(&server, "/setup", &fields);
    assert_eq!(status(&refused), 422, "{refused}");
    assert!(
        body(&refused).contains("value=\"root@example.com\""),
        "{refused}"
    );
    let fields = [
        ("token", "nothing"),
        ("email", "root"),
        ("password", PASSWORD),
    ];
    let refused = submit(&server, "/setup", &fields);
    assert_eq!(status(&refused), 422, "{refused}");
    let create = [
        "user",
        "create",
        "--email",
        "a@example.com",
        "--role",
        "admin",
        "--verified",
    ];
    let create = [&create[..], &["--password-stdin"]].concat();
    assert_eq!(signet.run_with_input(&create, PASSWORD.as_bytes()).code, 0);
    assert_eq!(status(&server.get("/setup")), 404);
}
