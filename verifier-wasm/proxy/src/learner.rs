//! How a thread gets to know what the leader has fetched, and how one becomes the leader.

use proxy_wasm::types::LogLevel;
use signet_verifier::KeySet;
use signet_verifier::refresher::Document;
use signet_verifier::time::UnixMillis;

use crate::board::{Board, News, Posted};
use crate::guard::Guard;
use crate::host;
use crate::leader::Leader;
use crate::settings::Source;

const DOCUMENTS: [Document; 2] = [Document::Keys, Document::Feed];

/// Keeps the gate of a thread up to date.
pub(crate) struct Learner {
    source: Source,
    board: Board,
    /// How the board knows this thread.
    name: String,
    /// What of the news the gate has been taught.
    learned: News,
    /// While this thread leads.
    leader: Option<Leader>,
}

impl Learner {
    pub(crate) fn new(source: Source) -> Self {
        let board = Board::new(&source);
        Self {
            // Where counting fails, the time still tells two threads apart.
            name: format!("{}@{}", board.count_in(), host::now_in_nanoseconds()),
            board,
            source,
            learned: News::default(),
            leader: None,
        }
    }

    /// Learns what is new, and leads if nobody does.
    pub(crate) fn tick(&mut self, now: UnixMillis, guard: &Guard) {
        self.learn(now, guard);
        if !self.board.is_led_by(&self.name, now) {
            self.leader = None;
            for document in DOCUMENTS {
                if guard.takes_wish(document) {
                    self.board.want(document, now);
                }
            }
            return;
        }
        let leader = self.leader.get_or_insert_with(|| {
            host::log(LogLevel::Info, "signet: this thread asks the issuer now");
            Leader::new(&self.source, host::now_in_nanoseconds())
        });
        for document in DOCUMENTS {
            let is_wanted = guard.takes_wish(document);
            if is_wanted || leader.is_asked_for(document, &self.board) {
                leader.want(document, now);
            }
        }
        leader.begin_fetches(now, &self.source, guard);
        self.tell(guard);
    }

    /// Learns what is on the board and wasn't when this was last done.
    pub(crate) fn learn(&mut self, now: UnixMillis, guard: &Guard) {
        let news = self.board.news().unwrap_or_default();
        guard.expect_feed(self.source.has_feed && news.feed_failures == 0);
        if news.keys != self.learned.keys
            && let Some(posted) = self.board.posted(Document::Keys)
        {
            self.learned.keys = news.keys;
            // A feed that was refused may be signed by one of the new keys.
            self.learned.feed = 0;
            self.install(posted, now, guard);
        }
        if news.feed != self.learned.feed
            && let Some(posted) = self.board.posted(Document::Feed)
        {
            self.learned.feed = news.feed;
            let applied = guard.teach(|gate| gate.apply_feed(&posted.body, now.unix_time()));
            if let Err(fault) = applied {
                let text = format!("signet: the feed of another thread is ignored: {fault}");
                host::log(LogLevel::Debug, &text);
            }
        }
    }

    /// Keys are as old here as where they were fetched.
    fn install(&self, posted: Posted, now: UnixMillis, guard: &Guard) {
        let Ok(loaded) = KeySet::from_jwks(&posted.body) else {
            return;
        };
        // Whoever set the clock back since has not made them younger than new.
        let asked_at = posted.asked_at.min(now);
        let until = asked_at.saturating_add(self.source.max_stale);
        guard.teach(|gate| gate.install_keys_until(loaded.key_set, until.unix_time()));
    }

    /// Takes the answer to a call that this thread has made. If it has slept through its lease,
    /// another may have put up something newer.
    pub(crate) fn on_answer(&mut self, call: u32, body_size: usize, guard: &Guard) {
        let now = host::now();
        if !self.board.is_led_by(&self.name, now) {
            self.leader = None;
        }
        if let Some(leader) = &mut self.leader
            && let Some(good) = leader.on_answer(call, body_size, now, guard)
        {
            self.board.post(good.document, good.asked_at, &good.body);
            let number = good.asked_at.as_millis();
            match good.document {
                Document::Keys => self.learned.keys = number,
                Document::Feed => self.learned.feed = number,
            }
        }
        self.tell(guard);
    }

    /// Tells the others what this thread knows, if that is new.
    fn tell(&mut self, guard: &Guard) {
        let Some(leader) = &self.leader else {
            return;
        };
        self.learned.feed_failures = leader.feed_failures();
        guard.expect_feed(self.source.has_feed && self.learned.feed_failures == 0);
        if self.board.news() != Some(self.learned) {
            self.board.tell(self.learned);
        }
    }
}
