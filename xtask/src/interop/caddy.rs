//! Caddy with the configuration of `deploy/caddy`, of which only the addresses are others.

use std::fs;
use std::path::Path;

use super::proxied::{Case, Outcome, Proxy, Stage, replaced};
use crate::components::python;
use crate::process::{Background, Done, command, root};

pub(super) fn run(folder: &Path) -> Done {
    let proxy = Proxy {
        start,
        particulars: PARTICULARS,
        closed: 502,
    };
    proxy.run(folder)
}

/// What is particular about Caddy: what it takes away, and what it writes in another way.
const PARTICULARS: &[Case] = &[
    Case {
        what: "two tokens",
        head: "GET /members/page HTTP/1.1\r\nAuthorization: Bearer ADA\r\nAuthorization: Bearer ROOT",
        outcome: Outcome::Refused(403, "invalid_request"),
    },
    Case {
        what: "names with an underscore",
        head: "GET /members/page HTTP/1.1\r\nAuthorization: Bearer ADA\r\nX_Signet_Sub: root\r\n\
               x-signet_roles: admin\r\nx_SIGNET-sid: x\r\nX_Forwarded_Uri: /public/page",
        outcome: Outcome::Ada("members"),
    },
    Case {
        what: "an identity that nobody knows yet",
        head: "GET /public/page HTTP/1.1\r\nX-Signet-Tenant: 1",
        outcome: Outcome::Nobody,
    },
    Case {
        what: "another path, in a name with an underscore",
        head: "GET /public/page HTTP/1.1\r\nX_Original_URL: /admin/page",
        outcome: Outcome::Nobody,
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
        outcome: Outcome::Refused(403, ""),
    },
    Case {
        what: "an identity that the next hop shall take away",
        head: "GET /members/page HTTP/1.1\r\nAuthorization: Bearer ADA\r\nConnection: close\r\n\
               Connection: foo , x-signet-SUB",
        outcome: Outcome::Refused(403, ""),
    },
    Case {
        what: "a token that the next hop shall take away",
        head: "GET /members/page HTTP/1.1\r\nAuthorization: Bearer ADA\r\nConnection: authorization",
        outcome: Outcome::Refused(403, ""),
    },
    Case {
        what: "an unreserved character, encoded, is itself",
        head: "GET /%6dembers/page HTTP/1.1\r\nAuthorization: Bearer ADA",
        outcome: Outcome::Ada("members"),
    },
    Case {
        what: "two slashes",
        head: "GET //members/page HTTP/1.1\r\nAuthorization: Bearer ADA",
        outcome: Outcome::Refused(403, "invalid_request"),
    },
    Case {
        what: "dot segments",
        head: "GET /admin/../members/page HTTP/1.1\r\nAuthorization: Bearer ADA",
        outcome: Outcome::Refused(403, "invalid_request"),
    },
    Case {
        what: "the same, encoded",
        head: "GET /public/%2e%2e/admin/page HTTP/1.1",
        outcome: Outcome::Refused(403, "invalid_request"),
    },
    Case {
        what: "bytes in the path that are no ASCII, which Caddy encodes for gate and application",
        head: "GET /members/\u{c3}\u{a9} HTTP/1.1\r\nAuthorization: Bearer ADA",
        outcome: Outcome::Rewritten("/members/%C3%A9", "members"),
    },
    Case {
        what: "a whole URL, of which Caddy hands on the path",
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
    let shipped = fs::read_to_string(root().join("deploy/caddy/Caddyfile"))?;
    let host = stage.issuer_host();
    let site = replaced(
        shipped,
        &[
            (
                "app.example.com {",
                format!("http://:{port} {{\n\tbind 127.0.0.1"),
            ),
            (
                "forward_auth 127.0.0.1:8080",
                format!("forward_auth {host}"),
            ),
            (
                "reverse_proxy 127.0.0.1:3000",
                format!("reverse_proxy {}", stage.origin()),
            ),
        ],
    )?;
    let file = folder.join("Caddyfile");
    fs::write(&file, format!("{{\n\tadmin off\n}}\n\n{site}"))?;
    let mut caddy = command(python()?.with_file_name("caddy"));
    caddy
        .args(["run", "--adapter", "caddyfile", "--config"])
        .arg(&file)
        .env("HOME", folder)
        .env("XDG_DATA_HOME", folder)
        .env("XDG_CONFIG_HOME", folder);
    let mut caddy = Background::start("caddy", &caddy, &folder.join("caddy.log"))?;
    caddy.wait_until(|| stage.is_reached_through(port))?;
    Ok(caddy)
}
