//! Changing the address of an account, and taking it back.

use uuid::Uuid;

use super::rounds;
use super::world::{
    NOW, World, after, all_at_once, anonymous, at, email, guess_key, hash, letter, new_account,
    registration, registration_mail, token,
};
use crate::account::{Account, AccountId, AccountStatus};
use crate::audit::Actor;
use crate::email::EmailAddress;
use crate::limit::{Guess, GuessPolicy};
use crate::mail::MailKind;
use crate::mailed_token::{MailedTokenHash, Purpose};
use crate::ports::addresses::{AskedChange, ChangeLetters, UndoEffects, Undone};
use crate::ports::invites::InviteError;
use crate::ports::{CreateAccountError, Rotation, StoreResult};
use crate::time::UnixTime;

const DAY: u64 = 86_400;

/// The tokens of a change: that leads to the new address, and that leads back.
#[derive(Clone, Copy)]
pub struct Tokens {
    pub change: MailedTokenHash,
    pub undo: MailedTokenHash,
}

/// Asks for a change to the address called `name` and grants it; `None` where that wasn't done.
pub async fn ask(world: &World, account: AccountId, name: &str, now: UnixTime) -> Option<Tokens> {
    let store = &world.store;
    let found = store.account(account).await.unwrap()?;
    ask_as(world, &found, name, now).await
}

/// The same, asked for when the account was as it is said.
async fn ask_as(world: &World, account: &Account, name: &str, now: UnixTime) -> Option<Tokens> {
    let request = world.request(MailKind::AddressChangeRequest, now).await;
    let issued = grant(world, request, account, name, now).await.unwrap();
    if issued.is_none() {
        world.store.mail_delivered(request).await.unwrap();
    }
    issued
}

/// Grants a request for a change to the address called `name`.
pub async fn grant(
    world: &World,
    request: Uuid,
    account: &Account,
    name: &str,
    now: UnixTime,
) -> StoreResult<Option<Tokens>> {
    let (change, kept_change) = token(Purpose::EmailChange, now);
    let (undo, kept_undo) = token(Purpose::EmailUndo, now);
    let asked = AskedChange {
        account: account.id,
        device_epoch: account.device_epoch,
        email: email(name),
        change: kept_change,
        undo: kept_undo,
    };
    let letters = |_: &Account| ChangeLetters {
        change: letter(MailKind::AddressChange),
        taken: letter(MailKind::ChangeToTaken),
        notice: letter(MailKind::AddressChangeNotice),
    };
    let context = at(now, Actor::Account(account.id));
    let issued = world
        .store
        .issue_address_change(&context, request, asked, &letters)
        .await;
    Ok(issued?.then_some(Tokens { change, undo }))
}

pub async fn confirm(world: &World, mailed: &MailedTokenHash, now: UnixTime) -> bool {
    try_to_confirm(world, mailed, now).await.unwrap()
}

pub async fn try_to_confirm(
    world: &World,
    mailed: &MailedTokenHash,
    now: UnixTime,
) -> StoreResult<bool> {
    let guesses = |_: &EmailAddress| guess_key("new");
    let store = &world.store;
    let context = anonymous(now);
    store.change_address(&context, mailed, &guesses).await
}

async fn undo(world: &World, mailed: &MailedTokenHash, now: UnixTime) -> Option<Undone> {
    try_to_undo(world, mailed, now).await.unwrap()
}

pub async fn try_to_undo(
    world: &World,
    mailed: &MailedTokenHash,
    now: UnixTime,
) -> StoreResult<Option<Undone>> {
    let effects = |_: &Account, _: &EmailAddress| UndoEffects {
        clears: guess_key("old"),
        notices: [
            letter(MailKind::AddressPutBackNotice),
            letter(MailKind::AddressPutBackNotice),
        ],
    };
    let store = &world.store;
    let context = anonymous(now);
    store.undo_address_change(&context, mailed, &effects).await
}

async fn address(world: &World, account: AccountId) -> String {
    let account = world.store.account(account).await.unwrap().unwrap();
    account.email.canonical().to_owned()
}

fn canonical(name: &str) -> String {
    email(name).canonical().to_owned()
}

