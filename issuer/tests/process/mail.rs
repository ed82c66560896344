//! A mail server that is away, slow, refuses, breaks off, or isn't who it says: the real program
//! beside a real one. Whatever becomes of mail, answers stay what they are, everything arrives in the
//! end, and nothing is ever said in the clear.
//!
//! `SIGNET_PROVE` has more people write, for longer, to a server that is slower.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use signet_testbed::{MailServer, Transport};

use super::exchanged::Exchanged;
use super::harness::{Ended, PASSWORD, Running, Signet, json, status};

const HOST: &str = "auth.example.com";
const KEY: &str = "jzpb4ZB80kRm-x4Nk6hcd9Eu8EtqWYPC7hcPmrHE1lU";

/// Within which a message is to be there once the server is well again.
const AFTER_HEALING: Duration = Duration::from_secs(60);

fn in_full() -> bool {
    std::env::var_os("SIGNET_PROVE").is_some()
}

/// Who has an account from the start.
const KNOWN: &str = "known@example.com";

/// Whom nobody knows.
const UNKNOWN: &str = "unknown@example.com";

/// Who asks for another address again and again, and invites somebody.
const ADMIN: &str = "admin@example.com";

/// Whom they invite.
const INVITED: &str = "invited@example.com";

/// How many mails somebody gets who registers and asks for the mail again. The second voids the
/// token of the first, and both are sent all the same.
const MAILS_EACH: usize = 2;

/// The mails of a round of questions, sorted.
const MAILS_OF_A_ROUND: [&str; 6] = [
    "address_change",
    "address_change_notice",
    "invite",
    "reset",
    "verify",
    "verify",
];

/// How old a session may be that invites somebody: less than what is fresh.
const FRESH: Duration = Duration::from_secs(200);

/// Within which a login is answered, of which its floor takes the most. No mail server that is in
/// trouble is done sooner.
const LOGIN: Duration = Duration::from_secs(2);

/// An issuer in production beside a mail server.
struct Stage {
    mail: MailServer,
    transport: Transport,
    signet: Signet,
    server: Running,
    people: usize,
    /// Those whose mails were refused for good. The second is tried again, and the first isn't:
    /// its token is void.
    refused: Vec<String>,
    /// An access token of [`ADMIN`], and since when.
    session: Option<(Instant, String)>,
    /// What was answered while nothing was wrong.
    healthy: Vec<String>,
    /// What was answered to a login then.
    healthy_login: Option<String>,
    /// How long answers took then.
    usual: Duration,
    slowest: Duration,
}

impl Stage {
    fn set(transport: Transport) -> Self {
        let mail = MailServer::start(transport);
        let signet = signet(&mail);
        let server = signet.serve();
        let accounts: [(&str, &[&str]); 2] = [(KNOWN, &[]), (ADMIN, &["--role", "admin"])];
        for (email, role) in accounts {
            let create = ["user", "create", "--email", email];
            let create = [&create[..], &["--verified", "--password-stdin"], role].concat();
            let created = signet.run_with_input(&create, PASSWORD.as_bytes());
            assert_eq!(created.code, 0, "{created:?}");
        }
        let mut stage = Self {
            mail,
            transport,
            signet,
            server,
            people: 0,
            refused: Vec::new(),
            session: None,
            healthy: Vec::new(),
            healthy_login: None,
            usual: Duration::ZERO,
            slowest: Duration::ZERO,
        };
        let mut took: Vec<Duration> = (0..3).map(|_| stage.ask("good").1).collect();
        took.sort();
        stage.usual = took[1];
        stage.mistype("good");
        stage.arrive();
        stage
    }

