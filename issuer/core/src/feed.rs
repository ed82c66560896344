//! The issuer's side of the revocation feed: what verifiers learn of sessions that ended, rights that
//! changed and keys that are refused, before the tokens are over.
//!
//! # The path of a revocation
//!
//! 1. Any operation of any port ends a session, raises an account's version, or deletes an account.
//!    The database's triggers add an entry and the next number, in that transaction
//!    (docs/adr/0029).
//! 2. Whoever fetches the feed is answered after the store was asked for its number: by a read that
//!    began after the fetch, and that all who fetch at the same time share. So a revocation that was
//!    acknowledged is in every answer that is asked for afterwards, on every replica.
//! 3. If the number is new, `state` reads what is revoked. `edition` signs it, as it does every
//!    [`SIGNED_EVERY`] seconds. `text` is how it looks on the wire.
//! 4. While the store doesn't answer, what was signed is served until its time is over, and then
//!    nothing: a feed is only ever signed after its content was read.
//! 5. An entry is dated by the first process that sees it, and leaves once no token that it is for
//!    can be good: [`crate::ports::feed::FeedStore::settle_feed`]. A process whose clock was set takes
//!    none away until the longest life there may be is over.
//!
//! To revoke by something new: a table and a trigger in a migration of each store, a list in
//! [`crate::ports::feed::Revoked`] and in `state`, and a claim in `text` and in the verifier.

mod edition;
mod state;
#[cfg(test)]
mod tests;
mod text;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep_until, timeout};

use crate::issuer::Issuer;
use crate::ports::StoreError;
use crate::ports::feed::{FeedPolicy, FeedPosition, FeedSettled, Leaving};
use crate::signing::access_token::SigningError;
use crate::signing::life::SKEW;
use crate::time::UnixTime;
use edition::Edition;
use state::State;

/// For how long a signed feed is known to be all there is, in seconds.
pub const GOOD_FOR: u64 = 30;
/// How often it is signed anew, in seconds.
pub const SIGNED_EVERY: u64 = 15;
/// How many ended sessions are listed before those of one account become its raised version.
const MOST_LISTED: u32 = 4_000;
/// How many entries of a kind are ever listed: verifiers take no more.
const MOST_EVER: u32 = 20_000;
/// How long entries may stay when their time is over, so that they leave together, in seconds.
const LEAVE_TOGETHER: u64 = 60;
/// How far apart two reads begin at least.
const READ_EVERY: Duration = Duration::from_millis(20);
/// How long a fetch waits for the store.
const PATIENCE: Duration = Duration::from_secs(1);
/// How long a store that didn't answer isn't asked on behalf of a fetch.
const AFTER_TROUBLE: Duration = Duration::from_secs(1);

/// How long an entry is listed, in seconds, where access tokens live for `access_seconds` at most: until
/// no token that it is for is good anywhere, which is also for how long its key is published.
#[must_use]
pub const fn entry_life(access_seconds: u64) -> u64 {
    access_seconds.saturating_add(SKEW)
}

/// A feed to be served.
#[derive(Clone, Debug)]
pub struct FeedText {
    /// The compact JWS.
    pub text: Arc<str>,
    /// Its entity tag.
    pub tag: String,
}

/// Why there is no feed to be served.
#[derive(Debug, thiserror::Error)]
pub enum FeedError {
    /// The store can't be asked what is revoked, and what was known is too old.
    #[error("what is revoked can't be read: {0}")]
    Store(#[from] StoreError),
    /// It doesn't answer in time.
    #[error("what is revoked can't be read in time")]
    Late,
    /// It can't be asked, and who asks here knows more.
    #[error("what is revoked can't be read, and what was read is older than what is known there")]
    Behind,
    /// There is more than verifiers take.
    #[error(
        "more is revoked at once than a feed can say, so none is signed; rules that require one \
         refuse until entries have left"
    )]
    TooLarge,
    /// It can't be signed.
    #[error(transparent)]
    Signing(SigningError),
}