pub async fn a_change_is_asked_for_confirmed_and_keeps_sessions(world: &World) {
    let store = &world.store;
    let ada = world.account("ada", &[]).await;
    let head = world.session("ada", ada.id, NOW).await;
    world.register("new", NOW).await;
    let tokens = ask(world, ada.id, "new", NOW).await.unwrap();
    assert_eq!(
        world.waiting_mail_sorted().await,
        ["address_change", "address_change_notice", "verify"]
    );
    assert_eq!(address(world, ada.id).await, canonical("ada"));
    assert!(confirm(world, &tokens.change, after(5)).await);
    assert!(!confirm(world, &tokens.change, after(5)).await);
    let changed = store.account(ada.id).await.unwrap().unwrap();
    assert_eq!(changed.email, email("new"));
    assert!(changed.email_verified);
    assert_eq!(changed.version, ada.version);
    assert!(world.renew_verification("new", after(6)).await.is_none());
    let rotated = world.rotate(&head, 0, after(6)).await;
    assert!(matches!(rotated, Rotation::Advanced(_)));
    for action in ["address.change_requested", "address.changed"] {
        assert_eq!(world.count(action).await, 1, "{action}");
    }
    world.check_trail().await;
}

pub async fn a_taken_address_gets_the_other_mail_and_no_account(world: &World) {
    let ada = world.account("ada", &[]).await;
    let bob = world.account("bob", &[]).await;
    let tokens = ask(world, ada.id, "bob", NOW).await.unwrap();
    assert_eq!(
        world.waiting_mail_sorted().await,
        ["address_change_notice", "change_to_taken"]
    );
    // Nobody gets this token; if somebody had it, it would lead nowhere.
    assert!(!confirm(world, &tokens.change, NOW).await);
    assert_eq!(address(world, ada.id).await, canonical("ada"));
    assert_eq!(address(world, bob.id).await, canonical("bob"));
}

pub async fn a_newer_change_voids_the_one_before_and_an_hour_voids_it(world: &World) {
    let ada = world.account("ada", &[]).await;
    let first = ask(world, ada.id, "first", NOW).await.unwrap();
    let second = ask(world, ada.id, "second", NOW).await.unwrap();
    assert!(!confirm(world, &first.change, NOW).await);
    assert!(!confirm(world, &second.change, after(3_600)).await);
    assert_eq!(address(world, ada.id).await, canonical("ada"));
    // A purpose doesn't know the other's tokens.
    assert!(!confirm(world, &second.undo, NOW).await);
    assert_eq!(undo(world, &second.change, NOW).await, None);
}

pub async fn of_fifty_confirmations_one_works(world: &World) {
    let ada = world.account("ada", &[]).await;
    for round in 0..rounds(4, 200) {
        let name = format!("round{round}");
        let tokens = ask(world, ada.id, &name, NOW).await.unwrap();
        let answers = all_at_once(50, |_| {
            let (world, change) = (world.clone(), tokens.change);
            async move { confirm(&world, &change, NOW).await }
        })
        .await;
        assert_eq!(answers.iter().filter(|worked| **worked).count(), 1);
        assert_eq!(address(world, ada.id).await, canonical(&name));
    }
}

pub async fn of_fifty_undos_one_works(world: &World) {
    let ada = world.account("ada", &[]).await;
    for round in 0..rounds(4, 200) {
        let tokens = ask(world, ada.id, &format!("round{round}"), NOW)
            .await
            .unwrap();
        let expected = match round % 2 {
            0 => Undone::Cancelled,
            _ => {
                assert!(confirm(world, &tokens.change, NOW).await);
                Undone::PutBack
            }
        };
        let answers = all_at_once(50, |_| {
            let (world, token) = (world.clone(), tokens.undo);
            async move { undo(&world, &token, NOW).await }
        })
        .await;
        let worked: Vec<_> = answers.into_iter().flatten().collect();
        assert_eq!(worked, [expected]);
        assert_eq!(address(world, ada.id).await, canonical("ada"));
    }
}

