//! One application with a database, a clock and an inbox of its own, behind a listener.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use signet::http::app::{self, App};
use signet::http::client::{Peer, Proxies};
use signet::http::cors::AllowedOrigins;
use signet::http::forward_auth;
use signet::http::tick::TickToken;
use signet_core::account::EmailVerification;
use signet_core::account::invite::Invitation;
use signet_core::account::setup::AccountOrder;
use signet_core::email::EmailAddress;
use signet_core::issuer::{Issuer, LimitSettings, Parts, Settings};
use signet_core::limit::Quota;
use signet_core::mail::Message;
use signet_core::mail::letter::Links;
use signet_core::password::Password;
use signet_core::password::hasher::Algorithm;
use signet_core::password::policy::PasswordPolicy;
use signet_core::password::pool::PoolSettings;
use signet_core::role::RoleName;
use signet_core::secret::{OperatingSystem, SecretBytes};
use signet_core::session::RefreshPolicy;
use signet_core::session::floor::ResponseFloor;
use signet_core::signing::in_use::OpenKeys;
use signet_core::signing::seal::{MasterKey, MasterKeys};
use signet_core::time::{Clock, UnixTime};
use signet_verifier::policy::Policy;
use tokio::net::{TcpListener, TcpStream};
use zeroize::Zeroizing;

use super::database::{self, Database};
use super::inbox::Inbox;
use super::{Client, Limits, PASSWORD, log};

/// How a service differs from the one that `cargo run` starts.
#[derive(Clone, Debug)]
pub(crate) struct Setting {
    /// The public URL; the listener's own in local mode where there is none.
    pub(crate) public_url: Option<&'static str>,
    /// Whose word on the client's address counts.
    pub(crate) proxies: Proxies,
    /// The origins that may call the API.
    pub(crate) cors_origins: &'static [&'static str],
    /// The rules that proxies on this machine ask about, and where these are.
    pub(crate) forward_auth: Option<(&'static str, &'static str)>,
    /// Where budgets are kept.
    pub(crate) limits: Limits,
    /// What a timer shows.
    pub(crate) tick_token: Option<&'static str>,
    /// For how long access tokens are good, in seconds.
    pub(crate) access_seconds: u64,
    /// What limits are multiplied with.
    pub(crate) limits_scale: u32,
    /// How many mails about registrations a recipient gets, in the short and in the long run.
    pub(crate) registration_mails: [Quota; 2],
    /// Whether who registers must prove the mailbox first.
    pub(crate) email_verification: EmailVerification,
    /// How passwords are hashed.
    pub(crate) hashing: Algorithm,
    /// How many at once.
    pub(crate) hash_pool: PoolSettings,
    /// How long the answer to a login takes at least.
    pub(crate) login_floor: ResponseFloor,
    /// The Redis that sessions are refreshed on, if it isn't what all tests of the binary use.
    pub(crate) redis: Option<String>,
}

impl Default for Setting {
    fn default() -> Self {
        Self {
            public_url: None,
            proxies: Proxies::default(),
            cors_origins: &[],
            forward_auth: None,
            limits: crate::LIMITS,
            tick_token: None,
            access_seconds: 300,
            limits_scale: 1,
            registration_mails: LimitSettings::default().registration_mails,
            email_verification: EmailVerification::Required,
            // As little as argon2 takes: a debug build hashes thousands of times in these tests.
            hashing: Algorithm::Argon2id {
                memory_kib: 64,
                iterations: 1,
                lanes: 1,
            },
            hash_pool: PoolSettings {
                permits: 2,
                queue: 64,
                deadline: Duration::from_secs(5),
            },
            login_floor: ResponseFloor::NONE,
            redis: None,
        }
    }
}

impl Setting {
    /// A service behind a proxy on this machine, which says who the client is.
    pub(crate) fn behind_a_proxy() -> Self {
        Self {
            proxies: Proxies {
                trusted_hops: 1,
                networks: Vec::new(),
            },
            ..Self::default()
        }
    }

    /// A service in production, under `https://auth.example.com`.
    pub(crate) fn production() -> Self {
        Self {
            public_url: Some("https://auth.example.com"),
            ..Self::default()
        }
    }
}

/// A running service.
pub(crate) struct Service {
    pub(crate) app: Arc<App>,
    address: SocketAddr,
    host: String,
    clock: Arc<TestClock>,
    inbox: Arc<Inbox>,
    database: Arc<Database>,
}

