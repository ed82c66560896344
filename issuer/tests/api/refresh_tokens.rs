//! Refresh tokens that are none, clocks that are wrong, and how long access tokens live.

use base64ct::{Base64UrlUnpadded, Encoding as _};
use http::{Method, StatusCode};
use serde_json::{Value, json};
use signet_core::schema::TABLES;

use crate::harness::{Client, PASSWORD, Service, Setting};

const ADA: &str = "ada@example.com";
const HOUR: u64 = 3_600;
/// How far a clock may be behind what was written down.
const SKEW: u64 = 300;

/// A service that has time for many requests.
async fn service() -> Service {
    let setting = Setting {
        limits_scale: 1_000,
        ..Setting::default()
    };
    Service::start_with(setting).await
}

fn bytes(token: &str) -> Vec<u8> {
    Base64UrlUnpadded::decode_vec(token.strip_prefix("srt_").unwrap()).unwrap()
}

/// The number of the key that made a token.
fn key_id(token: &str) -> u32 {
    u32::from_be_bytes(bytes(token)[1..5].try_into().unwrap())
}

/// Everything a good token can be bent into without a key.
fn bent(good: &str) -> Vec<String> {
    let bytes = bytes(good);
    let token = |bytes: &[u8]| format!("srt_{}", Base64UrlUnpadded::encode_string(bytes));
    assert_eq!(token(&bytes), good);
    let mut bent = Vec::new();
    // Version, key id, family, generation, MAC: whatever stands there.
    for position in 0..bytes.len() {
        for flipped in [0x01, 0x80, 0xff] {
            let mut other = bytes.clone();
            other[position] ^= flipped;
            bent.push(token(&other));
        }
        bent.push(token(&bytes[..position]));
    }
    // As if another key had made it, one that is there among them.
    for id in [0, 1, 3, u32::MAX] {
        let other = [&bytes[..1], &id.to_be_bytes(), &bytes[5..]];
        bent.push(token(&other.concat()));
    }
    for more in [&[0_u8][..], &[0xff], &[0; 32], &bytes] {
        bent.push(token(&[&bytes, more].concat()));
        bent.push(token(&[more, &bytes].concat()));
    }
    for position in 0..good.len() {
        bent.push(good[..position].to_owned());
        bent.push(format!("{}!{}", &good[..position], &good[position + 1..]));
    }
    bent.push(format!("{good}A"));
    bent.push(format!("{good}="));
    bent.push(format!(" {good}"));
    bent.push(good.replacen("srt_", "SRT_", 1));
    bent.push(good.replacen("srt_", "srt-", 1));
    bent
}

/// Tables without which a process can still tell which keys there are, and whether its clock is behind.
fn beside_keys() -> impl Iterator<Item = &'static str> {
    let of_keys =
        |table: &str| table.contains("key") || matches!(table, "meta" | "secrets" | "audit");
    TABLES.into_iter().filter(move |table| !of_keys(table))
}

/// Writes something down at this time, and has the service notice.
async fn write_down(service: &Service, email: &str) {
    service.create_account(email, &[]).await;
    service.app.issuer.reread_keys().await;
}

#[tokio::test]
async fn a_forged_refresh_token_is_refused_without_a_query() {
    let service = service().await;
    let old = service.member(ADA, &[]).await.refresh_token.unwrap();
    // A second key makes tokens from now on; the first one checks still.
    service.wait(30 * 86_400);
    service.app.issuer.keep_keys().await.unwrap();
    service.wait(60);
    let mut ada = service.client();
    ada.log_in(ADA, PASSWORD).await;
    let good = ada.refresh_token.clone().unwrap();
    assert_eq!((key_id(&old), key_id(&good)), (1, 2));
    let anyone = service.client();
    let anyone = &anyone;
    let ask = |path: &'static str, token: &str| {
        let body = json!({ "refresh_token": token });
        async move {
            let call = anyone.call(Method::POST, path).json(&body);
            call.send_unchecked().await
        }
    };
    // Whoever asks for anything from now on finds none of it.
    let database = service.database();
    for table in beside_keys() {
        let hide = format!("ALTER TABLE {table} RENAME TO away_{table}");
        database.run(&hide).await;
    }
    for looked_up in [&old, &good] {
        for path in ["/v1/token/refresh", "/v1/logout"] {
            let status = ask(path, looked_up).await.status;
            assert!(status.is_server_error(), "{path}: a good one is looked up");
        }
    }
    for forged in bent(&good) {
        let refused = ask("/v1/token/refresh", &forged).await;
        refused.expect_problem("invalid_refresh_token");
        let nothing = ask("/v1/logout", &forged).await;
        nothing.expect(StatusCode::NO_CONTENT);
    }
    for table in beside_keys() {
        let show = format!("ALTER TABLE away_{table} RENAME TO {table}");
        database.run(&show).await;
    }
    ada.refresh().await.expect(StatusCode::OK);
}

