//! One's own account.

use http::StatusCode;
use serde_json::{Value, json};

use crate::harness::Service;

#[tokio::test]
async fn a_name_can_be_changed_removed_and_left_alone() {
    let service = Service::start().await;
    let ada = service.member("ada@example.com", &[]).await;
    for (body, name) in [
        (json!({ "name": "Ada Lovelace" }), json!("Ada Lovelace")),
        (json!({}), json!("Ada Lovelace")),
        (json!({ "name": "A\u{308}da" }), json!("Äda")),
        (json!({ "name": null }), Value::Null),
    ] {
        let answer = ada.patch("/v1/me", body).await.expect(StatusCode::OK);
        assert_eq!(answer.json()["name"], name);
        assert_eq!(ada.get("/v1/me").await.json()["name"], name);
    }
    for bad in ["", " Ada", "Ada\r\nBcc: x", "a\u{202E}b", &"a".repeat(101)] {
        let answer = ada.patch("/v1/me", json!({ "name": bad })).await;
        let faults = answer.expect_problem("validation_failed").faults();
        assert_eq!(faults, [("name".into(), "invalid_name".into())], "{bad:?}");
    }
}

#[tokio::test]
async fn an_admin_reads_every_permission_of_their_own() {
    let service = Service::start().await;
    let admin = service.member("admin@example.com", &["admin"]).await;
    let me = admin.get("/v1/me").await.json();
    assert_eq!(me["roles"], json!(["admin", "user"]));
    assert!(
        me["permissions"]
            .as_array()
            .unwrap()
            .contains(&json!("users:read"))
    );
}
