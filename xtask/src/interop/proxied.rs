//! What must hold of any proxy that asks the issuer: an issuer with a policy, an application behind
//! the proxy that remembers what reached it, and requests as bytes.
//!
//! To add a request, add a [`Case`]. `ADA` and `ROOT` stand for access tokens, of a member and of an
//! admin, `LONG` for 7,000 bytes and `MANY` for 110 header lines; characters are bytes, as in Latin-1.

use std::fs;
use std::io::{Read, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::Duration;

use super::issuer::Issuer;
use super::{PASSWORD, expect};
use crate::process::{Background, Done, Failure, free_port};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// What is told of whoever asks.
const IDENTITY: [&str; 7] = [
    "x-signet-sub",
    "x-signet-sid",
    "x-signet-client",
    "x-signet-roles",
    "x-signet-permissions",
    "x-signet-exp",
    "x-signet-rule",
];

/// What makes an application see another request than the gate.
const OVERRIDES: [&str; 5] = [
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
    "x-original-url",
    "x-rewrite-url",
];

/// A request, and what must come of it.
pub(super) struct Case {
    pub(super) what: &'static str,
    /// Its lines, without `Host` and without the last line's end.
    pub(super) head: &'static str,
    pub(super) outcome: Outcome,
}

/// What must come of a request.
#[derive(Clone, Copy, Debug)]
pub(super) enum Outcome {
    /// It reaches the application as nobody.
    Nobody,
    /// It reaches the application as Ada, by this rule.
    Ada(&'static str),
    /// The same, at a target that the proxy has made of it.
    Rewritten(&'static str, &'static str),
    /// It doesn't: this status, and this code where the issuer has refused.
    Refused(u16, &'static str),
}

/// The requests that every proxy treats alike.
const CASES: &[Case] = &[
    Case {
        what: "a public page",
        head: "GET /public/page HTTP/1.1",
        outcome: Outcome::Nobody,
    },
    Case {
        what: "a member's page",
        head: "GET /members/page?a=%2f..//&b=%3b HTTP/1.1\r\nAuthorization: Bearer ADA",
        outcome: Outcome::Ada("members"),
    },
    Case {
        what: "HEAD",
        head: "HEAD /members/page HTTP/1.1\r\nAuthorization: Bearer ADA",
        outcome: Outcome::Ada("members"),
    },
    Case {
        what: "OPTIONS, which has no rule of its own",
        head: "OPTIONS /public/page HTTP/1.1\r\nAuthorization: Bearer ADA\r\nOrigin: http://a\r\n\
               Access-Control-Request-Method: GET",
        outcome: Outcome::Refused(403, "no_rule"),
    },
    Case {
        what: "a body",
        head: "POST /members/page HTTP/1.1\r\nAuthorization: Bearer ADA\r\nContent-Length: 5\r\n\r\nhello",
        outcome: Outcome::Ada("members"),
    },
    Case {
        what: "a body in chunks with an identity behind it",
        head: "POST /members/page HTTP/1.1\r\nAuthorization: Bearer ADA\r\nTrailer: X-Signet-Sub\r\n\
               Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-Signet-Sub: root",
        outcome: Outcome::Ada("members"),
    },
    Case {
        what: "conditions that are for the application to look at",
        head: "GET /members/page HTTP/1.1\r\nAuthorization: Bearer ADA\r\nIf-None-Match: *\r\n\
               If-Modified-Since: Sat, 01 Jan 2000 00:00:00 GMT\r\nRange: bytes=0-0",
        outcome: Outcome::Ada("members"),
    },
    Case {
        what: "no token",
        head: "GET /members/page HTTP/1.1",
        outcome: Outcome::Refused(401, "missing_token"),
    },
    Case {
        what: "a bad token",
        head: "GET /members/page HTTP/1.1\r\nAuthorization: Bearer a.b.c",
        outcome: Outcome::Refused(401, "invalid_token"),
    },
    Case {
        what: "too little",
        head: "GET /admin/page HTTP/1.1\r\nAuthorization: Bearer ADA",
        outcome: Outcome::Refused(403, "insufficient_scope"),
    },
    Case {
        what: "two tokens in one line",
        head: "GET /members/page HTTP/1.1\r\nAuthorization: Bearer ADA, Bearer ROOT",
        outcome: Outcome::Refused(403, "invalid_request"),
    },
    Case {
        what: "an identity of one's own",
        head: "GET /members/page HTTP/1.1\r\nAuthorization: Bearer ADA\r\nX-Signet-Sub: root\r\n\
               x-signet-ROLES: admin\r\nX-SIGNET-SUB: root",
        outcome: Outcome::Ada("members"),
    },
    Case {
        what: "an identity of one's own, on a public page",
        head: "GET /public/page HTTP/1.1\r\nX-Signet-Sub: root\r\nX-Signet-Sid: root\r\n\
               X-Signet-Client: root\r\nX-Signet-Roles: root\r\nX-Signet-Permissions: root\r\n\
               X-Signet-Exp: root\r\nX-Signet-Rule: root",
        outcome: Outcome::Nobody,
    },
    Case {
        what: "another path, for the application or for the gate",
        head: "GET /admin/page HTTP/1.1\r\nAuthorization: Bearer ADA\r\nX-Original-URL: /public/page\r\n\
               X-Rewrite-URL: /public/page",
        outcome: Outcome::Refused(403, "insufficient_scope"),
    },
    Case {
        what: "another path for the application",
        head: "GET /public/page HTTP/1.1\r\nX-Original-URL: /admin/page\r\nX-Rewrite-URL: /admin/page",
        outcome: Outcome::Nobody,
    },
    Case {
        what: "another method for the application",
        head: "GET /public/page HTTP/1.1\r\nX-HTTP-Method: DELETE\r\nX-HTTP-Method-Override: DELETE\r\n\
               X-Method-Override: DELETE",
        outcome: Outcome::Nobody,
    },
    Case {
        what: "bytes that are no UTF-8, in a header",
        head: "GET /members/page HTTP/1.1\r\nAuthorization: Bearer ADA\r\nX-Name: \u{ff}\u{c3}",
        outcome: Outcome::Ada("members"),
    },
    Case {
        what: "bytes that are no UTF-8, in the token",
        head: "GET /members/page HTTP/1.1\r\nAuthorization: Bearer \u{ff}",
        outcome: Outcome::Refused(403, "invalid_request"),
    },
    Case {
        what: "a large header",
        head: "GET /members/page HTTP/1.1\r\nAuthorization: Bearer ADA\r\nX-Long: LONG",
        outcome: Outcome::Ada("members"),
    },
    Case {
        what: "a large token",
        head: "GET /members/page HTTP/1.1\r\nAuthorization: Bearer LONG",
        outcome: Outcome::Refused(401, "invalid_token"),
    },
    Case {
        what: "a large path",
        head: "GET /public/LONG HTTP/1.1\r\nAuthorization: Bearer ADA",
        outcome: Outcome::Nobody,
    },
    Case {
        what: "an encoded slash",
        head: "GET /public/..%2fadmin/page HTTP/1.1",
        outcome: Outcome::Refused(403, "invalid_request"),
    },
    Case {
        what: "an encoded backslash",
        head: "GET /public/..%5cadmin/page HTTP/1.1",
        outcome: Outcome::Refused(403, "invalid_request"),
    },
    Case {
        what: "an encoding of an encoding",
        head: "GET /public/%252e%252e/admin/page HTTP/1.1",
        outcome: Outcome::Refused(403, "invalid_request"),
    },
    Case {
        what: "the same, where more is asked for",
        head: "GET /%61dmin/page HTTP/1.1\r\nAuthorization: Bearer ADA",
        outcome: Outcome::Refused(403, "insufficient_scope"),
    },
];

/// A proxy that asks the issuer.
pub(super) struct Proxy {
    /// Starts it at a port, with the shipped configuration.
    pub(super) start: fn(&Path, &Stage, u16) -> Done<Background>,
    /// What it does in a way of its own.
    pub(super) particulars: &'static [Case],
    /// What it answers while the issuer is away.
    pub(super) closed: u16,
}

impl Proxy {
    /// Plays all requests through it, and asks for pages once the issuer has gone.
    pub(super) fn run(&self, folder: &Path) -> Done {
        let stage = Stage::set(folder)?;
        let port = free_port()?;
        let _proxy = (self.start)(folder, &stage, port)?;
        stage.play(port, CASES)?;
        stage.play(port, self.particulars)?;
        // Nothing of all that has left anything behind.
        stage.play(port, CASES)?;
        let closed = stage.without_issuer();
        for path in ["/public/page", "/members/page", "/admin/page"] {
            let answer = closed.ask(port, &format!("GET {path} HTTP/1.1\r\nHost: app\r\n\r\n"))?;
            expect(
                answer.status == self.closed,
                "nothing goes on without the issuer",
            )?;
        }
        expect(
            closed.reached()?.is_empty(),
            "upstream is told nothing then",
        )
    }
}

/// An issuer, an application, and who asks.
pub(super) struct Stage {
    issuer: Issuer,
    closed: Closed,
    ada: String,
    root: String,
}

/// What is left of a stage without its issuer.
pub(super) struct Closed(Application);

impl Stage {
    /// Starts an issuer for which this machine is a proxy, and an application.
    pub(super) fn set(folder: &Path) -> Done<Self> {
        let port = free_port()?;
        let policy = folder.join("policy.toml");
        fs::write(&policy, policy_of(port))?;
        let file = policy.display().to_string();
        let settings = [
            ("SIGNET_FORWARD_AUTH__POLICY", file.as_str()),
            ("SIGNET_FORWARD_AUTH__PROXIES", "127.0.0.1"),
        ];
        let issuer = Issuer::start_at(port, folder, &settings)?;
        issuer.create_admin("root@example.com", PASSWORD)?;
        Ok(Self {
            ada: issuer.registered("ada@example.com", PASSWORD)?,
            root: issuer.login("root@example.com", PASSWORD)?,
            closed: Closed(Application::start()?),
            issuer,
        })
    }

    /// Where the issuer is, as `Host` says it.
    pub(super) fn issuer_host(&self) -> String {
        self.issuer.url().replace("http://", "")
    }

    /// Whether the proxy at `port` hands requests on yet.
    pub(super) fn is_reached_through(&self, port: u16) -> bool {
        let page = "GET /public/page HTTP/1.1\r\nHost: app\r\n\r\n";
        let answer = self.closed.ask(port, page);
        let reached = self.closed.reached();
        answer.is_ok_and(|answer| answer.status == 200) && reached.is_ok()
    }

    /// Where the application is.
    pub(super) fn origin(&self) -> SocketAddr {
        self.closed.0.address
    }

    /// Sends the requests to the proxy at `port`, and tells of all that end in another way.
    pub(super) fn play(&self, port: u16, cases: &[Case]) -> Done {
        let failures: Vec<String> = cases
            .iter()
            .filter_map(|case| {
                let failure = self.try_case(port, case).err()?;
                Some(format!("{}: {failure}", case.what))
            })
            .collect();
        expect(failures.is_empty(), &failures.join("\n        "))
    }

    fn try_case(&self, port: u16, case: &Case) -> Done {
        let request = self.request(case.head);
        let sent = request.split(' ').nth(1).unwrap_or_default();
        let answer = self.closed.ask(port, &request)?;
        let reached = self.closed.reached()?;
        match (case.outcome, reached.as_slice()) {
            (Outcome::Refused(status, code), []) => {
                let told = (answer.status, answer.header("x-signet-code"));
                let wanted = (status, (!code.is_empty()).then_some(code));
                expect(told == wanted, &format!("{wanted:?}, but {told:?}"))?;
                let challenged = answer.header("www-authenticate").is_some();
                expect(challenged || status != 401, "401 has a challenge")
            }
            (Outcome::Nobody, [seen]) => seen.check(sent, None, ""),
            (Outcome::Ada(rule), [seen]) => seen.check(sent, Some(&self.ada), rule),
            (Outcome::Rewritten(target, rule), [seen]) => seen.check(target, Some(&self.ada), rule),
            (outcome, reached) => Err(Failure::new(format!(
                "{outcome:?}, but {} with {} requests for the application",
                answer.status,
                reached.len()
            ))),
        }
    }

    /// The request of a case, with everything that stands for something else.
    fn request(&self, head: &str) -> String {
        let many: String = (0..110)
            .map(|number| format!("X-{number}: x\r\n"))
            .collect();
        let head = head.replacen(" HTTP/1.1", " HTTP/1.1\r\nHost: app", 1);
        [
            ("Bearer ADA", format!("Bearer {}", self.ada)),
            ("Bearer ROOT", format!("Bearer {}", self.root)),
            ("LONG", "x".repeat(7_000)),
            ("MANY", many.trim_end().to_owned()),
        ]
        .iter()
        .fold(format!("{head}\r\n\r\n"), |text, (name, meant)| {
            text.replace(name, meant)
        })
    }

    /// Ends the issuer.
    pub(super) fn without_issuer(self) -> Closed {
        self.closed
    }
}

impl Closed {
    /// Sends a request to the proxy, and reads the head of what comes back.
    pub(super) fn ask(&self, port: u16, request: &str) -> Done<Head> {
        let bytes: Result<Vec<u8>, _> = request.chars().map(u8::try_from).collect();
        let mut stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.write_all(&bytes?)?;
        let (head, _) = read_head(&mut stream)?;
        Head::parse(&head)
    }

    /// What has reached the application since this was asked.
    pub(super) fn reached(&self) -> Done<Vec<Head>> {
        self.0
            .seen
            .try_iter()
            .map(|head| Head::parse(&head))
            .collect()
    }
}

/// A configuration with other addresses than it is shipped with. Each must be there once.
pub(super) fn replaced(shipped: String, addresses: &[(&str, String)]) -> Done<String> {
    addresses.iter().try_fold(shipped, |text, (shipped, ours)| {
        match text.matches(shipped).count() {
            1 => Ok(text.replace(shipped, ours)),
            count => Err(Failure::new(format!(
                "{shipped} stands there {count} times"
            ))),
        }
    })
}

fn policy_of(port: u16) -> String {
    format!(
        "version = 1\nissuer = \"http://127.0.0.1:{port}\"\naudience = [\"signet\"]\n\
         [[rule]]\nid = \"public\"\nmethods = [\"GET\"]\npath = \"/public/{{*page}}\"\n\
         allow = \"anyone\"\n\
         [[rule]]\nid = \"members\"\npath = \"/members/{{*page}}\"\nallow = \"authenticated\"\n\
         [[rule]]\nid = \"admin\"\npath = \"/admin/{{*page}}\"\nallow = {{ role = \"admin\" }}\n"
    )
}

/// An application that answers everything with 200 and tells what has reached it.
struct Application {
    address: SocketAddr,
    seen: Receiver<Vec<u8>>,
}

impl Application {
    fn start() -> Done<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let (tell, seen) = mpsc::channel();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let tell = tell.clone();
                // A proxy that goes in the middle is seen by who waits for what it forwards.
                thread::spawn(move || serve(stream, &tell).ok());
            }
        });
        Ok(Self { address, seen })
    }
}

