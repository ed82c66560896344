//! What docs/SUPABASE.md describes, without Supabase: a role that owns its schema and nothing else,
//! a transaction pooler that speaks TLS, and a certificate of an authority that only the project
//! knows.

use std::sync::Arc;

use signet_core::testing::World;
use signet_core::testing::world::NOW;
use signet_testbed::{Certificates, PgBouncer, Pooling, Postgres};

use crate::open;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_project_with_its_pooler_keeps_everything_in_a_schema_of_its_own() {
    let certificates = Certificates::make();
    let server = Postgres::start_with_tls(&certificates);
    let database = server.database();
    database.make_role("signet");
    database.sql(
        "REVOKE ALL ON SCHEMA public FROM PUBLIC;
         CREATE SCHEMA signet AUTHORIZATION signet;
         CREATE ROLE anon LOGIN",
    );
    let pooling = Pooling {
        role: "signet",
        certificates: Some(&certificates),
        ..Pooling::default()
    };
    let pooler = PgBouncer::start(&server, pooling);
    let url = database.url_through(pooler.port(), "signet");
    let url = url.replace("127.0.0.1", "localhost");
    let ca = certificates.authority();
    let url = format!("{url}?sslmode=verify-full&sslrootcert={}", ca.display());
    let world = World::new(Arc::new(open(&url).await.unwrap()));
    let ada = world.account("ada", &["admin"]).await;
    let head = world.session("ada", ada.id, NOW).await;
    world.rotate(&head, 0, NOW).await;
    world.check_trail().await;

    let elsewhere = database.sql(
        "SELECT count(*) FROM pg_class JOIN pg_roles ON pg_roles.oid = relowner
         WHERE rolname = 'signet' AND relnamespace <> 'signet'::regnamespace
           AND relnamespace <> 'pg_toast'::regnamespace",
    );
    assert_eq!(elsewhere.trim(), "0");
    // The role that a platform's own API comes with sees none of it.
    let seen = database.sql("SELECT has_schema_privilege('anon', 'signet', 'USAGE')");
    assert_eq!(seen.trim(), "f");
}