    /// Somebody registers, asks for the mail again, and for a new password, as do somebody who has
    /// an account and somebody who has none; an admin asks for another address, and invites
    /// somebody. The answers are those of a mail server that is well. Answers who registered, and
    /// how long it all took.
    fn ask(&mut self, mode: &str) -> (String, Duration) {
        self.people += 1;
        let email = person(self.people);
        let token = self.token();
        let started = Instant::now();
        let mut answers = Vec::new();
        for (path, body, token, expected) in [
            (
                "/v1/register",
                json!({ "email": email, "password": PASSWORD, "name": "Ada \"A\" \u{1F600}" }),
                None,
                202,
            ),
            (
                "/v1/email/verify/resend",
                json!({ "email": email }),
                None,
                202,
            ),
            ("/v1/password/forgot", json!({ "email": email }), None, 202),
            ("/v1/password/forgot", json!({ "email": KNOWN }), None, 202),
            (
                "/v1/password/forgot",
                json!({ "email": UNKNOWN }),
                None,
                202,
            ),
            (
                "/v1/me/email",
                json!({ "new_email": moved(self.people), "password": PASSWORD }),
                Some(&token),
                202,
            ),
            (
                "/v1/admin/users",
                json!({ "email": INVITED, "roles": [] }),
                Some(&token),
                201,
            ),
        ] {
            let answer = self.post(path, &body, token);
            assert_eq!(status(&answer), expected, "{path}: {answer}");
            answers.push(Exchanged::read(&answer).text);
        }
        let took = started.elapsed();
        assert_eq!(answers[3], answers[4], "known and unknown, {mode}");
        if self.healthy.is_empty() {
            self.healthy = answers;
        } else {
            assert_eq!(answers, self.healthy, "{mode}");
        }
        (email, took)
    }

    /// Somebody who has an account, and somebody who has none, get their password wrong.
    fn mistype(&mut self, mode: &str) {
        for email in [KNOWN, UNKNOWN] {
            let started = Instant::now();
            let body = json!({ "email": email, "password": "not what it is at all" });
            let answer = self.post("/v1/login", &body, None);
            let took = started.elapsed();
            assert!(took < LOGIN, "{mode}: a login took {took:?}");
            assert_eq!(status(&answer), 401, "{answer}");
            let answer = Exchanged::read(&answer).text;
            let healthy = self.healthy_login.get_or_insert_with(|| answer.clone());
            assert_eq!(answer, *healthy, "{mode}");
        }
    }

    /// An access token of the admin's that invites people.
    fn token(&mut self) -> String {
        match &self.session {
            Some((since, token)) if since.elapsed() < FRESH => token.clone(),
            Some(_) | None => {
                let body = json!({ "email": ADMIN, "password": PASSWORD });
                let answer = json(&self.post("/v1/login", &body, None));
                let token = answer["access_token"].as_str().unwrap().to_owned();
                self.session = Some((Instant::now(), token.clone()));
                token
            }
        }
    }

