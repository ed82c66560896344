//! The revocation feed, read by the verifier as any gate does. `SIGNET_PROVE` ends the sessions of
//! more people.

use std::sync::Arc;

use base64ct::{Base64UrlUnpadded, Encoding as _};
use http::{Method, StatusCode};
use serde_json::{Value, json};
use signet_verifier::revocation::{Applied, Prefix};
use signet_verifier::{KeyId, KeySet, Revocations};

use crate::harness::{Answer, Client, OTHER_PASSWORD, PASSWORD, Service, Setting};

const FEED: &str = "/.well-known/signet-revocations";
const ADA: &str = "ada@example.com";

/// A gate that polls.
struct Edge {
    client: Client,
    keys: KeySet,
    issuer: String,
    known: Revocations,
    tag: String,
}

impl Edge {
    async fn of(service: &Service, issuer: &str) -> Self {
        let client = service.client();
        let keys = client.get("/.well-known/jwks.json").await;
        let keys = KeySet::from_jwks(&keys.expect(StatusCode::OK).body);
        let mut edge = Self {
            client,
            keys: keys.unwrap().key_set,
            issuer: issuer.to_owned(),
            known: Revocations::default(),
            tag: String::new(),
        };
        edge.poll(service).await;
        edge
    }

    async fn at(service: &Service) -> Self {
        Self::of(service, &format!("http://{}", service.host())).await
    }

    fn question(&self) -> String {
        match self.known.position() {
            Some((epoch, seq)) => format!("{FEED}?since={epoch}.{seq}"),
            None => FEED.to_owned(),
        }
    }

    async fn ask(&self) -> Answer {
        let question = self.question();
        let call = self.client.call(Method::GET, &question);
        call.header("if-none-match", &self.tag).send().await
    }

    /// Fetches as a refresher does, and takes what comes.
    async fn poll(&mut self, service: &Service) -> Option<Applied> {
        let answer = self.ask().await;
        if answer.status == StatusCode::NOT_MODIFIED {
            assert_eq!(answer.header("etag"), self.tag);
            return None;
        }
        let answer = answer.expect(StatusCode::OK);
        let (now, issuer) = (service.app.issuer.now(), self.issuer.as_str());
        let applied = self.known.apply(&answer.body, &self.keys, issuer, 0, now);
        self.tag = answer.header("etag").to_owned();
        assert!(self.known.is_fresh(now));
        Some(applied.unwrap())
    }

    fn revokes(&self, token: &str) -> bool {
        let claims = part(token, 1);
        let kid = part(token, 0)["kid"].as_str().unwrap().to_owned();
        self.known.revokes(
            &KeyId::parse(&kid).unwrap(),
            &Prefix::of(claims["sid"].as_str().unwrap()),
            &Prefix::of(claims["sub"].as_str().unwrap()),
            claims["ver"].as_u64().unwrap(),
        )
    }
}

/// The header or the claims of a token.
fn part(token: &str, number: usize) -> Value {
    let part = token.split('.').nth(number).unwrap();
    serde_json::from_slice(&Base64UrlUnpadded::decode_vec(part).unwrap()).unwrap()
}

fn token(client: &Client) -> String {
    client.access_token.clone().unwrap()
}