impl Service {
    /// Starts one in local mode.
    pub(crate) async fn start() -> Self {
        Self::start_with(Setting::default()).await
    }

    /// Starts one that behaves as `setting` says.
    pub(crate) async fn start_with(setting: Setting) -> Self {
        let database = Arc::new(Database::make(crate::STORE));
        Self::start_on(setting, database, Arc::default()).await
    }

    /// Starts a replica of one that isn't in local mode: beside it on its database, with its clock.
    pub(crate) async fn beside(&self, setting: Setting) -> Self {
        Self::start_on(setting, Arc::clone(&self.database), Arc::clone(&self.clock)).await
    }

    async fn start_on(setting: Setting, database: Arc<Database>, clock: Arc<TestClock>) -> Self {
        log::subscribe();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let local_url = format!("http://{address}");
        let public_url = setting.public_url.unwrap_or(&local_url);
        let limiter = setting.limits.open().await;
        let store = database.open().await;
        let inbox = Arc::new(Inbox::default());
        let randomness = Arc::new(OperatingSystem);
        let master_keys = MasterKeys::new(MasterKey::new(SecretBytes::new([7; 32])), None);
        let keys = OpenKeys::unlock(&*store, clock.now(), &master_keys, &*randomness).await;
        let parts = Parts {
            sessions: database::sessions(&store, setting.redis.as_deref()).await,
            store,
            limiter: limiter.clone(),
            clock: clock.clone(),
            randomness,
            master_keys,
            keys: keys.unwrap(),
            settings: settings(public_url, &setting),
        };
        let forward_auth = setting
            .forward_auth
            .map(|(rules, proxies)| forward_auth(public_url, rules, proxies));
        let public_url: url::Url = public_url.parse().unwrap();
        let host = public_url[url::Position::BeforeHost..url::Position::AfterPort].to_owned();
        let app = App::new(app::Parts {
            issuer: Issuer::start(parts).unwrap(),
            limiter,
            randomness: Arc::new(OperatingSystem),
            settings: app::Settings {
                local_port: setting.public_url.is_none().then_some(address.port()),
                public_url,
                proxies: setting.proxies,
                cors_origins: AllowedOrigins::parse(setting.cors_origins.iter().copied()).unwrap(),
                limits_scale: setting.limits_scale,
                forward_auth,
                tick_token: setting
                    .tick_token
                    .map(|token| TickToken::new(token).unwrap()),
            },
            transport: inbox.clone(),
            mailbox: None,
        });
        let app = Arc::new(app.unwrap());
        tokio::spawn(serve(listener, signet::http::router(Arc::clone(&app))));
        Self {
            app,
            address,
            host,
            clock,
            inbox,
            database,
        }
    }

    /// A client of it.
    pub(crate) fn client(&self) -> Client {
        Client::new(self.address, &self.host)
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The name it is asked for.
    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    /// Its database, beside the service.
    pub(crate) fn database(&self) -> &Database {
        &self.database
    }

    /// Lets time pass.
    pub(crate) fn wait(&self, seconds: u64) {
        self.set_forward(seconds);
        self.clock.running.fetch_add(seconds, Ordering::SeqCst);
    }

    /// Sets the clock, though no time has passed.
    pub(crate) fn set_forward(&self, seconds: u64) {
        self.clock.now.fetch_add(seconds, Ordering::SeqCst);
    }

    /// Sets the clock back.
    pub(crate) fn set_back(&self, seconds: u64) {
        self.clock.now.fetch_sub(seconds, Ordering::SeqCst);
    }

    /// Where the mails end up.
    pub(crate) fn inbox(&self) -> &Inbox {
        &self.inbox
    }

    /// The mails to an address so far.
    pub(crate) async fn mails(&self, to: &str) -> Vec<Message> {
        let issuer = &self.app.issuer;
        while issuer.deliver_batch(&*self.inbox).await.unwrap().taken > 0 {}
        self.inbox.messages(to)
    }

    /// The token in the latest mail to an address.
    pub(crate) async fn mailed_token(&self, to: &str) -> String {
        let mails = self.mails(to).await;
        let latest = mails.last().expect("a mail");
        latest.token.clone().expect("a token in the mail")
    }

    /// Makes an account as an operator does, with [`PASSWORD`].
    pub(crate) async fn create_account(&self, email: &str, roles: &[&str]) {
        self.create(email, roles, true).await;
    }

    /// The same, for a mailbox that nobody has proven.
    pub(crate) async fn create_unproven_account(&self, email: &str) {
        self.create(email, &[], false).await;
    }

    /// Invites somebody, as an operator does.
    pub(crate) async fn invite(&self, email: &str) {
        let invitation = Invitation {
            email: EmailAddress::parse(email).unwrap(),
            name: None,
            roles: BTreeSet::new(),
        };
        let issuer = &self.app.issuer;
        issuer.invite_as_operator(invitation).await.unwrap();
    }

    /// Has somebody's hash be one that came along: of the same password, and to be made anew by the
    /// next login.
    pub(crate) async fn outdate_hash(&self, email: &str) {
        let sql = format!(
            "UPDATE accounts SET password_hash = 'imported:' || password_hash
             WHERE email_canonical = '{email}'"
        );
        self.database.run(&sql).await;
    }

    async fn create(&self, email: &str, roles: &[&str], verified: bool) {
        let order = AccountOrder {
            email: EmailAddress::parse(email).unwrap(),
            password: Password::new(Zeroizing::new(PASSWORD.to_owned())).unwrap(),
            roles: roles
                .iter()
                .map(|role| RoleName::parse(role).unwrap())
                .collect(),
            verified,
        };
        self.app
            .issuer
            .create_account_as_operator(order)
            .await
            .unwrap();
    }

    /// A client that is logged in to a new account with these roles.
    pub(crate) async fn member(&self, email: &str, roles: &[&str]) -> Client {
        self.create_account(email, roles).await;
        let mut client = self.client();
        client.log_in(email, PASSWORD).await;
        client
    }
}

/// Lets time pass that a process measures and no clock shows: of this, keys grow old.
pub(crate) async fn pass(seconds: u64) {
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(seconds)).await;
    tokio::time::resume();
}

