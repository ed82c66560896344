//! The process is killed under load, again and again, and the machine's disk fills up: what a
//! client was told stays true, and nothing else than yes, no and 503 is ever said.
//!
//! `SIGNET_PROVE` kills it a hundred times.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Barrier;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use signet_core::audit::verification::Verification;
use signet_core::ports::AuditStore as _;
use signet_store_sqlite::SqliteStore;

use super::harness::{PASSWORD, Signet, json, status};

const REFRESHERS: usize = 4;
const LEAVERS: usize = 2;
const REGISTRARS: usize = 2;
/// The issuer lives for so long under load at most, in milliseconds.
const LONGEST_LIFE: u64 = 1_500;

/// What clients were told before the process was killed.
#[derive(Debug)]
enum Told {
    /// The refresh token of the last answer; the next one may have been on its way.
    Refreshed(String),
    /// The refresh tokens of the sessions that were ended.
    LoggedOut(Vec<String>),
    /// The addresses that were registered.
    Registered(Vec<String>),
}

fn kills() -> usize {
    match std::env::var_os("SIGNET_PROVE") {
        Some(_) => 100,
        None => 5,
    }
}

/// An answer, if the whole of it arrived.
fn post(address: SocketAddr, path: &str, body: &Value) -> Option<String> {
    let (body, mut answer) = (body.to_string(), String::new());
    let mut stream = TcpStream::connect(address).ok()?;
    let request = format!(
        "POST {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).ok()?;
    stream.read_to_string(&mut answer).ok()?;
    let (_, body) = answer.split_once("\r\n\r\n")?;
    let is_whole = status(&answer) == 204 || serde_json::from_str::<Value>(body).is_ok();
    is_whole.then_some(answer)
}

fn refresh_token(answer: &str) -> String {
    json(answer)["refresh_token"].as_str().unwrap().to_owned()
}

/// The refresh token of a new session; `None` where the process is gone.
fn log_in(address: SocketAddr) -> Option<String> {
    let login = json!({ "email": "ada@example.com", "password": PASSWORD });
    let answer = post(address, "/v1/login", &login)?;
    assert_eq!(status(&answer), 200, "{answer}");
    Some(refresh_token(&answer))
}

fn refresh(address: SocketAddr, token: &str) -> Option<String> {
    let request = json!({ "refresh_token": token });
    post(address, "/v1/token/refresh", &request)
}

/// Refreshes one session until the process is gone.
fn refresher(address: SocketAddr, begun: &Barrier) -> Option<Told> {
    let mut token = log_in(address)?;
    begun.wait();
    while let Some(answer) = refresh(address, &token) {
        assert_eq!(status(&answer), 200, "{answer}");
        token = refresh_token(&answer);
    }
    Some(Told::Refreshed(token))
}

/// Logs in and out until the process is gone.
fn leaver(address: SocketAddr) -> Option<Told> {
    let mut ended = Vec::new();
    while let Some(token) = log_in(address) {
        let request = json!({ "refresh_token": token });
        let Some(answer) = post(address, "/v1/logout", &request) else {
            break;
        };
        assert_eq!(status(&answer), 204, "{answer}");
        ended.push(token);
    }
    Some(Told::LoggedOut(ended))
}

/// Registers addresses until the process is gone.
fn registrar(address: SocketAddr, name: &str) -> Option<Told> {
    let mut registered = Vec::new();
    for number in 0.. {
        let email = format!("{name}-{number}@example.com");
        let registration = json!({ "email": email, "password": PASSWORD });
        let Some(answer) = post(address, "/v1/register", &registration) else {
            break;
        };
        assert_eq!(status(&answer), 202, "{answer}");
        registered.push(email);
    }
    Some(Told::Registered(registered))
}

/// Lets clients at the issuer, and kills it at a time that nobody knows.
fn live_and_die(signet: &Signet, round: usize) -> (Duration, Vec<Told>) {
    let server = signet.serve();
    let address = server.address;
    let life = RandomState::new().build_hasher().finish() % LONGEST_LIFE;
    let life = Duration::from_millis(life);
    let begun = Barrier::new(REFRESHERS + 1);
    let told = std::thread::scope(|scope| {
        let refreshers = (0..REFRESHERS).map(|_| scope.spawn(|| refresher(address, &begun)));
        let leavers = (0..LEAVERS).map(|_| scope.spawn(move || leaver(address)));
        let registrars = (0..REGISTRARS).map(|number| {
            let name = format!("person-{round}-{number}");
            scope.spawn(move || registrar(address, &name))
        });
        let clients: Vec<_> = refreshers.chain(leavers).chain(registrars).collect();
        begun.wait();
        std::thread::sleep(life);
        server.signal("KILL");
        let told = clients.into_iter().map(|client| client.join().unwrap());
        told.flatten().collect()
    });
    (life, told)
}

/// Asks the issuer that was started again.
fn check(address: SocketAddr, told: &[Told], registered: &BTreeSet<String>, life: Duration) {
    for told in told {
        match told {
            Told::Refreshed(token) => {
                let answer = refresh(address, token).unwrap();
                assert_eq!(status(&answer), 200, "after {life:?}: {answer}");
            }
            Told::LoggedOut(tokens) => {
                for token in tokens {
                    let answer = refresh(address, token).unwrap();
                    assert_eq!(status(&answer), 401, "after {life:?}: {answer}");
                }
            }
            Told::Registered(emails) => {
                for email in emails {
                    assert!(registered.contains(email), "after {life:?}: {email}");
                }
            }
        }
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_all().build().unwrap().block_on(future)
}

/// The addresses in the database, which must be whole.
async fn registered(database: &Path) -> BTreeSet<String> {
    use sqlx::ConnectOptions as _;
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(database);
    let mut beside = options.connect().await.unwrap();
    let whole: String = sqlx::query_scalar("PRAGMA integrity_check")
        .fetch_one(&mut beside)
        .await
        .unwrap();
    assert_eq!(whole, "ok");
    let emails: Vec<String> = sqlx::query_scalar(
        "SELECT email_canonical FROM registrations
         JOIN mailed_tokens ON registration_id = registrations.id",
    )
    .fetch_all(&mut beside)
    .await
    .unwrap();
    emails.into_iter().collect()
}

/// The trail has every row it ever had, each behind the one before; answers the actions.
async fn trail(database: &Path) -> Vec<String> {
    let store = SqliteStore::open(database).await.unwrap();
    let mut actions = Vec::new();
    let mut verification = Verification::default();
    loop {
        let after = u64::try_from(actions.len()).unwrap();
        let rows = store.recorded(after, 1_000).await.unwrap();
        if rows.is_empty() {
            break;
        }
        for row in rows {
            verification.take(&row).unwrap();
            actions.push(row.event.action);
        }
    }
    store.close().await;
    actions
}

fn create_ada(signet: &Signet) {
    let email = ["--email", "ada@example.com"];
    let create = [
        &["user", "create", "--verified", "--password-stdin"][..],
        &email,
    ]
    .concat();
    let created = signet.run_with_input(&create, PASSWORD.as_bytes());
    assert_eq!(created.code, 0, "{}", created.err);
}

#[test]
fn what_was_acknowledged_before_a_kill_is_there_after_it() {
    let signet = Signet::new()
        .with("SIGNET_LIMITS__SCALE", "1000000")
        .with("SIGNET_SESSIONS__MAX_PER_ACCOUNT", "1000");
    let database = signet.folder().join("signet.db");
    create_ada(&signet);
    let (mut refreshed, mut logged_out, mut requested) = (0, 0, 0);
    for round in 0..kills() {
        let (life, told) = live_and_die(&signet, round);
        let server = signet.serve();
        let there = block_on(registered(&database));
        check(server.address, &told, &there, life);
        for told in told {
            match told {
                Told::Refreshed(_) => refreshed += 1,
                Told::LoggedOut(tokens) => logged_out += tokens.len(),
                Told::Registered(emails) => requested += emails.len(),
            }
        }
        server.signal("KILL");
    }
    let actions = block_on(trail(&database));
    let recorded = |wanted: &str| actions.iter().filter(|action| *action == wanted).count();
    assert!(recorded("registration.requested") >= requested);
    assert!(recorded("session.ended") >= logged_out);
    let kills = kills();
    println!(
        "proved: {refreshed} sessions, {logged_out} logouts and {requested} registrations outlived \
         {kills} kills"
    );
    assert!(refreshed > 0 && logged_out > 0 && requested > 0);
}

/// A disk of its own in a folder; it goes with this value.
struct Disk(PathBuf);

impl Disk {
    /// `None` where this user may not mount any.
    fn mount(folder: PathBuf) -> Option<Self> {
        fs::create_dir(&folder).unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=2m", "tmpfs"])
            .arg(&folder)
            .output();
        mounted.ok()?.status.success().then_some(Self(folder))
    }

    /// Leaves no byte.
    fn fill(&self) -> PathBuf {
        let ballast = self.0.join("ballast");
        let mut file = File::create(&ballast).unwrap();
        while file.write_all(&[0; 512]).is_ok() {}
        ballast
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _it_may_be_gone = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[test]
fn a_full_disk_takes_no_change_answers_what_is_there_and_recovers_by_itself() {
    let signet = Signet::new()
        .with("SIGNET_LIMITS__SCALE", "1000000")
        .with("SIGNET_DATABASE_URL", "sqlite:disk/signet.db");
    let Some(disk) = Disk::mount(signet.folder().join("disk")) else {
        println!("nothing was tried: this user may not mount a disk");
        return;
    };
    create_ada(&signet);
    let server = signet.serve();
    let address = server.address;
    let login = json!({ "email": "ada@example.com", "password": PASSWORD });
    let session = json(&post(address, "/v1/login", &login).unwrap());
    let [access, token] = ["access_token", "refresh_token"].map(|name| {
        let token = session[name].as_str();
        token.unwrap().to_owned()
    });
    let me = || server.me(&access);
    let register = |number: usize| {
        let email = format!("person-{number}@example.com");
        let registration = json!({ "email": email, "password": PASSWORD });
        post(address, "/v1/register", &registration).unwrap()
    };

    let ballast = disk.fill();
    let mut refused = 0;
    let mut acknowledged = Vec::new();
    for number in 0..60 {
        let answer = register(number);
        match status(&answer) {
            202 => acknowledged.push(format!("person-{number}@example.com")),
            503 => {
                assert!(answer.to_ascii_lowercase().contains("retry-after:"));
                refused += 1;
            }
            _ => panic!("{answer}"),
        }
        assert_eq!(me(), 200, "reads go on");
        if refused > 10 {
            break;
        }
    }
    assert!(refused > 0, "the disk was never full");
    let answer = refresh(address, &token).unwrap();
    assert!([200, 503].contains(&status(&answer)), "{answer}");
    assert_eq!(status(&server.get("/.well-known/jwks.json")), 200);
    println!(
        "proved: on a full disk {} were told yes and {refused} 503",
        acknowledged.len()
    );

    fs::remove_file(ballast).unwrap();
    let freed = Instant::now();
    assert_eq!(status(&register(1_000)), 202);
    assert!(freed.elapsed() < Duration::from_secs(5));
    assert_eq!(status(&refresh(address, &token).unwrap()), 200);
    let there = block_on(registered(&signet.folder().join("disk/signet.db")));
    for email in acknowledged {
        assert!(there.contains(&email), "{email}");
    }
    server.signal("TERM");
    assert_eq!(server.ended().code, 0);
}
