//! More logins than the machine hashes: who can't be served is told so at once, and nobody else waits.
//! `cargo xtask bench login` measures what comes through.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;

use super::harness::{PASSWORD, Signet, body, free_address, get_at, run_sql, status};

/// How many log in at once: several times what one permit and its queue take.
const LOGINS: usize = 150;

#[test]
fn beyond_what_can_be_hashed_is_503_and_the_key_set_is_served_at_once() {
    let operations = free_address();
    let signet = Signet::new()
        .with("SIGNET_OPERATIONS_LISTEN", &operations.to_string())
        .with("SIGNET_LIMITS__SCALE", "1000000")
        .with("SIGNET_PASSWORD__CONCURRENCY", "1");
    let create = ["user", "create", "--email", "ada@example.com"];
    let create = [&create[..], &["--verified", "--password-stdin"]].concat();
    let created = signet.run_with_input(&create, PASSWORD.as_bytes());
    assert_eq!(created.code, 0, "{}", created.err);
    let server = signet.serve();
    let login = json!({ "email": "ada@example.com", "password": PASSWORD });
    let is_over = AtomicBool::new(false);
    let (answers, key_sets) = std::thread::scope(|scope| {
        let logins: Vec<_> = (0..LOGINS)
            .map(|_| scope.spawn(|| server.post_json("/v1/login", &login)))
            .collect();
        let key_sets = scope.spawn(|| {
            let mut times = Vec::new();
            while !is_over.load(Ordering::Relaxed) {
                let asked = Instant::now();
                assert_eq!(status(&server.get("/.well-known/jwks.json")), 200);
                times.push(asked.elapsed());
                std::thread::sleep(Duration::from_millis(5));
            }
            times
        });
        let answers = logins.into_iter().map(|login| login.join().unwrap());
        let answers: Vec<String> = answers.collect();
        is_over.store(true, Ordering::Relaxed);
        (answers, key_sets.join().unwrap())
    });
    let mut statuses: BTreeMap<u16, usize> = BTreeMap::new();
    for answer in &answers {
        *statuses.entry(status(answer)).or_default() += 1;
        if status(answer) == 503 {
            let head = answer.to_ascii_lowercase();
            assert!(head.contains("\r\nretry-after: "), "{answer}");
            assert!(answer.contains("overloaded"), "{answer}");
        }
    }
    let only = [200, 429, 503];
    assert!(
        statuses.keys().all(|status| only.contains(status)),
        "{statuses:?}"
    );
    assert!(
        statuses.contains_key(&200) && statuses.contains_key(&503),
        "{statuses:?}"
    );
    // Nothing is written for who is turned away: guesses are numbered as they are counted.
    let metrics = get_at(operations, "/metrics");
    let hashes = |outcome| {
        let name = format!("signet_hashes_total{{outcome=\"{outcome}\"}} ");
        let line = body(&metrics)
            .lines()
            .find_map(|line| line.strip_prefix(&name));
        line.unwrap().parse::<usize>().unwrap()
    };
    let counted = run_sql(
        &signet.folder().join("signet.db"),
        "SELECT CAST(seq AS TEXT) FROM sqlite_sequence WHERE name = 'guesses'",
    );
    let had_a_place = hashes("done") + hashes("late");
    assert_eq!(counted.unwrap(), had_a_place.to_string());
    assert_eq!(had_a_place + hashes("refused"), LOGINS);
    // A key set that waited for a hash would have waited for all that queue for one.
    let mut times = key_sets;
    times.sort();
    let median = times[times.len() / 2];
    assert!(
        median < Duration::from_millis(100),
        "{median:?} of {}",
        times.len()
    );
}