fn settings(public_url: &str, setting: &Setting) -> Settings {
    Settings {
        issuer: public_url.to_owned(),
        product: "Signet".to_owned(),
        audiences: vec!["agents".to_owned(), "billing".to_owned()],
        clients: vec!["web".to_owned(), "cli".to_owned()],
        access_seconds: setting.access_seconds,
        refresh: RefreshPolicy::default(),
        max_sessions: 20,
        password: PasswordPolicy::default(),
        email_verification: setting.email_verification,
        hashing: setting.hashing,
        hash_pool: setting.hash_pool,
        login_floor: setting.login_floor,
        limits: LimitSettings {
            registration_mails: setting.registration_mails,
            ..LimitSettings::default()
        }
        .scaled(setting.limits_scale),
        links: Links {
            verify: format!("{public_url}/verify"),
            reset: format!("{public_url}/reset"),
            email_change: format!("{public_url}/email-change"),
            invite: format!("{public_url}/invite"),
        },
    }
}

/// What decides by `rules` for those who connect from `proxies`.
fn forward_auth(issuer: &str, rules: &str, proxies: &str) -> forward_auth::Settings {
    let parties = format!("version = 1\nissuer = {issuer:?}\naudience = [\"agents\"]\n");
    forward_auth::Settings {
        policy: Policy::from_toml(&(parties + rules)).unwrap(),
        proxies: vec![proxies.parse().unwrap()],
    }
}

async fn serve(listener: TcpListener, router: axum::Router) {
    loop {
        let (stream, peer) = listener.accept().await.unwrap();
        tokio::spawn(converse(stream, peer, router.clone()));
    }
}

async fn converse(stream: TcpStream, peer: SocketAddr, router: axum::Router) {
    let router = router.layer(axum::Extension(Peer(peer)));
    let service = hyper_util::service::TowerToHyperService::new(router);
    let builder =
        hyper_util::server::conn::auto::Builder::new(hyper_util::rt::TokioExecutor::new());
    let stream = hyper_util::rt::TokioIo::new(stream);
    // A client that leaves in the middle is its own business.
    let _ = builder.serve_connection(stream, service).await;
}

/// A clock that goes only when told to.
#[derive(Debug)]
struct TestClock {
    now: AtomicU64,
    running: AtomicU64,
}

impl Default for TestClock {
    fn default() -> Self {
        Self {
            now: AtomicU64::new(1_800_000_000),
            running: AtomicU64::default(),
        }
    }
}

impl Clock for TestClock {
    fn now(&self) -> UnixTime {
        UnixTime::from_secs(self.now.load(Ordering::SeqCst))
    }

    fn running(&self) -> Duration {
        Duration::from_secs(self.running.load(Ordering::SeqCst))
    }
}
