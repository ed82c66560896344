//! nginx with the configuration of `deploy/nginx`, of which only the addresses are others.

use std::fs;
use std::path::Path;

use super::proxied::{Case, Outcome, Proxy, Stage, replaced};
use crate::components::NGINX;
use crate::process::{Background, Done, command, root};

pub(super) fn run(folder: &Path) -> Done {
    let proxy = Proxy {
        start,
        particulars: PARTICULARS,
        closed: 500,
    };
    proxy.run(folder)
}

/// What is particular about nginx: what it refuses by itself, and what it drops or tidies up.
const PARTICULARS: &[Case] = &[
    Case {
        what: "two tokens",
        head: "GET /members/page HTTP/1.1\r\nAuthorization: Bearer ADA\r\nAuthorization: Bearer ROOT",
        outcome: Outcome::Refused(400, ""),
    },
    Case {
        what: "a name with an underscore",
        head: "GET /members/page HTTP/1.1\r\nAuthorization: Bearer ADA\r\nX_Signet_Sub: root\r\n\
               x-signet_roles: admin\r\nX_Forwarded_Uri: /public/page",
        outcome: Outcome::Ada("members"),
    },
    Case {
        what: "the other way to say what was asked for",
        head: "GET /admin/page HTTP/1.1\r\nAuthorization: Bearer ADA\r\nX-Forwarded-Method: GET\r\n\
               X-Forwarded-Uri: /public/page",
        outcome: Outcome::Refused(403, "insufficient_scope"),
    },
    Case {
        what: "an identity that a proxy can't know",
        head: "GET /public/page HTTP/1.1\r\nX-Signet-Tenant: 1",
        outcome: Outcome::Refused(403, "invalid_request"),
    },
    Case {
        what: "an identity that the next hop shall take away",
        head: "GET /members/page HTTP/1.1\r\nAuthorization: Bearer ADA\r\nConnection: X-Signet-Sub",
        outcome: Outcome::Refused(403, "invalid_request"),
    },
    Case {
        what: "the same in a second line, which nginx drops",
        head: "GET /members/page HTTP/1.1\r\nAuthorization: Bearer ADA\r\nConnection: close\r\n\
               Connection: X-Signet-Sub, Authorization",
        outcome: Outcome::Ada("members"),
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
        what: "dot segments, which nginx would resolve",
        head: "GET /admin/../members/page HTTP/1.1\r\nAuthorization: Bearer ADA",
        outcome: Outcome::Refused(403, "invalid_request"),
    },
    Case {
        what: "the same, encoded",
        head: "GET /public/%2e%2e/admin/page HTTP/1.1",
        outcome: Outcome::Refused(403, "invalid_request"),
    },
    Case {
        what: "dot segments that leave the root",
        head: "GET /../members/page HTTP/1.1\r\nAuthorization: Bearer ADA",
        outcome: Outcome::Refused(400, ""),
    },
    Case {
        what: "bytes in the path that are no ASCII",
        head: "GET /public/\u{e9} HTTP/1.1",
        outcome: Outcome::Refused(403, "invalid_request"),
    },
    Case {
        what: "a path that ends in a fragment",
        head: "GET /public/page#/admin/page HTTP/1.1",
        outcome: Outcome::Refused(403, "invalid_request"),
    },
    Case {
        what: "TRACE",
        head: "TRACE /public/page HTTP/1.1",
        outcome: Outcome::Refused(405, ""),
    },
    Case {
        what: "a larger head than nginx takes",
        head: "GET /public/page HTTP/1.1\r\nX-Long: LONGLONG",
        outcome: Outcome::Refused(400, ""),
    },
    Case {
        what: "as large a head as nginx takes",
        head: "GET /public/page HTTP/1.1\r\nA: LONG\r\nB: LONG\r\nC: LONG\r\nD: LONG",
        outcome: Outcome::Nobody,
    },
    Case {
        what: "more headers than the issuer takes, of whose 431 nginx makes a 500",
        head: "GET /public/page HTTP/1.1\r\nMANY",
        outcome: Outcome::Refused(500, ""),
    },
    Case {
        what: "a character that the issuer doesn't take, of whose 400 nginx makes a 500",
        head: "GET /public/page HTTP/1.1\r\nX-Name: \u{1}",
        outcome: Outcome::Refused(500, ""),
    },
    Case {
        what: "nginx's own way to say it",
        head: "GET /admin/page HTTP/1.1\r\nAuthorization: Bearer ADA\r\nX-Original-Method: GET\r\n\
               X-Original-URI: /public/page",
        outcome: Outcome::Refused(403, "insufficient_scope"),
    },
    Case {
        what: "names with white space behind them",
        head: "GET /public/page HTTP/1.1\r\nX-Signet-Sub : root\r\nX-Original-URL\t: /admin/page",
        outcome: Outcome::Refused(400, ""),
    },
    Case {
        what: "the question itself",
        head: "GET /-/signet HTTP/1.1\r\nX-Original-Method: GET\r\nX-Original-URI: /public/page",
        outcome: Outcome::Refused(404, ""),
    },
    Case {
        what: "the question, by a detour",
        head: "GET /public/../-/signet HTTP/1.1",
        outcome: Outcome::Refused(404, ""),
    },
    Case {
        what: "a whole URL, of which nginx hands on the path",
        head: "GET http://app/members/page HTTP/1.1\r\nAuthorization: Bearer ADA",
        outcome: Outcome::Rewritten("/members/page", "members"),
    },
];

fn start(folder: &Path, stage: &Stage, port: u16) -> Done<Background> {
    let shipped = fs::read_to_string(root().join("deploy/nginx/signet.conf"))?;
    let host = stage.issuer_host();
    let site = replaced(
        shipped,
        &[
            ("server 127.0.0.1:8080;", format!("server {host};")),
            (
                "server 127.0.0.1:3000;",
                format!("server {};", stage.origin()),
            ),
            ("listen 80;", format!("listen 127.0.0.1:{port};")),
        ],
    )?;
    let mut nginx = serve(folder, &site)?;
    nginx.wait_until(|| stage.is_reached_through(port))?;
    Ok(nginx)
}

/// Starts nginx with what stands in its `http` block.
pub(super) fn serve(folder: &Path, site: &str) -> Done<Background> {
    fs::write(folder.join("signet.conf"), site)?;
    let here = folder.display();
    let around = format!(
        "daemon off;\npid {here}/nginx.pid;\nerror_log stderr;\nworker_processes 1;\n\
         events {{ worker_connections 256; }}\n\
         http {{\n  access_log off;\n  client_body_temp_path {here}/body;\n  \
         proxy_temp_path {here}/proxy;\n  fastcgi_temp_path {here}/fastcgi;\n  \
         uwsgi_temp_path {here}/uwsgi;\n  scgi_temp_path {here}/scgi;\n  \
         include {here}/signet.conf;\n}}\n"
    );
    let file = folder.join("nginx.conf");
    fs::write(&file, around)?;
    let mut nginx = command(NGINX);
    nginx.arg("-e").arg("stderr").arg("-c").arg(&file);
    Background::start("nginx", &nginx, &folder.join("nginx.log"))
}
