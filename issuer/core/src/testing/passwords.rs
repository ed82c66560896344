//! Passwords and the tokens that set them.

use super::rounds;
use super::world::{
    NOW, POLICY, World, after, all_at_once, anonymous, at, email, guess_key, hash, letter, token,
};
use crate::account::{Account, AccountId, AccountStatus};
use crate::audit::Actor;
use crate::limit::{Guess, GuessPolicy};
use crate::mail::MailKind;
use crate::mailed_token::{MailedTokenHash, Purpose};
use crate::password::PasswordHash;
use crate::ports::{Credential, Rotation};

async fn reset_token(world: &World, account: AccountId) -> MailedTokenHash {
    world.issue_reset(account, NOW).await.unwrap()
}

async fn reset(world: &World, mailed: &MailedTokenHash, password: &str) -> bool {
    let notice = letter(MailKind::ResetNotice);
    world
        .store
        .reset_password(
            &anonymous(after(5)),
            mailed,
            hash(password),
            guess_key("ada"),
            notice,
        )
        .await
        .unwrap()
}

pub async fn a_reset_ends_everything_from_before(world: &World) {
    let store = &world.store;
    let ada = world.account("ada", &[]).await;
    let head = world.session("ada", ada.id, NOW).await;
    let (key, policy) = (guess_key("ada"), GuessPolicy::default());
    for _ in 0..3 {
        store.begin_guess(&key, NOW, &policy).await.unwrap();
    }
    let mailed = reset_token(world, ada.id).await;
    assert_eq!(world.waiting_mail().await, ["reset"]);
    let subject = store.reset_subject(&mailed, after(5)).await.unwrap();
    assert_eq!(subject.map(|account| account.id), Some(ada.id));

    assert!(reset(world, &mailed, "new").await);
    assert_eq!(world.waiting_mail().await, ["reset_notice"]);
    let (account, password) = store.account_with_password(ada.id).await.unwrap().unwrap();
    assert_eq!((account.version, account.device_epoch), (1, 1));
    assert_eq!(password, hash("new"));
    assert!(matches!(world.rotate(&head, 0, NOW).await, Rotation::Dead));
    let guess = store.begin_guess(&key, NOW, &policy).await.unwrap();
    let counted = matches!(guess, Guess::Counted(_));
    assert!(counted, "the guesses are cleared");
    assert!(!reset(world, &mailed, "again").await);
    let nobody = store.reset_subject(&mailed, after(5)).await.unwrap();
    assert_eq!(nobody, None::<Account>);
    assert_eq!(world.count("password.reset").await, 1);
}

pub async fn only_the_newest_reset_token_is_good(world: &World) {
    let ada = world.account("ada", &[]).await;
    let old = reset_token(world, ada.id).await;
    let new = reset_token(world, ada.id).await;
    assert!(!reset(world, &old, "old").await);
    let hour = after(Purpose::Reset.lifetime());
    let late = world.store.reset_subject(&new, hour).await.unwrap();
    assert_eq!(late, None);
    assert!(reset(world, &new, "new").await);
    let stranger = AccountId(super::world::RANDOM.uuid());
    assert!(world.issue_reset(stranger, NOW).await.is_none());
}

pub async fn a_request_is_granted_once_and_leaves_the_outbox_with_its_mail(world: &World) {
    let store = &world.store;
    let ada = world.account("ada", &[]).await;
    for _ in 0..rounds(4, 100) {
        let request = world.request(MailKind::ResetRequest, NOW).await;
        let granted = all_at_once(8, |_| {
            let (world, ada) = (world.clone(), ada.id);
            async move {
                let (mailed, kept) = token(Purpose::Reset, NOW);
                let (context, mail) = (anonymous(NOW), letter(MailKind::Reset));
                let issued = world.store.issue_reset(&context, request, ada, kept, mail);
                issued.await.unwrap().then_some(mailed)
            }
        })
        .await;
        let granted: Vec<_> = granted.into_iter().flatten().collect();
        assert_eq!(granted.len(), 1);
        let subject = store.reset_subject(&granted[0], NOW).await.unwrap();
        assert_eq!(subject.map(|account| account.id), Some(ada.id));
        assert_eq!(world.waiting_mail().await, ["reset"]);
    }
    let stranger = AccountId(super::world::RANDOM.uuid());
    assert!(world.issue_reset(stranger, NOW).await.is_none());
    assert_eq!(world.waiting_mail().await, ["reset_request"]);
}

pub async fn fifty_resets_with_one_token_leave_the_password_of_the_one_that_worked(world: &World) {
    let ada = world.account("ada", &[]).await;
    for _ in 0..rounds(4, 200) {
        let mailed = reset_token(world, ada.id).await;
        let answers = all_at_once(50, |number| {
            let world = world.clone();
            async move { reset(&world, &mailed, &format!("password {number}")).await }
        })
        .await;
        let worked: Vec<usize> = (0..50).filter(|number| answers[*number]).collect();
        assert_eq!(worked.len(), 1);
        let canonical = email("ada").canonical().to_owned();
        match world.store.credential(&canonical, NOW).await.unwrap() {
            Credential::Account { password, .. } => {
                assert_eq!(password, hash(&format!("password {}", worked[0])));
            }
            other => panic!("{other:?}"),
        }
    }
}

