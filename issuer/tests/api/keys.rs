//! The signing keys in the hands of admins, and what tokens are worth afterwards.

use http::{Method, StatusCode};
use serde_json::{Value, json};
use signet_core::secret::{OperatingSystem, Randomness};
use signet_core::signing::life::Wish;
use signet_verifier::{KeySet, Verifier};

use crate::harness::{Answer, Client, PASSWORD, Service, Setting};

const KEYS: &str = "/v1/admin/keys";
const ROOT: &str = "root@example.com";
const ADA: &str = "ada@example.com";
/// How long a key is published before it signs, in seconds.
const PUBLISHED: u64 = 900;
/// How long a key is published after it stopped, in seconds.
const OUTLIVES: u64 = 300 + 180;

/// A service whose next key is published, and an admin who has just logged in.
async fn service() -> (Service, Client) {
    let service = Service::start_with(Setting {
        limits_scale: 100,
        ..Setting::default()
    })
    .await;
    service.app.issuer.keep_keys().await.unwrap();
    let admin = service.member(ROOT, &["admin"]).await;
    (service, admin)
}

async fn listed(client: &Client) -> Vec<Value> {
    let list = client.get(KEYS).await.expect(StatusCode::OK).json();
    list["keys"].as_array().unwrap().clone()
}

/// The kid of the newest key in a state.
fn kid_in(keys: &[Value], state: &str) -> String {
    let found = keys.iter().find(|key| key["state"] == state);
    let found = found.unwrap_or_else(|| panic!("no key is {state}: {keys:?}"));
    found["kid"].as_str().unwrap().to_owned()
}

fn states(keys: &[Value]) -> Vec<&str> {
    let states = keys.iter().map(|key| key["state"].as_str().unwrap());
    states.collect()
}

async fn rotate(client: &Client) -> Answer {
    let path = format!("{KEYS}/rotate");
    client.call(Method::POST, &path).send().await
}

async fn revoke(client: &Client, kid: &str) -> Answer {
    client.delete(&format!("{KEYS}/{kid}")).await
}

/// What anybody fetches to check tokens with.
async fn key_set(service: &Service) -> KeySet {
    let answer = service.client().get("/.well-known/jwks.json").await;
    let answer = answer.expect(StatusCode::OK);
    KeySet::from_jwks(&answer.body).unwrap().key_set
}

/// The kids in the key set, in order.
async fn published(service: &Service) -> Vec<String> {
    let answer = service.client().get("/.well-known/jwks.json").await.json();
    let keys = answer["keys"].as_array().unwrap().iter();
    let mut kids: Vec<_> = keys
        .map(|key| key["kid"].as_str().unwrap().to_owned())
        .collect();
    kids.sort();
    kids
}

fn sorted<const N: usize>(kids: [&str; N]) -> Vec<String> {
    let mut kids = kids.map(str::to_owned).to_vec();
    kids.sort();
    kids
}

/// Which key signed a client's token, if the key set has it and the token is good.
async fn signed_by(service: &Service, client: &Client) -> Option<String> {
    let issuer = format!("http://{}", service.host());
    let token = client.access_token.as_ref().unwrap();
    let keys = key_set(service).await;
    let now = service.app.issuer.now();
    let verified = Verifier::new(&issuer, ["agents"]).verify(token.as_bytes(), &keys, now);
    Some(verified.ok()?.kid().as_str().to_owned())
}

/// What the trail says of keys, and by whom, from the beginning on.
async fn told(admin: &Client) -> Vec<(String, String)> {
    let trail = admin.get("/v1/admin/audit?limit=200").await;
    let trail = trail.expect(StatusCode::OK).json();
    let events = trail["events"].as_array().unwrap().iter().rev();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    events
        .map(|event| (text(&event["action"]), text(&event["actor"])))
        .filter(|(action, _)| action.starts_with("keys."))
        .collect()
}

