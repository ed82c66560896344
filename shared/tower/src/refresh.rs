//! The task that keeps a trust up to date: it does what the refresher says.

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};
use std::time::Duration;

use reqwest::Client;
use signet_verifier::keyset::LeftOutKey;
use signet_verifier::refresher::{Document, Next, RefreshFault, Refreshed, Reply, Ticket};
use signet_verifier::{Gate, Refresher};
use tokio::sync::Notify;
use tokio::task::JoinSet;

use crate::fetch::fetch;
use crate::trust::Shared;

/// How long the task sleeps at most. Tokio's time stands still while a machine is suspended, and
/// doesn't go along where its clock is set; so the clock is looked at once in a while.
const LONGEST_SLEEP: Duration = Duration::from_secs(1);

/// Fetches what is to be fetched, for as long as somebody has the trust.
///
/// It alone has the refresher and the gate that reads what comes, so that nobody waits while a
/// feed is parsed: the others are told when it is done.
pub(crate) async fn keep_up_to_date(
    trust: Weak<Shared>,
    bell: Arc<Notify>,
    refresher: Refresher,
    gate: Gate,
    client: Client,
) {
    let mut task = Task {
        refresher,
        gate,
        client,
        fetches: JoinSet::new(),
        log: Log::default(),
    };
    while let Some(pause) = trust.upgrade().map(|trust| task.begin_fetches(&trust)) {
        let fetched = tokio::select! {
            () = tokio::time::sleep(pause.min(LONGEST_SLEEP)) => None,
            () = bell.notified() => None,
            Some(fetched) = task.fetches.join_next() => fetched.ok(),
        };
        if let (Some((ticket, reply)), Some(trust)) = (fetched, trust.upgrade()) {
            task.take(&trust, ticket, &reply);
        }
    }
}

struct Task {
    refresher: Refresher,
    gate: Gate,
    client: Client,
    /// They end with the task.
    fetches: JoinSet<(Ticket, Reply)>,
    log: Log,
}

impl Task {
    /// Begins whatever is due, and tells for how long there is nothing more.
    fn begin_fetches(&mut self, trust: &Shared) -> Duration {
        let wanted = trust.wanted();
        for document in [Document::Keys, Document::Feed] {
            if wanted.is(document) {
                self.refresher.want(document, trust.now());
            }
        }
        loop {
            let now = trust.now();
            match self.refresher.poll(now) {
                Next::Fetch(next) => {
                    wanted.forget(next.ticket.document);
                    self.fetches.spawn(fetch(self.client.clone(), next));
                }
                Next::Wait(until) => {
                    trust.report(self.refresher.status());
                    return until.saturating_since(now);
                }
            }
        }
    }

    /// Hands on what has come.
    fn take(&mut self, trust: &Shared, ticket: Ticket, reply: &Reply) {
        let Self {
            refresher, gate, ..
        } = self;
        let refreshed = refresher.on_response(trust.now(), ticket, reply.answer(), gate);
        // Whoever wants the document after this wants a newer one.
        trust.wanted().forget(ticket.document);
        match &refreshed {
            Ok(Refreshed::Keys { .. } | Refreshed::Feed(_)) => trust.learn(gate),
            Ok(Refreshed::FeedNotModified) => {}
            Err(fault) => trust.count_fault(ticket.document, *fault),
        }
        self.log.write(ticket.document, &refreshed);
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
                    tracing::info!(%document, "the issuer can be asked again");
                }
                if let Refreshed::Keys { left_out } = refreshed {
                    self.write_left_out(left_out);
                }
            }
            Err(fault) => {
                let before = self.faults.insert(document.as_str(), *fault);
                let has_no_feed = (document, *fault) == (Document::Feed, RefreshFault::Status(404));
                let code = fault.code();
                if fault.is_alarm() {
                    tracing::error!(%document, %fault, code, "the issuer publishes a private key");
                } else if before == Some(*fault) {
                    tracing::debug!(%document, %fault, code, "nothing new from the issuer");
                } else if has_no_feed {
                    tracing::info!("the issuer has no revocation feed");
                } else {
                    tracing::warn!(%document, %fault, code, "nothing new from the issuer");
                }
            }
        }
    }

    fn write_left_out(&mut self, left_out: &[LeftOutKey]) {
        if self.left_out != left_out {
            for left_out in left_out {
                tracing::warn!(%left_out, "a key of the issuer can't be used");
            }
            self.left_out = left_out.to_vec();
        }
    }
}
