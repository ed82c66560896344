//! Lives of hosts: answers of all kinds, early, late or never, wants, sleeps and clocks set back,
//! against a model that knows of each document only the time from which and the time until which it
//! may next be fetched.

use proptest::collection::vec;
use proptest::prelude::*;
use signet_verifier::refresher::{
    Config, Document, Fetch, Next, RefreshFault, Refreshed, Refresher, Reply, Ticket,
};
use signet_verifier::revocation::FeedFault;
use signet_verifier::{Gate, Rejection};

use crate::host::{START, gate, millis, trusts};
use crate::inputs;
use crate::issuer::{Feed, ISSUER, jwks, ok, with_status};

/// What happens to a host.
#[derive(Clone, Debug)]
enum Event {
    /// Time passes.
    Pass(u64),
    /// The clock is set back, by more than threads' reads can differ.
    SetBack(u64),
    /// A fetch is answered: the latest of its document, or one that many before it.
    Answer(Document, usize, Kind),
    /// A decision lacks something.
    Want(Document),
}

/// What is answered.
#[derive(Clone, Copy, Debug)]
enum Kind {
    /// Another key set than before, or a snapshot with a later number.
    Good,
    /// The like, for those who asked for less: a delta that fits, or a 304.
    Less,
    /// A delta to what nobody has.
    Gap,
    /// What a key has signed that isn't published.
    Unknown,
    /// What has gone before.
    Old,
    Garbage,
    Unavailable,
    Failed,
}

/// When a document may be fetched, by a clock that only runs.
#[derive(Clone, Debug)]
struct Model {
    /// The times from the last fetch to the next if all goes well.
    interval: (u64, u64),
    spacing: u64,
    /// After so long without an answer a fetch is lost.
    lost_after: u64,
    earliest: u64,
    latest: u64,
    awaited: Option<(Ticket, u64)>,
    last: Option<u64>,
    failures: u32,
}

impl Model {
    fn new(interval: (u64, u64), spacing: u64, lost_after: u64) -> Self {
        Self {
            interval,
            spacing,
            lost_after,
            earliest: 0,
            latest: 0,
            awaited: None,
            last: None,
            failures: 0,
        }
    }

    fn window(&self) -> (u64, u64) {
        match self.awaited {
            Some((_, since)) => (since + self.lost_after, since + self.lost_after),
            None => (self.earliest, self.latest),
        }
    }

    fn succeed(&mut self, asked_at: u64) {
        self.failures = 0;
        (self.earliest, self.latest) = (asked_at + self.interval.0, asked_at + self.interval.1);
    }

    fn fail(&mut self, passed: u64) {
        let most = 60_000.min(2_000 << self.failures.min(10));
        (self.earliest, self.latest) = (passed + most / 2, passed + most);
        self.failures += 1;
    }

    fn hasten(&mut self, passed: u64) {
        (self.earliest, self.latest) = (self.earliest.min(passed), passed);
    }

    fn want(&mut self, passed: u64) {
        if self.failures == 0 && self.awaited.is_none() {
            let soonest = passed.max(self.last.map_or(0, |last| last + self.spacing));
            self.earliest = self.earliest.min(soonest);
            self.latest = self.latest.min(soonest);
        }
    }
}

struct Life {
    refresher: Refresher,
    gate: Gate,
    clock: u64,
    passed: u64,
    models: [Model; 2],
    fetches: Vec<Fetch>,
    /// The key that the gate has.
    keys: &'static str,
    keys_asked_at: u64,
    seq: u64,
    /// The key that signed the feed in force.
    signer: Option<&'static str>,
    lacks_key: bool,
}

/// How long keys are good for, in milliseconds.
const MAX_STALE: u64 = 86_400_000;
const KEYS: usize = 0;
const FEED: usize = 1;

fn place(document: Document) -> usize {
    match document {
        Document::Keys => KEYS,
        Document::Feed => FEED,
    }
}

fn other_key(kid: &str) -> &'static str {
    match kid {
        "k1" => "k2",
        _ => "k1",
    }
}

impl Life {
    fn new(seed: u64) -> Self {
        Self {
            refresher: Refresher::new(Config::of_issuer(ISSUER), seed),
            gate: gate(),
            clock: START,
            passed: 0,
            models: [
                Model::new((216_000, 264_000), 10_000, 6_000),
                Model::new((4_000, 6_000), 1_000, 5_000),
            ],
            fetches: Vec::new(),
            keys: "none",
            keys_asked_at: 0,
            seq: 0,
            signer: None,
            lacks_key: false,
        }
    }

