//! Invites.

use serde_json::json;

use super::rounds;
use super::world::{
    NOW, POLICY, RANDOM, World, after, all_at_once, anonymous, at, effects, email, guess_key, hash,
    letter, new_session, registration, registration_mail, roles, token,
};
use crate::account::{Account, AccountId, AccountStatus, DisplayName, EmailVerification};
use crate::audit::Actor;
use crate::limit::{Guess, GuessPolicy};
use crate::mail::MailKind;
use crate::mailed_token::{MailedTokenHash, Purpose};
use crate::ports::invites::{Acceptance, INVITED_ACCOUNTS_KEPT, InviteError, NewInvite};
use crate::ports::{AccountFilter, AdminRefusal, Credential, LoginEffects, Ruled, StoreResult};
use crate::role::grant::GrantError;
use crate::time::UnixTime;

fn invite_of(name: &str, role_names: &[&str], now: UnixTime) -> (MailedTokenHash, NewInvite) {
    let (mailed, kept) = token(Purpose::Invite, now);
    let invite = NewInvite {
        id: AccountId(RANDOM.uuid()),
        email: email(name),
        name: None,
        roles: roles(role_names),
        token: kept,
        mail: letter(MailKind::Invite),
    };
    (mailed, invite)
}

/// Invites for an operator; answers the account and the token.
async fn invite(
    world: &World,
    name: &str,
    role_names: &[&str],
    now: UnixTime,
) -> (Account, MailedTokenHash) {
    let (mailed, invite) = invite_of(name, role_names, now);
    let invited = world.store.invite(&at(now, Actor::Operator), invite).await;
    (invited.unwrap().unwrap(), mailed)
}

pub async fn try_to_invite(
    world: &World,
    actor: Actor,
    name: &str,
    role_names: &[&str],
) -> Ruled<Account, InviteError> {
    let (_, invite) = invite_of(name, role_names, NOW);
    world.store.invite(&at(NOW, actor), invite).await
}

fn acceptance(password: &str) -> Acceptance {
    Acceptance {
        password: hash(password),
        name: None,
        clears: guess_key("ada"),
    }
}

async fn accept(
    world: &World,
    mailed: &MailedTokenHash,
    password: &str,
    now: UnixTime,
) -> StoreResult<Option<Account>> {
    let store = &world.store;
    store
        .accept_invite(&anonymous(now), mailed, acceptance(password))
        .await
}

async fn listed(world: &World, status: AccountStatus) -> Vec<AccountId> {
    let filter = AccountFilter {
        status: Some(status),
        ..AccountFilter::default()
    };
    let found = world.store.accounts(&filter, None, 10).await.unwrap();
    found.into_iter().map(|account| account.id).collect()
}

pub async fn an_accepted_invite_is_an_account_of_its_owners(world: &World) {
    let store = &world.store;
    super::roles::create(world, "clerk", &["users:read"], &[]).await;
    let (mailed, mut order) = invite_of("ada", &["clerk", "user"], NOW);
    order.name = Some(DisplayName::parse("Ada").unwrap());
    let operator = at(NOW, Actor::Operator);
    let invited = store.invite(&operator, order).await.unwrap().unwrap();
    assert_eq!(invited.status, AccountStatus::Invited);
    assert!(!invited.email_verified);
    assert_eq!(invited.roles, roles(&["clerk"]));
    assert_eq!(world.waiting_mail().await, ["invite"]);
    assert_eq!(listed(world, AccountStatus::Invited).await, [invited.id]);
    assert!(listed(world, AccountStatus::Suspended).await.is_empty());
    assert_eq!(
        store.account(invited.id).await.unwrap(),
        Some(invited.clone())
    );
    let found = store.invited(&mailed, after(5)).await.unwrap();
    assert_eq!(found.as_ref(), Some(&invited));

    let (key, policy) = (guess_key("ada"), GuessPolicy::default());
    for _ in 0..3 {
        store.begin_guess(&key, NOW, &policy).await.unwrap();
    }
    let accepted = accept(world, &mailed, "ada", after(5)).await;
    let accepted = accepted.unwrap().unwrap();
    assert_eq!(accepted.id, invited.id);
    assert_eq!(accepted.status, AccountStatus::Active);
    assert!(accepted.email_verified);
    assert_eq!(accepted.roles, invited.roles);
    assert_eq!(accepted.name, invited.name);
    assert_eq!(listed(world, AccountStatus::Active).await, [invited.id]);
    let guess = store.begin_guess(&key, NOW, &policy).await.unwrap();
    assert!(
        matches!(guess, Guess::Counted(_)),
        "the guesses are cleared"
    );
    world.session("ada", accepted.id, after(6)).await;
    for used in [NOW, after(6)] {
        assert_eq!(store.invited(&mailed, used).await.unwrap(), None);
        assert_eq!(accept(world, &mailed, "eve", used).await.unwrap(), None);
    }
    let trail = world.trail().await;
    let told = trail
        .iter()
        .find(|row| row.event.action == "account.invited");
    let told = &told.unwrap().event;
    let detail: serde_json::Value = serde_json::from_str(&told.detail).unwrap();
    assert_eq!(detail, json!({ "again": false, "roles": ["clerk"] }));
    assert_eq!(told.subject, Some(invited.id.to_string()));
    assert_eq!(world.count("invite.accepted").await, 1);
}

