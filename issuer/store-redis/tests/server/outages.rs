//! Servers that go, freeze, fill up, forget: budgets hold all the same, nobody waits long, and
//! nobody has to start anything again when they are back.

use std::sync::Arc;
use std::time::{Duration, Instant};

use signet_core::limit::{LimitKey, LimitSubject, Limiter as _, Quota};
use signet_store_redis::RedisLimiter;
use signet_testbed::Redis;

use crate::open;
use crate::wire::Wire;

/// The deadline of a call, and what a busy machine adds.
const CALL: Duration = Duration::from_millis(100 + 150);
/// How long it may take until everything is as before.
const RECOVERY: Duration = Duration::from_secs(5);

const QUOTA: Quota = Quota::new(20, 86_400);

fn key(who: &str) -> LimitKey {
    let mut family = [0; 32];
    family[..who.len()].copy_from_slice(who.as_bytes());
    LimitKey {
        class: "outage",
        subject: LimitSubject::Family(family),
    }
}

/// What is had of a budget, and the quota that was told last.
async fn had(limiter: &RedisLimiter, who: &str) -> (u32, u32) {
    let mut taken = 0;
    loop {
        let asked = Instant::now();
        let answer = limiter.take(&key(who), QUOTA).await;
        assert!(asked.elapsed() < CALL, "{:?}", asked.elapsed());
        match answer {
            Ok(_) => taken += 1,
            Err(exceeded) => return (taken, exceeded.quota.burst),
        }
    }
}

/// How long it takes until Redis keeps the budgets again.
async fn recovery(limiter: &RedisLimiter) -> Duration {
    let started = Instant::now();
    for number in 0.. {
        let answer = limiter.take(&key(&format!("r{number}")), QUOTA).await;
        if answer.is_ok_and(|budget| budget.quota == QUOTA) {
            break;
        }
        assert!(started.elapsed() < RECOVERY, "it stays away");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    started.elapsed()
}

/// In an outage half of the quota is had, and after it the whole again.
async fn survives(
    name: &str,
    server: &mut Redis,
    begin: impl FnOnce(&mut Redis),
    end: impl FnOnce(&mut Redis),
) {
    let limiter = open(&server.url()).await.unwrap();
    assert_eq!(had(&limiter, "before").await, (20, 20));
    begin(server);
    let started = Instant::now();
    let (taken, quota) = had(&limiter, "during").await;
    assert_eq!((taken, quota), (10, 10), "{name}");
    let first = started.elapsed();
    let started = Instant::now();
    assert_eq!(had(&limiter, "during2").await, (10, 10), "{name}");
    let second = started.elapsed();
    assert!(
        second < CALL,
        "{name}: {second:?} in all while the breaker is open"
    );
    end(server);
    let back = recovery(&limiter).await;
    assert_eq!(had(&limiter, "after").await, (20, 20), "{name}");
    eprintln!("{name}: first 11 calls {first:?}, next 11 {second:?}, back after {back:?}");
}

#[tokio::test]
async fn budgets_survive_a_server_that_stops_and_starts_again() {
    let mut server = Redis::start();
    survives("stopped", &mut server, Redis::stop, Redis::resume).await;
    survives("crashed", &mut server, Redis::crash, Redis::resume).await;
}

#[tokio::test]
async fn budgets_survive_a_server_that_is_there_and_says_nothing() {
    let mut server = Redis::start();
    survives("frozen", &mut server, |s| s.freeze(), |s| s.wake()).await;
    let slow = |server: &mut Redis| drop(server.cli(&["CLIENT", "PAUSE", "2000", "ALL"]));
    survives("two seconds slow", &mut server, slow, |_| {}).await;
}

#[tokio::test]
async fn a_connection_that_went_silent_is_given_up() {
    let server = Redis::start();
    let wire = Wire::to(server.port());
    let limiter = open(&server.url_through(wire.port)).await.unwrap();
    assert_eq!(had(&limiter, "before").await, (20, 20));
    wire.forget();
    assert_eq!(had(&limiter, "during").await, (10, 10));
    let back = recovery(&limiter).await;
    assert_eq!(had(&limiter, "after").await, (20, 20));
    eprintln!("forgotten flow: back after {back:?}");
}

#[tokio::test]
async fn budgets_survive_a_server_that_says_no() {
    let mut server = Redis::start();
    let set = |name: &'static str, value: &'static str| {
        move |server: &mut Redis| drop(server.cli(&["CONFIG", "SET", name, value]))
    };
    survives(
        "full",
        &mut server,
        set("maxmemory", "1"),
        set("maxmemory", "0"),
    )
    .await;
    let other = Redis::start();
    let port = other.port().to_string();
    let demoted = |server: &mut Redis| drop(server.cli(&["REPLICAOF", "127.0.0.1", &port]));
    let promoted = |server: &mut Redis| drop(server.cli(&["REPLICAOF", "NO", "ONE"]));
    survives("demoted", &mut server, demoted, promoted).await;
    // Renaming nobody: the user stays logged in, and may do nothing for a while.
    let revoked = |server: &mut Redis| drop(server.cli(&["ACL", "SETUSER", "admin", "-evalsha"]));
    let granted = |server: &mut Redis| drop(server.cli(&["ACL", "SETUSER", "admin", "+evalsha"]));
    survives("revoked", &mut server, revoked, granted).await;
}

#[tokio::test]
async fn what_redis_forgets_is_the_budgets_and_nothing_else() {
    let server = Redis::start();
    let limiter = open(&server.url()).await.unwrap();
    assert_eq!(had(&limiter, "x").await, (20, 20));
    server.cli(&["FLUSHALL"]);
    assert_eq!(had(&limiter, "x").await, (20, 20));
    // The scripts as well, without an answer being lost.
    server.cli(&["SCRIPT", "FLUSH"]);
    assert_eq!(had(&limiter, "y").await, (20, 20));
}

#[tokio::test]
async fn a_restart_while_nobody_asks_is_not_even_noticed() {
    let mut server = Redis::start();
    let limiter = open(&server.url()).await.unwrap();
    server.stop();
    server.resume();
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(had(&limiter, "x").await, (20, 20));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_crowd_in_an_outage_waits_once_and_shares_one_connection() {
    let server = Redis::start();
    let limiter = Arc::new(open(&server.url()).await.unwrap());
    server.freeze();
    let started = Instant::now();
    let crowd = (0..200).map(|number| {
        let limiter = Arc::clone(&limiter);
        tokio::spawn(async move {
            let asked = Instant::now();
            let _either = limiter.take(&key(&format!("c{number}")), QUOTA).await;
            asked.elapsed()
        })
    });
    let mut longest = Duration::ZERO;
    for one in crowd.collect::<Vec<_>>() {
        longest = longest.max(one.await.unwrap());
    }
    assert!(longest < 2 * CALL, "{longest:?}");
    assert!(started.elapsed() < 2 * CALL, "{:?}", started.elapsed());
    server.wake();
    recovery(&limiter).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    let clients = server.cli(&["CLIENT", "LIST", "TYPE", "normal"]);
    // The issuer's, and the one that asks.
    assert!(
        clients
            .lines()
            .filter(|line| line.starts_with("id="))
            .count()
            <= 2,
        "{clients}"
    );
}
