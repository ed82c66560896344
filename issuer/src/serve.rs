//! Running the issuer: in one order up, and in one order down.
//!
//! Up: the ports, so that a taken one is told before any file is made; the store, the keys; then
//! connections are taken, and what works in the background begins ([`background`]). Down, at
//! SIGTERM or SIGINT: `/readyz` fails at once, requests that are being answered are answered, the
//! database is closed, and whatever isn't over after [`HARD_STOP`] is left. A second signal ends it
//! there and then.

mod background;
mod connection;
pub mod database;
pub mod database_file;
mod greeting;
pub mod opening;
mod operations;
mod port;
mod signals;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use signet_core::mail::MailTransport;
use signet_tower::ForeignPolicy;
use tokio::sync::watch;

use crate::config::{Config, Database, MailSettings, Mode};
use crate::http::{self, App, app};
use crate::mail::post::Post;
use connection::CLIENTS;
use opening::{OpenError, Opened, Purpose};
use port::{ListenError, Port};
use signals::Signals;

/// How long requests may take to end once a stop was asked for. Platforms kill after ten seconds.
const HARD_STOP: Duration = Duration::from_secs(8);

/// How long new connections are still answered after a stop was asked for: until balancers have
/// heard of it, so that nobody knocks at a closed door.
const LINGER: Duration = Duration::from_secs(2);

/// Where the process is in its life.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Phase {
    /// It takes connections.
    Serving,
    /// It takes connections and answers one request on each.
    Lingering,
    /// It takes none.
    Closing,
}

/// Ends when the process closes, or when nobody is left to say so.
async fn closed(phase: &mut watch::Receiver<Phase>) {
    let _either = phase.wait_for(|phase| *phase == Phase::Closing).await;
}

/// Why the issuer doesn't run.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// What it works with can't be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The address is taken, or isn't this machine's.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// Mail can't be sent from this machine.
    #[error("can't speak TLS with the mail server: {0}")]
    Mail(#[from] crate::mail::smtp::TlsError),
    /// It is to decide about the tokens of another issuer.
    #[error("forward_auth.policy can't be used: {0}")]
    Policy(#[from] ForeignPolicy),
    /// Signals can't be heard.
    #[error("can't listen to signals: {0}")]
    Signals(io::Error),
}

/// Serves until a signal says otherwise.
///
/// # Errors
/// When it can't start; once it has, it ends well.
pub async fn serve(config: Config) -> Result<(), ServeError> {
    let signals = Signals::new().map_err(ServeError::Signals)?;
    let post = Arc::new(Post::new(&config.mail)?);
    let port = Port::reserve("listen", config.listen)?;
    let operations = operations::reserve(config.operations)?;
    let opened = opening::open(&config, Purpose::Serving).await?;
    let database = opened.database.clone();
    let (limiter, redis) = (Arc::clone(&opened.limiter), opened.redis.clone());
    let app = application(opened, &config, &post)?;
    // The operators' first: whoever is served finds it there.
    let operations = operations::listen(operations, config.operations)?;
    let listener = port.listen()?;
    announce(&config, operations.is_some());
    greeting::show(&config, &app).await;
    let (phase, _) = watch::channel(Phase::Serving);
    let router = http::router(Arc::clone(&app));
    let accept = connection::accept(listener, CLIENTS, router, phase.subscribe());
    let connections = tokio::spawn(accept);
    let mut workers = Vec::from(background::start(&app, post, &phase));
    if let Some(redis) = &redis {
        workers.push(background::watch_redis(&app, redis, &phase));
    }
    if let Some(listener) = operations {
        let shown = operations::shown(&app, limiter, redis);
        workers.push(operations::serve(listener, shown, &phase));
    }
    stop(signals, &app, config.mode, &phase, async {
        let _ended = connections.await;
        for worker in workers {
            let _ended = worker.await;
        }
        database.close().await;
    })
    .await;
    Ok(())
}

fn application(
    opened: Opened,
    config: &Config,
    post: &Arc<Post>,
) -> Result<Arc<App>, ForeignPolicy> {
    let transport: Arc<dyn MailTransport> = post.clone();
    let app = App::new(app::Parts {
        issuer: opened.issuer,
        limiter: opened.limiter,
        randomness: opened.randomness,
        settings: config.http.clone(),
        transport,
        mailbox: post.mailbox(),
    })?;
    Ok(Arc::new(app))
}

fn announce(config: &Config, has_metrics: bool) {
    if let Database::Postgres(address) = &config.database
        && !address.is_local()
        && !address.is_encrypted()
    {
        tracing::warn!(
            database = %config.database,
            "sslmode=disable is set: whoever listens between here and there reads everything"
        );
    }
    if let Some(address) = &config.redis
        && !address.is_local()
        && !address.is_encrypted()
    {
        tracing::warn!(
            redis = %address,
            "redis_url is no rediss:// one: whoever listens between here and there reads the \
             password and changes what is kept"
        );
    }
    let scale = config.http.limits_scale;
    if scale != 1 {
        tracing::warn!(
            scale,
            "limits.scale is set: the limits protect nobody; for load tests only"
        );
    }
    let has_mailbox = matches!(config.mail, MailSettings::Mailbox);
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        listen = %config.listen,
        public_url = config.issuer.issuer,
        docs = format_args!("{}/docs", config.issuer.issuer),
        mailbox = has_mailbox.then(|| format!("{}/dev/mailbox", config.issuer.issuer)),
        metrics = config
            .operations
            .filter(|_| has_metrics)
            .map(|operations| format!("http://{}/metrics", operations.listen)),
        mode = ?config.mode,
        database = %config.database,
        redis = config.redis.as_ref().map(tracing::field::display),
        "the issuer is up"
    );
}

/// Waits for a signal, and then for everything to end; `over` ends with it.
async fn stop(
    mut signals: Signals,
    app: &App,
    mode: Mode,
    phase: &watch::Sender<Phase>,
    over: impl Future<Output = ()>,
) {
    let signal = signals.next().await;
    app.begin_shutdown();
    tracing::info!(signal, "stopping: what is being answered is answered");
    let _others_may_be_gone = phase.send(Phase::Lingering);
    let ending = async {
        if mode == Mode::Production {
            tokio::time::sleep(LINGER).await;
        }
        let _others_may_be_gone = phase.send(Phase::Closing);
        over.await;
    };
    tokio::select! {
        () = ending => tracing::info!("stopped"),
        () = tokio::time::sleep(HARD_STOP) => {
            tracing::warn!("stopped with requests unanswered: they took too long");
        }
        signal = signals.next() => {
            tracing::warn!(signal, "stopped at once: asked for it a second time");
        }
    }
}