pub async fn who_accepts_may_say_what_they_are_called(world: &World) {
    let (mailed, mut order) = invite_of("ada", &[], NOW);
    order.name = Some(DisplayName::parse("Ada").unwrap());
    let invited = world.store.invite(&at(NOW, Actor::Operator), order).await;
    invited.unwrap().unwrap();
    let own = Acceptance {
        name: Some(DisplayName::parse("ÄDA").unwrap()),
        ..acceptance("ada")
    };
    let store = &world.store;
    let accepted = store.accept_invite(&anonymous(NOW), &mailed, own).await;
    let accepted = accepted.unwrap().unwrap();
    assert_eq!(accepted.name.as_ref().unwrap().as_str(), "ÄDA");
    let filter = AccountFilter {
        text: Some("äda".to_owned()),
        ..AccountFilter::default()
    };
    let found = store.accounts(&filter, None, 10).await.unwrap();
    assert_eq!(found, [accepted]);
}

pub async fn of_fifty_acceptances_one_works(world: &World) {
    for round in 0..rounds(4, 200) {
        let (invited, mailed) = invite(world, &format!("ada{round}"), &[], NOW).await;
        let answers = all_at_once(50, |number| {
            let world = world.clone();
            async move {
                let password = format!("password {number}");
                let accepted = accept(&world, &mailed, &password, NOW).await.unwrap();
                accepted.map(|_| hash(&password))
            }
        })
        .await;
        let worked: Vec<_> = answers.into_iter().flatten().collect();
        assert_eq!(worked.len(), 1);
        let kept = world.store.account_with_password(invited.id).await;
        assert_eq!(kept.unwrap().unwrap().1, worked[0]);
    }
}

pub async fn a_second_invite_takes_the_place_of_the_first(world: &World) {
    let store = &world.store;
    for name in ["clerk", "lead"] {
        super::roles::create(world, name, &[], &[]).await;
    }
    let (first, old) = invite(world, "ada", &["clerk"], NOW).await;
    let (_, mut order) = invite_of("ADA", &["lead"], after(60));
    let new = order.token.hash;
    order.name = Some(DisplayName::parse("Ada").unwrap());
    let again = store.invite(&at(after(60), Actor::Operator), order).await;
    let again = again.unwrap().unwrap();
    assert_eq!(again.id, first.id);
    assert_eq!(again.roles, roles(&["lead"]));
    assert_eq!(again.name.as_ref().unwrap().as_str(), "Ada");
    assert_eq!(accept(world, &old, "ada", after(60)).await.unwrap(), None);
    let (unchanged, newest) = invite(world, "ada", &["lead"], after(61)).await;
    assert_eq!(unchanged.name, again.name, "nothing said, nothing changed");
    assert_eq!(store.invited(&new, after(61)).await.unwrap(), None);
    let week = after(61 + Purpose::Invite.lifetime());
    assert_eq!(store.invited(&newest, week).await.unwrap(), None);
    assert_eq!(accept(world, &newest, "ada", week).await.unwrap(), None);
    let (_, late) = invite(world, "ada", &[], week).await;
    let accepted = accept(world, &late, "ada", week).await.unwrap();
    assert_eq!(accepted.unwrap().roles, roles(&[]));
    assert_eq!(world.count("account.invited").await, 4);
}

