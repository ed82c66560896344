//! What a family of refresh tokens promises, whatever tabs, thieves, clocks and lost answers do: a
//! model of them ([`machine`]), everything that can happen in so many steps ([`explore`]), and the
//! same schedules on a store, each of whose answers must be the model's.
//!
//! The model decides by [`crate::session::family::judge`] itself, so what is proven is the rule
//! and not a copy of it; that stores do as the rule says is what the story here shows.

pub mod explore;
pub mod machine;

use std::collections::BTreeMap;
use std::sync::Arc;

use explore::{clocks, explore, tabs, thief, wander};
use machine::{Asked, Conduct, Machine, Outcome, Question, Step};

use super::rounds;
use super::world::{
    NOW, POLICY, World, all_at_once, anonymous, at, effects, new_session, presented,
};
use crate::account::Account;
use crate::audit::Actor;
use crate::ports::{LoginEffects, Rotation};
use crate::session::family::judge;
use crate::session::{Head, SessionId};

/// How many schedules are tried at the same time.
const AT_ONCE: usize = 32;

/// What stores are asked: in every way that is so many steps long, and in long lives of many tabs.
fn schedules() -> Vec<Vec<Asked>> {
    let start = |tabs| Machine::open(Conduct::Any, tabs, POLICY, NOW);
    let alphabet = |count| {
        let mut alphabet = tabs(count);
        alphabet.extend(thief());
        alphabet
    };
    let mut short = alphabet(1);
    short.extend(clocks(POLICY.grace, POLICY.idle));
    short.extend([Step::Forge, Step::LogOut]);
    let depth = rounds(6, 7).try_into().unwrap();
    let explored = explore(&start(1), judge, &short, depth).unwrap();
    // Slower clocks, so that a life lasts.
    let mut long = alphabet(3);
    long.extend([1, POLICY.grace, 3_600].map(Step::Forward));
    long.extend([1, 3_600].map(Step::Back));
    let lives: Vec<Vec<Asked>> = (0..u64::from(rounds(30, 2_000)))
        .map(|number| wander(start(3), judge, &long, 100, number).unwrap())
        .collect();
    let came: u32 = lives.iter().map(|life| generations(life)).sum();
    let led = u32::try_from(lives.len()).unwrap();
    assert!(came >= 3 * led, "{came} generations in {led} lives");
    // So many of the short ones in a test run, spread over all of them.
    let stride = match rounds(300, 0) {
        0 => 1,
        most => explored.schedules.len().div_ceil(most.try_into().unwrap()),
    };
    let short = explored.schedules.into_iter().step_by(stride);
    short.chain(lives).collect()
}

/// How far the family came that was asked all of it.
fn generations(life: &[Asked]) -> u32 {
    let advanced = life.iter().filter_map(|asked| match asked.answer {
        Outcome::Advanced(next) => Some(next),
        Outcome::Repeated(_)
        | Outcome::Replayed
        | Outcome::FromFuture
        | Outcome::Over
        | Outcome::Dead
        | Outcome::Done => None,
    });
    advanced.max().unwrap_or(0)
}

pub async fn every_schedule_is_answered_as_the_model_answers_it(world: &World) {
    let tried = schedules();
    let ada = world.account("ada", &[]).await;
    let mut expected = BTreeMap::new();
    for batch in tried.chunks(AT_ONCE) {
        let batch: Arc<[Vec<Asked>]> = batch.into();
        let told = all_at_once(batch.len(), |number| {
            let (world, ada, batch) = (world.clone(), ada.clone(), Arc::clone(&batch));
            async move {
                let schedule = &batch[number];
                let session = replay(&world, &ada, schedule).await;
                (session, told_of(schedule))
            }
        });
        expected.extend(told.await);
    }
    let mut told = BTreeMap::new();
    for row in world.trail().await {
        let detail: serde_json::Value = serde_json::from_str(&row.event.detail).unwrap();
        if let Some(session) = detail["session"].as_str() {
            let session = SessionId(session.parse().unwrap());
            let actions: &mut Vec<String> = told.entry(session).or_default();
            actions.push(row.event.action);
        }
    }
    assert_eq!(told, expected, "what the trail says of each session");
    let asked: usize = tried.iter().map(Vec::len).sum();
    let schedules = tried.len();
    println!("proved: {schedules} schedules, {asked} answers as the model gives them");
}

/// Asks the store all of it, of a session of its own.
async fn replay(world: &World, ada: &Account, schedule: &[Asked]) -> SessionId {
    let effects = LoginEffects {
        max_sessions: u32::MAX,
        ..effects("ada")
    };
    let by_ada = at(NOW, Actor::Account(ada.id));
    let opened = world
        .sessions
        .open_session(&by_ada, new_session(ada.id), effects, &POLICY);
    let opened = opened.await.unwrap().unwrap();
    for asked in schedule {
        let answer = ask(world, ada, &opened, asked).await;
        // To whoever asks, both are one.
        let expected = match asked.answer {
            Outcome::Over => Outcome::Dead,
            other => other,
        };
        assert_eq!(answer, expected, "{asked:?} of {schedule:#?}");
    }
    opened.session.id
}

async fn ask(world: &World, ada: &Account, opened: &Head, asked: &Asked) -> Outcome {
    match asked.what {
        Question::Refresh(generation) => match world.rotate(opened, generation, asked.at).await {
            Rotation::Advanced(head) => Outcome::Advanced(head.generation),
            Rotation::Repeated(head) => Outcome::Repeated(head.generation),
            Rotation::Replayed(_) => Outcome::Replayed,
            Rotation::FromFuture(_) => Outcome::FromFuture,
            Rotation::Dead => Outcome::Dead,
        },
        Question::Prove => {
            let by_ada = at(asked.at, Actor::Account(ada.id));
            let id = opened.session.id;
            let proven = world
                .sessions
                .reauthenticate(&by_ada, id, ada.id, effects("ada"), &POLICY)
                .await;
            match proven.unwrap() {
                Some(head) => Outcome::Advanced(head.generation),
                None => Outcome::Dead,
            }
        }
        Question::LogOut => {
            let (context, shown) = (anonymous(asked.at), presented(opened, 0));
            let ended = world.sessions.end_family(&context, &shown);
            match ended.await.unwrap() {
                true => Outcome::Done,
                false => Outcome::Dead,
            }
        }
    }
}

/// What the trail has to say of a session that was asked all of it.
fn told_of(schedule: &[Asked]) -> Vec<String> {
    let told = schedule.iter().filter_map(|asked| match asked.answer {
        Outcome::Advanced(_) if asked.what == Question::Prove => Some("session.reauthenticated"),
        Outcome::Advanced(_) | Outcome::Dead => None,
        Outcome::Repeated(_) => Some("refresh.repeated"),
        Outcome::Replayed => Some("refresh.replayed"),
        Outcome::FromFuture => Some("refresh.from_future"),
        Outcome::Over | Outcome::Done => Some("session.ended"),
    });
    let opened = std::iter::once("session.opened");
    opened.chain(told).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests;
