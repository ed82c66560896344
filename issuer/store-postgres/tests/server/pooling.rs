//! More clients than connections: everybody gets their own rows.

use std::sync::Arc;

use signet_core::ports::AccountStore as _;
use signet_core::testing::world::{NOW, POLICY, all_at_once, email};
use signet_core::testing::{World, rounds};
use signet_testbed::{PgBouncer, Pooling, postgres};
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions as _, Row as _};

use crate::open;

/// How many clients there are, on three connections.
const CLIENTS: usize = 8;

/// Reads of one's own, each of two statements or more, mixed with changes.
async fn converse(world: &World, client: usize, rounds: u32) {
    let name = format!("person{client}");
    let account = world.account(&name, &[]).await;
    let mut head = world.session(&name, account.id, NOW).await;
    for _ in 0..rounds {
        let found = world.store.account(account.id).await.unwrap();
        assert_eq!(found.unwrap().id, account.id);
        let listed = world
            .store
            .sessions(account.id, NOW, &POLICY)
            .await
            .unwrap();
        let listed: Vec<_> = listed.into_iter().map(|session| session.id).collect();
        assert_eq!(listed, [head.session.id]);
        let known = world.store.credential(email(&name).canonical(), NOW).await;
        let signet_core::ports::Credential::Account { account: known, .. } = known.unwrap() else {
            panic!("{name} is somebody");
        };
        assert_eq!(known.id, account.id);
        let next = world.rotate(&head, head.generation, NOW).await;
        let next = signet_core::testing::world::advanced(next);
        assert_eq!(next.generation, head.generation + 1);
        assert_eq!(next.session.account.id, account.id);
        head = next;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn eight_clients_on_three_connections_get_their_own_rows() {
    let database = postgres().database();
    let pooler = PgBouncer::start(postgres(), Pooling::default());
    let url = database.url_through(pooler.port(), "postgres");
    // A process each: a pool of their own, with one connection.
    let mut stores = Vec::new();
    for _ in 0..CLIENTS {
        stores.push(open(&format!("{url}?pool_size=1")).await.unwrap());
    }
    // Eight statements in each round at least: ten thousand for each client.
    let rounds = rounds(20, 10_000 / 8);
    let started = std::time::Instant::now();
    all_at_once(CLIENTS, |client| {
        let world = World::new(Arc::new(stores[client].clone()));
        async move { converse(&world, client, rounds).await }
    })
    .await;
    println!(
        "proved: {CLIENTS} clients got their own rows on 3 connections, {} times 8 statements each, \
         in {:.0} s",
        rounds,
        started.elapsed().as_secs_f64()
    );
    let connections = database.sql(&format!(
        "SELECT count(*) FROM pg_stat_activity
         WHERE datname = '{}' AND application_name = 'signet'",
        database.name()
    ));
    assert!(
        connections.trim().parse::<u32>().unwrap() <= 3,
        "{connections}"
    );
    let locks = "SELECT count(*) FROM pg_locks JOIN pg_database ON pg_database.oid = database
                 WHERE locktype = 'advisory' AND datname = current_database()";
    assert_eq!(database.sql(locks).trim(), "0");
    assert_eq!(prepared_statements(&url).await, 0);
    World::new(Arc::new(stores[0].clone())).check_trail().await;
}

/// What is left at the server's connection that the pooler used last.
async fn prepared_statements(url: &str) -> i64 {
    let options: PgConnectOptions = url.parse().unwrap();
    let mut connection = options.extra_float_digits(None).connect().await.unwrap();
    let count = sqlx::raw_sql("SELECT count(*)::text AS count FROM pg_prepared_statements");
    let row = count.fetch_one(&mut connection).await.unwrap();
    row.get::<String, _>("count").parse().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_pooler_that_starts_again_is_noticed_by_nobody_who_waits() {
    let database = postgres().database();
    let mut pooler = PgBouncer::start(postgres(), Pooling::default());
    let store = open(&database.url_through(pooler.port(), "postgres")).await;
    let store = store.unwrap();
    let ada = World::new(Arc::new(store.clone()))
        .account("ada", &[])
        .await;
    pooler.stop();
    assert!(crate::is_unavailable(&store.account(ada.id).await));
    pooler.resume();
    assert_eq!(store.account(ada.id).await.unwrap(), Some(ada));
}
