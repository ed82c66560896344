//! The verifier for JavaScript: what the npm package `@signet/verifier` has inside.
//!
//! One instance of this module is one gate. So nothing in it needs a handle, nothing has to be freed,
//! and if it ever traps it is thrown away as a whole: the trap leaves the [`Host`] borrowed, and every
//! later call traps as well. JavaScript (`js/core.js`) then makes a new one.
//!
//! # What crosses the boundary
//!
//! Numbers as arguments and results, and bytes in two places of memory, [`exchange`]. JavaScript
//! writes a text or the head of a request to where [`reserve`] says, calls a function with its length,
//! and reads what came of it from where [`results`] says. So a decision is one call, and wasm-bindgen,
//! which exports the functions, has nothing to convert: its own glue, made for one instance, isn't used.
//!
//! Texts are Latin-1 where they come from a request, UTF-8 otherwise. A time is two halves of a `u64`,
//! the lower first.
//!
//! # Adding a function
//!
//! Write it here as the translation of one of the verifier's, its caller in `js/core.js`, and what
//! people see of it in `js/gate.js` and `js/index.d.ts`.

mod exchange;
mod head;
mod identities;

use std::cell::RefCell;
use std::time::Duration;

use signet_verifier::gate::{Answer as Refused, Refusal};
use signet_verifier::keyset::Tables;
use signet_verifier::policy::Policy;
use signet_verifier::refresher::{Answer, Config, Document, DocumentStatus, Next, Ticket};
use signet_verifier::revocation::Applied;
use signet_verifier::time::{UnixMillis, UnixTime};
use signet_verifier::{Decision, Gate, KeySet, Leeway, Refresher};
use wasm_bindgen::prelude::wasm_bindgen;

use exchange::{Exchange, Results};
use identities::Identities;

/// The gate, and what it is asked and answers with.
#[derive(Default)]
struct Host {
    gate: Option<Gate>,
    refresher: Option<Refresher>,
    identities: Identities,
    exchange: Exchange,
}

thread_local! {
    static HOST: RefCell<Host> = RefCell::default();
}

fn host<T>(then: impl FnOnce(&mut Host) -> T) -> T {
    HOST.with_borrow_mut(then)
}

/// What a function that may fail answers; why stands in the text then.
const DONE: u32 = 1;
const FAILED: u32 = 0;

const fn long(low: u32, high: u32) -> u64 {
    let [a, b, c, d] = low.to_le_bytes();
    let [e, f, g, h] = high.to_le_bytes();
    u64::from_le_bytes([a, b, c, d, e, f, g, h])
}

fn seconds(low: u32, high: u32) -> UnixTime {
    UnixTime::from_secs(long(low, high))
}

fn millis(low: u32, high: u32) -> UnixMillis {
    UnixMillis::from_millis(long(low, high))
}

/// Where so many bytes can be written. It may move with every call.
#[wasm_bindgen]
pub fn reserve(length: usize) -> *mut u8 {
    host(|host| host.exchange.reserve(length))
}

/// Where results stand: see [`Results`]. It never moves.
#[wasm_bindgen]
pub fn results() -> *const u32 {
    host(|host| host.exchange.results())
}

/// Makes the gate of the policy that was written, which grants so many seconds to clocks that differ.
///
/// The text, if it fails: each fault, a line each.
#[wasm_bindgen]
pub fn open(length: usize, leeway_low: u32, leeway_high: u32, tables: u32) -> u32 {
    host(|host| {
        let leeway = match Leeway::from_secs(long(leeway_low, leeway_high)) {
            Ok(leeway) => leeway,
            // `js/options.js` has said it before.
            Err(error) => return host.exchange.fail(&error.to_string()),
        };
        match Policy::from_json(host.exchange.input(length)) {
            Ok(policy) => {
                let gate = Gate::new(policy).leeway(leeway);
                host.gate = Some(gate.tables(match tables {
                    0 => Tables::AfterUses,
                    1 => Tables::Eager,
                    _ => Tables::Never,
                }));
                DONE
            }
            Err(faults) => {
                let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
                host.exchange.fail(&faults.join("\n"))
            }
        }
    })
}

/// Pins the key set that was written. The text, if it fails: code and text of why.
#[wasm_bindgen]
pub fn install_keys(length: usize) -> u32 {
    host(|host| {
        let Some(gate) = &mut host.gate else {
            return FAILED;
        };
        match KeySet::from_jwks(host.exchange.input(length)) {
            Ok(loaded) if !loaded.key_set.is_empty() => {
                gate.install_keys(loaded.key_set);
                DONE
            }
            Ok(_) => host
                .exchange
                .fail("no_usable_key\nno key in it can be used"),
            Err(error) => {
                let text = lines(&[error.code(), &error.to_string()]);
                host.exchange.fail(&text)
            }
        }
    })
}

