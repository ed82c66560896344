//! A walk over everything that anybody may ask, in any order and with whatever comes to hand. A
//! stranger who reads a few mailboxes, and none of the others, changes nobody else's password, nothing
//! else of their account, and ends none of their sessions.
//!
//! Each step asks an operation of the document that needs no session, from another address, with a
//! body after its schema: addresses of everybody, tokens that are live, used, void, expired, spoilt or
//! for something else, secrets of other registrations. What is answered, and what is mailed to the
//! stranger, is used in later steps. `SIGNET_PROVE` makes it 100,000 steps.
//!
//! How they choose is [`crate::harness::stranger`]'s.

use std::sync::Arc;

use http::StatusCode;
use serde_json::json;
use signet_core::account::{Account, EmailVerification};
use signet_core::password::PasswordHash;
use signet_core::ports::{self, Credential};
use signet_core::time::UnixTime;

use crate::harness::everybody::{ACTIVE, ADMIN, INVITED, PENDING, SUSPENDED, UNKNOWN, UNPROVEN};
use crate::harness::stranger::Stranger;
use crate::harness::{Client, OTHER_PASSWORD, PASSWORD, Service, Setting};

/// How many steps are walked before everybody is looked at.
const STRIDE: usize = 100;

/// Those who are to stay what they are. Nobody has the last address.
const OTHERS: [&str; 7] = [
    ACTIVE, ADMIN, SUSPENDED, UNPROVEN, INVITED, PENDING, UNKNOWN,
];

fn steps() -> usize {
    match std::env::var_os("SIGNET_PROVE") {
        Some(_) => 50_000,
        None => 600,
    }
}

#[tokio::test]
async fn nothing_that_anybody_may_ask_changes_what_is_somebody_elses() {
    for (email_verification, others) in [
        (EmailVerification::Required, &OTHERS[..]),
        // Where an account is there at once, whoever registers a free address has one.
        (EmailVerification::Optional, &OTHERS[..6]),
    ] {
        let setting = Setting {
            email_verification,
            limits_scale: 1_000_000,
            ..Setting::behind_a_proxy()
        };
        let service = Service::with_everybody(setting).await;
        let mut stranger = Stranger::new(tokens_of_others(&service).await);
        let mut others = Others::of(&service, others).await;
        for step in 0..steps() {
            if step % STRIDE == 0 {
                stranger.settle_in(&service, step).await;
                others.are_as_they_were(&stranger).await;
                stranger.walked.clear();
            }
            service.wait(u64::from(stranger.dice.one_in(2)));
            stranger.step(&service).await;
        }
        others.are_as_they_were(&stranger).await;
        stranger.got_somewhere();
        others.would_show_a_reset(&service).await;
        println!(
            "proved: {} steps over {} operations that anybody may ask changed nothing of others \
             ({email_verification:?})",
            steps(),
            stranger.done.len()
        );
    }
}

/// Tokens that were mailed to others: void, used and expired ones; and two that are good, and need a
/// password or a secret of a registration beside them.
async fn tokens_of_others(service: &Service) -> Vec<String> {
    let client = service.client();
    let ask = async |path: &'static str, email: &str| {
        let asked = client.post(path, json!({ "email": email })).await;
        asked.expect(StatusCode::ACCEPTED);
    };
    let mut tokens = vec![
        service.mailed_token(PENDING).await,
        service.mailed_token(INVITED).await,
    ];
    service.invite(INVITED).await;
    ask("/v1/email/verify/resend", UNPROVEN).await;
    tokens.push(service.mailed_token(UNPROVEN).await);
    // The reset takes what was asked for before back.
    let mut owner = service.client();
    owner.log_in(ACTIVE, PASSWORD).await;
    let body = json!({ "new_email": "elsewhere@example.com", "password": PASSWORD });
    let asked = owner.post("/v1/me/email", body).await;
    asked.expect(StatusCode::ACCEPTED);
    tokens.push(service.mailed_token("elsewhere@example.com").await);
    for _ in 0..2 {
        ask("/v1/password/forgot", ACTIVE).await;
        tokens.push(service.mailed_token(ACTIVE).await);
    }
    let body = json!({ "token": tokens.last(), "new_password": PASSWORD });
    let reset = client.post("/v1/password/reset", body).await;
    reset.expect(StatusCode::NO_CONTENT);
    ask("/v1/password/forgot", ACTIVE).await;
    tokens.push(service.mailed_token(ACTIVE).await);
    service.wait(3_600);
    tokens
}

/// Everybody but the stranger, as they were before the walk.
struct Others {
    store: Arc<dyn ports::Store>,
    accounts: Vec<(&'static str, Standing)>,
    sessions: Vec<Client>,
}

/// An account with its password, if there is one.
type Standing = Option<(Account, PasswordHash)>;

impl Others {
    async fn of(service: &Service, emails: &[&'static str]) -> Self {
        let mut sessions = Vec::new();
        for email in [ACTIVE, ACTIVE, ADMIN] {
            let mut client = service.client();
            client.log_in(email, PASSWORD).await;
            sessions.push(client);
        }
        let store = service.database().open().await;
        let mut accounts = Vec::new();
        for email in emails {
            accounts.push((*email, standing(&*store, email).await));
        }
        Self {
            store,
            accounts,
            sessions,
        }
    }

    async fn are_as_they_were(&mut self, stranger: &Stranger) {
        if let Some(difference) = self.difference().await {
            let (seed, walked) = (stranger.seed, stranger.walked.join("\n"));
            panic!("{difference}, somewhere in these steps (from {seed}):\n{walked}");
        }
    }

    async fn difference(&mut self) -> Option<String> {
        for (email, before) in &self.accounts {
            if standing(&*self.store, email).await != *before {
                return Some(format!("the account of {email} is another"));
            }
        }
        for session in &mut self.sessions {
            if session.refresh().await.status != StatusCode::OK {
                return Some("a session is over".to_owned());
            }
        }
        None
    }

    /// Whoever reads the mailbox does change the password, which shows.
    async fn would_show_a_reset(&mut self, service: &Service) {
        let client = service.client();
        service.mails(ACTIVE).await;
        let forgot = client.post("/v1/password/forgot", json!({ "email": ACTIVE }));
        forgot.await.expect(StatusCode::ACCEPTED);
        let token = service.mailed_token(ACTIVE).await;
        let body = json!({ "token": token, "new_password": OTHER_PASSWORD });
        let reset = client.post("/v1/password/reset", body).await;
        reset.expect(StatusCode::NO_CONTENT);
        assert!(self.difference().await.is_some());
        self.accounts.clear();
        assert!(self.difference().await.is_some());
    }
}

async fn standing(store: &dyn ports::Store, email: &str) -> Standing {
    let credential = store.credential(email, UnixTime::from_secs(0)).await;
    match credential.unwrap() {
        Credential::Account { account, password } => Some((*account, password)),
        // Anybody may register what nobody has proven.
        Credential::Pending { .. } | Credential::Unknown => None,
    }
}