#[tokio::test]
async fn what_ends_is_in_the_feed_with_the_answer() {
    let service = Service::start_with(Setting {
        limits_scale: 100,
        ..Setting::default()
    })
    .await;
    let mut root = service.member("root@example.com", &["admin"]).await;
    let bob = service.member("bob@example.com", &[]).await;
    let mut ada = service.member(ADA, &[]).await;
    let id = ada.get("/v1/me").await.string("id");
    let mut edge = Edge::at(&service).await;

    let mut other = service.client();
    other.log_in(ADA, PASSWORD).await;
    let session = part(&token(&other), 1)["sid"].as_str().unwrap().to_owned();
    ada.delete(&format!("/v1/sessions/{session}"))
        .await
        .expect(StatusCode::NO_CONTENT);
    assert_eq!(edge.poll(&service).await, Some(Applied::Changed));
    assert!(edge.revokes(&token(&other)) && !edge.revokes(&token(&ada)));

    other.log_in(ADA, PASSWORD).await;
    ada.delete("/v1/sessions")
        .await
        .expect(StatusCode::NO_CONTENT);
    edge.poll(&service).await;
    assert!(edge.revokes(&token(&other)) && !edge.revokes(&token(&ada)));

    other.log_in(ADA, PASSWORD).await;
    let logout = other.call(Method::POST, "/v1/logout").send().await;
    logout.expect(StatusCode::NO_CONTENT);
    edge.poll(&service).await;
    assert!(edge.revokes(&token(&other)));

    other.log_in(ADA, PASSWORD).await;
    let change = json!({ "current_password": PASSWORD, "new_password": OTHER_PASSWORD });
    ada.post("/v1/password/change", change)
        .await
        .expect(StatusCode::NO_CONTENT);
    edge.poll(&service).await;
    assert!(edge.revokes(&token(&other)) && !edge.revokes(&token(&ada)));

    let roles = json!({ "roles": ["user"] });
    root.refresh().await.expect(StatusCode::OK);
    let before = token(&ada);
    let set = root
        .put(&format!("/v1/admin/users/{id}/roles"), roles)
        .await;
    assert!(set.status.is_success(), "{}", set.text());
    edge.poll(&service).await;
    assert!(edge.revokes(&before));
    ada.refresh().await.expect(StatusCode::OK);
    assert!(!edge.revokes(&token(&ada)), "the next token is good");

    ada.post("/v1/password/forgot", json!({ "email": ADA }))
        .await;
    let mailed = service.mailed_token(ADA).await;
    let reset = json!({ "token": mailed, "new_password": PASSWORD });
    let reset = ada.post("/v1/password/reset", reset).await;
    assert!(reset.status.is_success(), "{}", reset.text());
    edge.poll(&service).await;
    assert!(edge.revokes(&token(&ada)));

    ada.log_in(ADA, PASSWORD).await;
    assert!(!edge.revokes(&token(&ada)));
    root.call(Method::POST, &format!("/v1/admin/users/{id}/suspend"))
        .send()
        .await
        .expect(StatusCode::NO_CONTENT);
    edge.poll(&service).await;
    assert!(edge.revokes(&token(&ada)));

    let mut cleo = service.member("cleo@example.com", &[]).await;
    let id = cleo.get("/v1/me").await.string("id");
    let before = token(&cleo);
    cleo.log_in("cleo@example.com", PASSWORD).await;
    let session = part(&before, 1)["sid"].as_str().unwrap().to_owned();
    root.delete(&format!("/v1/admin/users/{id}/sessions/{session}"))
        .await
        .expect(StatusCode::NO_CONTENT);
    assert_eq!(edge.poll(&service).await, Some(Applied::Changed));
    assert!(edge.revokes(&before) && !edge.revokes(&token(&cleo)));

    cleo.post("/v1/me/erase", json!({ "password": PASSWORD }))
        .await
        .expect(StatusCode::NO_CONTENT);
    assert_eq!(edge.poll(&service).await, Some(Applied::Changed));
    assert!(edge.revokes(&token(&cleo)));

    let dora = service.member("dora@example.com", &[]).await;
    let id = dora.get("/v1/me").await.string("id");
    root.delete(&format!("/v1/admin/users/{id}"))
        .await
        .expect(StatusCode::NO_CONTENT);
    assert_eq!(edge.poll(&service).await, Some(Applied::Changed));
    assert!(edge.revokes(&token(&dora)));

    assert!(!edge.revokes(&token(&bob)) && !edge.revokes(&token(&root)));
    let late = Edge::at(&service).await;
    assert_eq!(late.known.position(), edge.known.position());
    assert!(late.revokes(&token(&ada)) && !late.revokes(&token(&bob)));
}

