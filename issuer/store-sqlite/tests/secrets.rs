//! What was secret once stands nowhere in the files: not in a table, not in the write-ahead log,
//! not in a page that is no longer used.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that can't go on should stop"
)]

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use signet_core::account::EmailVerification;
use signet_core::account::register::{Registration, Verification};
use signet_core::audit::Origin;
use signet_core::email::EmailAddress;
use signet_core::issuer::{Issuer, LimitSettings, Parts, Settings, TokenRequest};
use signet_core::limit::in_process::InProcessLimiter;
use signet_core::mail::letter::Links;
use signet_core::mail::{DeliveryError, MailTransport, Message};
use signet_core::password::Password;
use signet_core::password::hasher::Algorithm;
use signet_core::password::policy::PasswordPolicy;
use signet_core::password::pool::PoolSettings;
use signet_core::secret::{OperatingSystem, Randomness, SecretBytes};
use signet_core::session::RefreshPolicy;
use signet_core::session::floor::ResponseFloor;
use signet_core::session::login::Login;
use signet_core::session::refresh_token::UntrustedRefreshToken;
use signet_core::signing::in_use::OpenKeys;
use signet_core::signing::seal::{MasterKey, MasterKeys};
use signet_core::testing::world::NOW;
use signet_core::time::{Clock, UnixTime};
use signet_store_sqlite::SqliteStore;
use uuid::Uuid;

const MASTER_KEY: [u8; 32] = *b"master key canary 0123456789abcd";
const PASSWORD: &str = "first password canary";
const NEW_PASSWORD: &str = "second password canary";

struct Standing;

impl Clock for Standing {
    fn now(&self) -> UnixTime {
        NOW
    }

    fn running(&self) -> Duration {
        Duration::ZERO
    }
}

/// Keeps what it is given, as a person reads it.
#[derive(Default)]
struct Reader(Mutex<Vec<Message>>);

#[async_trait]
impl MailTransport for Reader {
    async fn deliver(&self, _: Uuid, _: UnixTime, message: &Message) -> Result<(), DeliveryError> {
        self.0.lock().unwrap().push(message.clone());
        Ok(())
    }
}

/// Hands out randomness and remembers all of it.
#[derive(Default)]
struct Remembering(Mutex<Vec<Vec<u8>>>);

impl Randomness for Remembering {
    fn fill(&self, bytes: &mut [u8]) {
        OperatingSystem.fill(bytes);
        self.0.lock().unwrap().push(bytes.to_vec());
    }
}

fn settings() -> Settings {
    Settings {
        issuer: "https://signet.example".to_owned(),
        product: "Signet".to_owned(),
        audiences: vec!["https://api.example".to_owned()],
        clients: vec!["web".to_owned()],
        access_seconds: 300,
        refresh: RefreshPolicy::default(),
        max_sessions: 20,
        password: PasswordPolicy::default(),
        email_verification: EmailVerification::Required,
        hashing: Algorithm::Argon2id {
            memory_kib: 64,
            iterations: 1,
            lanes: 1,
        },
        hash_pool: PoolSettings {
            permits: 2,
            queue: 8,
            deadline: Duration::from_secs(5),
        },
        login_floor: ResponseFloor::NONE,
        limits: LimitSettings::default(),
        links: Links {
            verify: "https://signet.example/verify".to_owned(),
            reset: "https://signet.example/reset".to_owned(),
            email_change: "https://auth.example.com/email-change".to_owned(),
            invite: "https://signet.example/invite".to_owned(),
        },
    }
}

fn password(text: &str) -> Password {
    Password::new(text.to_owned().into()).unwrap()
}

/// The token in the newest message.
async fn mailed(issuer: &Issuer, reader: &Reader) -> String {
    while issuer.deliver_batch(reader).await.unwrap().taken > 0 {}
    let messages = reader.0.lock().unwrap();
    messages.last().unwrap().token.clone().unwrap()
}