pub async fn inviting_again_and_accepting_at_once_do_one_of_both(world: &World) {
    for round in 0..rounds(10, 200) {
        let name = format!("ada{round}");
        let (_, mailed) = invite(world, &name, &[], NOW).await;
        let answers = all_at_once(2, |number| {
            let (world, name) = (world.clone(), name.clone());
            async move {
                match number {
                    0 => {
                        let again = try_to_invite(&world, Actor::Operator, &name, &["admin"]);
                        again.await.unwrap().is_ok()
                    }
                    _ => accept(&world, &mailed, "ada", NOW).await.unwrap().is_some(),
                }
            }
        })
        .await;
        assert_ne!(answers[0], answers[1]);
        let canonical = email(&name).canonical().to_owned();
        let Credential::Account { account, .. } =
            world.store.credential(&canonical, NOW).await.unwrap()
        else {
            panic!("the account is gone");
        };
        let (status, given) = match answers[0] {
            true => (AccountStatus::Invited, roles(&["admin"])),
            false => (AccountStatus::Active, roles(&[])),
        };
        assert_eq!((account.status, account.roles), (status, given));
    }
}

pub async fn nobody_invites_to_more_than_they_hold(world: &World) {
    super::roles::create(world, "helper", &["users:read", "users:write"], &[]).await;
    super::roles::create(world, "blind", &["users:write"], &[]).await;
    super::roles::create(world, "reader", &["users:read"], &[]).await;
    let actor = async |name: &str, role: &str| {
        let account = world.account(name, &[role]).await;
        Actor::Account(account.id)
    };
    let helper = actor("helper", "helper").await;
    let forbidden = Err(InviteError::Change(AdminRefusal::Forbidden));
    for outsider in [
        actor("blind", "blind").await,
        actor("reader", "reader").await,
        Actor::Account(world.account("nobody", &[]).await.id),
        Actor::Account(AccountId(RANDOM.uuid())),
        Actor::Anonymous,
    ] {
        // Taken or not, it's the same to them.
        for name in ["ada", "helper"] {
            let answer = try_to_invite(world, outsider, name, &[]).await;
            assert_eq!(answer.unwrap(), forbidden, "{outsider:?}");
        }
    }
    let refused = |error: GrantError| Err(InviteError::Change(error.into()));
    let above = try_to_invite(world, helper, "ada", &["admin"]).await;
    assert_eq!(above.unwrap(), refused(GrantError::BeyondOwnAuthority));
    let ghost = roles(&["ghost"]).into_iter().next().unwrap();
    let unknown = try_to_invite(world, helper, "ada", &["ghost"]).await;
    assert_eq!(unknown.unwrap(), refused(GrantError::UnknownRole(ghost)));
    let fits = try_to_invite(world, helper, "ada", &["helper", "user"]).await;
    assert_eq!(fits.unwrap().unwrap().roles, roles(&["helper"]));

    let (root, mailed) = invite(world, "root", &["admin"], NOW).await;
    let demoted = try_to_invite(world, helper, "root", &[]).await;
    assert_eq!(demoted.unwrap(), refused(GrantError::BeyondOwnAuthority));
    let accepted = accept(world, &mailed, "root", NOW).await.unwrap();
    assert_eq!(accepted.map(|account| account.roles), Some(root.roles));
}

pub async fn who_has_an_account_is_not_invited(world: &World) {
    let store = &world.store;
    let operator = at(NOW, Actor::Operator);
    world.account("active", &[]).await;
    let stopped = world.account("stopped", &[]).await;
    let suspended = store.set_status(&operator, stopped.id, AccountStatus::Suspended);
    suspended.await.unwrap().unwrap();
    world.unverified("unverified", &[]).await;
    for name in ["active", "stopped", "UNVERIFIED"] {
        let answer = try_to_invite(world, Actor::Operator, name, &["admin"]).await;
        assert_eq!(answer.unwrap(), Err(InviteError::AddressTaken), "{name}");
    }
    assert_eq!(world.waiting_mail().await, [""; 0]);
    assert_eq!(world.count("account.invited").await, 0);
}

pub async fn an_invite_is_stronger_than_a_registration(world: &World) {
    let store = &world.store;
    let earlier = world.register("ada", NOW).await;
    let (invited, mailed) = invite(world, "ada", &[], NOW).await;
    let later = world.register("ada", NOW).await;
    let (_, pending) = registration("ada", NOW);
    let id = AccountId(RANDOM.uuid());
    let context = anonymous(NOW);
    let registered = store.register_at_once(&context, id, pending, registration_mail());
    registered.await.unwrap();
    assert_eq!(
        world.waiting_mail_sorted().await,
        ["address_taken", "address_taken", "invite", "verify"]
    );
    assert!(world.renew_verification("ada", NOW).await.is_none());
    for void in [&earlier, &later] {
        let proven = world.activate(void, id, NOW).await.unwrap();
        assert_eq!(proven, None);
    }
    let accepted = accept(world, &mailed, "ada", NOW).await.unwrap();
    assert_eq!(accepted.map(|account| account.id), Some(invited.id));
}

