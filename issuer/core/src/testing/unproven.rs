//! Accounts that are there before their mailbox is proven.

use super::rounds;
use super::world::{
    NOW, POLICY, RANDOM, World, after, all_at_once, anonymous, at, effects, email, guess_key,
    guesses_at, hash, letter, new_session, registration, registration_mail, roles, token,
};
use crate::account::{Account, AccountId, AccountStatus, EmailVerification};
use crate::audit::Actor;
use crate::mail::MailKind;
use crate::mailed_token::{MailedTokenHash, Purpose};
use crate::ports::unproven::UNUSED_ACCOUNTS_KEPT;
use crate::ports::{Credential, LoginEffects, Rotation};
use crate::session::Head;
use crate::time::UnixTime;

/// Somebody registers an address where nothing has to be proven first.
async fn register(world: &World, name: &str, now: UnixTime) -> (AccountId, MailedTokenHash) {
    let (mailed, registration) = registration(name, now);
    let id = AccountId(RANDOM.uuid());
    let mail = registration_mail();
    let store = &world.store;
    let context = anonymous(now);
    let registered = store.register_at_once(&context, id, registration, mail);
    registered.await.unwrap();
    (id, mailed)
}

async fn enter(
    world: &World,
    id: AccountId,
    name: &str,
    verification: EmailVerification,
) -> Option<Head> {
    let effects = LoginEffects {
        verification,
        ..effects(name)
    };
    let context = at(NOW, Actor::Account(id));
    let sessions = &world.sessions;
    let opened = sessions.open_session(&context, new_session(id), effects, &POLICY);
    opened.await.unwrap()
}

async fn renew(world: &World, account: AccountId) -> Option<MailedTokenHash> {
    let request = world.request(MailKind::VerifyRequest, NOW).await;
    let (mailed, kept) = token(Purpose::Verify, NOW);
    let mail = letter(MailKind::Verify);
    let store = &world.store;
    let context = anonymous(NOW);
    let renewed = store.renew_account_verification(&context, request, account, kept, mail);
    renewed.await.unwrap().then_some(mailed)
}

async fn prove(world: &World, mailed: &MailedTokenHash, now: UnixTime) -> Option<Account> {
    let (store, context) = (&world.store, anonymous(now));
    let proven = store.prove_mailbox(&context, mailed, &guesses_at).await;
    proven.unwrap()
}

pub async fn who_registers_has_an_unverified_account_at_once(world: &World) {
    let store = &world.store;
    let waiting = world.register("ada", NOW).await;
    let (mailed, order) = registration("ada", NOW);
    let (id, secret) = (AccountId(RANDOM.uuid()), order.secret_hash);
    let context = anonymous(NOW);
    let registered = store.register_at_once(&context, id, order, registration_mail());
    registered.await.unwrap();
    assert_eq!(world.waiting_mail().await, ["verify", "verify"]);
    let account = store.account(id).await.unwrap().unwrap();
    assert_eq!(account.status, AccountStatus::Active);
    assert!(!account.email_verified);
    let stale = store.pending_registration(&waiting, NOW).await;
    assert!(stale.unwrap().is_none(), "what was pending is void");

    assert_eq!(
        enter(world, id, "ada", EmailVerification::Required).await,
        None
    );
    let head = enter(world, id, "ada", EmailVerification::Optional).await;
    let head = head.unwrap();
    let unproven = store.unproven_account(&mailed, after(5)).await.unwrap();
    let unproven = unproven.unwrap();
    assert_eq!(unproven.account.id, id);
    assert_eq!(unproven.secret_hash, Some(secret));
    assert_eq!(unproven.password, hash("ada"));
    let day = after(Purpose::Verify.lifetime());
    assert!(
        store
            .unproven_account(&mailed, day)
            .await
            .unwrap()
            .is_none()
    );
    assert_eq!(prove(world, &mailed, day).await, None);

    let proven = prove(world, &mailed, after(5)).await.unwrap();
    assert!(proven.email_verified);
    assert_eq!((proven.version, proven.device_epoch), (0, 0));
    let next = world.rotate(&head, 0, after(5)).await;
    assert!(matches!(next, Rotation::Advanced(_)), "the session goes on");
    assert_eq!(prove(world, &mailed, after(5)).await, None);
    assert!(
        store
            .unproven_account(&mailed, NOW)
            .await
            .unwrap()
            .is_none()
    );
    assert_eq!(
        world.actions().await,
        [
            "registration.requested",
            "registration.requested",
            "session.opened",
            "account.verified"
        ]
    );
}