#[tokio::test]
async fn the_published_key_signs_when_an_admin_says_so() {
    let (service, mut admin) = service().await;
    let before = listed(&admin).await;
    assert_eq!(states(&before), ["next", "active"]);
    let (first, second) = (kid_in(&before, "active"), kid_in(&before, "next"));
    assert_eq!(before[0]["published_at"], "2027-01-15T08:00:00Z");
    assert_eq!(before[0]["signs_from"], "2027-01-15T08:15:00Z");
    for absent in ["retired_at", "removed_at", "refused_until"] {
        assert_eq!(before[0][absent], Value::Null, "{absent}");
    }
    let early = rotate(&admin).await.expect(StatusCode::CONFLICT);
    let early = early.expect_problem("conflict").json();
    let detail = early["detail"].as_str().unwrap();
    assert!(detail.contains(&second), "{detail}");
    assert!(detail.contains("too short a time ago"), "{detail}");
    assert_eq!(listed(&admin).await, before);

    service.wait(PUBLISHED);
    admin.log_in(ROOT, PASSWORD).await;
    let mut ada = service.member(ADA, &[]).await;
    assert_eq!(signed_by(&service, &ada).await, Some(first.clone()));
    let changed = rotate(&admin).await.expect(StatusCode::OK).json();
    assert_eq!(changed["active"], second.as_str());
    let third = changed["next"].as_str().unwrap();
    let after = listed(&admin).await;
    assert_eq!(states(&after), ["next", "active", "retired"]);
    assert_eq!(after[2]["kid"], first.as_str());
    assert_eq!(after[2]["retired_at"], "2027-01-15T08:15:00Z");
    assert_eq!(after[2]["removed_at"], "2027-01-15T08:23:00Z");
    assert_eq!(
        published(&service).await,
        sorted([first.as_str(), &second, third])
    );

    // Nobody notices: what was signed before is good, and what is signed from now on as well.
    ada.get("/v1/me").await.expect(StatusCode::OK);
    assert_eq!(signed_by(&service, &ada).await, Some(first.clone()));
    ada.refresh().await.expect(StatusCode::OK);
    assert_eq!(signed_by(&service, &ada).await, Some(second.clone()));
    // The one that is published now is as new as any.
    rotate(&admin).await.expect_problem("conflict");

    service.wait(OUTLIVES);
    service.app.issuer.keep_keys().await.unwrap();
    assert_eq!(published(&service).await, sorted([second.as_str(), third]));
    admin.log_in(ROOT, PASSWORD).await;
    let gone = listed(&admin).await;
    assert_eq!(states(&gone), ["next", "active", "removed"]);
    assert_eq!(gone[2]["removed_at"], "2027-01-15T08:23:00Z");
    let id = admin.get("/v1/me").await.string("id");
    let told = told(&admin).await;
    let told = told.iter().map(|(action, actor)| (&**action, &**actor));
    assert_eq!(
        told.collect::<Vec<_>>(),
        [
            ("keys.created", "system"),
            ("keys.published", "system"),
            ("keys.rotated", id.as_str()),
            ("keys.published", id.as_str()),
            ("keys.removed", "system"),
        ]
    );
}

#[tokio::test]
async fn no_key_goes_because_a_clock_was_set() {
    let (service, mut admin) = service().await;
    service.wait(PUBLISHED);
    admin.log_in(ROOT, PASSWORD).await;
    rotate(&admin).await.expect(StatusCode::OK);
    let all = published(&service).await;
    assert_eq!(all.len(), 3);
    let upkeep = || async {
        service.app.issuer.keep_keys().await.unwrap();
        published(&service).await
    };
    service.set_forward(3_600);
    assert_eq!(upkeep().await, all);
    service.set_back(3_600);
    assert_eq!(upkeep().await, all);
    // Long after its tokens are over, by the clock that nobody sets.
    service.wait(3_600 + 179);
    assert_eq!(upkeep().await, all);
    service.wait(1);
    assert_eq!(upkeep().await.len(), 2);
}

