//! Traefik with the configuration of `deploy/traefik`, of which only the addresses are others.

use std::fs;
use std::path::Path;

use super::proxied::{Case, Outcome, Proxy, Stage, replaced};
use crate::components::python;
use crate::process::{Background, Done, command, root};

pub(super) fn run(folder: &Path) -> Done {
    let proxy = Proxy {
        start,
        particulars: PARTICULARS,
        closed: 500,
    };
    proxy.run(folder)
}

/// What is particular about Traefik: what it refuses by itself, and what it tidies up.
const PARTICULARS: &[Case] = &[
    Case {
        what: "two tokens",
        head: "GET /members/page HTTP/1.1\r\nAuthorization: Bearer ADA\r\nAuthorization: Bearer ROOT",
        outcome: Outcome::Refused(403, "invalid_request"),
    },
    Case {
        what: "names with an underscore",
        head: "GET /members/page HTTP/1.1\r\nAuthorization: Bearer ADA\r\nX_Signet_Sub: root",
        outcome: Outcome::Refused(403, "invalid_request"),
    },
    Case {
        what: "another path, in a name with an underscore",
        head: "GET /public/page HTTP/1.1\r\nX_Original-URL: /admin/page",
        outcome: Outcome::Refused(403, "invalid_request"),
    },
    Case {
        what: "an identity that nobody knows yet",
        head: "GET /public/page HTTP/1.1\r\nX-Signet-Tenant: 1",
        outcome: Outcome::Refused(403, "invalid_request"),
    },
    Case {
        what: "another description of the request",
        head: "GET /admin/page HTTP/1.1\r\nAuthorization: Bearer ADA\r\nX-Forwarded-Method: GET\r\n\
               X-Forwarded-Uri: /public/page\r\nX-Original-Method: GET\r\nX-Original-URI: /public/page",
        outcome: Outcome::Refused(403, "insufficient_scope"),
    },
    Case {
        what: "a description that the next hop shall take away",
        head: "GET /admin/page HTTP/1.1\r\nAuthorization: Bearer ADA\r\n\
               Connection: X-Forwarded-Uri, X-Forwarded-Method",
        outcome: Outcome::Refused(403, "insufficient_scope"),
    },
    Case {
        what: "an identity that the next hop shall take away",
        head: "GET /members/page HTTP/1.1\r\nAuthorization: Bearer ADA\r\nConnection: close\r\n\
               Connection: foo , x-signet-SUB",
        outcome: Outcome::Ada("members"),
    },
    Case {
        what: "a token that the next hop shall take away",
        head: "GET /members/page HTTP/1.1\r\nAuthorization: Bearer ADA\r\nConnection: authorization",
        outcome: Outcome::Refused(401, "missing_token"),
    },
    Case {
        what: "an unreserved character, encoded, of which Traefik makes itself",
        head: "GET /%6dembers/page HTTP/1.1\r\nAuthorization: Bearer ADA",
        outcome: Outcome::Rewritten("/members/page", "members"),
    },
    Case {
        what: "two slashes",
        head: "GET //members/page HTTP/1.1\r\nAuthorization: Bearer ADA",
        outcome: Outcome::Rewritten("/members/page", "members"),
    },
    Case {
        what: "dot segments",
        head: "GET /admin/../members/page HTTP/1.1\r\nAuthorization: Bearer ADA",
        outcome: Outcome::Rewritten("/members/page", "members"),
    },
    Case {
        what: "the same, encoded",
        head: "GET /public/%2e%2e/admin/page HTTP/1.1\r\nAuthorization: Bearer ADA",
        outcome: Outcome::Refused(403, "insufficient_scope"),
    },
    Case {
        what: "bytes in the path that are no ASCII",
        head: "GET /members/\u{c3}\u{a9} HTTP/1.1\r\nAuthorization: Bearer ADA",
        outcome: Outcome::Rewritten("/members/%C3%A9", "members"),
    },
    Case {
        what: "a whole URL, of which Traefik hands on the path",
        head: "GET http://app/members/page HTTP/1.1\r\nAuthorization: Bearer ADA",
        outcome: Outcome::Rewritten("/members/page", "members"),
    },
    Case {
        what: "more headers than the issuer takes",
        head: "GET /public/page HTTP/1.1\r\nMANY",
        outcome: Outcome::Refused(431, ""),
    },
];

fn start(folder: &Path, stage: &Stage, port: u16) -> Done<Background> {
    let shipped = fs::read_to_string(root().join("deploy/traefik/signet.yml"))?;
    let site = replaced(
        shipped,
        &[
            ("app.example.com", "app".to_owned()),
            (
                "http://127.0.0.1:8080/",
                format!("http://{}/", stage.issuer_host()),
            ),
            (
                "http://127.0.0.1:3000",
                format!("http://{}", stage.origin()),
            ),
        ],
    )?;
    let file = folder.join("traefik.yml");
    fs::write(&file, site)?;
    let mut traefik = command(python()?.with_file_name("traefik"));
    traefik
        .arg(format!("--entrypoints.web.address=127.0.0.1:{port}"))
        .arg(format!("--providers.file.filename={}", file.display()))
        .args([
            "--global.checknewversion=false",
            "--global.sendanonymoususage=false",
        ]);
    let mut traefik = Background::start("traefik", &traefik, &folder.join("traefik.log"))?;
    traefik.wait_until(|| stage.is_reached_through(port))?;
    Ok(traefik)
}
