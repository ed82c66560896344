//! The outbox as operators see it.

use super::world::{NOW, World, after, at, letter, token};
use crate::audit::Actor;
use crate::mail::outbox::{OutboxEntry, OutboxFilter, OutboxState};
use crate::mail::{MailKind, NewMail};
use crate::mailed_token::Purpose;
use crate::ports::outbox::RetryRefusal;
use uuid::Uuid;

async fn queue(world: &World, kind: MailKind, seconds: u64) -> Uuid {
    world.request(kind, after(seconds)).await
}

async fn all(world: &World) -> Vec<OutboxEntry> {
    let everything = OutboxFilter::default();
    world.store.outbox(&everything, None, 100).await.unwrap()
}

async fn ids(world: &World, filter: OutboxFilter) -> Vec<Uuid> {
    let found = world.store.outbox(&filter, None, 100).await.unwrap();
    found.into_iter().map(|entry| entry.id).collect()
}

pub async fn what_waits_and_what_died_is_listed_newest_first(world: &World) {
    let store = &world.store;
    let first = queue(world, MailKind::Reset, 0).await;
    let second = queue(world, MailKind::Verify, 1).await;
    let third = queue(world, MailKind::Reset, 2).await;
    let claimed = store.claim_mail(after(1), 60, 10).await.unwrap();
    assert_eq!(claimed.len(), 2);
    store
        .mail_abandoned(first, after(3), "550 no such mailbox")
        .await
        .unwrap();
    store
        .mail_deferred(second, after(30), "450 later")
        .await
        .unwrap();

    let entries = all(world).await;
    let listed: Vec<Uuid> = entries.iter().map(|entry| entry.id).collect();
    assert_eq!(listed, [third, second, first]);
    assert_eq!(
        entries[1],
        OutboxEntry {
            id: second,
            account: None,
            kind: "verify".to_owned(),
            state: OutboxState::Waiting,
            created_at: after(1),
            due_at: after(30),
            expires_at: None,
            attempts: 1,
            last_error: Some("450 later".to_owned()),
        }
    );
    assert_eq!(entries[2].state, OutboxState::Dead);
    assert_eq!(
        entries[2].last_error.as_deref(),
        Some("550 no such mailbox")
    );
    let state = |state| OutboxFilter {
        state: Some(state),
        kind: None,
    };
    assert_eq!(ids(world, state(OutboxState::Dead)).await, [first]);
    assert_eq!(
        ids(world, state(OutboxState::Waiting)).await,
        [third, second]
    );
    let kind = OutboxFilter {
        state: None,
        kind: Some(MailKind::Reset),
    };
    assert_eq!(ids(world, kind).await, [third, first]);
}

pub async fn the_outbox_is_read_in_pages_while_it_empties(world: &World) {
    let store = &world.store;
    for seconds in [0, 0, 0, 1, 1, 2, 3] {
        queue(world, MailKind::Reset, seconds).await;
    }
    let before = all(world).await;
    let everything = OutboxFilter::default();
    let mut walked = Vec::new();
    let mut place = None;
    loop {
        let page = store.outbox(&everything, place, 2).await.unwrap();
        let Some(last) = page.last() else { break };
        place = Some(last.place());
        walked.extend(page.iter().map(|entry| entry.id));
        // Where a page ended is a place, whether or not its entry is still there.
        store.mail_delivered(last.id).await.unwrap();
    }
    let listed: Vec<Uuid> = before.iter().map(|entry| entry.id).collect();
    assert_eq!(walked, listed);
}

pub async fn a_dead_letter_is_tried_again_as_if_it_were_new(world: &World) {
    let store = &world.store;
    let id = queue(world, MailKind::ResetNotice, 0).await;
    let operator = at(after(70), Actor::Operator);
    store.claim_mail(NOW, 60, 10).await.unwrap();
    store.mail_abandoned(id, NOW, "550 full").await.unwrap();
    assert!(store.claim_mail(after(70), 60, 9).await.unwrap().is_empty());

    store
        .retry_mail(&operator, id, None)
        .await
        .unwrap()
        .unwrap();
    let entry = &all(world).await[0];
    assert_eq!(entry.state, OutboxState::Waiting);
    assert_eq!((entry.due_at, entry.attempts), (after(70), 0));
    let claimed = store.claim_mail(after(70), 60, 9).await.unwrap();
    assert_eq!((claimed[0].id, claimed[0].attempts), (id, 0));
    assert_eq!(claimed[0].sealed, b"reset_notice");
    assert_eq!(world.count("mail.retried").await, 1);
    let trail = world.trail().await;
    let row = &trail.last().unwrap().event;
    assert_eq!(row.actor, "operator");
    assert!(row.detail.contains(&id.to_string()), "{}", row.detail);
}

