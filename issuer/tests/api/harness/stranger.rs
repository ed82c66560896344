//! A stranger who asks whatever anybody may ask, as `walk` has them do: what they have in hand, and what
//! they make of it. A new operation of the document is among what they ask by itself; a new member of a
//! body needs a value in [`Stranger::value`].

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use http::StatusCode;
use serde_json::{Map, Value, json};
use signet_core::secret::{OperatingSystem, Randomness};

use super::contract::Operation;
use super::everybody::{ACTIVE, ADMIN, INVITED, PENDING, SUSPENDED, UNKNOWN, UNPROVEN};
use super::{Answer, Client, OTHER_PASSWORD, PASSWORD, Service};

/// How many things of a kind they keep, and how many mailboxes they read.
const KEPT: usize = 12;

/// Whose addresses they know, beside their own.
const KNOWN: [&str; 7] = [
    ACTIVE, ADMIN, SUSPENDED, UNPROVEN, INVITED, PENDING, UNKNOWN,
];

/// The passwords that they choose. Nobody else has one of them.
const CHOSEN: [&str; 5] = [
    "mallory was here before",
    "mallory was here before",
    "mallory was here before",
    OTHER_PASSWORD,
    "short",
];

/// Who walks.
pub(crate) struct Stranger {
    pub(crate) seed: u64,
    pub(crate) dice: Dice,
    /// The mailboxes they read, and how much of each they have read.
    mailboxes: Vec<(String, usize)>,
    /// What they were mailed and answered: what it is, and its text; the newest last.
    found: Vec<(&'static str, String)>,
    /// Tokens that were mailed to others.
    dead: Vec<String>,
    /// The steps since everybody was looked at.
    pub(crate) walked: Vec<String>,
    /// How often each operation was done.
    pub(crate) done: BTreeMap<&'static str, usize>,
}

impl Stranger {
    pub(crate) fn new(dead: Vec<String>) -> Self {
        let randomness: &dyn Randomness = &OperatingSystem;
        let seed = u64::from_be_bytes(randomness.array());
        Self {
            seed,
            dice: Dice(seed),
            mailboxes: Vec::new(),
            found: Vec::new(),
            dead,
            walked: Vec::new(),
            done: BTreeMap::new(),
        }
    }

    /// Has an account, an address to change to, an invite and a registration, with a good token for
    /// each, and reads the mail.
    pub(crate) async fn settle_in(&mut self, service: &Service, number: usize) {
        // The ceiling of guesses, which no scale moves, would end what there is to try.
        service.database().run("DELETE FROM guesses").await;
        let name = |what: &str| format!("mallory{number}{what}@example.com");
        let [own, new, invited, registered] = ["", "-new", "-invited", "-registered"].map(name);
        let member = service.member(&own, &[]).await;
        for email in [ACTIVE, new.as_str()] {
            let body = json!({ "new_email": email, "password": PASSWORD });
            let asked = member.post("/v1/me/email", body).await;
            asked.expect(StatusCode::ACCEPTED);
            // One after the other: the second is the one that stays good.
            service.mails(&own).await;
        }
        let forgot = member.post("/v1/password/forgot", json!({ "email": own }));
        forgot.await.expect(StatusCode::ACCEPTED);
        service.invite(&invited).await;
        let body = json!({ "email": registered, "password": CHOSEN[0] });
        let answer = member.post("/v1/register", body).await;
        self.learn(&answer.expect(StatusCode::ACCEPTED));

        let new = [own, new, invited, registered].map(|mailbox| (mailbox, 0));
        self.mailboxes.extend(new);
        let surplus = self.mailboxes.len().saturating_sub(KEPT);
        self.mailboxes.drain(..surplus);
        let mut mailboxes = std::mem::take(&mut self.mailboxes);
        for (mailbox, read) in &mut mailboxes {
            let mails = service.mails(mailbox).await;
            for mail in &mails[*read..] {
                if let Some(token) = &mail.token {
                    self.keep(mail.kind.as_str(), token.clone());
                }
            }
            *read = mails.len();
        }
        self.mailboxes = mailboxes;
    }

