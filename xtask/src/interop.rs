//! Signet as others meet it: the real programs on free ports, checked with tools that nobody here
//! wrote.
//!
//! Each check is a function of [`CHECKS`] that starts what it needs in a folder of its own.

mod caddy;
mod cookies;
pub(crate) mod issuer;
mod mail;
mod nginx;
mod passlib;
mod picture;
mod proxied;
mod story;
mod traefik;

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::components::{CHROMIUM, build_programs, node, npm, program, python};
use crate::process::{
    Background, Done, Failure, TemporaryFolder, command, free_port, listens, root, run_quietly,
    run_with_input, say,
};
use crate::setup;
use issuer::Issuer;

type Check = (&'static str, fn(&Path) -> Done);

const CHECKS: &[Check] = &[
    (
        "other people's verifiers take the tokens",
        foreign_verifiers,
    ),
    ("mail goes through an SMTP server", mail::run),
    ("the pages work in a browser", pages),
    ("a refresh token stays in its cookie", cookies::run),
    ("the picture has a place for every word", picture::run),
    ("a protected service decides", protected_service),
    ("a token is verified offline", offline),
    ("nginx lets through what the gate lets through", nginx::run),
    ("Caddy lets through what the gate lets through", caddy::run),
    (
        "Traefik lets through what the gate lets through",
        traefik::run,
    ),
    ("passwords of passlib come along", passlib::run),
    ("the README's story works as pasted", story::run),
];

const PASSWORD: &str = "correct horse battery staple";
const NEW_PASSWORD: &str = "staple battery horse correct";

/// Runs all checks, and tells of every one that failed.
pub(crate) fn run() -> Done {
    setup::all()?;
    build_programs()?;
    let mut failures = Vec::new();
    for (number, (name, check)) in CHECKS.iter().enumerate() {
        let folder = TemporaryFolder::new(&format!("interop-{number}"))?;
        match check(folder.path()) {
            Ok(()) => say(format!("ok      {name}")),
            Err(failure) => {
                say(format!("FAILED  {name}\n{failure}"));
                failures.push(*name);
            }
        }
    }
    if failures.is_empty() {
        Ok(())
    } else {
        Err(Failure::new(failures.join("; ")))
    }
}

pub(crate) fn expect(holds: bool, what: &str) -> Done {
    if holds {
        Ok(())
    } else {
        Err(Failure::new(format!("not so: {what}")))
    }
}

fn foreign_verifiers(folder: &Path) -> Done {
    let issuer = Issuer::start(folder, &[])?;
    let token = issuer.registered("ada@example.com", PASSWORD)?;
    let scripts = root().join("xtask/interop");
    for (program, script) in [
        (node()?, "verify-jose.mjs"),
        (node()?, "verify-fast-jwt.mjs"),
        (node()?, "verify-aws.mjs"),
        (python()?, "verify_pyjwt.py"),
        (python()?, "verify_joserfc.py"),
    ] {
        let mut verify = command(program);
        verify.current_dir(npm()?).arg(scripts.join(script));
        let verdict = run_quietly(verify.args([&issuer.url(), "signet", &token]))?;
        say(format!("        {}", verdict.trim()));
    }
    Ok(())
}

fn pages(folder: &Path) -> Done {
    // A browser opens more pages in a minute than people do.
    let issuer = Issuer::start(folder, &[("SIGNET_LIMITS__SCALE", "10")])?;
    issuer.registered("bob@example.com", PASSWORD)?;
    let forgot = json!({ "email": "bob@example.com" });
    issuer.post("/v1/password/forgot", &forgot, None)?;
    issuer.register("ada@example.com", PASSWORD)?;
    let reset = issuer.mailed("bob@example.com", "reset", "link")?;
    let verify = issuer.mailed("ada@example.com", "verify", "link")?;
    let carol = issuer.registered("carol@example.com", PASSWORD)?;
    let asked = json!({ "new_email": "caroline@example.com", "password": PASSWORD });
    issuer.post("/v1/me/email", &asked, Some(&carol))?;
    let change = issuer.mailed("caroline@example.com", "address_change", "link")?;
    let undo = issuer.mailed("carol@example.com", "address_change_notice", "link")?;
    issuer.operate(&["user", "invite", "eve@example.com"])?;
    let invite = issuer.mailed("eve@example.com", "invite", "link")?;
    let screenshots = std::env::temp_dir().join("signet-screenshots");
    fs::create_dir_all(&screenshots)?;
    let mut walk = command(node()?);
    walk.current_dir(npm()?)
        .arg(root().join("xtask/interop/pages.mjs"))
        .args([CHROMIUM, &verify, &reset, &change, &undo, &invite])
        .args([PASSWORD, NEW_PASSWORD])
        .arg(&screenshots)
        .env("TMPDIR", folder);
    run_quietly(&mut walk)?;
    say(format!("        screenshots in {}", screenshots.display()));
    issuer.login("ada@example.com", PASSWORD)?;
    issuer.login("bob@example.com", NEW_PASSWORD)?;
    issuer.login("carol@example.com", PASSWORD)?;
    expect(
        issuer.login("caroline@example.com", PASSWORD).is_err(),
        "the change was taken back",
    )?;
    issuer.login("eve@example.com", PASSWORD)?;
    expect(
        issuer.login("bob@example.com", PASSWORD).is_err(),
        "the old password is over",
    )
}

fn protected_service(folder: &Path) -> Done {
    let issuer = Issuer::start(folder, &[])?;
    let anyone = issuer.registered("ada@example.com", PASSWORD)?;
    issuer.create_admin("root@example.com", PASSWORD)?;
    let admin = issuer.login("root@example.com", PASSWORD)?;
    let port = free_port()?;
    let mut service = command(program("agents-api"));
    service
        .env("ISSUER", issuer.url())
        .env("LISTEN", format!("127.0.0.1:{port}"));
    let log = folder.join("service.log");
    let mut service = Background::start("agents-api", &service, &log)?;
    service.wait_until(|| listens(port))?;
    let url = format!("http://127.0.0.1:{port}");
    for (path, token, expected) in [
        ("/health", None, 200),
        ("/whoami", None, 401),
        ("/whoami", Some(&anyone), 200),
        ("/agents", None, 401),
        ("/agents", Some(&anyone), 403),
        ("/agents", Some(&admin), 200),
    ] {
        let status = issuer::get_status(&format!("{url}{path}"), token.map(String::as_str))?;
        expect(
            status == expected,
            &format!("{path} answers {expected}, not {status}"),
        )?;
    }
    Ok(())
}

fn offline(folder: &Path) -> Done {
    let (token, jwks, url) = {
        let issuer = Issuer::start(folder, &[])?;
        let token = issuer.registered("ada@example.com", PASSWORD)?;
        let jwks = folder.join("jwks.json");
        fs::write(&jwks, issuer.get("/.well-known/jwks.json")?.to_string())?;
        (token, jwks, issuer.url())
    };
    let verify = |token: &str, audience: &str| -> Done<(i32, Value)> {
        let mut verify = command(program("signet"));
        verify
            .args(["token", "verify", "--json", "--issuer", &url])
            .args(["--audience", audience, "--jwks"])
            .arg(&jwks);
        let (code, output) = run_with_input(&mut verify, &format!("{token}\n"))?;
        Ok((code, serde_json::from_str(&output)?))
    };
    let (code, good) = verify(&token, "signet")?;
    expect(
        code == 0 && good.get("ok") == Some(&json!(true)),
        "a good token is good",
    )?;
    let (code, other) = verify(&token, "somebody-else")?;
    expect(
        code == 1 && other.get("code") == Some(&json!("bad_audience")),
        "one for somebody else is not",
    )?;
    let mut forged = token;
    forged.truncate(forged.len().saturating_sub(4));
    forged.push_str("AAAA");
    let (code, bad) = verify(&forged, "signet")?;
    expect(
        code == 1 && bad.get("code") == Some(&json!("bad_signature")),
        "a forged one is not",
    )
}
