//! The model, in small and in large.

use std::cell::Cell;

use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any};
use proptest::prop_oneof;
use proptest::sample::Index;
use proptest::test_runner::{Config, TestCaseError, TestRunner};

use super::explore::Counterexample;
use super::machine::{Fate, Rule};
use super::*;
use crate::session::RefreshPolicy;
use crate::session::family::{FamilyState, Verdict};
use crate::testing::rounds;
use crate::time::UnixTime;

const TABS: usize = 5;

fn depth(in_test: u32, in_proof: u32) -> usize {
    usize::try_from(rounds(in_test, in_proof)).unwrap()
}

fn try_all(conduct: Conduct, alphabet: &[Step], depth: usize) -> Result<(), Counterexample> {
    let started = std::time::Instant::now();
    let start = Machine::open(conduct, 2, POLICY, NOW);
    let explored = explore(&start, judge, alphabet, depth)?;
    println!(
        "proved: {conduct:?}, {depth} steps deep: {} steps from {} moments in {:.1} s",
        explored.steps,
        explored.moments,
        started.elapsed().as_secs_f64()
    );
    assert!(explored.moments > 1_000, "{}", explored.moments);
    Ok(())
}

#[test]
fn whatever_two_tabs_a_thief_and_the_clock_do_the_promises_hold() {
    let mut alphabet = tabs(2);
    alphabet.extend(thief());
    alphabet.extend(clocks(POLICY.grace, POLICY.idle));
    alphabet.push(Step::LogOut);
    try_all(Conduct::Any, &alphabet, depth(7, 8)).unwrap();
}

#[test]
fn a_store_that_is_set_back_is_noticed_by_the_newest_token() {
    let mut alphabet = tabs(2);
    alphabet.extend(thief());
    alphabet.extend([Step::Copy, Step::SetBack, Step::Forge]);
    alphabet.push(Step::Forward(POLICY.grace + 1));
    try_all(Conduct::Any, &alphabet, depth(7, 8)).unwrap();
}

#[test]
fn a_careful_client_is_never_logged_out() {
    let mut alphabet = tabs(2);
    alphabet.extend(clocks(POLICY.grace, POLICY.idle));
    try_all(Conduct::Careful, &alphabet, depth(9, 11)).unwrap();
}

#[test]
fn the_shortest_way_to_log_a_hasty_client_out_is_a_late_tab() {
    let mut alphabet = tabs(2);
    alphabet.extend(clocks(POLICY.grace, POLICY.idle));
    let found = try_all(Conduct::Hasty, &alphabet, 7).unwrap_err();
    assert!(found.promise.contains("logged out: Replayed"));
    // docs/adr/0031-what-a-family-promises.md tells this.
    assert_eq!(
        found.steps,
        [
            Step::Send(0),
            Step::Arrive(0),
            Step::Send(1),
            Step::Deliver(0),
            Step::Send(0),
            Step::Arrive(0),
            Step::Arrive(1),
        ]
    );
}

/// How few steps it takes to see that a rule is worse.
fn is_found_out(conduct: Conduct, rule: Rule, promise: &str) {
    let mut alphabet = tabs(2);
    alphabet.extend(clocks(POLICY.grace, POLICY.idle));
    if conduct == Conduct::Any {
        alphabet.extend(thief());
        alphabet.extend([Step::Forge, Step::SetBack]);
    }
    let start = Machine::open(conduct, 2, POLICY, NOW);
    let found = explore(&start, rule, &alphabet, 6).err();
    let found = found.expect(promise);
    assert!(found.promise.contains(promise), "{found:?}");
}

#[test]
fn every_worse_rule_is_found_out() {
    type State = FamilyState;
    type Policy = RefreshPolicy;
    is_found_out(
        Conduct::Any,
        |family: &State, presented: u32, now: UnixTime, policy: &Policy| {
            match judge(family, presented, now, policy) {
                // As it was before the first refusal ended the session.
                Verdict::Over => Verdict::Dead,
                other => other,
            }
        },
        "revived",
    );
    is_found_out(
        Conduct::Any,
        |family: &State, presented: u32, now: UnixTime, policy: &Policy| match judge(
            family, presented, now, policy,
        ) {
            Verdict::Replay => Verdict::Dead,
            other => other,
        },
        "revived",
    );
    is_found_out(
        Conduct::Any,
        |family: &State, presented: u32, now: UnixTime, policy: &Policy| {
            let endless = Policy {
                grace: u64::MAX,
                ..*policy
            };
            judge(family, presented, now, &endless)
        },
        "after its grace",
    );
    is_found_out(
        Conduct::Any,
        |family: &State, presented: u32, now: UnixTime, policy: &Policy| match judge(
            family, presented, now, policy,
        ) {
            Verdict::Repeat => Verdict::Advance {
                next: family.head.generation + 1,
            },
            other => other,
        },
        "2 heads",
    );
    is_found_out(
        Conduct::Any,
        |family: &State, presented: u32, now: UnixTime, policy: &Policy| {
            let caught_up = presented.min(family.head.generation);
            judge(family, caught_up, now, policy)
        },
        "heads",
    );
    is_found_out(
        Conduct::Any,
        |family: &State, presented: u32, now: UnixTime, policy: &Policy| match judge(
            family, presented, now, policy,
        ) {
            // A refresh token that stays the same is good for the thief and for the victim.
            Verdict::Advance { .. } => Verdict::Advance { next: presented },
            other => other,
        },
        "goes on without having shared",
    );
    is_found_out(
        Conduct::Careful,
        |family: &State, presented: u32, now: UnixTime, policy: &Policy| match judge(
            family, presented, now, policy,
        ) {
            Verdict::Repeat => Verdict::Replay,
            other => other,
        },
        "logged out",
    );
    is_found_out(
        Conduct::Careful,
        |family: &State, presented: u32, now: UnixTime, policy: &Policy| {
            let hasty = Policy {
                idle: 3_600,
                ..*policy
            };
            judge(family, presented, now, &hasty)
        },
        "Over",
    );
}

