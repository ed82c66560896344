//! Refresh tokens: one head, one grace, one answer for a thief.

use super::rounds;
use super::world::{
    NOW, POLICY, World, advanced, after, all_at_once, anonymous, at, presented, roles,
};
use crate::account::AccountStatus;
use crate::audit::Actor;
use crate::ports::{Rotation, StoreError};
use crate::session::Head;

pub async fn the_predecessor_is_repeated_and_then_replayed(world: &World) {
    let ada = world.account("ada", &[]).await;
    let head = world.session("ada", ada.id, NOW).await;
    let next = advanced(world.rotate(&head, 0, after(100)).await);
    match world.rotate(&head, 0, after(110)).await {
        Rotation::Repeated(same) => assert_eq!(*same, next),
        other => panic!("{other:?}"),
    }
    assert_eq!(world.count("refresh.repeated").await, 1);
    let listed = world.sessions.sessions(ada.id, after(110), &POLICY).await;
    let listed = &listed.unwrap()[0];
    assert_eq!(listed.repeats, 1);
    assert_eq!(listed.repeated_at, Some(after(110)));
    match world.rotate(&head, 0, after(111)).await {
        Rotation::Replayed(account) => assert_eq!(account, ada.id),
        other => panic!("{other:?}"),
    }
    assert_eq!(world.count("refresh.replayed").await, 1);
    let claimed = world.store.claim_mail(after(120), 60, 10).await.unwrap();
    assert_eq!(claimed.len(), 1);
    assert_eq!(claimed[0].sealed, b"replay_notice");
    for generation in 0..3 {
        let dead = world.rotate(&next, generation, after(112)).await;
        assert!(matches!(dead, Rotation::Dead), "{generation}");
    }
}

pub async fn a_generation_of_the_future_ends_the_session(world: &World) {
    let ada = world.account("ada", &[]).await;
    let head = world.session("ada", ada.id, NOW).await;
    let future = world.rotate(&head, 1, after(1)).await;
    assert!(matches!(future, Rotation::FromFuture(id) if id == ada.id));
    let dead = world.rotate(&head, 0, after(1)).await;
    assert!(matches!(dead, Rotation::Dead));
    assert_eq!(world.count("refresh.from_future").await, 1);
}

pub async fn in_sixty_four_parallel_refreshes_one_advances(world: &World) {
    let ada = world.account("ada", &[]).await;
    let mut head = world.session("ada", ada.id, NOW).await;
    for _ in 0..rounds(5, 500) {
        let generation = head.generation;
        let answers = all_at_once(64, |_| {
            let (world, head) = (world.clone(), head.clone());
            async move { refresh_until_answered(&world, &head).await }
        })
        .await;
        let lost: usize = answers.iter().map(|(_, lost)| lost).sum();
        let mut advanced = Vec::new();
        let mut repeated = Vec::new();
        for (answer, _) in answers {
            match answer {
                Rotation::Advanced(head) => advanced.push(*head),
                Rotation::Repeated(same) => repeated.push(*same),
                other => panic!("{other:?}"),
            }
        }
        // The answer of the one that advanced may be among those that were lost.
        assert!(advanced.len() == 1 || advanced.is_empty() && lost > 0);
        assert!(
            repeated
                .iter()
                .all(|same| same.generation == generation + 1)
        );
        head = advanced.pop().or(repeated.pop()).unwrap();
    }
}

/// Asks as clients do, again where the store is overloaded, as it may be with so many at once on a
/// slow disk; how many answers were lost.
async fn refresh_until_answered(world: &World, head: &Head) -> (Rotation, usize) {
    let mut lost = 0;
    loop {
        match world.try_to_rotate(head, head.generation, after(1)).await {
            Ok(rotation) => return (rotation, lost),
            Err(StoreError::Unavailable(_)) if lost < 10 => lost += 1,
            Err(error) => panic!("{error}"),
        }
    }
}

pub async fn ending_and_refreshing_at_once_leave_nothing_alive(world: &World) {
    let ada = world.account("ada", &[]).await;
    for _ in 0..rounds(10, 200) {
        let head = world.session("ada", ada.id, NOW).await;
        all_at_once(8, |number| {
            let (world, head) = (world.clone(), head.clone());
            async move {
                if number % 2 == 0 {
                    let shown = presented(&head, 0);
                    let ended = world.sessions.end_family(&anonymous(NOW), &shown).await;
                    ended.map(|_| ()).unwrap();
                } else {
                    world.rotate(&head, 0, NOW).await;
                }
            }
        })
        .await;
        for generation in 0..2 {
            let dead = world.rotate(&head, generation, NOW).await;
            assert!(matches!(dead, Rotation::Dead));
        }
    }
}