#[tokio::test]
async fn a_used_refresh_token_ends_the_session_at_the_edges() {
    let service = Service::start().await;
    let mut ada = service.member(ADA, &[]).await;
    let mut thief = ada.clone();
    let mut edge = Edge::at(&service).await;
    for _ in 0..2 {
        service.wait(20);
        ada.refresh().await.expect(StatusCode::OK);
    }
    assert!(!edge.revokes(&token(&ada)));
    thief
        .refresh()
        .await
        .expect_problem("invalid_refresh_token");
    edge.poll(&service).await;
    assert!(edge.revokes(&token(&ada)) && edge.revokes(&token(&thief)));
}

#[tokio::test]
async fn it_is_signed_anew_every_fifteen_seconds_and_small() {
    let service = Service::start().await;
    let mut edge = Edge::at(&service).await;
    let first = edge.ask().await.expect(StatusCode::NOT_MODIFIED);
    assert!(first.body.is_empty());
    assert_eq!(first.header("cache-control"), "public, max-age=2");
    service.wait(14);
    assert_eq!(edge.poll(&service).await, None);
    service.wait(1);
    let answer = edge.ask().await.expect(StatusCode::OK);
    assert!(answer.body.len() <= 600, "{}", answer.body.len());
    assert_eq!(answer.header("content-type"), "application/signet-rev+jwt");
    assert_eq!(answer.header("cache-control"), "public, max-age=2");
    assert_eq!(answer.header("access-control-allow-origin"), "*");
    assert_eq!(answer.header("access-control-expose-headers"), "etag");
    let claims = part(&answer.text(), 1);
    let number = |name: &str| claims[name].as_u64().unwrap();
    assert_eq!(number("exp"), number("iat") + 30);
    let (epoch, seq, iat) = (number("epoch"), number("seq"), number("iat"));
    assert_eq!(answer.header("etag"), format!("W/\"{epoch}.{seq}.{iat}\""));
    assert_eq!(number("since"), seq);
    assert_eq!(edge.poll(&service).await, Some(Applied::Extended));

    let list = format!("\"x\", {}", edge.tag);
    let call = edge.client.call(Method::GET, FEED);
    call.header("if-none-match", &list)
        .send()
        .await
        .expect(StatusCode::NOT_MODIFIED);
    let call = edge.client.call(Method::GET, FEED);
    call.header("if-none-match", "*")
        .send()
        .await
        .expect(StatusCode::OK);
}

#[tokio::test]
async fn a_position_that_is_none_is_refused_and_one_of_another_life_gets_everything() {
    let service = Service::start().await;
    let client = service.client();
    for wrong in [
        "", "1", "1.", ".1", "a.b", "01.1", "1.1.1", "-1.0", "1.0%00",
    ] {
        let refused = client.get(&format!("{FEED}?since={wrong}")).await;
        let faults = refused.expect_problem("validation_failed").faults();
        assert_eq!(faults, [("since".into(), "invalid_position".into())]);
    }
    for query in ["since=1.0&since=1.0", "since=%ff"] {
        let refused = client.get(&format!("{FEED}?{query}")).await;
        refused.expect_problem("invalid_request");
    }
    let unknown = client.get(&format!("{FEED}?sinse=1.0")).await;
    unknown.expect_problem("validation_failed");
    for since in [
        "7.0",
        "1.99",
        "0.0",
        "18446744073709551615.18446744073709551615",
    ] {
        let answer = client.get(&format!("{FEED}?since={since}")).await;
        let answer = answer.expect(StatusCode::OK);
        assert!(part(&answer.text(), 1)["since"].is_null(), "{since}");
    }
}

#[tokio::test]
async fn what_was_signed_is_served_until_its_time_is_over_and_then_nothing_is() {
    let service = Service::start().await;
    let edge = Edge::at(&service).await;
    service
        .database()
        .run("ALTER TABLE feed RENAME TO feed_is_away")
        .await;
    edge.ask().await.expect(StatusCode::NOT_MODIFIED);
    service.wait(29);
    edge.ask().await.expect(StatusCode::NOT_MODIFIED);
    let newcomer = edge.client.get(FEED).await.expect(StatusCode::OK);
    assert_eq!(newcomer.header("etag"), edge.tag, "nothing is signed");
    service.wait(1);
    let call = edge.client.call(Method::GET, FEED);
    let call = call.header("if-none-match", &edge.tag);
    let refused = call.send_unchecked().await;
    assert!(refused.status.is_server_error(), "{}", refused.status);
    service
        .database()
        .run("ALTER TABLE feed_is_away RENAME TO feed")
        .await;
    tokio::time::sleep(std::time::Duration::from_millis(1_100)).await;
    edge.ask().await.expect(StatusCode::OK);
}

