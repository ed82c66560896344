//! What an operator is shown.

use serde_json::{Value, json};

use super::world::{NOW, World, after, letter};
use crate::audit::{Actor, Context};
use crate::mail::MailKind;
use crate::ports::operations::{Health, OutboxCounts, Part};

pub async fn an_outbox_says_what_waits_in_it_and_for_how_long(world: &World) {
    let store = &world.store;
    let empty = OutboxCounts::default();
    assert_eq!(store.outbox_counts(NOW).await.unwrap(), empty);
    for seconds in [0, 10, 20, 30] {
        let request = letter(MailKind::ResetRequest);
        store.queue_request(after(seconds), request).await.unwrap();
    }
    // The oldest dies, and the one after it waits for another try.
    let taken = store.claim_mail(after(10), 60, 2).await.unwrap();
    let [dead, later] = taken.as_slice() else {
        panic!("{taken:?}");
    };
    store
        .mail_abandoned(dead.id, after(10), "no such mailbox")
        .await
        .unwrap();
    store
        .mail_deferred(later.id, after(600), "try later")
        .await
        .unwrap();
    let expected = OutboxCounts {
        due: 1,
        waiting: 2,
        dead: 1,
        oldest: Some(later.created_at),
    };
    assert_eq!(store.outbox_counts(after(25)).await.unwrap(), expected);
    let all_due = OutboxCounts {
        due: 3,
        waiting: 0,
        ..expected
    };
    assert_eq!(store.outbox_counts(after(600)).await.unwrap(), all_due);
}

pub async fn a_part_that_fails_and_recovers_leaves_two_rows(world: &World) {
    for (seconds, health) in [(0, Health::Degraded), (60, Health::Whole)] {
        let context = Context::internal(after(seconds), Actor::System);
        let noted = world.store.note_health(&context, Part::Redis, health);
        noted.await.unwrap();
    }
    let trail = world.trail().await;
    let told: Vec<_> = trail
        .iter()
        .map(|row| (row.event.action.as_str(), row.event.at))
        .collect();
    let expected = [("service.degraded", NOW), ("service.restored", after(60))];
    assert_eq!(told, expected);
    for row in trail {
        let detail: Value = serde_json::from_str(&row.event.detail).unwrap();
        assert_eq!(detail, json!({ "part": "redis" }));
        assert_eq!(
            (row.event.actor.as_str(), row.event.subject),
            ("system", None)
        );
    }
}