pub async fn a_taken_address_makes_no_account(world: &World) {
    let store = &world.store;
    let (owner, _) = register(world, "ada", NOW).await;
    let (second, mailed) = register(world, "ADA", NOW).await;
    assert_eq!(
        world.waiting_mail_sorted().await,
        ["address_taken", "verify"]
    );
    assert_eq!(store.account(second).await.unwrap(), None);
    let nothing = store.unproven_account(&mailed, NOW).await.unwrap();
    assert!(nothing.is_none());
    assert!(
        store
            .pending_registration(&mailed, NOW)
            .await
            .unwrap()
            .is_none()
    );
    assert_eq!(prove(world, &mailed, NOW).await, None);
    let activated = world.activate(&mailed, second, NOW).await;
    assert_eq!(activated.unwrap(), None);
    let canonical = email("ada").canonical().to_owned();
    match store.credential(&canonical, NOW).await.unwrap() {
        Credential::Account { account, .. } => assert_eq!(account.id, owner),
        other => panic!("{other:?}"),
    }
    let told: Vec<_> = world.trail().await;
    let told = told.iter().map(|row| row.event.subject.clone());
    assert_eq!(
        told.collect::<Vec<_>>(),
        [Some(owner.to_string()), Some(owner.to_string())]
    );
}

pub async fn of_fifty_registrations_at_once_one_is_the_account(world: &World) {
    for round in 0..rounds(2, 50) {
        let name = format!("ada{round}");
        let registered = all_at_once(50, |_| {
            let (world, name) = (world.clone(), name.clone());
            async move { register(&world, &name, NOW).await.0 }
        })
        .await;
        let mut accounts = 0;
        for id in registered {
            accounts += u32::from(world.store.account(id).await.unwrap().is_some());
        }
        assert_eq!(accounts, 1);
    }
}

pub async fn of_fifty_proofs_one_works(world: &World) {
    for round in 0..rounds(4, 200) {
        let (_, mailed) = register(world, &format!("ada{round}"), NOW).await;
        let answers = all_at_once(50, |_| {
            let world = world.clone();
            async move { prove(&world, &mailed, NOW).await }
        })
        .await;
        assert_eq!(answers.into_iter().flatten().count(), 1);
    }
}

pub async fn a_reset_leaves_nothing_to_who_was_there_before(world: &World) {
    let store = &world.store;
    let (id, mailed) = register(world, "ada", NOW).await;
    let head = enter(world, id, "ada", EmailVerification::Optional).await;
    let reset = world.issue_reset(id, NOW).await.unwrap();
    let notice = letter(MailKind::ResetNotice);
    let context = anonymous(after(5));
    let done = store.reset_password(&context, &reset, hash("owner"), guess_key("ada"), notice);
    assert!(done.await.unwrap());
    let (account, password) = store.account_with_password(id).await.unwrap().unwrap();
    assert!(account.email_verified);
    assert_eq!((account.version, account.device_epoch), (1, 1));
    assert_eq!(password, hash("owner"));
    let dead = world.rotate(&head.unwrap(), 0, after(5)).await;
    assert!(matches!(dead, Rotation::Dead));
    assert_eq!(prove(world, &mailed, after(5)).await, None);
    assert!(
        store
            .unproven_account(&mailed, NOW)
            .await
            .unwrap()
            .is_none()
    );
    assert_eq!(renew(world, id).await, None);
    assert_eq!(
        enter(world, id, "ada", EmailVerification::Optional).await,
        None
    );
}

pub async fn a_changed_password_voids_the_token_of_the_one_before(world: &World) {
    let (id, mailed) = register(world, "ada", NOW).await;
    let head = enter(world, id, "ada", EmailVerification::Optional)
        .await
        .unwrap();
    let context = at(NOW, Actor::Account(id));
    let notice = letter(MailKind::PasswordChangedNotice);
    let (old, new) = (hash("ada"), hash("new"));
    let changed = world
        .store
        .change_password(&context, head.session.id, id, &old, new, notice)
        .await;
    assert!(changed.unwrap());
    assert_eq!(prove(world, &mailed, NOW).await, None);
    let renewed = renew(world, id).await.unwrap();
    let unproven = world.store.unproven_account(&renewed, NOW).await.unwrap();
    assert_eq!(unproven.unwrap().password, hash("new"));
}

