//! Accounts that came along from another system. `cargo xtask test interop` imports what passlib
//! makes with the command line; here the hashes are known.

use std::time::{Duration, Instant};

use http::StatusCode;
use serde_json::json;
use signet_core::account::AccountStatus;
use signet_core::account::import::{AccountElsewhere, ImportMode, ImportOutcome};
use signet_core::email::EmailAddress;
use signet_core::password::PasswordHash;
use signet_core::password::hasher::Algorithm;
use signet_core::password::pool::PoolSettings;
use signet_core::ports::Credential;
use signet_core::time::UnixTime;

use crate::harness::{OTHER_PASSWORD, PASSWORD, Service, Setting};

const ADA: &str = "ada@example.com";

/// Of [`PASSWORD`], made by passlib 1.7.4, and as the last one by Supabase's kind of bcrypt.
const HASHES: [&str; 6] = [
    "$argon2id$v=19$m=512,t=2,p=2$MDEyMzQ1Njc4OWFiY2RlZg$\
     zLJG+dgNWKcL5eY3A22mBDDzFjmJ2ozTjz+6Xvs+srk",
    "$argon2i$v=19$m=512,t=2,p=2$MDEyMzQ1Njc4OWFiY2RlZg$\
     zneyNgHZcE3rJ7yA+OFRZgdR9SFLBNzNUctgJhJsWio",
    "$argon2d$v=19$m=512,t=2,p=2$MDEyMzQ1Njc4OWFiY2RlZg$\
     RiQO6lRCYBYj61KuTavKb1NzjUA7PdMbe1Jmu9ts7Tg",
    "$pbkdf2-sha256$1000$.//.MzQ1Njc4OWFiY2RlZg$H3uCLmU1Z6.TrZd9FAkJ9lvIK8pPp7FAtTL45u9WAGM",
    "$2b$04$abcdefghijklmnopqrstuu7EJV7kdjBBQxyb0HjTh9KS7.Lah/6CG",
    "$2a$04$abcdefghijklmnopqrstuu7EJV7kdjBBQxyb0HjTh9KS7.Lah/6CG",
];

async fn service() -> Service {
    let setting = Setting {
        limits_scale: 1_000,
        ..Setting::default()
    };
    Service::start_with(setting).await
}

fn elsewhere(email: &str, password: PasswordHash) -> AccountElsewhere {
    AccountElsewhere {
        id: None,
        email: EmailAddress::parse(email).unwrap(),
        email_verified: true,
        name: None,
        password,
        roles: [].into(),
        status: AccountStatus::Active,
        created_at: None,
    }
}

async fn import(service: &Service, account: AccountElsewhere) {
    let issuer = &service.app.issuer;
    let imported = issuer
        .import_accounts_as_operator(vec![account], ImportMode::Keep)
        .await;
    assert_eq!(imported.unwrap(), [ImportOutcome::Imported]);
}

/// The hash in the row.
async fn stored(service: &Service, email: &str) -> String {
    let store = service.database().open().await;
    match store
        .credential(email, UnixTime::from_secs(0))
        .await
        .unwrap()
    {
        Credential::Account { password, .. } => password.expose().to_owned(),
        other => panic!("{other:?}"),
    }
}

async fn refused(service: &Service, email: &str, password: &str, code: &str) {
    let body = json!({ "email": email, "password": password });
    let answer = service.client().post("/v1/login", body).await;
    answer.expect_problem(code);
}

#[tokio::test]
async fn the_first_right_login_makes_a_hash_of_signets_own() {
    let service = service().await;
    for (number, hash) in HASHES.into_iter().enumerate() {
        let email = format!("person{number}@example.com");
        let password = PasswordHash::from_elsewhere(hash).unwrap();
        import(&service, elsewhere(&email, password)).await;
        refused(&service, &email, OTHER_PASSWORD, "invalid_credentials").await;
        assert_eq!(stored(&service, &email).await, format!("imported:{hash}"));
        for _ in 0..2 {
            service.client().log_in(&email, PASSWORD).await;
            let now = stored(&service, &email).await;
            assert!(now.starts_with("$argon2id$v=19$m=64,t=1,p=1$"), "{now}");
        }
        refused(&service, &email, OTHER_PASSWORD, "invalid_credentials").await;
    }
}