/// Applies the feed that was written. The text: what it did, or code and text of why it is ignored.
#[wasm_bindgen]
pub fn apply_feed(length: usize, now_low: u32, now_high: u32) -> u32 {
    host(|host| {
        let Some(gate) = &mut host.gate else {
            return FAILED;
        };
        let feed = host.exchange.input(length);
        match gate.apply_feed(feed, seconds(now_low, now_high)) {
            Ok(applied) => host.exchange.tell(match applied {
                Applied::Changed => "changed",
                Applied::Extended => "extended",
                Applied::AlreadyKnown => "already_known",
            }),
            Err(fault) => {
                let text = lines(&[fault.code(), &fault.to_string()]);
                host.exchange.fail(&text)
            }
        }
    })
}

/// Begins to refresh: the lines written are the URL of the keys, if it isn't the issuer's usual one,
/// and that of the feed, or `-` for none. `seed` is a number that other hosts don't have.
#[wasm_bindgen]
pub fn refresh(length: usize, max_stale_seconds: u32, seed: u32) -> u32 {
    host(|host| {
        let (Some(gate), Ok(urls)) = (&host.gate, std::str::from_utf8(host.exchange.input(length)))
        else {
            return FAILED;
        };
        let (keys, feed) = urls.split_once('\n').unwrap_or((urls, ""));
        let max_stale = Duration::from_secs(max_stale_seconds.into());
        let mut config = Config::of_issuer(gate.policy().issuer()).max_stale(max_stale);
        if !keys.is_empty() {
            config = config.keys_url(keys);
        }
        config = match feed {
            "" => config,
            "-" => config.without_feed(),
            url => config.feed_url(url),
        };
        host.refresher = Some(Refresher::new(config, seed.into()));
        DONE
    })
}

/// What to do now. [`DONE`]: to fetch what the lines of the text say, which are document, number,
/// most bytes, milliseconds, URL and tag. Otherwise: to come back in so many milliseconds, which the
/// text says.
#[wasm_bindgen]
pub fn poll(now_low: u32, now_high: u32) -> u32 {
    host(|host| {
        let now = millis(now_low, now_high);
        let Some(refresher) = &mut host.refresher else {
            return FAILED;
        };
        match refresher.poll(now) {
            Next::Fetch(fetch) => host.exchange.tell(&lines(&[
                fetch.ticket.document.as_str(),
                &fetch.ticket.number.to_string(),
                &fetch.most_bytes.to_string(),
                &fetch.timeout.as_millis().to_string(),
                &fetch.url,
                fetch.if_none_match.as_deref().unwrap_or_default(),
            ])),
            Next::Wait(until) => {
                let pause = until.saturating_since(now).as_millis();
                host.exchange.fail(&pause.to_string())
            }
        }
    })
}

/// Hands on what came of fetch `number` of the feed, or of the keys: the written entity tag, of so many
/// bytes, and the body. Status 0 says that there is no whole response, 1 that it is too large.
///
/// The text, if it fails: code and text of why.
#[wasm_bindgen]
pub fn respond(
    is_feed: bool,
    number: u32,
    status: u16,
    tag_length: usize,
    length: usize,
    now_low: u32,
    now_high: u32,
) -> u32 {
    host(|host| {
        let (Some(refresher), Some(gate)) = (&mut host.refresher, &mut host.gate) else {
            return FAILED;
        };
        let written = host.exchange.input(length);
        let (tag, body) = written.split_at_checked(tag_length).unwrap_or_default();
        let answer = match status {
            0 => Answer::Failed,
            1 => Answer::TooLarge,
            status => Answer::Response {
                status,
                etag: std::str::from_utf8(tag).ok().filter(|tag| !tag.is_empty()),
                body,
            },
        };
        let ticket = Ticket {
            document: document(is_feed),
            number: number.into(),
        };
        match refresher.on_response(millis(now_low, now_high), ticket, answer, gate) {
            Ok(_) => DONE,
            Err(fault) => {
                let text = lines(&[fault.code(), &fault.to_string()]);
                host.exchange.fail(&text)
            }
        }
    })
}

/// Notes that a decision lacked the feed, or the keys.
#[wasm_bindgen]
pub fn want(is_feed: bool, now_low: u32, now_high: u32) {
    host(|host| {
        if let Some(refresher) = &mut host.refresher {
            refresher.want(document(is_feed), millis(now_low, now_high));
        }
    });
}

/// Whether what there is of the feed, or of the keys, is old, and newer may be there soon: see
/// [`Refresher::is_overdue`].
#[wasm_bindgen]
pub fn is_overdue(is_feed: bool, now_low: u32, now_high: u32) -> bool {
    host(|host| {
        let (Some(refresher), Some(gate)) = (&mut host.refresher, &host.gate) else {
            return false;
        };
        refresher.is_overdue(document(is_feed), gate, millis(now_low, now_high))
    })
}