pub async fn two_who_want_one_address_are_one_who_gets_it(world: &World) {
    for round in 0..rounds(8, 200) {
        let wanted = format!("wanted{round}");
        let mut tokens = Vec::new();
        for side in ["left", "right"] {
            let account = world.account(&format!("{side}{round}"), &[]).await;
            let asked = ask(world, account.id, &wanted, NOW).await.unwrap();
            tokens.push((account.id, asked.change));
        }
        let asked = tokens.clone();
        let answers = all_at_once(2, |side| {
            let (world, (_, change)) = (world.clone(), asked[side]);
            async move { confirm(&world, &change, NOW).await }
        })
        .await;
        assert_eq!(answers.iter().filter(|worked| **worked).count(), 1);
        for ((account, _), worked) in tokens.iter().zip(answers) {
            let has_it = address(world, *account).await == canonical(&wanted);
            assert_eq!(has_it, worked);
        }
    }
}

pub async fn an_undo_before_the_confirmation_cancels_it(world: &World) {
    let ada = world.account("ada", &[]).await;
    let head = world.session("ada", ada.id, NOW).await;
    let tokens = ask(world, ada.id, "new", NOW).await.unwrap();
    let undone = undo(world, &tokens.undo, after(5)).await;
    assert_eq!(undone, Some(Undone::Cancelled));
    assert!(!confirm(world, &tokens.change, after(5)).await);
    assert_eq!(undo(world, &tokens.undo, after(5)).await, None);
    let rotated = world.rotate(&head, 0, after(6)).await;
    assert!(matches!(rotated, Rotation::Advanced(_)));
    assert_eq!(world.count("address.change_cancelled").await, 1);
}

pub async fn an_undo_puts_the_address_back_and_ends_what_was_opened_since(world: &World) {
    let store = &world.store;
    let ada = world.account("ada", &[]).await;
    let tokens = ask(world, ada.id, "thief", NOW).await.unwrap();
    assert!(confirm(world, &tokens.change, NOW).await);
    // Whoever has the new address resets the password through it, and goes on to another one.
    let reset = world.issue_reset(ada.id, NOW).await.unwrap();
    let context = anonymous(NOW);
    let (notice, key) = (letter(MailKind::ResetNotice), guess_key("thief"));
    let was_reset = store
        .reset_password(&context, &reset, hash("thief"), key, notice)
        .await;
    assert!(was_reset.unwrap());
    let head = world.session("thief", ada.id, NOW).await;
    let later = ask(world, ada.id, "elsewhere", NOW).await.unwrap();
    assert!(confirm(world, &later.change, NOW).await);
    world.waiting_mail().await;

    let almost = NOW.saturating_add(3 * DAY - 1);
    let undone = undo(world, &tokens.undo, almost).await;
    assert_eq!(undone, Some(Undone::PutBack));
    assert_eq!(address(world, ada.id).await, canonical("ada"));
    let rotated = world.rotate(&head, 0, almost).await;
    assert!(matches!(rotated, Rotation::Dead));
    let account = store.account(ada.id).await.unwrap().unwrap();
    assert_eq!((account.version, account.device_epoch), (2, 2));
    // The undo of whoever came later is void: the first owner keeps the account.
    assert_eq!(undo(world, &later.undo, almost).await, None);
    assert_eq!(address(world, ada.id).await, canonical("ada"));
    assert_eq!(world.count("address.put_back").await, 1);
}

pub async fn an_undo_is_good_for_three_days(world: &World) {
    let ada = world.account("ada", &[]).await;
    let tokens = ask(world, ada.id, "new", NOW).await.unwrap();
    assert!(confirm(world, &tokens.change, NOW).await);
    let late = NOW.saturating_add(3 * DAY);
    assert_eq!(undo(world, &tokens.undo, late).await, None);
    assert_eq!(address(world, ada.id).await, canonical("new"));
}