fn any_fate() -> impl Strategy<Value = Fate> {
    prop_oneof![Just(Fate::Delivered), Just(Fate::Lost)]
}

/// Mostly answers come, and soon: a client is lost once an answer is that doesn't come within the
/// grace, and lives would be short.
fn any_step() -> impl Strategy<Value = Step> {
    let seconds = || prop_oneof![8 => 0..30_u64, 1 => 3_500..3_700_u64, 1 => Just(86_400)];
    prop_oneof![
        4 => (0..TABS).prop_map(Step::Send),
        16 => (0..TABS).prop_map(Step::Arrive),
        16 => (0..TABS).prop_map(Step::Deliver),
        1 => (0..TABS).prop_map(Step::Lose),
        1 => any_fate().prop_map(Step::Prove),
        1 => Just(Step::Steal),
        3 => any_fate().prop_map(Step::Use),
        2 => seconds().prop_map(Step::Forward),
        1 => seconds().prop_map(Step::Back),
    ]
}

fn any_policy() -> impl Strategy<Value = RefreshPolicy> {
    (0..60_u64, any::<bool>()).prop_map(|(grace, is_short)| match is_short {
        true => RefreshPolicy {
            grace,
            idle: 3_600,
            absolute: 86_400,
        },
        false => RefreshPolicy { grace, ..POLICY },
    })
}

/// Does the steps that can be done; how far the family came, and the first broken promise.
fn live(conduct: Conduct, policy: RefreshPolicy, steps: &[Step]) -> Result<u32, String> {
    let mut machine = Machine::open(conduct, TABS, policy, NOW);
    let mut asked = Vec::new();
    for step in steps {
        if machine.can(*step) {
            asked.extend(machine.step(*step, judge)?);
        }
    }
    Ok(generations(&asked))
}

/// Leads many lives as they are drawn: each keeps the promises, and their families come so far on
/// average, without which little would be tried.
fn lead<S: Strategy>(drawn: &S, least: u32, live: impl Fn(S::Value) -> Result<u32, String>) {
    let cases = rounds(2_000, 200_000);
    let mut runner = TestRunner::new(Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    });
    let came = Cell::new(0);
    let led = runner.run(drawn, |life| {
        let far = live(life).map_err(TestCaseError::fail)?;
        came.set(came.get() + far);
        Ok(())
    });
    led.unwrap();
    let came = came.get();
    println!("proved: {cases} lives, {came} generations");
    assert!(came >= least * cases, "{came} generations in {cases} lives");
}

#[test]
fn long_lives_of_five_tabs_and_a_thief_keep_the_promises() {
    let end = prop_oneof![
        4 => Just(None),
        1 => Just(Some(Step::LogOut)),
        1 => Just(Some(Step::Forge)),
        1 => Just(Some(Step::SetBack)),
    ];
    let steps = vec(any_step(), 0..200);
    let drawn = (any_policy(), steps, end, any::<Index>());
    // Thieves and late tabs end them soon: they come to two.
    lead(&drawn, 1, |(policy, mut steps, end, at)| {
        if let Some(end) = end {
            steps.insert(at.index(steps.len() + 1), end);
            steps.insert(at.index(steps.len()) / 2, Step::Copy);
        }
        live(Conduct::Any, policy, &steps)
    });
}

#[test]
fn long_lives_of_five_careful_tabs_log_nobody_out() {
    let drawn = (any_policy(), vec(any_step(), 0..400));
    // They come to three, as half of the policies end them within the hour.
    lead(&drawn, 2, |(policy, steps)| {
        live(Conduct::Careful, policy, &steps)
    });
}
