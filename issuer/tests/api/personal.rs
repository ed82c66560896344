//! Everything that is held about somebody: taking it along, having it erased, and that nothing is
//! forgotten on the way.

use std::collections::BTreeSet;
use std::time::Duration;

use http::StatusCode;
use serde_json::{Value, json};
use signet_core::mail::MailKind;

use crate::harness::{OTHER_PASSWORD, PASSWORD, Service};

const ADA: &str = "ada@example.com";

/// Every column of every table, and why it is not in an export where it is not.
///
/// Whoever adds a column decides here: it is given out, it is a secret or says nothing about a
/// person, or it says where a row belongs.
const COLUMNS: &[(&str, &[&str], &[&str])] = &[
    // table, given out, not given out
    ("account_roles", &["role"], &["account_id"]),
    (
        "accounts",
        &[
            "id",
            "email_original",
            "email_verified",
            "name",
            "status",
            "created_at",
            "last_login_at",
            "password_hash",
        ],
        // Derived; counters without a meaning to people; a hash of a secret; what the trail tells.
        &[
            "invited_at",
            "email_canonical",
            "name_folded",
            "version",
            "device_epoch",
            "registration_hash",
        ],
    ),
    (
        "audit",
        &["at", "actor", "action", "subject", "detail", "ip"],
        // The chain and its places, which are the trail's own; the id of a request.
        &[
            "sequence",
            "hash",
            "request_id",
            "format",
            "address",
            "taken_out_by",
        ],
    ),
    (
        "audit_addresses",
        &["ip"],
        &["sequence", "salt", "account_id", "registration_id"],
    ),
    // What the revocation feed says, for some minutes: that tokens are void.
    (
        "ended_sessions",
        &[],
        &["session_id", "account_id", "seq", "leaves_at"],
    ),
    ("feed", &[], &["id", "seq"]),
    // How many there are is given out; the key says nothing.
    ("guesses", &["number"], &["key", "at"]),
    (
        "mac_keys",
        &[],
        &["id", "sealed", "master_key", "created_at", "signs_from"],
    ),
    (
        "mailed_tokens",
        &["purpose", "expires_at", "leads_to_original"],
        &["hash", "registration_id", "account_id", "leads_to", "place"],
    ),
    (
        "meta",
        &[],
        &[
            "id",
            "incarnation",
            "roles_version",
            "feed_epoch",
            "keys_version",
        ],
    ),
    (
        "outbox",
        &[
            "kind",
            "created_at",
            "due_at",
            "expires_at",
            "attempts",
            "abandoned_at",
            "last_error",
        ],
        // The mail itself is under a seal until it is sent, and holds a token that is a secret. The
        // letter to an address that one asks to change to is left out as a whole: `alike` says why.
        &["id", "sealed", "master_key", "account_id"],
    ),
    (
        "raised_versions",
        &[],
        &["account_id", "version", "seq", "leaves_at"],
    ),
    // Nobody's.
    (
        "refused_kids",
        &[],
        &["kid", "refused_at", "refused_until", "seq"],
    ),
    (
        "registrations",
        &["email_original", "name", "created_at", "expires_at"],
        &[
            "number",
            "id",
            "secret_hash",
            "email_canonical",
            "password_hash",
        ],
    ),
    (
        "removed_keys",
        &[],
        &[
            "kid",
            "public",
            "created_at",
            "activated_at",
            "retired_at",
            "removed_at",
        ],
    ),
    ("role_inherits", &[], &["role", "inherits"]),
    ("role_permissions", &[], &["role", "permission"]),
    ("roles", &[], &["name", "description"]),
    ("secrets", &[], &["name", "sealed", "master_key"]),
    (
        "sessions",
        &[
            "id",
            "generation",
            "created_at",
            "advanced_at",
            "authenticated_at",
            "ended_at",
            "audience",
            "client",
            "user_agent",
            "ip",
            "repeats",
            "repeated_at",
        ],
        &["family", "account_id", "detached"],
    ),
    (
        "signing_keys",
        &[],
        &[
            "kid",
            "public",
            "sealed",
            "master_key",
            "state",
            "created_at",
            "activated_at",
            "retired_at",
            "token_life",
        ],
    ),
];