pub async fn nobody_gets_an_address_that_may_be_put_back(world: &World) {
    let store = &world.store;
    let ada = world.account("ada", &[]).await;
    let bob = world.account("bob", &[]).await;
    let tokens = ask(world, ada.id, "new", NOW).await.unwrap();
    assert!(confirm(world, &tokens.change, NOW).await);
    world.waiting_mail().await;
    let mailed = world.register("ada", NOW).await;
    let context = anonymous(NOW);
    let id = AccountId(super::world::RANDOM.uuid());
    let (_, at_once) = registration("ada", NOW);
    let registered = store.register_at_once(&context, id, at_once, registration_mail());
    registered.await.unwrap();
    assert_eq!(store.account(id).await.unwrap(), None);
    let theirs = ask(world, bob.id, "ada", NOW).await.unwrap();
    assert_eq!(
        world.waiting_mail_sorted().await,
        [
            "address_change_notice",
            "address_taken",
            "address_taken",
            "change_to_taken"
        ]
    );
    assert_eq!(world.activate(&mailed, id, NOW).await.unwrap(), None);
    assert!(!confirm(world, &theirs.change, NOW).await);
    let operator = at(NOW, Actor::Operator);
    let created = store.create_account(&operator, new_account("ada", &[]));
    assert_eq!(
        created.await.unwrap(),
        Err(CreateAccountError::AddressTaken)
    );
    let invited = super::invites::try_to_invite(world, Actor::Operator, "ada", &[]);
    assert_eq!(invited.await.unwrap(), Err(InviteError::AddressTaken));
    // Its own account may go back there, and after three days anybody may have it.
    let back = ask(world, ada.id, "ada", NOW).await.unwrap();
    assert!(confirm(world, &back.change, NOW).await);
    let again = ask(world, ada.id, "newer", NOW).await.unwrap();
    assert!(confirm(world, &again.change, NOW).await);
    let later = at(NOW.saturating_add(3 * DAY), Actor::Operator);
    let created = store.create_account(&later, new_account("ada", &[]));
    assert!(created.await.unwrap().is_ok());
}

pub async fn a_reset_a_changed_password_and_a_suspension_take_a_request_back(world: &World) {
    let store = &world.store;
    let ada = world.account("ada", &[]).await;
    let tokens = ask(world, ada.id, "new", NOW).await.unwrap();
    let reset = world.issue_reset(ada.id, NOW).await.unwrap();
    let context = anonymous(NOW);
    let (notice, key) = (letter(MailKind::ResetNotice), guess_key("ada"));
    let was_reset = store
        .reset_password(&context, &reset, hash("other"), key, notice)
        .await;
    assert!(was_reset.unwrap());
    assert!(!confirm(world, &tokens.change, NOW).await);
    // What was asked for before the reset and is granted after it is nobody's any more.
    assert!(ask_as(world, &ada, "new", NOW).await.is_none());
    // The undo outlives the reset.
    assert_eq!(
        undo(world, &tokens.undo, NOW).await,
        Some(Undone::Cancelled)
    );

    let head = world.session("other", ada.id, NOW).await;
    let tokens = ask(world, ada.id, "new", NOW).await.unwrap();
    let notice = letter(MailKind::PasswordChangedNotice);
    let context = at(NOW, Actor::Account(ada.id));
    let (session, current, new) = (head.session.id, hash("other"), hash("third"));
    let changed = store.change_password(&context, session, ada.id, &current, new, notice);
    assert!(changed.await.unwrap());
    assert!(!confirm(world, &tokens.change, NOW).await);

    let asked = store.account(ada.id).await.unwrap().unwrap();
    let tokens = ask(world, ada.id, "new", NOW).await.unwrap();
    let operator = at(NOW, Actor::Operator);
    for status in [AccountStatus::Suspended, AccountStatus::Active] {
        let set = store.set_status(&operator, ada.id, status).await;
        set.unwrap().unwrap();
        assert!(!confirm(world, &tokens.change, NOW).await, "{status:?}");
        assert!(ask_as(world, &asked, "new", NOW).await.is_none());
    }
    assert_eq!(address(world, ada.id).await, canonical("ada"));
    assert_eq!(world.count("address.changed").await, 0);
}

pub async fn a_suspended_account_gets_its_address_back_and_stays_suspended(world: &World) {
    let store = &world.store;
    let ada = world.account("ada", &[]).await;
    let tokens = ask(world, ada.id, "new", NOW).await.unwrap();
    assert!(confirm(world, &tokens.change, NOW).await);
    let operator = at(NOW, Actor::Operator);
    let suspended = store.set_status(&operator, ada.id, AccountStatus::Suspended);
    suspended.await.unwrap().unwrap();
    let undone = undo(world, &tokens.undo, NOW).await;
    assert_eq!(undone, Some(Undone::PutBack));
    let account = store.account(ada.id).await.unwrap().unwrap();
    assert_eq!(account.email, email("ada"));
    assert_eq!(account.status, AccountStatus::Suspended);
}

