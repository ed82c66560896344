//! From the keys to what the parts of the program take, and the rules between keys. The most
//! important one is what local mode is.

mod forward_auth;
mod operations;
mod password;
mod tick;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::num::NonZero;
use std::time::Duration;

use lettre::Address;
use lettre::message::Mailbox;
use signet_core::account;
use signet_core::issuer::{LimitSettings, Settings};
use signet_core::mail::letter::Links;
use signet_core::password::hasher;
use signet_core::password::pool::PoolSettings;
use signet_core::session::RefreshPolicy;
use signet_core::session::floor::ResponseFloor;
use signet_core::signing::seal::MasterKeys;
use url::{Host, Url};

use super::fault::Faults;
use super::keys::{Found, Optional, Values};
use super::master_key::{self, MasterKeySource};
use super::setting::{Algorithm, EmailVerification, Page, PublicUrl, SessionsIn};
use super::source::Sources;
use super::{Config, LogSettings, MailSettings, Mode, SmtpSettings};
use crate::http::app;
use crate::http::client::Proxies;
use crate::mail::smtp::{Security, Server};

/// Where the issuer listens if nobody says otherwise.
const LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8080);
/// What it calls itself.
const PRODUCT: &str = "Signet";
/// How many passwords may wait for their hash, for each that is being hashed.
const QUEUE: usize = 32;
/// How long a password may wait for its hash.
const HASH_DEADLINE: Duration = Duration::from_secs(2);

const DAY: u64 = 86_400;

/// Puts a configuration together. It is one only if no fault was found.
pub(super) fn assemble(values: &Values, sources: &Sources, faults: &mut Faults) -> Option<Config> {
    let listen = listen(values, sources, faults);
    let place = Place::find(values, sources, listen, faults);
    let operations = operations::settings(values, listen, faults);
    let public_url = place.public_url.clone();
    let smtp = smtp(values, &place, faults);
    let master_key = master_key(values, &place, faults);
    let links = links(values, &place, faults);
    let forward_auth = forward_auth::settings(values, place.public_url.as_ref(), faults);
    let tick_token = tick::token(values, faults);
    check_ages(values, faults);
    password::check_work(hashing(values), values, faults);
    let password_policy = password::policy(values, faults);
    check_sessions(values, faults);
    let limits = LimitSettings::default().scaled(values.limits_scale.value.0);
    let issuer = Settings {
        issuer: public_url.as_ref()?.origin().ascii_serialization(),
        product: PRODUCT.to_owned(),
        audiences: values.tokens_audiences.value.0.clone(),
        clients: values.tokens_clients.value.0.clone(),
        access_seconds: values.tokens_access_seconds.value.0.into(),
        refresh: refresh(values),
        max_sessions: values.sessions_max_per_account.value.0,
        password: password_policy,
        email_verification: email_verification(values),
        hashing: hashing(values),
        hash_pool: hash_pool(values),
        login_floor: login_floor(values),
        limits,
        links: links?,
    };
    let http = app::Settings {
        public_url: public_url?,
        local_port: (place.mode? == Mode::Local)
            .then(|| listen.map(|at| at.port()))
            .flatten(),
        proxies: proxies(values),
        cors_origins: values.cors_origins.value.allowed.clone(),
        limits_scale: values.limits_scale.value.0,
        forward_auth,
        tick_token,
    };
    Some(Config {
        mode: place.mode?,
        listen: listen?,
        operations,
        database: values.database_url.value.clone(),
        redis: values.redis_url.found().map(|found| found.value.0.clone()),
        sessions: values.sessions_store.value,
        master_key: master_key?,
        issuer,
        http,
        mail: smtp?,
        log: LogSettings {
            format: values.log_format.found().map(|found| found.value),
            level: values.log_level.value,
        },
    })
}

/// Sessions on Redis need one.
fn check_sessions(values: &Values, faults: &mut Faults) {
    let store = &values.sessions_store;
    if store.value == SessionsIn::Redis && values.redis_url.is_unset() {
        let problem = "is redis, and there is none";
        let hint = "set redis_url, or leave sessions in the database";
        faults.add("sessions.store", Some(&store.origin), problem, hint);
    }
}

/// The listener's address; `None` where what was said can't be read.
fn listen(values: &Values, sources: &Sources, faults: &mut Faults) -> Option<SocketAddr> {
    match (&values.listen, sources.variable("PORT")) {
        (Optional::Set(found), _) => Some(found.value),
        (Optional::Unreadable, _) => None,
        (Optional::Unset, None) => Some(LISTEN),
        (Optional::Unset, Some(port)) => {
            let port = port
                .to_str()
                .and_then(|text| text.parse::<NonZero<u16>>().ok());
            if port.is_none() {
                let problem = "follows from PORT, which is no port";
                let hint = "give PORT a number from 1 to 65535, unset it, or set listen";
                faults.add("listen", None, problem, hint);
            }
            port.map(|port| (Ipv4Addr::UNSPECIFIED, port.get()).into())
        }
    }
}

