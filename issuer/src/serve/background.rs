//! What works without being asked: the mail worker, the sweeper and the keeper of keys. They end
//! with the process; a letter that was on its way then is sent again, under the same Message-ID. A
//! process that is frozen between requests does the same when it is asked to (`http::tick`). Where
//! there is Redis, somebody watches whether it is asked, and tells the trail.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use signet_core::mail::worker::{Round, pause};
use signet_core::ports::operations::{Health, Part};
use signet_store_redis::RedisClient;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::{Phase, closed};
use crate::http::App;
use crate::mail::post::Post;

/// How often the outbox is looked at.
const MAIL_EVERY: Duration = Duration::from_secs(1);
/// How often somebody looks whether there are other keys, and whether time asks for some.
const KEYS_EVERY: Duration = Duration::from_secs(1);
/// How often what is past its time is removed.
const SWEEP_EVERY: Duration = Duration::from_secs(60);
/// How long a store that doesn't answer is left in peace.
const AFTER_TROUBLE: Duration = Duration::from_secs(5);

/// Starts all of it.
pub(super) fn start(
    app: &Arc<App>,
    post: Arc<Post>,
    phase: &watch::Sender<Phase>,
) -> [JoinHandle<()>; 3] {
    let for_mail = Arc::clone(app);
    let away_for = Arc::new(AtomicU32::new(0));
    let mail = repeat(phase.subscribe(), move || {
        let (app, post) = (Arc::clone(&for_mail), Arc::clone(&post));
        let away_for = Arc::clone(&away_for);
        async move {
            match app.issuer.deliver_batch(&*post).await {
                Ok(round) => until_next(round, &away_for),
                Err(error) => {
                    app.tally.store_failed(&error);
                    tracing::warn!(%error, "the outbox can't be read");
                    AFTER_TROUBLE
                }
            }
        }
    });
    let for_sweep = Arc::clone(app);
    let sweep = repeat(phase.subscribe(), move || {
        let app = Arc::clone(&for_sweep);
        async move {
            match app.issuer.sweep().await {
                Ok(rows) => tracing::debug!(rows, "swept"),
                Err(error) => {
                    app.tally.store_failed(&error);
                    tracing::warn!(%error, "nothing could be swept");
                }
            }
            SWEEP_EVERY
        }
    });
    let for_keys = Arc::clone(app);
    let keys = repeat(phase.subscribe(), move || {
        let app = Arc::clone(&for_keys);
        async move {
            if let Err(error) = app.issuer.keep_keys().await {
                app.tally.store_failed(&error);
                tracing::warn!(%error, "keys can't be kept up");
            }
            KEYS_EVERY
        }
    });
    [tokio::spawn(mail), tokio::spawn(sweep), tokio::spawn(keys)]
}

/// How long the mail worker waits after a round. `away_for` counts those in a row that found no
/// server to talk to.
fn until_next(round: Round, away_for: &AtomicU32) -> Duration {
    if round.is_server_away && round.sent == 0 {
        let rounds = away_for.load(Ordering::Relaxed).saturating_add(1);
        away_for.store(rounds, Ordering::Relaxed);
        return pause(rounds);
    }
    if away_for.swap(0, Ordering::Relaxed) > 0 && round.sent > 0 {
        tracing::info!("the mail server can be used again");
    }
    match round.taken {
        0 => MAIL_EVERY,
        _ if round.is_server_away => MAIL_EVERY,
        _ => Duration::ZERO,
    }
}

/// Tells the trail when Redis is given up and when it is back: what is so when the store can be
/// written to, at most once in [`AFTER_TROUBLE`].
pub(super) fn watch_redis(
    app: &Arc<App>,
    redis: &RedisClient,
    phase: &watch::Sender<Phase>,
) -> JoinHandle<()> {
    let (app, mut standing) = (Arc::clone(app), redis.standing());
    let mut phase = phase.subscribe();
    let watching = async move {
        let mut told = false;
        while standing.wait_for(|now| now.is_away != told).await.is_ok() {
            let health = match told {
                true => Health::Whole,
                false => Health::Degraded,
            };
            match app.issuer.note_health(Part::Redis, health).await {
                Ok(()) => told = !told,
                Err(error) => {
                    app.tally.store_failed(&error);
                    tracing::warn!(%error, "the trail can't be told of Redis");
                }
            }
            tokio::time::sleep(AFTER_TROUBLE).await;
        }
    };
    tokio::spawn(async move {
        tokio::select! {
            () = closed(&mut phase) => {}
            () = watching => {}
        }
    })
}

/// Does something again and again, each time after as long as the last time said, until the
/// process closes.
async fn repeat<W, F>(mut phase: watch::Receiver<Phase>, mut work: W)
where
    W: FnMut() -> F,
    F: Future<Output = Duration>,
{
    loop {
        let pause = work().await;
        tokio::select! {
            biased;
            () = closed(&mut phase) => return,
            () = tokio::time::sleep(pause) => {}
        }
    }
}
