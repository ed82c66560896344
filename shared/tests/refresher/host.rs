//! A host whose clock goes from one event to the next: something is to be polled, reaches the
//! issuer, or comes back.

use signet_verifier::Gate;
use signet_verifier::policy::Policy;
use signet_verifier::refresher::{
    Answer, Config, Document, Fetch, Next, RefreshFault, Refreshed, Refresher, Reply, Ticket,
};
use signet_verifier::revocation::FeedFault;
use signet_verifier::time::UnixMillis;

use crate::issuer::{ISSUER, Issuer, probe};

pub(crate) const SECOND: u64 = 1_000;
pub(crate) const HOUR: u64 = 3_600 * SECOND;
/// When hosts begin.
pub(crate) const START: u64 = 1_800_000_000 * SECOND;

pub(crate) fn millis(now: u64) -> UnixMillis {
    UnixMillis::from_millis(now)
}

pub(crate) fn gate() -> Gate {
    let policy = format!(
        r#"
            version = 1
            issuer = "{ISSUER}"
            audience = ["agents-api"]

            [[rule]]
            id = "all"
            path = "/"
            allow = "authenticated"
        "#
    );
    Gate::new(Policy::from_toml(&policy).expect("a good policy"))
}

/// Whether the gate takes what this key has signed.
pub(crate) fn trusts(gate: &mut Gate, kid: &str, now: UnixMillis) -> bool {
    match gate.apply_feed(&probe(kid), now.unix_time()) {
        Err(FeedFault::BadClaim("iss")) => true,
        Err(FeedFault::Envelope(_)) => false,
        other => panic!("a probe is no feed: {other:?}"),
    }
}

/// A fetch under way.
#[derive(Debug)]
struct Journey {
    fetch: Fetch,
    sent_at: u64,
    /// What the issuer has answered, once the request is there.
    reply: Option<Reply>,
    /// When it is there, or back.
    next: u64,
}

pub(crate) struct Host {
    pub(crate) refresher: Refresher,
    pub(crate) gate: Gate,
    pub(crate) issuer: Issuer,
    /// The time that everything happens at.
    pub(crate) now: u64,
    /// By how much the host's clock is behind it.
    pub(crate) clock_behind: u64,
    /// How long a fetch takes, there and back.
    pub(crate) latency: u64,
    /// Whether fetches are lost with the requests they belong to.
    pub(crate) loses: bool,
    /// Whether somebody has numbered a feed as the issuer never did, so that it may go back.
    pub(crate) has_thief: bool,
    /// All fetches there were, and when they began.
    pub(crate) fetches: Vec<(u64, Fetch)>,
    /// What came of them, and when.
    pub(crate) outcomes: Vec<(u64, Document, Result<Refreshed, RefreshFault>)>,
    journeys: Vec<Journey>,
    /// The latest fetches without an answer, and when they began.
    awaited: Vec<(Ticket, u64)>,
}

impl Host {
    pub(crate) fn new() -> Self {
        Self::with(Config::of_issuer(ISSUER), 1)
    }

    pub(crate) fn with(config: Config, seed: u64) -> Self {
        Self {
            refresher: Refresher::new(config, seed),
            gate: gate(),
            issuer: Issuer::new(),
            now: START,
            clock_behind: 0,
            latency: 80,
            loses: false,
            has_thief: false,
            fetches: Vec::new(),
            outcomes: Vec::new(),
            journeys: Vec::new(),
            awaited: Vec::new(),
        }
    }

    /// A host that has been well for a while.
    pub(crate) fn settled() -> Self {
        let mut host = Self::new();
        host.run(60 * SECOND);
        assert!(host.trusts("k1") && host.has_fresh_feed());
        host.fetches.clear();
        host.outcomes.clear();
        host
    }

    /// Lets time pass, and does what there is to do.
    pub(crate) fn run(&mut self, duration: u64) {
        let end = self.now + duration;
        loop {
            let position = self.gate.feed_position();
            let polled = self.poll();
            let arrivals = self.journeys.iter().map(|journey| journey.next);
            let next = arrivals
                .chain([polled, end])
                .min()
                .expect("there is an end");
            // What should have been while the host slept is now.
            self.now = next.max(self.now);
            self.move_journeys();
            let goes_on = self.gate.feed_position() >= position;
            assert!(goes_on || self.has_thief, "the feed went back");
            if self.now == end {
                break;
            }
        }
        self.poll();
    }