/// Where the issuer is: on somebody's own machine, or out there.
struct Place {
    /// `None` where what was said can't be read.
    mode: Option<Mode>,
    public_url: Option<Url>,
    /// Why this isn't local mode, for whoever thought it was.
    reason: String,
}

impl Place {
    /// Local mode needs a loopback listener *and* a loopback public URL *and* no `PORT`. Whatever
    /// isn't that is production, and has to say where it is.
    fn find(
        values: &Values,
        sources: &Sources,
        listen: Option<SocketAddr>,
        faults: &mut Faults,
    ) -> Self {
        let given = values.public_url.found();
        let reason = reason_against_local_mode(given, sources, listen);
        let is_known = listen.is_some() && (given.is_some() || values.public_url.is_unset());
        let mode = match reason {
            Some(_) => Some(Mode::Production),
            None if is_known => Some(Mode::Local),
            None => None,
        };
        let own = listen.and_then(|listen| Url::parse(&format!("http://{listen}")).ok());
        let public_url = match (given, mode) {
            (Some(found), _) => Some(found.value.0.clone()),
            (None, Some(Mode::Local)) => own,
            (None, Some(Mode::Production) | None) => None,
        };
        let place = Self {
            mode,
            public_url,
            reason: reason.unwrap_or_default(),
        };
        place.check(values, faults);
        place
    }

    fn check(&self, values: &Values, faults: &mut Faults) {
        if self.mode != Some(Mode::Production) {
            return;
        }
        let hint = "give the https address that browsers use, such as https://auth.example.com";
        match &values.public_url {
            Optional::Unset => self.must_be_set("public_url", hint, faults),
            Optional::Set(found) if found.value.0.scheme() != "https" => {
                let problem = format!("is not https, and {}", self.reason);
                faults.add("public_url", Some(&found.origin), problem, hint);
            }
            Optional::Set(_) | Optional::Unreadable => {}
        }
    }

    fn must_be_set(&self, key: &str, hint: &str, faults: &mut Faults) {
        faults.add(
            key,
            None,
            format!("must be set, since {}", self.reason),
            hint,
        );
    }
}

fn reason_against_local_mode(
    public_url: Option<&Found<PublicUrl>>,
    sources: &Sources,
    listen: Option<SocketAddr>,
) -> Option<String> {
    let mut reasons = Vec::new();
    if sources.variable("PORT").is_some() {
        reasons.push("PORT is set".to_owned());
    }
    if let Some(listen) = listen.filter(|listen| !listen.ip().is_loopback()) {
        reasons.push(format!("listen is {listen}"));
    }
    if let Some(found) = public_url.filter(|found| !is_loopback(&found.value.0)) {
        reasons.push(format!(
            "public_url is {}",
            found.value.0.origin().ascii_serialization()
        ));
    }
    let reasons = reasons.join(" and ");
    (!reasons.is_empty()).then(|| format!("this is not local mode: {reasons}"))
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(domain)) => domain == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

fn master_key(values: &Values, place: &Place, faults: &mut Faults) -> Option<MasterKeySource> {
    let previous = values
        .master_key_previous
        .found()
        .map(|found| found.value.0.clone());
    let current = match (&values.master_key, &values.master_key_file) {
        (Optional::Set(key), Optional::Unset) => Some(key.value.0.clone()),
        (Optional::Unset, Optional::Set(file)) => match master_key::read_file(&file.value.0) {
            Ok(key) => Some(key),
            Err(refusal) => {
                let hint = refusal.hint.unwrap_or_default();
                faults.add("master_key_file", Some(&file.origin), refusal.problem, hint);
                None
            }
        },
        (Optional::Unset, Optional::Unset) => match place.mode {
            Some(Mode::Local) => {
                let path = master_key::beside(&values.database_url.value);
                return Some(MasterKeySource::LocalFile { path, previous });
            }
            Some(Mode::Production) => {
                let hint = "set it, or master_key_file, to 32 random bytes in base64url: \
                            `openssl rand -base64 32 | tr '+/' '-_' | tr -d '='`";
                place.must_be_set("master_key", hint, faults);
                None
            }
            None => None,
        },
        (_, Optional::Set(file)) => {
            let problem = "is set, and so is master_key";
            faults.add(
                "master_key_file",
                Some(&file.origin),
                problem,
                "set one of them",
            );
            None
        }
        (Optional::Unreadable, _) | (_, Optional::Unreadable) => None,
    }?;
    Some(MasterKeySource::Given(MasterKeys::new(current, previous)))
}