/// The feed of this process.
pub(crate) struct Feed {
    current: Mutex<Option<Arc<Edition>>>,
    /// Held by the one who reads.
    reads: tokio::sync::Mutex<Reads>,
    trouble: Mutex<Option<Instant>>,
    settling: Arc<tokio::sync::Mutex<Option<Instant>>>,
}

#[derive(Debug, Default)]
struct Reads {
    /// When the last one that was answered began.
    answered: Option<Instant>,
    /// When the last one began.
    began: Option<Instant>,
}

impl Feed {
    pub(crate) fn new() -> Self {
        Self {
            current: Mutex::default(),
            reads: tokio::sync::Mutex::default(),
            trouble: Mutex::default(),
            settling: Arc::default(),
        }
    }

    fn current(&self) -> Option<Arc<Edition>> {
        let current = self.current.lock();
        current.unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn exchange(&self, edition: Option<Arc<Edition>>) {
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = edition;
    }

    fn note(&self, trouble: Option<Instant>) {
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = trouble;
    }

    fn is_in_trouble(&self) -> bool {
        let trouble = *self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        trouble.is_some_and(|since| since.elapsed() < AFTER_TROUBLE)
    }
}

impl Issuer {
    /// The feed as it is now, for who holds the one of number `since`, or none.
    ///
    /// # Errors
    /// When it isn't known what is revoked, or can't be told.
    pub async fn feed(&self, since: Option<FeedPosition>) -> Result<FeedText, FeedError> {
        self.edition(Instant::now(), since).await?.serve(since)
    }

    /// The whole feed, as it was at most `age` ago.
    ///
    /// # Errors
    /// As [`Self::feed`].
    pub async fn recent_feed(&self, age: Duration) -> Result<FeedText, FeedError> {
        let now = Instant::now();
        let asked = now.checked_sub(age).unwrap_or(now);
        self.edition(asked, None).await?.serve(None)
    }

    /// The whole feed once what is over has left it and what can be folded is, however long it takes:
    /// for who has just revoked much, and has to know whether a feed can say it.
    ///
    /// # Errors
    /// As [`Self::feed`].
    pub async fn settled_feed(&self) -> Result<FeedText, FeedError> {
        self.settle_feed().await?;
        self.next_edition(None).await?.serve(None)
    }

    /// Dates what is new in the feed, and removes what is over.
    ///
    /// # Errors
    /// When the store doesn't answer.
    pub async fn settle_feed(&self) -> Result<FeedSettled, StoreError> {
        self.store
            .settle_feed(self.now(), &self.feed_policy())
            .await
    }

    /// The edition of a read that began at `asked` or later. What was signed stands in for it while
    /// the store can't be asked, as long as it is fresh.
    async fn edition(
        &self,
        asked: Instant,
        since: Option<FeedPosition>,
    ) -> Result<Arc<Edition>, FeedError> {
        let read = match self.feed.is_in_trouble() {
            true => Err(FeedError::Late),
            false => self.read_in_time(asked).await,
        };
        let error = match read {
            Ok(edition) => return Ok(edition),
            Err(error) => error,
        };
        let known = self.feed.current();
        match known.filter(|known| can_stand_in(&error) && known.is_fresh(self.now())) {
            Some(known) if known.is_behind(since) => Err(FeedError::Behind),
            Some(known) => Ok(known),
            None => Err(error),
        }
    }

    async fn read_in_time(&self, asked: Instant) -> Result<Arc<Edition>, FeedError> {
        let read = timeout(PATIENCE, self.read_feed(asked));
        let read = read.await.unwrap_or(Err(FeedError::Late));
        match &read {
            Ok(_) => {}
            Err(error) => {
                if !can_stand_in(error) {
                    self.feed.exchange(None);
                }
                self.feed.note(Some(Instant::now()));
                tracing::warn!(%error, "the revocation feed can't be made anew");
            }
        }
        read
    }