    fn keep(&mut self, what: &'static str, text: String) {
        let places = (0..self.found.len()).filter(|place| self.found[*place].0 == what);
        let places: Vec<usize> = places.collect();
        if places.len() >= KEPT {
            self.found.remove(places[0]);
        }
        self.found.push((what, text));
    }

    /// Keeps what an answer gives.
    fn learn(&mut self, answer: &Answer) {
        let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        for what in ["registration", "device", "refresh_token", "access_token"] {
            if let Some(text) = body[what].as_str() {
                self.keep(what, text.to_owned());
            }
        }
    }

    /// Asks one operation.
    pub(crate) async fn step(&mut self, service: &Service) {
        let operation = self.operation();
        let client = self.client(service, &operation);
        let (method, path) = (operation.method(), operation.path);
        let (call, said) = match (operation.body_members(), operation.form_fields()) {
            (Some(members), Some(_) | None) => {
                let body = json!(self.body(path, members));
                (client.call(method, path).json(&body), body.to_string())
            }
            (None, Some(fields)) => {
                let body = self.body(path, fields);
                let fields = body
                    .iter()
                    .map(|(name, value)| (name.as_str(), value.as_str()));
                let fields: Vec<(&str, &str)> = fields.collect();
                (client.call(method, path).form(&fields), format!("{body:?}"))
            }
            (None, None) => {
                // Programs are refused what isn't asked for; pages have it in their links.
                let target = match operation.is_api() {
                    true => path.to_owned(),
                    false => format!("{path}?token={}", self.token(path)),
                };
                (client.call(method, &target), target)
            }
        };
        let answer = call.send().await;
        self.learn(&answer);
        if answer.status.is_success() {
            *self.done.entry(path).or_default() += 1;
        }
        let (method, status) = (operation.method, answer.status);
        self.walked
            .push(format!("{method} {path} {said}: {status}"));
    }

    /// Those that take a body are asked more often.
    fn operation(&mut self) -> Operation {
        let anybodys = Operation::all().filter(|operation| !operation.needs_bearer());
        let (with_body, without): (Vec<Operation>, Vec<Operation>) = anybodys.partition(|one| {
            let members = one.body_members().or_else(|| one.form_fields());
            members.is_some()
        });
        match self.dice.one_in(8) {
            true => *self.dice.pick(&without),
            false => *self.dice.pick(&with_body),
        }
    }

    /// Somebody else each time, as the proxy says; now and then from the machine itself, where there
    /// is more to ask. Where an access token may come along, it does now and then.
    fn client(&mut self, service: &Service, operation: &Operation) -> Client {
        let mut client = service.client();
        if !self.dice.one_in(10) {
            let address = Ipv4Addr::from_bits(self.dice.roll() | 0x0a00_0000);
            client = client.always("x-forwarded-for", &address.to_string());
        }
        let security = operation.declared["security"].as_array().unwrap();
        let may_have_token = security.iter().any(|one| one["bearer"].is_array());
        if may_have_token && self.dice.one_in(2) {
            client.access_token = self.newest("access_token");
        }
        client
    }

    fn body(&mut self, path: &str, members: &Map<String, Value>) -> BTreeMap<String, String> {
        let mut body = BTreeMap::new();
        for member in members.keys() {
            let is_there = match member.as_str() {
                "audience" | "client" | "transport" => self.dice.one_in(6),
                "registration" | "device" => self.dice.one_in(2),
                _ => !self.dice.one_in(8),
            };
            if is_there {
                body.insert(member.clone(), self.value(path, member));
            }
        }
        if self.dice.one_in(20) {
            let strays = [
                ("email", ACTIVE),
                ("new_password", CHOSEN[0]),
                ("sub", "00000000-0000-4000-8000-000000000000"),
                ("account", ACTIVE),
                ("email_verified", "true"),
            ];
            let (member, value) = *self.dice.pick(&strays);
            body.insert(member.to_owned(), value.to_owned());
        }
        body
    }

