//! Administration of people.

use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::harness::{Answer, Client, PASSWORD, Service};

async fn id_of(client: &Client) -> String {
    client
        .get("/v1/me")
        .await
        .expect(StatusCode::OK)
        .string("id")
}

async fn post(client: &Client, path: &str) -> Answer {
    client.call(Method::POST, path).send().await
}

#[tokio::test]
async fn a_list_is_walked_page_by_page() {
    let service = Service::start().await;
    let admin = service.member("admin@example.com", &["admin"]).await;
    for number in 0..6 {
        // "By creation" is a matter of seconds.
        service.wait(1);
        let email = format!("user{number}@example.com");
        service.create_account(&email, &[]).await;
    }
    let mut seen = Vec::new();
    let mut target = "/v1/admin/users?limit=3".to_owned();
    loop {
        let page = admin.get(&target).await.expect(StatusCode::OK).json();
        let users = page["users"].as_array().unwrap();
        seen.extend(
            users
                .iter()
                .map(|user| user["email"].as_str().unwrap().to_owned()),
        );
        match page["next_cursor"].as_str() {
            Some(cursor) => target = format!("/v1/admin/users?limit=3&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!(seen.len(), 7);
    assert_eq!(seen[0], "admin@example.com");
    assert_eq!(
        seen.iter().collect::<std::collections::BTreeSet<_>>().len(),
        7
    );
}

#[tokio::test]
async fn a_list_is_narrowed_by_text_status_and_role() {
    let service = Service::start().await;
    let admin = service.member("admin@example.com", &["admin"]).await;
    let bob = service.member("Bob_100%@example.com", &[]).await;
    bob.patch("/v1/me", json!({ "name": "Robert" }))
        .await
        .expect(StatusCode::OK);
    post(
        &admin,
        &format!("/v1/admin/users/{}/suspend", id_of(&bob).await),
    )
    .await;
    let emails = |query: &'static str| {
        let target = format!("/v1/admin/users?{query}");
        let admin = &admin;
        async move {
            let page = admin.get(&target).await.expect(StatusCode::OK).json();
            let users = page["users"].as_array().unwrap().clone();
            users
                .iter()
                .map(|user| user["email"].as_str().unwrap().to_owned())
                .collect::<Vec<_>>()
        }
    };
    for query in [
        "q=BOB",
        "q=obert",
        "q=_100%25",
        "status=suspended",
        "q=bob&status=suspended&role=user",
    ] {
        assert_eq!(emails(query).await, ["Bob_100%@example.com"], "{query}");
    }
    for query in [
        "q=%25%25",
        "q=b_b",
        "status=active&q=bob",
        "role=nobody-has-this",
    ] {
        assert!(emails(query).await.is_empty(), "{query}");
    }
    assert_eq!(emails("role=admin").await, ["admin@example.com"]);
    assert_eq!(emails("role=user").await.len(), 2);
}

#[tokio::test]
async fn what_cannot_be_a_query_is_refused() {
    let service = Service::start().await;
    let admin = service.member("admin@example.com", &["admin"]).await;
    for (query, field, code) in [
        ("limit=0", "limit", "out_of_range"),
        ("limit=201", "limit", "out_of_range"),
        ("limit=-1", "limit", "out_of_range"),
        ("limit=1.0", "limit", "out_of_range"),
        ("limit=", "limit", "out_of_range"),
        ("limit=99999999999999999999", "limit", "out_of_range"),
        ("status=gone", "status", "unknown_value"),
        ("role=%20", "role", "invalid_name"),
        ("q=", "q", "out_of_range"),
        ("cursor=1%20OR%201=1", "cursor", "invalid_cursor"),
        ("sort=email", "sort", "unknown_member"),
    ] {
        let answer = admin.get(&format!("/v1/admin/users?{query}")).await;
        let faults = answer.expect_problem("validation_failed").faults();
        assert_eq!(faults, [(field.into(), code.into())], "{query}");
    }
    for query in ["limit=1&limit=2", "q=%ff"] {
        let answer = admin.get(&format!("/v1/admin/users?{query}")).await;
        answer.expect_problem("invalid_request");
    }
}

#[tokio::test]
async fn suspending_ends_sessions_at_once_and_activating_lets_log_in_again() {
    let service = Service::start().await;
    let admin = service.member("admin@example.com", &["admin"]).await;
    let mut bob = service.member("bob@example.com", &[]).await;
    let id = id_of(&bob).await;
    post(&admin, &format!("/v1/admin/users/{id}/suspend"))
        .await
        .expect(StatusCode::NO_CONTENT);
    bob.get("/v1/me").await.expect_problem("invalid_token");
    bob.refresh().await.expect_problem("invalid_refresh_token");
    let user = admin
        .get(&format!("/v1/admin/users/{id}"))
        .await
        .expect(StatusCode::OK)
        .json();
    assert_eq!(user["status"], "suspended");
    post(&admin, &format!("/v1/admin/users/{id}/activate"))
        .await
        .expect(StatusCode::NO_CONTENT);
    bob.log_in("bob@example.com", PASSWORD).await;
}

#[tokio::test]
async fn roles_bite_at_once_because_the_database_decides() {
    let service = Service::start().await;
    let admin = service.member("admin@example.com", &["admin"]).await;
    let body = json!({ "name": "support", "permissions": ["users:read"] });
    admin
        .post("/v1/admin/roles", body)
        .await
        .expect(StatusCode::CREATED);
    let mut bob = service.member("bob@example.com", &[]).await;
    let id = id_of(&bob).await;
    bob.get("/v1/admin/users")
        .await
        .expect_problem("insufficient_scope");

    let path = format!("/v1/admin/users/{id}/roles");
    let user = admin
        .put(&path, json!({ "roles": ["support"] }))
        .await
        .expect(StatusCode::OK);
    assert_eq!(user.json()["roles"], json!(["support", "user"]));
    bob.get("/v1/me").await.expect_problem("invalid_token");
    bob.refresh().await.expect(StatusCode::OK);
    bob.get("/v1/admin/users").await.expect(StatusCode::OK);

    let answer = admin
        .put(&path, json!({ "roles": ["support", "nosuch"] }))
        .await;
    let faults = answer.expect_problem("validation_failed").faults();
    assert_eq!(faults, [("roles".into(), "unknown_role".into())]);
    admin
        .put(&path, json!({ "roles": [] }))
        .await
        .expect(StatusCode::OK);
    bob.refresh().await.expect(StatusCode::OK);
    bob.get("/v1/admin/users")
        .await
        .expect_problem("insufficient_scope");
}

#[tokio::test]
async fn setting_roles_needs_a_login_of_the_last_five_minutes() {
    let service = Service::start().await;
    let mut admin = service.member("admin@example.com", &["admin"]).await;
    let bob = service.member("bob@example.com", &[]).await;
    let path = format!("/v1/admin/users/{}/roles", id_of(&bob).await);
    service.wait(300);
    admin.refresh().await.expect(StatusCode::OK);
    admin
        .put(&path, json!({ "roles": ["user"] }))
        .await
        .expect(StatusCode::OK);
    service.wait(1);
    // Known before the body is read.
    let answer = admin.put(&path, json!({ "nonsense": 1 })).await;
    answer.expect_problem("reauthentication_required");
    let answer = admin.put(&path, json!({ "roles": ["admin"] })).await;
    let challenge = answer.expect_problem("reauthentication_required");
    let challenge = challenge.header("www-authenticate");
    let expected =
        r#"Bearer realm="signet", error="insufficient_user_authentication", max_age=300"#;
    assert_eq!(challenge, expected);
    let answer = admin
        .post("/v1/reauthenticate", json!({ "password": PASSWORD }))
        .await;
    admin.keep(&answer.expect(StatusCode::OK));
    admin
        .put(&path, json!({ "roles": ["admin"] }))
        .await
        .expect(StatusCode::OK);
}

#[tokio::test]
async fn nobody_acts_on_someone_above_or_grants_what_they_lack() {
    let service = Service::start().await;
    let admin = service.member("admin@example.com", &["admin"]).await;
    let body = json!({ "name": "helpdesk", "permissions": ["users:read", "users:write"] });
    admin
        .post("/v1/admin/roles", body)
        .await
        .expect(StatusCode::CREATED);
    let helper = service.member("helper@example.com", &["helpdesk"]).await;
    let bob = service.member("bob@example.com", &[]).await;
    let admin_id = id_of(&admin).await;
    let bob_id = id_of(&bob).await;
    let refused = post(&helper, &format!("/v1/admin/users/{admin_id}/suspend")).await;
    refused.expect_problem("insufficient_scope");
    let path = format!("/v1/admin/users/{bob_id}/roles");
    let refused = helper.put(&path, json!({ "roles": ["admin"] })).await;
    refused.expect_problem("insufficient_scope");
    helper
        .put(&path, json!({ "roles": ["helpdesk"] }))
        .await
        .expect(StatusCode::OK);
    admin.get("/v1/me").await.expect(StatusCode::OK);
}

#[tokio::test]
async fn the_last_admin_stays_by_every_way() {
    let service = Service::start().await;
    let admin = service.member("admin@example.com", &["admin"]).await;
    let id = id_of(&admin).await;
    let suspended = post(&admin, &format!("/v1/admin/users/{id}/suspend")).await;
    suspended.expect_problem("conflict");
    let demoted = admin
        .put(
            &format!("/v1/admin/users/{id}/roles"),
            json!({ "roles": [] }),
        )
        .await;
    demoted.expect_problem("conflict");
    admin
        .delete("/v1/admin/roles/admin")
        .await
        .expect_problem("conflict");
    let body = json!({ "permissions": [] });
    admin
        .put("/v1/admin/roles/admin", body)
        .await
        .expect_problem("conflict");
    admin.get("/v1/admin/users").await.expect(StatusCode::OK);
}

#[tokio::test]
async fn two_admins_who_demote_each_other_leave_one() {
    let service = Service::start().await;
    for round in 0..10 {
        let one = service
            .member(&format!("one{round}@example.com"), &["admin"])
            .await;
        let two = service
            .member(&format!("two{round}@example.com"), &["admin"])
            .await;
        let paths =
            [id_of(&two).await, id_of(&one).await].map(|id| format!("/v1/admin/users/{id}/roles"));
        let demote = |client: Client, path: String| {
            tokio::spawn(async move { client.put(&path, json!({ "roles": [] })).await.status })
        };
        let [first, second] = paths;
        let first = demote(one.clone(), first);
        let second = demote(two.clone(), second);
        let statuses = [first.await.unwrap(), second.await.unwrap()];
        let won = statuses
            .iter()
            .filter(|status| **status == StatusCode::OK)
            .count();
        assert_eq!(won, 1, "{statuses:?}");
        let survivor = if statuses[0] == StatusCode::OK {
            &one
        } else {
            &two
        };
        let users = survivor
            .get("/v1/admin/users?role=admin")
            .await
            .expect(StatusCode::OK)
            .json();
        let id = id_of(survivor).await;
        assert!(
            users["users"]
                .as_array()
                .unwrap()
                .iter()
                .any(|user| user["id"] == id)
        );
        // Nobody else may be left to administer in the next round.
        assert_eq!(users["users"].as_array().unwrap().len(), round + 1);
    }
}

#[tokio::test]
async fn unknown_users_are_not_found() {
    let service = Service::start().await;
    let admin = service.member("admin@example.com", &["admin"]).await;
    for id in [
        "x",
        "00000000-0000-4000-8000-000000000000",
        "..%2F..%2Froles",
    ] {
        admin
            .get(&format!("/v1/admin/users/{id}"))
            .await
            .expect_problem("not_found");
        let suspended = post(&admin, &format!("/v1/admin/users/{id}/suspend")).await;
        suspended.expect_problem("not_found");
        let path = format!("/v1/admin/users/{id}/roles");
        admin
            .put(&path, json!({ "roles": [] }))
            .await
            .expect_problem("not_found");
    }
}

#[tokio::test]
async fn a_user_looks_the_same_alone_and_in_the_list() {
    let service = Service::start().await;
    let admin = service.member("admin@example.com", &["admin"]).await;
    let list = admin.get("/v1/admin/users").await.json();
    let listed: &Value = &list["users"][0];
    let path = format!("/v1/admin/users/{}", listed["id"].as_str().unwrap());
    assert_eq!(admin.get(&path).await.json(), *listed);
    assert_eq!(listed["last_login_at"], "2027-01-15T08:00:00Z");
}