#[tokio::test]
async fn what_a_revoked_key_signed_is_refused_at_once() {
    let (service, mut admin) = service().await;
    let mut ada = service.member(ADA, &[]).await;
    let before = listed(&admin).await;
    let (stolen, next) = (kid_in(&before, "active"), kid_in(&before, "next"));
    ada.get("/v1/me").await.expect(StatusCode::OK);
    let changed = revoke(&admin, &stolen).await.expect(StatusCode::OK).json();
    assert_eq!(changed["active"], next.as_str());
    let third = changed["next"].as_str().unwrap();
    assert_eq!(published(&service).await, sorted([next.as_str(), third]));

    for client in [&mut ada, &mut admin] {
        client.get("/v1/me").await.expect_problem("invalid_token");
        assert_eq!(signed_by(&service, client).await, None);
        client.refresh().await.expect(StatusCode::OK);
        client.get("/v1/me").await.expect(StatusCode::OK);
        assert_eq!(signed_by(&service, client).await, Some(next.clone()));
    }
    let after = listed(&admin).await;
    assert_eq!(states(&after), ["next", "active", "removed"]);
    assert_eq!(after[2]["kid"], stolen.as_str());
    assert_eq!(after[2]["removed_at"], "2027-01-15T08:00:00Z");
    assert_eq!(after[2]["refused_until"], "2027-02-14T08:00:00Z");
    let again = revoke(&admin, &stolen).await.expect(StatusCode::CONFLICT);
    let again = again.expect_problem("conflict").json();
    let detail = again["detail"].as_str().unwrap();
    assert!(detail.contains("revoked already"), "{detail}");
    assert_eq!(listed(&admin).await, after);

    // The one that would sign next may be stolen as well: who signs stays.
    let changed = revoke(&admin, third).await.expect(StatusCode::OK).json();
    assert_eq!(changed["active"], Value::Null);
    let fourth = changed["next"].as_str().unwrap();
    assert_eq!(published(&service).await, sorted([next.as_str(), fourth]));
    ada.get("/v1/me").await.expect(StatusCode::OK);
}

#[tokio::test]
async fn a_key_that_has_stopped_or_gone_is_revoked_as_well() {
    let (service, mut admin) = service().await;
    let first = kid_in(&listed(&admin).await, "active");
    service.wait(PUBLISHED);
    admin.log_in(ROOT, PASSWORD).await;
    let second = rotate(&admin).await.string("active");
    let changed = revoke(&admin, &first).await.expect(StatusCode::OK).json();
    assert_eq!(changed, json!({ "active": null, "next": null }));
    assert!(!published(&service).await.contains(&first));
    // The admin's token was one of the first key's.
    admin.get(KEYS).await.expect_problem("invalid_token");

    service.wait(PUBLISHED);
    admin.log_in(ROOT, PASSWORD).await;
    rotate(&admin).await.expect(StatusCode::OK);
    service.wait(OUTLIVES);
    service.app.issuer.keep_keys().await.unwrap();
    admin.log_in(ROOT, PASSWORD).await;
    let gone = listed(&admin).await;
    let second_of = |keys: &[Value]| {
        let found = keys.iter().find(|key| key["kid"] == second.as_str());
        found.unwrap().clone()
    };
    assert_eq!(second_of(&gone)["state"], "removed");
    assert_eq!(second_of(&gone)["refused_until"], Value::Null);
    revoke(&admin, &second).await.expect(StatusCode::OK);
    let refused = second_of(&listed(&admin).await);
    assert!(refused["refused_until"].is_string(), "{refused}");
}

