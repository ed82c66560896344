//! The list of one's sessions, and ending them.

use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::harness::{Client, PASSWORD, Service};

const ADA: &str = "ada@example.com";

#[tokio::test]
async fn one_sees_and_ends_ones_own_sessions_only() {
    let service = Service::start().await;
    let ada = service.member(ADA, &[]).await;
    let bob = service.member("bob@example.com", &[]).await;
    let mut phone = service.client().always("user-agent", "phone/1");
    phone.log_in(ADA, PASSWORD).await;

    let list = ada.get("/v1/sessions").await.expect(StatusCode::OK).json();
    let sessions = list["sessions"].as_array().unwrap();
    assert_eq!(sessions.len(), 2);
    let current: Vec<_> = sessions
        .iter()
        .filter(|one| one["current"] == true)
        .collect();
    assert_eq!(current.len(), 1);
    let other = sessions.iter().find(|one| one["current"] == false).unwrap();
    assert_eq!(other["ip"], "127.0.0.1");
    assert_eq!(other["user_agent"], "phone/1");

    let path = format!("/v1/sessions/{}", other["id"].as_str().unwrap());
    bob.delete(&path).await.expect_problem("not_found");
    phone.get("/v1/me").await.expect(StatusCode::OK);
    ada.delete(&path).await.expect(StatusCode::NO_CONTENT);
    phone.get("/v1/me").await.expect_problem("invalid_token");
    ada.delete(&path).await.expect_problem("not_found");
}

#[tokio::test]
async fn a_token_that_was_used_again_within_its_grace_shows_in_the_list() {
    let service = Service::start().await;
    let mut ada = service.member(ADA, &[]).await;
    let list = async |ada: &Client| {
        let list = ada.get("/v1/sessions").await.expect(StatusCode::OK);
        list.json()["sessions"][0].clone()
    };
    let before = list(&ada).await;
    assert_eq!(before["repeats"], 0);
    assert_eq!(before["repeated_at"], Value::Null);
    let mut beside = ada.clone();
    ada.refresh().await.expect(StatusCode::OK);
    service.wait(7);
    beside.refresh().await.expect(StatusCode::OK);
    let after = list(&ada).await;
    assert_eq!(after["repeats"], 1);
    assert!(after["repeated_at"].is_string(), "{after}");
    assert_ne!(after["repeated_at"], after["created_at"]);
}

#[tokio::test]
async fn whoever_ends_all_others_and_logs_out_has_ended_everything() {
    let service = Service::start().await;
    let ada = service.member(ADA, &[]).await;
    let mut phone = service.client();
    phone.log_in(ADA, PASSWORD).await;
    let others = ada.delete("/v1/sessions").await;
    others.expect(StatusCode::NO_CONTENT);
    let own = ada.call(Method::POST, "/v1/logout").send().await;
    own.expect(StatusCode::NO_CONTENT);
    for mut client in [ada, phone] {
        client.get("/v1/me").await.expect_problem("invalid_token");
        let refreshed = client.refresh().await;
        refreshed.expect_problem("invalid_refresh_token");
    }
}

#[tokio::test]
async fn an_id_that_is_none_is_not_found() {
    let service = Service::start().await;
    let ada = service.member(ADA, &[]).await;
    for id in [
        "x",
        "%00",
        "%ff",
        "1",
        "00000000-0000-4000-8000-00000000000G",
    ] {
        ada.delete(&format!("/v1/sessions/{id}"))
            .await
            .expect_problem("not_found");
    }
}

#[tokio::test]
async fn ending_all_others_leaves_the_one_that_asks() {
    let service = Service::start().await;
    let ada = service.member(ADA, &[]).await;
    let mut others = Vec::new();
    for _ in 0..3 {
        let mut other = service.client();
        other.log_in(ADA, PASSWORD).await;
        others.push(other);
    }
    ada.delete("/v1/sessions")
        .await
        .expect(StatusCode::NO_CONTENT);
    ada.get("/v1/me").await.expect(StatusCode::OK);
    for mut other in others {
        other
            .refresh()
            .await
            .expect_problem("invalid_refresh_token");
    }
}