#[tokio::test]
async fn a_clock_an_hour_back_and_forth_revives_no_session() {
    let service = service().await;
    let mut ended = service.member(ADA, &[]).await;
    ended
        .post(
            "/v1/logout",
            json!({ "refresh_token": ended.refresh_token }),
        )
        .await
        .expect(StatusCode::NO_CONTENT);
    let mut replayed = service.client();
    replayed.log_in(ADA, PASSWORD).await;
    let used = replayed.clone();
    replayed.refresh().await.expect(StatusCode::OK);
    service.wait(11);
    let mut thief = used;
    thief
        .refresh()
        .await
        .expect_problem("invalid_refresh_token");
    let mut expired = service.client();
    expired.log_in(ADA, PASSWORD).await;
    service.wait(14 * 86_400);
    expired
        .refresh()
        .await
        .expect_problem("invalid_refresh_token");
    write_down(&service, "bob@example.com").await;
    for (seconds, code) in [
        (HOUR, "unavailable"),
        (SKEW, "invalid_refresh_token"),
        (HOUR, "unavailable"),
    ] {
        service.set_back(seconds);
        for client in [&mut ended, &mut replayed, &mut thief, &mut expired] {
            client.refresh().await.expect_problem(code);
        }
        service.set_forward(seconds);
        for client in [&mut ended, &mut replayed, &mut thief, &mut expired] {
            client
                .refresh()
                .await
                .expect_problem("invalid_refresh_token");
        }
    }
}

fn claims(client: &Client) -> Value {
    let token = client.access_token.clone().unwrap();
    let payload = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&Base64UrlUnpadded::decode_vec(payload).unwrap()).unwrap()
}

#[tokio::test]
async fn an_access_token_of_the_future_is_neither_taken_nor_made() {
    let service = service().await;
    let mut ada = service.member(ADA, &[]).await;
    service.wait(HOUR);
    ada.refresh().await.expect(StatusCode::OK);
    let before = claims(&ada)["iat"].as_u64().unwrap();
    ada.get("/v1/me").await.expect(StatusCode::OK);
    service.set_back(SKEW);
    ada.get("/v1/me").await.expect_problem("invalid_token");
    ada.refresh().await.expect(StatusCode::OK);
    let made = claims(&ada);
    assert_eq!(made["iat"].as_u64().unwrap(), before - SKEW);
    assert!(made["exp"].as_u64().unwrap() <= before - SKEW + 300);
    ada.get("/v1/me").await.expect(StatusCode::OK);
    service.wait(SKEW);
    ada.refresh().await.expect(StatusCode::OK);
    ada.get("/v1/me").await.expect(StatusCode::OK);
}

#[tokio::test]
async fn who_is_over_five_minutes_behind_what_was_written_down_issues_nothing() {
    let service = service().await;
    let mut ada = service.member(ADA, &[]).await;
    let mut phone = service.client();
    phone.log_in(ADA, PASSWORD).await;
    service.wait(HOUR);
    write_down(&service, "bob@example.com").await;
    service.set_back(SKEW);
    ada.refresh().await.expect(StatusCode::OK);
    service.set_back(1);
    let login = json!({ "email": ADA, "password": PASSWORD });
    let password = json!({ "password": PASSWORD });
    for refused in [
        ada.refresh().await,
        service.client().post("/v1/login", login).await,
        ada.post("/v1/reauthenticate", password).await,
    ] {
        refused.expect_problem("unavailable");
    }
    // What gives nobody anything goes on.
    for path in [
        "/.well-known/jwks.json",
        "/.well-known/signet-revocations",
        "/readyz",
    ] {
        service.client().get(path).await.expect(StatusCode::OK);
    }
    let logout = json!({ "refresh_token": phone.refresh_token });
    let logout = phone.post("/v1/logout", logout).await;
    logout.expect(StatusCode::NO_CONTENT);
    // Nor does anybody lift it who has something written down by the wrong clock.
    let registration = json!({ "email": "eve@example.com", "password": PASSWORD });
    let registered = service.client().post("/v1/register", registration).await;
    registered.expect(StatusCode::ACCEPTED);
    service.app.issuer.reread_keys().await;
    ada.refresh().await.expect_problem("unavailable");
    // Nor is a mailed token good that may be over.
    let token = Base64UrlUnpadded::encode_string(&[7; 32]);
    let reset = json!({ "token": token, "new_password": "a password of nobody" });
    let reset = service.client().post("/v1/password/reset", reset).await;
    reset.expect_problem("unavailable");
    service.set_forward(SKEW + 1);
    // With the same token: it was not used up.
    ada.refresh().await.expect(StatusCode::OK);
    ada.get("/v1/me").await.expect(StatusCode::OK);
    service.set_back(SKEW + 1);
    ada.refresh().await.expect_problem("unavailable");
    // An operator whose clock says the same is believed.
    write_down(&service, "carol@example.com").await;
    ada.refresh().await.expect(StatusCode::OK);
}

#[tokio::test]
async fn access_tokens_live_up_to_a_twentieth_shorter_and_not_all_alike() {
    let service = service().await;
    let mut ada = service.member(ADA, &[]).await;
    let mut met = std::collections::BTreeMap::<u64, u32>::new();
    for _ in 0..400 {
        let answer = ada.refresh().await.expect(StatusCode::OK).json();
        let lives = answer["expires_in"].as_u64().unwrap();
        let claims = claims(&ada);
        let (exp, iat) = (claims["exp"].as_u64(), claims["iat"].as_u64());
        assert_eq!(exp.unwrap() - iat.unwrap(), lives);
        *met.entry(lives).or_default() += 1;
    }
    let shortest_to_longest: Vec<u64> = met.keys().copied().collect();
    // Of 16 lengths, one is missed in one of some ten thousand million runs.
    assert_eq!(shortest_to_longest, (285..=300).collect::<Vec<_>>());
    // Twenty-five of each are expected; sixty are nine deviations more.
    assert!(met.values().all(|count| *count < 70), "{met:?}");
}