fn smtp(values: &Values, place: &Place, faults: &mut Faults) -> Option<MailSettings> {
    let url = match (&values.smtp_url, place.mode?) {
        (Optional::Set(found), _) => &found.value,
        (Optional::Unset, Mode::Local) => return Some(MailSettings::Mailbox),
        (Optional::Unset, Mode::Production) => {
            let hint = "give the mail server, such as smtps://USER:PASSWORD@mail.example.com";
            place.must_be_set("smtp_url", hint, faults);
            return None;
        }
        (Optional::Unreadable, _) => return None,
    };
    let is_here = url.host == "localhost"
        || url
            .host
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback());
    let security = match (url.implicit_tls, place.mode?) {
        (true, _) => Security::Implicit,
        (false, Mode::Local) if is_here => Security::Plain,
        (false, Mode::Local | Mode::Production) => Security::StartTls,
    };
    let public_url = place.public_url.as_ref()?;
    let from = match &values.mail_from {
        Optional::Set(found) => found.value.0.clone(),
        Optional::Unset => sender_at(public_url, faults)?,
        Optional::Unreadable => return None,
    };
    Some(MailSettings::Smtp(SmtpSettings {
        server: Server {
            host: url.host.clone(),
            port: url.port,
            security,
            credentials: url.credentials.clone(),
        },
        from,
        hello: public_url.host_str().unwrap_or("localhost").to_owned(),
    }))
}

/// Whom mail is from if nobody says so.
fn sender_at(public_url: &Url, faults: &mut Faults) -> Option<Mailbox> {
    let host = match public_url.host() {
        Some(Host::Domain(domain)) => domain,
        Some(Host::Ipv4(_) | Host::Ipv6(_)) | None => "localhost",
    };
    match Address::new("no-reply", host) {
        Ok(address) => Some(Mailbox::new(Some(PRODUCT.to_owned()), address)),
        Err(_) => {
            let problem = format!("must be set: {host} can't receive mail");
            faults.add(
                "mail_from",
                None,
                problem,
                "give the address that mail is from",
            );
            None
        }
    }
}

fn links(values: &Values, place: &Place, faults: &mut Faults) -> Option<Links> {
    let mut page = |key: &str, given: &Optional<Page>, path: &str| match given {
        Optional::Set(found) => {
            let is_plain = found.value.0.scheme() != "https";
            if is_plain && place.mode == Some(Mode::Production) {
                let problem = format!("is not https, and {}", place.reason);
                let hint = "give an https address: whoever reads the link can use its token";
                faults.add(key, Some(&found.origin), problem, hint);
            }
            Some(found.value.0.to_string())
        }
        Optional::Unset => {
            let origin = place.public_url.as_ref()?.origin().ascii_serialization();
            Some(format!("{origin}{path}"))
        }
        Optional::Unreadable => None,
    };
    let verify = page("links.verify", &values.links_verify, "/verify");
    let reset = page("links.reset", &values.links_reset, "/reset");
    let email_change = page(
        "links.email_change",
        &values.links_email_change,
        "/email-change",
    );
    let invite = page("links.invite", &values.links_invite, "/invite");
    Some(Links {
        verify: verify?,
        reset: reset?,
        email_change: email_change?,
        invite: invite?,
    })
}

fn check_ages(values: &Values, faults: &mut Faults) {
    let (idle, absolute) = (&values.refresh_idle_days, &values.refresh_absolute_days);
    if idle.value.0 > absolute.value.0 {
        let problem = format!(
            "is {}, more than refresh.absolute_days, which is {}",
            idle.value.0, absolute.value.0
        );
        let hint = "a session can't be idle for longer than it lives";
        faults.add("refresh.idle_days", Some(&idle.origin), problem, hint);
    }
}

fn refresh(values: &Values) -> RefreshPolicy {
    let days = |days: u32| u64::from(days).saturating_mul(DAY);
    RefreshPolicy {
        grace: values.refresh_grace_seconds.value.0.into(),
        idle: days(values.refresh_idle_days.value.0),
        absolute: days(values.refresh_absolute_days.value.0),
    }
}

fn email_verification(values: &Values) -> account::EmailVerification {
    match values.registration_email_verification.value {
        EmailVerification::Required => account::EmailVerification::Required,
        EmailVerification::Optional => account::EmailVerification::Optional,
    }
}

fn hashing(values: &Values) -> hasher::Algorithm {
    match values.password_algorithm.value {
        Algorithm::Argon2id => hasher::Algorithm::Argon2id {
            memory_kib: values.password_memory_kib.value.0,
            iterations: values.password_iterations.value.0,
            lanes: 1,
        },
        Algorithm::Bcrypt => hasher::Algorithm::Bcrypt {
            cost: values.password_bcrypt_cost.value.0,
        },
    }
}

fn login_floor(values: &Values) -> ResponseFloor {
    ResponseFloor {
        least: Duration::from_millis(values.password_floor_ms.value.0.into()),
        ..ResponseFloor::default()
    }
}

fn hash_pool(values: &Values) -> PoolSettings {
    let given = values.password_concurrency.found();
    let given = given.and_then(|found| usize::try_from(found.value.0).ok());
    let cores = || std::thread::available_parallelism().map_or(1, NonZero::get);
    let permits = given.unwrap_or_else(cores);
    PoolSettings {
        permits,
        queue: permits.saturating_mul(QUEUE),
        deadline: HASH_DEADLINE,
    }
}

fn proxies(values: &Values) -> Proxies {
    Proxies {
        trusted_hops: usize::try_from(values.proxy_trusted_hops.value.0).unwrap_or(0),
        networks: values.proxy_networks.value.0.clone(),
    }
}
