//! Redis away, hanging, empty, full or set back: a refresh fails or the session is over, and nothing
//! that ended comes back.

use std::sync::Arc;
use std::time::{Duration, Instant};

use signet_core::account::{Account, AccountStatus};
use signet_core::audit::Actor;
use signet_core::ports::{Rotation, StoreError, StoreResult};
use signet_core::session::Head;
use signet_core::testing::World;
use signet_core::testing::world::{
    NOW, POLICY, advanced, after, anonymous, at, effects, new_session, presented,
};
use signet_store_redis::{Key, RedisClient, RedisHeads};
use signet_testbed::Redis;
use tempfile::TempDir;

use super::file;

async fn world_on(redis: &Redis) -> (World, TempDir) {
    let (store, folder) = file().await;
    let client = RedisClient::open(&redis.url().parse().unwrap()).await;
    let heads = RedisHeads::open(client.unwrap()).await.unwrap();
    (World::detached(store, Arc::new(heads)), folder)
}

async fn try_rotate(world: &World, head: &Head, generation: u32) -> StoreResult<Rotation> {
    world.try_to_rotate(head, generation, after(1)).await
}

async fn log_in(world: &World, ada: &Account) -> StoreResult<Option<Head>> {
    let context = at(after(1), Actor::Account(ada.id));
    let opened =
        world
            .sessions
            .open_session(&context, new_session(ada.id), effects("ada"), &POLICY);
    opened.await
}

fn assert_unavailable<T: std::fmt::Debug>(answer: StoreResult<T>) {
    assert!(
        matches!(answer, Err(StoreError::Unavailable(_))),
        "{answer:?}"
    );
}