    fn post(&self, path: &str, body: &Value, token: Option<&String>) -> String {
        let body = body.to_string();
        let bearer = token.map(|token| format!("authorization: Bearer {token}\r\n"));
        let bearer = bearer.unwrap_or_default();
        self.server.exchange(&format!(
            "POST {path} HTTP/1.1\r\nhost: {HOST}\r\nconnection: close\r\n{bearer}\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        ))
    }

    /// People ask while the mail server does this; then it is well, and everyone gets their mail.
    fn endure(&mut self, mode: &str) {
        self.suffer(mode);
        self.heal();
    }

    /// The same, and it isn't well before a message that waits has been told this.
    fn endure_until_told(&mut self, mode: &str, told: &str) {
        self.suffer(mode);
        self.wait_for_an_error(told);
        self.heal();
    }

    /// The same, and nothing is handed over before it is well.
    fn endure_without_mail(&mut self, mode: &str) {
        let before = self.people;
        self.suffer(mode);
        self.wait_for_an_error("");
        let arrived = self.arrived();
        for number in before + 1..=self.people {
            for email in [person(number), moved(number)] {
                assert!(!arrived.contains_key(&email), "{mode}: {email} got mail");
            }
        }
        self.heal();
    }

    /// People ask while the mail server does this.
    fn suffer(&mut self, mode: &str) {
        let met = self.mail.connections().len();
        self.mail.misbehave(mode);
        self.ask_around(mode);
        self.mail.wait_for_a_connection(met);
        if in_full() {
            std::thread::sleep(Duration::from_secs(20));
            self.ask_around(mode);
        }
    }

    fn heal(&self) {
        self.mail.misbehave("good");
        self.arrive();
    }

    /// A few people ask, and notice nothing.
    fn ask_around(&mut self, mode: &str) {
        let count = if in_full() { 20 } else { 3 };
        let mut took: Vec<Duration> = (0..count).map(|_| self.ask(mode).1).collect();
        took.sort();
        let median = took[took.len() / 2];
        self.slowest = self.slowest.max(median);
        let most = self.usual * 2 + Duration::from_millis(500);
        assert!(
            median < most,
            "{mode}: {median:?}, usually {:?}",
            self.usual
        );
        self.mistype(mode);
    }

    /// Waits until everybody has every mail they are to get, and nothing waits any more.
    fn arrive(&self) {
        let started = Instant::now();
        loop {
            let arrived = self.arrived();
            let mut missing = self.expected();
            missing.retain(|(email, mails)| ids(&arrived, email).len() < *mails);
            if missing.is_empty() && self.waiting().is_empty() {
                return;
            }
            assert!(
                started.elapsed() < AFTER_HEALING,
                "mails are missing, of {missing:?}: {}",
                self.run(&["mail", "outbox"]).out
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// How many mails everybody is to get.
    fn expected(&self) -> Vec<(String, usize)> {
        let everyone = (1..=self.people).flat_map(|number| {
            let email = person(number);
            let mails = self.mails_for(&email);
            [(email, mails), (moved(number), 1)]
        });
        let others = [KNOWN, ADMIN, INVITED].map(|email| (email.to_owned(), self.people));
        everyone.chain(others).collect()
    }

    fn mails_for(&self, email: &str) -> usize {
        match self.refused.iter().any(|refused| refused == email) {
            true => 1,
            false => MAILS_EACH,
        }
    }

    /// Waits until something that waits was refused with these words.
    fn wait_for_an_error(&self, words: &str) {
        let started = Instant::now();
        let has_words = |mail: &Value| {
            let error = mail["last_error"].as_str();
            error.is_some_and(|error| error.contains(words))
        };
        while !self.waiting().iter().any(has_words) {
            assert!(started.elapsed() < AFTER_HEALING, "never: {words:?}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// What came, by recipient: the ids of the messages.
    fn arrived(&self) -> BTreeMap<String, Vec<String>> {
        let mut arrived: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for mail in self.mail.mails() {
            let header = |name: &str| {
                let line = mail.lines().find_map(|line| line.strip_prefix(name));
                line.unwrap_or_else(|| panic!("no {name}: {mail}"))
                    .to_owned()
            };
            let ids = arrived.entry(header("To: ")).or_default();
            ids.push(header("Message-ID: "));
        }
        arrived
    }

    fn run(&self, arguments: &[&str]) -> Ended {
        self.signet.run(arguments)
    }

    /// What waits in the outbox.
    fn waiting(&self) -> Vec<Value> {
        self.outbox("waiting")
    }

    /// The dead letters.
    fn dead(&self) -> Vec<Value> {
        self.outbox("dead")
    }

    fn outbox(&self, state: &str) -> Vec<Value> {
        let list = ["mail", "outbox", "--state", state, "--json"];
        let ended = self.run(&[&list[..], &["--limit", "100000"]].concat());
        let told: Value = serde_json::from_str(&ended.out).unwrap_or_else(|_| panic!("{ended:?}"));
        told["mails"].as_array().unwrap().clone()
    }

    /// The mail server refuses for good what somebody is sent: that is dead, and nothing else. An
    /// operator has it tried again once the server is well.
    fn die(&mut self, mode: &str, reason: &[&str]) {
        self.mail.misbehave(mode);
        let (refused, _) = self.ask(mode);
        let refused_now = |letter: &Value| {
            let error = letter["last_error"].as_str().unwrap();
            reason.iter().all(|words| error.contains(words))
        };
        let started = Instant::now();
        let letters = loop {
            let mut dead = self.dead();
            dead.retain(refused_now);
            if dead.len() == MAILS_OF_A_ROUND.len() {
                break dead;
            }
            assert!(started.elapsed() < AFTER_HEALING, "{mode}: {dead:?}");
            std::thread::sleep(Duration::from_millis(100));
        };
        let mut kinds: Vec<&str> = Vec::new();
        for letter in &letters {
            let error = letter["last_error"].as_str().unwrap();
            for email in [refused.as_str(), KNOWN, ADMIN, INVITED] {
                assert!(!error.contains(email), "{error}");
            }
            kinds.push(letter["kind"].as_str().unwrap());
        }
        kinds.sort_unstable();
        assert_eq!(kinds, MAILS_OF_A_ROUND);
        self.refused.push(refused);
        self.mail.misbehave("good");
        let ended = self.run(&["mail", "retry", "--dead"]);
        assert_eq!(ended.code, 0, "{ended:?}");
        assert!(ended.out.starts_with("5 of "), "{}", ended.out);
        self.arrive();
    }

    /// Everybody got what they are to get, each under its own Message-ID, and nothing waits or is
    /// dead that isn't void. Nothing was said in the clear but hello, the wish for TLS, and
    /// goodbye; nothing of it all is in the log.
    fn end(self) -> String {
        self.arrive();
        let arrived = self.arrived();
        for (email, mails) in self.expected() {
            let got = ids(&arrived, &email);
            assert_eq!(got.len(), mails, "{email}: {got:?}");
        }
        assert!(!arrived.contains_key(UNKNOWN));
        let dead = self.dead();
        assert_eq!(dead.len(), self.refused.len(), "{dead:?}");
        let clear = self.mail.clear();
        if self.transport == Transport::StartTls {
            assert!(clear.contains("STARTTLS"), "nothing was recorded");
        }
        for line in clear.lines() {
            let is_allowed = matches!(line, "STARTTLS" | "QUIT") || line == format!("EHLO {HOST}");
            assert!(is_allowed, "said in the clear: {line:?}");
        }
        self.server.signal("TERM");
        let ended = self.server.ended();
        assert_eq!(ended.code, 0, "{}", ended.err);
        for secret in [
            "p@ss", "p%40ss", "person1@", "moved1@", KNOWN, UNKNOWN, ADMIN, INVITED, "token=",
        ] {
            assert!(!ended.err.contains(secret), "{secret}: {}", ended.err);
        }
        let (people, mails) = (self.people, self.mail.mails().len());
        let (usual, slowest) = (self.usual.as_millis(), self.slowest.as_millis());
        format!(
            "{people} people asked, and an admin beside each; {mails} mails came; a round of seven \
             answers took {usual} ms while all was well, and {slowest} ms at worst (median of each \
             trouble)"
        )
    }
}

fn person(number: usize) -> String {
    format!("person{number}@example.com")
}

/// Where the admin's mail is to go, as asked for beside a person.
fn moved(number: usize) -> String {
    format!("moved{number}@example.com")
}

/// The ids of the messages that somebody got. One that came twice is one message.
fn ids<'a>(arrived: &'a BTreeMap<String, Vec<String>>, email: &str) -> BTreeSet<&'a String> {
    arrived.get(email).into_iter().flatten().collect()
}

fn signet(mail: &MailServer) -> Signet {
    Signet::new()
        .with("SIGNET_PUBLIC_URL", &format!("https://{HOST}"))
        .with("SIGNET_MASTER_KEY", KEY)
        .with("SIGNET_SMTP_URL", &mail.url())
        .with(
            "SIGNET_MAIL_FROM",
            "\"Signet, \u{5D0}\" <no-reply@example.com>",
        )
        .with("SIGNET_LIMITS__SCALE", "1000")
        .with("SIGNET_OPERATIONS_LISTEN", "off")
        .with("SIGNET_PASSWORD__MEMORY_KIB", "8192")
        .with("SIGNET_PASSWORD__ITERATIONS", "1")
        .with("SSL_CERT_FILE", mail.authority().to_str().unwrap())
}

/// What concerns all mail: nothing is sent, nothing counts as tried, all waits.
#[test]
fn a_mail_server_that_can_not_be_used_or_trusted_loses_no_mail_and_is_told_nothing() {
    let mut stage = Stage::set(Transport::StartTls);
    for mode in [
        "hang-up",
        "stranger",
        "expired",
        "another-name",
        "stripped",
        "454",
        "refuse-login",
        "refuse-sender",
    ] {
        stage.endure_without_mail(mode);
    }
    stage.mail.stop();
    stage.ask_around("down");
    let pause = if in_full() { 60 } else { 2 };
    std::thread::sleep(Duration::from_secs(pause));
    let waiting = stage.run(&["mail", "outbox", "--state", "waiting", "--json"]);
    assert!(waiting.out.contains("can't be reached"), "{}", waiting.out);
    assert!(waiting.out.contains("\"attempts\":0"), "{}", waiting.out);
    stage.mail.begin();
    stage.arrive();
    assert!(stage.dead().is_empty(), "{:?}", stage.dead());
    println!("proved: {}", stage.end());
}

/// What concerns a message: it is tried again, or it is dead, and others aren't held up.
#[test]
fn whatever_a_mail_server_says_of_a_message_it_arrives_or_is_a_dead_letter() {
    let mut stage = Stage::set(Transport::Implicit);
    for mode in ["stranger", "expired", "another-name"] {
        stage.endure_without_mail(mode);
    }
    stage.endure(if in_full() { "slow 8" } else { "slow 1" });
    stage.endure_until_told("busy", "450");
    stage.endure_until_told("busy-message", "451");
    stage.mail.misbehave("greylist");
    stage.ask_around("greylist");
    stage.arrive();

    stage.mail.misbehave("cut");
    let (cut, _) = stage.ask("cut");
    stage
        .mail
        .wait_for_a_connection(stage.mail.connections().len());
    stage.arrive();
    let started = Instant::now();
    let came_twice = |ids: &[String]| {
        ids.iter()
            .any(|id| ids.iter().filter(|x| *x == id).count() > 1)
    };
    while !came_twice(&stage.arrived()[&cut]) {
        assert!(
            started.elapsed() < AFTER_HEALING,
            "{:?}",
            stage.arrived()[&cut]
        );
        std::thread::sleep(Duration::from_millis(50));
    }
    for id in &stage.arrived()[&cut] {
        assert!(id.ends_with("@example.com>"), "{id}");
    }

    stage.die("refuse", &["550", "is nobody"]);
    stage.die("refuse-message", &["message: ", "554"]);
    let ended = stage.run(&["mail", "retry", "00000000-0000-4000-8000-000000000000"]);
    assert_eq!(ended.code, 1, "{ended:?}");
    assert!(ended.err.contains("no such message"), "{}", ended.err);
    println!("proved: {}", stage.end());
}

#[test]
fn an_operator_is_told_step_by_step_how_far_mail_gets() {
    let mail = MailServer::start(Transport::StartTls);
    let signet = signet(&mail);
    let test = |address: &str| signet.run(&["mail", "test", "--json", address]);
    let ended = test("Ada@example.com");
    let told: Value = serde_json::from_str(&ended.out).unwrap_or_else(|_| panic!("{ended:?}"));
    assert_eq!((ended.code, &told["ok"]), (0, &json!(true)), "{told:#}");
    let steps: Vec<&str> = told["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| step["step"].as_str().unwrap())
        .collect();
    assert_eq!(
        steps,
        [
            "resolve",
            "connect",
            "tls",
            "auth",
            "sender",
            "recipient",
            "message",
            "message id"
        ]
    );
    let certificate = told["steps"][2]["message"].as_str().unwrap();
    assert!(
        certificate.contains("for localhost; SHA-256 "),
        "{certificate}"
    );
    let mails = mail.mails();
    let id = told["steps"][7]["message"].as_str().unwrap();
    assert!(
        mails[0].contains(&format!("Message-ID: {id}\r\n")),
        "{}",
        mails[0]
    );
    assert!(mails[0].contains("Auto-Submitted: auto-generated\r\n"));

    for (mode, step, words) in [
        ("hang-up", "starttls", ""),
        ("refuse-machine", "greeting", "refuses this machine"),
        (
            "stranger",
            "tls",
            "an authority that this machine doesn't know",
        ),
        ("expired", "tls", "has expired"),
        ("another-name", "tls", "is for another name"),
        ("stripped", "starttls", "smtps://"),
        ("454", "starttls", "smtps://"),
        ("refuse-login", "auth", "user and password in smtp_url"),
        ("refuse-sender", "sender", "mail_from"),
        ("busy", "recipient", "greylisting"),
        ("refuse", "recipient", "relay for us"),
        ("refuse-message", "message", "the server's own words"),
        ("cut", "message", "neither yes nor no"),
    ] {
        mail.misbehave(mode);
        let ended = test(&format!("{mode}@example.com"));
        let told: Value = serde_json::from_str(&ended.out).unwrap_or_else(|_| panic!("{ended:?}"));
        assert_eq!((ended.code, &told["ok"]), (1, &json!(false)), "{told:#}");
        let last = told["steps"].as_array().unwrap().last().unwrap();
        let told_step = last["step"].as_str().unwrap();
        assert!(
            told_step == step || (mode == "hang-up" && told_step == "greeting"),
            "{mode}: {told:#}"
        );
        let hint = last["hint"].as_str().unwrap();
        assert!(hint.contains(words), "{mode}: {hint}");
        let message = last["message"].as_str().unwrap();
        assert!(!message.contains("docs.rs"), "{mode}: {message}");
        let id = message.split_once("its Message-ID is ").map(|(_, id)| id);
        assert_eq!(id.is_some(), mode == "cut", "{mode}: {message}");
        if let Some(id) = id {
            let line = format!("Message-ID: {id}\r\n");
            let came = mail.mails().iter().any(|sent| sent.contains(&line));
            assert!(came, "{message}");
        }
        assert!(!ended.out.contains("hidden"), "{}", ended.out);
    }
    mail.misbehave("stranger");
    let ended = signet.run(&["mail", "test", "ada@example.com"]);
    assert!(ended.out.contains("ok    connect "), "{}", ended.out);
    assert!(ended.out.contains("FAIL  tls "), "{}", ended.out);
    let (code, doctor) = {
        let ended = signet.run(&["doctor", "--json"]);
        (ended.code, ended.out)
    };
    assert!(
        doctor.contains("an authority that this machine"),
        "{code} {doctor}"
    );
    assert!(mail.clear().contains("STARTTLS"), "nothing was recorded");
    for line in mail.clear().lines() {
        assert!(
            ["STARTTLS", "QUIT", "EHLO auth.example.com"].contains(&line),
            "{line}"
        );
    }
}

#[test]
fn what_is_no_address_or_has_no_mail_server_is_not_tried() {
    let signet = Signet::new();
    let ended = signet.run(&["mail", "test", "ada"]);
    assert_eq!(ended.code, 2, "{ended:?}");
    let ended = signet.run(&["mail", "test", "ada@example.com\r\nBcc: eve@example.com"]);
    assert_eq!(ended.code, 2, "{ended:?}");
    let ended = signet.run(&["mail", "test", "ada@example.com"]);
    assert_eq!(ended.code, 1, "{ended:?}");
    assert!(ended.err.contains("set smtp_url"), "{}", ended.err);
    for arguments in [
        ["mail", "retry", "x"],
        ["mail", "outbox", "--state=gone"],
        ["mail", "outbox", "--kind=gone"],
        ["mail", "outbox", "--limit=0"],
    ] {
        assert_eq!(signet.run(&arguments).code, 2, "{arguments:?}");
    }
    assert_eq!(signet.run(&["mail", "retry"]).code, 2);
    drop(signet.serve());
    let ended = signet.run(&["mail", "outbox"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert_eq!(ended.out, "nothing waits, and nothing is dead\n");
    let ended = signet.run(&["mail", "outbox", "--json"]);
    assert_eq!(ended.out, "{\"mails\":[],\"more\":false}\n");
}