    async fn read_feed(&self, asked: Instant) -> Result<Arc<Edition>, FeedError> {
        let mut reads = self.feed.reads.lock().await;
        let known = self.feed.current();
        if let (Some(known), Some(answered)) = (&known, reads.answered)
            && answered >= asked
            && known.is_fresh(self.now())
        {
            return Ok(Arc::clone(known));
        }
        if let Some(began) = reads.began {
            sleep_until(began.checked_add(READ_EVERY).unwrap_or(began)).await;
        }
        let began = Instant::now();
        reads.began = Some(began);
        let edition = self.next_edition(known).await?;
        reads.answered = Some(began);
        self.feed.note(None);
        Ok(edition)
    }

    /// Asks the store, and signs if there is something new, or it is time.
    async fn next_edition(&self, known: Option<Arc<Edition>>) -> Result<Arc<Edition>, FeedError> {
        // Before the store is asked: whatever is revoked after it was, this doesn't vouch for.
        let now = self.now();
        let keyring = self.signing_keyring().await?;
        let position = self.store.feed_position().await?;
        let same = known
            .as_ref()
            .filter(|known| known.state.position == position);
        let state = match same {
            Some(same) if !same.is_old(&keyring, now) => return Ok(Arc::clone(same)),
            Some(same) => same.state.clone(),
            None => self.read_revoked(known.as_deref(), now).await?,
        };
        let edition = Edition::sign(state, &self.settings.issuer, &keyring, now)?;
        let edition = Arc::new(edition);
        self.feed.exchange(Some(Arc::clone(&edition)));
        Ok(edition)
    }

    async fn read_revoked(
        &self,
        known: Option<&Edition>,
        now: UnixTime,
    ) -> Result<State, FeedError> {
        let limit = MOST_EVER.saturating_add(1);
        let revoked = self.store.revoked(limit).await?;
        let counts = [revoked.sessions.len(), revoked.accounts.len()];
        let most_of_a_kind = u32::try_from(counts.into_iter().max().unwrap_or(0));
        let exceeds = |most: u32| most_of_a_kind.is_ok_and(|count| count > most);
        let is_over = |at: UnixTime| at.saturating_add(LEAVE_TOGETHER) <= now;
        if revoked.is_undated || exceeds(MOST_LISTED) || revoked.leaves_at.is_some_and(is_over) {
            self.settle_feed_soon();
        }
        if exceeds(MOST_EVER) {
            return Err(FeedError::TooLarge);
        }
        Ok(match known.filter(|known| known.is_of_late(now)) {
            Some(known) => known.state.then(&revoked),
            None => State::first(&revoked),
        })
    }

    /// Settles without anybody waiting for it: a feed can be read where nothing can be written.
    fn settle_feed_soon(&self) {
        let Ok(mut last) = Arc::clone(&self.feed.settling).try_lock_owned() else {
            return;
        };
        if last.is_some_and(|last| last.elapsed() < AFTER_TROUBLE) {
            return;
        }
        let (store, now, policy) = (Arc::clone(&self.store), self.now(), self.feed_policy());
        tokio::spawn(async move {
            match store.settle_feed(now, &policy).await {
                Ok(FeedSettled { folded: 0, .. }) => {}
                Ok(FeedSettled { folded, .. }) => tracing::info!(
                    folded,
                    "many sessions ended at once: the accounts of several of them get tokens anew"
                ),
                Err(error) => tracing::warn!(%error, "the revocation feed can't be kept small"),
            }
            *last = Some(Instant::now());
        });
    }

    fn feed_policy(&self) -> FeedPolicy {
        FeedPolicy {
            lifetime: entry_life(self.settings.access_seconds),
            most: MOST_LISTED,
            leaving: match self.clock_watch.was_set() {
                true => Leaving::Held,
                false => Leaving::Due,
            },
        }
    }
}

/// Whether what was signed before is the better answer: it is still true that nothing else was known
/// by then. Not where more is known by now than can be said.
fn can_stand_in(error: &FeedError) -> bool {
    match error {
        FeedError::Store(_) | FeedError::Late | FeedError::Signing(_) => true,
        FeedError::Behind | FeedError::TooLarge => false,
    }
}