#[tokio::test]
async fn logout_takes_any_token_and_asks_for_one() {
    let service = Service::start().await;
    let mut ada = service.member(ADA, &[]).await;
    let anyone = service.client();
    let logout = |body| anyone.post("/v1/logout", body);
    anyone
        .call(Method::POST, "/v1/logout")
        .send()
        .await
        .expect_problem("missing_token");
    logout(json!({})).await.expect_problem("missing_token");
    logout(json!({ "refresh_token": "nonsense" }))
        .await
        .expect(StatusCode::NO_CONTENT);
    let garbage = anyone
        .call(Method::POST, "/v1/logout")
        .header("authorization", "Bearer x");
    garbage.send().await.expect(StatusCode::NO_CONTENT);
    ada.get("/v1/me").await.expect(StatusCode::OK);

    let token = ada.refresh_token.clone().unwrap();
    ada.refresh().await.expect(StatusCode::OK);
    logout(json!({ "refresh_token": token }))
        .await
        .expect(StatusCode::NO_CONTENT);
    ada.get("/v1/me").await.expect_problem("invalid_token");
}

/// What has made an access token worthless hasn't ended its session. Whoever logs out with it means
/// the session, and is told that it is over.
#[tokio::test]
async fn an_access_token_that_opens_nothing_any_more_still_logs_out() {
    let service = Service::start().await;
    let mut root = service.member("root@example.com", &["admin"]).await;
    let ada = service.member(ADA, &[]).await;
    let id = ada.get("/v1/me").await.string("id");
    let set = root
        .put(
            &format!("/v1/admin/users/{id}/roles"),
            json!({ "roles": ["user"] }),
        )
        .await;
    set.expect(StatusCode::OK);
    log_out_with_what_opens_nothing(ada).await;

    let mut ada = service.client();
    ada.log_in(ADA, PASSWORD).await;
    service.wait(13 * 86_400);
    log_out_with_what_opens_nothing(ada).await;

    root.log_in("root@example.com", PASSWORD).await;
    let query = format!("/v1/admin/audit?action=session.ended&subject={id}");
    let page = root.get(&query).await.expect(StatusCode::OK).json();
    let events = page["events"].as_array().unwrap().iter();
    let actors: Vec<_> = events.map(|event| event["actor"].clone()).collect();
    assert_eq!(actors, ["anonymous", id.as_str()], "an old token is nobody");
}

async fn log_out_with_what_opens_nothing(mut client: Client) {
    client.get("/v1/me").await.expect_problem("invalid_token");
    let logout = client.call(Method::POST, "/v1/logout").send().await;
    logout.expect(StatusCode::NO_CONTENT);
    let refreshed = client.refresh().await;
    refreshed.expect_problem("invalid_refresh_token");
}

#[tokio::test]
async fn nobody_is_logged_out_by_a_token_that_was_not_signed_for_them() {
    let service = Service::start().await;
    let mut ada = service.member(ADA, &[]).await;
    let bob = service.member("bob@example.com", &[]).await;
    let parts = |client: &Client| {
        let token = client.access_token.clone().unwrap();
        let (claims, signature) = token.rsplit_once('.').unwrap();
        (claims.to_owned(), signature.to_owned())
    };
    let (claims, _) = parts(&ada);
    let (_, signature) = parts(&bob);
    for seconds in [0, 3_600] {
        service.wait(seconds);
        let forged = format!("Bearer {claims}.{signature}");
        let anyone = service.client();
        let logout = anyone.call(Method::POST, "/v1/logout");
        let logout = logout.header("authorization", &forged).send().await;
        logout.expect(StatusCode::NO_CONTENT);
        ada.refresh().await.expect(StatusCode::OK);
    }
}

#[tokio::test]
async fn proving_the_password_again_goes_on_with_the_same_session() {
    let service = Service::start().await;
    let mut ada = service.member(ADA, &[]).await;
    let before = ada.refresh_token.clone().unwrap();
    let session = ada.get("/v1/sessions").await.json()["sessions"][0]["id"].clone();
    let wrong = ada
        .post("/v1/reauthenticate", json!({ "password": "wrong" }))
        .await;
    let faults = wrong.expect_problem("validation_failed").faults();
    assert_eq!(faults, [("password".into(), "wrong_password".into())]);
    let answer = ada
        .post("/v1/reauthenticate", json!({ "password": PASSWORD }))
        .await;
    let answer = answer.expect(StatusCode::OK);
    assert_eq!(answer.json()["session_id"], session);
    ada.keep(&answer);
    assert_ne!(ada.refresh_token.as_ref(), Some(&before));
    ada.refresh().await.expect(StatusCode::OK);
}