pub async fn a_change_keeps_one_session_and_needs_the_current_password(world: &World) {
    let ada = world.account("ada", &[]).await;
    let kept = world.session("ada", ada.id, NOW).await;
    let other = world.session("ada", ada.id, NOW).await;
    let mailed = reset_token(world, ada.id).await;
    let change = async |current: &str, new: &str| {
        let notice = letter(MailKind::PasswordChangedNotice);
        let context = at(after(5), Actor::Account(ada.id));
        world
            .store
            .change_password(
                &context,
                kept.session.id,
                ada.id,
                &hash(current),
                hash(new),
                notice,
            )
            .await
            .unwrap()
    };
    assert!(!change("wrong", "new").await);
    assert!(change("ada", "new").await);
    assert!(!change("ada", "newer").await);
    let sessions = world.sessions.sessions(ada.id, after(5), &POLICY).await;
    let left: Vec<_> = sessions.unwrap().into_iter().map(|s| s.id).collect();
    assert_eq!(left, [kept.session.id]);
    assert!(matches!(
        world.rotate(&other, 0, after(5)).await,
        Rotation::Dead
    ));
    assert!(
        !reset(world, &mailed, "late").await,
        "mailed tokens are void"
    );
    let account = world.store.account(ada.id).await.unwrap().unwrap();
    assert_eq!((account.version, account.device_epoch), (0, 1));
    assert_eq!(
        world.waiting_mail().await,
        ["reset", "password_changed_notice"]
    );
    assert_eq!(world.count("password.changed").await, 1);
}

pub async fn a_password_is_read_with_the_epoch_that_it_is_of(world: &World) {
    let ada = world.account("ada", &[]).await.id;
    let resets = u64::from(rounds(20, 500));
    all_at_once(4, |number| {
        let world = world.clone();
        async move {
            match number {
                0 => reset_again_and_again(&world, ada, resets).await,
                _ => read_until(&world, ada, resets).await,
            }
        }
    })
    .await;
}

async fn reset_again_and_again(world: &World, ada: AccountId, resets: u64) {
    for epoch in 1..=resets {
        let mailed = reset_token(world, ada).await;
        assert!(reset(world, &mailed, &format!("password {epoch}")).await);
    }
}

async fn read_until(world: &World, ada: AccountId, last: u64) {
    let canonical = email("ada").canonical().to_owned();
    let mut epoch = 0;
    while epoch < last {
        let by_id = world.store.account_with_password(ada).await;
        let (account, password) = by_id.unwrap().unwrap();
        assert_eq!(password, password_of(account.device_epoch));
        match world.store.credential(&canonical, NOW).await.unwrap() {
            Credential::Account { account, password } => {
                assert_eq!(password, password_of(account.device_epoch));
                epoch = account.device_epoch;
            }
            other => panic!("{other:?}"),
        }
    }
}

fn password_of(epoch: u64) -> PasswordHash {
    match epoch {
        0 => hash("ada"),
        _ => hash(&format!("password {epoch}")),
    }
}

pub async fn a_suspended_account_resets_and_changes_nothing(world: &World) {
    let store = &world.store;
    let ada = world.account("ada", &[]).await;
    let head = world.session("ada", ada.id, NOW).await;
    let mailed = reset_token(world, ada.id).await;
    let operator = at(NOW, Actor::Operator);
    let stopped = store.set_status(&operator, ada.id, AccountStatus::Suspended);
    stopped.await.unwrap().unwrap();
    assert_eq!(world.waiting_mail().await, ["reset"]);
    assert!(world.issue_reset(ada.id, NOW).await.is_none());
    assert_eq!(store.reset_subject(&mailed, NOW).await.unwrap(), None);
    assert!(!reset(world, &mailed, "new").await);
    let notice = letter(MailKind::PasswordChangedNotice);
    let context = at(NOW, Actor::Account(ada.id));
    let (current, new) = (hash("ada"), hash("new"));
    let id = head.session.id;
    let changed = store.change_password(&context, id, ada.id, &current, new, notice);
    assert!(!changed.await.unwrap());
    let (_, password) = store.account_with_password(ada.id).await.unwrap().unwrap();
    assert_eq!(password, hash("ada"));
    assert_eq!(world.waiting_mail().await, ["reset_request"]);
    assert_eq!(world.count("password.reset_requested").await, 1);
}

pub async fn a_reset_proves_the_mailbox(world: &World) {
    let ada = world.unverified("ada", &[]).await;
    assert!(!ada.email_verified);
    let mailed = reset_token(world, ada.id).await;
    assert!(reset(world, &mailed, "new").await);
    let account = world.store.account(ada.id).await.unwrap().unwrap();
    assert!(account.email_verified);
    world.session("new", ada.id, NOW).await;
}

pub async fn a_session_that_has_ended_changes_no_password(world: &World) {
    let ada = world.account("ada", &[]).await;
    let eve = world.account("eve", &[]).await;
    let own = world.session("ada", ada.id, NOW).await.session.id;
    let strangers = world.session("eve", eve.id, NOW).await.session.id;
    let ended = world
        .sessions
        .end_session(&anonymous(NOW), ada.id, own)
        .await;
    assert!(ended.unwrap());
    for session in [own, strangers] {
        let notice = letter(MailKind::PasswordChangedNotice);
        let context = at(NOW, Actor::Account(ada.id));
        let (current, new) = (hash("ada"), hash("new"));
        let changed = world
            .store
            .change_password(&context, session, ada.id, &current, new, notice)
            .await;
        assert!(!changed.unwrap());
    }
    assert_eq!(world.count("password.changed").await, 0);
    assert_eq!(world.waiting_mail().await, [""; 0]);
}
