//! Detached sessions: what becomes of a row whose head is lost, old, away, or somebody else's.

use std::sync::Arc;

use super::feed::FEED;
use super::heads::{Heads, InMemoryHeads};
use super::world::{
    NOW, POLICY, World, advanced, after, anonymous, at, effects, letter, new_session, presented,
};
use crate::account::Account;
use crate::audit::Actor;
use crate::mail::MailKind;
use crate::ports::detached::Settlement;
use crate::ports::feed::{FeedPolicy, FeedSettled};
use crate::ports::{Rotation, StoreError, StoreResult};
use crate::session::detached::{BEHIND, MOST_BEHIND};
use crate::session::{Head, Session};
use crate::time::UnixTime;

/// One store, seen with its sessions' heads in itself, and with their heads elsewhere.
pub struct Stage {
    pub attached: World,
    pub detached: World,
    heads: Arc<InMemoryHeads>,
}

impl Stage {
    pub fn new(world: World) -> Self {
        let heads = Arc::new(InMemoryHeads::default());
        Self {
            detached: World::detached(Arc::clone(&world.store), heads.clone()),
            attached: world,
            heads,
        }
    }

    async fn listed(&self, account: &Account, now: UnixTime) -> Vec<Session> {
        let listed = self.detached.sessions.sessions(account.id, now, &POLICY);
        listed.await.unwrap()
    }

    async fn try_rotate(&self, head: &Head, generation: u32) -> StoreResult<Rotation> {
        self.detached
            .try_to_rotate(head, generation, after(1))
            .await
    }
}

fn is_unavailable<T>(answer: StoreResult<T>) -> bool {
    matches!(answer, Err(StoreError::Unavailable(_)))
}

fn assert_dead(rotation: Rotation) {
    assert!(matches!(rotation, Rotation::Dead), "{rotation:?}");
}

pub async fn an_ended_session_stays_ended_whatever_becomes_of_its_head(stage: &Stage) {
    let world = &stage.detached;
    let ada = world.account("ada", &[]).await;
    let head = world.session("ada", ada.id, NOW).await;
    let kept = stage.heads.kept();
    let id = head.session.id;
    let context = anonymous(NOW);
    let ended = world.sessions.end_session(&context, ada.id, id);
    assert!(ended.await.unwrap());
    stage.heads.set_back(kept.clone());
    for generation in 0..3 {
        assert_dead(world.rotate(&head, generation, NOW).await);
    }
    assert_eq!(stage.heads.kept(), kept, "nobody asks for the head");
    assert_eq!(world.count("session.ended").await, 1);
    assert!(stage.listed(&ada, NOW).await.is_empty());
}

pub async fn a_session_whose_head_is_gone_is_over(stage: &Stage) {
    let world = &stage.detached;
    let ada = world.account("ada", &[]).await;
    let refreshed = world.session("ada", ada.id, NOW).await;
    let proven = world.session("ada", ada.id, NOW).await;
    let kept = stage.heads.kept();
    stage.heads.set_back(Heads::new());
    assert_dead(world.rotate(&refreshed, 0, after(1)).await);
    let context = at(after(1), Actor::Account(ada.id));
    let again = world
        .sessions
        .reauthenticate(&context, proven.session.id, ada.id, effects("ada"), &POLICY)
        .await;
    assert_eq!(again.unwrap(), None);
    assert_eq!(world.count("session.ended").await, 2);
    assert!(stage.listed(&ada, after(1)).await.is_empty());
    stage.heads.set_back(kept);
    for head in [refreshed, proven] {
        assert_dead(world.rotate(&head, 0, after(2)).await);
    }
    assert_eq!(world.count("session.ended").await, 2);
}

pub async fn a_head_that_went_with_its_expired_session_is_no_loss(stage: &Stage) {
    let world = &stage.detached;
    let ada = world.account("ada", &[]).await;
    let head = world.session("ada", ada.id, NOW).await;
    stage.heads.set_back(Heads::new());
    let expired = after(POLICY.idle + MOST_BEHIND);
    assert_dead(world.rotate(&head, 0, expired).await);
    assert_eq!(world.count("session.ended").await, 0);
}