#[tokio::test]
async fn every_column_is_given_out_or_there_is_a_reason() {
    let service = Service::start().await;
    let mut decided = BTreeSet::new();
    for (table, given, kept) in COLUMNS {
        for column in given.iter().chain(*kept) {
            assert!(
                decided.insert(format!("{table}.{column}")),
                "{table}.{column} twice"
            );
        }
    }
    let there = service.database().columns().await;
    let undecided: Vec<_> = there.difference(&decided).collect();
    assert!(
        undecided.is_empty(),
        "what becomes of {undecided:?} when a person asks?"
    );
    let gone: Vec<_> = decided.difference(&there).collect();
    assert!(gone.is_empty(), "there is no {gone:?}");
}

#[tokio::test]
async fn everything_that_is_held_is_given_out() {
    let service = Service::start().await;
    let ada = service.member(ADA, &[]).await;
    let client = service.client().always("user-agent", "a program of hers");
    let mut second = client.clone();
    second.log_in(ADA, PASSWORD).await;
    ada.patch("/v1/me", json!({ "name": "Ada Lovelace" }))
        .await
        .expect(StatusCode::OK);
    let wrong = json!({ "email": ADA, "password": OTHER_PASSWORD });
    client
        .post("/v1/login", wrong)
        .await
        .expect_problem("invalid_credentials");
    let body = json!({ "new_email": "countess@example.com", "password": PASSWORD });
    ada.post("/v1/me/email", body)
        .await
        .expect(StatusCode::ACCEPTED);
    service.mails(ADA).await;

    let answer = ada.get("/v1/me/export").await.expect(StatusCode::OK);
    assert_eq!(answer.header("cache-control"), "no-store");
    let file = answer.header("content-disposition");
    assert_eq!(file, "attachment; filename=\"signet-export.json\"");
    let held = answer.json();
    assert_eq!(held["account"]["name"], "Ada Lovelace");
    assert_eq!(held["password"], "argon2");
    assert_eq!(held["sessions"].as_array().unwrap().len(), 2);
    assert!(answer.text().contains("a program of hers"));
    assert_eq!(held["failed_guesses"], 1);
    let tokens = held["mailed_tokens"].as_array().unwrap();
    let leads: Vec<&Value> = tokens.iter().map(|token| &token["leads_to"]).collect();
    assert!(leads.contains(&&json!("countess@example.com")), "{leads:?}");
    let audit = held["audit"].as_array().unwrap();
    assert!(
        audit
            .iter()
            .any(|event| event["action"] == "account.renamed")
    );
    assert!(audit.iter().all(|event| !event["actor"].is_null()));
    for secret in [
        PASSWORD,
        "$argon2",
        "srt_",
        ada.access_token.as_deref().unwrap(),
    ] {
        assert!(!answer.text().contains(secret), "{secret}");
    }
}

/// Where an export shows a column of [`COLUMNS`], if it isn't in the section of its table under its
/// own name.
const SHOWN_AS: &[(&str, &str)] = &[
    ("account_roles.role", "account.roles"),
    ("accounts.email_original", "account.email"),
    ("accounts.password_hash", "password"),
    // Every row that is given out is about the account.
    ("audit.subject", "account.id"),
    ("audit_addresses.ip", "audit.ip"),
    ("guesses.number", "failed_guesses"),
    ("mailed_tokens.leads_to_original", "mailed_tokens.leads_to"),
    ("registrations.email_original", "registrations.email"),
    ("sessions.generation", "sessions.refreshes"),
    ("sessions.advanced_at", "sessions.last_seen_at"),
];