    /// Whether the key that signed the feed in force is gone.
    fn is_disowned(&self) -> bool {
        self.signer.is_some_and(|signer| signer != self.keys)
    }

    /// Polls until there is nothing to fetch.
    fn poll(&mut self) {
        loop {
            let next = self.refresher.poll(millis(self.clock));
            let passed = self.passed;
            match next {
                Next::Fetch(fetch) => {
                    let model = &mut self.models[place(fetch.ticket.document)];
                    let (earliest, _) = model.window();
                    assert!(passed >= earliest, "{fetch:?} at {passed}: {model:?}");
                    model.awaited = Some((fetch.ticket, passed));
                    model.last = Some(passed);
                    self.fetches.push(fetch);
                }
                Next::Wait(until) => {
                    let wait = until.as_millis() - self.clock;
                    let latest = self.models.iter().map(|model| model.window().1).min();
                    assert!(
                        wait > 0 && passed + wait <= latest.unwrap(),
                        "{wait} at {passed}"
                    );
                    assert!(self.models.iter().all(|model| passed < model.window().1));
                    return;
                }
            }
        }
    }

    fn answer(&mut self, document: Document, age: usize, kind: Kind) {
        let of_document = |fetch: &&Fetch| fetch.ticket.document == document;
        let Some(fetch) = self.fetches.iter().rev().filter(of_document).nth(age) else {
            return;
        };
        let ticket = fetch.ticket;
        let has_since = fetch.url.contains("since=");
        let reply = match document {
            Document::Keys => self.key_set(kind),
            Document::Feed => self.feed(kind, fetch),
        };
        let now = millis(self.clock);
        let outcome = self
            .refresher
            .on_response(now, ticket, reply.answer(), &mut self.gate);
        let model = &mut self.models[place(document)];
        let Some((_, asked_at)) = model.awaited.take_if(|(awaited, _)| *awaited == ticket) else {
            assert_eq!(outcome, Err(RefreshFault::Late));
            return;
        };
        match document {
            Document::Keys => {
                assert_eq!(outcome.is_ok(), matches!(kind, Kind::Good));
                self.on_keys(&outcome, asked_at);
            }
            Document::Feed => self.on_feed(&outcome, asked_at, has_since),
        }
    }