pub async fn of_several_undos_the_earliest_has_the_last_word(world: &World) {
    for order in [[0, 1, 2], [1, 0, 2], [2, 1, 0], [2, 0, 1], [1, 2, 0]] {
        let names = ["first", "second", "third", "fourth"].map(|name| {
            let order = order.map(|undo: usize| undo.to_string()).concat();
            format!("{name}{order}")
        });
        let account = world.account(&names[0], &[]).await.id;
        let mut undos = Vec::new();
        for name in &names[1..] {
            let tokens = ask(world, account, name, NOW).await.unwrap();
            assert!(confirm(world, &tokens.change, NOW).await);
            undos.push(tokens.undo);
        }
        let mut earliest = undos.len();
        for used in order {
            let undone = undo(world, &undos[used], NOW).await;
            let works = used < earliest;
            assert_eq!(undone, works.then_some(Undone::PutBack), "{order:?} {used}");
            earliest = earliest.min(used);
            assert_eq!(address(world, account).await, canonical(&names[earliest]));
        }
    }
}

pub async fn who_goes_back_to_an_address_voids_what_led_elsewhere_since(world: &World) {
    let ada = world.account("ada", &[]).await;
    let away = ask(world, ada.id, "thief", NOW).await.unwrap();
    assert!(confirm(world, &away.change, NOW).await);
    let back = ask(world, ada.id, "ada", NOW).await.unwrap();
    assert!(confirm(world, &back.change, NOW).await);
    // The thief's mailbox got this one, and would get the account with it.
    assert_eq!(undo(world, &back.undo, NOW).await, None);
    let kept = undo(world, &away.undo, NOW).await;
    assert_eq!(kept, Some(Undone::Cancelled));
    assert_eq!(address(world, ada.id).await, canonical("ada"));
}

pub async fn whoever_proves_a_mailbox_is_not_held_up_by_guesses_at_it(world: &World) {
    let (store, policy) = (&world.store, GuessPolicy::default());
    let ada = world.account("ada", &[]).await;
    let tokens = ask(world, ada.id, "new", NOW).await.unwrap();
    for name in ["new", "old"] {
        let key = guess_key(name);
        for _ in 0..3 {
            store.begin_guess(&key, NOW, &policy).await.unwrap();
        }
        let held_up = store.begin_guess(&key, NOW, &policy).await.unwrap();
        assert!(matches!(held_up, Guess::Wait { .. }));
        match name {
            "new" => assert!(confirm(world, &tokens.change, NOW).await),
            _ => assert!(undo(world, &tokens.undo, NOW).await.is_some()),
        }
        let free = store.begin_guess(&key, NOW, &policy).await.unwrap();
        assert!(matches!(free, Guess::Counted(_)), "{name}");
    }
}

pub async fn an_address_that_was_never_proven_gets_no_undo(world: &World) {
    let store = &world.store;
    let operator = at(NOW, Actor::Operator);
    let ada = world.unverified("typo", &[]).await;
    let tokens = ask(world, ada.id, "right", NOW).await.unwrap();
    assert_eq!(world.waiting_mail().await, ["address_change"]);
    assert!(confirm(world, &tokens.change, NOW).await);
    assert_eq!(undo(world, &tokens.undo, NOW).await, None);
    assert_eq!(address(world, ada.id).await, canonical("right"));
    let created = store.create_account(&operator, new_account("typo", &[]));
    assert!(created.await.unwrap().is_ok(), "nothing is reserved");
}

pub async fn an_undo_and_a_confirmation_at_once_leave_the_old_address(world: &World) {
    for round in 0..rounds(8, 200) {
        let name = format!("owner{round}");
        let account = world.account(&name, &[]).await;
        let wanted = format!("wanted{round}");
        let tokens = ask(world, account.id, &wanted, NOW).await.unwrap();
        let (change, back) = (tokens.change, tokens.undo);
        let answers = all_at_once(2, |side| {
            let world = world.clone();
            async move {
                match side {
                    0 => confirm(&world, &change, NOW).await,
                    _ => undo(&world, &back, NOW).await.is_some(),
                }
            }
        })
        .await;
        assert!(answers[1], "an undo always works");
        assert_eq!(address(world, account.id).await, canonical(&name));
    }
}