/// Where an export shows a column that is given out.
fn shown_as(table: &str, column: &str) -> String {
    let name = format!("{table}.{column}");
    if let Some((_, place)) = SHOWN_AS.iter().find(|(of, _)| *of == name) {
        return (*place).to_owned();
    }
    let section = match table {
        "accounts" => "account",
        "outbox" => "mail",
        table => table,
    };
    format!("{section}.{column}")
}

/// The places in an export, as [`shown_as`] names them. A list without rows has none.
fn places(export: &Value) -> BTreeSet<String> {
    let mut places = BTreeSet::new();
    for (section, held) in export.as_object().unwrap() {
        let rows = match held {
            Value::Array(rows) => rows.as_slice(),
            Value::Object(_) => std::slice::from_ref(held),
            _ => {
                places.insert(section.clone());
                continue;
            }
        };
        for row in rows {
            let keys = row.as_object().unwrap().keys();
            places.extend(keys.map(|key| format!("{section}.{key}")));
        }
    }
    places
}

#[tokio::test]
async fn what_is_to_be_given_out_is_in_the_file_and_nothing_else() {
    let service = Service::start().await;
    let ada = service.member(ADA, &[]).await;
    let client = service.client();
    let forgot = json!({ "email": ADA });
    client
        .post("/v1/password/forgot", forgot)
        .await
        .expect(StatusCode::ACCEPTED);
    service.mailed_token(ADA).await;
    let wrong = json!({ "email": ADA, "password": OTHER_PASSWORD });
    client
        .post("/v1/login", wrong)
        .await
        .expect_problem("invalid_credentials");
    // Somebody else's, for her address; the mail that tells her isn't sent yet.
    let register = json!({ "email": ADA, "password": OTHER_PASSWORD, "name": "Eve" });
    client
        .post("/v1/register", register)
        .await
        .expect(StatusCode::ACCEPTED);

    let answer = ada.get("/v1/me/export").await.expect(StatusCode::OK);
    let export = answer.json();
    for section in [
        "sessions",
        "registrations",
        "mailed_tokens",
        "mail",
        "audit",
    ] {
        assert!(!export[section].as_array().unwrap().is_empty(), "{section}");
    }
    assert_eq!(export["mail"][0]["kind"], "address_taken");
    assert_eq!(export["registrations"][0]["name"], "Eve");
    assert_eq!(export["mailed_tokens"][0]["purpose"], "reset");
    let promised: BTreeSet<String> = COLUMNS
        .iter()
        .flat_map(|(table, given, _)| given.iter().map(move |column| shown_as(table, column)))
        .collect();
    assert_eq!(places(&export), promised);
}

#[tokio::test]
async fn taking_everything_along_needs_a_fresh_login() {
    let service = Service::start().await;
    let ada = service.member(ADA, &[]).await;
    service
        .client()
        .get("/v1/me/export")
        .await
        .expect_problem("missing_token");
    service.wait(299);
    ada.get("/v1/me/export").await.expect(StatusCode::OK);
    service.wait(2);
    let mut late = ada.clone();
    late.refresh().await.expect(StatusCode::OK);
    late.get("/v1/me/export")
        .await
        .expect_problem("reauthentication_required");
}