pub async fn guesses_at_an_account_are_forgotten_when_it_is_proven(world: &World) {
    let (_, mailed) = register(world, "ada", NOW).await;
    for name in ["ada", "bob"] {
        for is_free in [true, true, true, false] {
            assert_eq!(world.guess(name, NOW).await, is_free);
        }
    }
    let (nobodys, _) = token(Purpose::Verify, NOW);
    assert_eq!(prove(world, &nobodys, NOW).await, None);
    assert!(!world.guess("ada", NOW).await, "nothing was proven");
    assert!(prove(world, &mailed, NOW).await.is_some());
    assert!(world.guess("ada", NOW).await);
    assert!(!world.guess("bob", NOW).await, "that is somebody else");
}

pub async fn a_renewed_token_reaches_whoever_is_not_proven(world: &World) {
    let store = &world.store;
    let operator = at(NOW, Actor::Operator);
    let bob = world.unverified("bob", &[]).await;
    let (ada, first) = register(world, "ada", NOW).await;
    for id in [ada, bob.id] {
        let old = renew(world, id).await.unwrap();
        let new = renew(world, id).await.unwrap();
        for void in [first, old] {
            assert_eq!(prove(world, &void, NOW).await, None);
        }
        let unproven = store.unproven_account(&new, NOW).await.unwrap().unwrap();
        assert_eq!(unproven.secret_hash.is_some(), id == ada);
        assert!(prove(world, &new, NOW).await.is_some());
        assert_eq!(renew(world, id).await, None, "it is proven");
    }
    let (eve, mailed) = register(world, "eve", NOW).await;
    let suspended = store.set_status(&operator, eve, AccountStatus::Suspended);
    suspended.await.unwrap().unwrap();
    assert_eq!(renew(world, eve).await, None);
    assert!(
        store
            .unproven_account(&mailed, NOW)
            .await
            .unwrap()
            .is_none()
    );
    assert_eq!(prove(world, &mailed, NOW).await, None);
    assert_eq!(renew(world, AccountId(RANDOM.uuid())).await, None);
}

pub async fn roles_count_once_the_mailbox_is_proven(world: &World) {
    let store = &world.store;
    super::roles::create(world, "clerk", &["users:read"], &[]).await;
    let (id, mailed) = register(world, "ada", NOW).await;
    let context = at(NOW, Actor::Operator);
    let given = store.set_roles(&context, id, roles(&["clerk", "admin"]));
    given.await.unwrap().unwrap();
    let head = enter(world, id, "ada", EmailVerification::Optional).await;
    let head = head.unwrap();
    assert_eq!(head.session.authority.roles, roles(&["user"]));
    assert!(!head.session.authority.permits("users:read"));
    assert!(!store.admin_exists().await.unwrap());
    let live = async || {
        let (session, version) = (head.session.id, head.session.account.version);
        let sessions = &world.sessions;
        let live = sessions
            .live_session(session, id, version, NOW, &POLICY)
            .await;
        live.unwrap().unwrap().authority
    };
    assert!(!live().await.permits("users:read"));
    prove(world, &mailed, NOW).await.unwrap();
    assert!(live().await.permits("users:read") && live().await.is_admin());
    assert!(store.admin_exists().await.unwrap());
}

pub async fn an_account_that_nobody_used_goes_after_a_week(world: &World) {
    let store = &world.store;
    let (unused, _) = register(world, "unused", NOW).await;
    let (used, _) = register(world, "used", NOW).await;
    enter(world, used, "used", EmailVerification::Optional)
        .await
        .unwrap();
    let (proven, mailed) = register(world, "proven", NOW).await;
    prove(world, &mailed, NOW).await.unwrap();
    let (meant, _) = register(world, "meant", NOW).await;
    let operator = at(NOW, Actor::Operator);
    let given = store.set_roles(&operator, meant, roles(&["admin"])).await;
    given.unwrap().unwrap();
    let (stopped, _) = register(world, "stopped", NOW).await;
    let suspended = store.set_status(&operator, stopped, AccountStatus::Suspended);
    suspended.await.unwrap().unwrap();
    let made = world.unverified("made", &[]).await;
    let week = NOW.saturating_add(UNUSED_ACCOUNTS_KEPT);
    store.sweep(week.saturating_sub(1), &POLICY).await.unwrap();
    assert!(store.account(unused).await.unwrap().is_some());
    store.sweep(week, &POLICY).await.unwrap();
    assert_eq!(store.account(unused).await.unwrap(), None);
    for stays in [used, proven, meant, stopped, made.id] {
        assert!(store.account(stays).await.unwrap().is_some());
    }
    let told = r#"{"was":"registered"}"#.to_owned();
    assert_eq!(world.expired().await, [(Some(unused.to_string()), told)]);
}
