//! Servers that stop, start again, or go silent: what clients see meanwhile, and that nobody has to
//! start the issuer again.

use std::sync::Arc;
use std::time::{Duration, Instant};

use signet_core::ports::{AccountStore as _, GuessStore as _, Store};
use signet_core::testing::World;
use signet_core::testing::world::{NOW, all_at_once, guess_key};
use signet_store_postgres::PostgresStore;
use signet_testbed::{Postgres, postgres};

use crate::proxy::Proxy;
use crate::{is_unavailable, open};

/// How long any answer may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long it may take until everything is as before.
const RECOVERY: Duration = Duration::from_secs(30);

async fn change(store: &PostgresStore, number: usize) -> signet_core::ports::StoreResult<()> {
    store.clear_guesses(&guess_key(&format!("p{number}"))).await
}

/// Asks for as much at once as there are connections, until all of it is answered.
async fn recovers(store: &PostgresStore, connections: usize) -> Duration {
    let started = Instant::now();
    loop {
        let answers = all_at_once(connections * 3, |number| {
            let store = store.clone();
            async move { change(&store, number).await.is_ok() }
        });
        if answers.await.iter().all(|answered| *answered) {
            return started.elapsed();
        }
        assert!(started.elapsed() < RECOVERY, "it stays away");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_silent_server_costs_no_connection_for_ever() {
    let database = postgres().database();
    let proxy = Proxy::to(postgres().port()).await;
    let url = format!(
        "{}?pool_size=4",
        database.url_through(proxy.port, "postgres")
    );
    let store = open(&url).await.unwrap();
    recovers(&store, 4).await;
    for _ in 0..2 {
        // Some are in the middle of an operation when the wire goes silent, some begin after it.
        let stuck = all_at_once(12, |number| {
            let store = store.clone();
            async move {
                let until = Instant::now() + Duration::from_millis(1_500);
                while Instant::now() < until {
                    let asked = Instant::now();
                    let answer = change(&store, number).await;
                    assert!(asked.elapsed() < PATIENCE, "{:?}", asked.elapsed());
                    if is_unavailable(&answer) {
                        return true;
                    }
                }
                false
            }
        });
        let silence = async {
            tokio::time::sleep(Duration::from_millis(200)).await;
            proxy.go_silent();
        };
        let (stuck, ()) = tokio::join!(stuck, silence);
        assert!(stuck.iter().all(|stuck| *stuck), "{stuck:?}");
        proxy.heal();
        let took = recovers(&store, 4).await;
        println!(
            "proved: after 12 stuck questions on 4 connections all is as before in {took:.1?}"
        );
    }
    World::new(Arc::new(store)).check_trail().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_client_that_goes_silent_holds_no_lock_for_long() {
    let database = postgres().database();
    let proxy = Proxy::to(postgres().port()).await;
    let far = open(&database.url_through(proxy.port, "postgres"))
        .await
        .unwrap();
    let near = open(&database.url()).await.unwrap();
    recovers(&far, 4).await;
    let busy: Vec<_> = (0..8)
        .map(|_| {
            let far = far.clone();
            tokio::spawn(async move { while change(&far, 0).await.is_ok() {} })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(300)).await;
    proxy.go_silent();
    for task in busy {
        task.await.unwrap();
    }
    let started = Instant::now();
    while change(&near, 0).await.is_err() {
        assert!(started.elapsed() < RECOVERY, "the lock is still held");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_server_that_is_away_is_told_at_once_and_its_return_is_noticed() {
    let mut server = Postgres::start();
    let (url, ada) = {
        let database = server.database();
        let url = format!("{}?pool_size=4", database.url());
        let store = open(&url).await.unwrap();
        let ada = World::new(Arc::new(store)).account("ada", &[]).await;
        std::mem::forget(database);
        (url, ada)
    };
    let store = open(&url).await.unwrap();
    recovers(&store, 4).await;
    for crash in [false, true] {
        match crash {
            false => server.stop(),
            true => server.crash(),
        }
        let asked = Instant::now();
        assert!(is_unavailable(&store.account(ada.id).await));
        assert!(is_unavailable(&change(&store, 0).await));
        assert!(is_unavailable(&store.ping().await));
        assert!(asked.elapsed() < Duration::from_secs(1), "refused at once");
        server.resume();
        assert_eq!(store.account(ada.id).await.unwrap(), Some(ada.clone()));
        let took = recovers(&store, 4).await;
        let how = if crash { "crashed" } else { "stopped" };
        println!("proved: a server that {how} is used again {took:.1?} after it is back");
    }
    server.stop();
    server.resume();
    // Connections that died while nobody used them cost no operation.
    assert_eq!(store.account(ada.id).await.unwrap(), Some(ada));
    store.close().await;
    assert!(is_unavailable(&store.ping().await));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_was_acknowledged_is_there_after_a_crash() {
    let mut server = Postgres::start();
    let database = server.database();
    let url = database.url();
    std::mem::forget(database);
    let store = open(&url).await.unwrap();
    let writing: Vec<_> = (0..4)
        .map(|writer| {
            let store = store.clone();
            tokio::spawn(async move {
                let mut acknowledged = Vec::new();
                loop {
                    let name = format!("person{writer}x{}", acknowledged.len());
                    let account = signet_core::testing::world::new_account(&name, &[]);
                    let operator = signet_core::audit::Actor::Operator;
                    let context = signet_core::testing::world::at(NOW, operator);
                    match store.create_account(&context, account).await {
                        Ok(created) => acknowledged.push(created.unwrap().id),
                        Err(_) => return acknowledged,
                    }
                }
            })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(700)).await;
    server.crash();
    let mut acknowledged = Vec::new();
    for writer in writing {
        acknowledged.extend(writer.await.unwrap());
    }
    assert!(!acknowledged.is_empty());
    println!(
        "proved: {} changes outlived a crash of the server",
        acknowledged.len()
    );
    server.resume();
    for id in acknowledged {
        assert!(store.account(id).await.unwrap().is_some(), "{id:?} is lost");
    }
    World::new(Arc::new(store)).check_trail().await;
}