#[tokio::test]
async fn the_issuers_own_gate_refuses_what_was_revoked() {
    let rules = r#"
[[rule]]
id = "agents"
path = "/agents"
allow = "authenticated"

[[rule]]
id = "strict"
path = "/strict"
allow = "authenticated"
revocation = "required"
"#;
    let service = Service::start_with(Setting {
        forward_auth: Some((rules, "127.0.0.1/32")),
        ..Setting::default()
    })
    .await;
    let mut ada = service.member(ADA, &[]).await;
    let ask = |client: &Client, path: &str| {
        let client = client.clone().always("x-forwarded-method", "GET");
        let client = client.always("x-forwarded-uri", path);
        async move { client.get("/v1/auth/verify").await }
    };
    for path in ["/agents", "/strict"] {
        ask(&ada, path).await.expect(StatusCode::OK);
    }
    let old = ada.clone();
    ada.log_in(ADA, PASSWORD).await;
    ada.delete("/v1/sessions")
        .await
        .expect(StatusCode::NO_CONTENT);
    // What the gate knows is at most a second old.
    tokio::time::sleep(std::time::Duration::from_millis(1_100)).await;
    for path in ["/agents", "/strict"] {
        ask(&old, path).await.expect_problem("invalid_token");
        ask(&ada, path).await.expect(StatusCode::OK);
    }
}

#[tokio::test]
async fn a_clock_that_is_set_takes_no_revocation_back() {
    let service = Service::start().await;
    let mut ada = service.member(ADA, &[]).await;
    let mut edge = Edge::at(&service).await;
    let settle = || async { service.app.issuer.settle_feed().await.unwrap().left };
    for _ in 0..3 {
        let logout = ada.call(Method::POST, "/v1/logout").send().await;
        logout.expect(StatusCode::NO_CONTENT);
        assert_eq!(settle().await, 0);
        service.set_forward(3_600);
        assert_eq!(settle().await, 0);
        assert_eq!(service.app.issuer.sweep().await.unwrap(), 0);
        service.set_back(3_600);
        assert_eq!(settle().await, 0);
        // Until its token is over by the clock of whoever it was.
        service.wait(3_600 + 179);
        assert_eq!(settle().await, 0);
        edge.poll(&service).await;
        assert!(edge.revokes(&token(&ada)));
        service.wait(1);
        assert_eq!(settle().await, 1);
        edge.poll(&service).await;
        assert!(!edge.revokes(&token(&ada)));
        ada.log_in(ADA, PASSWORD).await;
    }
}

/// Who opened the session was ahead, and who sees that it ended is right.
#[tokio::test]
async fn a_token_of_the_future_is_refused_when_its_time_comes() {
    let service = Service::start().await;
    let mut ada = service.member(ADA, &[]).await;
    let mut edge = Edge::at(&service).await;
    service.set_forward(240);
    ada.log_in(ADA, PASSWORD).await;
    service.set_back(240);
    let logout = json!({ "refresh_token": ada.refresh_token });
    let logout = ada.post("/v1/logout", logout).await;
    logout.expect(StatusCode::NO_CONTENT);
    for (seconds, left) in [(0, 0), (240 + 479, 0), (1, 1)] {
        service.wait(seconds);
        let settled = service.app.issuer.settle_feed().await.unwrap();
        assert_eq!(settled.left, left, "{seconds}");
        edge.poll(&service).await;
        assert_eq!(edge.revokes(&token(&ada)), left == 0, "{seconds}");
    }
}

