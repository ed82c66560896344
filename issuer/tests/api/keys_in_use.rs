//! The keys that a process works with: shared by all that share a database, and never older than ten
//! seconds where something is signed. `SIGNET_PROVE` has replicas rotate more often.

use std::collections::BTreeSet;

use base64ct::{Base64UrlUnpadded, Encoding as _};
use http::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::harness::service::pass;
use crate::harness::{Answer, Client, PASSWORD, Service, Setting};

const ROOT: &str = "root@example.com";
const ADA: &str = "ada@example.com";
/// How long a key is published before it signs, and how long it signs, in seconds.
const PUBLISHED: u64 = 900;
const SIGNS: u64 = 30 * 86_400;

/// Nobody can tell which keys there are.
const HIDE: &str = "ALTER TABLE meta RENAME COLUMN keys_version TO hidden";
const SHOW: &str = "ALTER TABLE meta RENAME COLUMN hidden TO keys_version";

fn setting() -> Setting {
    Setting {
        limits_scale: 1_000,
        ..Setting::production()
    }
}

async fn jwks(client: &Client) -> Answer {
    let answer = client.get("/.well-known/jwks.json").await;
    answer.expect(StatusCode::OK)
}

/// The kid in the head of a client's token.
fn signed_by(client: &Client) -> String {
    let token = client.access_token.as_ref().unwrap();
    let head = Base64UrlUnpadded::decode_vec(token.split('.').next().unwrap()).unwrap();
    let head: Value = serde_json::from_slice(&head).unwrap();
    head["kid"].as_str().unwrap().to_owned()
}

async fn log_in(client: &Client) -> Answer {
    let login = json!({ "email": ADA, "password": PASSWORD });
    client.post("/v1/login", login).await
}

#[tokio::test]
async fn keys_that_can_not_be_read_sign_for_ten_seconds_at_most() {
    let service = Service::start_with(setting()).await;
    let mut ada = service.member(ADA, &[]).await;
    let published = jwks(&ada).await.body;
    service.app.issuer.reread_keys().await;
    service.database().run(HIDE).await;
    pass(2).await;
    ada.refresh().await.expect(StatusCode::OK);
    log_in(&service.client()).await.expect(StatusCode::OK);
    let sessions = service.database().count("sessions").await;

    pass(8).await;
    let feed = "/.well-known/signet-revocations";
    for refused in [
        ada.refresh().await,
        log_in(&service.client()).await,
        service.client().get(feed).await,
        service.client().get("/readyz").await,
    ] {
        refused.expect(StatusCode::SERVICE_UNAVAILABLE);
    }
    assert_eq!(service.database().count("sessions").await, sessions);
    // What only checks goes on.
    assert_eq!(jwks(&ada).await.body, published);
    ada.get("/v1/me").await.expect(StatusCode::OK);

    service.database().run(SHOW).await;
    pass(1).await;
    // With the same token: it was not used up.
    ada.refresh().await.expect(StatusCode::OK);
    log_in(&service.client()).await.expect(StatusCode::OK);
    service.client().get(feed).await.expect(StatusCode::OK);
}

#[tokio::test]
async fn who_has_not_looked_for_ten_seconds_looks_before_it_signs() {
    let first = Service::start_with(setting()).await;
    first.app.issuer.keep_keys().await.unwrap();
    let admin = first.member(ROOT, &["admin"]).await;
    first.create_account(ADA, &[]).await;
    let second = first.beside(setting()).await;
    let stolen = signed_by(&admin);
    let path = format!("/v1/admin/keys/{stolen}");
    let next = admin.delete(&path).await.string("active");

    // Nobody has the second one look, as a process does each second.
    let mut ada = second.client();
    ada.log_in(ADA, PASSWORD).await;
    assert_eq!(signed_by(&ada), stolen);
    pass(10).await;
    ada.refresh().await.expect(StatusCode::OK);
    assert_eq!(signed_by(&ada), next);
    ada.get("/v1/me").await.expect(StatusCode::OK);
    assert_eq!(
        jwks(&ada).await.body,
        jwks(&first.client()).await.body,
        "and serves the other key set"
    );
}