/// How it goes, as JSON.
#[wasm_bindgen]
pub fn status(now_low: u32, now_high: u32) -> u32 {
    host(|host| {
        let Some(gate) = &host.gate else {
            return FAILED;
        };
        let now = millis(now_low, now_high).unix_time();
        let status = host.refresher.as_ref().map(Refresher::status);
        let keys = status.as_ref().map(|status| status.keys);
        let feed = status.and_then(|status| status.feed);
        let text = [
            r#"{"keys":{"usable":"#,
            &gate.has_keys(now).to_string(),
            &fetches(keys),
            r#"},"feed":{"fresh":"#,
            &gate.has_fresh_feed(now).to_string(),
            &fetches(feed),
            "}}",
        ]
        .concat();
        host.exchange.tell(&text)
    })
}

/// Decides about the head that was written, of so many texts: see [`head`]. What comes of it:
/// [`Results`].
#[wasm_bindgen]
pub fn decide(length: usize, texts: usize, now_low: u32, now_high: u32) -> u32 {
    host(|host| {
        let Some(gate) = &host.gate else {
            return FAILED;
        };
        let now = seconds(now_low, now_high);
        let written = host.exchange.input(length);
        let Some(decision) = head::read(written, texts, |head| gate.decide(head, now)) else {
            return FAILED;
        };
        let results = match decision.refusal() {
            None => allowed(&decision, &mut host.identities, &mut host.exchange),
            Some(refusal) => refused(&decision, refusal, &mut host.exchange),
        };
        host.exchange.answer(results);
        DONE
    })
}

/// Whose token was written. What comes of it: [`Results`], in which the text of a refusal is its code
/// and reason.
#[wasm_bindgen]
pub fn verify(length: usize, now_low: u32, now_high: u32) -> u32 {
    host(|host| {
        let Some(gate) = &host.gate else {
            return FAILED;
        };
        let verified = gate.verify(host.exchange.input(length), seconds(now_low, now_high));
        host.exchange.clear();
        let results = match verified {
            Ok(identity) => {
                let (slot, is_new) = host.identities.place(&identity);
                if is_new {
                    identities::write(&identity, host.exchange.output());
                }
                Results {
                    outcome: Results::ALLOWED,
                    slot,
                    identity_length: host.exchange.output().len(),
                    ..Results::default()
                }
            }
            Err(refusal) => {
                let reason = refusal.reason().map(|reason| reason.code());
                let text = lines(&[refusal.code().as_str(), reason.unwrap_or_default()]);
                host.exchange.write(&text);
                Results::default()
            }
        };
        host.exchange.answer(results);
        DONE
    })
}

fn allowed(decision: &Decision, identities: &mut Identities, exchange: &mut Exchange) -> Results {
    exchange.clear();
    let mut results = Results {
        outcome: Results::ALLOWED,
        ..Results::default()
    };
    if let Some(rule) = decision.rule() {
        results.rule = rule.as_ptr().addr();
        results.rule_length = rule.len();
    }
    if let Some(identity) = decision.identity() {
        let (slot, is_new) = identities.place(identity);
        results.slot = slot;
        results.rests_on = match decision.rests_on(Document::Feed) {
            false => 1,
            true => 2,
        };
        if is_new {
            identities::write(identity, exchange.output());
        }
    }
    results.identity_length = exchange.output().len();
    for name in decision.removed() {
        // They are in lower case, so a capital letter ends one, whatever bytes it is of.
        exchange.output().extend(name);
        exchange.output().push(b'N');
    }
    results
}

fn refused(decision: &Decision, refusal: Refusal, exchange: &mut Exchange) -> Results {
    let Refused { headers, body, .. } = refusal.answer();
    exchange.clear();
    exchange.write(&decision.to_json());
    for (name, value) in headers {
        exchange.write(&lines(&["", name, &value]));
    }
    exchange.write(&lines(&["", &body]));
    Results {
        lacks: match decision.lacks() {
            None => 0,
            Some(Document::Keys) => 1,
            Some(Document::Feed) => 2,
        },
        ..Results::default()
    }
}

const fn document(is_feed: bool) -> Document {
    if is_feed {
        Document::Feed
    } else {
        Document::Keys
    }
}

fn lines(texts: &[&str]) -> String {
    texts.join("\n")
}

/// The members that tell of fetching, none of which is there where nothing is fetched.
fn fetches(status: Option<DocumentStatus>) -> String {
    let Some(status) = status else {
        return String::new();
    };
    let last_success = status.last_success.map(UnixMillis::as_millis);
    let last_success = last_success.map_or_else(|| "null".to_owned(), |at| at.to_string());
    let fault = status.last_fault.map(|(_, fault)| fault.code());
    [
        r#","fetches":"#,
        &status.fetches.to_string(),
        r#","failures":"#,
        &status.failures.to_string(),
        r#","lastSuccess":"#,
        &last_success,
        r#","lastFault":"#,
        &fault.map_or_else(|| "null".to_owned(), |code| ["\"", code, "\""].concat()),
    ]
    .concat()
}