pub async fn a_refresh_reads_account_and_roles_anew(world: &World) {
    let ada = world.account("ada", &[]).await;
    let head = world.session("ada", ada.id, NOW).await;
    assert!(!head.session.authority.permits("agents:read"));
    super::roles::create(world, "reader", &["agents:read"], &[]).await;
    let operator = at(NOW, Actor::Operator);
    let store = &world.store;
    let given = store.set_roles(&operator, ada.id, roles(&["reader"])).await;
    given.unwrap().unwrap();
    let head = advanced(world.rotate(&head, 0, NOW).await);
    assert!(head.session.authority.permits("agents:read"));
    assert_eq!(head.session.account.version, 1);

    super::roles::replace(world, "reader", &["agents:list"], &[]).await;
    let head = advanced(world.rotate(&head, 1, NOW).await);
    assert!(!head.session.authority.permits("agents:read"));
    assert!(head.session.authority.permits("agents:list"));
    assert_eq!(head.session.account.version, 2);
}

pub async fn a_suspended_account_refreshes_nothing_and_a_replay_still_shows(world: &World) {
    let ada = world.account("ada", &[]).await;
    let expired = world.session("ada", ada.id, NOW).await;
    advanced(world.rotate(&expired, 0, after(1)).await);
    let late = after(1 + POLICY.idle);
    let replayed = world.rotate(&expired, 0, late).await;
    assert!(matches!(replayed, Rotation::Replayed(id) if id == ada.id));
    assert!(matches!(
        world.rotate(&expired, 1, late).await,
        Rotation::Dead
    ));
    assert_eq!(world.count("refresh.replayed").await, 1);

    let head = world.session("ada", ada.id, NOW).await;
    let stopped = AccountStatus::Suspended;
    let operator = at(NOW, Actor::Operator);
    let suspended = world.store.set_status(&operator, ada.id, stopped).await;
    suspended.unwrap().unwrap();
    assert!(matches!(world.rotate(&head, 0, NOW).await, Rotation::Dead));
}

pub async fn a_session_ends_at_its_absolute_limit_however_often_it_is_refreshed(world: &World) {
    let ada = world.account("ada", &[]).await;
    let mut head = world.session("ada", ada.id, NOW).await;
    for (generation, days) in (0..).zip([10, 20, 29]) {
        let rotation = world.rotate(&head, generation, after(days * 86_400)).await;
        head = advanced(rotation);
    }
    assert_eq!(head.expires_at, after(POLICY.absolute));
    let over = world.rotate(&head, 3, after(POLICY.absolute)).await;
    assert!(matches!(over, Rotation::Dead));
}

pub async fn a_token_of_another_family_refreshes_nothing(world: &World) {
    let ada = world.account("ada", &[]).await;
    let mut stranger = world.session("ada", ada.id, NOW).await;
    stranger.family = crate::session::FamilyId::new([7; 16]);
    assert!(matches!(
        world.rotate(&stranger, 0, NOW).await,
        Rotation::Dead
    ));
    let shown = presented(&stranger, 0);
    let ended = world.sessions.end_family(&anonymous(NOW), &shown).await;
    assert!(!ended.unwrap());
    assert_eq!(world.actions().await, ["account.created", "session.opened"]);
}

pub async fn of_sixty_four_replays_one_is_told(world: &World) {
    let ada = world.account("ada", &[]).await;
    for round in 0..rounds(3, 100) {
        let head = world.session("ada", ada.id, NOW).await;
        advanced(world.rotate(&head, 0, NOW).await);
        let answers = all_at_once(64, |_| {
            let (world, head) = (world.clone(), head.clone());
            async move { world.rotate(&head, 0, after(11)).await }
        })
        .await;
        let replays = answers
            .iter()
            .filter(|answer| matches!(answer, Rotation::Replayed(_)));
        assert_eq!(replays.count(), 1);
        let told = world.count("refresh.replayed").await;
        assert_eq!(told, usize::try_from(round + 1).unwrap());
    }
}