pub async fn what_has_expired_or_whose_token_is_void_is_not_tried_again(world: &World) {
    let store = &world.store;
    let operator = |seconds| at(after(seconds), Actor::Operator);
    let expiring = NewMail {
        expires_at: Some(after(60)),
        ..letter(MailKind::Reset)
    };
    let id = expiring.id;
    store.queue_request(NOW, expiring).await.unwrap();
    let ada = world.account("ada", &[]).await;
    let older = world.issue_reset(ada.id, NOW).await.unwrap();
    let newer = world.issue_reset(ada.id, NOW).await.unwrap();
    let (unknown, _) = token(Purpose::Reset, NOW);

    for void in [&older, &unknown] {
        let refused = store.retry_mail(&operator(1), id, Some(void)).await;
        assert_eq!(refused.unwrap(), Err(RetryRefusal::TokenVoid));
    }
    let refused = store.retry_mail(&operator(60), id, Some(&newer)).await;
    assert_eq!(refused.unwrap(), Err(RetryRefusal::Expired));
    let refused = store.retry_mail(&operator(1), Uuid::nil(), None).await;
    assert_eq!(refused.unwrap(), Err(RetryRefusal::NotFound));
    assert_eq!(world.count("mail.retried").await, 0);
    let taken = store.retry_mail(&operator(59), id, Some(&newer)).await;
    assert_eq!(taken.unwrap(), Ok(()));
}

pub async fn only_who_may_write_mail_has_it_tried_again(world: &World) {
    let store = &world.store;
    let id = queue(world, MailKind::Reset, 0).await;
    let ada = world.account("ada", &[]).await;
    let root = world.account("root", &["admin"]).await;
    for actor in [Actor::Anonymous, Actor::Account(ada.id)] {
        let refused = store.retry_mail(&at(NOW, actor), id, None).await;
        assert_eq!(refused.unwrap(), Err(RetryRefusal::Forbidden));
    }
    let by_admin = at(NOW, Actor::Account(root.id));
    let taken = store.retry_mail(&by_admin, id, None).await;
    assert_eq!(taken.unwrap(), Ok(()));
}

pub async fn what_the_server_did_not_hear_of_was_not_tried(world: &World) {
    let store = &world.store;
    let ids = [
        queue(world, MailKind::Reset, 0).await,
        queue(world, MailKind::Verify, 0).await,
    ];
    let dead = queue(world, MailKind::Reset, 0).await;
    store.claim_mail(NOW, 60, 10).await.unwrap();
    store.mail_abandoned(dead, NOW, "550").await.unwrap();
    let all_three = [ids[0], ids[1], dead];
    store
        .mail_postponed(&all_three, after(5), "connection refused")
        .await
        .unwrap();
    assert!(store.claim_mail(after(4), 60, 9).await.unwrap().is_empty());
    let claimed = store.claim_mail(after(5), 60, 9).await.unwrap();
    assert_eq!(claimed.len(), 2, "a dead letter stays dead");
    assert!(claimed.iter().all(|mail| mail.attempts == 0));
    let entries = all(world).await;
    let waiting = entries.iter().find(|entry| entry.id == ids[0]).unwrap();
    assert_eq!(waiting.last_error.as_deref(), Some("connection refused"));
    store.mail_postponed(&[], NOW, "nothing").await.unwrap();
}

pub async fn an_entry_is_read_whatever_became_of_it(world: &World) {
    let store = &world.store;
    let id = queue(world, MailKind::Reset, 0).await;
    store.mail_abandoned(id, NOW, "550").await.unwrap();
    let entry = store.waiting_or_dead(id).await.unwrap().unwrap();
    assert_eq!((entry.id, entry.created_at), (id, NOW));
    assert_eq!(
        (entry.sealed.as_slice(), entry.master_key.as_str()),
        (b"reset".as_slice(), "m")
    );
    assert!(store.waiting_or_dead(Uuid::nil()).await.unwrap().is_none());
}

pub async fn dead_letters_do_not_fill_the_outbox(world: &World) {
    let store = &world.store;
    for _ in 0..2 {
        queue(world, MailKind::Reset, 0).await;
    }
    let dead = queue(world, MailKind::Reset, 0).await;
    assert!(store.outbox_holds(3).await.unwrap());
    store.mail_abandoned(dead, NOW, "550").await.unwrap();
    assert!(!store.outbox_holds(3).await.unwrap());
    assert!(store.outbox_holds(2).await.unwrap());
    store.mail_delivered(dead).await.unwrap();
}