pub async fn an_invited_account_is_of_no_use_to_anybody(world: &World) {
    let store = &world.store;
    let (ada, mailed) = invite(world, "ada", &["admin"], NOW).await;
    let actor = Actor::Account(ada.id);
    assert!(!store.admin_exists().await.unwrap());
    let canonical = email("ada").canonical().to_owned();
    let credential = store.credential(&canonical, NOW).await.unwrap();
    let Credential::Account { account, password } = credential else {
        panic!("{credential:?}");
    };
    assert_eq!(account.status, AccountStatus::Invited);
    assert!(password.is_none());
    assert!(world.issue_reset(ada.id, NOW).await.is_none());
    let entering = LoginEffects {
        checked: password,
        verification: EmailVerification::Optional,
        ..effects("ada")
    };
    let context = at(NOW, actor);
    let opened = world
        .sessions
        .open_session(&context, new_session(ada.id), entering, &POLICY);
    assert_eq!(opened.await.unwrap(), None);
    let given = try_to_invite(world, actor, "bob", &[]).await;
    let forbidden = Err(InviteError::Change(AdminRefusal::Forbidden));
    assert_eq!(given.unwrap(), forbidden);
    let operator = at(NOW, Actor::Operator);
    let activated = store.set_status(&operator, ada.id, AccountStatus::Active);
    assert_eq!(activated.await.unwrap(), Err(AdminRefusal::Invited));
    let bob = world.account("bob", &[]).await;
    let made = store.set_status(&operator, bob.id, AccountStatus::Invited);
    assert_eq!(made.await.unwrap(), Err(AdminRefusal::Forbidden));
    let found = store.invited(&mailed, NOW).await.unwrap();
    assert_eq!(found, Some(ada), "and it is as it was");
}

pub async fn suspending_takes_an_invite_back(world: &World) {
    let store = &world.store;
    let operator = at(NOW, Actor::Operator);
    let (ada, mailed) = invite(world, "ada", &[], NOW).await;
    let suspended = store.set_status(&operator, ada.id, AccountStatus::Suspended);
    let suspended = suspended.await.unwrap().unwrap();
    assert_eq!(suspended.status, AccountStatus::Suspended);
    assert_eq!(store.invited(&mailed, NOW).await.unwrap(), None);
    assert_eq!(accept(world, &mailed, "ada", NOW).await.unwrap(), None);
    let again = try_to_invite(world, Actor::Operator, "ada", &[]).await;
    assert_eq!(again.unwrap(), Err(InviteError::AddressTaken));
    let active = store.set_status(&operator, ada.id, AccountStatus::Active);
    let active = active.await.unwrap().unwrap();
    assert!(!active.email_verified, "nobody has proven anything");
    assert_eq!(accept(world, &mailed, "ada", NOW).await.unwrap(), None);
    assert!(world.issue_reset(ada.id, NOW).await.is_some());
}

pub async fn an_invite_that_nobody_accepts_goes_with_its_account(world: &World) {
    let store = &world.store;
    let (ada, _) = invite(world, "ada", &["admin"], NOW).await;
    let (bob, _) = invite(world, "bob", &[], NOW).await;
    let (eve, mailed) = invite(world, "eve", &[], NOW).await;
    accept(world, &mailed, "eve", NOW).await.unwrap().unwrap();
    invite(world, "bob", &[], after(60)).await;
    let month = NOW.saturating_add(INVITED_ACCOUNTS_KEPT);
    let early = month.saturating_sub(1);
    store.sweep(early, &POLICY).await.unwrap();
    assert!(store.account(ada.id).await.unwrap().is_some());
    store.sweep(month, &POLICY).await.unwrap();
    assert_eq!(store.account(ada.id).await.unwrap(), None);
    for stays in [bob.id, eve.id] {
        assert!(store.account(stays).await.unwrap().is_some());
    }
    let told = r#"{"was":"invited"}"#.to_owned();
    assert_eq!(world.expired().await, [(Some(ada.id.to_string()), told)]);
    let (again, _) = invite(world, "ada", &[], month).await;
    assert_ne!(again.id, ada.id);
}
