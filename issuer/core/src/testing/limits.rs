//! The contract of a limiter, told as stories: [`limiter_contract!`](crate::limiter_contract) makes
//! one test of each.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::limit::{Budget, LimitKey, LimitSubject, Limiter, Quota};
use crate::testing::rounds;

/// One test for each story. `$open` is an async function without arguments that answers a fresh
/// limiter as `(Arc<dyn Limiter>, guard)`; the guard is dropped after the story.
#[macro_export]
macro_rules! limiter_contract {
    ($open:ident) => {
        $crate::limiter_contract! {
            $open;
            a_budget_is_its_burst_and_then_a_wait,
            in_sixty_four_parallel_takes_exactly_the_burst_is_had,
            what_is_taken_comes_back_with_time,
            what_is_given_back_can_be_taken_again,
            a_full_budget_takes_nothing_back,
            taking_and_giving_back_at_once_loses_nothing,
            a_budget_is_of_one_class_and_one_subject,
            another_quota_holds_at_once,
        }
    };
    ($open:ident; $($story:ident,)*) => {
        mod limits {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
                async fn $story() {
                    let (limiter, _guard) = super::$open().await;
                    $crate::testing::limits::$story(&limiter).await;
                }
            )*
        }
    };
}

/// So long that nothing comes back while a test runs.
const LONG: u32 = 86_400;

fn key(class: &'static str, who: u8) -> LimitKey {
    LimitKey {
        class,
        subject: LimitSubject::Family([who; 32]),
    }
}

async fn take_many(limiter: &Arc<dyn Limiter>, key: &LimitKey, quota: Quota, many: u32) -> u32 {
    let takes = (0..many).map(|_| {
        let (limiter, key) = (Arc::clone(limiter), key.clone());
        tokio::spawn(async move { limiter.take(&key, quota).await.is_ok() })
    });
    let takes: Vec<_> = takes.collect();
    let mut taken = 0;
    for take in takes {
        taken += u32::from(take.await.unwrap());
    }
    taken
}

pub async fn a_budget_is_its_burst_and_then_a_wait(limiter: &Arc<dyn Limiter>) {
    let quota = Quota::new(3, LONG);
    for remaining in [2, 1, 0] {
        let budget = limiter.take(&key("a", 1), quota).await.unwrap();
        let Budget {
            quota: told,
            remaining: left,
            reset_after,
        } = budget;
        assert_eq!((told, left), (quota, remaining));
        let unit = LONG / 3;
        let expected = unit * (3 - remaining);
        assert!(
            (expected - 60..=expected).contains(&reset_after),
            "{budget:?}"
        );
    }
    let exceeded = limiter.take(&key("a", 1), quota).await.unwrap_err();
    assert_eq!(exceeded.quota, quota);
    let wait = LONG / 3 - 60..=LONG / 3;
    assert!(wait.contains(&exceeded.retry_after), "{exceeded:?}");
}

pub async fn in_sixty_four_parallel_takes_exactly_the_burst_is_had(limiter: &Arc<dyn Limiter>) {
    for round in 0..rounds(10, 200) {
        let who = u8::try_from(round).unwrap();
        let quota = Quota::new(1 + round % 63, LONG);
        let taken = take_many(limiter, &key("race", who), quota, 64).await;
        assert_eq!(taken, quota.burst);
    }
}

pub async fn what_is_taken_comes_back_with_time(limiter: &Arc<dyn Limiter>) {
    let quota = Quota::new(5, 1);
    let started = Instant::now();
    while limiter.take(&key("a", 1), quota).await.is_ok() {}
    tokio::time::sleep(Duration::from_millis(450)).await;
    let taken = take_many(limiter, &key("a", 1), quota, 20).await;
    let most = 5 * started.elapsed().as_millis() / 1_000 + 1;
    assert!((2..=most).contains(&u128::from(taken)), "{taken} of {most}");
}

pub async fn what_is_given_back_can_be_taken_again(limiter: &Arc<dyn Limiter>) {
    let quota = Quota::new(2, LONG);
    assert_eq!(take_many(limiter, &key("a", 1), quota, 3).await, 2);
    limiter.give_back(&key("a", 1), quota).await;
    assert_eq!(take_many(limiter, &key("a", 1), quota, 3).await, 1);
}

pub async fn a_full_budget_takes_nothing_back(limiter: &Arc<dyn Limiter>) {
    let quota = Quota::new(2, LONG);
    limiter.give_back(&key("a", 1), quota).await;
    assert!(limiter.take(&key("a", 1), quota).await.is_ok());
    for _ in 0..4 {
        limiter.give_back(&key("a", 1), quota).await;
    }
    assert_eq!(take_many(limiter, &key("a", 1), quota, 8).await, 2);
}

pub async fn taking_and_giving_back_at_once_loses_nothing(limiter: &Arc<dyn Limiter>) {
    let quota = Quota::new(64, LONG);
    for round in 0..rounds(5, 50) {
        let key = key("pairs", u8::try_from(round).unwrap());
        let pairs = (0..64).map(|_| {
            let (limiter, key) = (Arc::clone(limiter), key.clone());
            tokio::spawn(async move {
                limiter.take(&key, quota).await.unwrap();
                limiter.give_back(&key, quota).await;
            })
        });
        for pair in pairs.collect::<Vec<_>>() {
            pair.await.unwrap();
        }
        assert_eq!(take_many(limiter, &key, quota, 80).await, 64);
    }
}

pub async fn a_budget_is_of_one_class_and_one_subject(limiter: &Arc<dyn Limiter>) {
    let quota = Quota::new(1, LONG);
    let client = LimitSubject::client("192.0.2.1".parse().unwrap());
    let other = LimitSubject::client("192.0.2.2".parse().unwrap());
    for (class, subject) in [("a", client.clone()), ("b", client), ("a", other)] {
        let key = LimitKey { class, subject };
        assert!(limiter.take(&key, quota).await.is_ok(), "{key:?}");
        assert!(limiter.take(&key, quota).await.is_err(), "{key:?}");
    }
}

pub async fn another_quota_holds_at_once(limiter: &Arc<dyn Limiter>) {
    let (large, small) = (Quota::new(100, LONG), Quota::new(10, LONG / 24));
    assert_eq!(take_many(limiter, &key("a", 1), large, 100).await, 100);
    let exceeded = limiter.take(&key("a", 1), small).await.unwrap_err();
    assert!(exceeded.retry_after <= LONG / 24 / 10, "{exceeded:?}");
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_story_is_told() {
        let (listed, stories) = include_str!("limits.rs")
            .split_once("($open:ident; $(")
            .unwrap();
        let stories = stories
            .lines()
            .filter_map(|line| line.strip_prefix("pub async fn "));
        for (story, _) in stories.filter_map(|line| line.split_once('(')) {
            let line = format!("            {story},\n");
            assert!(listed.contains(&line), "{story} is not in the macro");
        }
    }
}