/// A service that takes its time for a hash, makes so many at once, and lets others wait.
async fn slow_service(permits: usize) -> Service {
    let setting = Setting {
        hashing: Algorithm::Argon2id {
            memory_kib: 65_536,
            iterations: 2,
            lanes: 1,
        },
        hash_pool: PoolSettings {
            permits,
            queue: 64,
            deadline: Duration::from_secs(60),
        },
        limits_scale: 1_000,
        ..Setting::default()
    };
    Service::start_with(setting).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_proves_a_password_while_its_hash_is_made_anew_is_believed() {
    let service = slow_service(1).await;
    let ada = service.member(ADA, &[]).await;
    let change = json!({ "current_password": PASSWORD, "new_password": OTHER_PASSWORD });
    for (path, password, body, status) in [
        (
            "/v1/reauthenticate",
            PASSWORD,
            json!({ "password": PASSWORD }),
            StatusCode::OK,
        ),
        (
            "/v1/password/change",
            PASSWORD,
            change,
            StatusCode::NO_CONTENT,
        ),
        (
            "/v1/me/erase",
            OTHER_PASSWORD,
            json!({ "password": OTHER_PASSWORD }),
            StatusCode::NO_CONTENT,
        ),
    ] {
        service.outdate_hash(ADA).await;
        let hashes = || service.app.issuer.hashing().load().done;
        let before = hashes();
        let tab = service.client();
        let login = json!({ "email": ADA, "password": password });
        let login = tokio::spawn(async move { tab.post("/v1/login", login).await });
        while hashes() == before {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        // The tab's password was right. While its new hash is made, whoever asks finds the old one;
        // they are checked behind it, and find the new one.
        tokio::time::sleep(Duration::from_millis(5)).await;
        ada.post(path, body).await.expect(status);
        login.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_password_that_is_reset_while_its_hash_is_made_anew_opens_nothing() {
    let service = slow_service(2).await;
    service.create_account(ADA, &[]).await;
    let client = service.client();
    for (old, new) in [(PASSWORD, OTHER_PASSWORD), (OTHER_PASSWORD, PASSWORD)] {
        let forgot = client.post("/v1/password/forgot", json!({ "email": ADA }));
        forgot.await.expect(StatusCode::ACCEPTED);
        let token = service.mailed_token(ADA).await;
        service.outdate_hash(ADA).await;
        let login = json!({ "email": ADA, "password": old });
        let reset = json!({ "token": token, "new_password": new });
        let (login, reset) = tokio::join!(
            client.post("/v1/login", login),
            client.post("/v1/password/reset", reset)
        );
        reset.expect(StatusCode::NO_CONTENT);
        if login.status == StatusCode::OK {
            // It was there first; what it opened is over.
            let mut tab = service.client();
            tab.keep(&login);
            let refreshed = tab.refresh().await;
            refreshed.expect_problem("invalid_refresh_token");
        } else {
            login.expect_problem("invalid_credentials");
        }
        refused(&service, ADA, old, "invalid_credentials").await;
        service.client().log_in(ADA, new).await;
    }
}

#[tokio::test]
async fn a_password_is_checked_as_it_is_typed_until_it_is_normalised() {
    let service = service().await;
    // Of the decomposed spelling, which another system didn't normalise.
    let hash = "$pbkdf2-sha256$1000$MDEyMzQ1Njc4OWFiY2RlZg$\
                DhSsf9KNNf3s1Fyzf7.CxkT5zZNynNsFxG3R6zZIetc";
    let (decomposed, composed) = ("e\u{301}te\u{301} correct horse", "été correct horse");
    let password = PasswordHash::from_elsewhere(hash).unwrap();
    import(&service, elsewhere(ADA, password)).await;
    refused(&service, ADA, composed, "invalid_credentials").await;
    service.client().log_in(ADA, decomposed).await;
    service.client().log_in(ADA, composed).await;
    service.client().log_in(ADA, decomposed).await;
}

#[tokio::test]
async fn an_account_without_a_password_gets_one_by_a_reset() {
    let service = service().await;
    let mut ada = elsewhere(ADA, PasswordHash::none());
    ada.email_verified = false;
    import(&service, ada).await;
    for guess in ["none", "", "imported:none", PASSWORD] {
        refused(&service, ADA, guess, "invalid_credentials").await;
    }
    let client = service.client();
    client
        .post("/v1/password/forgot", json!({ "email": ADA }))
        .await;
    let token = service.mailed_token(ADA).await;
    let body = json!({ "token": token, "new_password": OTHER_PASSWORD });
    client
        .post("/v1/password/reset", body)
        .await
        .expect(StatusCode::NO_CONTENT);
    service.client().log_in(ADA, OTHER_PASSWORD).await;
}

#[tokio::test]
async fn who_was_banned_or_not_confirmed_elsewhere_is_so_here() {
    let service = service().await;
    let hash = || PasswordHash::from_elsewhere(HASHES[4]).unwrap();
    let mut banned = elsewhere(ADA, hash());
    banned.status = AccountStatus::Suspended;
    import(&service, banned).await;
    let mut unconfirmed = elsewhere("bob@example.com", hash());
    unconfirmed.email_verified = false;
    import(&service, unconfirmed).await;
    refused(&service, ADA, PASSWORD, "account_suspended").await;
    refused(&service, "bob@example.com", PASSWORD, "email_not_verified").await;
    for email in [ADA, "bob@example.com"] {
        refused(&service, email, OTHER_PASSWORD, "invalid_credentials").await;
    }
}

#[tokio::test]
async fn a_row_that_asks_for_too_much_is_a_wrong_password() {
    let service = service().await;
    service.create_account(ADA, &[]).await;
    let tail = "c2FsdHNhbHRzYWx0$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let checksum = "A".repeat(43);
    for hash in [
        format!("$argon2id$v=19$m=4294967295,t=4294967295,p=1${tail}"),
        format!("imported:$argon2d$v=19$m=4194304,t=2,p=1${tail}"),
        "imported:$2y$31$abcdefghijklmnopqrstuu7EJV7kdjBBQxyb0HjTh9KS7.Lah/6CG".to_owned(),
        format!("imported:$pbkdf2-sha256$4294967295$c2FsdA${checksum}"),
        "what is this".to_owned(),
        String::new(),
    ] {
        let sql = format!("UPDATE accounts SET password_hash = '{hash}'");
        service.database().run(&sql).await;
        let started = Instant::now();
        refused(&service, ADA, PASSWORD, "invalid_credentials").await;
        assert!(started.elapsed() < Duration::from_secs(2), "{hash}");
    }
}