pub async fn without_heads_nothing_is_opened_or_refreshed_and_everything_ends(stage: &Stage) {
    let (world, sessions) = (&stage.detached, &stage.detached.sessions);
    let ada = world.account("ada", &[]).await;
    let mut heads = Vec::new();
    for _ in 0..4 {
        heads.push(world.session("ada", ada.id, NOW).await);
    }
    let context = at(after(1), Actor::Account(ada.id));
    stage.heads.set_away(true);
    assert!(is_unavailable(sessions.ping_heads().await));
    for generation in 0..3 {
        assert!(is_unavailable(
            stage.try_rotate(&heads[0], generation).await
        ));
    }
    let opened = sessions
        .open_session(&context, new_session(ada.id), effects("ada"), &POLICY)
        .await;
    assert!(is_unavailable(opened));
    let id = heads[0].session.id;
    let again = sessions
        .reauthenticate(&context, id, ada.id, effects("ada"), &POLICY)
        .await;
    assert!(is_unavailable(again));
    assert_eq!(stage.listed(&ada, after(1)).await.len(), 4);

    let id = heads[1].session.id;
    assert!(sessions.end_session(&context, ada.id, id).await.unwrap());
    let shown = presented(&heads[2], 0);
    assert!(sessions.end_family(&context, &shown).await.unwrap());
    let keep = heads[0].session.id;
    let others = sessions.end_other_sessions(&context, ada.id, keep).await;
    assert_eq!(others.unwrap(), 1);

    stage.heads.set_away(false);
    sessions.ping_heads().await.unwrap();
    for head in &heads[1..] {
        assert_dead(world.rotate(head, 0, after(2)).await);
    }
    advanced(world.rotate(&heads[0], 0, after(2)).await);
}

pub async fn the_row_learns_of_refreshes_once_an_hour(stage: &Stage) {
    let world = &stage.detached;
    let ada = world.account("ada", &[]).await;
    let mut head = world.session("ada", ada.id, NOW).await;
    for (at, seen) in [
        (after(100), NOW),
        (after(BEHIND), NOW),
        (after(BEHIND + 1), after(BEHIND + 1)),
        (after(2 * BEHIND), after(BEHIND + 1)),
    ] {
        head = advanced(world.rotate(&head, head.generation, at).await);
        assert_eq!(head.expires_at, at.saturating_add(POLICY.idle));
        assert_eq!(stage.listed(&ada, at).await[0].last_seen_at, seen);
    }
    let last = after(2 * BEHIND + POLICY.idle - 1);
    advanced(world.rotate(&head, head.generation, last).await);
    assert_eq!(
        world.actions().await,
        ["account.created", "session.opened"],
        "a plain refresh is no change worth a row"
    );
}

/// What was minted since a row was last told may be good, so it is taken back.
pub async fn an_entry_stays_for_as_long_as_its_row_may_be_behind(stage: &Stage) {
    let (world, store) = (&stage.detached, &stage.attached.store);
    let ada = world.account("ada", &[]).await;
    let much = FeedPolicy { most: 0, ..FEED };
    for (ended, left) in [(MOST_BEHIND + 3_600, 1), (MOST_BEHIND, 0)] {
        let head = world.session("ada", ada.id, NOW).await;
        let context = at(after(ended), Actor::Account(ada.id));
        let over = world
            .sessions
            .end_session(&context, ada.id, head.session.id);
        assert!(over.await.unwrap());
        let settled = store.settle_feed(after(ended + 1), &much).await;
        assert_eq!(settled.unwrap(), FeedSettled { left, folded: 0 });
        let listed = store.revoked(9).await.unwrap().sessions;
        let is_listed = listed.iter().any(|one| one.session == head.session.id);
        assert_eq!(is_listed, left == 0, "ended after {ended} seconds");
    }
}

pub async fn a_session_from_before_goes_on_where_it_was_opened(stage: &Stage) {
    let (before, now) = (&stage.attached, &stage.detached);
    let ada = now.account("ada", &[]).await;
    let head = before.session("ada", ada.id, NOW).await;
    let head = advanced(now.rotate(&head, 0, after(1)).await);
    let context = at(after(2), Actor::Account(ada.id));
    let proven = now
        .sessions
        .reauthenticate(&context, head.session.id, ada.id, effects("ada"), &POLICY)
        .await;
    assert_eq!(proven.unwrap().unwrap().generation, 2);
    assert!(stage.heads.kept().is_empty());
    advanced(before.rotate(&head, 2, after(3)).await);
    let replayed = now.rotate(&head, 0, after(3)).await;
    assert!(matches!(replayed, Rotation::Replayed(id) if id == ada.id));
}

