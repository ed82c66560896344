//! Roles and what they permit.

use http::StatusCode;
use serde_json::json;

use crate::harness::Service;

#[tokio::test]
async fn a_role_is_created_read_replaced_and_deleted() {
    let service = Service::start().await;
    let admin = service.member("admin@example.com", &["admin"]).await;
    let body = json!({
        "name": "team/agents", "description": "Runs agents",
        "permissions": ["agents:run", "agents:read"], "inherits": ["user"],
    });
    let answer = admin
        .post("/v1/admin/roles", body)
        .await
        .expect(StatusCode::CREATED);
    let location = answer.header("location").to_owned();
    assert_eq!(location, "/v1/admin/roles/team%2Fagents");
    let role = json!({
        "name": "team/agents", "description": "Runs agents",
        "permissions": ["agents:read", "agents:run"], "inherits": ["user"],
    });
    assert_eq!(answer.json(), role);
    assert_eq!(
        admin.get(&location).await.expect(StatusCode::OK).json(),
        role
    );

    let body = json!({ "permissions": ["agents:read"] });
    let replaced = admin
        .put(&location, body)
        .await
        .expect(StatusCode::OK)
        .json();
    assert_eq!(replaced["description"], "");
    assert_eq!(replaced["permissions"], json!(["agents:read"]));

    admin.delete(&location).await.expect(StatusCode::NO_CONTENT);
    admin.get(&location).await.expect_problem("not_found");
    admin.delete(&location).await.expect_problem("not_found");
    admin
        .put(&location, json!({ "permissions": [] }))
        .await
        .expect_problem("not_found");
}

#[tokio::test]
async fn inherited_permissions_are_effective() {
    let service = Service::start().await;
    let admin = service.member("admin@example.com", &["admin"]).await;
    for (name, permission, inherits) in [
        ("reader", "agents:read", vec![]),
        ("runner", "agents:run", vec!["reader"]),
        ("owner", "agents:delete", vec!["runner"]),
    ] {
        let body = json!({ "name": name, "permissions": [permission], "inherits": inherits });
        admin
            .post("/v1/admin/roles", body)
            .await
            .expect(StatusCode::CREATED);
    }
    let owner = admin
        .get("/v1/admin/roles/owner/effective")
        .await
        .expect(StatusCode::OK)
        .json();
    let all = json!(["agents:delete", "agents:read", "agents:run"]);
    assert_eq!(owner, json!({ "name": "owner", "permissions": all }));

    let cycle = json!({ "permissions": [], "inherits": ["owner"] });
    admin
        .put("/v1/admin/roles/reader", cycle)
        .await
        .expect_problem("conflict");
    admin
        .delete("/v1/admin/roles/reader")
        .await
        .expect_problem("conflict");
    let orphan = json!({ "permissions": [], "inherits": ["nosuch"] });
    let answer = admin.put("/v1/admin/roles/reader", orphan).await;
    let faults = answer.expect_problem("validation_failed").faults();
    assert_eq!(faults, [("inherits".into(), "unknown_role".into())]);
}

#[tokio::test]
async fn a_role_that_somebody_holds_or_that_exists_stands_in_the_way() {
    let service = Service::start().await;
    let admin = service.member("admin@example.com", &["admin"]).await;
    let body = json!({ "name": "support", "permissions": [] });
    admin
        .post("/v1/admin/roles", body.clone())
        .await
        .expect(StatusCode::CREATED);
    admin
        .post("/v1/admin/roles", body)
        .await
        .expect_problem("conflict");
    service
        .create_account("bob@example.com", &["support"])
        .await;
    admin
        .delete("/v1/admin/roles/support")
        .await
        .expect_problem("conflict");
    for built_in in ["admin", "user"] {
        let body = json!({ "name": built_in, "permissions": [] });
        admin
            .post("/v1/admin/roles", body)
            .await
            .expect_problem("conflict");
        let path = format!("/v1/admin/roles/{built_in}");
        admin.delete(&path).await.expect_problem("conflict");
    }
}

#[tokio::test]
async fn only_admins_introduce_permissions_and_nobody_widens_a_role_beyond_their_own() {
    let service = Service::start().await;
    let admin = service.member("admin@example.com", &["admin"]).await;
    let body = json!({ "name": "role-editor", "permissions": ["roles:read", "roles:write"] });
    admin
        .post("/v1/admin/roles", body)
        .await
        .expect(StatusCode::CREATED);
    let editor = service.member("editor@example.com", &["role-editor"]).await;
    for (name, permissions, inherits) in [
        ("a", vec!["brand:new"], vec![]),
        ("b", vec!["users:write"], vec![]),
        ("c", vec![], vec!["admin"]),
    ] {
        let body = json!({ "name": name, "permissions": permissions, "inherits": inherits });
        editor
            .post("/v1/admin/roles", body)
            .await
            .expect_problem("insufficient_scope");
    }
    let body = json!({ "name": "viewer", "permissions": ["roles:read"] });
    editor
        .post("/v1/admin/roles", body)
        .await
        .expect(StatusCode::CREATED);
}

#[tokio::test]
async fn roles_are_listed_by_name_page_by_page() {
    let service = Service::start().await;
    let admin = service.member("admin@example.com", &["admin"]).await;
    let mut names = Vec::new();
    let mut target = "/v1/admin/roles?limit=1".to_owned();
    loop {
        let page = admin.get(&target).await.expect(StatusCode::OK).json();
        names.push(page["roles"][0]["name"].as_str().unwrap().to_owned());
        match page["next_cursor"].as_str() {
            Some(cursor) => target = format!("/v1/admin/roles?limit=1&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!(names, ["admin", "user"]);
}

#[tokio::test]
async fn who_inherits_admin_is_an_admin() {
    let service = Service::start().await;
    let admin = service.member("admin@example.com", &["admin"]).await;
    let owner = json!({ "name": "owner", "permissions": [], "inherits": ["admin"] });
    let created = admin.post("/v1/admin/roles", owner).await;
    created.expect(StatusCode::CREATED);
    let owner = service.member("owner@example.com", &["owner"]).await;
    let new = json!({ "name": "tester", "permissions": ["tests:run"] });
    let created = owner.post("/v1/admin/roles", new).await;
    created.expect(StatusCode::CREATED);
    let id = |name: &'static str| {
        let owner = &owner;
        async move {
            let found = owner.get(&format!("/v1/admin/users?q={name}")).await;
            found.json()["users"][0]["id"].as_str().unwrap().to_owned()
        }
    };
    let demote = async |name| {
        let path = format!("/v1/admin/users/{}/roles", id(name).await);
        owner.put(&path, json!({ "roles": [] })).await
    };
    demote("admin@").await.expect(StatusCode::OK);
    demote("owner@").await.expect_problem("conflict");
    let emptied = json!({ "permissions": [], "inherits": [] });
    let replaced = owner.put("/v1/admin/roles/owner", emptied).await;
    replaced.expect_problem("conflict");
}
