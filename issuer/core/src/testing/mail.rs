//! The outbox.

use std::collections::BTreeSet;

use super::world::{
    NOW, World, after, all_at_once, anonymous, letter, registration, registration_mail,
};
use crate::mail::{MailKind, NewMail};
use crate::ports::RegistrationMail;

async fn queue(world: &World, count: u64) {
    for number in 0..count {
        let (_, registration) = registration(&format!("person{number}"), NOW);
        let mail = registration_mail();
        world
            .store
            .register(&anonymous(NOW), registration, mail)
            .await
            .unwrap();
    }
}

pub async fn a_message_is_leased_delivered_deferred_and_abandoned(world: &World) {
    let store = &world.store;
    queue(world, 3).await;
    assert_eq!(store.due_mail(NOW).await.unwrap(), 3);
    let claimed = store.claim_mail(NOW, 60, 10).await.unwrap();
    assert_eq!(claimed.len(), 3);
    assert_eq!(store.due_mail(after(59)).await.unwrap(), 0, "leased");
    assert_eq!(store.due_mail(after(60)).await.unwrap(), 3);
    assert!(claimed.iter().all(|mail| mail.attempts == 0));
    assert!(claimed.iter().all(|mail| mail.created_at == NOW));
    assert!(
        store
            .claim_mail(after(59), 60, 10)
            .await
            .unwrap()
            .is_empty()
    );

    store.mail_delivered(claimed[0].id).await.unwrap();
    store
        .mail_deferred(claimed[1].id, after(600), "try later")
        .await
        .unwrap();
    let again = store.claim_mail(after(60), 60, 10).await.unwrap();
    assert_eq!(again.len(), 1, "a lease that ran out");
    assert_eq!((again[0].id, again[0].attempts), (claimed[2].id, 1));
    store
        .mail_abandoned(claimed[2].id, after(61), "no such mailbox")
        .await
        .unwrap();
    assert!(
        store
            .claim_mail(after(599), 60, 10)
            .await
            .unwrap()
            .is_empty()
    );
    assert_eq!(
        store.due_mail(after(599)).await.unwrap(),
        0,
        "deferred or dead"
    );
    let deferred = store.claim_mail(after(600), 60, 10).await.unwrap();
    assert_eq!(deferred.len(), 1);
    assert_eq!(deferred[0].id, claimed[1].id);
}

pub async fn two_workers_never_hold_the_same_message(world: &World) {
    queue(world, 40).await;
    let claims = all_at_once(16, |_| {
        let store = world.store.clone();
        async move { store.claim_mail(NOW, 60, 5).await.unwrap() }
    })
    .await;
    let claimed: Vec<_> = claims.into_iter().flatten().map(|mail| mail.id).collect();
    let distinct: BTreeSet<_> = claimed.iter().collect();
    assert_eq!((claimed.len(), distinct.len()), (40, 40));
}

pub async fn what_has_been_due_for_longest_goes_first(world: &World) {
    let store = &world.store;
    for (name, seconds) in [("ada", 20), ("bob", 10), ("eve", 30)] {
        let (_, registration) = registration(name, after(seconds));
        let mail = RegistrationMail {
            verify: Some(NewMail {
                sealed: name.as_bytes().to_vec(),
                expires_at: Some(after(seconds + 60)),
                ..letter(MailKind::Verify)
            }),
            taken: None,
        };
        let context = anonymous(after(seconds));
        store.register(&context, registration, mail).await.unwrap();
    }
    assert!(store.claim_mail(after(9), 60, 5).await.unwrap().is_empty());
    let claimed = store.claim_mail(after(40), 60, 2).await.unwrap();
    let names: Vec<_> = claimed.iter().map(|mail| mail.sealed.as_slice()).collect();
    assert_eq!(names, [b"bob", b"ada"]);
    assert_eq!(claimed[0].expires_at, Some(after(70)));
    assert_eq!(claimed[0].created_at, after(10));
    assert_eq!(claimed[0].master_key, "m");
    let rest = store.claim_mail(after(40), 60, 2).await.unwrap();
    assert_eq!(rest.len(), 1);
    assert_eq!(rest[0].sealed, b"eve");
}
