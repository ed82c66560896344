//! What the threads of a proxy tell each other, in Envoy's shared data: who leads, what the leader
//! has fetched and when it asked for it, and what the others want.
//!
//! Everything is text, since an operator may have to read it. It outlives virtual machines, and
//! is whatever an earlier version of the filter has left there: what can't be read counts as
//! absent.

use std::time::Duration;

use proxy_wasm::hostcalls;
use signet_verifier::refresher::Document;
use signet_verifier::time::UnixMillis;

use crate::settings::Source;

/// For how long a thread leads without saying so again. A feed is good for ten seconds at least
/// when it comes; another leader has to have fetched the next one by then.
const LEASE: Duration = Duration::from_secs(5);
/// When the leader says so again: with this much of its lease left.
const RENEWAL: Duration = Duration::from_secs(4);
/// How often a thread tries to count itself in, where others do so at the same time.
const TRIES: u32 = 1_000;

/// The threads that fetch the same documents have the same board.
pub(crate) struct Board {
    /// How the keys of its entries begin: all that the documents depend on. Filters with the same
    /// `vm_id` share data, and may have another issuer.
    prefix: String,
}

/// What has been put on the board, in a few bytes that every thread reads with every tick.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct News {
    /// When the keys on the board were asked for; 0 if there are none. It is their number, too.
    pub(crate) keys: u64,
    /// The same of the feed.
    pub(crate) feed: u64,
    /// How many fetches of the feed have failed since the last good one.
    pub(crate) feed_failures: u32,
}

/// A document that was good, and when it was asked for.
pub(crate) struct Posted {
    pub(crate) asked_at: UnixMillis,
    pub(crate) body: Vec<u8>,
}

impl Board {
    /// The board of that source. Envoy configures the first virtual machine before it starts the
    /// others, so that there is a lease to be compared with and swapped before anyone wants it.
    pub(crate) fn new(source: &Source) -> Self {
        let Source {
            cluster,
            url,
            has_feed,
            max_stale: _,
        } = source;
        let board = Self {
            prefix: format!("signet {cluster} {url} {has_feed} "),
        };
        if board.get("lease").0.is_none() {
            board.put("lease", b"");
        }
        board
    }

    /// A number that no other thread has.
    pub(crate) fn count_in(&self) -> u64 {
        for _ in 0..TRIES {
            let (count, version) = self.get("threads");
            let next = count.and_then(number).unwrap_or(0).saturating_add(1);
            let text = next.to_string();
            if self.swap("threads", text.as_bytes(), version) {
                return next;
            }
        }
        0
    }

    /// Whether `thread` leads at `now`. It does if it has the lease, or can have it.
    pub(crate) fn is_led_by(&self, thread: &str, now: UnixMillis) -> bool {
        let (lease, version) = self.get("lease");
        let lease = lease.and_then(|lease| String::from_utf8(lease).ok());
        let held = lease.as_deref().and_then(|lease| lease.split_once(' '));
        let held = held.and_then(|(holder, end)| Some((holder, end.parse().ok()?)));
        if let Some((holder, end)) = held {
            let left = UnixMillis::from_millis(end).saturating_since(now);
            // One that ends later than any is from before the clock was set back.
            let is_held = !left.is_zero() && left <= LEASE;
            if is_held && (holder != thread || left > RENEWAL) {
                return holder == thread;
            }
        }
        let renewed = format!("{thread} {}", now.saturating_add(LEASE));
        self.swap("lease", renewed.as_bytes(), version)
    }

    /// What is new, if there ever was anything.
    pub(crate) fn news(&self) -> Option<News> {
        let text = String::from_utf8(self.get("news").0?).ok()?;
        let mut numbers = text.split(' ');
        Some(News {
            keys: numbers.next()?.parse().ok()?,
            feed: numbers.next()?.parse().ok()?,
            feed_failures: numbers.next()?.parse().ok()?,
        })
    }

    /// Says what is new. Only the leader does.
    pub(crate) fn tell(&self, news: News) {
        let News {
            keys,
            feed,
            feed_failures,
        } = news;
        self.put("news", format!("{keys} {feed} {feed_failures}").as_bytes());
    }

    /// Puts a document up for the others. [`Board::tell`] tells them.
    pub(crate) fn post(&self, document: Document, asked_at: UnixMillis, body: &[u8]) {
        let posted = [asked_at.to_string().as_bytes(), b"\n", body].concat();
        self.put(document.as_str(), &posted);
    }

    /// The document that was put up last.
    pub(crate) fn posted(&self, document: Document) -> Option<Posted> {
        let mut asked_at = self.get(document.as_str()).0?;
        let end = asked_at.iter().position(|byte| *byte == b'\n')?;
        let body = asked_at.split_off(end);
        Some(Posted {
            asked_at: UnixMillis::from_millis(number(asked_at)?),
            body: body.get(1..)?.to_vec(),
        })
    }

    /// Lets the leader know that a document is wanted.
    pub(crate) fn want(&self, document: Document, now: UnixMillis) {
        self.put(wish(document), now.to_string().as_bytes());
    }

    /// When a thread last wanted a document.
    pub(crate) fn wanted_at(&self, document: Document) -> Option<UnixMillis> {
        let (wanted_at, _) = self.get(wish(document));
        wanted_at.and_then(number).map(UnixMillis::from_millis)
    }

    fn key(&self, entry: &str) -> String {
        [&self.prefix, entry].concat()
    }

    /// An entry and its version.
    fn get(&self, entry: &str) -> (Option<Vec<u8>>, Option<u32>) {
        hostcalls::get_shared_data(&self.key(entry)).unwrap_or_default()
    }

    fn put(&self, entry: &str, value: &[u8]) {
        self.swap(entry, value, None);
    }

    /// Writes an entry that is still of this version.
    fn swap(&self, entry: &str, value: &[u8], version: Option<u32>) -> bool {
        hostcalls::set_shared_data(&self.key(entry), Some(value), version).is_ok()
    }
}

fn wish(document: Document) -> &'static str {
    match document {
        Document::Keys => "keys wanted",
        Document::Feed => "feed wanted",
    }
}

fn number(text: Vec<u8>) -> Option<u64> {
    String::from_utf8(text).ok()?.parse().ok()
}