/// Answers one request.
fn serve(mut stream: TcpStream, tell: &Sender<Vec<u8>>) -> Done {
    stream.set_read_timeout(Some(PATIENCE))?;
    let (head, rest) = read_head(&mut stream)?;
    let length = Head::parse(&head)?.header("content-length").map(str::parse);
    let missing = length.transpose()?.unwrap_or(0_usize);
    let mut body = vec![0; missing.saturating_sub(rest.len())];
    stream.read_exact(&mut body)?;
    let is_head = head.starts_with(b"HEAD ");
    let _nobody_asks_any_more = tell.send(head);
    let answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n";
    stream.write_all(answer.as_bytes())?;
    if !is_head {
        stream.write_all(b"ok")?;
    }
    Ok(())
}

/// The bytes up to the empty line, and those behind it that came along.
fn read_head(stream: &mut impl Read) -> Done<(Vec<u8>, Vec<u8>)> {
    const END: &[u8] = b"\r\n\r\n";
    let mut read = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        if let Some(end) = read.windows(END.len()).position(|window| window == END) {
            let rest = read.split_off(end);
            let behind = rest.get(END.len()..).unwrap_or_default().to_vec();
            return Ok((read, behind));
        }
        match stream.read(&mut buffer)? {
            0 => return Err(Failure::new("the connection ends before the head does")),
            count => read.extend_from_slice(buffer.get(..count).unwrap_or_default()),
        }
    }
}