/// An hour's token is out, and every issuer that is left makes tokens of five minutes.
#[tokio::test]
async fn tokens_of_a_longer_life_are_refused_until_they_are_over() {
    let longer = Setting {
        access_seconds: 3_600,
        ..Setting::production()
    };
    let first = Service::start_with(longer).await;
    let mut replicas = Vec::new();
    for _ in 0..2 {
        let replica = first.beside(Setting::production()).await;
        replica
            .member(&format!("bob{}@example.com", replicas.len()), &[])
            .await;
        replicas.push(replica);
    }
    let ada = first.member(ADA, &[]).await;
    let mut edge = Edge::of(&replicas[0], "https://auth.example.com").await;
    let mut asks = replicas[1].client();
    asks.access_token.clone_from(&ada.access_token);
    let session = part(&token(&ada), 1)["sid"].as_str().unwrap().to_owned();
    asks.delete(&format!("/v1/sessions/{session}"))
        .await
        .expect(StatusCode::NO_CONTENT);
    for (seconds, is_refused) in [(0, true), (3_600 + 179, true), (1, false)] {
        first.wait(seconds);
        for replica in &replicas {
            replica.app.issuer.settle_feed().await.unwrap();
        }
        edge.poll(&replicas[0]).await;
        assert_eq!(edge.revokes(&token(&ada)), is_refused, "{seconds}");
    }
}

/// After a revocation is acknowledged at one of three replicas, none of 300 refreshes at any of
/// them succeeds, and each of them has it in its feed.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_replica_refreshes_what_another_ended() {
    let setting = Setting {
        limits_scale: 1_000,
        ..Setting::production()
    };
    let first = Service::start_with(setting.clone()).await;
    let others = [
        first.beside(setting.clone()).await,
        first.beside(setting).await,
    ];
    let replicas = Arc::new([&first, &others[0], &others[1]].map(Service::client));
    let issuer = "https://auth.example.com";
    let mut edges = Vec::new();
    for replica in [&first, &others[0], &others[1]] {
        edges.push(Edge::of(replica, issuer).await);
    }
    let people = match std::env::var_os("SIGNET_PROVE") {
        Some(_) => 100,
        None => 16,
    };
    let mut refused = 0;
    for person in 0..people {
        let email = format!("person{person}@example.com");
        let keep = first.member(&email, &[]).await;
        let mut ended = Vec::new();
        for number in 0..19 {
            let mut client = replicas[number % 3].clone();
            client.log_in(&email, PASSWORD).await;
            ended.push(client);
        }
        let at = &replicas[person % 3];
        let mut asks = at.clone();
        asks.access_token.clone_from(&keep.access_token);
        asks.delete("/v1/sessions")
            .await
            .expect(StatusCode::NO_CONTENT);
        let tries = ended.iter().enumerate().map(|(number, client)| {
            let mut at = replicas[(number + 1) % 3].clone();
            at.refresh_token.clone_from(&client.refresh_token);
            tokio::spawn(async move { at.refresh().await })
        });
        for answer in tries.collect::<Vec<_>>() {
            let answer = answer.await.unwrap();
            answer.expect_problem("invalid_refresh_token");
            refused += 1;
        }
        for edge in &mut edges {
            edge.poll(&first).await;
            assert!(ended.iter().all(|client| edge.revokes(&token(client))));
            assert!(!edge.revokes(&token(&keep)));
        }
    }
    assert!(refused >= 300, "{refused}");
    let positions: Vec<_> = edges.iter().map(|edge| edge.known.position()).collect();
    assert!(positions.iter().all(|position| *position == positions[0]));

    // One edge that asks another replica each time goes on where it was.
    let mut edge = Edge::of(&first, issuer).await;
    for client in replicas.iter() {
        edge.client.clone_from(client);
        edge.client.access_token = None;
        edge.poll(&first).await;
        assert_eq!(edge.known.position(), positions[0]);
    }

    // So does one that is answered by a replica that has just started.
    let position = first.app.issuer.feed(None).await.unwrap();
    let setting = Setting::production();
    let restarted = first.beside(setting).await;
    let again = restarted.app.issuer.feed(None).await.unwrap();
    assert_eq!(part(&again.text, 1), part(&position.text, 1));
}