    /// The only answer that is taken has another key than the gate.
    fn key_set(&self, kind: Kind) -> Reply {
        match kind {
            Kind::Good => ok(jwks(&[other_key(self.keys)])),
            Kind::Less => with_status(304, ""),
            Kind::Gap => ok(r#"{"keys":[{"kty":"RSA"}]}"#),
            Kind::Unknown => ok(jwks(&[])),
            Kind::Old => ok(jwks(&["k3", "k3"])),
            Kind::Garbage => ok("<html>"),
            Kind::Unavailable => with_status(503, jwks(&["k3"])),
            Kind::Failed => Reply::Failed,
        }
    }

    fn feed(&self, kind: Kind, fetch: &Fetch) -> Reply {
        let now = self.clock / 1_000;
        let signed = |feed: Feed| Reply::Response {
            status: 200,
            etag: Some("\"a\"".into()),
            body: feed.signed_by(self.keys),
        };
        let next = Feed::snapshot(self.seq + 1, now);
        match kind {
            Kind::Good => signed(next),
            Kind::Less if fetch.if_none_match.is_some() => with_status(304, ""),
            Kind::Less => signed(Feed {
                since: Some(self.seq),
                ..next
            }),
            Kind::Gap => signed(Feed {
                since: Some(self.seq + 1),
                ..next
            }),
            Kind::Unknown => ok(next.signed_by("k3")),
            Kind::Old => signed(Feed::snapshot(self.seq.saturating_sub(1), now)),
            Kind::Garbage => ok("<html>"),
            Kind::Unavailable => with_status(503, next.signed_by(self.keys)),
            Kind::Failed => Reply::Failed,
        }
    }

    fn on_keys(&mut self, outcome: &Result<Refreshed, RefreshFault>, asked_at: u64) {
        match outcome {
            Ok(_) => {
                self.models[KEYS].succeed(asked_at);
                self.keys = other_key(self.keys);
                self.keys_asked_at = asked_at;
                if core::mem::take(&mut self.lacks_key) || self.is_disowned() {
                    self.models[FEED].hasten(self.passed);
                }
            }
            Err(_) => self.models[KEYS].fail(self.passed),
        }
    }

    fn on_feed(
        &mut self,
        outcome: &Result<Refreshed, RefreshFault>,
        asked_at: u64,
        has_since: bool,
    ) {
        self.lacks_key = false;
        let model = &mut self.models[FEED];
        match outcome {
            Ok(_) => model.succeed(asked_at),
            Err(RefreshFault::NotModified | RefreshFault::Feed(FeedFault::Gap)) if has_since => {
                (model.earliest, model.latest) = (self.passed, self.passed);
            }
            Err(fault) => {
                model.fail(self.passed);
                self.lacks_key =
                    *fault == RefreshFault::Feed(FeedFault::Envelope(Rejection::UnknownKid));
                let is_outdone = *fault == RefreshFault::Feed(FeedFault::Rollback);
                if self.lacks_key || is_outdone {
                    self.models[KEYS].want(self.passed);
                }
            }
        }
        if let Some((_, seq)) = self.gate.feed_position() {
            assert!(seq >= self.seq || self.is_disowned(), "the feed went back");
            self.seq = seq;
        }
        if let Ok(Refreshed::Feed(_)) = outcome {
            self.signer = Some(self.keys);
        }
    }

    /// What must be true at any time.
    fn check(&mut self) {
        for kid in ["k1", "k2", "k3"] {
            let trusted = trusts(&mut self.gate, kid, millis(self.clock));
            assert!(!trusted || kid == self.keys, "{kid}");
            let may_be_too_old = self.passed - self.keys_asked_at >= MAX_STALE - 1_000;
            assert!(trusted || may_be_too_old || kid != self.keys, "{kid}");
        }
        let status = self.refresher.status();
        let statuses = [status.keys, status.feed.unwrap()];
        for (status, model) in statuses.iter().zip(&self.models) {
            assert_eq!(status.failures, model.failures);
        }
        let fetches = statuses.map(|status| usize::try_from(status.fetches).unwrap());
        assert_eq!(fetches[KEYS] + fetches[FEED], self.fetches.len());
    }
}

fn document() -> impl Strategy<Value = Document> {
    prop_oneof![Just(Document::Keys), Just(Document::Feed)]
}

fn kind() -> impl Strategy<Value = Kind> {
    prop_oneof![
        6 => Just(Kind::Good),
        4 => Just(Kind::Less),
        2 => Just(Kind::Gap),
        2 => Just(Kind::Unknown),
        1 => Just(Kind::Old),
        1 => Just(Kind::Garbage),
        1 => Just(Kind::Unavailable),
        2 => Just(Kind::Failed),
    ]
}

fn event() -> impl Strategy<Value = Event> {
    let age = prop_oneof![6 => Just(0_usize), 1 => 1..4_usize];
    let pass = prop_oneof![
        6 => 0..2_000_u64,
        3 => 0..10_000_u64,
        2 => 0..300_000_u64,
        1 => 0..100_000_000_u64,
    ];
    prop_oneof![
        8 => pass.prop_map(Event::Pass),
        8 => (document(), age, kind()).prop_map(|(document, age, kind)| Event::Answer(document, age, kind)),
        3 => document().prop_map(Event::Want),
        1 => (1_001..1_000_000_000_u64).prop_map(Event::SetBack),
    ]
}

proptest! {
    #![proptest_config(inputs(300))]

    #[test]
    fn whatever_happens_each_document_is_fetched_when_it_may_and_no_later_than_it_must(
        seed: u64,
        events in vec((event(), prop::bool::weighted(0.8)), 1..80),
    ) {
        let mut life = Life::new(seed);
        life.poll();
        for (event, is_polled) in events {
            match event {
                Event::Pass(duration) => {
                    life.clock += duration;
                    life.passed += duration;
                }
                Event::SetBack(duration) => {
                    // Time that passes without a look at the clock before and after can't be told.
                    life.poll();
                    life.clock -= duration;
                    life.poll();
                }
                Event::Answer(document, age, kind) => {
                    life.answer(document, age, kind);
                    life.check();
                }
                Event::Want(document) => {
                    life.refresher.want(document, millis(life.clock));
                    life.models[place(document)].want(life.passed);
                }
            }
            if is_polled {
                life.poll();
            }
        }
        life.check();
    }
}
