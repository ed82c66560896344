//! A start that can't be says which of the things it is that go wrong, and what to do.

use std::net::TcpListener;

use signet_core::testing::World;
use signet_core::testing::world::all_at_once;
use signet_store_postgres::{OpenError, PostgresStore};
use signet_testbed::{Certificates, PgBouncer, Pooling, Postgres, postgres};

use crate::{address, open};

/// The error of a start, whose words must lead to the way out and hold no password.
async fn refused(url: &str, told: &[&str]) -> OpenError {
    let error = open(url).await.expect_err(url);
    let said = error.to_string();
    for words in told {
        assert!(said.contains(words), "{words}: {said}");
    }
    assert!(!said.contains("a%20password"), "{said}");
    error
}

#[tokio::test]
async fn a_server_that_is_not_there_is_told_as_such() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = nobody.local_addr().unwrap().port();
    drop(nobody);
    let url = format!("postgres://signet:x@127.0.0.1:{port}/signet");
    let error = refused(&url, &["can't reach", "Connection refused", "database_url"]).await;
    assert!(matches!(error, OpenError::Unreachable { .. }));
    let url = "postgres://signet:x@nobody.invalid/signet";
    let error = refused(url, &["can't reach", "nobody.invalid"]).await;
    assert!(matches!(error, OpenError::Unreachable { .. }));
    // One that takes the connection and never answers.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let url = format!("postgres://signet:x@127.0.0.1:{port}/signet");
    let error = refused(&url, &["can't reach", "didn't answer in time"]).await;
    assert!(matches!(error, OpenError::Unreachable { .. }));
}

#[tokio::test]
async fn wrong_passwords_and_databases_are_told_as_such_with_and_without_a_pooler() {
    let database = postgres().database();
    let pooler = PgBouncer::start(postgres(), Pooling::default());
    for port in [postgres().port(), pooler.port()] {
        let url = database.url_through(port, "postgres");
        let wrong = url.replace("a%20password", "wrong");
        let error = refused(&wrong, &["refuses the user", "percent-encoded"]).await;
        assert!(matches!(error, OpenError::Refused { .. }), "{error}");
        let wrong = database.url_through(port, "stranger");
        let error = refused(&wrong, &["refuses the user"]).await;
        assert!(matches!(error, OpenError::Refused { .. }), "{error}");
        let wrong = url.replace(database.name(), "no_such_database");
        let error = refused(&wrong, &["no_such_database", "CREATE DATABASE"]).await;
        assert!(matches!(error, OpenError::NoDatabase { .. }), "{error}");
    }
}

#[tokio::test]
async fn a_role_without_the_right_is_told_what_its_owner_has_to_do() {
    let database = postgres().database();
    let role = format!("{}_guest", database.name());
    database.make_role(&role);
    let url = database.url_through(postgres().port(), &role);
    let told = ["lacks a right", "CREATE SCHEMA IF NOT EXISTS signet", &role];
    let error = refused(&url, &told).await;
    assert!(matches!(error, OpenError::NoRight { .. }), "{error}");
    // What it says helps.
    database.sql(&format!(
        "CREATE SCHEMA IF NOT EXISTS signet; ALTER SCHEMA signet OWNER TO \"{role}\""
    ));
    open(&url).await.unwrap();
    // Somebody else's tables.
    let other = format!("{}_other", database.name());
    database.make_role(&other);
    let url = database.url_through(postgres().port(), &other);
    let error = refused(&url, &["lacks a right", "permission denied"]).await;
    assert!(matches!(error, OpenError::NoRight { .. }), "{error}");
    database.sql(&format!(
        "DROP SCHEMA signet CASCADE; DROP ROLE {role}; DROP ROLE {other}"
    ));
}

#[tokio::test]
async fn a_schema_of_a_newer_release_is_refused_and_shown() {
    let database = postgres().database();
    let url = database.url();
    let before = PostgresStore::schema(&address(&url)).await.unwrap();
    assert!(before.applied.is_empty() && !before.pending.is_empty());
    open(&url).await.unwrap();
    let done = PostgresStore::schema(&address(&url)).await.unwrap();
    assert!(done.is_up_to_date());
    assert_eq!(done.applied, before.pending);
    let insert = "INSERT INTO signet.schema_migrations (version, description, checksum)
                  VALUES (9999, 'of tomorrow', '')";
    database.sql(insert);
    let error = refused(&url, &["newer release (to 9999)", "restore a backup"]).await;
    assert!(matches!(error, OpenError::Newer { version: 9999 }));
    let newer = PostgresStore::schema(&address(&url)).await.unwrap();
    assert_eq!(newer.unknown.len(), 1);
    database.sql("DELETE FROM signet.schema_migrations WHERE version = 9999");
    database.sql("UPDATE signet.schema_migrations SET checksum = 'x' WHERE version = 3");
    let error = refused(&url, &["migration 3 is not the one"]).await;
    assert!(matches!(error, OpenError::Changed { version: 3 }));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_first_starts_make_one_schema_through_a_pooler_as_well() {
    let pooler = PgBouncer::start(postgres(), Pooling::default());
    for port in [postgres().port(), pooler.port()] {
        let database = postgres().database();
        let url = database.url_through(port, "postgres");
        let stores = all_at_once(8, |_| {
            let url = url.clone();
            async move { open(&url).await.unwrap() }
        })
        .await;
        for (number, store) in stores.into_iter().enumerate() {
            let world = World::new(std::sync::Arc::new(store));
            world.account(&format!("person{number}"), &["admin"]).await;
            assert_eq!(world.trail().await.len(), number + 1);
        }
    }
}

#[tokio::test]
async fn a_server_that_cannot_be_trusted_is_told_as_such() {
    let certificates = Certificates::make();
    let server = Postgres::start_with_tls(&certificates);
    let database = server.database();
    let named = database.url().replace("127.0.0.1", "localhost");
    let ca = certificates.authority();
    let ca = ca.display();
    open(&format!("{named}?sslmode=verify-full&sslrootcert={ca}"))
        .await
        .unwrap();
    let missing = format!("{named}?sslmode=verify-full&sslrootcert=/no/such.pem");
    let error = refused(&missing, &["can't read /no/such.pem", "sslrootcert"]).await;
    assert!(matches!(error, OpenError::Authority { .. }), "{error}");
    // Nobody on this machine knows the authority.
    let error = refused(&format!("{named}?sslmode=verify-full"), &["sslrootcert"]).await;
    assert!(matches!(error, OpenError::Untrusted { .. }), "{error}");
    // The certificate is of another name.
    let url = database.url();
    let url = format!("{url}?sslmode=verify-full&sslrootcert={ca}");
    let error = refused(&url, &["can't trust"]).await;
    assert!(matches!(error, OpenError::Untrusted { .. }), "{error}");
    // The server insists.
    let error = refused(&format!("{named}?sslmode=disable"), &["pg_hba"]).await;
    assert!(matches!(error, OpenError::Refused { .. }), "{error}");
    // And one that speaks no TLS.
    let plain = postgres().database();
    let url = plain.url().replace("127.0.0.1", "localhost");
    let url = format!("{url}?sslmode=verify-full&sslrootcert={ca}");
    let error = refused(&url, &["does not support TLS"]).await;
    assert!(matches!(error, OpenError::Untrusted { .. }), "{error}");
}
