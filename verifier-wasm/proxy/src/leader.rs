//! The one thread that asks the issuer, for all of them: it does what the refresher says.

use std::collections::BTreeMap;
use std::str;

use proxy_wasm::hostcalls;
use proxy_wasm::types::{BufferType, LogLevel, MapType};
use signet_verifier::Refresher;
use signet_verifier::keyset::LeftOutKey;
use signet_verifier::refresher::{
    Answer, Document, Fetch, Next, RefreshFault, Refreshed, Reply, Ticket,
};
use signet_verifier::time::UnixMillis;

use crate::board::Board;
use crate::guard::Guard;
use crate::settings::{Place, Source};
use crate::{host, metrics};

/// Fetches what is to be fetched, for as long as its thread leads.
pub(crate) struct Leader {
    refresher: Refresher,
    calls: Vec<Call>,
    log: Log,
    /// When each document was last asked for.
    asked_at: [UnixMillis; 2],
}

/// A fetch that Envoy makes.
struct Call {
    id: u32,
    ticket: Ticket,
    most_bytes: usize,
    asked_at: UnixMillis,
}

/// A document that this thread's gate has taken.
pub(crate) struct Good {
    pub(crate) document: Document,
    pub(crate) asked_at: UnixMillis,
    pub(crate) body: Vec<u8>,
}

impl Leader {
    /// A leader that fetches everything at once: what the one before it has fetched may be old.
    pub(crate) fn new(source: &Source, seed: u64) -> Self {
        Self {
            refresher: Refresher::new(source.config(), seed),
            calls: Vec::new(),
            log: Log::default(),
            asked_at: [UnixMillis::default(); 2],
        }
    }

    /// Whether another thread wants a document, and has since it was last asked for.
    pub(crate) fn is_asked_for(&self, document: Document, board: &Board) -> bool {
        let [keys, feed] = self.asked_at;
        let asked_at = match document {
            Document::Keys => keys,
            Document::Feed => feed,
        };
        board.wanted_at(document).is_some_and(|at| at > asked_at)
    }

    pub(crate) fn want(&mut self, document: Document, now: UnixMillis) {
        self.refresher.want(document, now);
    }

    /// How many fetches of the feed have failed since the last good one.
    pub(crate) fn feed_failures(&self) -> u32 {
        self.refresher.status().feed.map_or(0, |feed| feed.failures)
    }

    /// Begins whatever is due.
    pub(crate) fn begin_fetches(&mut self, now: UnixMillis, source: &Source, guard: &Guard) {
        while let Next::Fetch(fetch) = self.refresher.poll(now) {
            let [keys, feed] = &mut self.asked_at;
            match fetch.ticket.document {
                Document::Keys => *keys = now,
                Document::Feed => *feed = now,
            }
            metrics::count_fetch(fetch.ticket.document);
            match call(&source.cluster, &fetch) {
                Some(id) => self.calls.push(Call {
                    id,
                    ticket: fetch.ticket,
                    most_bytes: fetch.most_bytes,
                    asked_at: now,
                }),
                None => {
                    self.take(now, fetch.ticket, Answer::Failed, guard);
                }
            }
        }
    }

    /// Takes what has come of a call. The document, if it is good.
    pub(crate) fn on_answer(
        &mut self,
        id: u32,
        body_size: usize,
        now: UnixMillis,
        guard: &Guard,
    ) -> Option<Good> {
        let place = self.calls.iter().position(|call| call.id == id)?;
        let call = self.calls.swap_remove(place);
        let reply = read(body_size, call.most_bytes);
        let refreshed = self.take(now, call.ticket, reply.answer(), guard)?;
        match (refreshed, reply) {
            (Refreshed::Keys { .. } | Refreshed::Feed(_), Reply::Response { body, .. }) => {
                Some(Good {
                    document: call.ticket.document,
                    asked_at: call.asked_at,
                    body,
                })
            }
            (Refreshed::FeedNotModified, _) | (_, Reply::Failed | Reply::TooLarge) => None,
        }
    }

    fn take(
        &mut self,
        now: UnixMillis,
        ticket: Ticket,
        answer: Answer<'_>,
        guard: &Guard,
    ) -> Option<Refreshed> {
        let Self { refresher, .. } = self;
        let refreshed = guard.teach(|gate| refresher.on_response(now, ticket, answer, gate));
        if let Err(fault) = refreshed {
            metrics::count_fault(ticket.document, fault);
        }
        self.log.write(ticket.document, &refreshed);
        refreshed.ok()
    }
}

/// Has Envoy fetch something. `None` where it can't, as when there is no such cluster.
fn call(cluster: &str, fetch: &Fetch) -> Option<u32> {
    let place = Place::of(&fetch.url)?;
    let mut headers = vec![
        (":method", "GET"),
        (":scheme", place.scheme),
        (":authority", place.authority),
        (":path", place.path),
        (
            "user-agent",
            concat!("signet-proxy/", env!("CARGO_PKG_VERSION")),
        ),
    ];
    headers.extend(fetch.headers());
    hostcalls::dispatch_http_call(cluster, headers, None, Vec::new(), fetch.timeout).ok()
}

/// Reads the answer to the call at hand. One that is too large stays with Envoy.
fn read(body_size: usize, most_bytes: usize) -> Reply {
    let header = |name| {
        let value = hostcalls::get_map_value_bytes(MapType::HttpCallResponseHeaders, name);
        String::from_utf8(value.ok()??).ok()
    };
    let Some(status) = header(":status").and_then(|status| status.parse().ok()) else {
        return Reply::Failed;
    };
    if body_size > most_bytes {
        return Reply::TooLarge;
    }
    let body = hostcalls::get_buffer(BufferType::HttpCallResponseBody, 0, body_size);
    Reply::Response {
        status,
        etag: header("etag"),
        body: body.ok().flatten().unwrap_or_default(),
    }
}

/// Tells what changes, and not every five seconds that it hasn't.
#[derive(Default)]
struct Log {
    faults: BTreeMap<&'static str, RefreshFault>,
    left_out: Vec<LeftOutKey>,
}

impl Log {
    fn write(&mut self, document: Document, refreshed: &Result<Refreshed, RefreshFault>) {
        match refreshed {
            Ok(refreshed) => {
                if self.faults.remove(document.as_str()).is_some() {
                    let text = format!("signet: {document}: the issuer can be asked again");
                    host::log(LogLevel::Info, &text);
                }
                if let Refreshed::Keys { left_out } = refreshed {
                    self.write_left_out(left_out);
                }
            }
            Err(fault) => {
                let before = self.faults.insert(document.as_str(), *fault);
                let has_no_feed = (document, *fault) == (Document::Feed, RefreshFault::Status(404));
                let (level, what) = if fault.is_alarm() {
                    (LogLevel::Critical, "the issuer publishes a private key")
                } else if before == Some(*fault) {
                    (LogLevel::Debug, "nothing new from the issuer")
                } else if has_no_feed {
                    (LogLevel::Info, "the issuer has none")
                } else {
                    (LogLevel::Warn, "nothing new from the issuer")
                };
                host::log(level, &format!("signet: {document}: {what}: {fault}"));
            }
        }
    }

    fn write_left_out(&mut self, left_out: &[LeftOutKey]) {
        if self.left_out != left_out {
            for left_out in left_out {
                let text = format!("signet: keys: {left_out}; it can't be used");
                host::log(LogLevel::Warn, &text);
            }
            self.left_out = left_out.to_vec();
        }
    }
}
