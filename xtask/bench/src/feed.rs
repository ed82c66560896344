//! The revocation feed, as the issuer serves it to hosts: the bytes of its bodies, and what is promised
//! of them (docs/REVOCATION.md).
//!
//! The issuer runs on a file into which rows were written beside it, since a million logins take days;
//! that sessions end is noted by the database itself, whoever ends them.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use base64ct::{Base64UrlUnpadded, Encoding as _};
use serde_json::Value;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteSynchronous};
use sqlx::{ConnectOptions as _, query};

use crate::issuer::Issuer;
use crate::report::{Report, Target};

/// How many accounts have how many sessions each.
const MANY: (u32, u32) = (10_000, 100);
/// How many end within a day.
const A_DAY: u32 = 10_000;
/// For how long an entry is there, in seconds: a token's life, and the three minutes for clocks.
const LISTED: u32 = 300 + 180;
/// How long it may take until it is looked for what has to go, in seconds.
const LOOKED_FOR: u32 = 60;
/// How often hosts fetch.
const EVERY: Duration = Duration::from_secs(5);
/// For how many times 15 seconds a host is watched: how often a feed is signed, and so received.
const WATCHED: u32 = 3;
/// How long folding may take.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) fn run(report: &mut Report) {
    report.heading("The revocation feed, over HTTP");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        usual(report).await;
        at_once(report).await;
        folded(report).await;
    });
}

/// A day like others.
async fn usual(report: &mut Report) {
    let mut kept = Kept::with("feed-usual", MANY).await;
    kept.end((A_DAY * (LISTED + LOOKED_FOR)).div_ceil(86_400))
        .await;
    let everything = kept.fetch(None);
    report.figure(
        "everything, 10,000 of 1,000,000 end in a day",
        everything.body.len() as f64,
        "bytes",
        Target::AtMost(2_048.0),
    );
    let mut known = everything;
    let mut received = 0;
    for _ in 0..WATCHED * 3 {
        tokio::time::sleep(EVERY).await;
        let next = kept.fetch(Some(&known));
        received += next.body.len();
        if !next.body.is_empty() {
            known = next;
        }
    }
    report.figure(
        "nothing new, what a host receives in 15 s",
        received as f64 / f64::from(WATCHED),
        "bytes",
        Target::AtMost(600.0),
    );
}

async fn at_once(report: &mut Report) {
    let mut kept = Kept::with("feed-at-once", (10_000, 1)).await;
    kept.end(10_000).await;
    report.figure(
        "10,000 sessions of as many accounts end at once",
        kept.fetch(None).body.len() as f64,
        "bytes",
        Target::AtMost(150_000.0),
    );
}

/// Folding begins with the first fetch, which doesn't wait for it.
async fn folded(report: &mut Report) {
    let mut kept = Kept::with("feed-folded", (2_500, 4)).await;
    kept.end(10_000).await;
    let first = kept.fetch(None).body.len();
    let begun = Instant::now();
    let folded = loop {
        let now = kept.fetch(None).body.len();
        if now < first {
            break now;
        }
        assert!(
            begun.elapsed() < PATIENCE,
            "nothing was folded: {now} bytes"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    report.figure(
        "10,000 sessions of 2,500 accounts, folded",
        folded as f64,
        "bytes",
        Target::AtMost(64_000.0),
    );
}

/// An issuer, and its file.
struct Kept {
    issuer: Issuer,
    file: SqliteConnection,
}

/// What a host got.
struct Fetched {
    tag: String,
    body: String,
}

impl Kept {
    /// Ids count up, or a million rows would be as many places in the file.
    async fn with(name: &str, (accounts, sessions): (u32, u32)) -> Self {
        let issuer = Issuer::start(name);
        let file = SqliteConnectOptions::new()
            .filename(issuer.folder.join("signet.db"))
            .synchronous(SqliteSynchronous::Off);
        let mut file = file.connect().await.unwrap();
        let insert = query(
            "WITH RECURSIVE numbers (number) AS (
                 SELECT 1 UNION ALL SELECT number + 1 FROM numbers WHERE number < ?)
             INSERT INTO accounts (id, email_canonical, email_original, email_verified, status,
                                   version, device_epoch, password_hash, created_at)
             SELECT unhex(format('%032x', number)), number || '@example.com',
                    number || '@example.com', 1, 'active', 0, 0, '', unixepoch()
             FROM numbers",
        );
        insert.bind(accounts).execute(&mut file).await.unwrap();
        let insert = query(
            "WITH RECURSIVE numbers (number) AS (
                 SELECT 1 UNION ALL SELECT number + 1 FROM numbers WHERE number < ?1)
             INSERT INTO sessions (family, id, account_id, generation, created_at, advanced_at,
                                   authenticated_at, audience, client)
             SELECT unhex(format('%032x', accounts.rowid * ?1 + number)),
                    unhex(format('%032x', accounts.rowid * ?1 + number)), accounts.id, 0,
                    unixepoch(), unixepoch(), unixepoch(), 'signet', 'signet'
             FROM accounts CROSS JOIN numbers",
        );
        insert.bind(sessions).execute(&mut file).await.unwrap();
        Self { issuer, file }
    }

    /// Ends so many sessions.
    async fn end(&mut self, sessions: u32) {
        let end = query(
            "UPDATE sessions SET ended_at = unixepoch()
             WHERE rowid IN (SELECT rowid FROM sessions LIMIT ?)",
        );
        let ended = end.bind(sessions).execute(&mut self.file).await.unwrap();
        assert_eq!(ended.rows_affected(), u64::from(sessions));
    }

    /// What a host that has this is answered.
    fn fetch(&self, known: Option<&Fetched>) -> Fetched {
        let port = self.issuer.port;
        let (query, known) = match known {
            Some(Fetched { tag, body }) => {
                let known = format!("if-none-match: {tag}\r\n");
                (format!("?since={}", position(body)), known)
            }
            None => (String::new(), String::new()),
        };
        let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        let request = format!(
            "GET /.well-known/signet-revocations{query} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\n\
             connection: close\r\n{known}\r\n"
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let is_expected = head.starts_with("HTTP/1.1 200") || head.starts_with("HTTP/1.1 304");
        assert!(is_expected, "{answer}");
        let mut headers = head.lines().filter_map(|line| line.split_once(": "));
        let (_, tag) = headers.find(|(name, _)| *name == "etag").unwrap();
        Fetched {
            tag: tag.to_owned(),
            body: body.to_owned(),
        }
    }
}

/// Which number a feed is of.
fn position(feed: &str) -> String {
    let claims = feed.split('.').nth(1).unwrap();
    let claims = Base64UrlUnpadded::decode_vec(claims).unwrap();
    let claims: Value = serde_json::from_slice(&claims).unwrap();
    format!("{}.{}", claims["epoch"], claims["seq"])
}