    /// What the host's clock shows.
    pub(crate) fn clock(&self) -> UnixMillis {
        millis(self.now - self.clock_behind)
    }

    /// Sends what is to be fetched; tells when to poll again.
    fn poll(&mut self) -> u64 {
        loop {
            match self.refresher.poll(self.clock()) {
                Next::Fetch(fetch) => self.send(fetch),
                Next::Wait(until) => {
                    assert!(until > self.clock(), "a host must not spin");
                    return until.as_millis() + self.clock_behind;
                }
            }
        }
    }

    fn send(&mut self, fetch: Fetch) {
        let document = fetch.ticket.document;
        let timeout = timeout(&fetch);
        self.awaited.retain(|(ticket, sent_at)| {
            let is_other = ticket.document != document;
            let is_lost = self.now > sent_at + timeout;
            assert!(is_other || is_lost, "two fetches of {document} at a time");
            is_other
        });
        self.awaited.push((fetch.ticket, self.now));
        self.fetches.push((self.now, fetch.clone()));
        if !self.loses {
            self.journeys.push(Journey {
                fetch,
                sent_at: self.now,
                reply: None,
                next: self.now + (self.latency / 2).min(timeout),
            });
        }
    }

    fn move_journeys(&mut self) {
        let now = self.now;
        while let Some(place) = self.journeys.iter().position(|it| it.next <= now) {
            let Journey {
                fetch,
                sent_at,
                reply,
                ..
            } = self.journeys.remove(place);
            if let Some(reply) = reply {
                let _ = self.deliver(fetch.ticket, reply.answer());
                continue;
            }
            let timeout = timeout(&fetch);
            let (reply, took) = match self.latency > timeout {
                true => (Reply::Failed, timeout),
                false => (self.issuer.answer(&fetch, now), self.latency),
            };
            self.journeys.push(Journey {
                fetch,
                sent_at,
                reply: Some(reply),
                next: sent_at + took,
            });
        }
    }

    /// Tells the refresher what came of a fetch.
    pub(crate) fn deliver(
        &mut self,
        ticket: Ticket,
        answer: Answer<'_>,
    ) -> Result<Refreshed, RefreshFault> {
        self.awaited.retain(|(awaited, _)| *awaited != ticket);
        let now = self.clock();
        let outcome = self
            .refresher
            .on_response(now, ticket, answer, &mut self.gate);
        self.outcomes
            .push((self.now, ticket.document, outcome.clone()));
        outcome
    }

    /// Tells the refresher what a decision lacked, and does what there is to do then.
    pub(crate) fn want(&mut self, document: Document) {
        self.refresher.want(document, self.clock());
        self.poll();
    }

    /// Whether what it has of a document is old, and newer may be here soon.
    pub(crate) fn is_overdue(&mut self, document: Document) -> bool {
        let now = self.clock();
        self.refresher.is_overdue(document, &self.gate, now)
    }

    /// When fetches of a document began.
    pub(crate) fn times(&self, document: Document) -> Vec<u64> {
        let of_it = |fetch: &Fetch| fetch.ticket.document == document;
        let fetches = self.fetches.iter().filter(|(_, fetch)| of_it(fetch));
        fetches.map(|(at, _)| *at).collect()
    }

    /// The times between fetches of a document.
    pub(crate) fn gaps(&self, document: Document) -> Vec<u64> {
        let times = self.times(document);
        times.windows(2).map(|pair| pair[1] - pair[0]).collect()
    }

    /// The faults of a document's answers, one after the other.
    pub(crate) fn faults(&self, document: Document) -> Vec<RefreshFault> {
        let outcomes = self.outcomes.iter();
        let outcomes = outcomes.filter(|(_, of, _)| *of == document);
        outcomes
            .filter_map(|(_, _, outcome)| outcome.clone().err())
            .collect()
    }

    pub(crate) fn trusts(&mut self, kid: &str) -> bool {
        let now = self.clock();
        trusts(&mut self.gate, kid, now)
    }

    pub(crate) fn has_fresh_feed(&self) -> bool {
        self.gate.has_fresh_feed(self.clock().unix_time())
    }

    /// The number of the feed in force.
    pub(crate) fn seq(&self) -> Option<u64> {
        self.gate.feed_position().map(|(_, seq)| seq)
    }
}

fn timeout(fetch: &Fetch) -> u64 {
    fetch.timeout.as_millis().try_into().expect("a few seconds")
}
