//! Registrations and the tokens that prove them.

use super::rounds;
use super::world::{
    NOW, RANDOM, World, after, all_at_once, anonymous, email, hash, registration,
    registration_mail, token,
};
use crate::account::{AccountId, DisplayName};
use crate::mailed_token::Purpose;
use crate::ports::{AccountFilter, Credential, RegistrationMail};

fn id() -> AccountId {
    AccountId(RANDOM.uuid())
}

pub async fn a_registration_becomes_one_account(world: &World) {
    let store = &world.store;
    let (mailed, ada) = registration("ada", NOW);
    let (other, another) = registration("ada", NOW);
    let secret = ada.secret_hash;
    let mail = registration_mail;
    store.register(&anonymous(NOW), ada, mail()).await.unwrap();
    store
        .register(&anonymous(NOW), another, mail())
        .await
        .unwrap();
    assert_eq!(world.waiting_mail().await, ["verify", "verify"]);

    let pending = store.pending_registration(&mailed, after(5)).await.unwrap();
    let pending = pending.unwrap();
    assert_eq!(pending.secret_hash, secret);
    assert_eq!(pending.password, hash("ada"));
    let canonical = email("ada").canonical().to_owned();
    let credential = store.credential(&canonical, after(5)).await.unwrap();
    assert!(matches!(credential, Credential::Pending { .. }));

    let chosen = id();
    let account = world.activate(&mailed, chosen, after(5)).await;
    let account = account.unwrap().unwrap();
    assert_eq!(account.id, chosen);
    assert!(account.email_verified && account.roles.is_empty());
    assert_eq!(account.email.original(), "ada@Example.com");
    for used in [&mailed, &other] {
        let pending = store.pending_registration(used, after(5)).await.unwrap();
        assert!(pending.is_none());
        let again = world.activate(used, id(), after(5)).await;
        assert!(again.unwrap().is_none());
    }
    match store.credential(&canonical, after(5)).await.unwrap() {
        Credential::Account { account, password } => {
            assert_eq!((account.id, password), (chosen, hash("ada")));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(
        world.actions().await,
        [
            "registration.requested",
            "registration.requested",
            "registration.verified"
        ]
    );
}

pub async fn a_taken_address_gets_the_other_mail_and_no_registration(world: &World) {
    let owner = world.account("ada", &[]).await;
    let mailed = world.register("ADA", NOW).await;
    assert_eq!(world.waiting_mail().await, ["address_taken"]);
    let pending = world.store.pending_registration(&mailed, NOW).await;
    assert!(pending.unwrap().is_none());
    assert!(world.renew_verification("ada", NOW).await.is_none());
    let activated = world.activate(&mailed, id(), NOW).await;
    assert_eq!(activated.unwrap(), None);
    let trail = world.trail().await;
    let last = trail.last().unwrap();
    assert_eq!(last.event.action, "registration.requested");
    assert_eq!(last.event.subject, Some(owner.id.to_string()));
}

pub async fn at_most_three_registrations_wait_for_an_address(world: &World) {
    let mut tokens = Vec::new();
    for number in 0..5 {
        tokens.push(world.register("ada", after(number)).await);
    }
    let mut waiting = Vec::new();
    for mailed in &tokens {
        let pending = world.store.pending_registration(mailed, after(9)).await;
        waiting.push(pending.unwrap().is_some());
    }
    assert_eq!(waiting, [false, false, true, true, true]);
}

pub async fn a_renewed_token_voids_the_one_before(world: &World) {
    let first = world.register("ada", NOW).await;
    let store = &world.store;
    assert_eq!(world.waiting_mail().await, ["verify"]);
    let second = world.renew_verification("ada", after(5)).await.unwrap();
    assert_eq!(
        world.waiting_mail().await,
        ["verify"],
        "the request is gone"
    );
    assert_eq!(world.count("registration.resent").await, 1);
    assert!(
        store
            .pending_registration(&first, after(61))
            .await
            .unwrap()
            .is_none()
    );
    assert!(
        store
            .pending_registration(&second, after(61))
            .await
            .unwrap()
            .is_some()
    );
    assert!(world.renew_verification("nobody", NOW).await.is_none());
}

pub async fn what_has_expired_is_gone(world: &World) {
    let mailed = world.register("ada", NOW).await;
    let store = &world.store;
    let day = Purpose::Verify.lifetime();
    let pending = |now| store.pending_registration(&mailed, now);
    assert!(pending(after(day - 1)).await.unwrap().is_some());
    assert!(pending(after(day)).await.unwrap().is_none());
    let late = world.activate(&mailed, id(), after(day)).await;
    assert!(late.unwrap().is_none());
    let canonical = email("ada").canonical().to_owned();
    let week = after(7 * 86_400);
    let credential = store.credential(&canonical, week).await;
    assert!(matches!(credential.unwrap(), Credential::Unknown));
    assert!(world.renew_verification("ada", week).await.is_none());
}

pub async fn of_fifty_uses_of_a_token_one_works(world: &World) {
    for round in 0..rounds(4, 200) {
        let mailed = world.register(&format!("ada{round}"), NOW).await;
        let answers = all_at_once(50, |_| {
            let world = world.clone();
            async move { world.activate(&mailed, id(), NOW).await }
        })
        .await;
        let accounts = answers.into_iter().filter_map(Result::unwrap).count();
        assert_eq!(accounts, 1);
    }
}

pub async fn without_a_mail_nothing_is_queued_and_all_is_recorded(world: &World) {
    let silent = || RegistrationMail {
        verify: None,
        taken: None,
    };
    let (mailed, ada) = registration("ada", NOW);
    let registered = world.store.register(&anonymous(NOW), ada, silent()).await;
    registered.unwrap();
    let pending = world.store.pending_registration(&mailed, NOW).await;
    assert!(pending.unwrap().is_some());
    world.account("bob", &[]).await;
    let (_, bob) = registration("bob", NOW);
    let registered = world.store.register(&anonymous(NOW), bob, silent()).await;
    registered.unwrap();
    assert_eq!(world.waiting_mail().await, [""; 0]);
    assert_eq!(world.count("registration.requested").await, 2);
}

pub async fn the_newest_registration_counts_within_a_second_too(world: &World) {
    let store = &world.store;
    for number in 0..4 {
        let (_, mut ada) = registration("ada", NOW);
        ada.password = hash(&format!("password {number}"));
        let registered = store
            .register(&anonymous(NOW), ada, registration_mail())
            .await;
        registered.unwrap();
        let canonical = email("ada").canonical().to_owned();
        match store.credential(&canonical, NOW).await.unwrap() {
            Credential::Pending { password } => {
                assert_eq!(password, hash(&format!("password {number}")));
            }
            other => panic!("{other:?}"),
        }
        let renewed = world.renew_verification("ada", NOW).await.unwrap();
        let pending = store.pending_registration(&renewed, NOW).await.unwrap();
        let password = pending.unwrap().password;
        assert_eq!(password, hash(&format!("password {number}")));
    }
    assert_eq!(world.count("registration.resent").await, 4);
}

pub async fn a_token_of_another_purpose_proves_no_registration(world: &World) {
    let ada = world.account("ada", &[]).await;
    let mailed = world.issue_reset(ada.id, NOW).await.unwrap();
    let pending = world.store.pending_registration(&mailed, NOW).await;
    assert!(pending.unwrap().is_none());
    let activated = world.activate(&mailed, id(), NOW).await;
    assert_eq!(activated.unwrap(), None);
    let subject = world.store.reset_subject(&mailed, NOW).await.unwrap();
    assert_eq!(subject, Some(ada), "and it is still good for its own");
}

pub async fn guesses_at_a_registration_are_forgotten_when_it_is_proven(world: &World) {
    let mailed = world.register("ada", NOW).await;
    for name in ["ada", "bob"] {
        for is_free in [true, true, true, false] {
            assert_eq!(world.guess(name, NOW).await, is_free);
        }
    }
    let (nobodys, _) = token(Purpose::Verify, NOW);
    assert_eq!(world.activate(&nobodys, id(), NOW).await.unwrap(), None);
    assert!(!world.guess("ada", NOW).await, "nothing was proven");
    assert!(world.activate(&mailed, id(), NOW).await.unwrap().is_some());
    assert!(world.guess("ada", NOW).await);
    assert!(!world.guess("bob", NOW).await, "that is somebody else");
}

pub async fn a_name_comes_along_and_can_be_found(world: &World) {
    let (mailed, mut ada) = registration("ada", NOW);
    ada.name = Some(DisplayName::parse("Ädä Øström").unwrap());
    let registered = world
        .store
        .register(&anonymous(NOW), ada, registration_mail())
        .await;
    registered.unwrap();
    let account = world.activate(&mailed, id(), NOW).await;
    let account = account.unwrap().unwrap();
    for text in ["ädä", "ÄDÄ", "øSTRÖM", "Ä ø", "ä ø"] {
        let filter = AccountFilter {
            text: Some(text.to_owned()),
            ..AccountFilter::default()
        };
        let found = world.store.accounts(&filter, None, 10).await.unwrap();
        assert_eq!(found, std::slice::from_ref(&account), "{text}");
    }
}