/// What asks for a rotation: time, or somebody.
#[derive(Clone, Copy, Debug)]
enum Cause {
    Time,
    Command,
}

/// Three issuers of one database.
struct Replicas([Service; 3]);

impl Replicas {
    async fn start() -> Self {
        let first = Service::start_with(setting()).await;
        first.create_account(ROOT, &["admin"]).await;
        first.create_account(ADA, &[]).await;
        let second = first.beside(setting()).await;
        let third = first.beside(setting()).await;
        Self([first, second, third])
    }

    /// Has each look which keys there are, as it does once a second.
    async fn look(&self) {
        for replica in &self.0 {
            replica.app.issuer.keep_keys().await.unwrap();
        }
    }

    /// Somebody who has logged in at each.
    async fn log_in(&self, email: &str) -> Vec<Client> {
        let mut clients = Vec::new();
        for replica in &self.0 {
            let mut client = replica.client();
            client.log_in(email, PASSWORD).await;
            clients.push(client);
        }
        clients
    }

    /// Shows each client's token to every replica.
    async fn check(&self, clients: &[Client]) {
        for client in clients {
            for replica in &self.0 {
                let mut there = replica.client();
                there.access_token.clone_from(&client.access_token);
                there.get("/v1/me").await.expect(StatusCode::OK);
            }
        }
    }

    /// Asks all of them for a rotation at once, several times each; answers how many were done.
    async fn rotate(&self, cause: Cause, admins: &[Client]) -> u64 {
        let mut asked = JoinSet::new();
        for (replica, admin) in self.0.iter().zip(admins).cycle().take(24) {
            let (app, admin) = (replica.app.clone(), admin.clone());
            asked.spawn(async move {
                match cause {
                    Cause::Time => app.issuer.keep_keys().await.unwrap(),
                    Cause::Command => rotated_by(&admin).await,
                }
            });
        }
        asked.join_all().await.into_iter().sum()
    }
}

/// One, or none where somebody else was faster.
async fn rotated_by(admin: &Client) -> u64 {
    let rotate = admin.call(Method::POST, "/v1/admin/keys/rotate");
    let answer = rotate.send().await;
    if answer.status == StatusCode::OK {
        return 1;
    }
    answer.expect_problem("conflict");
    0
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_rotations_at_three_replicas_at_once_one_is_done_and_nobody_is_refused() {
    let replicas = Replicas::start().await;
    let rounds = match std::env::var_os("SIGNET_PROVE") {
        Some(_) => 100,
        None => 4,
    };
    let mut seen = BTreeSet::new();
    for round in 0..rounds {
        let cause = match round % 2 {
            0 => Cause::Time,
            _ => Cause::Command,
        };
        // The next key is published, and every replica knows it.
        replicas.look().await;
        replicas.look().await;
        replicas.0[0].wait(match cause {
            Cause::Time => SIGNS,
            Cause::Command => PUBLISHED,
        });
        let before = replicas.log_in(ADA).await;
        let admins = replicas.log_in(ROOT).await;
        let old = signed_by(&before[0]);
        seen.insert(old.clone());

        let (rotated, ()) = tokio::join!(replicas.rotate(cause, &admins), replicas.check(&before),);
        assert_eq!(rotated, 1, "{cause:?}");
        replicas.look().await;

        let after = replicas.log_in(ADA).await;
        let new: BTreeSet<_> = after.iter().map(signed_by).collect();
        assert_eq!(new.len(), 1, "everybody signs with one key");
        assert!(new.is_disjoint(&seen), "which is another one");
        let published = jwks(&after[0]).await.body;
        for client in &after {
            assert_eq!(jwks(client).await.body, published);
        }
        replicas.check(&before).await;
        replicas.check(&after).await;
    }
    println!(
        "proved: {rounds} rotations, each asked for 24 times by three replicas, done once each"
    );
}
