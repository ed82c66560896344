//! The audit trail, as admins read it.

use http::StatusCode;
use serde_json::{Value, json};

use crate::harness::{Client, Service};

async fn events(client: &Client, query: &str) -> Value {
    let answer = client.get(&format!("/v1/admin/audit{query}")).await;
    answer.expect(StatusCode::OK).json()
}

fn actions(page: &Value) -> Vec<&str> {
    let events = page["events"].as_array().unwrap().iter();
    events
        .map(|event| event["action"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn the_trail_is_read_newest_first_page_by_page_and_by_what_it_tells() {
    let service = Service::start().await;
    let admin = service.member("admin@example.com", &["admin"]).await;
    let ada = service.member("ada@example.com", &[]).await;
    let id = ada.get("/v1/me").await.string("id");
    ada.patch("/v1/me", json!({ "name": "Ada" }))
        .await
        .expect(StatusCode::OK);
    let page = events(&admin, "").await;
    assert_eq!(actions(&page)[0], "account.renamed");
    let newest = &page["events"][0];
    assert_eq!(newest["actor"], id.as_str());
    assert_eq!(newest["ip"], "127.0.0.1");
    assert_eq!(newest["hash"], page["head"]["hash"]);
    assert_eq!(newest["sequence"], page["head"]["sequence"]);

    let (mut walked, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = events(&admin, &format!("?limit=2{cursor}")).await;
        let found = page["events"].as_array().unwrap().clone();
        walked.extend(
            found
                .iter()
                .map(|event| event["sequence"].as_u64().unwrap()),
        );
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    let all: Vec<u64> = (1..=page["head"]["sequence"].as_u64().unwrap())
        .rev()
        .collect();
    assert_eq!(walked, all);

    let of_ada = events(&admin, &format!("?subject={id}")).await;
    assert_eq!(
        actions(&of_ada),
        ["account.renamed", "session.opened", "account.created"]
    );
    let by_ada = events(&admin, &format!("?actor={id}&action=account.renamed")).await;
    assert_eq!(actions(&by_ada), ["account.renamed"]);
    let at = newest["at"].as_str().unwrap();
    let since = events(&admin, &format!("?from={at}")).await;
    assert!(!actions(&since).is_empty());
    assert!(
        actions(&events(&admin, &format!("?until={at}&action=account.renamed")).await).is_empty()
    );
    for wrong in [
        "?from=yesterday",
        "?cursor=01",
        "?cursor=-1",
        "?limit=0",
        "?subject=ada",
        "?who=1",
    ] {
        let answer = admin.get(&format!("/v1/admin/audit{wrong}")).await;
        answer.expect_problem("validation_failed");
    }
    ada.get("/v1/admin/audit")
        .await
        .expect_problem("insufficient_scope");
}

#[tokio::test]
async fn the_whole_trail_is_taken_away_with_its_head_and_by_a_fresh_login() {
    let service = Service::start().await;
    let admin = service.member("admin@example.com", &["admin"]).await;
    let answer = admin
        .get("/v1/admin/audit/export")
        .await
        .expect(StatusCode::OK);
    assert_eq!(answer.header("content-type"), "application/x-ndjson");
    let text = answer.text();
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let (head, events) = lines.split_last().unwrap();
    for (place, event) in (1_u64..).zip(events) {
        assert_eq!(event["sequence"], place);
        assert_eq!(event["format"], 2);
    }
    let last = events.last().unwrap();
    assert_eq!(last["action"], "audit.exported");
    assert_eq!(last["hash"], head["head"]["hash"]);
    service.wait(301);
    let stale = admin.get("/v1/admin/audit/export").await;
    stale.expect_problem("reauthentication_required");
}