/// Until Redis is asked again.
async fn until_it_answers(world: &World) {
    let started = Instant::now();
    while let Err(error) = world.sessions.ping_heads().await {
        assert!(started.elapsed() < Duration::from_secs(30), "{error}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// While nobody answers: no login and no refresh; and whatever is to end, ends.
async fn nothing_but_ends(world: &World, ada: &Account, heads: &[Head; 4]) {
    for _ in 0..10 {
        let started = Instant::now();
        assert_unavailable(try_rotate(world, &heads[0], 0).await);
        assert_unavailable(log_in(world, ada).await);
        assert_unavailable(world.sessions.ping_heads().await);
        let took = started.elapsed();
        assert!(took < Duration::from_secs(2), "{took:?}");
    }
    let nobody = anonymous(after(1));
    let sessions = &world.sessions;
    let id = heads[1].session.id;
    assert!(sessions.end_session(&nobody, ada.id, id).await.unwrap());
    let shown = presented(&heads[2], 0);
    assert!(sessions.end_family(&nobody, &shown).await.unwrap());
    let keep = heads[0].session.id;
    let others = sessions.end_other_sessions(&nobody, ada.id, keep).await;
    assert_eq!(others.unwrap(), 1);
}

async fn four_sessions(world: &World) -> (Account, [Head; 4]) {
    let ada = world.account("ada", &[]).await;
    let mut heads = Vec::new();
    for _ in 0..4 {
        heads.push(world.session("ada", ada.id, NOW).await);
    }
    (ada, heads.try_into().unwrap())
}

#[tokio::test]
async fn a_redis_that_hangs_refreshes_nothing_and_keeps_no_session_from_ending() {
    let redis = Redis::start();
    let (world, _folder) = world_on(&redis).await;
    let (ada, heads) = four_sessions(&world).await;
    redis.freeze();
    nothing_but_ends(&world, &ada, &heads).await;
    redis.wake();
    until_it_answers(&world).await;
    for head in &heads[1..] {
        let dead = world.rotate(head, 0, after(2)).await;
        assert!(matches!(dead, Rotation::Dead));
    }
    // A call that nobody waited for any more may have run: then this is its repeat.
    let alive = world.rotate(&heads[0], 0, after(2)).await;
    let is_alive = matches!(alive, Rotation::Advanced(_) | Rotation::Repeated(_));
    assert!(is_alive, "{alive:?}");
    assert!(log_in(&world, &ada).await.unwrap().is_some());
    world.check_trail().await;
}

#[tokio::test]
async fn a_redis_that_comes_back_empty_logs_out_and_revives_nobody() {
    let mut redis = Redis::start();
    let (world, _folder) = world_on(&redis).await;
    let (ada, heads) = four_sessions(&world).await;
    redis.crash();
    nothing_but_ends(&world, &ada, &heads).await;
    redis.resume();
    until_it_answers(&world).await;
    for head in &heads {
        for generation in 0..2 {
            let dead = world.rotate(head, generation, after(2)).await;
            assert!(matches!(dead, Rotation::Dead), "{dead:?}");
        }
    }
    let listed = world.sessions.sessions(ada.id, after(2), &POLICY).await;
    assert!(listed.unwrap().is_empty(), "and the list says so");
    let fresh = log_in(&world, &ada).await.unwrap().unwrap();
    advanced(world.rotate(&fresh, 0, after(3)).await);
}

#[tokio::test]
async fn a_redis_that_was_set_back_is_caught_by_the_newest_token() {
    let redis = Redis::start();
    let (world, _folder) = world_on(&redis).await;
    let ada = world.account("ada", &[]).await;
    let mut head = world.session("ada", ada.id, NOW).await;
    head = advanced(world.rotate(&head, 0, after(1)).await);
    let key = Key::new(format_args!("head"), head.session.id.0.as_bytes()).to_string();
    assert_eq!(redis.cli(&["COPY", &key, "kept"]).trim(), "1");
    for generation in 1..3 {
        head = advanced(world.rotate(&head, generation, after(2)).await);
    }
    assert_eq!(redis.cli(&["COPY", "kept", &key, "REPLACE"]).trim(), "1");
    let future = world.rotate(&head, 3, after(3)).await;
    assert!(matches!(future, Rotation::FromFuture(id) if id == ada.id));
    for generation in 1..4 {
        let dead = world.rotate(&head, generation, after(3)).await;
        assert!(matches!(dead, Rotation::Dead), "{dead:?}");
    }
}

#[tokio::test]
async fn a_flush_logs_out_and_revives_nobody() {
    let redis = Redis::start();
    let (world, _folder) = world_on(&redis).await;
    let (ada, heads) = four_sessions(&world).await;
    let id = heads[3].session.id;
    let ended = world
        .sessions
        .end_session(&anonymous(NOW), ada.id, id)
        .await;
    assert!(ended.unwrap());
    redis.cli(&["FLUSHALL"]);
    for head in &heads {
        let dead = world.rotate(head, 0, after(1)).await;
        assert!(matches!(dead, Rotation::Dead), "{dead:?}");
    }
    let listed = world.sessions.sessions(ada.id, after(1), &POLICY).await;
    assert!(listed.unwrap().is_empty());
    assert_eq!(world.count("session.ended").await, 4, "one row for each");
    world.check_trail().await;
}

#[tokio::test]
async fn what_a_full_redis_evicts_is_logged_out() {
    let redis = Redis::start_with("maxmemory-policy allkeys-random\n");
    let (world, _folder) = world_on(&redis).await;
    let (_, heads) = four_sessions(&world).await;
    redis.cli(&["CONFIG", "SET", "maxmemory", "1"]);
    // Whatever is written now evicts everything else first, or is refused.
    let mut refused = 0;
    for head in &heads {
        match try_rotate(&world, head, 0).await {
            Ok(Rotation::Dead) | Err(StoreError::Unavailable(_)) => refused += 1,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(refused, 4);
    redis.cli(&["CONFIG", "SET", "maxmemory", "0"]);
    until_it_answers(&world).await;
    for head in &heads {
        let dead = world.rotate(head, 0, after(1)).await;
        assert!(matches!(dead, Rotation::Dead), "{dead:?}");
    }
}

#[tokio::test]
async fn a_full_redis_that_evicts_nothing_is_unavailable() {
    let redis = Redis::start_with("maxmemory-policy noeviction\n");
    let (world, _folder) = world_on(&redis).await;
    let (ada, heads) = four_sessions(&world).await;
    redis.cli(&["CONFIG", "SET", "maxmemory", "1"]);
    nothing_but_ends(&world, &ada, &heads).await;
    redis.cli(&["CONFIG", "SET", "maxmemory", "0"]);
    until_it_answers(&world).await;
    advanced(world.rotate(&heads[0], 0, after(2)).await);
}

#[tokio::test]
async fn a_suspension_holds_while_redis_is_away_and_after() {
    let mut redis = Redis::start_with("appendonly yes\nappendfsync always\n");
    let (world, _folder) = world_on(&redis).await;
    let (ada, heads) = four_sessions(&world).await;
    redis.crash();
    let operator = at(NOW, Actor::Operator);
    for status in [AccountStatus::Suspended, AccountStatus::Active] {
        let set = world.store.set_status(&operator, ada.id, status).await;
        set.unwrap().unwrap();
    }
    redis.resume();
    until_it_answers(&world).await;
    for head in &heads {
        let dead = world.rotate(head, 0, after(1)).await;
        assert!(matches!(dead, Rotation::Dead), "{dead:?}");
    }
}