    fn value(&mut self, path: &str, member: &str) -> String {
        match member {
            "email" => self.address(),
            "password" | "new_password" => (*self.dice.pick(&CHOSEN)).to_owned(),
            "token" => self.token(path),
            "registration" => self.secret("registration"),
            "device" => self.secret("device"),
            "refresh_token" => self.secret("refresh_token"),
            "name" => "Mallory".to_owned(),
            "audience" => "agents".to_owned(),
            "client" => "web".to_owned(),
            "transport" => "cookie".to_owned(),
            other => panic!("{path} takes {other}: give it a value here"),
        }
    }

    /// Somebody's, in some spelling.
    fn address(&mut self) -> String {
        let address = match self.dice.one_in(2) {
            true => (*self.dice.pick(&KNOWN)).to_owned(),
            false => self.dice.pick(&self.mailboxes).0.clone(),
        };
        match self.dice.one_in(10) {
            true => address.to_uppercase(),
            false => address,
        }
    }

    /// A token that may be right here, or one that isn't.
    fn token(&mut self, path: &str) -> String {
        let right: &[&str] = match path {
            "/v1/email/verify" | "/verify" => &["verify"],
            "/v1/password/reset" | "/reset" => &["reset"],
            "/v1/email/change" => &["address_change"],
            "/v1/email/revert" => &["address_change_notice"],
            "/email-change" => &["address_change", "address_change_notice"],
            "/v1/invite/accept" | "/invite" => &["invite"],
            _ => &[],
        };
        let (roll, place) = (self.dice.below(8), self.dice.below(3));
        let newest_first = self.found.iter().rev();
        let mut right = newest_first.filter(|(kind, _)| right.contains(kind));
        let right = match roll {
            0..3 => right.next(),
            3 => right.nth(place),
            _ => None,
        };
        let token = right.map(|(_, text)| text.clone());
        let token = token.unwrap_or_else(|| self.anything());
        self.perhaps_spoilt(token)
    }

    /// A secret of this kind that somebody was answered, or another one.
    fn secret(&mut self, what: &str) -> String {
        let newest = self.newest(what);
        let secret = match self.dice.one_in(4) {
            true => None,
            false => newest,
        };
        let secret = secret.unwrap_or_else(|| self.anything());
        self.perhaps_spoilt(secret)
    }

    fn newest(&self, what: &str) -> Option<String> {
        let mut newest_first = self.found.iter().rev();
        let newest = newest_first.find(|(kind, _)| *kind == what);
        newest.map(|(_, text)| text.clone())
    }

    /// Anything that was ever mailed or answered.
    fn anything(&mut self) -> String {
        let place = self.dice.below(self.found.len() + self.dead.len());
        let found = self.found.iter().map(|(_, text)| text);
        let text = found.chain(&self.dead).nth(place);
        text.unwrap().clone()
    }

    fn perhaps_spoilt(&mut self, text: String) -> String {
        match self.dice.below(30) {
            0 => text.chars().skip(1).collect(),
            1 => text.chars().rev().collect(),
            2 => format!("{text}A"),
            _ => text,
        }
    }

    /// A walk on which nothing is ever done shows nothing.
    pub(crate) fn got_somewhere(&self) {
        for ways in [
            &["/v1/password/reset", "/reset"][..],
            &["/v1/invite/accept", "/invite"][..],
            &["/v1/email/change", "/v1/email/revert", "/email-change"][..],
        ] {
            let times: usize = ways.iter().filter_map(|way| self.done.get(way)).sum();
            assert!(times > 0, "{ways:?} never (from {})", self.seed);
        }
    }
}

/// Chance that can be had again (`SplitMix64`).
pub(crate) struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u32 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        u32::try_from((mixed ^ (mixed >> 31)) >> 32).unwrap()
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.roll()).unwrap() % end
    }

    pub(crate) fn one_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }
}