/// The head of a request or of an answer.
#[derive(Debug)]
pub(super) struct Head {
    /// The first line.
    line: String,
    /// The second word of it, of an answer.
    pub(super) status: u16,
    /// Names in lower case, and values.
    headers: Vec<(String, String)>,
}

impl Head {
    fn parse(bytes: &[u8]) -> Done<Self> {
        let text: String = bytes.iter().copied().map(char::from).collect();
        let mut lines = text.split("\r\n");
        let line = lines.next().unwrap_or_default().to_owned();
        let status = line.split(' ').nth(1).and_then(|word| word.parse().ok());
        let headers = lines.map(|line| {
            let (name, value) = line
                .split_once(':')
                .ok_or_else(|| Failure::new(format!("no header: {line}")))?;
            Ok((name.to_lowercase(), value.trim().to_owned()))
        });
        Ok(Self {
            status: status.unwrap_or_default(),
            headers: headers.collect::<Done<_>>()?,
            line,
        })
    }

    fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        let (_, value) = headers.find(|(found, _)| found == name)?;
        Some(value)
    }

    /// Holds what reached the application against what the gate has said.
    fn check(&self, target: &str, token: Option<&str>, rule: &str) -> Done {
        let at = self.line.split(' ').nth(1);
        expect(at == Some(target), &format!("{target}, but {at:?}"))?;
        let read_as = |name: &str| name.replace('_', "-");
        let claimed = self.headers.iter();
        let claimed = claimed.filter(|(name, _)| read_as(name).starts_with("x-signet-"));
        let claimed: Vec<_> = claimed.filter(|(_, value)| !value.is_empty()).collect();
        let names: Vec<&str> = claimed.iter().map(|(name, _)| name.as_str()).collect();
        let overridden = self.headers.iter();
        let mut overridden = overridden.map(|(name, _)| read_as(name));
        let overrides = overridden.find(|name| OVERRIDES.contains(&name.as_str()));
        expect(overrides.is_none(), &format!("no {overrides:?}"))?;
        let Some(token) = token else {
            return expect(names.is_empty(), &format!("nobody, but {names:?}"));
        };
        for (name, _) in &claimed {
            expect(IDENTITY.contains(&name.as_str()), &format!("no {name}"))?;
            let count = names.iter().filter(|other| *other == name).count();
            expect(count == 1, &format!("one {name}"))?;
        }
        expect(!names.is_empty(), "somebody")?;
        expect(
            self.header("x-signet-rule") == Some(rule),
            &format!("by the rule {rule}"),
        )?;
        expect(
            self.header("x-signet-roles") == Some("user"),
            "with the role that Ada has",
        )?;
        let subject = self.header("x-signet-sub").unwrap_or_default();
        expect(subject.len() == 36, "as an account")?;
        expect(
            self.header("authorization") == Some(&format!("Bearer {token}")),
            "with the token",
        )
    }
}
