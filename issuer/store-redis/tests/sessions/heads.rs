//! The script that judges, held against `judge` itself, and how long heads are kept.

use proptest::prelude::Just;
use proptest::strategy::{Strategy, ValueTree as _};
use proptest::test_runner::TestRunner;
use proptest::{prop_compose, prop_oneof};
use signet_core::account::AccountStatus;
use signet_core::ports::heads::{HeadStore as _, KEPT};
use signet_core::session::SessionId;
use signet_core::session::family::{FamilyHead, RefreshPolicy, Verdict};
use signet_core::testing::heads::expected;
use signet_core::testing::rounds;
use signet_core::testing::world::{NOW, POLICY, RANDOM, all_at_once};
use signet_core::time::UnixTime;
use signet_store_redis::{Key, RedisHeads, Script};
use signet_testbed::redis;

use super::{client, heads};

/// Something to be judged.
#[derive(Clone, Debug)]
struct Case {
    head: FamilyHead,
    presented: u32,
    account: AccountStatus,
    now: UnixTime,
    policy: RefreshPolicy,
}

fn seconds(base: u64, offset: i64) -> UnixTime {
    UnixTime::from_secs(base.saturating_add_signed(offset))
}

prop_compose! {
    /// Small numbers around every edge there is, so that each is met often.
    fn any_case()(
        base in prop_oneof![Just(0_u64), Just(1_000), Just(NOW.as_secs()), Just(1 << 40)],
        generation in prop_oneof![0..4_u32, u32::MAX - 3..=u32::MAX],
        presented in -3..3_i64,
        created in 0..40_i64,
        advanced in 0..40_i64,
        now in -5..90_i64,
        grace in prop_oneof![Just(0_u64), Just(1), 0..60_u64],
        idle in 1..50_u64,
        absolute in 1..90_u64,
        is_active in proptest::bool::weighted(0.8),
    ) -> Case {
        let presented = (i64::from(generation) + presented).clamp(0, i64::from(u32::MAX));
        Case {
            head: FamilyHead {
                generation,
                advanced_at: seconds(base, advanced),
                created_at: seconds(base, created),
            },
            presented: u32::try_from(presented).unwrap(),
            account: if is_active { AccountStatus::Active } else { AccountStatus::Suspended },
            now: seconds(base, now),
            policy: RefreshPolicy { grace, idle, absolute },
        }
    }
}

#[tokio::test]
async fn the_script_judges_as_the_rule_does() {
    let client = client().await;
    let heads = RedisHeads::open(client.clone()).await.unwrap();
    let put = Script::new(
        "return redis.call('HSET', KEYS[1], 'generation', ARGV[1], 'advanced_at', ARGV[2],
                           'created_at', ARGV[3])",
    );
    let (cases, mut runner) = (any_case(), TestRunner::default());
    let mut met = std::collections::BTreeMap::<_, u32>::new();
    for _ in 0..rounds(5_000, 200_000) {
        let case = cases.new_tree(&mut runner).unwrap().current();
        let Case {
            head,
            presented,
            account,
            now,
            policy,
        } = case.clone();
        let session = SessionId(RANDOM.uuid());
        let key = Key::new(format_args!("head"), session.0.as_bytes());
        let written = (
            head.generation,
            head.advanced_at.as_secs(),
            head.created_at.as_secs(),
        );
        let () = client.call(&put, &[key], written).await.unwrap();
        let judged = heads
            .present(session, presented, account, now, &policy)
            .await;
        let judged = judged.unwrap().unwrap();
        let rule = expected(head, presented, account, now, &policy);
        assert_eq!((judged.verdict, judged.head), rule, "{case:?}");
        *met.entry(format!("{:?}", std::mem::discriminant(&judged.verdict)))
            .or_default() += 1;
        // What was written is what was told.
        let unchanged = heads
            .present(session, u32::MAX, account, now, &policy)
            .await;
        if judged.head.generation < u32::MAX {
            assert_eq!(unchanged.unwrap().unwrap().head, judged.head, "{case:?}");
        }
        heads.forget(session).await.unwrap();
    }
    assert_eq!(met.len(), 6, "every verdict was met: {met:?}");
    assert!(met.values().all(|count| *count > 100), "{met:?}");
}

#[tokio::test]
async fn a_head_is_kept_a_day_longer_than_its_session_may_live() {
    let heads = heads().await;
    let session = SessionId(RANDOM.uuid());
    heads.begin(session, NOW, &POLICY).await.unwrap();
    let lives = || {
        let key = Key::new(format_args!("head"), session.0.as_bytes()).to_string();
        redis().cli(&["TTL", &key]).trim().parse::<u64>().unwrap()
    };
    let near = |expected: u64| (expected - 30..=expected).contains(&lives());
    assert!(near(POLICY.idle + KEPT), "{}", lives());
    for days in [10, 20, 29] {
        let now = NOW.saturating_add(days * 86_400);
        heads.advance(session, now, &POLICY).await.unwrap();
        let left = POLICY.idle.min(POLICY.absolute - days * 86_400);
        assert!(near(left + KEPT), "{}", lives());
    }
    heads.forget(session).await.unwrap();
    assert_eq!(heads.advance(session, NOW, &POLICY).await.unwrap(), None);
}

#[tokio::test]
async fn whatever_else_is_at_its_key_is_no_head() {
    let heads = heads().await;
    let session = SessionId(RANDOM.uuid());
    let key = Key::new(format_args!("head"), session.0.as_bytes()).to_string();
    redis().cli(&["HSET", &key, "generation", "3"]);
    let present = heads.present(session, 3, AccountStatus::Active, NOW, &POLICY);
    assert_eq!(present.await.unwrap(), None);
    redis().cli(&["DEL", &key]);
    redis().cli(&["SET", &key, "3"]);
    let present = heads.present(session, 3, AccountStatus::Active, NOW, &POLICY);
    assert!(present.await.is_err());
    redis().cli(&["DEL", &key]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_that_present_the_head_at_once_one_advances() {
    let heads = heads().await;
    let session = SessionId(RANDOM.uuid());
    heads.begin(session, NOW, &POLICY).await.unwrap();
    for generation in 0..rounds(20, 1_000) {
        let judged = all_at_once(64, |_| {
            let heads = heads.clone();
            async move {
                let active = AccountStatus::Active;
                heads
                    .present(session, generation, active, NOW, &POLICY)
                    .await
            }
        })
        .await;
        let verdicts: Vec<_> = judged
            .into_iter()
            .map(|j| j.unwrap().unwrap().verdict)
            .collect();
        let count = |verdict| verdicts.iter().filter(|one| **one == verdict).count();
        let next = generation + 1;
        assert_eq!(
            (count(Verdict::Advance { next }), count(Verdict::Repeat)),
            (1, 63)
        );
    }
}