/// Lives through registration, login, refresh and reset; answers every secret of it.
async fn live(issuer: &Issuer) -> Vec<String> {
    let (origin, reader) = (Origin::default(), Reader::default());
    let request = TokenRequest::default;
    let email = EmailAddress::parse("ada@example.com").unwrap();
    let registration = Registration {
        email: email.clone(),
        password: password(PASSWORD),
        name: None,
    };
    let secret = issuer.register(&origin, registration).await.unwrap();
    let secret = secret.reveal();
    let verify_token = mailed(issuer, &reader).await;
    let verification = Verification {
        token: verify_token.clone().into(),
        registration: Some(secret.clone()),
        password: None,
    };
    issuer.verify_email(&origin, verification).await.unwrap();
    let login = Login {
        email: email.clone(),
        password: password(PASSWORD),
        device: None,
        request: request(),
    };
    let logged_in = issuer.login(&origin, login).await.unwrap();
    let first = logged_in.tokens;
    let presented = UntrustedRefreshToken::new(first.refresh_token.to_string());
    let refreshed = issuer.refresh(&origin, &presented, &request()).await;
    let refreshed = refreshed.unwrap();
    issuer.forgot_password(&origin, &email).await.unwrap();
    let reset_token = mailed(issuer, &reader).await;
    let (token, new) = (reset_token.clone().into(), password(NEW_PASSWORD));
    issuer.reset_password(&origin, token, new).await.unwrap();
    let messages = reader.0.lock().unwrap();
    let letters = messages.iter().map(|message| message.text.clone());
    let mut secrets: Vec<String> = letters.collect();
    secrets.extend([
        PASSWORD.to_owned(),
        NEW_PASSWORD.to_owned(),
        secret.to_string(),
        verify_token,
        reset_token,
        first.access_token.to_string(),
        first.refresh_token.to_string(),
        refreshed.access_token.to_string(),
        refreshed.refresh_token.to_string(),
        logged_in.device.to_string(),
    ]);
    secrets
}

/// All bytes of the database and of the files beside it.
fn bytes(folder: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        bytes.extend(std::fs::read(entry.unwrap().path()).unwrap());
    }
    bytes
}

fn contains(bytes: &[u8], secret: &[u8]) -> bool {
    bytes.windows(secret.len()).any(|window| window == secret)
}

#[tokio::test]
async fn no_secret_stands_in_the_files() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&folder.path().join("signet.db")).await;
    let store = store.unwrap();
    let randomness = Arc::new(Remembering::default());
    let master_keys = MasterKeys::new(MasterKey::new(SecretBytes::new(MASTER_KEY)), None);
    let keys = OpenKeys::unlock(&store, Standing.now(), &master_keys, &*randomness).await;
    let parts = Parts {
        store: Arc::new(store.clone()),
        sessions: Arc::new(store.clone()),
        limiter: Arc::new(InProcessLimiter::default()),
        clock: Arc::new(Standing),
        randomness: randomness.clone(),
        master_keys,
        keys: keys.unwrap(),
        settings: settings(),
    };
    let issuer = Issuer::start(parts).unwrap();
    let secrets = live(&issuer).await;

    let written = bytes(folder.path());
    assert!(contains(&written, b"ada@example.com"), "this does look");
    for secret in &secrets {
        assert!(!contains(&written, secret.as_bytes()), "{secret}");
    }
    assert!(!contains(&written, &MASTER_KEY));
    let all = randomness.0.lock().unwrap().clone();
    // Seeds, MAC keys, mailed tokens and registration secrets have 32 bytes; ids, nonces and salts,
    // which are kept as they are, have not.
    let keys: Vec<_> = all.iter().filter(|random| random.len() == 32).collect();
    assert!(keys.len() >= 5, "{}", keys.len());
    for key in keys {
        assert!(!contains(&written, key), "32 random bytes are in the file");
    }

    store.close().await;
    let closed: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(closed.len(), 1, "closing leaves one file, without a log");
}
