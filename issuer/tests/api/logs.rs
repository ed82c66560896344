//! No secret reaches the log, at any level.

use http::{Method, StatusCode};
use serde_json::json;

use crate::harness::{Service, log};

const ADA: &str = "ada@example.com";

#[tokio::test]
async fn secrets_do_not_reach_the_log() {
    let service = Service::start().await;
    let mut secrets: Vec<String> = [
        "canary one two three",
        "canary four five six",
        "canary wrong",
    ]
    .map(str::to_owned)
    .to_vec();
    let [password, other, wrong] = [0, 1, 2].map(|index| secrets[index].clone());
    log::listen();
    let mut client = service.client();

    let body = json!({ "email": ADA, "password": password });
    let answer = client
        .post("/v1/register", body)
        .await
        .expect(StatusCode::ACCEPTED);
    secrets.push(answer.string("registration"));
    let token = service.mailed_token(ADA).await;
    secrets.push(token.clone());
    let body = json!({ "token": token, "password": password });
    client
        .post("/v1/email/verify", body)
        .await
        .expect(StatusCode::OK);
    let body = json!({ "email": ADA, "password": wrong });
    client
        .post("/v1/login", body)
        .await
        .expect_problem("invalid_credentials");
    let answer = client.log_in(ADA, &password).await;
    secrets.extend(["access_token", "refresh_token", "device"].map(|name| answer.string(name)));
    client.refresh().await.expect(StatusCode::OK);
    secrets.extend([
        client.access_token.clone().unwrap(),
        client.refresh_token.clone().unwrap(),
    ]);
    client.get("/v1/me").await.expect(StatusCode::OK);
    let in_query = format!(
        "/v1/me?access_token={}",
        client.access_token.clone().unwrap()
    );
    client
        .get(&in_query)
        .await
        .expect_problem("validation_failed");
    let tampered = format!("Bearer {}x", client.access_token.clone().unwrap());
    let call = service.client();
    let call = call
        .call(Method::GET, "/v1/me")
        .header("authorization", &tampered);
    call.send().await.expect_problem("invalid_token");
    let body = json!({ "current_password": password, "new_password": "short canary" });
    secrets.push("short canary".to_owned());
    client.post("/v1/password/change", body).await;
    let body = json!({ "password": { "canary": wrong } });
    client
        .post("/v1/reauthenticate", body)
        .await
        .expect_problem("validation_failed");
    client
        .post("/v1/password/forgot", json!({ "email": ADA }))
        .await;
    let token = service.mailed_token(ADA).await;
    secrets.push(token.clone());
    let body = json!({ "token": token, "new_password": other });
    client
        .post("/v1/password/reset", body)
        .await
        .expect(StatusCode::NO_CONTENT);

    let heard = log::heard();
    assert!(heard.contains("a request was refused"), "nothing was heard");
    for secret in secrets {
        assert!(!heard.contains(&secret), "{secret} is in the log");
    }
    for line in heard.lines() {
        let parsed: Result<serde_json::Value, _> = serde_json::from_str(line);
        assert!(parsed.is_ok(), "one line, one event: {line}");
    }
}
