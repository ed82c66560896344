//! The refresh token in its cookie, in a real browser over TLS: the application of docs/BROWSERS.md
//! on an origin that may call, and pages of others that may not.
//!
//! nginx ends TLS for all of them. `cookies.mjs` is what happens in the browser; to try something
//! else there, add a step to it.

use std::fs;
use std::path::Path;

use base64ct::{Base64, Encoding as _};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use signet_testbed::Certificates;

use super::issuer::Issuer;
use super::{PASSWORD, expect, nginx};
use crate::components::{CHROMIUM, node, npm};
use crate::process::{
    Background, Done, Failure, command, free_port, listens, root, run_quietly, say,
};

const ADA: &str = "ada@example.com";
const MASTER_KEY: &str = "jzpb4ZB80kRm-x4Nk6hcd9Eu8EtqWYPC7hcPmrHE1lU";

/// The issuer, the application that it knows, a page of the same site that it doesn't, and one of
/// another site. One port has the issuer, one all others.
const AUTH: &str = "auth.app.test";
const APP: &str = "app.test";
const SIBLING: &str = "blog.app.test";
const ALIEN: &str = "evil.test";

/// What came to the issuer: method, origin, path and media type of each request.
const HEARD: &str = "heard.log";
const JSON: &str = "application/json";

/// What docs/BROWSERS.md has an application do.
const DOCUMENT: &str = "docs/BROWSERS.md";
const BEGIN: &str = "```js\n// session.js\n";
const EXAMPLE: &str = "https://auth.example.com";

pub(super) fn run(folder: &Path) -> Done {
    let certificates = Certificates::make_for(&[AUTH, APP, SIBLING, ALIEN]);
    let (auth, pages) = (free_port()?, free_port()?);
    let issuer_url = format!("https://{AUTH}:{auth}");
    let origins = [APP, SIBLING, ALIEN].map(|host| format!("https://{host}:{pages}"));
    let [app, sibling, alien] = &origins;
    let issuer = Issuer::start(
        folder,
        &[
            ("SIGNET_PUBLIC_URL", issuer_url.as_str()),
            ("SIGNET_CORS__ORIGINS", app),
            ("SIGNET_PROXY__TRUSTED_HOPS", "1"),
            ("SIGNET_MASTER_KEY", MASTER_KEY),
            ("SIGNET_SMTP_URL", "smtps://mail.invalid"),
            ("SIGNET_OPERATIONS_LISTEN", "off"),
        ],
    )?;
    issuer.create_user(ADA, PASSWORD, &[])?;
    write_pages(folder, &issuer_url)?;
    let site = site(folder, &certificates, &issuer, auth, pages);
    let _front = serve(folder, &site, &[auth, pages])?;
    let stage = json!({
        "chromium": CHROMIUM,
        "profile": folder.join("profile"),
        "publicKey": Base64::encode_string(&Sha256::digest(certificates.public_key())),
        "issuer": issuer_url,
        "app": app,
        "sibling": sibling,
        "alien": alien,
        "email": ADA,
        "password": PASSWORD,
    });
    let mut walk = command(node()?);
    walk.current_dir(npm()?)
        .arg(root().join("xtask/interop/cookies.mjs"))
        .arg(stage.to_string())
        .env("TMPDIR", folder);
    let said = run_quietly(&mut walk)?;
    say(said.trim_end());
    no_json_came(folder, app, &[sibling, alien])
}

/// What reached the issuer: JSON from the application, and none from others, whose preflights it
/// didn't answer as they wanted.
fn no_json_came(folder: &Path, app: &str, others: &[&str]) -> Done {
    let heard = fs::read_to_string(folder.join(HEARD))?;
    let came = |origin: &str, end: &str| {
        let (begin, end) = (format!("POST {origin} "), format!(" {end}"));
        heard
            .lines()
            .any(|line| line.starts_with(&begin) && line.ends_with(&end))
    };
    expect(came(app, JSON), "the application's JSON came")?;
    for origin in others {
        expect(came(origin, "text/plain"), "text of other origins came")?;
        expect(!came(origin, JSON), "no JSON of other origins came")?;
    }
    Ok(())
}

/// An empty page, and the module of the document with the address of this issuer.
fn write_pages(folder: &Path, issuer_url: &str) -> Done {
    let document = fs::read_to_string(root().join(DOCUMENT))?;
    let module = document
        .split_once(BEGIN)
        .and_then(|(_, rest)| rest.split_once("```"))
        .map(|(module, _)| module)
        .filter(|module| module.contains(EXAMPLE))
        .ok_or_else(|| Failure::new(format!("{DOCUMENT} has no session.js of {EXAMPLE}")))?;
    let pages = folder.join("pages");
    fs::create_dir(&pages)?;
    fs::write(
        pages.join("session.js"),
        module.replace(EXAMPLE, issuer_url),
    )?;
    let page =
        "<!doctype html><meta charset=utf-8><link rel=icon href=data:,><title>A page</title>";
    Ok(fs::write(pages.join("index.html"), page)?)
}

fn site(
    folder: &Path,
    certificates: &Certificates,
    issuer: &Issuer,
    auth: u16,
    pages: u16,
) -> String {
    let (certificate, key) = (certificates.certificate(), certificates.key());
    format!(
        "log_format heard '$request_method $http_origin $uri $content_type';
ssl_certificate {certificate};
ssl_certificate_key {key};
server {{
  listen 127.0.0.1:{auth} ssl;
  server_name {AUTH};
  access_log {folder}/{HEARD} heard;
  location / {{
    proxy_pass http://127.0.0.1:{port};
    proxy_set_header Host $http_host;
    proxy_set_header X-Forwarded-For $remote_addr;
  }}
}}
server {{
  listen 127.0.0.1:{pages} ssl;
  server_name {APP} {SIBLING} {ALIEN};
  root {folder}/pages;
  types {{ text/html html; text/javascript js; }}
}}
",
        certificate = certificate.display(),
        key = key.display(),
        port = issuer.port(),
        folder = folder.display(),
    )
}

fn serve(folder: &Path, site: &str, ports: &[u16]) -> Done<Background> {
    let mut front = nginx::serve(folder, site)?;
    front.wait_until(|| ports.iter().all(|port| listens(*port)))?;
    Ok(front)
}