#[tokio::test]
async fn who_is_erased_is_gone_and_the_address_is_anybodys() {
    let service = Service::start().await;
    let mut ada = service.member(ADA, &[]).await;
    let id = ada.get("/v1/me").await.string("id");
    let asking = ada.clone();
    let erase = |password: &'static str| {
        let (client, body) = (asking.clone(), json!({ "password": password }));
        async move { client.post("/v1/me/erase", body).await }
    };
    let wrong = erase(OTHER_PASSWORD)
        .await
        .expect_problem("validation_failed");
    assert_eq!(
        wrong.faults(),
        [("password".into(), "wrong_password".into())]
    );
    erase(PASSWORD).await.expect(StatusCode::NO_CONTENT);
    ada.get("/v1/me").await.expect_problem("invalid_token");
    ada.refresh().await.expect_problem("invalid_refresh_token");
    erase(PASSWORD).await.expect_problem("invalid_token");
    let login = json!({ "email": ADA, "password": PASSWORD });
    let client = service.client();
    client
        .post("/v1/login", login)
        .await
        .expect_problem("invalid_credentials");
    let mails = service.mails(ADA).await;
    assert_eq!(
        mails.last().map(|mail| mail.kind),
        Some(MailKind::ErasedNotice)
    );
    let admin = service.member("admin@example.com", &["admin"]).await;
    admin
        .get(&format!("/v1/admin/users/{id}"))
        .await
        .expect_problem("not_found");

    let next = service.member(ADA, &[]).await;
    let held = next.get("/v1/me/export").await.expect(StatusCode::OK);
    assert!(
        !held.text().contains(&id),
        "nothing of who had the address before"
    );
}

#[tokio::test]
async fn nothing_of_an_erased_person_is_left_in_the_database() {
    let service = Service::start().await;
    let email = "zebulon.quux@example.com";
    let client = service.client().always("user-agent", "Quuxbrowser/1");
    let body = json!({ "email": email, "password": PASSWORD, "name": "Zebulon Quux" });
    client
        .post("/v1/register", body)
        .await
        .expect(StatusCode::ACCEPTED);
    let token = service.mailed_token(email).await;
    let body = json!({ "token": token, "password": PASSWORD });
    let answer = client
        .post("/v1/email/verify", body)
        .await
        .expect(StatusCode::OK);
    let mut person = client.clone();
    person.keep(&answer);
    let asked = json!({ "new_email": "quux.elsewhere@example.com", "password": PASSWORD });
    person
        .post("/v1/me/email", asked)
        .await
        .expect(StatusCode::ACCEPTED);
    client
        .post("/v1/password/forgot", json!({ "email": email }))
        .await;
    service.mails(email).await;
    let traces = ["uux", "127.0.0.1"];
    let before = service.database().text().await;
    assert!(
        traces.iter().all(|trace| before.contains(trace)),
        "there is something to find"
    );

    let body = json!({ "password": PASSWORD });
    person
        .post("/v1/me/erase", body)
        .await
        .expect(StatusCode::NO_CONTENT);
    // The log is cut behind the answer.
    for waited in 0.. {
        if !service.database().log().contains("uux") {
            break;
        }
        assert!(waited < 500, "it is left in the write-ahead log");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    service.mails(email).await;
    let after = service.database().text().await;
    for trace in traces {
        let at = after.find(trace);
        let shown = at.map(|at| &after[at.saturating_sub(200)..(at + 100).min(after.len())]);
        assert!(at.is_none(), "{trace} is left: {shown:?}");
    }
    service.app.issuer.verify_trail(None).await.unwrap();
}

#[tokio::test]
async fn admins_erase_by_the_rules_and_the_last_one_stays() {
    let service = Service::start().await;
    let admin = service.member("admin@example.com", &["admin"]).await;
    let ada = service.member(ADA, &[]).await;
    let id = ada.get("/v1/me").await.string("id");
    let path = format!("/v1/admin/users/{id}");
    ada.delete(&path).await.expect_problem("insufficient_scope");
    admin.delete(&path).await.expect(StatusCode::NO_CONTENT);
    admin.delete(&path).await.expect_problem("not_found");
    let own = admin.get("/v1/me").await.string("id");
    let last = admin.delete(&format!("/v1/admin/users/{own}")).await;
    last.expect_problem("conflict");
    let body = json!({ "password": PASSWORD });
    admin
        .post("/v1/me/erase", body)
        .await
        .expect_problem("conflict");
    service.wait(301);
    let bob = service
        .member("bob@example.com", &[])
        .await
        .get("/v1/me")
        .await
        .string("id");
    let stale = admin.delete(&format!("/v1/admin/users/{bob}")).await;
    stale.expect_problem("reauthentication_required");
}