#[tokio::test]
async fn who_reads_keys_changes_none_and_who_changes_them_does_so_freshly() {
    let (service, admin) = service().await;
    for (role, permission) in [("reader", "keys:read"), ("keeper", "keys:write")] {
        let body = json!({ "name": role, "permissions": [permission] });
        let created = admin.post("/v1/admin/roles", body).await;
        created.expect(StatusCode::CREATED);
    }
    let before = listed(&admin).await;
    let active = kid_in(&before, "active");
    let nobody = service.client();
    let member = service.member(ADA, &[]).await;
    let reader = service.member("reader@example.com", &["reader"]).await;
    for (client, code) in [
        (&nobody, "missing_token"),
        (&member, "insufficient_scope"),
        (&reader, "insufficient_scope"),
    ] {
        rotate(client).await.expect_problem(code);
        revoke(client, &active).await.expect_problem(code);
    }
    nobody.get(KEYS).await.expect_problem("missing_token");
    member.get(KEYS).await.expect_problem("insufficient_scope");
    assert_eq!(listed(&reader).await, before);

    let mut keeper = service.member("keeper@example.com", &["keeper"]).await;
    keeper.get(KEYS).await.expect_problem("insufficient_scope");
    service.wait(301);
    for client in [&mut keeper, &mut admin.clone()] {
        client.refresh().await.expect(StatusCode::OK);
        let asked = [rotate(client).await, revoke(client, &active).await];
        for refused in asked {
            refused.expect_problem("reauthentication_required");
        }
    }
    service.wait(PUBLISHED);
    keeper.log_in("keeper@example.com", PASSWORD).await;
    let mut admin = admin;
    admin.log_in(ROOT, PASSWORD).await;
    assert_eq!(listed(&admin).await, before, "nothing was done");
    rotate(&keeper).await.expect(StatusCode::OK);

    // Who loses the right has lost it, whatever the token says.
    let id = keeper.get("/v1/me").await.string("id");
    let roles = json!({ "roles": [] });
    let path = format!("/v1/admin/users/{id}/roles");
    let taken = admin.put(&path, roles);
    taken.await.expect(StatusCode::OK);
    revoke(&keeper, &active)
        .await
        .expect_problem("invalid_token");
    keeper.refresh().await.expect(StatusCode::OK);
    revoke(&keeper, &active)
        .await
        .expect_problem("insufficient_scope");
}

#[tokio::test]
async fn what_names_no_key_takes_none_away() {
    let (_service, admin) = service().await;
    let before = listed(&admin).await;
    let active = kid_in(&before, "active");
    let (short, other_case) = (&active[..42], active.to_lowercase());
    for name in [
        "x",
        short,
        &format!("{active}A"),
        &format!("{active}="),
        &format!("{active}%00"),
        &format!("%20{active}"),
        &format!("{short}%2B"),
        &format!("{short}%C3%A9"),
        "..%2Froles%2Fadmin",
        "'%20OR%20'1'%3D'1",
        &"A".repeat(43),
        &"A".repeat(2_000),
        &other_case,
    ] {
        let answer = revoke(&admin, name).await;
        answer
            .expect(StatusCode::NOT_FOUND)
            .expect_problem("not_found");
    }
    for (method, path) in [
        (Method::POST, KEYS.to_owned()),
        (Method::PUT, KEYS.to_owned()),
        (Method::DELETE, KEYS.to_owned()),
        (Method::GET, format!("{KEYS}/{active}")),
        (Method::DELETE, format!("{KEYS}/rotate")),
    ] {
        let answer = admin.call(method, &path).send_unchecked().await;
        assert!(answer.status.is_client_error(), "{path}");
    }
    for query in ["limit=1", "cursor=1", "state=active"] {
        let answer = admin.get(&format!("{KEYS}?{query}")).await;
        answer.expect_problem("validation_failed");
    }
    assert_eq!(listed(&admin).await, before);
}

#[tokio::test]
async fn a_key_that_was_brought_along_signs_next() {
    let (service, mut admin) = service().await;
    let randomness: &dyn Randomness = &OperatingSystem;
    let seed = randomness.secret();
    let issuer = &service.app.issuer;
    let replaced = kid_in(&listed(&admin).await, "next");
    let plan = issuer
        .change_keys_as_operator(Wish::Import(&seed))
        .await
        .unwrap();
    let imported = plan.published().unwrap().to_owned();
    let keys = listed(&admin).await;
    assert_eq!(kid_in(&keys, "next"), imported);
    assert_eq!(kid_in(&keys, "removed"), replaced);
    let active = kid_in(&keys, "active");
    assert_eq!(
        published(&service).await,
        sorted([active.as_str(), &imported])
    );
    rotate(&admin).await.expect_problem("conflict");
    service.wait(PUBLISHED);
    admin.log_in(ROOT, PASSWORD).await;
    assert_eq!(rotate(&admin).await.string("active"), imported);
    let ada = service.member(ADA, &[]).await;
    assert_eq!(signed_by(&service, &ada).await, Some(imported));
}