pub async fn where_nobody_knows_its_head_a_session_is_over(stage: &Stage) {
    let (elsewhere, here) = (&stage.detached, &stage.attached);
    let ada = here.account("ada", &[]).await;
    let head = elsewhere.session("ada", ada.id, NOW).await;
    let head = advanced(elsewhere.rotate(&head, 0, after(1)).await);
    let context = at(after(2), Actor::Account(ada.id));
    let proven = here
        .sessions
        .reauthenticate(&context, head.session.id, ada.id, effects("ada"), &POLICY)
        .await;
    assert_eq!(proven.unwrap(), None);
    assert_eq!(stage.listed(&ada, after(2)).await.len(), 1);
    // The row's generation is still 0, and that token is used.
    assert_dead(here.rotate(&head, 0, after(2)).await);
    assert_dead(here.rotate(&head, 1, after(2)).await);
    assert_dead(elsewhere.rotate(&head, 1, after(2)).await);
    assert_eq!(here.count("session.ended").await, 1);
    assert!(stage.listed(&ada, after(2)).await.is_empty());
}

pub async fn heads_that_went_back_are_caught_by_the_newest_token(stage: &Stage) {
    let world = &stage.detached;
    let ada = world.account("ada", &[]).await;
    let mut head = world.session("ada", ada.id, NOW).await;
    head = advanced(world.rotate(&head, 0, after(1)).await);
    let kept = stage.heads.kept();
    for generation in 1..3 {
        head = advanced(world.rotate(&head, generation, after(2)).await);
    }
    stage.heads.set_back(kept);
    let future = world.rotate(&head, 3, after(3)).await;
    assert!(matches!(future, Rotation::FromFuture(id) if id == ada.id));
    assert_dead(world.rotate(&head, 1, after(3)).await);
    assert_eq!(world.count("refresh.from_future").await, 1);
}

pub async fn a_head_goes_with_its_session(stage: &Stage) {
    let (world, sessions) = (&stage.detached, &stage.detached.sessions);
    let ada = world.account("ada", &[]).await;
    let context = at(NOW, Actor::Account(ada.id));
    let refused = sessions.open_session(&context, new_session(ada.id), effects("old"), &POLICY);
    assert_eq!(refused.await.unwrap(), None);
    assert!(stage.heads.kept().is_empty(), "a login that was refused");
    let head = world.session("ada", ada.id, NOW).await;
    let id = head.session.id;
    assert!(sessions.end_session(&context, ada.id, id).await.unwrap());
    assert!(stage.heads.kept().is_empty(), "a session that was ended");
    let head = world.session("ada", ada.id, NOW).await;
    let shown = presented(&head, 0);
    assert!(sessions.end_family(&context, &shown).await.unwrap());
    assert!(stage.heads.kept().is_empty(), "a token that was given up");
    let head = world.session("ada", ada.id, NOW).await;
    world.rotate(&head, 9, NOW).await;
    assert!(stage.heads.kept().is_empty(), "a token that never was");
}

pub async fn only_a_session_that_is_detached_and_open_is_settled(stage: &Stage) {
    let store = &stage.attached.store;
    let ada = stage.attached.account("ada", &[]).await;
    let attached = stage.attached.session("ada", ada.id, NOW).await;
    let ended = stage.detached.session("ada", ada.id, NOW).await;
    let shown = presented(&ended, 0);
    assert!(store.end_family(&anonymous(NOW), &shown).await.unwrap());
    let before = stage.attached.trail().await.len();
    for id in [attached.session.id, ended.session.id] {
        let notice = Box::new(letter(MailKind::ReplayNotice));
        for settlement in [
            Settlement::Repeated,
            Settlement::Replayed(notice),
            Settlement::FromFuture,
        ] {
            let settled = store.settle(&anonymous(NOW), id, 1, settlement).await;
            assert!(!settled.unwrap());
        }
        assert!(!store.end_headless(&anonymous(NOW), id).await.unwrap());
        let is_open = store.touch(id, after(9)).await.unwrap();
        assert!(
            !is_open,
            "nobody goes on with a session that ended meanwhile"
        );
    }
    assert_eq!(stage.attached.trail().await.len(), before);
    assert!(stage.attached.waiting_mail().await.is_empty());
    let listed = stage.listed(&ada, NOW).await;
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].last_seen_at, NOW);
}
