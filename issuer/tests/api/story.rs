//! The README's story, from the first request to the last.

use http::StatusCode;
use serde_json::json;

use crate::harness::{OTHER_PASSWORD, PASSWORD, Service};

const ADA: &str = "ada@example.com";

#[tokio::test]
async fn from_registration_to_logout() {
    let service = Service::start().await;
    let mut client = service.client();

    let body = json!({ "email": ADA, "password": PASSWORD, "name": "Ada Lovelace" });
    let answer = client
        .post("/v1/register", body)
        .await
        .expect(StatusCode::ACCEPTED);
    let registration = answer.string("registration");

    let token = service.mailed_token(ADA).await;
    let body = json!({ "token": token, "registration": registration });
    let answer = client
        .post("/v1/email/verify", body)
        .await
        .expect(StatusCode::OK);
    assert_eq!(answer.json()["token_type"], "Bearer");

    client.log_in(ADA, PASSWORD).await;
    let me = client.get("/v1/me").await.expect(StatusCode::OK).json();
    assert_eq!(me["email"], ADA);
    assert_eq!(me["email_verified"], true);
    assert_eq!(me["name"], "Ada Lovelace");
    assert_eq!(me["roles"], json!(["user"]));
    assert_eq!(me["created_at"], "2027-01-15T08:00:00Z");

    let before = client.refresh_token.clone();
    client.refresh().await.expect(StatusCode::OK);
    assert_ne!(client.refresh_token, before);
    client.get("/v1/me").await.expect(StatusCode::OK);

    let answer = client
        .post("/v1/password/forgot", json!({ "email": ADA }))
        .await;
    answer.expect(StatusCode::ACCEPTED);
    let body = json!({
        "token": service.mailed_token(ADA).await,
        "new_password": OTHER_PASSWORD,
    });
    let answer = client.post("/v1/password/reset", body).await;
    answer.expect(StatusCode::NO_CONTENT);
    client.get("/v1/me").await.expect_problem("invalid_token");

    client.log_in(ADA, OTHER_PASSWORD).await;
    let answer = client.call(http::Method::POST, "/v1/logout").send().await;
    answer.expect(StatusCode::NO_CONTENT);
    client.get("/v1/me").await.expect_problem("invalid_token");
    client
        .refresh()
        .await
        .expect_problem("invalid_refresh_token");
}
